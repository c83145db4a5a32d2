package sending

import (
	"context"
	"time"
)

// today is the present in the zone whose calendar the quotas follow.
func (g *gateway) today() time.Time { return g.clock().In(g.zone) }

// isSpent reports whether a relay may be given nothing more today.
func (g *gateway) isSpent(r *route) bool {
	return r.spentOn.Load() == dayNumber(g.today())
}

// restsUntil is when bulk mail goes on, if the quotas of all relays are used up
// today; else it is zero.
func (g *gateway) restsUntil() time.Time {
	for _, r := range g.routes {
		if !g.isSpent(r) {
			return time.Time{}
		}
	}
	year, month, day := g.today().Date()
	return time.Date(year, month, day+1, 0, 0, 0, 0, g.zone)
}

// turnNow takes a message's turn if it may go now and nothing must be asked of
// the database.
func (g *gateway) turnNow(r *route) bool {
	g.turns.Lock()
	defer g.turns.Unlock()
	now := g.clock()
	if !g.rate.open(now) || !r.rate.open(now) || !r.account.open(now.In(g.zone)) {
		return false
	}
	// None of them asks the database for what is open, so none fails.
	ctx := context.Background()
	_, _ = g.rate.take(ctx, now)
	_, _ = r.rate.take(ctx, now)
	_, _ = r.account.spend(ctx, now.In(g.zone))
	return true
}

// turn takes a message's turn and returns when it is; errSpent if the relay may
// be given nothing more today.
func (g *gateway) turn(ctx context.Context, r *route) (time.Time, error) {
	g.turns.Lock()
	defer g.turns.Unlock()
	now := g.clock()
	if left, err := r.account.spend(ctx, now.In(g.zone)); err != nil {
		return now, err
	} else if !left {
		r.spentOn.Store(dayNumber(now.In(g.zone)))
		g.mu.Lock()
		defer g.mu.Unlock()
		g.tell()
		return now, errSpent
	}
	all, err := g.rate.take(ctx, now)
	if err != nil {
		return now, err
	}
	own, err := r.rate.take(ctx, now)
	if own.After(all) {
		return own, err
	}
	return all, err
}

// charge counts a message that does not wait for its turn.
func (g *gateway) charge(ctx context.Context, r *route) error {
	g.turns.Lock()
	defer g.turns.Unlock()
	now := g.clock()
	if err := r.account.charge(ctx, now.In(g.zone)); err != nil {
		return err
	}
	if _, err := g.rate.take(ctx, now); err != nil {
		return err
	}
	_, err := r.rate.take(ctx, now)
	return err
}

// settle gives back what is held of the quotas.
func (g *gateway) settle(ctx context.Context) {
	g.turns.Lock()
	defer g.turns.Unlock()
	for _, r := range g.routes {
		if err := r.account.settle(ctx); err != nil {
			g.log.Warn("sending: could not give back the rest of a quota", "error", err)
		}
	}
}

// dayNumber tells days apart; it is never 0.
func dayNumber(t time.Time) int64 { return dateOf(t).Unix() }
