package sending

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
)

// Relay is one SMTP server that takes our mail, and how much of it.
type Relay struct {
	relay.Options
	Connections int     // for bulk mail; notices and retries use one more each. 0: 4
	Rate        float64 // messages a second over all connections and daemons; 0: no limit
	Quota       Quota
}

// name is what the database knows a relay by.
func (r Relay) name() string { return net.JoinHostPort(r.Host, strconv.Itoa(r.Port)) }

// gateway is the way out for all connections together: the relays, in order of
// preference. A connection goes to the first that works and, but for notices,
// has something left of its quota. As long as a relay works they dial as they
// please. From the first failure until it works again one of them tries at a
// time, and longer after each time, so that a relay in trouble is not stormed;
// meanwhile the others use the next one.
type gateway struct {
	routes []*route
	wait   waiter
	clock  epistle.Clock
	zone   *time.Location // in which a day of a quota begins and ends
	log    *slog.Logger

	mu      sync.Mutex
	changed chan struct{} // closed when another relay may be the right one, or a connection is free
	changes atomic.Int64
	waiting atomic.Int64 // how many wait for a connection

	turns sync.Mutex // of whatever counts messages
	rate  meter      // over all relays
}

// route is the way to one relay. The gateway's mutexes guard it.
type route struct {
	Relay
	failing   chan struct{} // wakes tend
	proven    bool          // it has answered sensibly since the last failure
	ready     bool          // not proven, but somebody may try
	trying    bool          // somebody does
	failures  int
	carriedAt time.Time // when a connection from before the last fall took mail
	fall      int       // counts the times that it stopped working
	trouble   relay.Trouble
	inUse     int       // connections of a shared purpose
	slowly    time.Time // until then commands go one by one

	rate    meter
	account account
	spentOn atomic.Int64 // the day on which its quota was used up
}

func newGateway(o Options, wait waiter) *gateway {
	g := &gateway{wait: wait, clock: o.Clock, zone: o.Zone, log: o.Log, changed: make(chan struct{}),
		rate: meter{store: o.Store, bucket: []byte("all"), gap: gapOf(o.Limits.Rate)}}
	for _, r := range o.Relays {
		if r.Connections == 0 {
			r.Connections = 4
		}
		g.routes = append(g.routes, &route{Relay: r, ready: true, failing: make(chan struct{}, 1),
			rate:    meter{store: o.Store, bucket: []byte("relay " + r.name()), gap: gapOf(r.Rate)},
			account: account{store: o.Store, relay: r.name(), quota: r.Quota}})
	}
	return g
}

// errSpent says that no relay may be given anything more today.
var errSpent = errors.New("the daily quotas are used up")

// errDenied says that all relays refuse our user or password. Who sends an issue
// ends quietly with it; the issue is paused then.
var errDenied = fmt.Errorf("the relays refuse our password: %w", errNotNow)

// purpose is what a connection is for.
type purpose int

const (
	forBulk   purpose = iota
	forSingle         // retries and welcomes
	forHelp           // the same, over a connection that bulk mail does not need
	forNotices
)

// shared reports whether connections of a purpose share a relay's number.
func (p purpose) shared() bool { return p == forBulk || p == forHelp }

// errBusy says that there is no connection to spare.
var errBusy = errors.New("all connections are in use")

// dial makes a connection to the best relay. The error is that of ctx, errSpent,
// errDenied (for bulk mail) or errBusy.
func (g *gateway) dial(ctx context.Context, p purpose) (c *relay.Conn, r *route, fall int, err error) {
	for ctx.Err() == nil {
		r, changed, err := g.pick(p)
		if err != nil {
			return nil, nil, 0, err
		}
		if r == nil {
			g.waiting.Add(1)
			select {
			case <-ctx.Done():
			case <-changed:
			}
			g.waiting.Add(-1)
		} else if conn, fall := g.try(ctx, r, p); conn != nil {
			return conn, r, fall, nil
		}
	}
	return nil, nil, 0, ctx.Err()
}

// pick chooses a relay. If there is none at the moment, changed is closed when
// there may be.
func (g *gateway) pick(p purpose) (r *route, changed <-chan struct{}, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	err = errSpent
	trying := false
	for _, r := range g.routes {
		if p != forNotices && g.isSpent(r) {
			continue
		}
		err = nil
		switch {
		case r.proven && (!p.shared() || r.inUse < r.Connections):
		case p == forHelp: // nobody waits, or tries a relay, to help
			return nil, nil, errBusy
		case r.proven, r.trying && r.failures == 0:
			return nil, g.changed, nil // it is worth waiting for
		case r.ready && !r.trying:
			r.trying = true
		default:
			trying = trying || r.trying
			continue
		}
		if p.shared() {
			r.inUse++
		}
		return r, nil, nil
	}
	if p == forBulk && err == nil && !trying && g.isDenied() {
		err = errDenied
	}
	return nil, g.changed, err
}

// isDenied reports whether every relay that has something left of its quota
// refuses our password. The mutex is held.
func (g *gateway) isDenied() bool {
	denied := false
	for _, r := range g.routes {
		if !g.isSpent(r) {
			if r.trouble != relay.BadAuth || g.carries(r) {
				return false
			}
			denied = true
		}
	}
	return denied
}

// denied is isDenied for somebody without the mutex.
func (g *gateway) denied() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.isDenied()
}

// tryDenied lets somebody try the relays that refuse our password at once: a
// person has told an issue to go on, and may have set it right.
func (g *gateway) tryDenied() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range g.routes {
		r.ready = r.ready || r.trouble == relay.BadAuth
	}
}

// impatience bounds a dial where there is another relay to go to.
const impatience = 30 * time.Second

// try dials, and also returns the relay's fall at that time.
func (g *gateway) try(ctx context.Context, r *route, p purpose) (*relay.Conn, int) {
	dialling := ctx
	if len(g.routes) > 1 {
		var cancel context.CancelFunc
		dialling, cancel = context.WithTimeout(ctx, impatience)
		defer cancel()
	}
	g.mu.Lock()
	options, fall := r.Options, r.fall
	options.OneByOne = options.OneByOne || g.clock().Before(r.slowly)
	g.mu.Unlock()
	conn, err := relay.Dial(dialling, options)
	if err == nil {
		g.dialled(r)
		return conn, fall
	}
	if ctx.Err() == nil {
		g.failed(r, fall, err) // before anybody else may try
	}
	g.release(r, p)
	return nil, 0
}

// dialOnce connects to the first relay that answers, and counts a message, for
// somebody who waits for the outcome.
func (g *gateway) dialOnce(ctx context.Context) (conn *relay.Conn, err error) {
	for _, r := range g.routes {
		if conn, err = relay.Dial(ctx, r.Options); err == nil {
			return conn, g.charge(ctx, r)
		}
	}
	return nil, err
}

// dialled lets the others come too, unless the relay has failed before: then it
// must take a message first.
func (g *gateway) dialled(r *route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.failures == 0 {
		r.trying, r.proven = false, true
		g.tell()
	}
}

// release gives a connection's place back.
func (g *gateway) release(r *route, p purpose) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.shared() {
		r.inUse--
	}
	if !r.proven {
		r.trying = false
	}
	g.tell()
}

// tell makes everybody choose anew. The mutex is held.
func (g *gateway) tell() {
	g.changes.Add(1)
	close(g.changed)
	g.changed = make(chan struct{})
}

// better reports whether a relay that is preferred to r may be used, or tried.
func (g *gateway) better(r *route, p purpose) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, other := range g.routes {
		if other == r {
			return false
		}
		if (other.proven || other.ready && !other.trying) && (p == forNotices || !g.isSpent(other)) {
			return true
		}
	}
	return false
}

// How long to wait after a failure: doubling up to a minute, and much longer
// when the relay refuses our password, since asking again can lock the account.
const (
	firstPause     = time.Second
	longestPause   = time.Minute
	firstRefusal   = time.Minute
	longestRefusal = 15 * time.Minute
)

func (g *gateway) backoff(r *route) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	first, longest := firstPause, longestPause
	if r.trouble == relay.BadAuth {
		first, longest = firstRefusal, longestRefusal
	}
	return min(first<<min(max(r.failures-1, 0), 16), longest)
}

// tend lets somebody try a relay that has failed when it is time, until ctx
// ends.
func (g *gateway) tend(ctx context.Context, r *route) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.failing:
		}
		if g.wait(ctx, g.backoff(r), nil) != nil {
			return
		}
		g.mu.Lock()
		if !r.proven {
			r.ready = true
			g.tell()
		}
		g.mu.Unlock()
	}
}

// failed counts a dial that came to nothing, or a new connection that broke
// before it took a message. Connections that were dialled before the relay's
// last fall say nothing new.
func (g *gateway) failed(r *route, fall int, err error) {
	trouble := relay.Unreachable
	var known *relay.DialError
	if errors.As(err, &known) {
		trouble = known.Trouble
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if fall != r.fall {
		return
	}
	r.fall++
	r.failures++
	if r.failures == 1 || trouble != r.trouble {
		g.log.Error("sending: a relay does not take mail", "relay", r.name(), "trouble", string(trouble), "error", err)
	}
	r.proven, r.ready, r.trying, r.trouble = false, false, false, trouble
	select {
	case r.failing <- struct{}{}:
	default:
	}
	g.tell()
}

// worked notes that a relay answered as it should. What goes well over a
// connection from before its last fall does not mean that another would be made:
// it may take no more of them than it has.
func (g *gateway) worked(r *route, fall int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.proven && r.failures == 0 {
		return
	}
	if fall != r.fall {
		r.carriedAt = g.clock()
		return
	}
	if r.failures > 0 {
		g.log.Info("sending: a relay takes mail again", "relay", r.name())
	}
	r.proven, r.ready, r.trying, r.failures, r.trouble = true, false, false, 0, ""
	g.tell()
}

// oneByOneFor is how long commands go to a relay one by one after it lost its
// way among several. It may have been a bad moment.
const oneByOneFor = time.Hour

// stumbled notes that a relay lost its way among commands sent together.
func (g *gateway) stumbled(r *route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if !now.Before(r.slowly) {
		g.log.Warn("sending: a relay offers PIPELINING and cannot do it; commands go one by one for an hour", "relay", r.name())
	}
	r.slowly = now.Add(oneByOneFor)
}

// works reports whether there is a relay that takes mail.
func (g *gateway) works() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.ContainsFunc(g.routes, g.carries)
}

// carries reports whether a relay has not failed, or takes mail even so over the
// connections that it has. The mutex is held.
func (g *gateway) carries(r *route) bool {
	return r.trouble == "" || g.clock().Sub(r.carriedAt) < longestPause
}

// connections is how many of them bulk mail may need: as many as the relay that
// allows the most.
func (g *gateway) connections() (n int) {
	for _, r := range g.routes {
		n = max(n, r.Connections)
	}
	return n
}

// health is nil if all is well; else it says what is wrong: no relay takes mail,
// there is no quota left, or a relay that is preferred to one in use fails.
func (g *gateway) health() error {
	rests := g.restsUntil()
	g.mu.Lock()
	defer g.mu.Unlock()
	var first *route
	works := false
	for _, r := range g.routes {
		if g.carries(r) {
			works = works || !g.isSpent(r)
		} else if first == nil && !works {
			first = r
		}
	}
	switch {
	case first != nil && works:
		return epistle.Errorf(epistle.Unavailable, "relay.other-"+string(first.trouble), nil).With("Relay", first.Host)
	case !rests.IsZero():
		return epistle.Errorf(epistle.Unavailable, "relay.quota", nil)
	case first != nil:
		return epistle.Errorf(epistle.Unavailable, "relay."+string(first.trouble), nil)
	}
	return nil
}
