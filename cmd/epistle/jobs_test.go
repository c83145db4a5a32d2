package main

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/mailbox"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// week is the sample ministry on a clock that the test moves. It begins on
// Sunday 22 November 2026 at 18:00 in Seoul; its issue is due on Thursday at
// 20:00.
type week struct {
	*demo
	t     *testing.T
	clock *storetest.Clock
	sample
	log *bytes.Buffer
}

// seoul is a moment of November (or, beyond the 30th, December) 2026.
func seoul(day, hour, minute int) time.Time {
	return time.Date(2026, 11, day, hour-9, minute, 0, 0, time.UTC)
}

// inWeek lives through it. The pages of sites may show the comments.
func inWeek(t *testing.T, live func(ctx context.Context, w *week), sites ...string) {
	t.Helper()
	catalog, err := loadCatalog()
	if err != nil {
		t.Fatal(err)
	}
	w := &week{t: t, clock: storetest.NewClock(), log: &bytes.Buffer{}}
	p := &program{clock: w.clock.Now, catalog: catalog, words: catalog.In(epistle.English), log: newLog(w.log, 0)}
	if w.demo, err = (demoCommand{Listen: "127.0.0.1:0", Site: sites}).build(t.Context(), p, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.app.Close(); err != nil {
			t.Error(err)
		}
	}()
	if w.sample, err = w.seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = w.start(t.Context(), func(ctx context.Context) error {
		live(ctx, w)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(w.log.String(), `"ERROR"`) {
		t.Errorf("the log tells of errors:\n%s", w.log)
	}
}

// until lets the schedule look at the clock until something is so.
func (w *week) until(ctx context.Context, what string, is func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		w.app.schedule.Pass(ctx)
		if is() {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("in vain for: %s\n%s", what, w.log)
		case <-tick.C:
		}
	}
}

func (w *week) issueIs(ctx context.Context, id epistle.ID, state epistle.IssueState) func() bool {
	return func() bool {
		issue, err := w.app.store.Issue(ctx, id)
		if err != nil {
			w.t.Fatal(err)
		}
		return issue.State == state
	}
}

// mailed counts the mails to an address whose subject matches.
func (w *week) mailed(to epistle.Address, subject string) int {
	return len(w.mailsTo(to, subject))
}

func (w *week) mailsTo(to epistle.Address, subject string) []mailbox.Mail {
	var found []mailbox.Mail
	for _, m := range w.box.Mails("") {
		if m.Recipient == string(to) && regexp.MustCompile(subject).MatchString(m.Subject) {
			found = append(found, m)
		}
	}
	return found
}

func (w *week) approve(ctx context.Context) {
	w.t.Helper()
	issue, err := w.app.store.Issue(ctx, w.issue)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.app.issues.Approve(ctx, w.editor.Actor(), issue.ID, issue.Version, issue.Digest()); err != nil {
		w.t.Fatal(err)
	}
}

// delivered is how many people got the weekly mail, and how many were to.
func (w *week) delivered(ctx context.Context) (got int, eligible int64) {
	w.t.Helper()
	people := map[string]bool{}
	for _, m := range w.box.Mails("") {
		if m.LeaveURL() != "" {
			if people[m.Recipient] {
				w.t.Error("somebody got the issue twice")
			}
			people[m.Recipient] = true
		}
	}
	eligible, err := w.app.store.CountAudience(ctx, epistle.AudienceRule{NewsletterID: w.newsletter.ID, State: string(epistle.Confirmed)})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(people), eligible
}

func TestAnApprovedIssueGoesOutAtItsSlotAndTheNextIsAssembled(t *testing.T) {
	t.Parallel()
	inWeek(t, func(ctx context.Context, w *week) {
		w.approve(ctx)
		w.clock.Set(seoul(26, 19, 59))
		w.app.schedule.Pass(ctx)
		if w.issueIs(ctx, w.issue, epistle.IssueSent)() {
			t.Fatal("the issue went out before its slot")
		}
		w.clock.Set(seoul(26, 20, 0))
		w.until(ctx, "the issue to be sent", w.issueIs(ctx, w.issue, epistle.IssueSent))
		if got, eligible := w.delivered(ctx); int64(got) != eligible || got == 0 {
			t.Errorf("delivered to %d of %d", got, eligible)
		}
		// Somebody confirms on Friday; the issue is their welcome at 20:00.
		asked := samplePending[0]
		confirmation := w.mailsTo(epistle.Address(asked.address), ".")
		if len(confirmation) == 0 { // by now there may be a reminder, too
			t.Fatal("no confirmation mail")
		}
		token := regexp.MustCompile(`/confirm/([A-Za-z0-9_-]+)`).FindStringSubmatch(confirmation[0].Text)
		w.clock.Set(seoul(27, 12, 0))
		if _, err := w.app.signup.Confirm(ctx, token[1], "203.0.113.9"); err != nil {
			t.Fatal(err)
		}
		w.clock.Set(seoul(27, 20, 0))
		w.until(ctx, "the welcome", func() bool {
			return slices.ContainsFunc(w.mailsTo(epistle.Address(asked.address), "."), func(m mailbox.Mail) bool { return m.LeaveURL() != "" })
		})
		// Two days before the next slot its issue begins.
		w.clock.Set(seoul(31, 20, 0)) // Tuesday 1 December
		w.until(ctx, "the next issue", func() bool {
			all, err := w.app.store.Issues(ctx, store.IssueFilter{})
			return err == nil && len(all) == 2 && all[0].SendAt.Equal(seoul(33, 20, 0))
		})
	})
}

func TestAnUnapprovedIssueIsHeldAndALateApprovalSendsIt(t *testing.T) {
	t.Parallel()
	inWeek(t, func(ctx context.Context, w *week) {
		editor := w.editor.Address
		w.clock.Set(seoul(25, 20, 0))
		w.until(ctx, "the reminder a day before", func() bool { return w.mailed(editor, ".") == 1 })
		w.clock.Set(seoul(26, 16, 0))
		w.until(ctx, "the reminder four hours before", func() bool { return w.mailed(editor, ".") == 2 })
		w.clock.Set(seoul(26, 20, 0))
		w.until(ctx, "the issue to be held", w.issueIs(ctx, w.issue, epistle.IssueHeld))
		w.until(ctx, "the mail about it", func() bool { return w.mailed(editor, ".") == 3 })
		if got, _ := w.delivered(ctx); got != 0 {
			t.Fatalf("%d people got an issue that nobody approved", got)
		}
		w.clock.Set(seoul(26, 22, 0))
		w.approve(ctx)
		w.until(ctx, "the issue to be sent", w.issueIs(ctx, w.issue, epistle.IssueSent))
		if got, eligible := w.delivered(ctx); int64(got) != eligible {
			t.Errorf("delivered to %d of %d", got, eligible)
		}
	})
}

func TestASlotThatPassedWhileNothingRanIsHeldAndReported(t *testing.T) {
	t.Parallel()
	inWeek(t, func(ctx context.Context, w *week) {
		w.approve(ctx)
		w.clock.Set(seoul(27, 12, 0)) // sixteen hours late, the grace is twelve
		w.until(ctx, "the issue to be held", w.issueIs(ctx, w.issue, epistle.IssueHeld))
		w.until(ctx, "the report", func() bool { return w.mailed(w.editor.Address, "(?i)missed|놓") == 1 })
		if got, _ := w.delivered(ctx); got != 0 {
			t.Errorf("%d people got an issue that was sixteen hours late", got)
		}
		slots, err := w.app.store.Slots(ctx, fmt.Sprintf("launch/%d", w.newsletter.ID), 1)
		if err != nil || len(slots) != 1 || slots[0].State != epistle.SlotMissed {
			t.Errorf("slots %+v, %v", slots, err)
		}
	})
}
