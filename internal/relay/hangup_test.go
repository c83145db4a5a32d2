package relay_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"epistle/internal/relay"
	"epistle/internal/smtptest"
)

// exact starts a relay, with TLS from the first byte if there is any, that reads
// so many bytes of each mail and of what follows it, leaves all others to its
// system, and hangs up without a word.
func exact(t *testing.T, o smtptest.Options, bytes int) net.Listener {
	t.Helper()
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
				_, _ = io.CopyN(io.Discard, conn, int64(bytes))
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
	reply := "220 exact ESMTP\r\n"
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
			reply = "250-exact\r\n250 PIPELINING\r\n"
		case bytes.HasPrefix(line, []byte("DATA")):
			reply = "354 Go on\r\n"
		}
	}
}

// dialExact connects to such a relay.
func dialExact(t *testing.T, w way, listener net.Listener) *relay.Conn {
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
	return conn
}

// The dot follows the body at once, so that it is out before it can be known
// here that the relay hangs up: before the hanging up or after it, as it comes.
func TestWhetherTheDotWasReadWhenTheRelayHungUp(t *testing.T) {
	letter := bytes.Repeat([]byte("Some forty bytes are in each line of it\r\n"), 1000)
	next := reader(2)
	last := len(letter) + len(".\r\n")
	announcement := len("MAIL FROM:<" + next.From + ">\r\nRCPT TO:<" + next.To + ">\r\nDATA\r\n")
	for name, c := range map[string]struct {
		read  func(pipelining bool) int
		class relay.Class
		at    relay.Stage
	}{
		"it read some of the body": {func(bool) int { return 100 }, relay.Temporary, relay.AtBody},
		"it read all but the dot":  {func(bool) int { return len(letter) }, relay.Temporary, relay.AtBody},
		"it read everything": {func(pipelining bool) int {
			if pipelining {
				return last + announcement
			}
			return last
		}, relay.Uncertain, relay.AtDot},
	} {
		t.Run(name, func(t *testing.T) {
			ways(t, func(t *testing.T, w way) {
				var offered smtptest.Options
				w.options(&offered)
				listener := exact(t, offered, c.read(w.pipelining))
				for range 200 {
					conn := dialExact(t, w, listener)
					o, err := conn.Begin(reader(1), nil)
					if err != nil || o.Class != relay.Accepted {
						t.Fatalf("begin: %+v, %v", o, err)
					}
					if o = conn.Body(letter); o.Class == relay.Accepted {
						o = conn.End(&next)
					}
					if o.Class != c.class || o.Stage != c.at || !conn.Closed() {
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
