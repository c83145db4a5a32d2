package schedule

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"epistle/internal/epistle"
)

// Series is a row of slots of one job.
type Series struct {
	Key        string     // unique among all jobs: "launch/12"
	Subject    epistle.ID // what it is about, for the job; often a newsletter
	Expression Expression
	// Offset moves the firing away from the occurrence: −48 h fires two days
	// before the wall-clock time that the slot is named after.
	Offset time.Duration
	// Grace is how late after its firing time a slot may still be run; at least
	// a minute.
	Grace time.Duration
	// Since is when the thing came to be; slots named after an earlier time do
	// not exist.
	Since time.Time
}

// Occurrence is the time that a slot of the series is named after.
func (s Series) Occurrence(slot epistle.Slot) time.Time { return slot.At.Add(-s.Offset) }

func (s Series) grace() time.Duration { return max(s.Grace, time.Minute) }

// Job is something to do at the slots of its series.
type Job struct {
	Name string
	// Series lists the job's series as they are now.
	Series func(ctx context.Context) ([]Series, error)
	// Run does the work of a slot. It may be run again for the same slot when it
	// returned an error or the daemon died, never at the same time.
	Run func(ctx context.Context, series Series, slot epistle.Slot) error
	// Missed, if set, hears of a slot that was found after its grace. It may be
	// called again for the same slot when it returned an error.
	Missed func(ctx context.Context, series Series, slot epistle.Slot) error
}

// Store is what the service keeps.
type Store interface {
	SeriesSince(ctx context.Context, key, expression string, since time.Time) (time.Time, error)
	SettledSlots(ctx context.Context, series string, from time.Time) (map[string]bool, error)
	ClaimSlot(ctx context.Context, slot epistle.Slot, owner string, lease time.Duration) (epistle.Slot, error)
	LeaseSlot(ctx context.Context, id epistle.ID, owner string, until time.Time) error
	SettleSlot(ctx context.Context, id epistle.ID, owner string, state epistle.SlotState) error
}

// Options make a Service.
type Options struct {
	Store Store
	Clock epistle.Clock
	Log   *slog.Logger
	Jobs  []Job
	Owner string // names this daemon in leases; different for each that runs
	// Wake is how often the service looks at the clock, besides at the instants
	// of slots; 0 is every two seconds. It never sleeps longer, since clocks are
	// set and machines are suspended.
	Wake time.Duration
	// Drain is how long running jobs may go on after the service was told to
	// stop; 0 is eight seconds.
	Drain time.Duration
}

const (
	lease      = time.Minute // a daemon that is silent for so long is taken for dead
	retryAfter = time.Minute // a job that failed is tried again
	lookback   = 35 * 24 * time.Hour
	maxLate    = 100 // slots of one series found late at once; older ones are forgotten
)

// Service fires slots.
type Service struct {
	Options
	running sync.WaitGroup

	mu      sync.Mutex
	busy    map[string]bool // series at work in this daemon
	horizon map[string]horizon
}

// horizon is what is known of the slots of a series.
type horizon struct {
	expression string    // for which it counts
	through    time.Time // every slot that fired until then is settled
	next       time.Time // none fires between through and then; zero: not known
}

// New makes a service. Start runs it.
func New(o Options) *Service {
	if o.Wake == 0 {
		o.Wake = 2 * time.Second
	}
	if o.Drain == 0 {
		o.Drain = 8 * time.Second
	}
	return &Service{Options: o, busy: map[string]bool{}, horizon: map[string]horizon{}}
}

// Start fires slots until ctx ends. Then it takes no more, lets running jobs
// finish within Drain, cancels those that do not, and returns nil.
func (s *Service) Start(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for ctx.Err() == nil {
		again := s.look(ctx, work)
		pause := time.NewTimer(max(0, min(s.Wake, again.Sub(s.Clock()))))
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
	overdue := time.AfterFunc(s.Drain, cancel)
	defer overdue.Stop()
	s.running.Wait()
	return nil
}

// Pass looks at the clock once, runs what is due, and returns when that is
// finished. It is not for a service that runs by Start.
func (s *Service) Pass(ctx context.Context) {
	s.look(ctx, ctx)
	s.running.Wait()
}

// look starts the work of every series that has due slots, and says when to look
// again at the latest. New work is taken while ctx lasts; what has begun runs
// under work.
func (s *Service) look(ctx, work context.Context) (again time.Time) {
	again = s.Clock().Add(s.Wake)
	for _, job := range s.Jobs {
		all, err := job.Series(ctx)
		if err != nil {
			s.complain(ctx, "list the series of a job", err, "job", job.Name)
			continue
		}
		for _, series := range all {
			s.lookAt(ctx, work, job, series)
			if next := s.nextOf(series.Key); !next.IsZero() && next.Before(again) {
				again = next
			}
		}
	}
	return again
}

func (s *Service) lookAt(ctx, work context.Context, job Job, series Series) {
	if !s.begin(series.Key) {
		return
	}
	due, err := s.due(ctx, series)
	if err != nil {
		s.complain(ctx, "look for due slots", err, "series", series.Key)
	}
	if err != nil || len(due) == 0 {
		s.end(series.Key)
		return
	}
	s.running.Go(func() {
		defer s.end(series.Key)
		for _, slot := range due {
			if ctx.Err() != nil || !s.fire(work, job, series, slot) {
				return
			}
			s.settledThrough(series.Key, slot.At)
		}
	})
}

func (s *Service) begin(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[key] {
		return false
	}
	s.busy[key] = true
	return true
}

func (s *Service) end(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.busy, key)
}

func (s *Service) settledThrough(key string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.horizon[key]; at.After(h.through) {
		h.through, h.next = at, time.Time{}
		s.horizon[key] = h
	}
}

func (s *Service) nextOf(key string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.horizon[key].next
}

// due lists the unsettled slots whose firing time has come, the earliest first.
func (s *Service) due(ctx context.Context, series Series) ([]epistle.Slot, error) {
	now := s.Clock()
	through, quiet, err := s.since(ctx, series, now)
	if err != nil || quiet {
		return nil, err
	}
	occurrences := series.Expression.Between(through.Add(-series.Offset), now.Add(-series.Offset))
	if len(occurrences) == 0 {
		s.quietUntilNext(series, through, now)
		return nil, nil
	}
	if len(occurrences) > maxLate {
		occurrences = occurrences[len(occurrences)-maxLate:]
	}
	since, err := s.Store.SeriesSince(ctx, series.Key, series.Expression.String(), series.Since)
	if err != nil {
		return nil, err
	}
	settled, err := s.Store.SettledSlots(ctx, series.Key, through)
	if err != nil {
		return nil, err
	}
	var due []epistle.Slot
	for _, o := range occurrences {
		at := o.At.Add(series.Offset)
		unborn := !o.At.After(since)
		// It was to fire before the series began, for an occurrence after that:
		// in time it is caught up, late it is nobody's fault.
		excused := !at.After(since) && now.After(at.Add(series.grace()))
		if unborn || excused || settled[o.Label] {
			continue
		}
		due = append(due, epistle.Slot{Series: series.Key, Label: o.Label, At: at})
	}
	if len(due) == 0 {
		s.quietUntilNext(series, now, now)
	}
	return due, nil
}

// since is the time up to which every slot of the series is known to be settled.
// quiet means that no other one has fired by now.
func (s *Service) since(ctx context.Context, series Series, now time.Time) (through time.Time, quiet bool, err error) {
	oldest := now.Add(-lookback)
	expression := series.Expression.String() + " " + series.Offset.String()
	s.mu.Lock()
	h := s.horizon[series.Key]
	s.mu.Unlock()
	if h.expression == expression {
		if h.through.Before(oldest) {
			h.through = oldest
		}
		return h.through, now.Before(h.next), nil
	}
	// Told to the database at first sight, so that a change counts from the
	// moment in which it was made and not from the next slot.
	if _, err := s.Store.SeriesSince(ctx, series.Key, series.Expression.String(), series.Since); err != nil {
		return time.Time{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.horizon[series.Key] = horizon{expression: expression, through: oldest}
	return oldest, false, nil
}

// quietUntilNext notes that nothing of the series fires between a time, up to
// which all is settled, and the first slot after now.
func (s *Service) quietUntilNext(series Series, through, now time.Time) {
	next := now.Add(lookback)
	if o := series.Expression.Next(now.Add(-series.Offset), 1); len(o) > 0 {
		next = o[0].At.Add(series.Offset)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.horizon[series.Key]
	h.through, h.next = later(h.through, through), next
	s.horizon[series.Key] = h
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// fire deals with one slot. It returns false when the slot is not settled, so
// that later ones of the series must wait.
func (s *Service) fire(ctx context.Context, job Job, series Series, slot epistle.Slot) bool {
	slot, err := s.Store.ClaimSlot(ctx, slot, s.Owner, lease)
	if epistle.KindOf(err) == epistle.Conflict {
		return false // somebody else has it, or it is settled: the next look tells
	}
	if err != nil {
		s.complain(ctx, "claim a slot", err, "series", slot.Series, "slot", slot.Label)
		return false
	}
	run, outcome := job.Run, epistle.SlotDone
	if s.Clock().After(slot.At.Add(series.grace())) {
		run, outcome = job.Missed, epistle.SlotMissed
	}
	if err := s.work(ctx, run, series, slot); err != nil {
		s.complain(ctx, "run a slot", err, "series", slot.Series, "slot", slot.Label)
		s.giveBack(ctx, slot)
		return false
	}
	if err := s.settle(ctx, slot, outcome); err != nil {
		s.complain(ctx, "settle a slot", err, "series", slot.Series, "slot", slot.Label)
		return false
	}
	s.Log.InfoContext(ctx, "slot settled", "series", slot.Series, "slot", slot.Label, "state", string(outcome))
	return true
}

// settle records the outcome, also while the daemon stops. What is done and
// cannot be recorded would be done again by whoever has the slot next, so it is
// tried a few times, well within the lease.
func (s *Service) settle(ctx context.Context, slot epistle.Slot, outcome epistle.SlotState) error {
	const first, last = 100 * time.Millisecond, 10 * time.Second
	for pause := first; ; pause *= 2 {
		err := s.Store.SettleSlot(context.WithoutCancel(ctx), slot.ID, s.Owner, outcome)
		if err == nil || epistle.KindOf(err) == epistle.Conflict || pause > last {
			return err
		}
		wait := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			wait.Stop()
			return err
		case <-wait.C:
		}
	}
}

// work runs fn while renewing the lease; it is cancelled when the lease is lost.
func (s *Service) work(ctx context.Context, fn func(context.Context, Series, epistle.Slot) error, series Series, slot epistle.Slot) error {
	if fn == nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	defer renewing.Wait()
	defer cancel()
	renewing.Go(func() {
		tick := time.NewTicker(lease / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := s.Store.LeaseSlot(ctx, slot.ID, s.Owner, s.Clock().Add(lease))
			if epistle.KindOf(err) == epistle.Conflict {
				cancel()
				return
			}
		}
	})
	return fn(ctx, series, slot)
}

// giveBack ends the lease of a slot whose job failed after a pause.
func (s *Service) giveBack(ctx context.Context, slot epistle.Slot) {
	ctx = context.WithoutCancel(ctx)
	if err := s.Store.LeaseSlot(ctx, slot.ID, s.Owner, s.Clock().Add(retryAfter)); err != nil {
		s.complain(ctx, "give a slot back", err, "series", slot.Series, "slot", slot.Label)
	}
}

// complain logs a failure, unless it only says that the daemon stops.
func (s *Service) complain(ctx context.Context, doing string, err error, about ...any) {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return
	}
	s.Log.ErrorContext(ctx, "schedule: "+doing, append(about, "error", err)...)
}
