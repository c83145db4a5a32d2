package signup

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// What became of posts and requests of strangers, as the metrics count them.
const (
	Taken    = "taken"
	Trapped  = "trapped"  // filled in what people cannot see
	Mistimed = "mistimed" // came back too quickly or too late, or was never ours
	Limited  = "limited"  // beyond a cap
	Closed   = "closed"   // the flood switch is on
	Refused  = "refused"  // for another reason
)

// outcomeOf names a failure for the metrics.
func outcomeOf(err error) string {
	switch epistle.KindOf(err) {
	case epistle.Limited:
		return Limited
	case epistle.Unavailable:
		return Closed
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
