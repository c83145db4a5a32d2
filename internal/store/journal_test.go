package store_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// noting is a share with two ranges of two, in a database whose file the test
// knows.
type noting struct {
	store *store.Store
	path  string
	key   seal.Key
	issue epistle.ID
	share store.Share
	given []store.Range
}

func newNoting(t *testing.T) *noting {
	t.Helper()
	n := &noting{path: filepath.Join(t.TempDir(), "epistle.db"), key: seal.NewKey()}
	s := storetest.OpenWithKey(t, "sqlite:"+n.path, time.Now, n.key)
	n.store, n.issue = s, launchedBy(t, s)
	var err error
	if n.share, err = s.OpenShare(t.Context(), n.issue, "first", time.Minute); err != nil {
		t.Fatal(err)
	}
	n.given, err = s.MarkShare(t.Context(), store.Mark{IssueID: n.issue, Number: n.share.Number, Step: 1, Lease: time.Minute,
		Want: store.Want{Ranges: 2, Size: 2, Split: 1}})
	if err != nil || len(n.given) != 2 || n.given[1].First == n.given[1].Last {
		t.Fatalf("given %v, error %v", n.given, err)
	}
	return n
}

// adopted is what the next share finds.
func (n *noting) adopted(t *testing.T) []store.Range {
	t.Helper()
	given, err := adopt(t.Context(), n.store, n.issue)
	if err != nil {
		t.Fatal(err)
	}
	return given[:2]
}

func TestWhatWasNotedIsNotGivenOutAgain(t *testing.T) {
	n := newNoting(t)
	first, second := n.given[0], n.given[1]
	for place, r := range []store.Range{first, second} {
		for done := r.First; done <= r.First+int64(place); done++ {
			if err := n.share.Journal.Note(place, store.Note{Last: r.Last, Since: r.Done, Done: done}); err != nil {
				t.Fatal(err)
			}
		}
	}
	// A look at an issue by somebody who does not come to adopt takes nothing away.
	if _, err := n.store.OpenShare(t.Context(), n.issue, "second", time.Minute); err != nil {
		t.Fatal(err)
	}
	first.Done, second.Done = first.First, second.First+1
	if got := n.adopted(t); got[0].Done != first.Done || got[1].Done != second.Done {
		t.Errorf("the next share was given %v, want %v and %v", got, first, second)
	}
	if err := n.share.Journal.Note(0, store.Note{Last: first.Last, Since: first.Done, Done: first.Last}); err != nil {
		t.Errorf("the former owner notes: %v", err)
	}
	if got := n.adopted(t); got[0].Done != first.Done {
		t.Errorf("the former owner moved a range of the next to %v", got[0])
	}
}

// TestTheNextDaemonCountsWhatWasNoted, also of an issue that nobody sends on.
func TestTheNextDaemonCountsWhatWasNoted(t *testing.T) {
	n := newNoting(t)
	first := n.given[0]
	if err := n.share.Journal.Note(0, store.Note{Last: first.Last, Since: first.Done, Done: first.Last}); err != nil {
		t.Fatal(err)
	}
	next, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + n.path, Clock: time.Now, Alone: true,
		Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(n.key) }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	if got, err := next.Report(t.Context(), n.issue); err != nil || got.Accepted != first.Last-first.Done {
		t.Errorf("%d accepted, error %v; want %d", got.Accepted, err, first.Last-first.Done)
	}
}

// TestAJournalIsReadWhicheverIssueComesNext opens shares of two issues in turn.
// The journal is always that of the last, and their ranges end at the same numbers.
func TestAJournalIsReadWhicheverIssueComesNext(t *testing.T) {
	n := newNoting(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	first := n.given[0]
	must(n.share.Journal.Note(0, store.Note{Last: first.Last, Since: first.Done, Done: first.First}))

	issue, err := n.store.Issue(ctx, n.issue)
	must(err)
	other, err := launchFor(ctx, n.store, issue.NewsletterID)
	must(err)
	_, err = n.store.LaunchChunk(ctx, store.Launch{IssueID: other.ID, NewsletterID: issue.NewsletterID}, 100)
	must(err)
	share, err := n.store.OpenShare(ctx, other.ID, "second", time.Minute)
	must(err)
	given, err := n.store.MarkShare(ctx, store.Mark{IssueID: other.ID, Number: share.Number, Step: 1, Lease: time.Minute,
		Want: store.Want{Ranges: 2, Size: 2, Split: 1}})
	must(err)
	if given[0] != first || share.Number != n.share.Number {
		t.Fatalf("the other issue's share %d was given %v, want %v of share %d", share.Number, given, first, n.share.Number)
	}
	must(share.Journal.Note(0, store.Note{Last: first.Last, Since: first.Done, Done: first.Last}))

	want := first
	want.Done = first.First
	if got := n.adopted(t); got[0] != want || got[1] != n.given[1] {
		t.Errorf("of the first issue %v is given out, want %v and %v", got, want, n.given[1])
	}
	again, err := adopt(ctx, n.store, other.ID)
	must(err)
	want.Done = first.Last
	if again[0] != want || again[1] != given[1] {
		t.Errorf("of the other issue %v is given out, want %v and %v", again, want, given[1])
	}
}

func TestADamagedJournalTakesNothingAway(t *testing.T) {
	n := newNoting(t)
	first := n.given[0]
	for place, note := range []store.Note{
		{Last: first.Last, Since: first.Done, Done: first.First}, // damaged below
		{Last: first.Last, Since: first.Done, Done: first.Last + 1},
		{Last: first.Last + 1000, Since: first.Done, Done: first.First},
		{Last: first.Last, Since: first.First, Done: first.Last}, // of a database that knew more
	} {
		if err := n.share.Journal.Note(place, note); err != nil {
			t.Fatal(err)
		}
	}
	journal := n.path + "-sent"
	text, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	text[39]++ // the first note says that one more is done, and its sum is wrong
	if err := os.WriteFile(journal, append(text, "half a note"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := n.adopted(t); got[0] != first {
		t.Errorf("the next share was given %v, want %v", got[0], first)
	}
}

func TestAJournalIsTheOwnersAlone(t *testing.T) {
	n := newNoting(t)
	info, err := os.Stat(n.path + "-sent")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the journal: %v, %v", info, err)
	}
	storetest.Each(t, func(t *testing.T, s *store.Store, _ *storetest.Clock) {
		share, err := s.OpenShare(t.Context(), launchedBy(t, s), "me", time.Minute)
		if err != nil || (share.Journal == nil) != s.Shared() {
			t.Errorf("a journal %v where others may take over: %v; error %v", share.Journal, s.Shared(), err)
		}
	})
}
