package store_test

import (
	"fmt"
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// BenchmarkReadRange is what a recipient costs before the mail is made: the
// row, and the unsealing of address and name.
func BenchmarkReadRange(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			clock := storetest.NewClock()
			s := storetest.Open(b, url(b), clock.Now)
			issue := launchedTo(b, s, clock, 1000)
			const size = 250
			b.ReportAllocs()
			for b.Loop() {
				people, _, err := s.ReadRange(b.Context(), issue, 1, size)
				if err != nil || len(people) != size || people[7].Name == "" || people[7].Address == "" {
					b.Fatalf("%d people, %v", len(people), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/recipient")
		})
	}
}

// launchedTo is an issue whose deliveries to n people are all written.
func launchedTo(b testing.TB, s *store.Store, clock *storetest.Clock, n int) epistle.ID {
	b.Helper()
	ctx, editor := b.Context(), epistle.StaffActor(8, epistle.Editor)
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	letters, err := s.CreateNewsletter(ctx, sampleNewsletter(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
	must(err)
	people := make([]epistle.Signup, n)
	for i := range people {
		people[i] = epistle.Signup{Source: epistle.FromImport, Language: epistle.Korean, Wording: "Yes", WordingVersion: 1,
			Name: "오은하", Address: epistle.Address(fmt.Sprintf("reader.%d@mailbox.example", i))}
	}
	_, err = s.ImportConfirmed(ctx, letters.ID, people)
	must(err)
	issue, _, err := s.CreateIssue(ctx, authorActor, epistle.Issue{NewsletterID: letters.ID, Content: contentWith("One")})
	must(err)
	issue, err = s.ApproveIssue(ctx, editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version, From: epistle.IssueDraft,
		To: epistle.IssueApproved, Approval: epistle.Approval{By: 8, At: clock.Now(), Digest: issue.Digest()}})
	must(err)
	_, err = s.LaunchIssue(ctx, editor, issue.ID)
	must(err)
	for p := (store.Progress{}); !p.Launched; {
		p, err = s.LaunchChunk(ctx, store.Launch{IssueID: issue.ID, NewsletterID: letters.ID}, n)
		must(err)
	}
	return issue.ID
}
