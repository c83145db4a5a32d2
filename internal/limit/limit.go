// Package limit bounds how often something may happen for each of many keys,
// in bounded memory.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"epistle/internal/epistle"
)

// Limiter allows every key a burst of events, then one event each interval. It
// remembers a bounded number of keys: when there are more, those that have
// recovered are forgotten first, and if none has, all of them share one bucket
// until some recover. It is safe for concurrent use.
//
// Keys should be keyed hashes, so that a memory dump shows no address.
type Limiter struct {
	every time.Duration
	burst int
	max   int
	clock epistle.Clock

	mu       sync.Mutex
	buckets  map[string]*bucket
	overflow *rate.Limiter
}

type bucket struct {
	limiter *rate.Limiter
	seen    time.Time
}

// New makes a limiter that remembers up to max keys.
func New(every time.Duration, burst, max int, clock epistle.Clock) *Limiter {
	return &Limiter{every: every, burst: burst, max: max, clock: clock,
		buckets: map[string]*bucket{}, overflow: rate.NewLimiter(rate.Every(every), burst)}
}

// Allow reports whether one more event for the key may happen now, and counts
// it if so.
func (l *Limiter) Allow(key string) bool {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[key]
	if !known {
		if len(l.buckets) >= l.max {
			l.forget(now)
		}
		if len(l.buckets) >= l.max {
			return l.overflow.AllowN(now, 1)
		}
		b = &bucket{limiter: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.buckets[key] = b
	}
	b.seen = now
	return b.limiter.AllowN(now, 1)
}

// forget drops the keys that have their full burst again.
func (l *Limiter) forget(now time.Time) {
	recovered := time.Duration(l.burst) * l.every
	for key, b := range l.buckets {
		if now.Sub(b.seen) >= recovered {
			delete(l.buckets, key)
		}
	}
}
