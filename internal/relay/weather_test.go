package relay_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// ways are the kinds of relays a message must come through: with commands sent
// together and one by one, in plain and with STARTTLS.
func ways(t *testing.T, test func(t *testing.T, w way)) {
	theirs, ours := smtptest.Certificates(t)
	for _, pipelining := range []bool{true, false} {
		for _, secured := range []bool{false, true} {
			w := way{pipelining: pipelining, secured: secured}
			name := fmt.Sprintf("pipelining=%t,tls=%t", pipelining, secured)
			w.options = func(o *smtptest.Options) { o.Pipelining = pipelining }
			w.change = func(*relay.Options) {}
			if secured {
				w.options = func(o *smtptest.Options) { o.Pipelining, o.TLS = pipelining, theirs }
				w.change = func(o *relay.Options) { o.Security, o.TLS = relay.StartTLS, ours }
			}
			t.Run(name, func(t *testing.T) { test(t, w) })
		}
	}
}

// hands are the ways, with Body and with Keep.
func hands(t *testing.T, test func(t *testing.T, w way)) {
	t.Run("Body", func(t *testing.T) { ways(t, test) })
	t.Run("Keep", func(t *testing.T) {
		ways(t, func(t *testing.T, w way) {
			w.keep = true
			test(t, w)
		})
	})
}

type way struct {
	pipelining, secured bool
	keep                bool // a body is given to Keep, not to Body
	options             func(*smtptest.Options)
	change              func(*relay.Options)
}

// hand gives a body to the connection.
func (w way) hand(conn *relay.Conn, pieces ...[]byte) relay.Outcome {
	if w.keep {
		return conn.Keep(pieces...)
	}
	return conn.Body(pieces...)
}

// start starts such a relay and connects to it.
func (w way) start(t *testing.T, s smtptest.Options, o relay.Options) (*smtptest.Server, *relay.Conn) {
	t.Helper()
	w.options(&s)
	server := smtptest.Start(t, s)
	return server, w.dial(t, server, o)
}

// dial connects with the patience of o.
func (w way) dial(t *testing.T, server *smtptest.Server, o relay.Options) *relay.Conn {
	t.Helper()
	conn, err := dial(t, server, func(real *relay.Options) {
		real.Timeouts, real.OneByOne = o.Timeouts, o.OneByOne
		w.change(real)
	})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func reader(n int) relay.Envelope {
	return relay.Envelope{From: from, To: fmt.Sprintf("reader%d@example.org", n)}
}

// body is what reader n gets, dot-stuffed.
func body(n int) []byte {
	return fmt.Appendf(nil, "Subject: Hello\r\n\r\nReader %d\r\n..\r\nend\r\n", n)
}

// deliver gives messages first to last over one connection, each announced with
// the dot of the one before, until the connection is closed.
func (w way) deliver(t *testing.T, conn *relay.Conn, first, last int) []relay.Outcome {
	t.Helper()
	var all []relay.Outcome
	for n := first; n <= last && !conn.Closed(); n++ {
		o, err := conn.Begin(reader(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if o.Class == relay.Accepted {
			o = w.hand(conn, body(n))
		}
		if o.Class == relay.Accepted {
			var next *relay.Envelope
			if n < last {
				e := reader(n + 1)
				next = &e
			}
			o = conn.End(next)
		}
		all = append(all, o)
	}
	return all
}

func classes(all []relay.Outcome) string {
	var text string
	for _, o := range all {
		text += o.Class.String() + " "
	}
	return text
}

func TestOneConnectionManyMessages(t *testing.T) {
	hands(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{Together: true}, relay.Options{})
		for _, o := range w.deliver(t, conn, 1, 5) {
			if o.Class != relay.Accepted || o.Stage != relay.AtDot || o.Code != 250 || o.Status != "2.0.0" {
				t.Fatalf("%+v", o)
			}
		}
		got := server.Messages()
		if len(got) != 5 || server.Dials() != 1 {
			t.Fatalf("%d messages over %d connections", len(got), server.Dials())
		}
		for n, m := range got {
			want := fmt.Sprintf("Subject: Hello\r\n\r\nReader %d\r\n.\r\nend\r\n", n+1)
			if m.From != from || m.To != reader(n+1).To || string(m.Data) != want {
				t.Errorf("message %d: from %s to %s\n%q", n+1, m.From, m.To, m.Data)
			}
		}
		if err := conn.Quit(); err != nil || !conn.Closed() || conn.Stumbled() {
			t.Errorf("quit: %v", err)
		}
	})
}

func TestSureIsAskedBeforeDataAndItsErrorSendsNothing(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{}, relay.Options{})
		left := errors.New("left the list")
		if _, err := conn.Begin(reader(1), func() error { return left }); !errors.Is(err, left) || !conn.Closed() {
			t.Fatalf("%v, closed %t", err, conn.Closed())
		}
		if got := server.Messages(); len(got) != 0 {
			t.Errorf("%d messages went out", len(got))
		}
	})
}

// once acts the first time that a step matches.
func once(match func(smtptest.Step) bool, action smtptest.Action) func(smtptest.Step) smtptest.Action {
	var done atomic.Bool
	return func(step smtptest.Step) smtptest.Action {
		if match(step) && done.CompareAndSwap(false, true) {
			return action
		}
		return smtptest.Action{}
	}
}

// at matches a stage of the connection's message n, counted from 1.
func at(stage smtptest.Stage, n int) func(smtptest.Step) bool {
	return func(step smtptest.Step) bool { return step.Stage == stage && step.Message == n }
}

// wantEachOnce checks who got mail that was not refused.
func wantEachOnce(t *testing.T, server *smtptest.Server, first, last int) {
	t.Helper()
	got := map[string]int{}
	for _, m := range server.Messages() {
		if !m.Refused {
			got[m.To]++
			number, _ := strings.CutSuffix(strings.TrimPrefix(m.To, "reader"), "@example.org")
			if !strings.Contains(string(m.Data), "Reader "+number+"\r\n") {
				t.Errorf("%s got what is not theirs: %q", m.To, m.Data)
			}
		}
	}
	for n := first; n <= last; n++ {
		if got[reader(n).To] != 1 {
			t.Errorf("reader %d got %d messages", n, got[reader(n).To])
		}
		delete(got, reader(n).To)
	}
	if len(got) > 0 {
		t.Errorf("and others got mail: %v", got)
	}
}

func TestOneInFiveIsPutOffAtFirst(t *testing.T) {
	hands(t, func(t *testing.T, w way) {
		var mu sync.Mutex
		refused := map[string]bool{}
		server, conn := w.start(t, smtptest.Options{Together: true, Script: func(step smtptest.Step) smtptest.Action {
			mu.Lock()
			defer mu.Unlock()
			if step.Stage == smtptest.Rcpt && strings.ContainsAny(step.To, "05") && !refused[step.To] {
				refused[step.To] = true
				return smtptest.Action{Reply: "450 4.2.0 Greylisted"}
			}
			return smtptest.Action{}
		}}, relay.Options{})
		for n, o := range w.deliver(t, conn, 1, 20) {
			want := relay.Accepted
			if (n+1)%5 == 0 {
				want = relay.Temporary
			}
			if o.Class != want {
				t.Fatalf("reader %d: %+v", n+1, o)
			}
		}
		for n := 5; n <= 20; n += 5 {
			if got := classes(w.deliver(t, conn, n, n)); got != "accepted " {
				t.Errorf("reader %d in the second round: %s", n, got)
			}
		}
		wantEachOnce(t, server, 1, 20)
		if server.Dials() != 1 {
			t.Errorf("it took %d connections", server.Dials())
		}
	})
}

// TestTheRelayHangsUp drops the connection at each stage of the third message,
// with and without a 421, before and after the dot.
func TestTheRelayHangsUp(t *testing.T) {
	length := len(body(3))
	for name, c := range map[string]struct {
		stage  smtptest.Stage
		action smtptest.Action
		class  relay.Class
		at     relay.Stage
	}{
		"at MAIL":                {smtptest.Mail, smtptest.Action{HangUp: true}, relay.Temporary, relay.AtMail},
		"at RCPT":                {smtptest.Rcpt, smtptest.Action{HangUp: true}, relay.Temporary, relay.AtRcpt},
		"at DATA":                {smtptest.Data, smtptest.Action{HangUp: true}, relay.Temporary, relay.AtData},
		"421 at MAIL":            {smtptest.Mail, smtptest.Action{Reply: "421 4.3.2 Bye", Leave: true}, relay.Temporary, relay.AtMail},
		"421 at RCPT":            {smtptest.Rcpt, smtptest.Action{Reply: "421 4.7.0 Bye", Leave: true}, relay.Temporary, relay.AtRcpt},
		"421 at DATA":            {smtptest.Data, smtptest.Action{Reply: "421 Bye", Leave: true}, relay.Temporary, relay.AtData},
		"early in the body":      {smtptest.Data, smtptest.Action{HangUp: true, After: 1}, relay.Temporary, relay.AtBody},
		"before the dot":         {smtptest.Data, smtptest.Action{HangUp: true, After: length}, relay.Temporary, relay.AtBody},
		"421 before the dot":     {smtptest.Data, smtptest.Action{Reply: "421 4.4.2 Too slow", Leave: true, After: length}, relay.Temporary, relay.AtBody},
		"552 before the dot":     {smtptest.Data, smtptest.Action{Reply: "552 5.3.4 Too big", Leave: true, After: 30}, relay.Policy, relay.AtBody},
		"250 before the dot":     {smtptest.Data, smtptest.Action{Reply: "250 2.0.0 Taken", After: length}, relay.Temporary, relay.AtBody},
		"nonsense, then nothing": {smtptest.Data, smtptest.Action{Reply: "nonsense", Leave: true, After: 1}, relay.Temporary, relay.AtBody},
		"421 after the dot":      {smtptest.Body, smtptest.Action{Reply: "421 4.3.2 Bye", Leave: true}, relay.Temporary, relay.AtDot},
		"after the dot":          {smtptest.Body, smtptest.Action{HangUp: true}, relay.Uncertain, relay.AtDot},
		"within the last reply":  {smtptest.Body, smtptest.Action{Reply: "250-2.0.0 Taken", Leave: true}, relay.Uncertain, relay.AtDot},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				action, handed := c.action, make(chan struct{})
				if w.keep && action.After > 0 { // it acts while the body waits
					action.After, action.When = 0, handed
				}
				server, conn := w.start(t, smtptest.Options{Script: once(at(c.stage, 3), action)}, relay.Options{})
				if c.at == relay.AtBody {
					w.hangUpInTheBody(t, conn, c.class, handed)
				} else {
					all := w.deliver(t, conn, 1, 5)
					if len(all) != 3 || all[2].Class != c.class || all[2].Stage != c.at {
						t.Fatalf("%+v", all)
					}
				}
				if !conn.Closed() {
					t.Error("the connection is still in use")
				}
				// Who is not accepted and not in doubt comes again.
				again := 3
				if c.class == relay.Uncertain {
					again = 4
				}
				if got := classes(w.deliver(t, w.dial(t, server, relay.Options{}), again, 5)); strings.Contains(got, "temporary") {
					t.Fatalf("over a new connection: %s", got)
				}
				wantEachOnce(t, server, 1, 5)
			})
		})
	}
}

// hangUpInTheBody gives three messages to a relay that does not hear the third
// out, and closes handed when the body is. Only when what the relay did has come
// to pass here, the dot is tried.
func (w way) hangUpInTheBody(t *testing.T, conn *relay.Conn, want relay.Class, handed chan struct{}) {
	t.Helper()
	if got := classes(w.deliver(t, conn, 1, 2)); got != "accepted accepted " {
		t.Fatal(got)
	}
	o, err := conn.Begin(reader(3), nil)
	if err != nil || o.Class != relay.Accepted {
		t.Fatalf("begin: %+v, %v", o, err)
	}
	o = w.hand(conn, body(3))
	since := time.Now()
	close(handed)
	if o.Class == relay.Accepted {
		eventually(t, "the relay is heard", func() bool { return !conn.Quiet() && time.Since(since) > relay.Moment })
		next := reader(4)
		o = conn.End(&next)
	}
	if o.Class != want || o.Stage != relay.AtBody {
		t.Fatalf("end: %+v", o)
	}
	if o, err := conn.Begin(reader(4), nil); err != nil || o.Class != relay.Temporary || o.Stage != relay.AtMail {
		t.Errorf("the message that was to be next: %+v, %v", o, err)
	}
}

// eventually waits for what the kernel has to carry.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestAReplyThatNeverComes(t *testing.T) {
	few := 50 * time.Millisecond
	for stage, c := range map[smtptest.Stage]struct {
		patience relay.Timeouts
		class    relay.Class
	}{
		smtptest.Mail: {relay.Timeouts{Command: few}, relay.Temporary},
		smtptest.Rcpt: {relay.Timeouts{Command: few}, relay.Temporary},
		smtptest.Data: {relay.Timeouts{Data: few}, relay.Temporary},
		smtptest.Body: {relay.Timeouts{Final: few}, relay.Uncertain},
	} {
		t.Run(string(stage), func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				_, conn := w.start(t, smtptest.Options{Script: once(at(stage, 1), smtptest.Action{Silence: true})}, relay.Options{Timeouts: c.patience})
				all := w.deliver(t, conn, 1, 2)
				if len(all) != 1 || all[0].Class != c.class || all[0].Err == nil || !conn.Closed() {
					t.Fatalf("%+v, closed %t", all, conn.Closed())
				}
			})
		})
	}
}

func TestABodyThatNobodyReads(t *testing.T) {
	for name, size := range map[string]int{"a stretch": relay.Stretch, "many": 16 * relay.Stretch} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				script := once(at(smtptest.Data, 1), smtptest.Action{Silence: true, After: 1})
				_, conn := w.start(t, smtptest.Options{Script: script}, relay.Options{Timeouts: relay.Timeouts{Block: 50 * time.Millisecond}})
				conn.Narrow()
				if o, err := conn.Begin(reader(1), nil); err != nil || o.Class != relay.Accepted {
					t.Fatalf("%+v, %v", o, err)
				}
				o := w.hand(conn, letter(size))
				if o.Class == relay.Accepted {
					o = conn.End(nil)
				}
				if o.Class != relay.Temporary || o.Stage != relay.AtBody || o.Reset || !conn.Closed() {
					t.Errorf("%+v, closed %t", o, conn.Closed())
				}
			})
		})
	}
}
