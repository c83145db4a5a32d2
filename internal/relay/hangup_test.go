package relay_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// asking starts a relay of this way, with TLS from the first byte if there is any,
// that asks for the body of a mail, hears of it and of what follows it as much as
// it likes, and hangs up. What it does not read is left to its system.
func (w way) asking(t *testing.T, hears func(net.Conn)) net.Listener {
	t.Helper()
	var o smtptest.Options
	w.options(&o)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if o.TLS != nil {
				conn = tls.Server(&byRecord{Conn: conn}, o.TLS)
			}
			if asksForBody(conn, o.Pipelining) {
				hears(conn)
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		group.Wait()
	})
	return listener
}

// reset is smtptest.Reset for such a connection.
func reset(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn().(*byRecord).Conn
	}
	smtptest.Reset(conn)
}

// byRecord is a connection that does not read beyond a record of TLS. That is the
// habit of OpenSSL, and not of crypto/tls.
type byRecord struct {
	net.Conn
	left int
}

func (c *byRecord) Read(p []byte) (n int, err error) {
	if c.left == 0 {
		const header = 5
		n, err = io.ReadFull(c.Conn, p[:header])
		c.left = int(binary.BigEndian.Uint16(p[3:header]))
		return n, err
	}
	n, err = c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// asksForBody holds a conversation up to the reply to DATA.
func asksForBody(conn net.Conn, pipelining bool) bool {
	reply := "220 test ESMTP\r\n"
	for {
		if _, err := io.WriteString(conn, reply); err != nil || reply[0] == '3' {
			return err == nil
		}
		var line []byte
		for letter := make([]byte, 1); !bytes.HasSuffix(line, []byte("\r\n")); line = append(line, letter...) {
			if _, err := conn.Read(letter); err != nil {
				return false
			}
		}
		switch reply = "250 Ok\r\n"; {
		case bytes.HasPrefix(line, []byte("EHLO")) && pipelining:
			reply = "250-test\r\n250 PIPELINING\r\n"
		case bytes.HasPrefix(line, []byte("DATA")):
			reply = "354 Go on\r\n"
		}
	}
}

// begin connects to such a relay, until it asks for a body.
func (w way) begin(t *testing.T, listener net.Listener) *relay.Conn {
	t.Helper()
	o := relay.Options{Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Security: relay.Plain}
	w.change(&o)
	if o.Security == relay.StartTLS {
		o.Security = relay.Implicit
	}
	conn, err := relay.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if o, err := conn.Begin(reader(1), nil); err != nil || o.Class != relay.Accepted {
		t.Fatalf("begin: %+v, %v", o, err)
	}
	return conn
}

// letter is a body of so many bytes, a multiple of 64.
func letter(size int) []byte {
	return bytes.Repeat([]byte(".."+strings.Repeat("x", 60)+"\r\n"), size/64)
}

// The dot follows the body at once, so that it is out before it can be known
// here that the relay hangs up: before the hanging up or after it, as it comes.
func TestWhetherTheDotWasReadWhenTheRelayHungUp(t *testing.T) {
	const size = 40 << 10
	mail, next := letter(size), reader(2)
	last := size + len(".\r\n")
	announcement := len("MAIL FROM:<" + next.From + ">\r\nRCPT TO:<" + next.To + ">\r\nDATA\r\n")
	everything := func(pipelining bool) int {
		if pipelining {
			return last + announcement
		}
		return last
	}
	for name, c := range map[string]struct {
		read  func(pipelining bool) int
		reset bool
		class relay.Class
		at    relay.Stage
	}{
		"it read some of the body":  {func(bool) int { return 100 }, false, relay.Temporary, relay.AtBody},
		"it read all but the dot":   {func(bool) int { return size }, false, relay.Temporary, relay.AtBody},
		"it read everything":        {everything, false, relay.Uncertain, relay.AtDot},
		"it read everything, reset": {everything, true, relay.Temporary, relay.AtBody},
	} {
		t.Run(name, func(t *testing.T) {
			hands(t, func(t *testing.T, w way) {
				listener := w.asking(t, func(conn net.Conn) {
					_, _ = io.CopyN(io.Discard, conn, int64(c.read(w.pipelining)))
					if c.reset {
						reset(conn)
					}
				})
				for range 200 {
					conn := w.begin(t, listener)
					o := w.hand(conn, mail)
					if o.Class == relay.Accepted {
						o = conn.End(&next)
					}
					// Of what it did read it must not be said that it certainly did not.
					if o.Class != c.class || o.Stage != c.at || c.reset && !o.Reset || !conn.Closed() {
						t.Fatalf("%+v, closed %t", o, conn.Closed())
					}
				}
			})
		})
	}
}

// A reset says something about the dot only as long as the relay may just have
// hung up on it.
func TestAResetLongAfterTheDotSaysNothing(t *testing.T) {
	ways(t, func(t *testing.T, w way) {
		_, conn := w.start(t, smtptest.Options{}, relay.Options{})
		reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		if !conn.Unread(reset, time.Now().Add(-time.Second)) || conn.Unread(reset, time.Now().Add(-11*time.Second)) {
			t.Error("what a reset says does not depend on when it comes")
		}
	})
}
