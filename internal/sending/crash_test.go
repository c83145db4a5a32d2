package sending_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/storetest"
)

// tripwire calls a function when the nth message has its final dot, before it
// is answered.
func tripwire(n int, trip func()) func(smtptest.Step) smtptest.Action {
	var mu sync.Mutex
	count := 0
	return func(step smtptest.Step) smtptest.Action {
		if step.Stage != smtptest.Body {
			return smtptest.Action{}
		}
		mu.Lock()
		count++
		now := count == n
		mu.Unlock()
		if now {
			trip()
		}
		return smtptest.Action{}
	}
}

// TestAfterACrashNothingIsLostAndLittleDoubled kills a service at many points
// and lets a second one take over.
func TestAfterACrashNothingIsLostAndLittleDoubled(t *testing.T) {
	const readers, connections = 40, 3
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, readers)
		for round, at := range []int{1, 5, 18, 33, 40} {
			t.Run(fmt.Sprintf("at message %d", at), func(t *testing.T) {
				issue := p.approved(t, time.Time{})
				victim := &mortal{Store: p.store}
				first := p.service(t, victim, sending.Options{Relays: []sending.Relay{{Connections: connections}}})
				dead := make(chan struct{})
				p.relay.SetScript(tripwire(at, func() {
					victim.die()
					p.relay.HangUpAll()
					close(dead)
				}))
				before := len(p.relay.Messages())
				stop := start(t, first)
				if err := first.Launch(t.Context(), p.editor, issue.ID); err != nil {
					t.Fatal(err)
				}
				<-dead
				stop()

				p.clock.Advance(time.Minute) // past the lease
				p.relay.SetScript(nil)
				second := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: connections}}})
				stop = start(t, second)
				p.waitState(t, issue.ID, epistle.IssueSent)
				stop()
				wantEveryone(t, p.relay.Messages()[before:], readers, connections)
				if got := p.report(t, issue.ID); got.Accepted != readers || got.Total() != readers {
					t.Errorf("round %d: report %+v", round, got)
				}
			})
		}
	})
}

// wantEveryone fails unless each reader got the mail and at most extra of them
// twice, with the same Message-ID and Date.
func wantEveryone(t *testing.T, messages []smtptest.Message, readers, extra int) {
	t.Helper()
	byReader := map[string][]smtptest.Message{}
	for _, m := range messages {
		byReader[m.To] = append(byReader[m.To], m)
	}
	doubled := 0
	for n := 1; n <= readers; n++ {
		copies := byReader[address(n)]
		if len(copies) == 0 {
			t.Errorf("reader %d got nothing", n)
			continue
		}
		doubled += len(copies) - 1
		for _, m := range copies[1:] {
			if header(t, messageID, m) != header(t, messageID, copies[0]) || header(t, dateHeader, m) != header(t, dateHeader, copies[0]) {
				t.Errorf("the copies for reader %d differ in Message-ID or Date", n)
			}
		}
	}
	if doubled > extra {
		t.Errorf("%d extra copies, want at most %d", doubled, extra)
	}
}

func TestALaunchIsResumedAfterACrash(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 45)
		issue := p.approved(t, time.Time{})
		chunks, dead := 0, make(chan struct{})
		victim := &mortal{Store: p.store}
		victim.beforeChunk = func() error {
			if chunks++; chunks <= 2 {
				return nil
			}
			victim.die()
			close(dead)
			return errDead
		}
		first := p.service(t, victim, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		stop := start(t, first)
		if err := first.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		<-dead
		stop()
		if got := p.report(t, issue.ID); got.Total() != 20 || p.state(t, issue.ID) != epistle.IssueLaunching {
			t.Fatalf("after two chunks: %+v, %s", got, p.state(t, issue.ID))
		}
		p.clock.Advance(time.Minute)
		start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}}))
		p.waitState(t, issue.ID, epistle.IssueSent)
		wantEveryone(t, p.relay.Messages(), 45, 2)
	})
}

// TestAFrozenOwnerIsFencedOut lets a second daemon take over while the first
// waits for a reply, and then lets the first go on.
func TestAFrozenOwnerIsFencedOut(t *testing.T) {
	clock := storetest.NewClock()
	p := newPress(t, storetest.Open(t, storetest.PostgresURL(t), clock.Now), clock, smtptest.Options{})
	const readers, connections = 40, 2
	p.subscribe(t, 1, readers)
	issue := p.approved(t, time.Time{})
	gate := smtptest.NewGate(smtptest.Body)
	p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
		if step.Conn <= connections {
			return gate.Script(step)
		}
		return smtptest.Action{}
	})
	var cold atomic.Bool
	stands, thaw := make(chan struct{}, 1), make(chan struct{})
	frozen := p.service(t, &mortal{Store: p.store, beforeMark: func() {
		if cold.Load() {
			select {
			case stands <- struct{}{}:
			default:
			}
			<-thaw
		}
	}}, sending.Options{Relays: []sending.Relay{{Connections: connections}}})
	start(t, frozen)
	if err := frozen.Launch(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 * connections {
		gate.Wait(t)
		gate.Release(smtptest.Action{})
	}
	gate.Wait(t)
	gate.Wait(t)
	cold.Store(true)
	warm := sync.OnceFunc(func() { close(thaw) })
	t.Cleanup(warm)
	<-stands // no mark of its is under way, which would renew its lease
	clock.Advance(time.Minute)
	start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: connections}}}))
	// Everything but what the frozen one holds goes out; then it wakes up.
	eventually(t, "the second daemon has sent the rest", func() bool { return len(p.copies()) == readers })
	warm()
	gate.Open()
	p.waitState(t, issue.ID, epistle.IssueSent)
	wantEveryone(t, p.relay.Messages(), readers, connections)
	if got := p.report(t, issue.ID); got.Accepted != readers {
		t.Errorf("report: %+v", got)
	}
}

func TestTwoDaemonsOnOneDatabaseDoubleNothing(t *testing.T) {
	clock := storetest.NewClock()
	p := newPress(t, storetest.Open(t, storetest.PostgresURL(t), clock.Now), clock, smtptest.Options{})
	p.subscribe(t, 1, 60)
	// A few are put off, so that single deliveries are claimed by both too.
	var mu sync.Mutex
	refused := map[string]bool{}
	p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
		mu.Lock()
		defer mu.Unlock()
		if step.Stage == smtptest.Rcpt && step.To[len("reader00")] == '5' && !refused[step.To] {
			refused[step.To] = true
			return smtptest.Action{Reply: "450 4.2.0 Later"}
		}
		return smtptest.Action{}
	})
	issue := p.approved(t, time.Time{})
	services := []*sending.Service{p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3}}}), p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3}}})}
	for _, s := range services {
		start(t, s)
	}
	errs := make(chan error, 2)
	for _, s := range services {
		go func() { errs <- s.Launch(t.Context(), p.editor, issue.ID) }()
	}
	if a, b := <-errs, <-errs; (a == nil) == (b == nil) {
		t.Errorf("two launches at once: %v and %v; want one to win", a, b)
	}
	eventually(t, "six are put off", func() bool {
		r := p.report(t, issue.ID)
		return r.Deferred == 6 && r.Accepted == 54
	})
	clock.Advance(6 * time.Minute)
	p.waitState(t, issue.ID, epistle.IssueSent)
	p.wantEachOnce(t, 1, 60)
}

func TestALostDatabaseStopsSendingUntilItIsBack(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 40)
		issue := p.approved(t, time.Time{})
		away := &mortal{Store: p.store}
		const connections = 3
		service := p.service(t, away, sending.Options{Relays: []sending.Relay{{Connections: connections}}})
		lost := make(chan struct{})
		p.relay.SetScript(tripwire(12, func() {
			away.away.Store(true)
			close(lost)
		}))
		start(t, service)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		<-lost
		// What was on the wire arrives; nothing more can.
		if n := len(p.relay.Messages()); n > 12+connections {
			t.Errorf("%d messages went out without a database to record them", n)
		}
		away.away.Store(false)
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 40) // not one extra: the marks were repeated
	})
}

func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 20)
		issue := p.approved(t, time.Time{})
		gate := smtptest.NewGate(smtptest.Body)
		p.relay.SetScript(gate.Script)
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
		stopping, cut := make(chan struct{}), make(chan struct{})
		tuned := usual
		tuned.Grace = time.Hour // it ends when the test says so
		tuned.Wait = func(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
			if d != tuned.Grace {
				return impatient(ctx, d, wake)
			}
			close(stopping)
			select {
			case <-cut:
			case <-wake:
			}
			return nil
		}
		service.Tune(tuned)
		stop := start(t, service)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		gate.Wait(t)
		gate.Wait(t)
		eventually(t, "everybody is launched", func() bool { return p.report(t, issue.ID).Total() == 20 })
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			stop()
		}()
		<-stopping
		gate.Release(smtptest.Action{}) // one gets its reply in time, the other never
		eventually(t, "the reply is recorded", func() bool { return p.report(t, issue.ID).Accepted == 1 })
		close(cut)
		<-ended
		if got := p.report(t, issue.ID); got.Accepted != 1 || got.Uncertain != 1 || got.Queued != 18 {
			t.Errorf("after the stop: %+v", got)
		}
		gate.Open()
		start(t, p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}}))
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 20)
	})
}
