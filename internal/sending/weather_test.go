package sending_test

import (
	"context"
	"crypto/tls"
	"slices"
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

// once acts the first n times that a step matches.
func once(n int, match func(smtptest.Step) bool, action smtptest.Action) func(smtptest.Step) smtptest.Action {
	var mu sync.Mutex
	return func(step smtptest.Step) smtptest.Action {
		mu.Lock()
		defer mu.Unlock()
		if n > 0 && match(step) {
			n--
			return action
		}
		return smtptest.Action{}
	}
}

func at(stage smtptest.Stage, reader int) func(smtptest.Step) bool {
	return func(step smtptest.Step) bool { return step.Stage == stage && step.To == address(reader) }
}

func launch(t *testing.T, p *press, s *sending.Service) epistle.Issue {
	t.Helper()
	issue := p.approved(t, time.Time{})
	if err := s.Launch(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	return issue
}

func TestATemporaryRefusalIsTriedAgain(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 8)
		p.relay.SetScript(once(1, at(smtptest.Body, 3), smtptest.Action{Reply: "450 4.2.0 Later"}))
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "one is put off", func() bool {
			r := p.report(t, issue.ID)
			return r.Deferred == 1 && r.Accepted == 7
		})
		if got := p.state(t, issue.ID); got != epistle.IssueSending {
			t.Errorf("the issue is %s while one is put off", got)
		}
		p.clock.Advance(6 * time.Minute)
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 8)
		both := p.relay.To(address(3))
		if len(both) != 2 || header(t, messageID, both[0]) != header(t, messageID, both[1]) || header(t, dateHeader, both[0]) != header(t, dateHeader, both[1]) {
			t.Errorf("%d attempts, or not the same Message-ID and Date", len(both))
		}
	})
}

func TestADeliveryIsGivenUpAfter48Hours(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 2)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if at(smtptest.Rcpt, 2)(step) {
				return smtptest.Action{Reply: "450 4.2.0 Later"}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "it is put off", func() bool { return p.report(t, issue.ID).Deferred == 1 })
		p.clock.Advance(47*time.Hour + 59*time.Minute)
		p.waitState(t, issue.ID, epistle.IssueSent)
		if got := p.report(t, issue.ID); got.Failed != 1 || got.Accepted != 1 {
			t.Errorf("report: %+v", got)
		}
	})
}

func TestOnlyAnAddressThatIsGoneIsSuppressed(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 6)
		replies := map[string]string{
			address(1): "550 5.1.1 No such user",
			address(2): "550 5.7.1 We do not like you",
			address(3): "552 5.2.2 Mailbox full",
			address(4): "550 5.2.1 Disabled",
		}
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Rcpt {
				return smtptest.Action{Reply: replies[step.To]}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		start(t, service)
		issue := launch(t, p, service)
		// 5.7.1 is tried once more, in case it was about us.
		eventually(t, "one is put off", func() bool { return p.report(t, issue.ID).Deferred == 1 })
		p.clock.Advance(6 * time.Minute)
		p.waitState(t, issue.ID, epistle.IssueSent)
		if got := p.report(t, issue.ID); got.Failed != 4 || got.Accepted != 2 {
			t.Errorf("report: %+v", got)
		}
		for n, want := range map[int]epistle.SuppressionReason{1: epistle.AddressGone, 2: "", 3: "", 4: epistle.AddressGone, 5: ""} {
			if got, err := p.store.Suppression(t.Context(), epistle.Address(address(n))); err != nil || got != want {
				t.Errorf("reader %d is suppressed as %q, %v; want %q", n, got, err, want)
			}
		}
		history, err := p.store.Events(t.Context(), p.subscription(t, 1).SubscriberID, 10)
		if err != nil || history[0].Kind != epistle.EventSuppressed || history[0].Way != epistle.ByReply || history[0].IssueID != issue.ID {
			t.Errorf("the history of reader 1: %+v, %v", history, err)
		}
	})
}

func TestDroppedConnectionsCostNobodyAnything(t *testing.T) {
	for _, stage := range []smtptest.Stage{smtptest.Connect, smtptest.Hello, smtptest.Mail, smtptest.Rcpt, smtptest.Data} {
		t.Run(string(stage), func(t *testing.T) {
			s, clock := storetest.SQLite(t)
			p := newPress(t, s, clock, smtptest.Options{})
			p.subscribe(t, 1, 12)
			p.relay.SetScript(once(2, func(step smtptest.Step) bool { return step.Stage == stage }, smtptest.Action{HangUp: true}))
			service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
			start(t, service)
			issue := launch(t, p, service)
			p.waitState(t, issue.ID, epistle.IssueSent)
			p.wantEachOnce(t, 1, 12)
			if err := service.Health(); err != nil {
				t.Errorf("health: %v", err)
			}
		})
	}
}

func TestALostReplyIsUncertainAndNotRepeated(t *testing.T) {
	for name, action := range map[string]smtptest.Action{"dropped": {HangUp: true}, "never": {Silence: true}} {
		t.Run(name, func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				p.subscribe(t, 1, 9)
				p.relay.SetScript(once(1, at(smtptest.Body, 4), action))
				options, err := relay.Parse(p.relay.URL())
				if err != nil {
					t.Fatal(err)
				}
				options.Timeouts.Final = 300 * time.Millisecond
				service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2, Options: options}}})
				start(t, service)
				issue := launch(t, p, service)
				p.waitState(t, issue.ID, epistle.IssueSent)
				if got := p.report(t, issue.ID); got.Uncertain != 1 || got.Accepted != 8 {
					t.Errorf("report: %+v", got)
				}
				p.wantEachOnce(t, 1, 9)
			})
		})
	}
}

// TestARelayThatTakesAMailAndResets does so with one reader's mail whenever it
// comes, as if it had not read it.
func TestARelayThatTakesAMailAndResets(t *testing.T) {
	const readers, unlucky = 9, 4
	for name, c := range map[string]struct {
		hold   bool
		copies int
	}{
		"and it is sent once more": {false, 2},
		"and it is held":           {true, 1},
	} {
		for later, refusals := range map[string]int{"at once": 0, "at the second try": 1} {
			t.Run(name+", "+later, func(t *testing.T) {
				eachPress(t, func(t *testing.T, p *press) {
					p.hold(t, c.hold)
					p.subscribe(t, 1, readers)
					putOff := once(refusals, at(smtptest.Rcpt, unlucky), smtptest.Action{Reply: "450 4.2.0 Later"})
					p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
						if at(smtptest.Body, unlucky)(step) {
							return smtptest.Action{Reset: true}
						}
						return putOff(step)
					})
					service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
					start(t, service)
					issue := launch(t, p, service)
					if refusals > 0 {
						eventually(t, "one is put off", func() bool { return p.report(t, issue.ID).Deferred == 1 })
						p.clock.Advance(6 * time.Minute)
					}
					p.waitState(t, issue.ID, epistle.IssueSent)
					if got := p.report(t, issue.ID); got.Uncertain != 1 || got.Accepted != readers-1 {
						t.Errorf("report: %+v", got)
					}
					got := p.copies()
					for n := 1; n <= readers; n++ {
						want := 1
						if n == unlucky {
							want = c.copies
						}
						if got[address(n)] != want {
							t.Errorf("reader %d got %d mails, want %d", n, got[address(n)], want)
						}
					}
					copies := p.relay.To(address(unlucky))
					if header(t, messageID, copies[0]) != header(t, messageID, copies[len(copies)-1]) {
						t.Error("the copies have not the same Message-ID")
					}
				})
			})
		}
	}
}

// TestANoticeIsNotResetWithoutEnd: a relay takes it each time and resets, so that
// its reader may have got it.
func TestANoticeIsNotResetWithoutEnd(t *testing.T) {
	const most = 3
	eachPress(t, func(t *testing.T, p *press) {
		var taken atomic.Int64
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage != smtptest.Body {
				return smtptest.Action{}
			}
			taken.Add(1)
			return smtptest.Action{Reset: true}
		})
		stop := start(t, p.service(t, p.store, sending.Options{}))
		p.notify(t, "one")
		eventually(t, "it is tried for the last time", func() bool {
			p.clock.Advance(time.Minute)
			return taken.Load() >= most
		})
		stop()
		p.clock.Advance(time.Hour)
		if left, err := p.store.ClaimNotices(t.Context(), "test", time.Minute, 10); err != nil || len(left) != 0 || taken.Load() != most {
			t.Errorf("%d notices are left after %d copies, %v", len(left), taken.Load(), err)
		}
	})
}

// TestANoticeGoesByAnotherRelayWhereOneResets, at once: its reader waits for it.
func TestANoticeGoesByAnotherRelayWhereOneResets(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			return smtptest.Action{Reset: step.Stage == smtptest.Body}
		})
		other := smtptest.Start(t, smtptest.Options{Pipelining: true})
		start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{
			{Connections: 1, Options: optionsOf(t, p.relay.URL())}, {Connections: 1, Options: optionsOf(t, other.URL())}}}))
		p.notify(t, "one")
		eventually(t, "the other takes it", func() bool { return acceptedAt(other, "notices.example.com") == 1 })
	})
}

func TestARelayThatCannotDoThePipeliningItOffers(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		// What comes together with a command is lost on it, whatever it offers.
		forgetful := smtptest.Start(t, smtptest.Options{Pipelining: true, ForgetsTheRest: true})
		p.subscribe(t, 1, 6)
		options, err := relay.Parse(forgetful.URL())
		if err != nil {
			t.Fatal(err)
		}
		options.Timeouts.Command = 500 * time.Millisecond
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1, Options: options}}})
		start(t, service)
		issue := launch(t, p, service)
		p.waitState(t, issue.ID, epistle.IssueSent)
		if got := p.report(t, issue.ID); got.Accepted != 6 {
			t.Errorf("report: %+v", got)
		}
		for n := 1; n <= 6; n++ {
			if got := forgetful.To(address(n)); len(got) != 1 {
				t.Errorf("reader %d got %d mails", n, len(got))
			}
		}
	})
}

func TestARelayThatTakesOneMessageAConnection(t *testing.T) {
	for name, action := range map[string]smtptest.Action{
		"hangs up":     {Leave: true},
		"answers 421":  {},
		"hangs up mid": {},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := storetest.SQLite(t)
			p := newPress(t, s, clock, smtptest.Options{})
			p.subscribe(t, 1, 12)
			p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
				switch {
				case name == "hangs up" && step.Stage == smtptest.Body:
					return action
				case name == "answers 421" && step.Stage == smtptest.Mail && step.Message == 2:
					return smtptest.Action{Reply: "421 4.4.2 One is enough", Leave: true}
				case name == "hangs up mid" && step.Stage == smtptest.Mail && step.Message == 2:
					return smtptest.Action{HangUp: true}
				}
				return smtptest.Action{}
			})
			service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
			start(t, service)
			issue := launch(t, p, service)
			p.waitState(t, issue.ID, epistle.IssueSent)
			p.wantEachOnce(t, 1, 12)
			if got := p.report(t, issue.ID); got.Accepted != 12 {
				t.Errorf("report: %+v", got)
			}
		})
	}
}

func TestAnObjectionToTheContentPausesTheIssue(t *testing.T) {
	for code, reply := range map[string]string{"554": "554 5.7.1 This looks like spam", "552": "552 Content"} {
		t.Run(code, func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				p.subscribe(t, 1, 30)
				p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
					if step.Stage == smtptest.Body && strings.HasPrefix(step.To, "reader") {
						return smtptest.Action{Reply: reply}
					}
					return smtptest.Action{}
				})
				service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
				start(t, service)
				issue := launch(t, p, service)
				p.waitState(t, issue.ID, epistle.IssuePaused)
				eventually(t, "the editor is told", func() bool { return len(p.relay.To("editor@ministry.example.org")) == 1 })
				if got, err := p.store.Issue(t.Context(), issue.ID); err != nil || got.HeldReason != sending.HeldByPolicy {
					t.Errorf("held for %q, %v", got.HeldReason, err)
				}
				if n := len(p.relay.Messages()); n > 6 {
					t.Errorf("%d messages went out before it was paused", n)
				}
				if got, err := p.store.Suppression(t.Context(), epistle.Address(address(1))); err != nil || got != "" {
					t.Errorf("a reader was suppressed for it: %q, %v", got, err)
				}
				eventually(t, "every refusal is recorded", func() bool {
					refused := 0
					for _, m := range p.relay.Messages() {
						if m.Refused && strings.HasPrefix(m.To, "reader") {
							refused++
						}
					}
					return p.report(t, issue.ID).Deferred == int64(refused)
				})
				// Somebody set it right: everybody gets it, those who were refused too.
				p.relay.SetScript(nil)
				if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
					t.Fatal(err)
				}
				p.clock.Advance(6 * time.Minute)
				p.waitState(t, issue.ID, epistle.IssueSent)
				p.wantEachOnce(t, 1, 30)
			})
		})
	}
}

func TestARelayThatRefusesEverybodyPausesTheIssue(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	p.subscribe(t, 1, 40)
	p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
		if step.Stage == smtptest.Rcpt && strings.HasPrefix(step.To, "reader") {
			return smtptest.Action{Reply: "554 5.7.1 Relay access denied"}
		}
		return smtptest.Action{}
	})
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
	start(t, service)
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssuePaused)
	eventually(t, "what was begun is put off", func() bool { r := p.report(t, issue.ID); return r.Deferred >= 10 && r.Deferred <= 14 })
	if got := p.report(t, issue.ID); got.Failed != 0 {
		t.Errorf("report: %+v", got)
	}
}

// patientAfter makes waits of a minute and more endless after the first few; it
// returns what was waited for.
func patientAfter(few int) (waiter func(context.Context, time.Duration, <-chan struct{}) error, waits func() []time.Duration) {
	var mu sync.Mutex
	var all []time.Duration
	waiter = func(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
		if d >= time.Minute {
			mu.Lock()
			all = append(all, d)
			long := len(all) > few
			mu.Unlock()
			if long {
				<-ctx.Done()
				return ctx.Err()
			}
		}
		return impatient(ctx, d, wake)
	}
	return waiter, func() []time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// TestARefusedPasswordPausesTheIssueAndIsToldOnce counts how often a relay is
// asked that refuses our password: once for the launch, once for each person who
// says go on.
func TestARefusedPasswordPausesTheIssueAndIsToldOnce(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 30)
		locked := smtptest.Start(t, smtptest.Options{Pipelining: true, User: "ministry", Password: "right"})
		refused := func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Auth {
				return smtptest.Action{Reply: "535 5.7.8 Wrong user or password"}
			}
			return smtptest.Action{}
		}
		locked.SetScript(refused)
		p.relay = locked
		options := optionsOf(t, locked.URL())
		options.User, options.Password = "ministry", "right"
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 4, Options: options}}})
		tuning := usual
		tuning.Wait, _ = patientAfter(0)
		service.Tune(tuning)
		start(t, service)
		issue := launch(t, p, service)
		for dials := 1; dials <= 3; dials++ {
			p.waitState(t, issue.ID, epistle.IssuePaused)
			if got, err := p.store.Issue(t.Context(), issue.ID); err != nil || got.HeldReason != store.HeldForPassword {
				t.Fatalf("held for %q, %v", got.HeldReason, err)
			}
			if !healthIs(service, "relay.auth")() {
				t.Errorf("health: %v", service.Health())
			}
			if got := locked.Dials(); got != dials {
				t.Fatalf("%d connections were made, want %d", got, dials)
			}
			if dials == 3 { // somebody has set it right
				locked.SetScript(nil)
			}
			if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
				t.Fatal(err)
			}
			if dials < 3 {
				eventually(t, "it is tried once more", func() bool { return locked.Dials() > dials })
			}
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 30)
		eventually(t, "the editor is told", func() bool {
			return slices.ContainsFunc(locked.To("editor@ministry.example.org"), func(m smtptest.Message) bool {
				return strings.Contains(string(m.Data), "refused the user name or password")
			})
		})
		eventually(t, "all is well", healthIs(service, ""))
	})
}

// TestAWrongPasswordStormsNothing counts how often a relay is asked for a notice,
// and how long the pauses grow.
func TestAWrongPasswordStormsNothing(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{User: "ministry", Password: "right"})
	options := optionsOf(t, p.relay.URL())
	options.User, options.Password = "ministry", "wrong"
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 4, Options: options}}})
	tuning := usual
	var waits func() []time.Duration
	tuning.Wait, waits = patientAfter(3)
	service.Tune(tuning)
	stop := start(t, service)
	p.notify(t, "one")
	eventually(t, "the fourth pause begins", func() bool { return len(waits()) == 4 })
	stop()
	if got := p.relay.Dials(); got != 4 {
		t.Errorf("%d connections were made, want one for each pause", got)
	}
	if got := waits(); got[0] != time.Minute || got[3] != 8*time.Minute {
		t.Errorf("the pauses were %v", got)
	}
	if !healthIs(service, "relay.auth")() {
		t.Errorf("health: %v", service.Health())
	}
	if n := len(p.relay.Messages()); n != 0 {
		t.Errorf("%d messages came through", n)
	}
}

// TestNothingGoesOutInPlainWhenTLSFails: whatever is wrong with a relay's TLS, it
// hears of no mail, no password and no address; it is tried again, ever more
// rarely, and the staff are told.
func TestNothingGoesOutInPlainWhenTLSFails(t *testing.T) {
	theirs, ours := smtptest.Certificates(t)
	_, strangers := smtptest.Certificates(t)
	refuse := func(reply string) func(smtptest.Step) smtptest.Action {
		return func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.StartTLS {
				return smtptest.Action{Reply: reply}
			}
			return smtptest.Action{}
		}
	}
	for name, c := range map[string]struct {
		offers *tls.Config
		trusts *tls.Config
		script func(smtptest.Step) smtptest.Action
	}{
		"a stranger's certificate": {offers: theirs, trusts: strangers},
		"STARTTLS is not offered":  {trusts: ours},
		"STARTTLS is put off":      {offers: theirs, trusts: ours, script: refuse("454 4.7.0 TLS not available")},
		"STARTTLS is refused":      {offers: theirs, trusts: ours, script: refuse("502 5.5.1 Not here")},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock := storetest.SQLite(t)
			var spoken atomic.Bool
			p := newPress(t, s, clock, smtptest.Options{TLS: c.offers, User: "ministry", Password: "right", Script: func(step smtptest.Step) smtptest.Action {
				if step.Stage == smtptest.Mail || step.Stage == smtptest.Auth {
					spoken.Store(true)
				}
				if c.script != nil {
					return c.script(step)
				}
				return smtptest.Action{}
			}})
			p.subscribe(t, 1, 3)
			service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Options: relay.Options{Host: "127.0.0.1", Port: p.relay.Port(),
				Security: relay.StartTLS, TLS: c.trusts, User: "ministry", Password: "right"}}}})
			tuning := usual
			var waits func() []time.Duration
			tuning.Wait, waits = patientAfter(0)
			service.Tune(tuning)
			start(t, service)
			issue := launch(t, p, service)
			eventually(t, "the longest pause begins", func() bool { return len(waits()) == 1 })
			if n := p.relay.Dials(); n != 7 { // after 1, 2, 4, 8, 16, 32 seconds
				t.Errorf("%d connections were made", n)
			}
			if !healthIs(service, "relay.tls")() {
				t.Errorf("health: %v", service.Health())
			}
			if spoken.Load() || p.report(t, issue.ID).Queued != 3 {
				t.Error("mail, or a password, was offered to a relay that we do not trust")
			}
		})
	}
}

func TestTheRateIsKept(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	p.subscribe(t, 1, 11)
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 4, Rate: 50}}})
	start(t, service)
	began := time.Now()
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssueSent)
	if took := time.Since(began); took < 200*time.Millisecond {
		t.Errorf("eleven messages at fifty a second took %v", took)
	}
	p.wantEachOnce(t, 1, 11)
}

// TestARelayThatIsFullIsWaitedFor refuses every MAIL for a while: nobody is put
// off for what is not about them.
func TestARelayThatIsFullIsWaitedFor(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	p.subscribe(t, 1, 10)
	p.relay.SetScript(once(2, func(step smtptest.Step) bool { return step.Stage == smtptest.Mail }, smtptest.Action{Reply: "452 4.3.1 Disk full"}))
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
	start(t, service)
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssueSent)
	p.wantEachOnce(t, 1, 10)
}
