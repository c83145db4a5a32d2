package sending

import (
	"context"
	"errors"
	"strconv"

	"epistle/internal/relay"
)

// link is one connection to the relay, made when it is needed and made anew
// when it broke.
type link struct {
	gateway *gateway
	conn    *relay.Conn
	carried bool // a message has gone over conn
}

// parcel is a message on its way.
type parcel interface {
	envelope() relay.Envelope
	body() []byte // dot-stuffed, without the final dot
	// sure returns nil if the message may go, on a check that is fresh. It is
	// asked right before DATA.
	sure() error
	// beforeDot is called when all but the final dot is with the relay. It
	// returns nil once the dot may follow, and what goes with it: the envelope of
	// the next message, nil for none. It may be called again, on another
	// connection.
	beforeDot() (next *relay.Envelope, err error)
}

// connectionTries is how many connections may break under one message before
// it is put off.
const connectionTries = 3

// deliver gives a message to the relay. The error is that of the parcel, or of
// ctx while there is no connection; then nothing was sent. ctx ends the waiting
// for a connection; the end of hard closes the connection, and what had its dot
// by then is uncertain.
func (l *link) deliver(ctx, hard context.Context, p parcel) (relay.Outcome, error) {
	for tries := 1; ; {
		if err := l.connect(ctx, hard); err != nil {
			return relay.Outcome{}, err
		}
		fresh := !l.carried
		o, err := l.attempt(p)
		if err != nil {
			return o, err
		}
		if l.conn.Stumbled() {
			l.gateway.stumbled()
		}
		if !isOfRelay(o, l.conn) {
			l.carried = true
			if o.Class != relay.Uncertain {
				l.gateway.worked()
			}
			return o, nil
		}
		// The connection broke, or the relay took its leave, and this message has
		// not gone out. On a connection that was in use that is ordinary.
		if !fresh && o.Stage == relay.AtMail && l.conn.Closed() {
			continue
		}
		if err := hard.Err(); err != nil {
			return o, err
		}
		if tries == connectionTries {
			return o, nil
		}
		tries++
		l.leave()
		l.gateway.failed(brokenOff(o))
	}
}

// isOfRelay reports trouble of the relay or the connection before it took the
// message, which says nothing about the recipient.
func isOfRelay(o relay.Outcome, c *relay.Conn) bool {
	return o.Class == relay.Temporary && (c.Closed() || o.Stage == relay.AtMail)
}

// brokenOff is the error of a connection that broke before it took a message.
func brokenOff(o relay.Outcome) error {
	if o.Err != nil {
		return o.Err
	}
	return errors.New("the relay does not take a message now, code " + strconv.Itoa(o.Code))
}

func (l *link) connect(ctx, hard context.Context) error {
	if l.conn != nil && !l.conn.Closed() {
		return nil
	}
	conn, err := l.gateway.dial(ctx)
	if err != nil {
		return err
	}
	conn.CloseWhen(hard)
	l.conn, l.carried = conn, false
	return nil
}

// attempt is one message over the connection that stands. If the parcel
// objects, the connection is closed before the dot, so that the relay forgets
// the message.
func (l *link) attempt(p parcel) (relay.Outcome, error) {
	o, err := l.conn.Begin(p.envelope(), p.sure)
	if err != nil || o.Class != relay.Accepted {
		return o, err
	}
	if o = l.conn.Body(p.body()); o.Class != relay.Accepted {
		return o, nil
	}
	next, err := p.beforeDot()
	if err != nil {
		_ = l.conn.Close() // nothing of it is wanted any more
		return o, err
	}
	return l.conn.End(next), nil
}

// leave ends the connection politely; the next message makes another.
func (l *link) leave() {
	if l.conn != nil {
		_ = l.conn.Quit() // it is closed in any case
		l.conn = nil
	}
}
