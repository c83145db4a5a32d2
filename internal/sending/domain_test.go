package sending_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
)

// untilSent lets time pass, in steps in which all that is due is settled, and
// returns how much of it the issue took.
func (p *press) untilSent(t *testing.T, l *ledger, id epistle.ID, step, most time.Duration) time.Duration {
	t.Helper()
	for passed := time.Duration(0); passed < most; passed += step {
		if p.state(t, id) == epistle.IssueSent {
			return passed
		}
		p.clock.Advance(step)
		l.waitIdle(t)
	}
	p.waitState(t, id, epistle.IssueSent)
	return most
}

// TestADomainThatGreylistsEachReaderGetsAllItsMail: a domain that puts off
// whomever it sees for the first time looks like one that refuses everything,
// until somebody whom it has seen tries again.
func TestADomainThatGreylistsEachReaderGetsAllItsMail(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 120
		p.subscribeAt(t, "grey.example.com", 1, readers)
		var mu sync.Mutex
		seen := map[string]time.Time{}
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage != smtptest.Rcpt || !strings.HasSuffix(step.To, "@grey.example.com") {
				return smtptest.Action{}
			}
			mu.Lock()
			defer mu.Unlock()
			if first, known := seen[step.To]; known && p.clock.Now().Sub(first) >= 15*time.Minute {
				return smtptest.Action{}
			} else if !known {
				seen[step.To] = p.clock.Now()
			}
			return smtptest.Action{Reply: "450 4.2.0 Greylisted, come back later"}
		})
		ledger := &ledger{Store: p.store, clock: p.clock}
		service := p.service(t, ledger, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "all are put off", func() bool { return p.report(t, issue.ID).Deferred == readers })
		if took := p.untilSent(t, ledger, issue.ID, time.Minute, 30*time.Hour); took > 5*time.Hour {
			t.Errorf("it took %s", took)
		}
		wantOnceAt(t, "grey.example.com", 1, readers, p.relay)
	})
}

// TestADomainThatNeverTakesMailIsGivenUpAfter48Hours: those whose turn never
// came while it was left in peace, too.
func TestADomainThatNeverTakesMailIsGivenUpAfter48Hours(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 30
		p.subscribeAt(t, "dead.example.com", 1, readers)
		p.relay.SetScript(refusing("dead.example.com", "450 4.4.1 No answer from host", nil))
		ledger := &ledger{Store: p.store, clock: p.clock}
		service := p.service(t, ledger, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "all are put off", func() bool { return p.report(t, issue.ID).Deferred == readers })
		took := p.untilSent(t, ledger, issue.ID, 30*time.Minute, 52*time.Hour)
		if took < 46*time.Hour || took > 50*time.Hour {
			t.Errorf("it was given up after %s", took)
		}
		if got := p.report(t, issue.ID); got.Failed != readers {
			t.Errorf("report: %+v", got)
		}
	})
}

// TestADomainThatTakesItsTimeLeavesConnectionsToOthers: its readers come first in
// the issue, and yet some of them wait until the others have theirs.
func TestADomainThatTakesItsTimeLeavesConnectionsToOthers(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const slow, quick = 80, 80
		p.subscribeAt(t, "slow.example.com", 1, slow)
		p.subscribeAt(t, "quick.example.com", 1, quick)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Body && strings.HasSuffix(step.To, "@slow.example.com") {
				select {
				case <-time.After(100 * time.Millisecond):
				case <-step.Done:
				}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 8}}})
		tuning := usual
		tuning.SlowMail = 80 * time.Millisecond
		service.Tune(tuning)
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "the others have theirs", func() bool { return acceptedAt(p.relay, "quick.example.com") == quick })
		if n := acceptedAt(p.relay, "slow.example.com"); n > slow*3/4 {
			t.Errorf("%d of %d had to be served before the others had theirs", n, slow)
		}
		p.clock.Advance(time.Minute)
		p.waitState(t, issue.ID, epistle.IssueSent)
		wantOnceAt(t, "slow.example.com", 1, slow, p.relay)
		wantOnceAt(t, "quick.example.com", 1, quick, p.relay)
		if got := p.report(t, issue.ID); got.Accepted != slow+quick {
			t.Errorf("report: %+v", got)
		}
	})
}

// TestADomainThatRefusesUsForGoodPausesNothing: all its readers are refused, first
// and when they are tried once more, and that is between it and us.
func TestADomainThatRefusesUsForGoodPausesNothing(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const good, refused = 320, 15
		p.subscribeAt(t, "good.example.com", 1, good)
		p.subscribeAt(t, "refuses.example.com", 1, refused)
		p.relay.SetScript(refusing("refuses.example.com", "550 5.7.1 We do not take mail from you", nil))
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "they are put off", func() bool { return p.report(t, issue.ID).Deferred == refused })
		p.clock.Advance(6 * time.Minute)
		p.waitState(t, issue.ID, epistle.IssueSent)
		if got := p.report(t, issue.ID); got.Failed != refused || got.Accepted != good {
			t.Errorf("report: %+v", got)
		}
	})
}
