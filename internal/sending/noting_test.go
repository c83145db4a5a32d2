package sending_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/storetest"
)

// stride is a ministry on SQLite whose service has long ranges to send, so that
// each connection notes several messages between two marks.
type stride struct {
	*press
	database    string // its file
	store       *mortal
	service     *sending.Service
	connections int
}

const strideReaders = 480

func newStride(t *testing.T, connections int, freshness time.Duration) *stride {
	t.Helper()
	clock, url := storetest.NewClock(), storetest.SQLiteURL(t)
	p := newPress(t, storetest.Open(t, url, clock.Now), clock, smtptest.Options{})
	p.subscribe(t, 1, strideReaders)
	s := &stride{press: p, database: strings.TrimPrefix(url, "sqlite:"), store: &mortal{Store: p.store}, connections: connections}
	s.service = s.daemon(t, s.store, freshness)
	return s
}

func (s *stride) daemon(t *testing.T, st sending.Store, freshness time.Duration) *sending.Service {
	t.Helper()
	service := s.press.service(t, st, sending.Options{Relays: []sending.Relay{{Connections: s.connections}}})
	tuned := usual
	tuned.RangeSize, tuned.ChunkSize, tuned.Freshness = 50, 1000, freshness
	tuned.Poll = 500 * time.Millisecond // shares renew their leases as often, by a mark
	service.Tune(tuned)
	return service
}

// usualFreshness is that of a service that runs for real.
const usualFreshness = 300 * time.Millisecond

// taken is how many mails have come to readers.
func (s *stride) taken() int {
	sum := 0
	for _, n := range s.copies() {
		sum += n
	}
	return sum
}

// more returns how many mails come within a time: n, or fewer.
func (s *stride) more(n int, patience time.Duration) int {
	before := s.taken()
	over := time.NewTimer(patience)
	defer over.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if came := s.taken() - before; came >= n {
			return came
		}
		select {
		case <-over.C:
			return s.taken() - before
		case <-tick.C:
		}
	}
}

// Marks take briefly, so that messages keep following each other fast. Longer than
// long nothing comes of connections that wait for a mark.
const (
	briefly = 10 * time.Millisecond
	long    = 250 * time.Millisecond
)

// isAhead is called when a mark is due, and holds it up for a moment. It reports
// whether the issue is well under way and the connections are further ahead of the mark
// by now than they could be without notes.
func (s *stride) isAhead() bool {
	ahead := 2*s.connections + 1
	return s.taken() >= strideReaders/4 && s.more(ahead, briefly) >= ahead
}

// beforeMark has do called once, before a mark that the connections are ahead of.
func (s *stride) beforeMark(do func()) (done <-chan struct{}) {
	over := make(chan struct{})
	s.store.beforeMark = func() {
		if !isClosed(over) && s.isAhead() {
			do()
			close(over)
		}
	}
	return over
}

// afterMark has do called once, after a mark that the connections are ahead of.
func (s *stride) afterMark(do func()) (done <-chan struct{}) {
	over, now := make(chan struct{}), false
	s.store.beforeMark = func() { now = !isClosed(over) && s.isAhead() }
	s.store.afterMark = func() {
		if now {
			do()
			close(over)
		}
	}
	return over
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// begin starts the service, has it send an issue, and returns when done is closed.
func (s *stride) begin(t *testing.T, done <-chan struct{}) (issue epistle.Issue, stop func()) {
	t.Helper()
	stop = start(t, s.service)
	issue = launch(t, s.press, s.service)
	eventually(t, "connections note what they send", func() bool { return isClosed(done) })
	return issue, stop
}

// kill ends the service as kill -9 would: it records and notes nothing any more,
// and says nothing more to the relay.
func (s *stride) kill() {
	s.store.die()
	s.relay.SetScript(func(smtptest.Step) smtptest.Action { return smtptest.Action{HangUp: true} })
	s.relay.HangUpAll()
}

// another starts the next daemon, in fair weather if script is nil.
func (s *stride) another(t *testing.T, script func(smtptest.Step) smtptest.Action) {
	t.Helper()
	s.relay.SetScript(script)
	start(t, s.daemon(t, s.press.store, usualFreshness))
}

// wantSent fails unless the issue gets to everybody, and little of it twice.
func (s *stride) wantSent(t *testing.T, issue epistle.Issue, extra int) {
	t.Helper()
	s.waitState(t, issue.ID, epistle.IssueSent)
	wantEveryone(t, s.relay.Messages(), strideReaders, extra)
	if got := s.report(t, issue.ID); got.Accepted != strideReaders || got.Total() != strideReaders {
		t.Errorf("report: %+v", got)
	}
}

// eachInstant runs a test with what is done before a mark, so that a crash undoes
// that, and after one.
func eachInstant(t *testing.T, test func(t *testing.T, midway func(s *stride, do func()) (done <-chan struct{}))) {
	t.Helper()
	t.Run("before a mark", func(t *testing.T) { test(t, (*stride).beforeMark) })
	t.Run("after a mark", func(t *testing.T) { test(t, (*stride).afterMark) })
}

func TestACrashAheadOfTheMarksCostsOneCopyAConnection(t *testing.T) {
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			eachInstant(t, func(t *testing.T, midway func(*stride, func()) <-chan struct{}) {
				s := newStride(t, connections, usualFreshness)
				issue, stop := s.begin(t, midway(s, s.kill))
				stop()
				s.another(t, nil)
				s.wantSent(t, issue, connections)
			})
		})
	}
}

// TestALossOfPowerCostsSixteenCopiesAConnection loses the notes, and a mark that
// was held up until nobody could send any more.
func TestALossOfPowerCostsSixteenCopiesAConnection(t *testing.T) {
	for _, connections := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			s := newStride(t, connections, usualFreshness)
			issue, stop := s.begin(t, s.beforeMark(func() {
				s.more(strideReaders, long) // as many as may be noted
				s.kill()
			}))
			if n := s.taken(); n == strideReaders {
				t.Error("everything was sent while no mark could be recorded")
			}
			stop()
			if err := os.Remove(s.database + "-sent"); err != nil {
				t.Fatal(err)
			}
			s.another(t, nil)
			s.wantSent(t, issue, 16*connections)
		})
	}
}

// TestWhatWasNotedIsRecordedWhenAnIssueStops stops an issue while each connection
// is about to send a message, and may have noted some before it.
func TestWhatWasNotedIsRecordedWhenAnIssueStops(t *testing.T) {
	const connections = 4
	for _, state := range []epistle.IssueState{epistle.IssuePaused, epistle.IssueCancelled} {
		t.Run(string(state), func(t *testing.T) {
			s := newStride(t, connections, 0) // each message asks whether it may go
			gate := smtptest.NewGate(smtptest.Data)
			s.relay.SetScript(func(step smtptest.Step) smtptest.Action {
				if s.taken() < strideReaders/4 {
					return smtptest.Action{}
				}
				return gate.Script(step)
			})
			start(t, s.service)
			issue := launch(t, s.press, s.service)
			for range connections {
				gate.Wait(t)
			}
			stop := s.service.Pause
			if state == epistle.IssueCancelled {
				stop = s.service.Cancel
			}
			if err := stop(t.Context(), s.editor, issue.ID); err != nil {
				t.Fatal(err)
			}
			taken := s.taken()
			gate.Open()
			eventually(t, "the report counts what the relay took", func() bool { return s.report(t, issue.ID).Accepted == int64(taken) })
			if got := s.state(t, issue.ID); got != state || s.taken() != taken {
				t.Fatalf("the issue is %s; %d had got it, now %d", got, taken, s.taken())
			}
			if state == epistle.IssuePaused {
				if err := s.service.Resume(t.Context(), s.editor, issue.ID); err != nil {
					t.Fatal(err)
				}
				s.wantSent(t, issue, 0)
			}
		})
	}
}

// Of the readers, these are refused for the time being, and for good.
func isBusyReader(n int) bool { return n%20 == 7 }
func isGoneReader(n int) bool { return n%40 == 13 }

func refuseSome(step smtptest.Step) smtptest.Action {
	var n int
	if _, err := fmt.Sscanf(step.To, "reader%d@", &n); err != nil || step.Stage != smtptest.Rcpt {
		return smtptest.Action{}
	}
	switch {
	case isBusyReader(n):
		return smtptest.Action{Reply: "450 4.2.1 Later"}
	case isGoneReader(n):
		return smtptest.Action{Reply: "550 5.1.1 Unknown"}
	}
	return smtptest.Action{}
}

// TestARefusalIsRecordedBeforeAnythingBehindItIsNoted crashes in an issue in which
// one reader in thirteen is refused.
func TestARefusalIsRecordedBeforeAnythingBehindItIsNoted(t *testing.T) {
	const connections, busy, gone = 2, strideReaders / 20, strideReaders / 40
	eachInstant(t, func(t *testing.T, midway func(*stride, func()) <-chan struct{}) {
		s := newStride(t, connections, usualFreshness)
		s.relay.SetScript(refuseSome)
		issue, stop := s.begin(t, midway(s, s.kill))
		stop()
		s.another(t, refuseSome)
		want := epistle.Report{Accepted: strideReaders - busy - gone, Deferred: busy, Failed: gone}
		eventually(t, "everybody was tried", func() bool { return s.report(t, issue.ID).Queued == 0 && s.state(t, issue.ID) == epistle.IssueSending })
		if got := s.report(t, issue.ID); got.Accepted != want.Accepted || got.Deferred != want.Deferred || got.Failed != want.Failed {
			t.Errorf("report: %+v\nwant    %+v", got, want)
		}
		s.relay.SetScript(nil)
		s.clock.Advance(6 * time.Minute)
		s.waitState(t, issue.ID, epistle.IssueSent)
		copies, extra := s.copies(), 0
		for n := 1; n <= strideReaders; n++ {
			switch got := copies[address(n)]; {
			case isGoneReader(n) != (got == 0):
				t.Errorf("reader %d got %d mails", n, got)
			case got > 1:
				extra += got - 1
			}
		}
		if extra > connections {
			t.Errorf("%d extra copies, want at most %d", extra, connections)
		}
	})
}

// TestWithoutItsJournalAConnectionWaitsForTheMarks takes the journal away from a
// service that goes on, and kills that a while later.
func TestWithoutItsJournalAConnectionWaitsForTheMarks(t *testing.T) {
	const connections = 3
	s := newStride(t, connections, usualFreshness)
	closed := 0 // when so many had been taken
	lost := s.beforeMark(func() {
		if err := s.store.journal.Load().Close(); err != nil {
			t.Error(err)
		}
		closed = s.taken()
	})
	closing, dead := s.store.beforeMark, make(chan struct{})
	s.store.beforeMark = func() {
		closing()
		if !isClosed(lost) || isClosed(dead) || s.taken() < closed+20*connections {
			return
		}
		if n := s.more(connections+1, long); n > connections {
			t.Errorf("%d messages went out during a mark, and nothing can be noted", n)
		}
		s.kill()
		close(dead)
	}
	issue, stop := s.begin(t, dead)
	stop()
	s.another(t, nil)
	s.wantSent(t, issue, connections)
}
