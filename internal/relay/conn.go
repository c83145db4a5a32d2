package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/sys/unix"
)

// Conn is one connection to a relay. It is for one goroutine.
type Conn struct {
	raw      net.Conn // what go-mail's client reads and writes, under any STARTTLS
	client   *smtp.Client
	r        *bufio.Reader // the client's own, above any TLS
	w        *bufio.Writer
	timeouts Timeouts
	out      []byte      // memory for commands
	batch    net.Buffers // pieces that are to be written
	kept     int         // bytes of a body that waits in batch for its dot
	keptAt   time.Time   // since when it waits
	rest     net.Buffers // of batch, what is still to be written

	pipelines bool
	stand     stand
	next      Envelope // announced, when the stand says so
	undone    bool     // the relay may still have an envelope that came to nothing
	stumbled  bool
	waited    time.Duration // for replies about the message under way

	secured bool // by TLS
	socket  syscall.RawConn
	peek    func(fd uintptr) bool // looks for unread bytes; made once
	peeked  error                 // what it found

	closed  bool
	gone    atomic.Bool // CloseWhen has hung up
	release func() bool // ends the watch of CloseWhen
}

// stand is where a conversation stands between two calls.
type stand int

const (
	idle      stand = iota
	announced       // MAIL, RCPT, DATA are out, their replies are not read
	open            // the relay waits for the body
	told            // the body is out, the dot is not
)

func newConn(raw net.Conn, client *smtp.Client, o Options) *Conn {
	c := &Conn{raw: raw, client: client, r: client.Text.R, w: client.Text.W, timeouts: o.Timeouts}
	offered, _ := client.Extension("PIPELINING")
	c.pipelines = offered && !o.OneByOne
	c.secured, c.socket = o.Security != Plain, socketOf(raw)
	buffer := make([]byte, 1)
	c.peek = func(fd uintptr) bool {
		c.peeked = peekAt(int(fd), buffer)
		return true // once, without waiting
	}
	return c
}

// Closed reports whether the connection can take no more mail: it was closed,
// or was given up because the relay said something out of order.
func (c *Conn) Closed() bool { return c.closed || c.gone.Load() }

// Stumbled reports that the relay lost its way among commands that it had
// offered to take together: a reply that never came or came out of order. The
// next connection to it should be dialled with OneByOne.
func (c *Conn) Stumbled() bool { return c.stumbled }

// CloseWhen hangs up when ctx ends, whatever is going on then. It is said once
// a connection, not once a message; a later ctx takes the place of an earlier.
func (c *Conn) CloseWhen(ctx context.Context) {
	if c.release != nil {
		c.release()
	}
	c.release = context.AfterFunc(ctx, func() {
		c.gone.Store(true)
		_ = c.raw.Close()
	})
}

// Close hangs up without a word. A message whose dot is not out is forgotten by
// the relay.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	if c.release != nil {
		c.release()
	}
	if err := c.raw.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Quit takes leave and hangs up. It waits a few seconds for the answer. In the
// middle of a message there is no leave to take, and it only hangs up.
func (c *Conn) Quit() error {
	if !c.Closed() && c.stand == idle {
		_ = c.raw.SetDeadline(time.Now().Add(brief))
		_ = c.client.Quit() // whatever it answers, we are gone
	}
	return c.Close()
}

// brief is the patience with a relay from which nothing is needed any more.
const brief = 5 * time.Second

func (c *Conn) deadline(d time.Duration) { _ = c.raw.SetDeadline(time.Now().Add(d)) }

// await sets the deadline of a stage, unless its reply is there already.
func (c *Conn) await(d time.Duration) {
	if c.r.Buffered() == 0 {
		c.deadline(d)
	}
}

// write hands bytes to the connection at once. On an error, left is how many of
// them certainly did not go out.
func (c *Conn) write(p []byte) (left int, err error) {
	if _, err = c.w.Write(p); err == nil {
		err = c.w.Flush()
	}
	return c.w.Buffered(), err
}

// writeBatch is write for the pieces of a batch, which it empties. A plain
// connection takes them from where they are, and written is how many of their
// bytes went out; TLS copies them in any case, and written says nothing.
func (c *Conn) writeBatch() (written int64, err error) {
	defer func() {
		clear(c.batch) // it holds on to nothing
		c.batch = c.batch[:0]
	}()
	if !c.secured {
		c.rest = c.batch // is used up
		return c.rest.WriteTo(c.raw)
	}
	for _, piece := range c.batch {
		if _, err := c.w.Write(piece); err != nil {
			return 0, err
		}
	}
	return 0, c.w.Flush()
}

// giveUp closes a connection that cannot be trusted any more.
func (c *Conn) giveUp(o Outcome) Outcome {
	_ = c.Close()
	return o
}

var (
	errOutOfTurn = errors.New("the relay spoke out of turn")
	errMisuse    = errors.New("relay: Begin, Body and End were called out of order")
)

// quiet returns nil if the relay has said nothing and not hung up, as far as is
// known here. It is asked before the final dot, unless that follows 354 within a
// moment: a connection that broke while the dot was held back is then no matter of
// doubt, and a reply that nobody asked for is not taken for the one to the dot. It
// leaves no deadline behind that is of use.
func (c *Conn) quiet() error {
	if c.r.Buffered() > 0 {
		return errOutOfTurn
	}
	if c.socket != nil {
		_ = c.raw.SetReadDeadline(time.Time{})
		if err := errors.Join(c.socket.Read(c.peek), c.peeked); err != nil {
			return err
		}
	}
	if !c.secured {
		return nil
	}
	// TLS may have read further than we were told. It says so without reading on.
	_ = c.raw.SetReadDeadline(longAgo)
	switch _, err := c.r.Peek(1); {
	case err == nil:
		return errOutOfTurn
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return err
	}
	return nil
}

var longAgo = time.Unix(1, 0)

// lateReset is how long after the dot a reset still means that the relay hung
// up on it. What comes later may be a firewall that forgot the connection, or a
// relay started anew that never knew it, found out by a keepalive; of these the
// first goes out after 15 s (net.Dialer).
const lateReset = 10 * time.Second

// unread reports whether a connection that ended without a reply to the dot,
// written at dotted, ended in a way which shows that the relay did not read it.
//
// That is certain if the dot has not left this system, or if the relay hung up and
// its system has not got the dot: the FIN acknowledges all that was got, hence all
// that was read. A reset acknowledges nothing, and what the relay read just before
// may wait for its acknowledgement (RFC 9293, section 3.8.6.3).
//
// It is a guess, and so said, if the connection was reset: so does a system that
// throws bytes away unread (RFC 9293, section 3.6.1), and the dot is among the
// last of them. But a relay may have read the dot and not the envelope announced
// behind it, and some programs reset a connection on purpose. Then a mail that is
// sent again goes out a second time, with the same Message-ID, which is a lesser
// evil than losing every mail whose relay stopped in the midst of it (RFC 5321,
// section 4.1.1.4; RFC 1047).
func (c *Conn) unread(end error, dotted time.Time) (unread, guessed bool) {
	if errors.Is(end, io.EOF) && c.socket != nil {
		// TLS has an end of its own, and the socket's follows it.
		_ = c.raw.SetReadDeadline(time.Now().Add(brief))
		err := c.socket.Read(func(fd uintptr) bool { return c.peek(fd) && c.peeked != nil })
		end = errors.Join(err, c.peeked)
	}
	reset := errors.Is(end, syscall.ECONNRESET) || errors.Is(end, syscall.EPIPE)
	if !reset && !errors.Is(end, io.EOF) {
		return false, false
	}
	behind := max(0, len(c.out)-len(finalDot)) // so many bytes may be missing, and not the dot
	if c.queued(unsent) > behind || !reset && c.queued(unacknowledged) > behind {
		return true, false
	}
	soon := reset && time.Since(dotted) < lateReset
	return soon, soon
}

// What queued tells of: bytes that were written and that the relay's system has
// not got, as far as is known here, and those of them that have not left this one
// (tcp(7)). Only Linux can be asked.
const (
	unacknowledged = unix.TIOCOUTQ // SIOCOUTQ
	unsent         = 0x894b        // SIOCOUTQNSD
)

// queued is how many bytes of a kind there are.
func (c *Conn) queued(kind uint) (bytes int) {
	if c.socket != nil {
		_ = c.socket.Control(func(fd uintptr) { bytes, _ = unix.IoctlGetInt(int(fd), kind) })
	}
	return bytes
}

// socketOf is the socket under a connection, and under its TLS.
func socketOf(conn net.Conn) syscall.RawConn {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(syscall.Conn); ok {
		if socket, err := tcp.SyscallConn(); err == nil {
			return socket
		}
	}
	return nil
}

// peekAt looks for a byte that waits on a socket which does not block.
func peekAt(fd int, buffer []byte) error {
	n, _, err := syscall.Recvfrom(fd, buffer, syscall.MSG_PEEK)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	return errOutOfTurn
}
