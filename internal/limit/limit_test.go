package limit_test

import (
	"fmt"
	"testing"
	"time"

	"epistle/internal/limit"
)

func TestBurstThenInterval(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	l := limit.New(time.Minute, 3, 10, func() time.Time { return now })
	for i := range 3 {
		if !l.Allow("a") {
			t.Fatalf("event %d of the burst was refused", i+1)
		}
	}
	if l.Allow("a") {
		t.Fatal("a fourth event was allowed at once")
	}
	if !l.Allow("b") {
		t.Fatal("another key was refused")
	}
	now = now.Add(time.Minute)
	if !l.Allow("a") {
		t.Fatal("the event after a minute was refused")
	}
}

func TestMemoryIsBoundedAndTheFloodIsLimited(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	l := limit.New(time.Minute, 2, 5, func() time.Time { return now })
	allowed := 0
	for i := range 100 {
		if l.Allow(fmt.Sprint(i)) {
			allowed++
		}
	}
	if allowed != 5+2 {
		t.Fatalf("%d of a flood of 100 keys were allowed, want 7", allowed)
	}
	now = now.Add(time.Hour)
	if !l.Allow("someone") {
		t.Fatal("nobody is let in after the flood")
	}
}
