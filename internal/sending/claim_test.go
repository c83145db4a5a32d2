package sending_test

import (
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
)

// aClaimsLife is longer than a claim outlives its daemon, and shorter than
// anything else.
const aClaimsLife = 31 * time.Second

// retried launches an issue to readers, the last of whom is put off, and returns
// when a daemon on a store has claimed that one and its mail has come to a stage,
// where the gate holds it.
func (p *press) retried(t *testing.T, s sending.Store, readers int, stage smtptest.Stage) (issue epistle.Issue, gate *smtptest.Gate, stop func()) {
	t.Helper()
	p.subscribe(t, 1, readers)
	p.relay.SetScript(once(1, at(smtptest.Rcpt, readers), smtptest.Action{Reply: "450 4.2.0 Later"}))
	service := p.service(t, s, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
	stop = start(t, service)
	issue = launch(t, p, service)
	eventually(t, "one is put off", func() bool { return p.report(t, issue.ID).Deferred == 1 })
	gate = smtptest.NewGate(stage)
	p.relay.SetScript(gate.Script)
	p.clock.Advance(6 * time.Minute)
	if step := gate.Wait(t); step.To != address(readers) {
		t.Fatalf("%s is mailed, want the one who was put off", step.To)
	}
	return issue, gate, stop
}

func TestWhatADeadDaemonHadClaimedIsSentSoon(t *testing.T) {
	for name, hold := range map[string]bool{"and sent again": false, "and held": true} {
		for _, stage := range []smtptest.Stage{smtptest.Rcpt, smtptest.Body} {
			t.Run(name+" at "+string(stage), func(t *testing.T) {
				eachPress(t, func(t *testing.T, p *press) {
					p.hold(t, hold)
					victim := &mortal{Store: p.store}
					issue, gate, stop := p.retried(t, victim, 3, stage)
					victim.die()
					p.relay.HangUpAll()
					gate.Open()
					stop()
					start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}}))
					p.clock.Advance(aClaimsLife)
					p.waitState(t, issue.ID, epistle.IssueSent)
					// Before the dot nothing can have arrived.
					want := epistle.Report{Accepted: 3}
					if hold && stage == smtptest.Body {
						want = epistle.Report{Accepted: 2, Uncertain: 1}
					}
					if got := p.report(t, issue.ID); got != want {
						t.Errorf("report: %+v", got)
					}
					extra := 0
					if stage == smtptest.Body && !hold {
						extra = 1
					}
					wantEveryone(t, p.relay.Messages(), 3, extra)
				})
			})
		}
	}
}

// hold lets the newsletter hold what may have arrived.
func (p *press) hold(t *testing.T, is bool) {
	t.Helper()
	p.newsletter.Hold = is
	var err error
	if p.newsletter, err = p.store.UpdateNewsletter(t.Context(), p.newsletter, epistle.AuditEntry{Actor: epistle.SystemActor(), At: p.clock.Now()}); err != nil {
		t.Fatal(err)
	}
}

// TestASlowReplyKeepsItsClaim lets a relay take minutes for its last word while
// another daemon looks for something to do.
func TestASlowReplyKeepsItsClaim(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		patient := &mortal{Store: p.store}
		issue, gate, _ := p.retried(t, patient, 3, smtptest.Body)
		idle := &ledger{Store: p.store, clock: p.clock}
		start(t, p.service(t, idle, sending.Options{Relays: []sending.Relay{{Connections: 1}}}))
		for range 15 {
			p.clock.Advance(20 * time.Second)
			before := patient.kept.Load()
			eventually(t, "the claim is renewed", func() bool { return patient.kept.Load() > before+1 })
			idle.waitIdle(t)
		}
		gate.Open()
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 3)
	})
}

// TestADaemonThatWasFrozenSendsNothingOfWhatItHadClaimed freezes one between RCPT
// and the body, until another has sent the mail.
func TestADaemonThatWasFrozenSendsNothingOfWhatItHadClaimed(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		var cold atomic.Bool
		thaw := make(chan struct{})
		frozen := &mortal{Store: p.store, beforeKeep: func() {
			if cold.Load() {
				<-thaw
			}
		}}
		issue, gate, _ := p.retried(t, frozen, 3, smtptest.Rcpt)
		settled := make(chan struct{}, 10)
		frozen.afterDue = func(store.Result) { settled <- struct{}{} }
		cold.Store(true)
		p.clock.Advance(aClaimsLife)
		other := smtptest.Start(t, smtptest.Options{Pipelining: true})
		start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1, Options: optionsOf(t, other.URL())}}}))
		p.waitState(t, issue.ID, epistle.IssueSent)
		gate.Open()
		close(thaw)
		<-settled
		if got := len(other.To(address(3))); got != 1 {
			t.Errorf("the reader got %d mails from the other", got)
		}
		p.wantEachOnce(t, 1, 2)
	})
}

// TestADaemonWithoutARelayLeavesItsClaimsToOthers: notices and single deliveries
// that it cannot send go out by another daemon, once.
func TestADaemonWithoutARelayLeavesItsClaimsToOthers(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		var down atomic.Bool
		stuck := &mortal{Store: p.store}
		issue, gate, _ := p.retried(t, stuck, 3, smtptest.Rcpt)
		down.Store(true)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Connect && down.Load() {
				return smtptest.Action{Reply: "421 4.3.2 Closed", Leave: true}
			}
			return smtptest.Action{}
		})
		p.notify(t, "one")
		eventually(t, "its notice finds no relay", func() bool { return p.relay.Dials() > 4 })
		p.relay.HangUpAll()
		gate.Open()
		p.clock.Advance(aClaimsLife)
		other := smtptest.Start(t, smtptest.Options{Pipelining: true})
		start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1, Options: optionsOf(t, other.URL())}}}))
		p.waitState(t, issue.ID, epistle.IssueSent)
		eventually(t, "the notice is there", func() bool { return acceptedAt(other, "notices.example.com") == 1 })
		down.Store(false)
		p.notify(t, "two")
		eventually(t, "the other notice is there", func() bool {
			return acceptedAt(other, "notices.example.com")+acceptedAt(p.relay, "notices.example.com") == 2
		})
		if got := len(other.To(address(3))) + len(p.relay.To(address(3))); got != 1 {
			t.Errorf("the reader got %d mails", got)
		}
	})
}
