package relay_test

import (
	"errors"
	"fmt"
	"testing"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// ways are the kinds of relays a message must come through: with commands sent
// together and one by one, in plain and with STARTTLS.
func ways(t *testing.T, test func(t *testing.T, w way)) {
	theirs, ours := smtptest.Certificates(t)
	for _, pipelining := range []bool{true, false} {
		for _, secured := range []bool{false, true} {
			w := way{pipelining: pipelining}
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

type way struct {
	pipelining bool
	options    func(*smtptest.Options)
	change     func(*relay.Options)
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
func deliver(t *testing.T, conn *relay.Conn, first, last int) []relay.Outcome {
	t.Helper()
	var all []relay.Outcome
	for n := first; n <= last && !conn.Closed(); n++ {
		o, err := conn.Begin(reader(n), nil)
		if err != nil {
			t.Fatal(err)
		}
		if o.Class == relay.Accepted {
			o = conn.Body(body(n))
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
	ways(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{Together: true}, relay.Options{})
		for _, o := range deliver(t, conn, 1, 5) {
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
