package store_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"epistle/internal/storetest"
)

// TestADeadlineHoldsOnAConnectionThatHasGoneSilent: a statement, and one that was
// prepared, end soon after their context, though the server never answers; and
// what asks for a new connection does.
func TestADeadlineHoldsOnAConnectionThatHasGoneSilent(t *testing.T) {
	clock := storetest.NewClock()
	line := storetest.NewLine(t, storetest.PostgresURL(t))
	s := storetest.Open(t, line.URL, clock.Now)
	read := map[string]func(context.Context) error{
		"a statement":           func(ctx context.Context) error { _, err := s.Newsletters(ctx); return err },
		"a prepared statement":  func(ctx context.Context) error { _, _, err := s.ReadRange(ctx, 1, 1, 1); return err },
		"a transaction":         func(ctx context.Context) error { return s.ForgetBuckets(ctx, clock.Now()) },
		"the daemon's own look": s.Fit,
	}
	for _, try := range read {
		_ = try(t.Context()) // so that connections and statements are there
	}
	line.Stall()
	for name, try := range read {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		ended := make(chan error, 1)
		go func() { ended <- try(ctx) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s over a silent line: %v, want that its time was over", name, err)
			}
		case <-time.After(20 * time.Second): // longer than any deadline here, shorter than TCP's
			t.Errorf("%s outlives its context", name)
			line.Mend()
			if err := <-ended; err == nil {
				t.Logf("%s got its answer once the line was mended", name)
			}
			line.Stall()
		}
		cancel()
	}
	line.Mend()
	for name, try := range read {
		if err := try(t.Context()); err != nil && name != "a prepared statement" { // of an issue that is not there
			t.Errorf("%s when the line is back: %v", name, err)
		}
	}
}

// What the server says of a statement that its caller broke off is not heard as
// a fault of the database.
func TestAStatementThatIsBrokenOffSaysThatItWas(t *testing.T) {
	clock, url := storetest.NewClock(), storetest.PostgresURL(t)
	s := storetest.Open(t, url, clock.Now)
	server, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	lock, err := server.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Rollback() }()
	if _, err := lock.ExecContext(t.Context(), `LOCK TABLE newsletter, bucket`); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func(context.Context) error{
		"a statement":   func(ctx context.Context) error { _, err := s.Newsletters(ctx); return err },
		"a transaction": func(ctx context.Context) error { return s.ForgetBuckets(ctx, clock.Now()) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- try(ctx) }()
		waitForLock(t, server, ended)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// waitForLock returns when somebody waits for a lock in this database.
func waitForLock(t *testing.T, server *sql.DB, ended <-chan error) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for waiting := 0; waiting == 0; {
		select {
		case err := <-ended:
			t.Fatalf("it did not wait for the lock: %v", err)
		case <-look.C:
		}
		if err := server.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_locks
			WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
}
