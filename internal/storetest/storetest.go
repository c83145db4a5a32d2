// Package storetest gives tests a real store on each database. The contract
// suite in package store's tests, and every test of a verb that changes
// something, runs on both.
package storetest

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// Clock is a clock that tests move. It is safe for concurrent use.
type Clock struct {
	now chan time.Time
}

// NewClock starts at a Sunday evening in Seoul: 2026-11-22 18:00 KST.
func NewClock() *Clock {
	c := &Clock{now: make(chan time.Time, 1)}
	c.now <- time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return c
}

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	t := <-c.now
	c.now <- t
	return t
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	<-c.now
	c.now <- t.UTC()
}

// Advance moves the clock on by d.
func (c *Clock) Advance(d time.Duration) {
	c.now <- (<-c.now).Add(d)
}

// Each runs a test on a fresh SQLite store and on a fresh PostgreSQL store.
func Each(t *testing.T, test func(t *testing.T, s *store.Store, clock *Clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		clock := NewClock()
		test(t, Open(t, sqliteWithSchema(t), clock.Now), clock)
	})
	t.Run("postgres", func(t *testing.T) {
		clock := NewClock()
		test(t, Open(t, postgresWithSchema(t), clock.Now), clock)
	})
}

// SQLite is a fresh store on SQLite, for tests of what does not depend on the
// database.
func SQLite(t testing.TB) (*store.Store, *Clock) {
	t.Helper()
	clock := NewClock()
	return Open(t, sqliteWithSchema(t), clock.Now), clock
}

// SQLiteURL names a database file that is not there yet, and is removed after the test.
func SQLiteURL(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "epistle.db")
}

// Open opens a store with a key of its own and closes it after the test.
func Open(t testing.TB, url string, clock epistle.Clock) *store.Store {
	t.Helper()
	return OpenWithKey(t, url, clock, seal.NewKey())
}

// OpenWithKey opens a store with a given key, as a second daemon would.
func OpenWithKey(t testing.TB, url string, clock epistle.Clock, key seal.Key) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{
		URL:   url,
		Keys:  func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) },
		Clock: clock,
		Log:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return s
}
