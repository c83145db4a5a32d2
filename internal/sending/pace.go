package sending

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
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
	// crawl is the gap between those who wait for a breaker to close.
	crawl = 10 * time.Millisecond
	// newcomerWait is how much longer those wait whom the domain has never seen.
	newcomerWait = 5 * time.Minute
	// tryTime is how long others wait for the one that tries a lane.
	tryTime = 2 * time.Minute
	// staleRest is after how long a breaker that nobody tried is forgotten.
	staleRest = 12 * time.Hour
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
