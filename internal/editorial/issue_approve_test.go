package editorial_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/store"
)

func TestApprovalNeedsASecondPerson(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, editor, "By the editor")
		approve := func(actor epistle.Actor) (epistle.Issue, error) {
			return o.Approve(ctx, actor, issue.ID, issue.Version, issue.Digest())
		}
		_, err := approve(author)
		wantError(t, "an author", err, epistle.Forbidden, "forbidden")
		_, err = approve(epistle.SystemActor())
		wantError(t, "the program itself", err, epistle.Forbidden, "forbidden")
		_, err = approve(editor)
		wantError(t, "the last editor", err, epistle.Forbidden, "issue.own")
		approved, err := approve(deputy)
		must(t, err)
		if a := approved.Approval; a.By != deputy.StaffID || a.Audience != 42 || a.Tolerance != 50 || approved.State != epistle.IssueApproved {
			t.Errorf("approval %+v of an issue that is %s", a, approved.State)
		}
	})
}

func TestNobodyApprovesTheirOwnWordsBecauseTheProgramAssembledThem(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		_, err := p.CreatePrayer(ctx, deputy, epistle.Prayer{Headline: text("For the bridge"), Body: text("Pray."), State: epistle.Current})
		must(t, err)
		o.clock.Advance(time.Minute)
		letters, err := o.store.Letters(ctx, store.PoolFilter{})
		must(t, err)
		letter := letters[0]
		letter.Body.EN = "All of this is the editor's."
		must(t, p.UpdateLetter(ctx, editor, letter))
		issue := o.assembled(t)
		_, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		wantError(t, "who wrote last", err, epistle.Forbidden, "issue.own")
		_, err = o.Approve(ctx, deputy, issue.ID, issue.Version, issue.Digest())
		must(t, err)
	})
}

func TestSoloModeWaitsAnHour(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		o.newsletter.SoloMode = true
		var err error
		o.newsletter, err = o.store.UpdateNewsletter(ctx, o.newsletter, o.entry())
		must(t, err)
		issue := o.edited(t, editor, "All alone")
		_, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		wantError(t, "at once", err, epistle.Forbidden, "issue.own-wait")
		o.clock.Advance(time.Hour - time.Second)
		_, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		wantError(t, "a second too early", err, epistle.Forbidden, "issue.own-wait")
		o.clock.Advance(time.Second)
		_, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		must(t, err)
		trail, err := o.store.AuditTrail(ctx, "issue", issue.ID, 1)
		must(t, err)
		if trail[0].Action != "issue.approve" || trail[0].Detail != "solo" || trail[0].Actor.StaffID != editor.StaffID {
			t.Errorf("the audit says %+v", trail[0])
		}
	})
}

func TestApprovalBindsWhatWasSeen(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, author, "Seen")
		seen := issue.Digest()
		_, err := o.Approve(ctx, editor, issue.ID, issue.Version, "0000")
		wantError(t, "another digest", err, epistle.Conflict, "issue.digest")
		later := issue.Content
		later.Subject.EN = "Unseen"
		changed, err := o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(later))
		must(t, err)
		_, err = o.Approve(ctx, editor, issue.ID, issue.Version, seen)
		wantError(t, "an older version", err, epistle.Conflict, "changed-meanwhile")
		_, err = o.Approve(ctx, editor, issue.ID, changed.Version, seen)
		wantError(t, "an older digest", err, epistle.Conflict, "issue.digest")
	})
}

func TestWithdrawnItemsBlock(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.approved(t)
		link := issue.Content.Sections[2].Items[0]
		_, err := o.store.Withdraw(ctx, epistle.LinkItem, link.ID, o.entry())
		must(t, err)
		issue = o.now(t, issue.ID)
		if issue.IsApproved() {
			t.Error("the approval outlived the withdrawal")
		}
		_, err = o.Approve(ctx, deputy, issue.ID, issue.Version, issue.Digest())
		wantError(t, "approval", err, epistle.Conflict, "issue.unready")
		found, err := o.Check(ctx, issue)
		must(t, err)
		if keysOf(found)["item.withdrawn"] != editorial.Stop {
			t.Errorf("check: %+v", found)
		}
		issue, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Remove(editorial.Place{Section: epistle.NewsSection, Index: 0}))
		must(t, err)
		_, err = o.Approve(ctx, deputy, issue.ID, issue.Version, issue.Digest())
		must(t, err)
	})
}

func TestAnApprovedIssueLaunchesAtItsSlotOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		issue := o.approved(t)
		must(t, o.Remind(t.Context(), o.newsletter.ID, o.slot, 24*time.Hour))
		if n := o.noticesOf(t, epistle.NoticeUnapproved); n != 0 {
			t.Errorf("%d people were reminded of what is approved", n)
		}
		o.clock.Set(o.slot)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				if err := o.AtSlot(t.Context(), o.newsletter.ID, o.slot); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := o.now(t, issue.ID).State; got != epistle.IssueLaunching || o.launcher.count() != 1 {
			t.Errorf("the issue is %s, launched %d times", got, o.launcher.count())
		}
		if n := o.noticesOf(t, epistle.NoticeHeld); n != 0 {
			t.Errorf("%d people were told that it is held", n)
		}
	})
}

func TestAnUnapprovedIssueIsHeldAndReportedOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, author, "Not yet")
		for range 2 {
			must(t, o.Remind(ctx, o.newsletter.ID, o.slot, 24*time.Hour))
		}
		must(t, o.Remind(ctx, o.newsletter.ID, o.slot, 4*time.Hour))
		if n := o.noticesOf(t, epistle.NoticeUnapproved); n != 4 {
			t.Errorf("%d reminders, want 2 people told twice", n)
		}
		o.clock.Set(o.slot)
		for range 2 {
			must(t, o.AtSlot(ctx, o.newsletter.ID, o.slot))
		}
		got := o.now(t, issue.ID)
		if got.State != epistle.IssueHeld || got.HeldReason != editorial.HeldUnapproved || o.launcher.count() != 0 {
			t.Errorf("the issue is %s (%s), launched %d times", got.State, got.HeldReason, o.launcher.count())
		}
		if n := o.noticesOf(t, epistle.NoticeHeld); n != 2 {
			t.Errorf("%d people were told that it is held, want 2 once", n)
		}
	})
}

func TestALateApprovalWithinGraceLaunchesOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, author, "Late")
		o.clock.Set(o.slot)
		must(t, o.AtSlot(ctx, o.newsletter.ID, o.slot))
		o.clock.Set(o.slot.Add(o.newsletter.Grace))
		issue = o.now(t, issue.ID)
		after, err := o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		must(t, err)
		if after.State != epistle.IssueLaunching || o.launcher.count() != 1 {
			t.Errorf("the issue is %s, launched %d times", after.State, o.launcher.count())
		}
		_, err = o.Approve(ctx, deputy, issue.ID, after.Version, issue.Digest())
		wantError(t, "a second approval", err, epistle.Conflict, "issue.closed")
		must(t, o.AtSlot(ctx, o.newsletter.ID, o.slot))
		if o.launcher.count() != 1 {
			t.Errorf("launched %d times", o.launcher.count())
		}
	})
}

func TestAnApprovalAfterGraceWaitsForAHand(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, author, "Too late")
		o.clock.Set(o.slot)
		must(t, o.AtSlot(ctx, o.newsletter.ID, o.slot))
		o.clock.Set(o.slot.Add(o.newsletter.Grace + time.Second))
		issue = o.now(t, issue.ID)
		_, err := o.SendNow(ctx, editor, issue.ID)
		wantError(t, "sent without approval", err, epistle.Conflict, "issue.unapproved")
		after, err := o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		must(t, err)
		if after.State != epistle.IssueHeld || after.HeldReason != editorial.HeldLate || o.launcher.count() != 0 {
			t.Errorf("the issue is %s (%s), launched %d times", after.State, after.HeldReason, o.launcher.count())
		}
		_, err = o.SendNow(ctx, author, issue.ID)
		wantError(t, "an author", err, epistle.Forbidden, "forbidden")
		after, err = o.SendNow(ctx, editor, issue.ID)
		must(t, err)
		if after.State != epistle.IssueLaunching || o.launcher.count() != 1 {
			t.Errorf("after Send now it is %s, launched %d times", after.State, o.launcher.count())
		}
	})
}

func TestSendingAHeldIssueThatIsEditedInThatMoment(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.edited(t, author, "Hello")
		o.clock.Set(o.slot.Add(7 * time.Hour)) // after the grace
		issue, err := o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		must(t, err)
		o.readers.meanwhile = func() {
			content := issue.Content
			content.Subject.EN = "Slipped in"
			_, err := o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(content))
			must(t, err)
		}
		_, err = o.SendNow(ctx, editor, issue.ID)
		wantError(t, "an edit in that moment", err, epistle.Conflict, "issue.state")
		if now := o.now(t, issue.ID); now.State != epistle.IssueHeld || now.IsApproved() || o.launcher.count() != 0 {
			t.Errorf("the issue is %s, approved %t, launched %d times", now.State, now.IsApproved(), o.launcher.count())
		}
	})
}

func TestAChangedAudienceHolds(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.approved(t)
		o.readers.set(30+51, 12)
		_, err := o.SendNow(ctx, editor, issue.ID)
		wantError(t, "send now", err, epistle.Conflict, "issue.audience")
		o.clock.Set(o.slot)
		must(t, o.AtSlot(ctx, o.newsletter.ID, o.slot))
		got := o.now(t, issue.ID)
		if got.State != epistle.IssueHeld || got.HeldReason != editorial.HeldAudience || o.noticesOf(t, epistle.NoticeHeld) != 2 {
			t.Fatalf("the issue is %s (%s)", got.State, got.HeldReason)
		}
		after, err := o.Approve(ctx, deputy, issue.ID, got.Version, got.Digest())
		must(t, err)
		if after.State != epistle.IssueLaunching || after.Approval.Audience != 93 {
			t.Errorf("approved anew it is %s for %d", after.State, after.Approval.Audience)
		}
	})
}

func TestALaunchThatFailsIsHeldAndTold(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		issue := o.approved(t)
		o.clock.Set(o.slot)
		o.launcher.broken = errors.New("no relay")
		if err := o.AtSlot(t.Context(), o.newsletter.ID, o.slot); err == nil {
			t.Error("the failure was not reported to the schedule")
		}
		if got := o.now(t, issue.ID); got.State != epistle.IssueHeld || got.HeldReason != editorial.HeldLaunch || !got.IsApproved() {
			t.Errorf("the issue is %s (%s)", got.State, got.HeldReason)
		}
		o.launcher.broken = nil
		after, err := o.SendNow(t.Context(), editor, issue.ID)
		must(t, err)
		if after.State != epistle.IssueLaunching {
			t.Errorf("after Send now it is %s", after.State)
		}
	})
}

func TestAPausedIssueIsCorrectedApprovedAndResumed(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue := o.approved(t)
		issue, err := o.SendNow(ctx, editor, issue.ID)
		must(t, err)
		_, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Write(epistle.PrayerItem))
		wantError(t, "an edit on the way", err, epistle.Conflict, "issue.closed")
		must(t, o.Pause(ctx, author, issue.ID))
		content := issue.Content
		content.Sections[1].Items[0].Title.EN = "Corrected"
		issue, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(content))
		must(t, err)
		wantError(t, "resume", o.Resume(ctx, editor, issue.ID), epistle.Conflict, "issue.unapproved")
		issue, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
		must(t, err)
		if issue.State != epistle.IssuePaused {
			t.Errorf("the corrected issue is %s, want paused", issue.State)
		}
		must(t, o.Resume(ctx, editor, issue.ID))
		must(t, o.Cancel(ctx, author, issue.ID))
		if got := o.now(t, issue.ID).State; got != epistle.IssueCancelled {
			t.Errorf("the issue is %s, want cancelled", got)
		}
	})
}
