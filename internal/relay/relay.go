// Package relay talks to the SMTP server that takes our mail. go-mail dials:
// TCP, TLS, EHLO, AUTH. What follows on the connection is done here, with the
// deadlines of RFC 5321, section 4.5.3.2, and what a reply means is decided in
// one place, outcome.go.
//
// A connection that has said anything out of order is closed and never used
// again. TLS that was asked for is never done without.
package relay

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"epistle/internal/epistle"
)

// Security says how a connection is protected.
type Security int

const (
	StartTLS Security = iota // plain until STARTTLS, which must succeed
	Implicit                 // TLS from the first byte
	Plain                    // none; a relay on loopback only
)

// Options says which relay and how.
type Options struct {
	Host     string
	Port     int
	Security Security
	User     string // empty: no AUTH
	Password string
	Hello    string      // our name in EHLO; empty: "localhost"
	TLS      *tls.Config // nil: the system's roots and TLS 1.2 or newer
	Timeouts Timeouts
}

// Timeouts bounds each stage of a conversation. A zero value means the time of
// RFC 5321, section 4.5.3.2.
type Timeouts struct {
	Dial    time.Duration // connect, greeting, EHLO, TLS, AUTH together
	Command time.Duration // MAIL and RCPT, each
	Data    time.Duration // the reply to DATA
	Block   time.Duration // each buffer of the body
	Final   time.Duration // the reply after the final dot
}

func (t Timeouts) withDefaults() Timeouts {
	fill := func(d *time.Duration, standard time.Duration) {
		if *d == 0 {
			*d = standard
		}
	}
	fill(&t.Dial, 5*time.Minute)
	fill(&t.Command, 5*time.Minute)
	fill(&t.Data, 2*time.Minute)
	fill(&t.Block, 3*time.Minute)
	fill(&t.Final, 10*time.Minute)
	return t
}

// Parse reads smtp://user:password@host:587 or smtps://host:465. smtp means
// STARTTLS, which is mandatory but for a relay on loopback. The error is
// Invalid, its field "relay.url"; it never repeats the URL, which may hold a
// password.
func Parse(raw string) (Options, error) {
	invalid := epistle.InvalidField("relay.url", "relay.url")
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return Options{}, invalid
	}
	o := Options{Host: u.Hostname()}
	switch u.Scheme {
	case "smtps":
		o.Security, o.Port = Implicit, 465
	case "smtp":
		o.Security, o.Port = StartTLS, 587
		if isLoopback(o.Host) {
			o.Security = Plain
		}
	default:
		return Options{}, invalid
	}
	if text := u.Port(); text != "" {
		if o.Port, err = strconv.Atoi(text); err != nil || o.Port < 1 || o.Port > 65535 {
			return Options{}, invalid
		}
	}
	if u.User != nil {
		o.User = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	return o, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Conn is one connection to a relay. It is for one goroutine.
type Conn struct {
	raw      net.Conn // what go-mail's client reads and writes, under any TLS
	client   *smtp.Client
	timeouts Timeouts
	closed   bool
}

// Closed reports whether the connection can take no more mail: it was closed,
// or was given up because the relay said something out of order.
func (c *Conn) Closed() bool { return c.closed }

// Close hangs up without a word. Whatever was offered and not finished with a
// dot is forgotten by the relay.
func (c *Conn) Close() error {
	if c.closed {
		return nil
	}
	c.closed = true
	return c.raw.Close()
}

// Quit takes leave and hangs up. It waits a few seconds for the answer.
func (c *Conn) Quit() error {
	if c.closed {
		return nil
	}
	_ = c.raw.SetDeadline(time.Now().Add(5 * time.Second))
	_ = c.client.Quit() // whatever it answers, we are gone
	if err := c.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Send gives one message to the relay: Offer, Data and Finish in one. body is a
// complete message with CRLF line ends, not dot-stuffed.
func (c *Conn) Send(ctx context.Context, from, to string, body []byte) Outcome {
	o := c.Offer(ctx, from, to)
	if o.Class == Accepted {
		o = c.Data(ctx)
	}
	if o.Class == Accepted {
		o = c.Finish(ctx, body)
	}
	return o
}

// Offer says MAIL and RCPT. Accepted means that the relay would take a message:
// then either Data or Close must follow. After any other outcome the
// connection is ready for the next message, or closed. An empty from is the
// null reverse-path.
func (c *Conn) Offer(ctx context.Context, from, to string) Outcome {
	if c.closed {
		return lost(AtMail, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	c.deadline(c.timeouts.Command)
	if err := c.client.Mail(path(from)); err != nil {
		return c.refused(judge(AtMail, err))
	}
	c.deadline(c.timeouts.Command)
	if err := c.client.Rcpt(path(to)); err != nil {
		return c.refused(judge(AtRcpt, err))
	}
	return Outcome{Class: Accepted, Stage: AtRcpt, Code: 250}
}

// Data says DATA. Accepted means that the relay waits for the body: then either
// Finish or Close must follow.
func (c *Conn) Data(ctx context.Context) Outcome {
	if c.closed {
		return lost(AtData, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	c.deadline(c.timeouts.Data)
	if err := c.data(); err != nil {
		return c.refused(judge(AtData, err))
	}
	return Outcome{Class: Accepted, Stage: AtData, Code: 354}
}

// Finish sends the body and the final dot and returns what the relay made of
// the message. If no usable reply comes after the dot, the outcome is
// Uncertain and the connection is closed.
func (c *Conn) Finish(ctx context.Context, body []byte) Outcome {
	if c.closed {
		return lost(AtBody, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	w := deadlineWriter{conn: c, w: c.client.Text.W}
	if err := writeDotted(&w, body); err != nil {
		return c.refused(judge(AtBody, err))
	}
	c.deadline(c.timeouts.Final)
	code, text, err := c.client.Text.ReadResponse(2)
	if err != nil {
		return c.refused(judge(AtDot, err))
	}
	return Outcome{Class: Accepted, Stage: AtDot, Code: code, Status: statusIn(text, code)}
}

// path is an address as MAIL and RCPT need it.
func path(address string) string { return "<" + address + ">" }

func (c *Conn) data() error {
	text := c.client.Text
	id, err := text.Cmd("DATA")
	if err != nil {
		return err
	}
	text.StartResponse(id)
	defer text.EndResponse(id)
	_, _, err = text.ReadResponse(354)
	return err
}

func (c *Conn) deadline(d time.Duration) { _ = c.raw.SetDeadline(time.Now().Add(d)) }

// closeWhenDone hangs up if ctx ends before the returned function is called.
func (c *Conn) closeWhenDone(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	return func() {
		if !stop() {
			c.closed = true
		}
	}
}

// refused keeps the connection usable after a refusal, or closes it.
func (c *Conn) refused(o Outcome) Outcome {
	if o.doubtful {
		_ = c.Close()
		return o
	}
	if o.Stage == AtRcpt || o.Stage == AtData {
		// The transaction that MAIL began is still open.
		c.deadline(c.timeouts.Command)
		if err := c.client.Reset(); err != nil {
			_ = c.Close()
		}
	}
	return o
}
