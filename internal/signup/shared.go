package signup

import (
	"context"
	"sync"
)

// shared lets calls that come at once share one read. A call never gets what
// was read before it came: it joins the read that begins next.
type shared[T any] struct {
	read func(context.Context) (T, error)

	mu      sync.Mutex
	next    *reading[T] // gathers callers while another read is on its way
	running bool
}

type reading[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// get waits for a read that began after the call. The value is everybody's:
// nobody may change it.
func (s *shared[T]) get(ctx context.Context) (T, error) {
	s.mu.Lock()
	if s.next == nil {
		s.next = &reading[T]{done: make(chan struct{})}
	}
	mine := s.next
	if !s.running {
		s.running = true
		go s.run(context.WithoutCancel(ctx))
	}
	s.mu.Unlock()
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// run reads until nobody waits.
func (s *shared[T]) run(ctx context.Context) {
	for {
		s.mu.Lock()
		r := s.next
		if s.next = nil; r == nil {
			s.running = false
		}
		s.mu.Unlock()
		if r == nil {
			return
		}
		r.value, r.err = s.read(ctx)
		close(r.done)
	}
}
