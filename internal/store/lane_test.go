package store_test

import (
	"sync"
	"testing"
	"time"

	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestABucketGivesOutMomentsOneAfterTheOther(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		naver, daum := s.Lane("naver.com"), s.Lane("daum.net")
		start := clock.Now()
		for _, step := range []struct {
			pause      time.Duration
			count      int
			want       time.Duration // of naver, after the start
			daumToo    bool
			wantOfDaum time.Duration
		}{
			{count: 4, want: 0},
			{count: 1, want: 2 * time.Second, daumToo: true, wantOfDaum: 0},
			{pause: time.Second, count: 2, want: 2500 * time.Millisecond, daumToo: true, wantOfDaum: time.Second},
			// A bucket that rested gives no more than one that did not.
			{pause: time.Hour, count: 2, want: time.Hour + time.Second},
			{count: 2, want: time.Hour + 2*time.Second},
		} {
			clock.Advance(step.pause)
			wanted := []store.Reservation{{Bucket: naver, Gap: 500 * time.Millisecond, Count: step.count}}
			if step.daumToo {
				wanted = append(wanted, store.Reservation{Bucket: daum, Gap: time.Millisecond, Count: 1})
			}
			got, err := s.Reserve(t.Context(), wanted)
			if err != nil {
				t.Fatal(err)
			}
			if at := got[0].Sub(start); at != step.want {
				t.Errorf("%d messages may go from %s on, want %s", step.count, at, step.want)
			}
			if step.daumToo && got[1].Sub(start) != step.wantOfDaum {
				t.Errorf("the other lane's may go from %s on, want %s", got[1].Sub(start), step.wantOfDaum)
			}
		}
		clock.Advance(time.Hour)
		if err := s.ForgetBuckets(t.Context(), clock.Now().Add(-time.Minute)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestDaemonsShareABucketAndAQuota(t *testing.T) {
	clock, key, url := storetest.NewClock(), seal.NewKey(), storetest.PostgresURL(t)
	const daemons, rounds, granted, limit = 4, 25, 3, 100
	gap := 10 * time.Millisecond
	var mu sync.Mutex
	moments := map[time.Time]bool{}
	var quota int64
	var all sync.WaitGroup
	for range daemons {
		s := storetest.OpenWithKey(t, url, clock.Now, key)
		all.Go(func() {
			for range rounds {
				// Lanes in any order: the store takes care that nobody is locked out.
				got, err := s.Reserve(t.Context(), []store.Reservation{
					{Bucket: s.Lane("b.example"), Gap: gap, Count: 1}, {Bucket: s.Lane("a.example"), Gap: gap, Count: granted}})
				if err != nil {
					t.Error(err)
					return
				}
				spent, err := s.SpendQuota(t.Context(), "relay:25", "2026-11-22", limit, 3)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				quota += spent
				for i := range granted {
					moments[got[1].Add(time.Duration(i)*gap)] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if want := daemons * rounds * granted; len(moments) != want || !moments[clock.Now().Add(time.Duration(want-1)*gap)] {
		t.Errorf("%d moments were given out, want %d in a row", len(moments), want)
	}
	if quota != limit {
		t.Errorf("a quota of %d granted %d", limit, quota)
	}
}

func TestAQuotaIsOfARelayAndADay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, _ *storetest.Clock) {
		ctx := t.Context()
		spend := func(relay, day string, count, want int64) {
			t.Helper()
			got, err := s.SpendQuota(ctx, relay, day, 10, count)
			if err != nil || got != want {
				t.Errorf("%s granted %d on %s, %v; want %d", relay, got, day, err, want)
			}
		}
		spend("a:25", "2026-11-22", 4, 4)
		spend("a:25", "2026-11-22", 10, 6)
		spend("a:25", "2026-11-22", 1, 0)
		spend("b:25", "2026-11-22", 1, 1)
		spend("a:25", "2026-11-23", 1, 1)
		if err := s.ChargeQuota(ctx, "a:25", "2026-11-22", 2); err != nil {
			t.Fatal(err)
		}
		if err := s.ChargeQuota(ctx, "a:25", "2026-11-22", -5); err != nil {
			t.Fatal(err)
		}
		spend("a:25", "2026-11-22", 9, 3)
		if used, err := s.QuotaUsed(ctx, "a:25", "2026-11-22"); err != nil || used != 10 {
			t.Errorf("used %d, %v", used, err)
		}
		if used, err := s.QuotaUsed(ctx, "c:25", "2026-11-22"); err != nil || used != 0 {
			t.Errorf("a relay that was given nothing has used %d, %v", used, err)
		}
	})
}

func TestABreakerOpensOnceForAllAndLetsOneTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx, lane := t.Context(), s.Lane("naver.com")
		closed := store.Breaker{Lane: lane}
		until := clock.Now().Add(2 * time.Minute)
		first, err := s.OpenBreaker(ctx, closed, until)
		if err != nil || first.Opened != 1 || !first.Until.Equal(until) {
			t.Fatalf("opened %+v, %v", first, err)
		}
		// Another daemon that saw it closed does not open it a second time.
		if again, err := s.OpenBreaker(ctx, closed, until.Add(time.Hour)); err != nil || again.Opened != 1 || !again.Until.Equal(until) {
			t.Errorf("opened again as %+v, %v", again, err)
		}
		// The lane's bucket is full until then.
		if at, err := s.Reserve(ctx, []store.Reservation{{Bucket: lane, Gap: time.Second, Count: 1}}); err != nil || !at[0].Equal(until) {
			t.Errorf("room in the lane at %v, %v; want %v", at, err, until)
		}
		if mine, err := s.TryBreaker(ctx, lane, time.Minute); err != nil || mine {
			t.Errorf("somebody may try while it is open: %v, %v", mine, err)
		}
		clock.Set(until)
		for _, want := range []bool{true, false} {
			if mine, err := s.TryBreaker(ctx, lane, time.Minute); err != nil || mine != want {
				t.Errorf("may try: %v, %v; want %v", mine, err, want)
			}
		}
		second, err := s.OpenBreaker(ctx, first, clock.Now().Add(4*time.Minute))
		if err != nil || second.Opened != 2 || !second.Until.Equal(clock.Now().Add(4*time.Minute)) {
			t.Errorf("after a failed try it is %+v, %v", second, err)
		}
		all, err := s.Breakers(ctx)
		if err != nil || len(all) != 1 || string(all[0].Lane) != string(lane) || all[0].Opened != 2 {
			t.Errorf("breakers %+v, %v", all, err)
		}
		if err := s.CloseBreaker(ctx, lane); err != nil {
			t.Fatal(err)
		}
		if all, err := s.Breakers(ctx); err != nil || len(all) != 0 {
			t.Errorf("after closing: %+v, %v", all, err)
		}
		// Whoever knew it open and finds it closed leaves it so.
		if is, err := s.OpenBreaker(ctx, second, clock.Now().Add(time.Hour)); err != nil || is.Opened != 0 {
			t.Errorf("a breaker that was closed came back as %+v, %v", is, err)
		}
	})
}
