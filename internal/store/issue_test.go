package store_test

import (
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func newsletterFor(t *testing.T, s *store.Store, clock *storetest.Clock) epistle.Newsletter {
	t.Helper()
	n, err := s.CreateNewsletter(t.Context(), sampleNewsletter(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func contentWith(subject string, items ...epistle.Item) epistle.Content {
	return epistle.Content{
		Subject:  epistle.Text{EN: subject, KO: "제목"},
		Sections: []epistle.Section{{Kind: epistle.PrayersSection, Items: items}},
	}
}

var authorActor = epistle.StaffActor(7, epistle.Author)

func TestASlotHasOneIssueWhoeverMakesIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		n := newsletterFor(t, s, clock)
		at := clock.Now().Add(48 * time.Hour)
		var made sync.Map
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				issue, created, err := s.CreateIssue(t.Context(), epistle.SystemActor(),
					epistle.Issue{NewsletterID: n.ID, SendAt: at, Content: contentWith("One")})
				if err != nil {
					t.Error(err)
				}
				if before, loaded := made.LoadOrStore(issue.ID, created); loaded && before.(bool) && created {
					t.Error("two makers were told that they had made the issue")
				}
				if issue.Number != 1 {
					t.Errorf("number %d, want 1", issue.Number)
				}
			})
		}
		group.Wait()
		count := 0
		made.Range(func(any, any) bool { count++; return true })
		if count != 1 {
			t.Errorf("the slot has %d issues, want 1", count)
		}
		byHand, created, err := s.CreateIssue(t.Context(), authorActor, epistle.Issue{NewsletterID: n.ID})
		if err != nil || !created || byHand.Number != 2 || byHand.EditedBy != 7 {
			t.Errorf("an issue by hand: %+v, created %v, error %v; want number 2", byHand, created, err)
		}
		if _, _, err := s.CreateIssue(t.Context(), authorActor, epistle.Issue{NewsletterID: -1}); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("an issue of no newsletter: %v, want not found", err)
		}
	})
}

func TestSavingAnIssueVoidsItsApproval(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		n := newsletterFor(t, s, clock)
		issue, _, err := s.CreateIssue(ctx, authorActor, epistle.Issue{NewsletterID: n.ID, Content: contentWith("One")})
		if err != nil {
			t.Fatal(err)
		}
		yes := epistle.Approval{By: 8, At: clock.Now(), Digest: issue.Digest(), Audience: 41, Tolerance: 50}
		approved, err := s.ApproveIssue(ctx, epistle.StaffActor(8, epistle.Editor), store.IssueApproval{IssueID: issue.ID, Version: issue.Version,
			From: epistle.IssueDraft, To: epistle.IssueApproved, Approval: yes})
		if err != nil || !approved.IsApproved() || approved.State != epistle.IssueApproved || approved.Approval != yes {
			t.Fatalf("approved: %+v, error %v", approved, err)
		}
		if _, err := s.SaveIssue(ctx, authorActor, issue.ID, issue.Version, contentWith("Two")); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a save of an older version: %v, want a conflict", err)
		}
		saved, err := s.SaveIssue(ctx, authorActor, issue.ID, approved.Version, contentWith("Two", epistle.Item{Kind: epistle.PrayerItem, ID: 5}))
		if err != nil || saved.IsApproved() || saved.State != epistle.IssueDraft || saved.Approval != (epistle.Approval{}) {
			t.Errorf("saved: %+v, error %v; want a draft without approval", saved, err)
		}
		if got, err := s.Issue(ctx, issue.ID); err != nil || got.Digest() != saved.Digest() || got.Content.Subject.EN != "Two" {
			t.Errorf("read back: %+v, error %v", got, err)
		}
		showing, err := s.IssuesShowing(ctx, epistle.PrayerItem, 5)
		if err != nil || len(showing) != 1 {
			t.Errorf("%d issues show the prayer, error %v; want 1", len(showing), err)
		}
		if _, err := s.ApproveIssue(ctx, authorActor, store.IssueApproval{IssueID: issue.ID, Version: approved.Version,
			From: epistle.IssueDraft, To: epistle.IssueApproved, Approval: yes}); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("approval of an older version: %v, want a conflict", err)
		}
		trail, err := s.AuditTrail(ctx, "issue", issue.ID, 10)
		if err != nil || len(trail) != 3 {
			t.Errorf("%d audit entries, error %v; want create, approve, save", len(trail), err)
		}
	})
}

func TestAnIssueMovesOnlyFromWhereItIsExpected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		n := newsletterFor(t, s, clock)
		issue, _, err := s.CreateIssue(ctx, authorActor, epistle.Issue{NewsletterID: n.ID})
		if err != nil {
			t.Fatal(err)
		}
		held, err := s.HoldIssue(ctx, epistle.SystemActor(), issue.ID, "unapproved")
		if err != nil || held.State != epistle.IssueHeld || held.HeldReason != "unapproved" || held.Version != issue.Version {
			t.Errorf("held: %+v, error %v", held, err)
		}
		launch := store.IssueMove{ID: issue.ID, From: []epistle.IssueState{epistle.IssueApproved}, To: epistle.IssueLaunching, Action: "issue.launch"}
		if _, err := s.MoveIssue(ctx, epistle.SystemActor(), launch); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("launch of a held issue: %v, want a conflict", err)
		}
		if _, err := s.LatestSentIssue(ctx, n.ID); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("latest of an unsent newsletter: %v, want not found", err)
		}
		launch.From = []epistle.IssueState{epistle.IssueHeld}
		launched, err := s.MoveIssue(ctx, epistle.SystemActor(), launch)
		if err != nil || !launched.LaunchedAt.Equal(clock.Now()) || launched.HeldReason != "" {
			t.Errorf("launched: %+v, error %v", launched, err)
		}
		if latest, err := s.LatestSentIssue(ctx, n.ID); err != nil || latest.ID != issue.ID {
			t.Errorf("latest: %+v, error %v", latest, err)
		}
		if _, err := s.SaveIssue(ctx, authorActor, issue.ID, launched.Version, contentWith("late")); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a save while it is launching: %v, want a conflict", err)
		}
		if _, err := s.MoveIssue(ctx, authorActor, store.IssueMove{ID: -1, From: launch.From}); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a move of nothing: %v, want not found", err)
		}
		list, err := s.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, States: []epistle.IssueState{epistle.IssueLaunching}})
		if err != nil || len(list) != 1 {
			t.Errorf("%d launching issues, error %v; want 1", len(list), err)
		}
	})
}
