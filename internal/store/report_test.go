package store_test

import (
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// launchTo launches an issue of the congregation's first newsletter.
func (c *congregation) launchTo() epistle.Issue {
	c.t.Helper()
	ctx, editor := c.t.Context(), epistle.StaffActor(8, epistle.Editor)
	issue, _, err := c.store.CreateIssue(ctx, authorActor, epistle.Issue{NewsletterID: c.letters[0].ID, Content: contentWith("One")})
	c.must(err)
	issue, err = c.store.ApproveIssue(ctx, editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version, From: epistle.IssueDraft,
		To: epistle.IssueApproved, Approval: epistle.Approval{By: 8, At: c.clock.Now(), Digest: issue.Digest()}})
	c.must(err)
	issue, err = c.store.LaunchIssue(ctx, editor, issue.ID)
	c.must(err)
	return issue
}

func (c *congregation) sample(n int) {
	people := make([]epistle.Signup, n)
	for i := range people {
		people[i] = epistle.Signup{Source: epistle.FromImport, Language: epistle.English, Wording: "Yes", WordingVersion: 1,
			Address: epistle.Address("sample" + string(rune('a'+i)) + "@example.org")}
	}
	_, err := c.store.ImportConfirmed(c.t.Context(), c.letters[0].ID, people)
	c.must(err)
}

func TestAReportFollowsAnIssueStepByStep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		c := &congregation{t: t, store: s, clock: clock, letters: [2]epistle.Newsletter{newsletterFor(t, s, clock)}}
		c.sample(20)
		issue := c.launchTo()
		is := func(step string, want epistle.Report) {
			t.Helper()
			got, err := s.Report(ctx, issue.ID)
			if err != nil || got != want {
				t.Fatalf("%s: %+v, error %v\nwant %+v", step, got, err, want)
			}
		}
		launch := store.Launch{IssueID: issue.ID, NewsletterID: issue.NewsletterID}
		is("launched", epistle.Report{})
		_, err := s.LaunchChunk(ctx, launch, 12)
		c.must(err)
		is("a first chunk", epistle.Report{Queued: 12})
		share, err := s.OpenShare(ctx, issue.ID, "a", time.Minute)
		c.must(err)
		mark := store.Mark{IssueID: issue.ID, Number: share.Number, Lease: time.Minute, Want: store.Want{Ranges: 1, Size: 8, Split: 1}}
		mark.Open, err = s.MarkShare(ctx, mark)
		c.must(err)
		is("a range", epistle.Report{Queued: 12})
		for p := (store.Progress{}); !p.Launched; {
			p, err = s.LaunchChunk(ctx, launch, 12)
			c.must(err)
		}
		is("all chunks", epistle.Report{Queued: 20})

		// Of the eight one is put off, one fails, one has left; five are gone by.
		mark.Want, mark.Open[0].Done = store.Want{}, 5
		mark.Results = []store.Result{{Seq: 2, State: epistle.Deferred, Attempted: true, Code: 450, NextAt: clock.Now().Add(time.Minute)},
			{Seq: 4, State: epistle.Failed, Attempted: true, Code: 550}, {Seq: 5, State: epistle.Skipped}}
		_, err = s.MarkShare(ctx, mark)
		c.must(err)
		is("five passed", epistle.Report{Queued: 15, Accepted: 2, Deferred: 1, Failed: 1, Skipped: 1})
		mark.Open[0].Done, mark.Results = 8, []store.Result{{Seq: 8, State: epistle.Uncertain, Attempted: true}}
		_, err = s.MarkShare(ctx, mark)
		c.must(err)
		whole := epistle.Report{Queued: 12, Accepted: 4, Deferred: 1, Failed: 1, Skipped: 1, Uncertain: 1}
		is("the range passed", whole)
		mark.Closed, mark.Open, mark.Results, mark.Want = mark.Open, nil, nil, store.Want{Ranges: 1, Size: 20, Split: 1}
		mark.Open, err = s.MarkShare(ctx, mark)
		c.must(err)
		is("the next range", whole)
		mark.Open[0].Done += 3
		mark.Want = store.Want{}
		_, err = s.MarkShare(ctx, mark)
		c.must(err)
		c.must(s.CloseShare(ctx, issue.ID, share.Number, mark.Step+1, mark.Open))
		is("given back half-way", epistle.Report{Queued: 9, Accepted: 7, Deferred: 1, Failed: 1, Skipped: 1, Uncertain: 1})

		clock.Advance(2 * time.Minute)
		due, err := s.ClaimDue(ctx, epistle.BulkDelivery, time.Minute, 10)
		c.must(err)
		if len(due) != 1 {
			t.Fatalf("%d are due, want the one put off", len(due))
		}
		c.must(s.SettleDue(ctx, due[0], store.Result{Seq: due[0].Seq, State: epistle.Queued, NextAt: clock.Now().Add(time.Minute)}))
		is("given back untried", epistle.Report{Queued: 10, Accepted: 7, Failed: 1, Skipped: 1, Uncertain: 1})
		clock.Advance(2 * time.Minute)
		due, err = s.ClaimDue(ctx, epistle.BulkDelivery, time.Minute, 10)
		c.must(err)
		c.must(s.SettleDue(ctx, due[0], store.Result{Seq: due[0].Seq, State: epistle.Accepted, Attempted: true, Code: 250}))
		is("accepted at last", epistle.Report{Queued: 9, Accepted: 8, Failed: 1, Skipped: 1, Uncertain: 1})
		aside, err := s.Number(ctx, `SELECT COUNT(*) FROM delivery WHERE aside = 1`)
		if err != nil || aside != 3 {
			t.Errorf("%d deliveries stand aside, error %v; want the three that went wrong", aside, err)
		}
	})
}
