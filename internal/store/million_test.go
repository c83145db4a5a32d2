package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// readersVariable names the environment variable with the number of subscribers
// that BenchmarkAudience is run for; by hand, with a million.
const readersVariable = "EPISTLE_BENCH_READERS"

// BenchmarkAudience times what stands between a launch and its first mail, and
// what the desk counts, on a large audience.
func BenchmarkAudience(b *testing.B) {
	readers := 5_000
	if given, err := strconv.Atoi(os.Getenv(readersVariable)); err == nil {
		readers = given
	}
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(fmt.Sprint(name, "/", readers), func(b *testing.B) {
			now := func() time.Time { return time.Now().UTC() }
			benchmarkAudience(b, storetest.Open(b, url(b), now), readers)
		})
	}
}

func benchmarkAudience(b *testing.B, s *store.Store, readers int) {
	ctx := b.Context()
	n, err := s.CreateNewsletter(ctx, sampleNewsletter(), epistle.AuditEntry{At: time.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		b.Fatal(err)
	}
	fill(b, s, n.ID, readers)
	rule := epistle.Issue{NewsletterID: n.ID}.Audience()
	var issue epistle.Issue
	for _, step := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"count", func(ctx context.Context) error {
			count, err := s.CountAudience(ctx, rule)
			if err == nil && count == 0 {
				b.Error("nobody was counted")
			}
			return err
		}},
		{"languages", func(ctx context.Context) error { _, err := s.AudienceByLanguage(ctx, rule); return err }},
		{"people", func(ctx context.Context) error { _, err := s.CountPeople(ctx); return err }},
		{"name", func(ctx context.Context) error {
			people, err := s.FindPeople(ctx, fmt.Sprint("Reader ", readers/2), 10)
			if err == nil && len(people) != 1 {
				b.Errorf("%d people of one name were found", len(people))
			}
			return err
		}},
		{"changes", func(ctx context.Context) error {
			_, err := s.AudienceChanges(ctx, rule, time.Now(), int64(readers))
			return err
		}},
		{"movement", func(ctx context.Context) error {
			_, err := s.MovementSince(ctx, n.ID, time.Now().Add(-time.Second))
			return err
		}},
		{"launch", func(ctx context.Context) (err error) {
			issue, err = launchFor(ctx, s, n.ID)
			return err
		}},
		{"first-chunk", func(ctx context.Context) error {
			_, err := s.LaunchChunk(ctx, store.Launch{IssueID: issue.ID, NewsletterID: n.ID}, 1000)
			return err
		}},
		{"report", func(ctx context.Context) error { _, err := s.Report(ctx, issue.ID); return err }},
		{"all-chunks", func(ctx context.Context) error {
			for p := (store.Progress{}); !p.Launched; {
				var err error
				if p, err = s.LaunchChunk(ctx, store.Launch{IssueID: issue.ID, NewsletterID: n.ID}, 1000); err != nil {
					return err
				}
			}
			return nil
		}},
		{"report-all", func(ctx context.Context) error { _, err := s.Report(ctx, issue.ID); return err }},
		{"check", func(ctx context.Context) error { _, err := s.CheckRange(ctx, issue.ID, 500, 750); return err }},
	} {
		b.Run(step.name, func(b *testing.B) {
			for b.Loop() {
				if err := step.do(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func launchFor(ctx context.Context, s *store.Store, newsletter epistle.ID) (epistle.Issue, error) {
	issue, _, err := s.CreateIssue(ctx, authorActor, epistle.Issue{NewsletterID: newsletter, Content: contentWith("One")})
	if err != nil {
		return issue, err
	}
	editor := epistle.StaffActor(8, epistle.Editor)
	if _, err := s.ApproveIssue(ctx, editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version, From: epistle.IssueDraft,
		To: epistle.IssueApproved, Approval: epistle.Approval{By: 8, At: time.Now(), Digest: issue.Digest()}}); err != nil {
		return issue, err
	}
	return s.LaunchIssue(ctx, editor, issue.ID)
}

// fill makes subscribers of whom one in fifty must not be mailed.
func fill(b *testing.B, s *store.Store, newsletter epistle.ID, readers int) {
	for first := 0; first < readers; first += store.ImportBatch {
		people := make([]epistle.Signup, min(store.ImportBatch, readers-first))
		for i := range people {
			n := first + i
			people[i] = epistle.Signup{Source: epistle.FromImport, Language: epistle.Languages[n%3%2], Wording: "Yes", WordingVersion: 1,
				Name: fmt.Sprint("Reader ", n), Address: epistle.Address(fmt.Sprintf("reader%d@mail%d.example.org", n, n%1009))}
		}
		if _, err := s.ImportConfirmed(b.Context(), newsletter, people); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Run(b.Context(), `INSERT INTO suppression (address_index, index_version, reason, seq, created_at)
		SELECT address_index, 1, 'gone', id, 1 FROM subscriber WHERE (id / 4) % 50 = 1`); err != nil {
		b.Fatal(err)
	}
}
