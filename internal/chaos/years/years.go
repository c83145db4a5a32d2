// Package years runs the schedule of several daemons through simulated years
// and holds what fired against a walk through every minute.
package years

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/schedule"
	"epistle/internal/store"
)

// Options say what to run through.
type Options struct {
	// Open opens the one database for another daemon, with its clock.
	Open  func(clock epistle.Clock) (*store.Store, error)
	From  time.Time // at a full minute
	Until time.Time
	Seed  uint64
	Log   *slog.Logger // what the daemons complain of
}

// Outcome is what became of the slots.
type Outcome struct {
	Slots   int
	Doubled int // slots that fired again, or that should not have been
	Missed  int
	First   string // the first that went wrong
}

// series are the zones, and in each the hour at which its clock changes, if it
// ever does, and an evening a week.
var series = []struct{ zone, nightly string }{
	{"America/New_York", "30 2 * * *"}, {"Europe/Berlin", "30 2 * * *"}, {"Australia/Lord_Howe", "15 2 * * *"},
	{"Asia/Seoul", "0 0 * * *"}, {"America/Sao_Paulo", "30 0 * * *"}, {"Australia/Sydney", "30 2 * * *"},
	{"Asia/Kolkata", "45 23 * * *"}, {"Pacific/Chatham", "0 3 * * *"}, {"Europe/London", "30 1 * * *"},
	{"Pacific/Auckland", "30 2 * * *"}, {"America/Santiago", "30 0 * * *"}, {"Africa/Cairo", "30 0 * * *"},
}

const weekly = "0 20 1,15 * 4" // Thursdays, and two days of the month

// A daemon's clock is off by less than what keeps it from claiming anything.
const mostAskew = 900 * time.Millisecond

const (
	daemons = 3
	grace   = 12 * time.Hour
	outage  = 6 * time.Hour // the longest in which no daemon runs

	afterwards = time.Hour // longer than it takes to try again at the end
)

// Run goes through the time between From and Until.
func Run(ctx context.Context, o Options) (_ Outcome, err error) {
	w := &world{Options: o, random: rand.New(rand.NewPCG(o.Seed, 12)), fired: map[string]int{}, expected: map[string]time.Time{}}
	if err := w.expect(); err != nil {
		return Outcome{}, err
	}
	w.set(o.From.Add(-time.Minute))
	defer func() {
		for _, d := range w.daemons {
			err = errors.Join(err, d.store.Close())
		}
	}()
	for n := range daemons {
		d := &daemon{world: w, name: fmt.Sprint("daemon ", n)}
		if d.store, err = o.Open(d.now); err != nil {
			return Outcome{}, err
		}
		w.daemons = append(w.daemons, d)
		d.start()
	}
	for now := w.now(); now.Before(o.Until); now = w.now() {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		w.disturb()
		w.pass(ctx)
		w.set(earlier(w.step(now), o.Until))
	}
	for range 5 { // what failed is tried again a minute later
		w.set(w.now().Add(61 * time.Second))
		for _, d := range w.daemons {
			d.downUntil = time.Time{}
		}
		w.pass(ctx)
	}
	return w.judge(), nil
}

// world is the daemons, their time, and what they did.
type world struct {
	Options
	random   *rand.Rand
	clock    atomic.Int64
	all      []schedule.Series
	expected map[string]time.Time // slots, "series label", and when they fire
	moments  []time.Time          // of them, in order
	daemons  []*daemon

	mu    sync.Mutex
	fired map[string]int
	dice  int
}

func (w *world) now() time.Time  { return time.UnixMicro(w.clock.Load()).UTC() }
func (w *world) set(t time.Time) { w.clock.Store(t.UnixMicro()) }

// expect makes the series and walks through their minutes.
func (w *world) expect() error {
	var group sync.WaitGroup
	var mu sync.Mutex
	for _, s := range series {
		zone, err := time.LoadLocation(s.zone)
		if err != nil {
			return err
		}
		expressions := []string{s.nightly, weekly}
		for _, fields := range expressions {
			parsed, err := schedule.Parse(fields, s.zone)
			if err != nil {
				return err
			}
			w.all = append(w.all, schedule.Series{Key: s.zone + " " + fields, Expression: parsed, Grace: grace, Since: w.From.Add(-time.Minute)})
		}
		group.Go(func() {
			found := walk(zone, expressions, w.From, w.Until.Add(afterwards))
			mu.Lock()
			defer mu.Unlock()
			for i, fields := range expressions {
				for _, f := range found[i] {
					w.expected[s.zone+" "+fields+" "+f.label] = f.at
				}
			}
		})
	}
	group.Wait()
	w.moments = ordered(w.expected)
	return nil
}

// step chooses the next instant: some hours on, or the instant of a slot, which
// is then passed in small steps, so that the daemons disagree about it.
func (w *world) step(now time.Time) time.Time {
	for len(w.moments) > 0 && w.moments[0].Before(now.Add(-mostAskew)) {
		w.moments = w.moments[1:]
	}
	if len(w.moments) > 0 {
		near := w.moments[0].Add(-mostAskew)
		if now.Before(near) && w.random.IntN(4) == 0 {
			return near
		}
		if !now.Before(near) {
			return now.Add(300 * time.Millisecond)
		}
	}
	return now.Add(time.Duration(w.random.Int64N(int64(3 * time.Hour))))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// disturb sets clocks, restarts daemons and stops them for a while.
func (w *world) disturb() {
	all := w.random.IntN(2000) == 0
	for _, d := range w.daemons {
		d.skew.Store(w.random.Int64N(int64(2*mostAskew)) - int64(mostAskew))
		switch {
		case all, w.random.IntN(300) == 0:
			d.downUntil = w.now().Add(time.Duration(w.random.Int64N(int64(outage))))
			fallthrough
		case w.random.IntN(300) == 0:
			d.start()
		}
	}
}

// pass lets every daemon look at its clock, all at once.
func (w *world) pass(ctx context.Context) {
	var group sync.WaitGroup
	for _, d := range w.daemons {
		if !w.now().Before(d.downUntil) {
			group.Go(func() { d.service.Pass(ctx) })
		}
	}
	group.Wait()
}

var errUnlucky = errors.New("something was not there just now")

// run is the job: now and then it fails, before it has done anything.
func (w *world) run(_ context.Context, _ schedule.Series, slot epistle.Slot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dice++; w.dice%97 == 0 {
		return errUnlucky
	}
	w.fired[slot.Series+" "+slot.Label]++
	return nil
}

func (w *world) judge() Outcome {
	o := Outcome{Slots: len(w.expected)}
	wrong := func(what, slot string) {
		if o.First == "" {
			o.First = what + ": " + slot
		}
	}
	for slot, at := range w.expected {
		if w.fired[slot] == 0 && !at.After(w.Until) {
			o.Missed++
			wrong("missed", slot)
		}
	}
	for slot, times := range w.fired {
		_, known := w.expected[slot]
		switch {
		case known && times > 1:
			o.Doubled += times - 1
			wrong("doubled", slot)
		case !known:
			o.Doubled++
			wrong("not to be", slot)
		}
	}
	return o
}

// daemon is one of several schedules, with a clock of its own.
type daemon struct {
	*world
	name      string
	store     *store.Store
	service   *schedule.Service
	skew      atomic.Int64
	downUntil time.Time
}

func (d *daemon) now() time.Time { return d.world.now().Add(time.Duration(d.skew.Load())) }

// start begins anew: what a daemon keeps in memory is gone.
func (d *daemon) start() {
	d.service = schedule.New(schedule.Options{Store: d.store, Clock: d.now, Log: d.Log.With("daemon", d.name, "at", d.world.now()), Owner: d.name,
		Jobs: []schedule.Job{{Name: "years", Run: d.run,
			Series: func(context.Context) ([]schedule.Series, error) { return d.all, nil }}}})
}
