package sending

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
)

// gateway is the way to the relay for all connections together. As long as the
// relay works they dial as they please. From the first failure until it works
// again one of them tries at a time, and waits longer each time, so that a
// relay in trouble is not stormed.
type gateway struct {
	options relay.Options
	wait    waiter
	clock   epistle.Clock
	log     *slog.Logger
	probe   chan struct{} // holds one token: whose turn it is to try

	mu       sync.Mutex
	proven   bool // the relay has answered sensibly since the last failure
	failures int
	trouble  relay.Trouble
	recovery chan struct{} // closed when the relay works again
	slowly   time.Time     // until then commands go one by one
}

func newGateway(o relay.Options, wait waiter, clock epistle.Clock, log *slog.Logger) *gateway {
	g := &gateway{options: o, wait: wait, clock: clock, log: log, probe: make(chan struct{}, 1), recovery: make(chan struct{})}
	g.probe <- struct{}{}
	return g
}

// dial returns a connection. The only error is that of ctx.
func (g *gateway) dial(ctx context.Context) (*relay.Conn, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		attempt := g.try
		if !g.works() {
			attempt = g.tryAlone
		}
		if conn := attempt(ctx); conn != nil {
			return conn, nil
		}
	}
}

func (g *gateway) works() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.proven
}

func (g *gateway) try(ctx context.Context) *relay.Conn {
	conn, err := relay.Dial(ctx, g.manner())
	if err == nil {
		return conn
	}
	if ctx.Err() == nil {
		g.failed(err)
	}
	return nil
}

// oneByOneFor is how long commands go to the relay one by one after it lost its
// way among several. It may have been a bad moment.
const oneByOneFor = time.Hour

func (g *gateway) manner() relay.Options {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := g.options
	o.OneByOne = o.OneByOne || g.clock().Before(g.slowly)
	return o
}

// stumbled notes that the relay lost its way among commands sent together.
func (g *gateway) stumbled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if !now.Before(g.slowly) {
		g.log.Warn("sending: the relay offers PIPELINING and cannot do it; commands go one by one for an hour")
	}
	g.slowly = now.Add(oneByOneFor)
}

func (g *gateway) tryAlone(ctx context.Context) *relay.Conn {
	select {
	case <-ctx.Done():
		return nil
	case <-g.probe:
	}
	defer func() { g.probe <- struct{}{} }()
	pause, recovery := g.backoff()
	if pause > 0 && g.wait(ctx, pause, recovery) != nil {
		return nil
	}
	return g.try(ctx)
}

// How long to wait after a failure: doubling up to a minute, and much longer
// when the relay refuses our password, since asking again can lock the account.
const (
	firstPause     = time.Second
	longestPause   = time.Minute
	firstRefusal   = time.Minute
	longestRefusal = 15 * time.Minute
)

func (g *gateway) backoff() (time.Duration, <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures == 0 {
		return 0, nil
	}
	first, longest := firstPause, longestPause
	if g.trouble == relay.BadAuth {
		first, longest = firstRefusal, longestRefusal
	}
	return min(first<<min(g.failures-1, 16), longest), g.recovery
}

// failed counts a dial that came to nothing, or a new connection that broke
// before it took a message.
func (g *gateway) failed(err error) {
	trouble := relay.Unreachable
	var known *relay.DialError
	if errors.As(err, &known) {
		trouble = known.Trouble
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.failures++
	if g.failures == 1 || trouble != g.trouble {
		g.log.Error("sending: the relay does not take mail", "trouble", string(trouble), "error", err)
	}
	if g.proven {
		g.proven, g.recovery = false, make(chan struct{})
	}
	g.trouble = trouble
}

// worked notes that the relay answered as it should.
func (g *gateway) worked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.proven {
		return
	}
	if g.failures > 0 {
		g.log.Info("sending: the relay takes mail again")
	}
	g.proven, g.failures, g.trouble = true, 0, ""
	close(g.recovery)
}

func (g *gateway) health() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.trouble == "" {
		return nil
	}
	return epistle.Errorf(epistle.Unavailable, "relay."+string(g.trouble), nil)
}
