package store_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// askewClock is a machine's clock that is off by some time. The database server
// of the tests runs on this machine, whose own clock therefore is right.
type askewClock struct{ by atomic.Int64 }

func (c *askewClock) now() time.Time { return time.Now().UTC().Add(time.Duration(c.by.Load())) }

func openFollowing(t *testing.T, url string, machine *askewClock) (*store.Store, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	key := seal.NewKey()
	s, err := store.Open(t.Context(), store.Options{URL: url, Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) },
		Clock: machine.now, FollowDatabase: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, &log
}

// off is how far the store's clock is from the database's, at most.
func off(s *store.Store) time.Duration { return time.Since(s.Clock()()).Abs() }

// near is what a busy machine may take to be asked for the time.
const near = 300 * time.Millisecond

// claims tries to take something of each kind.
func claims(t *testing.T, s *store.Store, issue epistle.ID) map[string]error {
	t.Helper()
	ctx, all := t.Context(), map[string]error{}
	_, all["a slot"] = s.ClaimSlot(ctx, epistle.Slot{Series: "a", Label: t.Name() + s.Clock()().String(), At: s.Clock()()}, "me", time.Minute)
	_, all["notices"] = s.ClaimNotices(ctx, "me", time.Minute, 1)
	_, all["due deliveries"] = s.ClaimDue(ctx, epistle.BulkDelivery, time.Minute, 1)
	_, all["a share"] = s.OpenShare(ctx, issue, "me", time.Minute)
	return all
}

func TestTheClockFollowsTheDatabase(t *testing.T) {
	machine := &askewClock{}
	machine.by.Store(int64(-700 * time.Millisecond))
	s, _ := openFollowing(t, storetest.PostgresURL(t), machine)
	if d := off(s); d > near {
		t.Errorf("at the start the clock is off by %s", d)
	}
	issue := launchedBy(t, s)
	// The machine's clock is set twice, to somewhere and then nearly right.
	machine.by.Store(int64(2 * time.Minute))
	if err := s.Fit(t.Context()); err == nil {
		t.Error("the clock is off by two minutes, and nobody says so")
	}
	machine.by.Store(int64(600 * time.Millisecond))
	if err := s.Fit(t.Context()); err != nil {
		t.Errorf("the clock is off by less than a second: %v", err)
	}
	if d := off(s); d > near {
		t.Errorf("after it was set the clock is off by %s", d)
	}
	for what, err := range claims(t, s, issue) {
		if err != nil {
			t.Errorf("claim %s: %v", what, err)
		}
	}
}

func TestADaemonWhoseClockIsWrongClaimsNothing(t *testing.T) {
	machine := &askewClock{}
	s, log := openFollowing(t, storetest.PostgresURL(t), machine)
	issue := launchedBy(t, s)
	share, err := s.OpenShare(t.Context(), issue, "me", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	machine.by.Store(int64(-90 * time.Second))
	for what, err := range claims(t, s, issue) {
		if epistle.KindOf(err) != epistle.Unavailable || !strings.Contains(err.Error(), "database.clock") {
			t.Errorf("claim %s: %v, want that the clock is off", what, err)
		}
	}
	given, err := s.MarkShare(t.Context(), store.Mark{IssueID: issue, Number: share.Number, Lease: time.Minute, Want: store.Want{Ranges: 1, Size: 1, Split: 1}})
	if err != nil || len(given) != 0 {
		t.Errorf("a share that was begun was given %v, error %v; want nothing", given, err)
	}
	if err := s.Fit(t.Context()); epistle.KindOf(err) != epistle.Unavailable {
		t.Errorf("fit: %v", err)
	}
	if d := off(s); d > near {
		t.Errorf("even so the clock that counts is the database's; it is off by %s", d)
	}
	if n := strings.Count(log.String(), "claims nothing"); n != 1 {
		t.Errorf("said %d times, want once:\n%s", n, log)
	}
	machine.by.Store(0)
	if err := s.Fit(t.Context()); err != nil {
		t.Errorf("the clock was set right: %v", err)
	}
	given, err = s.MarkShare(t.Context(), store.Mark{IssueID: issue, Number: share.Number, Lease: time.Minute, Want: store.Want{Ranges: 1, Size: 1, Split: 1}})
	if err != nil || len(given) != 1 {
		t.Errorf("the share was given %v, error %v; want a range", given, err)
	}
}

// launchedBy launches an issue to some people, by the store's own clock.
func launchedBy(t *testing.T, s *store.Store) epistle.ID {
	t.Helper()
	n, err := s.CreateNewsletter(t.Context(), sampleNewsletter(), epistle.AuditEntry{At: s.Clock()(), Actor: epistle.SystemActor()})
	if err != nil {
		t.Fatal(err)
	}
	c := &congregation{t: t, store: s, letters: [2]epistle.Newsletter{n}}
	c.sample(5)
	issue, err := launchFor(t.Context(), s, n.ID)
	c.must(err)
	_, err = s.LaunchChunk(t.Context(), store.Launch{IssueID: issue.ID, NewsletterID: n.ID}, 100)
	c.must(err)
	return issue.ID
}

func TestASQLiteDaemonGoesByItsOwnClock(t *testing.T) {
	machine := &askewClock{}
	machine.by.Store(int64(time.Hour))
	s, _ := openFollowing(t, storetest.SQLiteURL(t), machine)
	if d := off(s); d < time.Hour-near {
		t.Errorf("the clock was changed: off by %s, want an hour", d)
	}
	if err := s.Fit(t.Context()); err != nil {
		t.Error(err)
	}
}
