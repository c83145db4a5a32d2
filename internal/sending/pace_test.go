package sending_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// subscribeAt confirms readers first to last of a mail domain.
func (p *press) subscribeAt(t *testing.T, domain string, first, last int) {
	t.Helper()
	var people []epistle.Signup
	for n := first; n <= last; n++ {
		people = append(people, epistle.Signup{NewsletterID: p.newsletter.ID, Source: epistle.FromImport, State: epistle.SignupConfirmed,
			Address: epistle.Address(readerAt(domain, n)), Language: epistle.English,
			Wording: "Yes.", WordingVersion: 1, CreatedAt: p.clock.Now(), ConfirmedAt: p.clock.Now()})
	}
	if _, err := p.store.ImportConfirmed(t.Context(), p.newsletter.ID, people); err != nil {
		t.Fatal(err)
	}
}

func readerAt(domain string, n int) string { return fmt.Sprintf("reader%03d@%s", n, domain) }

// acceptedAt counts the mails that a server took for a domain.
func acceptedAt(s *smtptest.Server, domain string) (n int) {
	for _, m := range s.Messages() {
		if !m.Refused && strings.HasSuffix(m.To, "@"+domain) {
			n++
		}
	}
	return n
}

// wantOnceAt fails unless each reader of a domain got exactly one mail from
// either server.
func wantOnceAt(t *testing.T, domain string, first, last int, servers ...*smtptest.Server) {
	t.Helper()
	got := map[string]int{}
	for _, s := range servers {
		for _, m := range s.Messages() {
			if !m.Refused {
				got[m.To]++
			}
		}
	}
	for n := first; n <= last; n++ {
		if got[readerAt(domain, n)] != 1 {
			t.Errorf("%s got %d mails, want 1", readerAt(domain, n), got[readerAt(domain, n)])
		}
	}
}

// refusing answers one reply to all recipients of a domain, and counts them.
func refusing(domain, reply string, asked chan<- string) func(smtptest.Step) smtptest.Action {
	return func(step smtptest.Step) smtptest.Action {
		if step.Stage == smtptest.Rcpt && strings.HasSuffix(step.To, "@"+domain) {
			select {
			case asked <- step.To:
			default:
			}
			return smtptest.Action{Reply: reply}
		}
		return smtptest.Action{}
	}
}

func TestADomainThatRefusesForTheTimeBeingHoldsNobodyUp(t *testing.T) {
	for _, reply := range []string{"451 4.7.1 Too many mails", "421 4.7.0 Not now", "450 4.2.0 Later"} {
		t.Run(reply, func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				const stalled, good = 80, 40
				p.subscribeAt(t, "stalled.example.com", 1, stalled)
				p.subscribeAt(t, "good.example.com", 1, good)
				asked := make(chan string, 1000)
				p.relay.SetScript(refusing("stalled.example.com", reply, asked))
				ledger := &ledger{Store: p.store, clock: p.clock}
				service := p.service(t, ledger, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
				start(t, service)
				issue := launch(t, p, service)
				// The clock stands still: nobody waits for the others' sake.
				eventually(t, "the others have theirs", func() bool { return acceptedAt(p.relay, "good.example.com") == good })
				eventually(t, "the stalled are put off", func() bool { return p.report(t, issue.ID).Deferred == stalled })
				if n := len(asked); n > 30 {
					t.Errorf("a domain that refuses was asked %d times", n)
				}
				if err := service.Health(); err != nil {
					t.Errorf("one domain is said to be the relay's fault: %v", err)
				}
				open, err := p.store.Breakers(t.Context())
				if err != nil || len(open) != 1 || open[0].Opened != 1 {
					t.Fatalf("breakers %+v, %v", open, err)
				}
				// After its rest one mail tries, and the rest gets longer.
				before := len(asked)
				p.clock.Set(open[0].Until.Add(5 * time.Minute))
				eventually(t, "the rest gets longer", func() bool {
					open, err = p.store.Breakers(t.Context())
					return err == nil && len(open) == 1 && open[0].Opened == 2
				})
				ledger.waitIdle(t)
				if n := len(asked) - before; n != 1 {
					t.Errorf("%d mails tried a domain that refused, want 1", n)
				}
				// When it takes mail again all of it goes, as fast as agreed.
				p.relay.SetScript(nil)
				for range 100 {
					if p.state(t, issue.ID) == epistle.IssueSent {
						break
					}
					p.clock.Advance(2 * time.Minute)
					ledger.waitIdle(t)
				}
				p.waitState(t, issue.ID, epistle.IssueSent)
				wantOnceAt(t, "stalled.example.com", 1, stalled, p.relay)
				if open, err = p.store.Breakers(t.Context()); err != nil || len(open) != 0 {
					t.Errorf("breakers at the end: %+v, %v", open, err)
				}
			})
		})
	}
}

func TestADomainThatTheRelayWaitsForInVainHoldsNobodyUp(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const stalled, good = 40, 60
		p.subscribeAt(t, "stalled.example.com", 1, stalled)
		p.subscribeAt(t, "good.example.com", 1, good)
		var asked atomic.Int64
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Rcpt && strings.HasSuffix(step.To, "@stalled.example.com") {
				asked.Add(1)
				return smtptest.Action{Silence: true}
			}
			return smtptest.Action{}
		})
		options := optionsOf(t, p.relay.URL())
		options.Timeouts.Command = 300 * time.Millisecond
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3, Options: options}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "the others have theirs", func() bool { return acceptedAt(p.relay, "good.example.com") == good })
		eventually(t, "the stalled are put off", func() bool { return p.report(t, issue.ID).Deferred == stalled })
		if n := asked.Load(); n > 16 {
			t.Errorf("a domain that has no word was asked %d times", n)
		}
	})
}

func TestWelcomesDoNotWaitBehindOneDomain(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const stalled = 120
		p.subscribeAt(t, "stalled.example.com", 1, stalled)
		var stall atomic.Bool
		stall.Store(true)
		gate := make(chan struct{})
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			switch {
			case step.Stage != smtptest.Rcpt || !strings.HasSuffix(step.To, "@stalled.example.com"):
			case stall.Load():
				return smtptest.Action{Reply: "452 4.2.2 Mailbox full"}
			default:
				select { // it has become slow
				case <-gate:
				case <-step.Done:
				}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "all are put off", func() bool { return p.report(t, issue.ID).Deferred == stalled })
		stall.Store(false)
		for n := range 3 {
			p.join(t, 10+n, tonight)
		}
		welcome(t, p, service, tonight)
		eventually(t, "the welcomed have theirs", func() bool {
			got := p.copies()
			return got[address(10)] == 1 && got[address(11)] == 1 && got[address(12)] == 1
		})
		close(gate)
	})
}

// ledger notes when a service has found nothing due and settled all it claimed.
type ledger struct {
	*store.Store
	clock *storetest.Clock

	mu      sync.Mutex
	claimed int
	idleAt  time.Time // the clock's time of the last empty claim
}

func (l *ledger) ClaimDue(ctx context.Context, kind epistle.DeliveryKind, lease time.Duration, limit int) ([]store.Recipient, error) {
	now := l.clock.Now()
	all, err := l.Store.ClaimDue(ctx, kind, lease, limit)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed += len(all)
	if err == nil && l.claimed == 0 && kind == epistle.BulkDelivery {
		l.idleAt = now
	}
	return all, err
}

func (l *ledger) SettleDue(ctx context.Context, r store.Recipient, result store.Result) error {
	err := l.Store.SettleDue(ctx, r, result)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.claimed--
	return err
}

// waitIdle returns when nothing is due at the clock's time.
func (l *ledger) waitIdle(t *testing.T) {
	t.Helper()
	now := l.clock.Now()
	eventually(t, "all that is due is settled", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.claimed == 0 && !l.idleAt.Before(now)
	})
}

func TestALaneLimitHoldsOverTwoDaemonsAndAPause(t *testing.T) {
	clock, key, url := storetest.NewClock(), seal.NewKey(), storetest.PostgresURL(t)
	first := storetest.OpenWithKey(t, url, clock.Now, key)
	second := storetest.OpenWithKey(t, url, clock.Now, key)
	p := newPress(t, first, clock, smtptest.Options{})
	const slow, quick = 40, 30
	p.subscribeAt(t, "slow.example.com", 1, slow)
	p.subscribeAt(t, "quick.example.com", 1, quick)
	limits := sending.Limits{Lanes: map[string]float64{"slow.example.com": 2}}
	var services []*sending.Service
	var ledgers []*ledger
	for _, s := range []*store.Store{first, second} {
		ledgers = append(ledgers, &ledger{Store: s, clock: clock})
		service := p.service(t, ledgers[len(ledgers)-1], sending.Options{Relays: []sending.Relay{{Connections: 2}}, Limits: limits})
		start(t, service)
		services = append(services, service)
	}
	issue := launch(t, p, services[0])
	begin := clock.Now()
	eventually(t, "the others have theirs", func() bool { return acceptedAt(p.relay, "quick.example.com") == quick })
	eventually(t, "everybody else is put off", func() bool {
		r := p.report(t, issue.ID)
		return r.Queued == 0 && r.Deferred+r.Accepted == slow+quick
	})
	// most is how many a bucket of two a second lets through, with what either
	// daemon may still hold.
	most := func(since time.Time) int { return int(clock.Now().Sub(since).Seconds()*2) + 3 }
	pass := func(seconds int, since time.Time, had int) {
		t.Helper()
		for range seconds {
			clock.Advance(time.Second)
			for _, l := range ledgers {
				l.waitIdle(t)
			}
			if n := acceptedAt(p.relay, "slow.example.com") - had; n > most(since) {
				t.Fatalf("%d mails went to the lane in %s, at two a second", n, clock.Now().Sub(since))
			}
		}
	}
	pass(6, begin, 0)
	if n := acceptedAt(p.relay, "slow.example.com"); n < 10 {
		t.Errorf("only %d mails went to the lane in six seconds", n)
	}
	if err := services[0].Pause(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Hour)
	had := acceptedAt(p.relay, "slow.example.com")
	resumed := clock.Now()
	if err := services[0].Resume(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	pass(25, resumed, had)
	p.waitState(t, issue.ID, epistle.IssueSent)
	wantOnceAt(t, "slow.example.com", 1, slow, p.relay)
	wantOnceAt(t, "quick.example.com", 1, quick, p.relay)
}
