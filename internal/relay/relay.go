// Package relay talks to the SMTP server that takes our mail. go-mail dials:
// TCP, TLS, EHLO, AUTH. What follows on the connection is done here, with the
// deadlines of RFC 5321, section 4.5.3.2, and what a reply means is decided in
// one place, outcome.go.
//
// A message is Begin, Body, End. Where the relay offers PIPELINING (RFC 2920),
// one write carries the final dot of a message and MAIL, RCPT, DATA of the
// next: two round trips a message. Until the dot nothing is delivered, and
// hanging up makes the relay forget the message.
//
// A connection that has said anything out of order is closed and never used
// again. TLS that was asked for is never done without.
package relay

import (
	"crypto/tls"
	"net"
	"net/url"
	"strconv"
	"time"

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
	OneByOne bool // never send commands together, whatever the relay offers; see Conn.Stumbled
}

// Timeouts bounds each stage of a conversation. A zero value means the time of
// RFC 5321, section 4.5.3.2.
type Timeouts struct {
	Dial    time.Duration // connect, greeting, EHLO, TLS, AUTH together
	Command time.Duration // MAIL and RCPT, each
	Data    time.Duration // the reply to DATA
	Block   time.Duration // each stretch of the body
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
