package signup

import (
	"context"
	"errors"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// OfferStore tells what visitors can sign up for.
type OfferStore interface {
	Offer(ctx context.Context) (store.Offer, error)
}

// everybody is the one key of what is the same for all.
type everybody struct{}

func shareOffer(s OfferStore) *shared[everybody, store.Offer] {
	return &shared[everybody, store.Offer]{read: func(ctx context.Context, _ everybody) (store.Offer, error) { return s.Offer(ctx) }}
}

// shared lets calls for the same thing that come at once share one read. A call
// never gets what was read before it came: it joins the read that begins next.
// Nothing is remembered once nobody waits for it.
type shared[K comparable, T any] struct {
	read func(context.Context, K) (T, error)

	mu sync.Mutex
	// By what is being read now: the read that gathers callers meanwhile, nil while
	// there are none.
	next map[K]*reading[T]
}

type reading[T any] struct {
	done  chan struct{}
	value T
	err   error
}

// get waits for a read that began after the call. The value is everybody's:
// nobody may change it.
func (s *shared[K, T]) get(ctx context.Context, key K) (T, error) {
	mine := s.join(context.WithoutCancel(ctx), key)
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

func (s *shared[K, T]) join(ctx context.Context, key K) *reading[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine, running := s.next[key]
	if mine == nil {
		mine = &reading[T]{done: make(chan struct{})}
		if s.next == nil {
			s.next = map[K]*reading[T]{}
		}
		s.next[key] = mine
	}
	if !running {
		go s.run(ctx, key)
	}
	return mine
}

// readWithin is how long a read may take: whoever comes meanwhile waits for it,
// and none of their own deadlines holds for it.
const readWithin = 10 * time.Second

// run reads until nobody waits.
func (s *shared[K, T]) run(ctx context.Context, key K) {
	for r := s.begin(key); r != nil; r = s.begin(key) {
		limited, cancel := context.WithTimeout(ctx, readWithin)
		r.value, r.err = s.read(limited, key)
		cancel()
		if errors.Is(r.err, context.DeadlineExceeded) {
			r.err = epistle.Errorf(epistle.Unavailable, "database.busy", r.err)
		}
		close(r.done)
	}
}

// begin is the read whose turn it is; nil once nobody waits.
func (s *shared[K, T]) begin(key K) *reading[T] {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.next[key]
	if r == nil {
		delete(s.next, key)
	} else {
		s.next[key] = nil
	}
	return r
}
