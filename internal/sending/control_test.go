package sending_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// TestNobodyIsMailedAfterLeaving lets one reader leave while another's mail is
// on the wire, and three while the relay is about to take theirs.
func TestNobodyIsMailedAfterLeaving(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.Body, smtptest.Rcpt, smtptest.Data} {
		t.Run(string(stage), func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				p.subscribe(t, 1, 6)
				gate := smtptest.NewGate(stage)
				var begun atomic.Int64 // DATA for the first reader
				p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
					if step.Stage == smtptest.Data && step.To == address(1) {
						begun.Add(1)
					}
					return gate.Script(step)
				})
				options, err := relay.Parse(p.relay.URL())
				if err != nil {
					t.Fatal(err)
				}
				options.OneByOne = stage == smtptest.Rcpt // else DATA is out already, and only the dot is held back
				service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Options: options, Connections: 1}}})
				start(t, service)
				issue := launch(t, p, service)
				step := gate.Wait(t)
				gone := 1 // the very person whose mail is about to be taken
				if stage == smtptest.Body {
					gone = 5
				}
				if step.To != address(1) {
					t.Fatal("the first mail is not the first reader's")
				}
				p.leave(t, gone, issue.ID)
				gate.Open()
				p.waitState(t, issue.ID, epistle.IssueSent)
				if got := p.copies(); got[address(gone)] != 0 || len(got) != 5 {
					t.Errorf("%d got mail, the one who left %d", len(got), got[address(gone)])
				}
				if stage == smtptest.Rcpt && begun.Load() != 0 {
					t.Error("DATA began for somebody who had left")
				}
				if got := p.report(t, issue.ID); got.Skipped != 1 || got.Accepted != 5 || got.Left != 1 {
					t.Errorf("report: %+v", got)
				}
			})
		})
	}
}

func TestPausingLosesNothing(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 30)
		gate := smtptest.NewGate(smtptest.Body)
		p.relay.SetScript(gate.Script)
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issue := launch(t, p, service)
		gate.Wait(t)
		gate.Wait(t)
		if err := service.Pause(t.Context(), p.author, issue.ID); err != nil {
			t.Fatal(err)
		}
		gate.Open()
		eventually(t, "what was in flight is recorded", func() bool { return p.report(t, issue.ID).Accepted == 2 })
		if n := len(p.copies()); n != 2 {
			t.Errorf("%d got mail, want the two whose mail was on the wire", n)
		}
		if err := service.Resume(t.Context(), p.author, issue.ID); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("an author resumed: %v", err)
		}
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 30)
	})
}

// TestAPauseBeforeARangeIsReadLosesNothing pauses when connections hold ranges
// of which they have sent nothing yet.
func TestAPauseBeforeARangeIsReadLosesNothing(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 20)
		store := &mortal{Store: p.store}
		service := p.service(t, store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		issue := p.approved(t, time.Time{})
		var paused sync.Once
		store.beforeRead = func() {
			paused.Do(func() {
				if err := service.Pause(t.Context(), p.author, issue.ID); err != nil {
					t.Error(err)
				}
			})
		}
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		start(t, service)
		p.waitState(t, issue.ID, epistle.IssuePaused)
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 20)
	})
}

func TestCancellingEndsIt(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 30)
		gate := smtptest.NewGate(smtptest.Body)
		p.relay.SetScript(gate.Script)
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		stop := start(t, service)
		issue := launch(t, p, service)
		gate.Wait(t)
		gate.Wait(t)
		if err := service.Cancel(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		gate.Open()
		eventually(t, "what was in flight is recorded", func() bool { return p.report(t, issue.ID).Accepted == 2 })
		if err := service.Resume(t.Context(), p.editor, issue.ID); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a cancelled issue was resumed: %v", err)
		}
		stop()
		if n := len(p.copies()); n != 2 {
			t.Errorf("%d got mail", n)
		}
	})
}

// withPrayer makes an approved issue that shows a prayer of the pool.
func (p *press) withPrayer(t *testing.T) (issue epistle.Issue, prayer epistle.ID) {
	t.Helper()
	request := epistle.Prayer{Headline: epistle.Text{EN: "A journey", KO: "여정"}, Body: epistle.Text{EN: "Safety.", KO: "안전."}, State: epistle.Current}
	prayer, err := p.store.CreatePrayer(t.Context(), request, epistle.AuditEntry{Actor: p.author, At: p.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	shown := content("News")
	shown.Sections = append(shown.Sections, epistle.Section{Kind: epistle.PrayersSection,
		Items: []epistle.Item{{Kind: epistle.PrayerItem, ID: prayer, Title: request.Headline, Body: request.Body}}})
	issue, _, err = p.store.CreateIssue(t.Context(), p.author, epistle.Issue{NewsletterID: p.newsletter.ID, Content: shown})
	if err != nil {
		t.Fatal(err)
	}
	return p.approve(t, issue, epistle.IssueApproved), prayer
}

// TestWithdrawnContentStopsTheIssue withdraws a prayer while the issue that
// shows it is going out; the rest gets the corrected edition.
func TestWithdrawnContentStopsTheIssue(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 12)
		issue, prayer := p.withPrayer(t)
		gate := smtptest.NewGate(smtptest.Body)
		p.relay.SetScript(gate.Script)
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
		start(t, service)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		gate.Wait(t)
		if _, err := p.store.Withdraw(t.Context(), epistle.PrayerItem, prayer, epistle.AuditEntry{Actor: p.author, At: p.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		gate.Open()
		eventually(t, "what was in flight is recorded", func() bool { return p.report(t, issue.ID).Accepted == 1 })
		if err := service.Resume(t.Context(), p.editor, issue.ID); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("it was resumed with what was withdrawn: %v", err)
		}
		paused, err := p.store.Issue(t.Context(), issue.ID)
		if err != nil {
			t.Fatal(err)
		}
		corrected, err := p.store.SaveIssue(t.Context(), p.author, issue.ID, paused.Version, content("Corrected"))
		if err != nil {
			t.Fatal(err)
		}
		p.approve(t, corrected, epistle.IssuePaused)
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 12)
		for _, m := range p.relay.Messages() {
			if strings.HasPrefix(m.To, "reader") && m.To != address(1) && strings.Contains(string(m.Data), "A journey") {
				t.Error("the withdrawn prayer was mailed after it was withdrawn")
			}
		}
	})
}

func TestOnlyTheApprovedIsLaunched(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 2)
		service := p.service(t, p.store, sending.Options{})
		issue, _, err := p.store.CreateIssue(t.Context(), p.author, epistle.Issue{NewsletterID: p.newsletter.ID, Content: content("Draft")})
		if err != nil {
			t.Fatal(err)
		}
		if err := service.Launch(t.Context(), p.editor, issue.ID); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a draft was launched: %v", err)
		}
		// An approval of something else is none.
		if _, err := p.store.MoveIssue(t.Context(), p.editor, move(issue.ID, epistle.IssueDraft, epistle.IssueApproved)); err != nil {
			t.Fatal(err)
		}
		if err := service.Launch(t.Context(), p.editor, issue.ID); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("an issue without an approval of its content was launched: %v", err)
		}
		if err := service.Launch(t.Context(), p.author, issue.ID); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("an author launched: %v", err)
		}
		if got := p.state(t, issue.ID); got != epistle.IssueApproved {
			t.Errorf("the issue is %s", got)
		}
	})
}

func TestWhoIsInTheAudience(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 8)
		p.leave(t, 1, 0)
		p.wish(t, 2, func(s *epistle.Subscription) { s.PausedUntil = p.clock.Now().Add(time.Hour) })
		p.wish(t, 3, func(s *epistle.Subscription) { s.PausedUntil = p.clock.Now().Add(-time.Hour) })
		p.wish(t, 4, func(s *epistle.Subscription) { s.Pace = epistle.Monthly })
		if err := p.store.Suppress(t.Context(), p.subscription(t, 5).SubscriberID, epistle.ByStaff,
			epistle.Event{At: p.clock.Now(), Way: epistle.ByDesk}, epistle.AuditEntry{Actor: p.editor, At: p.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		for round, want := range []map[int]int{
			{3: 1, 4: 1, 6: 1, 7: 1, 8: 1},       // the first of November
			{2: 1, 3: 2, 4: 1, 6: 2, 7: 2, 8: 2}, // the second, after the pause: none for 4
			{2: 2, 3: 3, 4: 2, 6: 3, 7: 3, 8: 3}, // the first of December
		} {
			issue := launch(t, p, service)
			p.waitState(t, issue.ID, epistle.IssueSent)
			got := p.copies()
			for n := 1; n <= 8; n++ {
				if got[address(n)] != want[n] {
					t.Errorf("after issue %d reader %d has %d mails, want %d", round+1, n, got[address(n)], want[n])
				}
			}
			p.clock.Set([]time.Time{time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC), time.Date(2026, 11, 30, 15, 30, 0, 0, time.UTC), p.clock.Now()}[round])
		}
	})
}

// TestAnEmptyAudience is an issue that nobody gets; it is sent all the same.
func TestAnEmptyAudience(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	service := p.service(t, p.store, sending.Options{})
	start(t, service)
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssueSent)
	if got := p.report(t, issue.ID); got.Total() != 0 {
		t.Errorf("report: %+v", got)
	}
}

// pausing pauses an issue right before the first look at a range.
type pausing struct {
	*store.Store
	pause func()
	once  sync.Once
}

func (s *pausing) ReadRange(ctx context.Context, issueID epistle.ID, first, last int64) ([]store.Recipient, store.Check, error) {
	s.once.Do(s.pause)
	return s.Store.ReadRange(ctx, issueID, first, last)
}

func TestPausingBeforeTheFirstOfARangeLosesNothing(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 12)
		var service *sending.Service
		var issue epistle.Issue
		gate := &pausing{Store: p.store, pause: func() {
			if err := service.Pause(context.Background(), p.editor, issue.ID); err != nil {
				t.Error(err)
			}
		}}
		service = p.service(t, gate, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		issue = launch(t, p, service)
		start(t, service)
		p.waitState(t, issue.ID, epistle.IssuePaused)
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 12)
	})
}
