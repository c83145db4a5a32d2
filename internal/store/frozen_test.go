package store_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// The dumps in testdata were written by the program that had only the first
// migration: a newsletter with twelve readers of whom one left, one is
// suppressed and one pauses; an issue that was sent, one whose daemon died
// half-way, and one that was just being launched.
const frozenKey = "EPISTLE-AFSZ2Z-RVZPAD-AXBCUR-XEEAR6-ZE4WVQ-WMXJDR-8R9ZJG-6BGT1F-Y7TZWA-NMM2"

const frozenSent, frozenSending, frozenLaunching epistle.ID = 161, 167, 171

// thaw fills an empty database with a dump and opens it.
func thaw(t *testing.T, driver, source, url, dump string, clock *storetest.Clock) *store.Store {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", dump))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseKey(frozenKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{URL: url, Clock: clock.Now, Log: slog.New(slog.DiscardHandler),
		Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) }})
	if err != nil {
		t.Fatalf("open what an older version wrote: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestWhatTheFirstVersionWroteGoesOn(t *testing.T) {
	for _, driver := range []string{"sqlite", "postgres"} {
		t.Run(driver, func(t *testing.T) {
			clock := storetest.NewClock()
			clock.Advance(2 * time.Hour) // the leases of the dead daemon are over
			url := ""
			if driver == "sqlite" {
				url = storetest.SQLiteURL(t)
			} else {
				url = storetest.PostgresURL(t)
			}
			s := thaw(t, driver, strings.TrimPrefix(url, "sqlite:"), url, "0001."+driver+".sql", clock)
			t.Run("people", func(t *testing.T) { peopleAreThere(t, s) })
			t.Run("issues", func(t *testing.T) { issuesAreThere(t, s) })
			t.Run("the one under way", func(t *testing.T) { issueGoesOn(t, s) })
			t.Run("the one being launched", func(t *testing.T) { launchGoesOn(t, s) })
			t.Run("what is due", func(t *testing.T) { dueIsClaimed(t, s) })
		})
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func peopleAreThere(t *testing.T, s *store.Store) {
	ctx := t.Context()
	p, err := s.SubscriberByAddress(ctx, "reader3@example.org")
	if err != nil || p.Name != "독자 3" || p.Language != epistle.Korean {
		t.Errorf("a reader: %+v, error %v", p, err)
	}
	n, err := s.NewsletterBySlug(ctx, "partners")
	if err != nil || n.Title.KO != "동역 편지" || n.Grace != 12*time.Hour {
		t.Errorf("the newsletter: %+v, error %v", n, err)
	}
	if count, err := s.CountAudience(ctx, epistle.Issue{NewsletterID: n.ID}.Audience()); err != nil || count != 9 {
		t.Errorf("%d readers, error %v; want 9 of 12", count, err)
	}
	for address, want := range map[epistle.Address]epistle.Subscription{
		"reader0@example.org": {State: epistle.Left, Form: epistle.Full, Pace: epistle.Weekly},
		"reader2@example.org": {State: epistle.Confirmed, Form: epistle.Discreet, Pace: epistle.Monthly},
	} {
		p, err := s.SubscriberByAddress(ctx, address)
		ok(t, err)
		all, err := s.Subscriptions(ctx, p.ID)
		if err != nil || len(all) != 1 || all[0].State != want.State || all[0].Form != want.Form || all[0].Pace != want.Pace {
			t.Errorf("%+v, error %v; want like %+v", all, err, want)
		}
	}
	if reason, err := s.Suppression(ctx, "reader1@example.org"); err != nil || reason != epistle.ByStaff {
		t.Errorf("suppressed for %q, error %v", reason, err)
	}
}

func issuesAreThere(t *testing.T, s *store.Store) {
	for id, want := range map[epistle.ID]struct {
		state  epistle.IssueState
		report epistle.Report
	}{
		frozenSent:      {epistle.IssueSent, epistle.Report{Accepted: 8, Failed: 1}},
		frozenSending:   {epistle.IssueSending, epistle.Report{Accepted: 3, Deferred: 1, Queued: 5}},
		frozenLaunching: {epistle.IssueLaunching, epistle.Report{Queued: 1}},
	} {
		issue, err := s.Issue(t.Context(), id)
		if err != nil || issue.State != want.state || !issue.IsApproved() {
			t.Errorf("issue %d: %s, approved %v, error %v; want %s", id, issue.State, issue.IsApproved(), err, want.state)
		}
		if r, err := s.Report(t.Context(), id); err != nil || r != want.report {
			t.Errorf("issue %d: %+v, error %v; want %+v", id, r, err, want.report)
		}
	}
}

// adopt opens a share and returns every range that it is given.
func adopt(ctx context.Context, s *store.Store, id epistle.ID) ([]store.Range, error) {
	share, err := s.OpenShare(ctx, id, "another", time.Minute)
	if err != nil {
		return nil, err
	}
	return s.MarkShare(ctx, store.Mark{IssueID: id, Number: share.Number, Lease: time.Minute,
		Want: store.Want{Ranges: 3, Size: 250, Split: 1, Adopt: true}})
}

func issueGoesOn(t *testing.T, s *store.Store) {
	given, err := adopt(t.Context(), s, frozenSending)
	want := []store.Range{{First: 1, Last: 3, Done: 2}, {First: 4, Last: 6, Done: 5}, {First: 7, Last: 9, Done: 6}}
	if err != nil || len(given) != len(want) {
		t.Fatalf("given %v, error %v; want %v", given, err, want)
	}
	for i, r := range given {
		if r != want[i] {
			t.Errorf("given %v, want %v", r, want[i])
		}
	}
	people, _, err := s.ReadRange(t.Context(), frozenSending, 3, 3)
	if err != nil || len(people) != 1 || people[0].Address != "reader5@example.org" || people[0].Name != "독자 5" {
		t.Errorf("the next one is %+v, error %v", people, err)
	}
}

func launchGoesOn(t *testing.T, s *store.Store) {
	issue, err := s.Issue(t.Context(), frozenLaunching)
	ok(t, err)
	p, err := s.LaunchChunk(t.Context(), store.Launch{IssueID: issue.ID, NewsletterID: issue.NewsletterID}, 100)
	if err != nil || !p.Launched || p.Last != 9 {
		t.Errorf("launched %+v, error %v; want all nine", p, err)
	}
}

func dueIsClaimed(t *testing.T, s *store.Store) {
	due, err := s.ClaimDue(t.Context(), epistle.BulkDelivery, time.Minute, 10)
	if err != nil || len(due) != 1 || due[0].Seq != 1 || due[0].IssueID != frozenSending || due[0].Address != "reader3@example.org" {
		t.Errorf("due: %+v, error %v; want the one that was put off", due, err)
	}
	notices, err := s.ClaimNotices(t.Context(), "another", time.Minute, 10)
	ok(t, err)
	confirmations := 0
	for _, n := range notices {
		if n.Kind == epistle.NoticeConfirm && n.To == "reader3@example.org" && n.Data["link"] == "/confirm/x" {
			confirmations++
		}
	}
	if confirmations != 1 {
		t.Errorf("notices: %+v; want the confirmation among them", notices)
	}
}
