package store_test

import (
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestASlotIsClaimedOnceAndTakenOverAfterItsLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		slot := epistle.Slot{Series: "launch/1", Label: "2026-11-26T20:00", At: time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)}
		mine, err := s.ClaimSlot(ctx, slot, "a", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ClaimSlot(ctx, slot, "b", time.Minute); epistle.KindOf(err) != epistle.Conflict {
			t.Fatalf("a second claim within the lease: %v, want a conflict", err)
		}
		clock.Advance(30 * time.Second)
		if err := s.LeaseSlot(ctx, mine.ID, "a", clock.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		clock.Advance(45 * time.Second)
		if _, err := s.ClaimSlot(ctx, slot, "b", time.Minute); epistle.KindOf(err) != epistle.Conflict {
			t.Fatalf("a claim within the renewed lease: %v, want a conflict", err)
		}
		clock.Advance(time.Minute)
		theirs, err := s.ClaimSlot(ctx, slot, "b", time.Minute)
		if err != nil || theirs.ID != mine.ID || !theirs.At.Equal(slot.At) {
			t.Fatalf("take over after the lease: %+v, %v", theirs, err)
		}
		if err := s.SettleSlot(ctx, mine.ID, "a", epistle.SlotDone); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("the owner that lost its lease settled the slot: %v", err)
		}
		if err := s.SettleSlot(ctx, theirs.ID, "b", epistle.SlotDone); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		if _, err := s.ClaimSlot(ctx, slot, "c", time.Minute); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a settled slot was claimed: %v", err)
		}
		settled, err := s.SettledSlots(ctx, "launch/1", slot.At)
		if err != nil || !settled[slot.Label] || len(settled) != 1 {
			t.Errorf("settled %v, %v", settled, err)
		}
	})
}

func TestManyDaemonsClaimASlotAtOnce(t *testing.T) {
	clock, key, url := storetest.NewClock(), seal.NewKey(), storetest.PostgresURL(t)
	slot := epistle.Slot{Series: "launch/1", Label: "2026-11-26T20:00", At: clock.Now()}
	won := make(chan string, 8)
	var all sync.WaitGroup
	for _, owner := range []string{"a", "b", "c", "d"} {
		s := storetest.OpenWithKey(t, url, clock.Now, key)
		all.Go(func() {
			_, err := s.ClaimSlot(t.Context(), slot, owner, time.Minute)
			switch {
			case err == nil:
				won <- owner
			case epistle.KindOf(err) != epistle.Conflict:
				t.Errorf("%s: %v", owner, err)
			}
		})
	}
	all.Wait()
	if len(won) != 1 {
		t.Errorf("%d daemons hold one slot, want 1", len(won))
	}
}

func TestASeriesCountsFromItsBeginningOrItsChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx, created := t.Context(), clock.Now().Add(-time.Hour)
		for _, step := range []struct {
			expression string
			want       time.Time
		}{
			{"0 20 * * 4", created},
			{"0 20 * * 4", created},
			{"0 20 * * 3", clock.Now()},
			{"0 20 * * 3", clock.Now()},
		} {
			got, err := s.SeriesSince(ctx, "launch/1", step.expression, created)
			if err != nil || !got.Equal(step.want) {
				t.Errorf("%s counts since %v, %v; want %v", step.expression, got, err, step.want)
			}
		}
	})
}
