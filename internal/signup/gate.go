package signup

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
)

// What became of posts and requests of strangers, as the metrics count them:
// each limit for itself.
const (
	Taken       = "taken"
	Trapped     = "trapped"     // filled in what people cannot see
	TooQuick    = "too-quick"   // came back sooner than anybody can type
	TooOld      = "too-old"     // came back too late, or was never a form of ours
	OverAddress = "address-cap" // the address has had its share; on sign-ups the visitor is not told
	OverNetwork = "network-cap" // the visitor's network has, IPv6 by /64
	OverAll     = "overall-cap" // all visitors together have
	Closed      = "closed"      // the flood switch is on
	Refused     = "refused"     // for another reason
)

// Outcomes lists them.
var Outcomes = []string{Taken, Trapped, TooQuick, TooOld, OverAddress, OverNetwork, OverAll, Closed, Refused}

// The causes of Limited errors, whose words tell visitors less.
var (
	errOverAddress = errors.New("too many for the address")
	errOverNetwork = errors.New("too many from the network")
	errOverAll     = errors.New("too many from all visitors")
)

// OutcomeOf names what became of a post by its error.
func OutcomeOf(err error) string {
	var known *epistle.Error
	switch {
	case err == nil:
		return Taken
	case errors.Is(err, errOverAddress):
		return OverAddress
	case errors.Is(err, errOverNetwork):
		return OverNetwork
	case errors.Is(err, errOverAll):
		return OverAll
	case epistle.KindOf(err) == epistle.Unavailable:
		return Closed
	case errors.As(err, &known) && known.Message == formQuick:
		return TooQuick
	case errors.As(err, &known) && known.Message == formStale:
		return TooOld
	}
	return Refused
}

// GateStore is what the gate needs of the store.
type GateStore interface {
	SignupsClosed(ctx context.Context) (time.Time, error)
	SetSignupsClosed(ctx context.Context, at time.Time, entry epistle.AuditEntry) error
}

// Gate is the flood switch: it closes sign-ups by strangers while everything
// else goes on. Whoever asked before may still confirm, leave and change their
// preferences, subscribers are mailed, comments are taken, and staff may invite.
type Gate struct {
	Store GateStore
	Clock epistle.Clock
}

// Closed is since when sign-ups are closed; the zero time while they are open.
func (g Gate) Closed(ctx context.Context) (time.Time, error) { return g.Store.SignupsClosed(ctx) }

// Close closes sign-ups. Closing what is closed does nothing.
func (g Gate) Close(ctx context.Context, actor epistle.Actor) error {
	return g.set(ctx, actor, g.Clock(), "signups.close")
}

// Open takes sign-ups again.
func (g Gate) Open(ctx context.Context, actor epistle.Actor) error {
	return g.set(ctx, actor, time.Time{}, "signups.open")
}

func (g Gate) set(ctx context.Context, actor epistle.Actor, at time.Time, action string) error {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return err
	}
	return g.Store.SetSignupsClosed(ctx, at, epistle.AuditEntry{At: g.Clock(), Actor: actor, Action: action, Subject: "installation"})
}
