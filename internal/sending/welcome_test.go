package sending_test

import (
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
)

// tonight is the welcome slot of the tests' first evening, 20:00 in Seoul; the
// clock stands two hours before it.
var tonight = time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)

// issueOut sends an issue to readers 1 to 3 and returns it.
func issueOut(t *testing.T, p *press, service *sending.Service) epistle.Issue {
	t.Helper()
	p.subscribe(t, 1, 3)
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssueSent)
	p.clock.Advance(time.Minute)
	return issue
}

func welcome(t *testing.T, p *press, service *sending.Service, slot time.Time) {
	t.Helper()
	if slot.After(p.clock.Now()) {
		p.clock.Set(slot)
	}
	if err := service.Welcome(t.Context(), p.newsletter.ID, slot); err != nil {
		t.Fatal(err)
	}
}

func TestANewReaderGetsTheLatestIssueOnce(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issue := issueOut(t, p, service)
		p.join(t, 10, tonight)
		p.join(t, 11, tonight.Add(24*time.Hour)) // joined after tonight's slot was fixed: tomorrow
		p.relay.SetScript(once(1, at(smtptest.Body, 10), smtptest.Action{Reply: "450 4.2.0 Later"}))
		for range 2 {
			welcome(t, p, service, tonight)
		}
		eventually(t, "the welcome is put off", func() bool { return p.report(t, issue.ID).Deferred == 1 })
		if got := p.state(t, issue.ID); got != epistle.IssueSent {
			t.Errorf("a welcome made the issue %s", got)
		}
		p.clock.Advance(6 * time.Minute)
		eventually(t, "the welcome is accepted", func() bool { return p.report(t, issue.ID).Welcomes == 1 })
		if got := p.copies(); got[address(10)] != 1 || got[address(11)] != 0 || len(got) != 4 {
			t.Errorf("mails: %v", got)
		}
		both := p.relay.To(address(10))
		if len(both) != 2 || header(t, messageID, both[0]) != header(t, messageID, both[1]) || header(t, dateHeader, both[0]) != header(t, dateHeader, both[1]) {
			t.Errorf("%d attempts, or not the same Message-ID and Date", len(both))
		}
		if date, err := time.Parse(time.RFC1123Z, header(t, dateHeader, both[0])); err != nil || !date.Equal(tonight) {
			t.Errorf("the welcome is dated %v, %v", date, err)
		}
		if !p.settled(t, 10) || p.settled(t, 11) {
			t.Error("the welcome of the one should be settled and that of the other not")
		}
	})
}

func TestWhoGotTheIssueTonightNeedsNoWelcome(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issueOut(t, p, service)
		p.join(t, 10, tonight)
		p.clock.Advance(time.Minute)
		second := launch(t, p, service)
		p.waitState(t, second.ID, epistle.IssueSent)
		welcome(t, p, service, tonight)
		if got := p.copies(); got[address(10)] != 1 || !p.settled(t, 10) {
			t.Errorf("reader 10 has %d mails, settled %t", got[address(10)], p.settled(t, 10))
		}
		if got := p.report(t, second.ID); got.Total() != 4 {
			t.Errorf("report: %+v", got)
		}
	})
}

func TestWhoWillGetTheIssueTonightWaits(t *testing.T) {
	for name, later := range map[string]time.Duration{"at the slot": 0, "two hours later": 2 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
				start(t, service)
				issueOut(t, p, service)
				due := p.approved(t, tonight.Add(later))
				p.join(t, 10, tonight)
				p.join(t, 11, tonight)
				p.wish(t, 11, func(s *epistle.Subscription) { s.Pace = epistle.Monthly }) // tonight's is the month's second
				welcome(t, p, service, tonight)
				eventually(t, "who is not reached tonight is welcomed", func() bool { return p.copies()[address(11)] == 1 })
				if err := service.Launch(t.Context(), p.editor, due.ID); err != nil {
					t.Fatal(err)
				}
				p.waitState(t, due.ID, epistle.IssueSent)
				welcome(t, p, service, tonight.Add(24*time.Hour))
				if got := p.copies(); got[address(10)] != 1 || got[address(11)] != 1 {
					t.Errorf("mails: %v", got)
				}
				if !p.settled(t, 10) || !p.settled(t, 11) {
					t.Error("a welcome is still due")
				}
			})
		})
	}
}

// TestAnIssueThatDoesNotComeStillLeavesAWelcome holds tonight's issue back: then
// the next evening's welcome brings the one before.
func TestAnIssueThatDoesNotComeStillLeavesAWelcome(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issueOut(t, p, service)
		due := p.approved(t, tonight)
		p.join(t, 10, tonight)
		welcome(t, p, service, tonight)
		if err := service.Cancel(t.Context(), p.editor, due.ID); err != nil {
			t.Fatal(err)
		}
		welcome(t, p, service, tonight.Add(24*time.Hour))
		eventually(t, "the welcome comes", func() bool { return p.copies()[address(10)] == 1 })
	})
}

func TestWelcomesWait(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		p.join(t, 10, tonight)
		welcome(t, p, service, tonight) // nothing was ever sent
		if p.settled(t, 10) {
			t.Error("the welcome was given up, though no issue was ever sent")
		}
		p.leave(t, 10, 0)

		p.subscribe(t, 1, 3)
		issue, prayer := p.withPrayer(t)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.clock.Advance(time.Minute)
		p.join(t, 11, tonight)
		if _, err := p.store.Withdraw(t.Context(), epistle.PrayerItem, prayer, epistle.AuditEntry{Actor: p.author, At: p.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		welcome(t, p, service, tonight)
		if got := p.report(t, issue.ID); got.Total() != 3 || p.settled(t, 11) {
			t.Errorf("a welcome with what was withdrawn: %+v, settled %t", got, p.settled(t, 11))
		}
	})
}

// TestAQueuedWelcomeIsHeldToo withdraws, and lets a reader leave, between the
// slot and the mail.
func TestAQueuedWelcomeIsHeldToo(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
		stop := start(t, service)
		p.subscribe(t, 1, 3)
		issue, prayer := p.withPrayer(t)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		stop()
		p.clock.Advance(time.Minute)
		p.join(t, 10, tonight)
		p.join(t, 11, tonight)
		welcome(t, p, service, tonight)
		p.leave(t, 10, 0)

		stop = start(t, p.service(t, p.store, sending.Options{}))
		eventually(t, "one is skipped, the other welcomed", func() bool {
			r := p.report(t, issue.ID)
			return r.Skipped == 1 && r.Welcomes == 1
		})
		stop()

		// It is withdrawn while the relay is about to take the next welcome.
		p.join(t, 12, tonight)
		welcome(t, p, service, tonight)
		results := make(chan store.Result, 10)
		gate := smtptest.NewGate(smtptest.Rcpt)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.To != address(12) {
				return smtptest.Action{} // a notice to the staff, perhaps
			}
			return gate.Script(step)
		})
		start(t, p.service(t, &mortal{Store: p.store, afterDue: func(r store.Result) { results <- r }}, sending.Options{}))
		gate.Wait(t)
		if _, err := p.store.Withdraw(t.Context(), epistle.PrayerItem, prayer, epistle.AuditEntry{Actor: p.author, At: p.clock.Now()}); err != nil {
			t.Fatal(err)
		}
		gate.Open()
		if r := <-results; r.Attempted || p.copies()[address(12)] != 0 {
			t.Errorf("a welcome with what was withdrawn went out: %+v", r)
		}
		p.clock.Advance(time.Minute)
		if held, err := p.store.ClaimDue(t.Context(), epistle.WelcomeDelivery, time.Minute, 10); err != nil || len(held) != 0 {
			t.Errorf("%d welcomes with what was withdrawn may go out, %v", len(held), err)
		}
	})
}
