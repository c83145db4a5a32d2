package sending

import (
	"context"
	"math"
	"time"

	"epistle/internal/store"
)

const (
	// ahead is how much before its moment a message may go, so that waiting is no
	// matter of microseconds.
	ahead = 25 * time.Millisecond
	// worth is how much of a rate is debited at once, so that a debit is rare and
	// what a daemon holds is little; and how much of missed time is made up for.
	worth = 500 * time.Millisecond
)

// bundle is some moments that a bucket in the database was debited for: count
// of them from first on, gap apart.
type bundle struct {
	first time.Time
	gap   time.Duration
	count int
}

func (b *bundle) skip(n int) {
	n = min(n, b.count)
	b.first, b.count = b.first.Add(time.Duration(n)*b.gap), b.count-n
}

// purse holds bundles of one bucket, the earliest first.
type purse []bundle

// first returns the next moment, if there is one. Of the moments past no more
// are kept than are worth something, so that mail that was held up does not go
// in a burst. Those stay good, however late: asking anew for each message to a
// domain that gets few would cost far more than the limit is to save.
func (p *purse) first(now time.Time) (time.Time, bool) {
	for len(*p) > 0 {
		b := &(*p)[0]
		if late := now.Sub(b.first); late > 0 {
			past := min(b.count, int(min(late/b.gap, math.MaxInt32))+1)
			b.skip(max(0, past-bundleSize(b.gap)))
		}
		if b.count > 0 {
			return b.first, true
		}
		*p = (*p)[1:]
	}
	return time.Time{}, false
}

// take uses the next moment up.
func (p *purse) take(now time.Time) (time.Time, bool) {
	at, ok := p.first(now)
	if ok {
		(*p)[0].skip(1)
	}
	return at, ok
}

func (p purse) left() (n int) {
	for _, b := range p {
		n += b.count
	}
	return n
}

// gapOf is the time between two messages at a rate in messages a second; 0 for
// no limit.
func gapOf(rate float64) time.Duration {
	if rate <= 0 {
		return 0
	}
	return max(time.Microsecond, time.Duration(float64(time.Second)/rate)).Truncate(time.Microsecond)
}

// bundleSize is how many moments are debited at once.
func bundleSize(gap time.Duration) int { return int(max(1, worth/gap)) }

// meter spaces messages out by one bucket. It is for one goroutine at a time.
type meter struct {
	store  PaceStore
	bucket []byte
	gap    time.Duration // 0: no limit
	held   purse
}

// open reports whether a message may go now without asking the database.
func (m *meter) open(now time.Time) bool {
	if m.gap == 0 {
		return true
	}
	at, ok := m.held.first(now)
	return ok && !at.After(now.Add(ahead))
}

// take returns when the next message may go.
func (m *meter) take(ctx context.Context, now time.Time) (time.Time, error) {
	if m.gap == 0 {
		return now, nil
	}
	if at, ok := m.held.take(now); ok {
		return at, nil
	}
	size := bundleSize(m.gap)
	first, err := m.store.Reserve(ctx, []store.Reservation{{Bucket: m.bucket, Gap: m.gap, Count: size}})
	if err != nil {
		return now, err
	}
	m.held = append(m.held, bundle{first: first[0].Add(m.gap), gap: m.gap, count: size - 1})
	return first[0], nil
}
