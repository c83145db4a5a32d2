package sending

import (
	"context"
	"time"
)

// Tune sets what only tests set otherwise.
func (s *Service) Tune(t Tuning) {
	s.poll = t.Poll
	s.grace = t.Grace
	s.rangeSize = t.RangeSize
	s.chunkSize = t.ChunkSize
	s.freshness = t.Freshness
	if t.SlowMail > 0 {
		s.pace.slowMail = t.SlowMail
	}
	if t.Wait != nil {
		s.wait = t.Wait
	}
}

// Tuning is what tests may set.
type Tuning struct {
	Freshness   time.Duration
	SlowMail    time.Duration
	Poll, Grace time.Duration
	RangeSize   int64
	ChunkSize   int
	Wait        func(ctx context.Context, d time.Duration, wake <-chan struct{}) error
}

// Wait is the waiter of a service that runs for real.
var Wait = wait
