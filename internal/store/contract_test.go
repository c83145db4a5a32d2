package store_test

import (
	"context"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestNoticeIsQueuedOnceAndClaimedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		notice := epistle.Notice{Kind: epistle.NoticeConfirm, Key: "confirm/1", To: "grace@example.org",
			Language: epistle.Korean, Data: map[string]string{"link": "https://example.org/confirm/x"}}
		for range 2 {
			if err := s.QueueNotice(ctx, notice); err != nil {
				t.Fatal(err)
			}
		}
		claimed, err := s.ClaimNotices(ctx, "a", time.Minute, 10)
		if err != nil || len(claimed) != 1 {
			t.Fatalf("claimed %d notices, error %v; want 1", len(claimed), err)
		}
		if got := claimed[0]; got.To != notice.To || got.Data["link"] != notice.Data["link"] || got.Language != epistle.Korean {
			t.Errorf("the notice came back changed: %+v", got)
		}
		if again, err := s.ClaimNotices(ctx, "b", time.Minute, 10); err != nil || len(again) != 0 {
			t.Fatalf("a second owner got %d notices within the lease, error %v", len(again), err)
		}
		clock.Advance(2 * time.Minute)
		again, err := s.ClaimNotices(ctx, "b", time.Minute, 10)
		if err != nil || len(again) != 1 || again[0].ID != claimed[0].ID {
			t.Fatalf("after the lease the notice did not come back: %v, error %v", again, err)
		}
		settled := claimed[0]
		settled.State = epistle.NoticeAccepted
		if err := s.SettleNotice(ctx, "a", settled, 250, ""); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("the old owner settled a notice that it had lost: %v", err)
		}
		if err := s.SettleNotice(ctx, "b", settled, 250, ""); err != nil {
			t.Errorf("settle: %v", err)
		}
	})
}

func TestAKeyThatDoesNotFitIsRefused(t *testing.T) {
	for _, url := range []func(testing.TB) string{storetest.SQLiteURL, storetest.PostgresURL} {
		at := url(t)
		clock := storetest.NewClock()
		first := seal.NewKey()
		if err := storetest.OpenWithKey(t, at, clock.Now, first).Close(); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(context.Background(), store.Options{URL: at, Clock: clock.Now,
			Keys: func(empty bool) (*seal.Keyring, error) {
				if empty {
					t.Error("the database was said to be empty, though it holds a key check")
				}
				return seal.NewKeyring(seal.NewKey())
			}})
		if epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("open with another key: %v, want a conflict", err)
		}
	}
}

func TestNothingIsMadeWithoutAKey(t *testing.T) {
	for _, url := range []func(testing.TB) string{storetest.SQLiteURL, storetest.PostgresURL} {
		at, clock, key := url(t), storetest.NewClock(), seal.NewKey()
		for range 2 {
			_, err := store.Open(t.Context(), store.Options{URL: at, Clock: clock.Now, Keys: func(empty bool) (*seal.Keyring, error) {
				if !empty {
					t.Error("the database was said to hold something")
				}
				return nil, epistle.Errorf(epistle.NotFound, "cli.key.missing", nil)
			}})
			if epistle.KindOf(err) != epistle.NotFound {
				t.Fatalf("open without a key: %v", err)
			}
		}
		if has, err := store.HasTable(t.Context(), at, "goose_db_version"); err != nil || has {
			t.Errorf("a schema was made (%v), error %v", has, err)
		}
		storetest.OpenWithKey(t, at, clock.Now, key)
	}
}

func TestBrokenTextIsRefusedNotAFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, _ *storetest.Clock) {
		for _, broken := range []string{"a\x00b", "\xff"} {
			_, err := s.People(t.Context(), epistle.PeopleFilter{State: epistle.SubscriptionState(broken)}, 10)
			if err != nil && epistle.KindOf(err) != epistle.Invalid {
				t.Errorf("%q: %v", broken, err)
			}
		}
	})
}

func TestASecondDaemonOnOneSQLiteFileIsRefused(t *testing.T) {
	url, key := storetest.SQLiteURL(t), seal.NewKey()
	open := func() (*store.Store, error) {
		return store.Open(t.Context(), store.Options{URL: url, Clock: storetest.NewClock().Now, Alone: true,
			Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) }})
	}
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(); epistle.KindOf(err) != epistle.Unavailable {
		t.Errorf("second daemon: %v, want unavailable", err)
	}
	storetest.OpenWithKey(t, url, storetest.NewClock().Now, key) // a command beside the daemon
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	third, err := open()
	if err != nil {
		t.Fatalf("after the first daemon: %v", err)
	}
	if err := third.Close(); err != nil {
		t.Error(err)
	}
}
