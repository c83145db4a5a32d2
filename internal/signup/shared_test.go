package signup

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"epistle/internal/epistle"
)

func TestCallsAtOnceShareAReadThatBeginsAfterThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reads, state atomic.Int64
		s := shared[string, int64]{read: func(_ context.Context, key string) (int64, error) {
			reads.Add(1)
			read := state.Load()
			time.Sleep(time.Second)
			return read, nil
		}}
		got := make(chan int64, 20)
		ask := func(times int) {
			for range times {
				go func() {
					n, err := s.get(t.Context(), "page")
					if err != nil {
						t.Error(err)
					}
					got <- n
				}()
			}
			synctest.Wait()
		}
		ask(1)
		state.Store(1) // after the first read has begun
		ask(19)
		if first := <-got; first != 0 {
			t.Errorf("the first call got %d", first)
		}
		for range 19 {
			if n := <-got; n != 1 {
				t.Errorf("a call got %d, which was read before it came", n)
			}
		}
		if n := reads.Load(); n != 2 {
			t.Errorf("%d reads, want 2", n)
		}
		synctest.Wait()
		if len(s.next) != 0 {
			t.Errorf("%d keys are remembered", len(s.next))
		}
	})
}

func TestAReadThatNeverEndsHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stuck atomic.Bool
		stuck.Store(true)
		s := shared[everybody, string]{read: func(ctx context.Context, _ everybody) (string, error) {
			if stuck.Load() {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "fine", nil
		}}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.get(hurried, everybody{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a call with a deadline got %v", err)
		}
		second := make(chan string, 1)
		go func() {
			value, err := s.get(t.Context(), everybody{})
			if err != nil {
				value = err.Error()
			}
			second <- value
		}()
		synctest.Wait()
		stuck.Store(false)
		if value := <-second; value != "fine" {
			t.Errorf("the call after the stuck one got %q", value)
		}
		stuck.Store(true)
		if _, err := s.get(t.Context(), everybody{}); epistle.KindOf(err) != epistle.Unavailable {
			t.Errorf("a call without a deadline got %v", err)
		}
	})
}
