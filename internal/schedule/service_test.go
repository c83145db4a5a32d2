package schedule_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/schedule"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// diary notes what jobs were told, by any number of daemons.
type diary struct {
	mu      sync.Mutex
	entries []string
	fail    error
}

func (d *diary) note(what string) func(context.Context, schedule.Series, epistle.Slot) error {
	return func(_ context.Context, _ schedule.Series, slot epistle.Slot) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.fail != nil {
			return d.fail
		}
		d.entries = append(d.entries, what+" "+slot.Label)
		return nil
	}
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := d.entries
	d.entries = nil
	return taken
}

func (d *diary) set(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fail = err
}

func parse(t *testing.T, expr string) schedule.Expression {
	t.Helper()
	e, err := schedule.Parse(expr, "Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// daemon is one of several services on a store.
func daemon(s *store.Store, clock *storetest.Clock, d *diary, owner string, series ...*schedule.Series) *schedule.Service {
	return schedule.New(schedule.Options{Store: s, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Owner: owner, Wake: time.Millisecond,
		Jobs: []schedule.Job{{Name: "test", Run: d.note("run"), Missed: d.note("missed"),
			Series: func(context.Context) ([]schedule.Series, error) {
				var all []schedule.Series
				for _, one := range series {
					all = append(all, *one)
				}
				return all, nil
			}}}})
}

func expect(t *testing.T, when string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v, want %v", when, got, want)
	}
}

func TestASlotFiresAtItsTimeAndOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		var d diary
		weekly := schedule.Series{Key: "launch/1", Expression: parse(t, "0 20 * * 4"), Grace: 12 * time.Hour, Since: clock.Now()}
		one := daemon(s, clock, &d, "a", &weekly)
		one.Pass(t.Context())
		expect(t, "at the first start", d.take())
		clock.Set(time.Date(2026, 11, 26, 10, 59, 59, 0, time.UTC))
		one.Pass(t.Context())
		expect(t, "a second before the slot", d.take())
		clock.Advance(time.Second)
		one.Pass(t.Context())
		one.Pass(t.Context())
		expect(t, "at the slot", d.take(), "run 2026-11-26T20:00")
		// A clock that is put back does not bring the slot back, nor does a restart.
		clock.Advance(-2 * time.Hour)
		two := daemon(s, clock, &d, "b", &weekly)
		two.Pass(t.Context())
		clock.Advance(3 * time.Hour)
		one.Pass(t.Context())
		two.Pass(t.Context())
		expect(t, "after a change of the clock and a restart", d.take())
	})
}

func TestDaemonsShareSlots(t *testing.T) {
	clock, key, url := storetest.NewClock(), seal.NewKey(), storetest.PostgresURL(t)
	var d diary
	hourly := schedule.Series{Key: "a/1", Expression: parse(t, "0 * * * *"), Grace: 30 * time.Minute, Since: clock.Now()}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	passes := []*schedule.Service{}
	var shared *store.Store
	for _, owner := range []string{"a", "b"} {
		shared = storetest.OpenWithKey(t, url, clock.Now, key)
		service := daemon(shared, clock, &d, owner, &hourly)
		// Pass is for a service that was not started, so others do it.
		passes = append(passes, daemon(shared, clock, &d, owner+" by hand", &hourly))
		running.Go(func() {
			if err := service.Start(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	settled := func() int {
		labels, err := shared.SettledSlots(t.Context(), hourly.Key, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return len(labels)
	}
	var want []string
	for i := range 12 {
		clock.Advance(time.Hour)
		for settled() <= i { // a lease that runs would end with the next hour
			for _, p := range passes {
				p.Pass(ctx)
			}
		}
		want = append(want, "run "+time.Date(2026, 11, 22, 19+i, 0, 0, 0, time.UTC).Format("2006-01-02T15:04"))
	}
	stop()
	running.Wait()
	expect(t, "two daemons", d.take(), want...)
}

func TestCatchUpWithinGraceAndReportAfterIt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		var d diary
		daily := schedule.Series{Key: "launch/1", Expression: parse(t, "0 20 * * *"), Grace: 6 * time.Hour, Since: clock.Now()}
		clock.Advance(3 * time.Hour) // 21:00 in Seoul
		daemon(s, clock, &d, "a", &daily).Pass(t.Context())
		expect(t, "an hour late", d.take(), "run 2026-11-22T20:00")
		// Down for three days, back at 03:00.
		clock.Advance(3*24*time.Hour + 6*time.Hour)
		again := daemon(s, clock, &d, "b", &daily)
		again.Pass(t.Context())
		again.Pass(t.Context())
		daemon(s, clock, &d, "c", &daily).Pass(t.Context())
		expect(t, "after three days", d.take(), "missed 2026-11-23T20:00", "missed 2026-11-24T20:00", "missed 2026-11-25T20:00")
		slots, err := s.Slots(t.Context(), "launch/1", 10)
		if err != nil || len(slots) != 4 || slots[0].State != epistle.SlotMissed || slots[3].State != epistle.SlotDone {
			t.Errorf("recorded %+v, %v", slots, err)
		}
	})
}

func TestAFailedSlotIsTriedAgainUntilItsGraceEnds(t *testing.T) {
	s, clock := storetest.SQLite(t)
	var d diary
	daily := schedule.Series{Key: "a/1", Expression: parse(t, "0 20 * * *"), Grace: 10 * time.Minute, Since: clock.Now()}
	service := daemon(s, clock, &d, "a", &daily)
	d.set(errors.New("the relay is on fire"))
	clock.Advance(2 * time.Hour)
	service.Pass(t.Context())
	d.set(nil)
	service.Pass(t.Context())
	expect(t, "at once after a failure", d.take())
	clock.Advance(time.Minute)
	service.Pass(t.Context())
	expect(t, "a minute after a failure", d.take(), "run 2026-11-22T20:00")

	d.set(errors.New("still on fire"))
	clock.Advance(24 * time.Hour)
	service.Pass(t.Context())
	d.set(nil)
	clock.Advance(15 * time.Minute)
	service.Pass(t.Context())
	expect(t, "after the grace", d.take(), "missed 2026-11-23T20:00")
}

func TestADaemonTakesOverFromADeadOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		var d diary
		daily := schedule.Series{Key: "a/1", Expression: parse(t, "0 20 * * *"), Grace: time.Hour, Since: clock.Now()}
		clock.Advance(2 * time.Hour)
		at := time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
		if _, err := s.ClaimSlot(t.Context(), epistle.Slot{Series: "a/1", Label: "2026-11-22T20:00", At: at}, "dead", time.Minute); err != nil {
			t.Fatal(err)
		}
		service := daemon(s, clock, &d, "alive", &daily)
		service.Pass(t.Context())
		expect(t, "within the lease", d.take())
		clock.Advance(2 * time.Minute)
		service.Pass(t.Context())
		expect(t, "after the lease", d.take(), "run 2026-11-22T20:00")
	})
}

func TestAssemblingAheadOfTheSlot(t *testing.T) {
	s, clock := storetest.SQLite(t)
	var d diary
	ahead := schedule.Series{Key: "assemble/1", Expression: parse(t, "0 20 * * 4"), Offset: -48 * time.Hour, Grace: 47 * time.Hour}
	// The newsletter is made on Wednesday; Tuesday's assembling for Thursday is caught up.
	clock.Set(time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC))
	ahead.Since = clock.Now()
	service := daemon(s, clock, &d, "a", &ahead)
	service.Pass(t.Context())
	expect(t, "at the first start", d.take(), "run 2026-11-26T20:00")
	clock.Set(time.Date(2026, 12, 1, 10, 59, 0, 0, time.UTC))
	service.Pass(t.Context())
	expect(t, "before the next one", d.take())
	clock.Advance(time.Minute)
	service.Pass(t.Context())
	expect(t, "two days before the next slot", d.take(), "run 2026-12-03T20:00")

	// Made an hour before its first slot, with a short grace: nothing to excuse, nothing to report.
	late := schedule.Series{Key: "assemble/2", Expression: parse(t, "0 20 * * 4"), Offset: -48 * time.Hour, Grace: time.Hour}
	clock.Set(time.Date(2026, 12, 3, 10, 0, 0, 0, time.UTC))
	late.Since = clock.Now()
	daemon(s, clock, &d, "b", &late).Pass(t.Context())
	expect(t, "too late to assemble", d.take())
}

func TestAChangedScheduleDoesNotFireForThePast(t *testing.T) {
	s, clock := storetest.SQLite(t)
	var d diary
	series := schedule.Series{Key: "launch/1", Expression: parse(t, "0 20 * * 4"), Grace: 24 * time.Hour, Since: clock.Now().Add(-7 * 24 * time.Hour)}
	service := daemon(s, clock, &d, "a", &series)
	service.Pass(t.Context())
	expect(t, "first", d.take(), "missed 2026-11-19T20:00")
	series.Expression = parse(t, "0 17 * * 0") // an hour ago
	service.Pass(t.Context())
	expect(t, "after the change", d.take())
	clock.Advance(7 * 24 * time.Hour)
	service.Pass(t.Context())
	expect(t, "a week later", d.take(), "run 2026-11-29T17:00")
}

func TestStopLetsAJobFinishThenCancelsIt(t *testing.T) {
	s, clock := storetest.SQLite(t)
	clock.Advance(2 * time.Hour)
	for _, c := range []struct {
		name  string
		drain time.Duration
		want  epistle.SlotState
	}{{"finishes", time.Minute, epistle.SlotDone}, {"is cancelled", time.Millisecond, epistle.SlotRunning}} {
		t.Run(c.name, func(t *testing.T) {
			begun, stopped := make(chan struct{}), make(chan struct{})
			ctx, stop := context.WithCancel(t.Context())
			series := schedule.Series{Key: c.name, Expression: parse(t, "0 20 * * *"), Grace: time.Hour, Since: clock.Now().Add(-2 * time.Hour)}
			service := schedule.New(schedule.Options{Store: s, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Owner: "a", Drain: c.drain,
				Jobs: []schedule.Job{{Name: "slow",
					Series: func(context.Context) ([]schedule.Series, error) { return []schedule.Series{series}, nil },
					Run: func(ctx context.Context, _ schedule.Series, _ epistle.Slot) error {
						close(begun)
						if c.want == epistle.SlotRunning {
							<-ctx.Done()
							return ctx.Err()
						}
						<-stopped
						return ctx.Err()
					}}}})
			done := make(chan error)
			go func() { done <- service.Start(ctx) }()
			<-begun
			stop()
			close(stopped)
			if err := <-done; err != nil {
				t.Error(err)
			}
			slots, err := s.Slots(t.Context(), c.name, 1)
			if err != nil || len(slots) != 1 || slots[0].State != c.want {
				t.Errorf("slots %+v, %v; want %s", slots, err, c.want)
			}
		})
	}
}

func TestASlotDoesNotWaitForTheNextLook(t *testing.T) {
	s, _ := storetest.SQLite(t)
	// A clock that runs with the real one and has a slot in a moment.
	started, slot := time.Now(), time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)
	clock := func() time.Time { return slot.Add(time.Since(started) - 300*time.Millisecond) }
	fired := make(chan time.Time, 1)
	series := schedule.Series{Key: "a/1", Expression: parse(t, "0 20 * * *"), Grace: time.Hour, Since: slot.Add(-time.Hour)}
	service := schedule.New(schedule.Options{Store: s, Clock: clock, Log: slog.New(slog.DiscardHandler), Owner: "a", Wake: time.Hour,
		Jobs: []schedule.Job{{Name: "test", Series: func(context.Context) ([]schedule.Series, error) { return []schedule.Series{series}, nil },
			Run: func(context.Context, schedule.Series, epistle.Slot) error { fired <- clock(); return nil }}}})
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	done := make(chan error)
	go func() { done <- service.Start(ctx) }()
	select {
	case at := <-fired:
		if at.Before(slot) {
			t.Errorf("fired %s before the slot", slot.Sub(at))
		}
	case <-ctx.Done():
		t.Error("the slot waits for the next look at the clock")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// forgetful is a store that does not answer to the first few that are settled.
type forgetful struct {
	*store.Store
	failures int
}

func (f *forgetful) SettleSlot(ctx context.Context, id epistle.ID, owner string, state epistle.SlotState) error {
	if f.failures--; f.failures >= 0 {
		return epistle.Errorf(epistle.Unavailable, "database.unreachable", nil)
	}
	return f.Store.SettleSlot(ctx, id, owner, state)
}

func TestWhatIsDoneIsRecordedThoughTheDatabaseWasAway(t *testing.T) {
	s, clock := storetest.SQLite(t)
	var d diary
	daily := schedule.Series{Key: "a/1", Expression: parse(t, "0 20 * * *"), Grace: time.Hour, Since: clock.Now()}
	clock.Advance(2 * time.Hour)
	schedule.New(schedule.Options{Store: &forgetful{s, 2}, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Owner: "a",
		Jobs: []schedule.Job{{Name: "test", Run: d.note("run"), Series: func(context.Context) ([]schedule.Series, error) {
			return []schedule.Series{daily}, nil
		}}}}).Pass(t.Context())
	clock.Advance(10 * time.Minute)
	daemon(s, clock, &d, "b", &daily).Pass(t.Context())
	expect(t, "after two failures to record it", d.take(), "run 2026-11-22T20:00")
}
