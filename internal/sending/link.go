package sending

import (
	"context"
	"errors"
	"os"
	"strconv"

	"epistle/internal/relay"
)

// link is one connection to a relay, made when it is needed and made anew when
// it broke.
type link struct {
	gateway *gateway
	purpose purpose
	conn    *relay.Conn
	route   *route
	fall    int   // of the route, when the connection was dialled
	changes int64 // of the gateway, when the route was chosen
	carried bool  // a message has gone over conn
}

// parcel is a message on its way.
type parcel interface {
	envelope() relay.Envelope
	body() [][]byte // in pieces, dot-stuffed, without the final dot
	// sure returns nil if the message may go, on a check that is fresh. It is
	// asked right before DATA.
	sure() error
	// once reports whether what may have arrived is not to be sent again.
	once() bool
	// prompt reports whether the body is to go out together with its dot.
	prompt() bool
	// beforeDot is called when all but the final dot is with the relay, or ready
	// to go with it. It returns nil once the dot may follow, and what goes with it:
	// the envelope of the next message, nil for none. It may be called again, on
	// another connection.
	beforeDot() (next *relay.Envelope, err error)
}

// connectionTries is how many connections may break under one message before
// it is put off.
const connectionTries = 3

// deliver gives a message to the relay; paid is the one that it was admitted
// to, nil if it needs no admission. The error is that of the parcel, or of ctx
// or the database while there is no connection; then nothing was sent. ctx ends
// the waiting for a connection; the end of hard closes the connection, and what
// had its dot by then is uncertain.
func (l *link) deliver(ctx, hard context.Context, p parcel, paid *route) (relay.Outcome, error) {
	guessed := false // that the relay did not read the dot
	for tries := 1; ; {
		if err := l.connect(ctx, hard); err != nil {
			return relay.Outcome{}, err
		}
		if l.route != paid {
			if err := l.gateway.charge(ctx, l.route); err != nil {
				return relay.Outcome{}, err
			}
			paid = l.route
		}
		fresh := !l.carried
		o, err := l.attempt(p)
		if l.conn.Stumbled() {
			l.gateway.stumbled(l.route)
		}
		if err != nil {
			return o, err
		}
		if o.Reset && (guessed || p.once()) {
			o.Class, o.Stage = relay.Uncertain, relay.AtDot
		}
		guessed = guessed || o.Reset
		if !isOfRelay(o, l.conn) {
			l.carried = true
			if o.Class != relay.Uncertain {
				l.gateway.worked(l.route, l.fall)
			}
			return o, nil
		}
		// The connection broke, or the relay took its leave, and this message has
		// not gone out. On a connection that was in use that is ordinary.
		if !fresh && isLeave(o) && l.conn.Closed() {
			continue
		}
		if err := hard.Err(); err != nil {
			return o, err
		}
		if tries == connectionTries || isOfDomain(o) && !l.conn.Stumbled() {
			return o, nil
		}
		tries++
		route, fall := l.route, l.fall
		l.gateway.failed(route, fall, brokenOff(o)) // before anybody else may try
		l.leave()
	}
}

// isOfDomain reports that a relay took the sender and then, over a new
// connection, took its leave at the recipient, or never had a word about them: it
// may be waiting for their domain in vain.
func isOfDomain(o relay.Outcome) bool {
	return o.Code == 421 && o.Stage != relay.AtMail || o.Stage == relay.AtRcpt && errors.Is(o.Err, os.ErrDeadlineExceeded)
}

// isLeave reports that a connection ended before, or with, the first word
// about a recipient.
func isLeave(o relay.Outcome) bool {
	return o.Stage == relay.AtMail || o.Code == 421 && o.Stage == relay.AtRcpt
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

// connect returns once there is a connection.
func (l *link) connect(ctx, hard context.Context) error {
	if l.conn != nil && !l.conn.Closed() {
		return nil
	}
	l.leave()
	changes := l.gateway.changes.Load()
	conn, route, fall, err := l.gateway.dial(ctx, l.purpose)
	if err != nil {
		return err
	}
	conn.CloseWhen(hard)
	l.conn, l.route, l.fall, l.changes, l.carried = conn, route, fall, changes, false
	return nil
}

// isOutdated reports whether another relay may be the better one now.
func (l *link) isOutdated() bool {
	changes := l.gateway.changes.Load()
	if l.route == nil || changes == l.changes {
		return false
	}
	if l.gateway.better(l.route, l.purpose) {
		return true
	}
	l.changes = changes
	return false
}

// reconsider ends the connection if there is a better relay now.
func (l *link) reconsider() {
	if l.isOutdated() {
		l.leave()
	}
}

// admit returns when it is a message's turn: there is a connection to the best
// relay, whose quota is debited, and the rates allow one more. It waits as long
// as that takes. The error is errSpent if nothing may be sent today, or that of
// ctx or the database.
func (l *link) admit(ctx, hard context.Context) (paid *route, err error) {
	for {
		l.reconsider()
		if err := l.connect(ctx, hard); err != nil {
			return nil, err
		}
		at, err := l.gateway.turn(ctx, l.route)
		if errors.Is(err, errSpent) {
			l.leave()
			continue // to the next relay, if there is one
		}
		if wait := at.Sub(l.gateway.clock()); err == nil && wait > ahead {
			err = l.gateway.wait(ctx, wait, nil)
		}
		return l.route, err
	}
}

// admitNow is admit for a message that is announced over the connection that
// stands. It is nil if that would take any waiting.
func (l *link) admitNow() (paid *route) {
	if l.route == nil || l.isOutdated() || !l.gateway.turnNow(l.route) {
		return nil
	}
	return l.route
}

// attempt is one message over the connection that stands. If the parcel
// objects, the connection is closed before the dot, so that the relay forgets
// the message.
func (l *link) attempt(p parcel) (relay.Outcome, error) {
	o, err := l.conn.Begin(p.envelope(), p.sure)
	if err != nil || o.Class != relay.Accepted {
		return o, err
	}
	hand := l.conn.Body
	if p.prompt() {
		hand = l.conn.Keep
	}
	if o = hand(p.body()...); o.Class != relay.Accepted {
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
		l.gateway.release(l.route, l.purpose)
		l.conn, l.route = nil, nil
	}
}
