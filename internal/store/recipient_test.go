package store_test

import (
	"fmt"
	"reflect"
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

// TestNoRecipientHasAnythingOfAnother reads people who differ in everything at
// once, and each of them alone.
func TestNoRecipientHasAnythingOfAnother(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		letters := newsletterFor(t, s, clock)
		people := []store.Recipient{
			{Name: "하은", Address: "haeun@mail.example", Language: epistle.Korean, Form: epistle.Discreet},
			{Address: "b@x.example", Language: epistle.English, Form: epistle.Full},
			{Name: "Bartholomew the Younger", Address: "bartholomew.the.younger@elsewhere.example", Language: epistle.English, Form: epistle.Discreet},
			{Address: "erased@mail.example", Name: "Erased", Language: epistle.Korean, Form: epistle.Discreet},
			{Address: "d@x.example", Language: epistle.Korean, Form: epistle.Full},
			{Address: "left@mail.example", Name: "Left", Language: epistle.Korean, Form: epistle.Discreet, Blocked: true},
			{Name: "Eun", Address: "eun@mail.example", Language: epistle.English, Form: epistle.Full},
		}
		event := func(kind epistle.EventKind) epistle.Event {
			return epistle.Event{At: clock.Now(), Kind: kind, Way: epistle.ByPage}
		}
		for i := range people {
			p := &people[i]
			_, err := s.ImportConfirmed(ctx, letters.ID, []epistle.Signup{{Source: epistle.FromImport, Wording: "Yes", WordingVersion: 1,
				Language: p.Language, Name: p.Name, Address: p.Address}})
			must(err)
			person, err := s.SubscriberByAddress(ctx, p.Address)
			must(err)
			all, err := s.Subscriptions(ctx, person.ID)
			must(err)
			p.SubscriberID, p.SubscriptionID = person.ID, all[0].ID
			must(s.SavePreferences(ctx, p.SubscriptionID, p.Language, epistle.Subscription{Form: p.Form}, event(epistle.EventPreferences)))
		}
		issue, err := launchFor(ctx, s, letters.ID)
		must(err)
		_, err = s.LaunchChunk(ctx, store.Launch{IssueID: issue.ID, NewsletterID: letters.ID, Monthly: true}, 100)
		must(err)
		erased, left := &people[3], people[5]
		must(s.Erase(ctx, erased.SubscriberID, epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()}))
		*erased = store.Recipient{SubscriberID: erased.SubscriberID, Language: epistle.English, Form: epistle.Full, Blocked: true}
		must(s.Leave(ctx, left.SubscriptionID, event(epistle.EventLeft)))

		together, _, err := s.ReadRange(ctx, issue.ID, 1, int64(len(people)))
		must(err)
		if len(together) != len(people) {
			t.Fatalf("%d people, want %d", len(together), len(people))
		}
		for i, got := range together {
			alone, _, err := s.ReadRange(ctx, issue.ID, got.Seq, got.Seq)
			must(err)
			if len(alone) != 1 || !reflect.DeepEqual(got, alone[0]) {
				t.Errorf("read among others: %+v\nread alone:        %+v", got, alone)
			}
			want := people[i]
			want.IssueID, want.Seq, want.FirstAt, want.Lane = issue.ID, int64(i+1), issue.LaunchedAt, got.Lane
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read %+v\nwant %+v", got, want)
			}
			if reflect.DeepEqual(got.Lane, together[1].Lane) != (i == 1 || i == 4) {
				t.Errorf("delivery %d is in the lane %x", got.Seq, got.Lane)
			}
		}
	})
}
