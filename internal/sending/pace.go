package sending

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// Limits is how fast mail goes, whichever relay takes it. A rate of 0 is no
// limit.
type Limits struct {
	Rate     float64            // messages a second, all together
	LaneRate float64            // to one mail domain
	Lanes    map[string]float64 // to some domains, instead of LaneRate
}

// PaceStore keeps what the daemons have to agree on about pace.
type PaceStore interface {
	Lane(domain string) []byte
	Reserve(ctx context.Context, wanted []store.Reservation) ([]time.Time, error)
	ForgetBuckets(ctx context.Context, before time.Time) error
	Breakers(ctx context.Context) ([]store.Breaker, error)
	OpenBreaker(ctx context.Context, seen store.Breaker, until time.Time) (store.Breaker, error)
	TryBreaker(ctx context.Context, lane []byte, patience time.Duration) (bool, error)
	CloseBreaker(ctx context.Context, lane []byte) error
	SpendQuota(ctx context.Context, relay, day string, limit, count int64) (granted int64, err error)
	ChargeQuota(ctx context.Context, relay, day string, count int64) error
}

// pace says when mail may go to a lane. A lane whose bucket is empty, or whose
// domain does not take mail for the time being, must not hold a connection up:
// its mail is put off, to a moment that the bucket is debited for, and comes
// back as a single delivery.
type pace struct {
	store PaceStore
	clock epistle.Clock
	log   *slog.Logger
	usual time.Duration // the gap of lanes that have none of their own
	own   map[laneKey]time.Duration
	shut  atomic.Pointer[map[laneKey]store.Breaker] // breakers that are not closed

	filling sync.Mutex // of purses, by one at a time; it is taken before mu
	mu      sync.Mutex // nobody asks the database while holding it: every mail passes here
	purses  map[laneKey]purse
	need    map[laneKey]int  // of prepare, kept for the next
	faults  map[laneKey]int  // since the lane took mail the last time
	trials  map[laneKey]bool // lanes whose breaker lets one of our messages through
	faulty  atomic.Bool      // faults has entries

	part     int           // of the connections, that a slow lane may have
	slowMail time.Duration // a mail that takes longer is slow
	slow     map[laneKey]slowness
	slowed   atomic.Bool // slow has entries
}

type laneKey [16]byte

func keyOf(lane []byte) (k laneKey) {
	copy(k[:], lane)
	return k
}

const (
	// manyPurses bounds the memory for lanes; beyond it all begin anew.
	manyPurses = 20000
	// crawl is the gap between those who wait for a breaker to close.
	crawl = 10 * time.Millisecond
)

func newPace(s PaceStore, clock epistle.Clock, log *slog.Logger, l Limits) *pace {
	p := &pace{store: s, clock: clock, log: log, usual: gapOf(l.LaneRate), own: map[laneKey]time.Duration{},
		part: 1, slowMail: usualSlowMail, slow: map[laneKey]slowness{},
		purses: map[laneKey]purse{}, need: map[laneKey]int{}, faults: map[laneKey]int{}, trials: map[laneKey]bool{}}
	for domain, rate := range l.Lanes {
		p.own[keyOf(s.Lane(domain))] = gapOf(rate)
	}
	return p
}

func (p *pace) gap(k laneKey) time.Duration {
	if gap, ok := p.own[k]; ok {
		return gap
	}
	return p.usual
}

// limited reports whether any lane has a limit.
func (p *pace) limited() bool { return p.usual > 0 || len(p.own) > 0 }

// prepare debits the buckets for the people of a range, all in one statement.
func (p *pace) prepare(ctx context.Context, people []store.Recipient) error {
	if !p.limited() {
		return nil
	}
	if len(p.missing(people)) == 0 {
		return nil
	}
	p.filling.Lock()
	defer p.filling.Unlock()
	wanted := p.missing(people) // somebody may have filled them meanwhile
	first, err := p.store.Reserve(ctx, wanted)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(wanted, first)
	return nil
}

// missing is what the purses lack for the people of a range.
func (p *pace) missing(people []store.Recipient) (wanted []store.Reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.need)
	for i := range people {
		if k := keyOf(people[i].Lane); !people[i].Blocked && p.gap(k) > 0 {
			p.need[k]++
		}
	}
	for k, n := range p.need {
		if missing := n - p.purses[k].left(); missing > 0 {
			wanted = append(wanted, reservation(k, p.gap(k), missing))
		}
	}
	return wanted
}

func reservation(k laneKey, gap time.Duration, least int) store.Reservation {
	return store.Reservation{Bucket: append([]byte(nil), k[:]...), Gap: gap, Count: max(least, bundleSize(gap))}
}

// fill puts what was debited into the purses. Both mutexes are held.
func (p *pace) fill(wanted []store.Reservation, first []time.Time) {
	if len(p.purses)+len(wanted) > manyPurses {
		clear(p.purses)
	}
	for i, w := range wanted {
		k := keyOf(w.Bucket)
		p.purses[k] = append(p.purses[k], bundle{first: first[i], gap: w.Gap, count: w.Count})
	}
}

// admit says whether one person's mail may go now, among others to which it must
// leave connections. If not, it returns the moment to put it off to, for which
// the lane's bucket is debited.
func (p *pace) admit(ctx context.Context, to *store.Recipient) (putOff time.Time, err error) {
	if p.slowed.Load() {
		k := keyOf(to.Lane)
		if wait := p.crowded(k); wait > 0 {
			at, err := p.take(ctx, k, max(p.gap(k), crawl))
			if soonest := p.clock().Add(wait); at.Before(soonest) {
				at = soonest
			}
			return at, err
		}
	}
	return p.admitSingle(ctx, to)
}

// admitSingle is admit for a connection that others do not wait for.
func (p *pace) admitSingle(ctx context.Context, to *store.Recipient) (putOff time.Time, err error) {
	gap, k := time.Duration(0), laneKey{}
	if p.limited() {
		k = keyOf(to.Lane)
		gap = p.gap(k)
	}
	if shut := p.shut.Load(); shut != nil {
		k = keyOf(to.Lane)
		if b, ok := (*shut)[k]; ok {
			return p.admitBroken(ctx, k, b, to, max(gap, crawl))
		}
	}
	if gap == 0 || to.Reserved {
		return time.Time{}, nil
	}
	at, err := p.take(ctx, k, gap)
	if err != nil || !at.After(p.clock().Add(ahead)) {
		return time.Time{}, err
	}
	return at, nil
}

// take uses the next moment of a lane up.
func (p *pace) take(ctx context.Context, k laneKey, gap time.Duration) (time.Time, error) {
	if at, ok := p.draw(k); ok {
		return at, nil
	}
	p.filling.Lock()
	defer p.filling.Unlock()
	if at, ok := p.draw(k); ok { // somebody else has filled it
		return at, nil
	}
	wanted := []store.Reservation{reservation(k, gap, 1)}
	first, err := p.store.Reserve(ctx, wanted)
	if err != nil {
		return time.Time{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fill(wanted, first)
	at, _ := p.drawn(k)
	return at, nil
}

func (p *pace) draw(k laneKey) (time.Time, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drawn(k)
}

// drawn is draw for somebody who holds mu.
func (p *pace) drawn(k laneKey) (time.Time, bool) {
	held, known := p.purses[k]
	if !known {
		return time.Time{}, false
	}
	at, ok := held.take(p.clock())
	p.purses[k] = held
	return at, ok
}
