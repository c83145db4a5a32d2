package sending

import (
	"testing"
	"time"
)

// TestMissedMomentsAreMadeUpForInPart draws from purses whose moments have long
// passed.
func TestMissedMomentsAreMadeUpForInPart(t *testing.T) {
	now := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		gap         time.Duration
		count, want int
		late        time.Duration
	}{
		"a quick lane, none lost":      {time.Millisecond, 500, 500, time.Hour},
		"more than it is worth":        {time.Millisecond, 800, 500, time.Hour},
		"a slow lane":                  {2 * time.Second, 60, 1, time.Hour},
		"some are still to come":       {100 * time.Millisecond, 30, 5 + 20, 900 * time.Millisecond},
		"no more than worth have past": {100 * time.Millisecond, 30, 30, 400 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			p, got := purse{{first: now.Add(-c.late), gap: c.gap, count: c.count}}, 0
			for {
				if _, ok := p.take(now); !ok {
					break
				}
				got++
			}
			if got != c.want {
				t.Errorf("%d moments, want %d", got, c.want)
			}
		})
	}
}
