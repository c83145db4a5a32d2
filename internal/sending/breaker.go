package sending

import (
	"context"
	"strings"
	"time"

	"epistle/internal/relay"
	"epistle/internal/store"
)

// A domain that refuses one mail after the other for the time being has its
// breaker opened: its mail rests, then one message tries again. All daemons share
// the breakers.

const (
	// A refusal that blames the pace or the domain weighs more than one that may
	// be about the person. At faultLimit, with nothing accepted between, the
	// breaker opens.
	plainFault = 1
	heavyFault = 4
	faultLimit = 20
	// firstRest is how long a breaker is open the first time; it doubles up to
	// longestRest.
	firstRest   = 2 * time.Minute
	longestRest = time.Hour
	// newcomerWait is how much longer those wait whom the domain has never seen.
	newcomerWait = 5 * time.Minute
	// tryTime is how long others wait for the one that tries a lane.
	tryTime = 2 * time.Minute
	// staleRest is after how long a breaker that nobody tried is forgotten.
	staleRest = 12 * time.Hour
)

// isShut reports whether a lane's breaker keeps its mail back.
func (p *pace) isShut(lane []byte) bool {
	shut := p.shut.Load()
	if shut == nil {
		return false
	}
	_, is := (*shut)[keyOf(lane)]
	return is
}

// admitBroken lets one message try a lane whose breaker has been open long
// enough, and puts the others off: first somebody who was tried before, since a
// domain may put off whomever it sees for the first time.
func (p *pace) admitBroken(ctx context.Context, k laneKey, b store.Breaker, to *store.Recipient, gap time.Duration) (time.Time, error) {
	now, wait := p.clock(), time.Duration(0)
	if to.Attempts == 0 {
		wait = newcomerWait
	}
	if !b.Until.Add(wait).After(now) {
		mine, err := p.store.TryBreaker(ctx, b.Lane, tryTime)
		if err != nil {
			return time.Time{}, err
		}
		b.Until = now.Add(tryTime)
		p.note(k, b)
		if mine {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.trials[k] = true
			return time.Time{}, nil
		}
	}
	at, err := p.take(ctx, k, gap)
	if at.Before(b.Until) {
		at = b.Until
	}
	return at.Add(wait), err
}

// learn takes an outcome to account: a domain that refuses one after the other
// for the time being gets a rest, and one that takes mail after it has its
// breaker closed. What was under way when the breaker opened does not count.
func (p *pace) learn(ctx context.Context, lane []byte, o relay.Outcome) {
	if o.Took >= p.slowMail || p.slowed.Load() {
		p.learnTime(keyOf(lane), o.Took)
	}
	weight := faultOf(o)
	shut := p.shut.Load()
	if weight == 0 && shut == nil && !p.faulty.Load() {
		return
	}
	k := keyOf(lane)
	if shut != nil {
		if b, ok := (*shut)[k]; ok {
			p.learnFromTrial(ctx, k, b, o.Class == relay.Accepted, weight)
			return
		}
	}
	if o.Class == relay.Accepted {
		p.forgive(k)
	} else if weight > 0 && p.blame(k, weight) {
		p.open(ctx, k, store.Breaker{Lane: lane})
	}
}

func (p *pace) learnFromTrial(ctx context.Context, k laneKey, b store.Breaker, accepted bool, weight int) {
	p.mu.Lock()
	trial := p.trials[k]
	if accepted || weight > 0 {
		delete(p.trials, k)
	}
	p.mu.Unlock()
	switch {
	case !trial:
	case accepted:
		p.close(ctx, k, b.Lane)
	case weight > 0:
		p.open(ctx, k, b)
	}
}

// faultOf is how much an outcome tells against a recipient's domain; 0 if
// nothing.
func faultOf(o relay.Outcome) int {
	switch {
	case isOfDomain(o):
		return heavyFault
	case o.Code < 400 || o.Code >= 500 || o.Stage == relay.AtMail:
		return 0
	case strings.HasPrefix(o.Status, "4.7."):
		return heavyFault
	}
	return plainFault
}

// blame reports true when it was too much.
func (p *pace) blame(k laneKey, weight int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[k] += weight
	tooMuch := p.faults[k] >= faultLimit
	if tooMuch {
		delete(p.faults, k)
	}
	p.faulty.Store(len(p.faults) > 0)
	return tooMuch
}

func (p *pace) forgive(k laneKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.faults, k)
	p.faulty.Store(len(p.faults) > 0)
}

// open and close do without the database if it is away: the next outcome
// comes back to it.
func (p *pace) open(ctx context.Context, k laneKey, seen store.Breaker) {
	rest := min(firstRest<<min(seen.Opened, 8), longestRest)
	is, err := p.store.OpenBreaker(ctx, seen, p.clock().Add(rest))
	if err != nil {
		p.log.Warn("sending: could not record that a domain refuses mail", "error", err)
		return
	}
	p.log.Info("sending: a mail domain refuses for the time being, its mail waits", "minutes", int(rest.Minutes()))
	p.filling.Lock() // what is being debited may lie before the rest as well
	defer p.filling.Unlock()
	p.mu.Lock()
	delete(p.purses, k) // what is left in it lies before the rest
	p.mu.Unlock()
	p.note(k, is)
}

func (p *pace) close(ctx context.Context, k laneKey, lane []byte) {
	if err := p.store.CloseBreaker(ctx, lane); err != nil {
		p.log.Warn("sending: could not record that a domain takes mail again", "error", err)
		return
	}
	p.note(k, store.Breaker{Lane: lane})
}

// note changes what is known of one breaker.
func (p *pace) note(k laneKey, b store.Breaker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[laneKey]store.Breaker{k: b}
	if known := p.shut.Load(); known != nil {
		for other, is := range *known {
			if other != k {
				next[other] = is
			}
		}
	}
	p.know(next)
}

// know replaces what is known of all breakers. The mutex is held.
func (p *pace) know(all map[laneKey]store.Breaker) {
	for k, b := range all {
		if b.Opened == 0 {
			delete(all, k)
		}
	}
	if len(all) == 0 {
		p.shut.Store(nil)
		return
	}
	p.shut.Store(&all)
}

// look learns what other daemons found out about lanes.
func (p *pace) look(ctx context.Context) error {
	found, err := p.store.Breakers(ctx)
	if err != nil {
		return err
	}
	all := map[laneKey]store.Breaker{}
	for _, b := range found {
		if p.clock().Sub(b.Until) > staleRest {
			if err := p.store.CloseBreaker(ctx, b.Lane); err != nil {
				return err
			}
			continue
		}
		all[keyOf(b.Lane)] = b
	}
	p.filling.Lock()
	defer p.filling.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range all {
		if known := p.shut.Load(); known == nil || (*known)[k].Opened == 0 {
			delete(p.purses, k)
		}
	}
	p.know(all)
	return nil
}
