package relay_test

import (
	"bytes"
	"io"
	"net"
	"slices"
	"testing"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// What is kept does not go out before its dot, and never if the dot does not
// follow. Over TLS, and if it is large, a body goes ahead.
func TestWhatGoesAheadOfTheDot(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		kept bool
	}{
		"little":    {64, true},
		"a stretch": {relay.Stretch, true},
		"more":      {relay.Stretch + 64, false},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				ahead := make(chan []byte, 1)
				conn := w.begin(t, w.asking(t, func(conn net.Conn) {
					got, _ := io.ReadAll(conn)
					ahead <- got
				}))
				mail := letter(c.size)
				if o := w.hand(conn, mail[:30], mail[30:]); o.Class != relay.Accepted || o.Stage != relay.AtBody {
					t.Fatalf("%+v", o)
				}
				if err := conn.Close(); err != nil {
					t.Fatal(err)
				}
				if w.keep && c.kept && !w.secured {
					mail = nil
				}
				if got := <-ahead; !bytes.Equal(got, mail) {
					t.Errorf("%d bytes of the body went out, want %d", len(got), len(mail))
				}
			})
		})
	}
}

func TestWhatIsKeptArrivesAsItWas(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		server, conn := w.start(t, smtptest.Options{}, relay.Options{})
		for n, size := range []int{64, 1 << 10, relay.Stretch - 64, relay.Stretch, relay.Stretch + 64, 3 * relay.Stretch} {
			mail := letter(size)
			pieces := [][]byte{mail[:1], mail[1 : size/2], nil, mail[size/2:]}
			given := slices.Clone(pieces)
			for m, keep := range []bool{false, true, true} {
				w.keep = keep
				if o, err := conn.Begin(reader(m), nil); err != nil || o.Class != relay.Accepted {
					t.Fatalf("%+v, %v", o, err)
				}
				next := reader(m + 1)
				if m == 2 {
					next = reader(0)
				}
				if o := w.hand(conn, pieces...); o.Class != relay.Accepted {
					t.Fatalf("%+v", o)
				}
				if o := conn.End(&next); o.Class != relay.Accepted || o.Stage != relay.AtDot {
					t.Fatalf("%+v", o)
				}
			}
			if !slices.EqualFunc(pieces, given, bytes.Equal) {
				t.Error("the pieces are not what they were")
			}
			want := bytes.ReplaceAll(mail, []byte("\r\n."), []byte("\r\n"))[1:]
			for _, m := range server.Messages()[3*n:] {
				if !bytes.Equal(m.Data, want) {
					t.Errorf("%s got %d bytes, want %d, or not the same", m.To, len(m.Data), len(want))
				}
			}
		}
		if got := len(server.Messages()); got != 18 || server.Dials() != 1 {
			t.Errorf("%d messages over %d connections", got, server.Dials())
		}
	})
}

// TestTheRelayStopsInTheMidst has a relay read little of a body that is longer
// than what its system takes in.
func TestTheRelayStopsInTheMidst(t *testing.T) {
	const size = relay.Stretch - 64
	for name, c := range map[string]struct {
		stops func(net.Conn)
		class relay.Class
	}{
		"resets":   {reset, relay.Temporary},
		"hangs up": {func(net.Conn) {}, relay.Temporary},
		"552":      {func(conn net.Conn) { _, _ = io.WriteString(conn, "552 5.3.4 Too big\r\n") }, relay.Policy},
		"421":      {func(conn net.Conn) { _, _ = io.WriteString(conn, "421 4.3.2 Bye\r\n") }, relay.Temporary},
		"250":      {func(conn net.Conn) { _, _ = io.WriteString(conn, "250 2.0.0 Taken\r\n") }, relay.Temporary},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				listener := w.asking(t, func(conn net.Conn) {
					_, _ = io.CopyN(io.Discard, conn, 1000)
					c.stops(conn)
				})
				for range 20 {
					conn := w.begin(t, listener)
					conn.Narrow()
					next := reader(2)
					o := w.hand(conn, letter(size))
					if o.Class == relay.Accepted {
						o = conn.End(&next)
					}
					if o.Class != c.class || o.Stage != relay.AtBody || o.Reset || !conn.Closed() {
						t.Fatalf("%+v, closed %t", o, conn.Closed())
					}
				}
			})
		})
	}
}

// TestWhatNeverLeftWasNotRead has this system take a body and its dot, and the
// relay's no more than a part.
func TestWhatNeverLeftWasNotRead(t *testing.T) {
	for name, stops := range map[string]func(net.Conn){"resets": reset, "hangs up": func(net.Conn) {}} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				listener := w.asking(t, func(conn net.Conn) {
					_, _ = io.CopyN(io.Discard, conn, 1000)
					stops(conn)
				})
				for range 20 {
					conn := w.begin(t, listener)
					next := reader(2)
					o := w.hand(conn, letter(relay.Stretch-64))
					if o.Class == relay.Accepted {
						o = conn.End(&next)
					}
					if o.Class != relay.Temporary || o.Stage != relay.AtBody || o.Reset || !conn.Closed() {
						t.Fatalf("%+v, closed %t", o, conn.Closed())
					}
				}
			})
		})
	}
}
