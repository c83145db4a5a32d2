package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
)

// Several daemons agree on the time by following the clock of the database that
// they share. Small differences of their own clocks do no harm then. A larger
// one shows that something is wrong with a machine, which is left to people:
// such a daemon claims nothing.

const (
	// measuredFor is how long a measured offset counts.
	measuredFor = time.Minute
	// mostAskew is how far a daemon's own clock may be off.
	mostAskew = time.Second
)

// clock is a machine's clock, corrected to the database's.
type clock struct {
	machine epistle.Clock
	ask     func(ctx context.Context) (offset, give time.Duration, err error)

	measuring sync.Mutex
	measured  atomic.Int64 // when, by the machine's clock
	offset    atomic.Int64 // what to add to the machine's clock
	askew     atomic.Bool
}

// Now is the time by the database's clock, UTC.
func (c *clock) Now() time.Time { return c.machine().Add(time.Duration(c.offset.Load())) }

// isOld reports that the offset is to be measured again: a minute has passed,
// or the machine's clock was set.
func (c *clock) isOld() bool {
	age := c.machine().Sub(time.UnixMicro(c.measured.Load()))
	return age < 0 || age >= measuredFor
}

// measure finds the offset. What the round trip leaves open is held in favour
// of the machine. It reports whether the verdict is another than before.
func (c *clock) measure(ctx context.Context) (changed bool, err error) {
	offset, give, err := c.ask(ctx)
	if err != nil {
		return false, err
	}
	c.offset.Store(int64(offset))
	c.measured.Store(c.machine().UnixMicro())
	askew := max(offset, -offset)-give > mostAskew
	return c.askew.Swap(askew) != askew, nil
}

// Clock tells the time by which everything on this database is done: the
// machine's or, if the store follows it, the database's.
func (s *Store) Clock() epistle.Clock { return s.clock }

// followDatabase makes the store's clock the database's.
func (s *Store) followDatabase(ctx context.Context) error {
	query := s.dialect.clockQuery()
	if query == "" {
		return nil
	}
	s.shared = &clock{machine: s.clock, ask: func(ctx context.Context) (offset, give time.Duration, err error) {
		return s.askTime(ctx, s.shared.machine, query)
	}}
	s.clock = s.shared.Now
	return s.measureClock(ctx)
}

// askings is how often the database is asked for the time; the quickest answer
// counts.
const askings = 3

func (s *Store) askTime(ctx context.Context, machine epistle.Clock, query string) (offset, give time.Duration, err error) {
	conn, err := s.writer.Connx(ctx) // waiting for it is no part of the round trip
	if err != nil {
		return 0, 0, s.mapError(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	for i := range askings {
		var us int64
		asked := machine()
		if err := conn.GetContext(ctx, &us, query); err != nil {
			return 0, 0, s.mapError(ctx, err)
		}
		half := machine().Sub(asked) / 2
		if i == 0 || half < give {
			offset, give = time.UnixMicro(us).Sub(asked.Add(half)), half
		}
	}
	return offset, give, nil
}

func (s *Store) measureClock(ctx context.Context) error {
	changed, err := s.shared.measure(ctx)
	if err != nil || !changed {
		return err
	}
	offset := time.Duration(s.shared.offset.Load()).Round(time.Millisecond)
	if s.shared.askew.Load() {
		s.log.WarnContext(ctx, "this machine's clock is not the database's: the daemon claims nothing until they are set right", "behind", offset)
	} else {
		s.log.InfoContext(ctx, "this machine's clock is right again", "behind", offset)
	}
	return nil
}

// clockFit is asked before anything is claimed. The error is Unavailable: the
// machine's clock is too far off, or the database does not answer.
func (s *Store) clockFit(ctx context.Context) error {
	c := s.shared
	if c == nil {
		return nil
	}
	if c.isOld() && c.measuring.TryLock() {
		err := s.measureClock(ctx)
		c.measuring.Unlock()
		if err != nil {
			return err
		}
	}
	if !c.askew.Load() {
		return nil
	}
	off := time.Duration(c.offset.Load()).Abs().Round(time.Second)
	return epistle.Errorf(epistle.Unavailable, "database.clock", nil).With("Seconds", int64(off/time.Second))
}
