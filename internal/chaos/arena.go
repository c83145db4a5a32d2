package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/bench/sink"
	"epistle/internal/epistle"
	"epistle/internal/storetest"
)

// arena is one filled database, where rounds are played one after the other,
// each with an issue of its own.
type arena struct {
	site        *rig.Site
	cluster     *storetest.Cluster // PostgreSQL's server, if it is ours to restart
	connections int                // of a daemon, to the relay
	random      *rand.Rand
}

// field is one round under way.
type field struct {
	*arena
	play
	issue   epistle.ID
	relays  []*sink.Server // each daemon's own, to know who sent
	daemons []*rig.Daemon  // nil: killed and not replaced
	victim  int            // which of them is struck
	at      float64        // the share that had been taken when it was
}

// The fault must land after the first and before the last of these shares of
// the mails were taken, or the round proves nothing.
const (
	earliest = 0.05
	latest   = 0.95
)

// errMissed means that the fault came too early or too late.
var errMissed = errors.New("the fault missed the send")

// round plays one round. The error is errMissed, or that the round could not
// be played.
func (a *arena) round(ctx context.Context, p play) (_ count, err error) {
	f := &field{arena: a, play: p, victim: a.random.IntN(p.daemons)}
	defer func() { err = errors.Join(err, f.clear()) }()
	if err := f.prepare(ctx); err != nil {
		return count{}, err
	}
	if err := f.daemons[a.random.IntN(len(f.daemons))].Launch(ctx, f.issue); err != nil {
		return count{}, err
	}
	if err := f.waitInstant(ctx); err != nil {
		return count{}, err
	}
	f.at = f.share()
	busy := f.relays[f.victim].Taken() > 0
	if err := p.strike(ctx, f); err != nil {
		return count{}, err
	}
	if err := p.mend(ctx, f); err != nil {
		return count{}, err
	}
	if err := f.stop(); err != nil {
		return count{}, err
	}
	c, err := f.judge(ctx)
	if err == nil && c.fine() && (f.at < earliest || f.at > latest || !busy) {
		err = errMissed // what broke a promise counts wherever it landed
	}
	return c, err
}

// prepare makes the issue, and starts relays and daemons.
func (f *field) prepare(ctx context.Context) (err error) {
	if err := f.site.Hold(ctx, f.hold); err != nil {
		return err
	}
	if f.issue, err = f.site.NewIssue(ctx); err != nil {
		return err
	}
	for n := range f.play.daemons {
		o := sink.Options{Aside: rig.EditorAddress, Digest: true}
		if f.weather != nil {
			o.Weather, o.OneByOne = f.weather.fault, f.weather.oneByOne
		}
		relay, err := sink.Listen(ctx, o)
		if err != nil {
			return err
		}
		f.relays, f.daemons = append(f.relays, relay), append(f.daemons, nil)
		if err := f.start(ctx, n); err != nil {
			return err
		}
	}
	if !f.site.SignedIn() {
		return f.site.SignIn(ctx, f.daemons[0])
	}
	return nil
}

// start starts the nth daemon.
func (f *field) start(ctx context.Context, n int) (err error) {
	f.daemons[n], err = f.site.Start(ctx, f.relays[n].Addr(), f.connections)
	return err
}

// share is how much of the issue the relays have taken.
func (f *field) share() float64 {
	taken := int64(0)
	for _, relay := range f.relays {
		taken += relay.Taken()
	}
	return float64(taken) / float64(f.site.Subscribers)
}

// aim is the widest that an instant is sought for: the fault lands a little
// later than aimed.
const (
	aimFrom = 0.06
	aimTo   = 0.90
)

// patience is how long a round waits for what should take seconds.
const patience = time.Minute

// waitInstant returns at a random instant in the middle of the send.
func (f *field) waitInstant(ctx context.Context) error {
	goal := aimFrom + f.random.Float64()*(aimTo-aimFrom)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Microsecond)
	defer tick.Stop()
	for f.share() < goal {
		select {
		case <-ctx.Done():
			return f.daemons[f.victim].Trouble(fmt.Sprintf("the send stands at %.0f %%", 100*f.share()))
		case <-tick.C:
		}
	}
	// Not always between two mails, as seen from here.
	time.Sleep(time.Duration(f.random.Int64N(int64(time.Millisecond))))
	return nil
}

// waitSent returns once the issue is closed.
func (f *field) waitSent(ctx context.Context) error {
	_, err := f.site.WaitSent(ctx, f.issue)
	if err != nil {
		for n, d := range f.daemons {
			if d != nil {
				err = d.Trouble(fmt.Sprintf("%v\ndaemon %d (the struck one was %d)", err, n, f.victim))
			}
		}
	}
	return err
}

// stop ends the daemons in order, so that whatever they still had to say is
// said.
func (f *field) stop() (err error) {
	for n, d := range f.daemons {
		if d != nil {
			err = errors.Join(err, d.Stop())
			f.daemons[n] = nil
		}
	}
	return err
}

// clear ends whatever is left of a round.
func (f *field) clear() (err error) {
	for _, d := range f.daemons {
		if d != nil {
			err = errors.Join(err, d.Kill())
		}
	}
	for _, relay := range f.relays {
		err = errors.Join(err, relay.Close())
	}
	return err
}

// newArena fills a database, on PostgreSQL one of the server's.
func newArena(ctx context.Context, o options, database, dir, server string) (*arena, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	site, err := rig.NewSite(ctx, rig.Options{Database: database, Server: server, Dir: dir, Binary: o.binary, Subscribers: o.subscribers})
	if err != nil {
		return nil, err
	}
	return &arena{site: site, connections: o.connections, random: rand.New(rand.NewPCG(o.seed, uint64(len(database))))}, nil
}
