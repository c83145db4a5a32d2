package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"epistle/internal/epistle"
)

// Asking is a wish that came through a public form.
type Asking struct {
	Signup epistle.Signup
	// React says what the address gets, by how it stands. It must change
	// nothing: it may be called more than once.
	React func(epistle.Standing) Reaction
	// Dropped, if set, is called before Ask returns when the address has had its
	// share of mails.
	Dropped func()
}

// Reaction is what an address gets that asked.
type Reaction struct {
	Open   bool                            // a sign-up that waits for its confirmation
	Limit  epistle.MailLimit               // of the address
	Notice func(epistle.ID) epistle.Notice // the mail, for the sign-up's id; nil for none, which takes its share all the same
}

// Ask keeps a request as React decides, with its mail, in one transaction.
// Requests that come at once share it, and one that fails leaves the others
// alone. What an address gets beyond its limit is dropped silently. When Ask has returned nil, what React wanted is in the database.
func (s *Store) Ask(ctx context.Context, a Asking) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	request, err := s.askedOf(a, first)
	if err != nil {
		return err
	}
	s.asked.join(request, func(batch []*asked) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		s.askTogether(ctx, batch)
	})
	select {
	case err := <-request.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// askWithin is how long a batch may take. Those who asked wait as long as they
// like; what comes after them must not wait for a database that says nothing.
const askWithin = 30 * time.Second

// asked is a request with all that an address which nobody knows would get,
// sealed before the transaction begins.
type asked struct {
	Asking
	first  epistle.ID // of two ids: for the sign-up and for its notice
	index  []byte
	limit  []any // the rows of an address of which nothing is known
	signup []any // nil if such an address would get no sign-up
	notice []any
	taken  bool       // those rows are in the database
	done   chan error // holds one answer
}

func (s *Store) askedOf(a Asking, first epistle.ID) (*asked, error) {
	r := &asked{Asking: a, first: first, index: s.addressIndex(a.Signup.Address), done: make(chan error, 1)}
	reaction := a.React(epistle.Standing{})
	if !reaction.Open {
		return r, nil
	}
	now := s.clock()
	r.limit = []any{r.index, micros(now), int64(1)}
	var err error
	if r.signup, err = s.signupValues(fresh(a.Signup, first, now), now); err != nil {
		return nil, err
	}
	n := reaction.Notice(first)
	n.Key = firstMail(first)
	r.notice, err = s.noticeValues(first+1, n)
	return r, err
}

// askTries is how often a batch is taken when something that it writes is
// written by another transaction at the same moment: after that it is known.
const askTries = 3

// askTogether answers every request of a batch. If the batch fails as a whole,
// each request is taken by itself.
func (s *Store) askTogether(ctx context.Context, batch []*asked) {
	var errs []error
	var err error
	for try := 1; ; try++ {
		if errs, err = s.askAll(ctx, batch); err == nil || epistle.KindOf(err) != epistle.Conflict || try == askTries {
			break
		}
	}
	if err != nil && len(batch) > 1 {
		for i := range batch {
			s.askTogether(ctx, batch[i:i+1])
		}
		return
	}
	for i, one := range batch {
		if err != nil {
			errs[i] = err
		}
		if errors.Is(errs[i], errNoMail) {
			errs[i] = nil
			if one.Dropped != nil {
				one.Dropped()
			}
		}
		err := s.mapError(ctx, errs[i])
		if errors.Is(err, context.DeadlineExceeded) { // the batch's own
			err = epistle.Errorf(epistle.Unavailable, "database.busy", err)
		}
		one.done <- err
	}
}

// askAll writes what nobody knows yet in bulk, and then takes the others one by
// one. errs says what became of each, errNoMail of who had their share; err that
// none of those others was taken.
func (s *Store) askAll(ctx context.Context, batch []*asked) (errs []error, err error) {
	errs = make([]error, len(batch))
	if fresh := freshIn(batch); len(fresh) > 0 {
		taken, err := s.dialect.takeFresh(ctx, s, fresh)
		if err != nil {
			return errs, err
		}
		for _, one := range fresh {
			one.taken = taken[string(one.index)]
		}
	}
	if !slices.ContainsFunc(batch, func(one *asked) bool { return !one.taken }) {
		return errs, nil
	}
	return errs, s.write(ctx, func(q queries) error {
		clear(errs)
		for i, one := range batch {
			if one.taken {
				continue
			}
			failed, err := s.apart(ctx, q, func() error { return s.askOne(ctx, q, one) })
			if err != nil {
				return err
			}
			errs[i] = failed
		}
		return nil
	})
}

// freshIn are those who may be strangers, each once, in one order for all
// transactions, so that none waits for another in a circle.
func freshIn(batch []*asked) []*asked {
	var fresh []*asked
	for _, one := range batch {
		if one.signup != nil && !one.taken {
			fresh = append(fresh, one)
		}
	}
	slices.SortStableFunc(fresh, func(a, b *asked) int { return bytes.Compare(a.index, b.index) })
	return slices.CompactFunc(fresh, func(a, b *asked) bool { return bytes.Equal(a.index, b.index) })
}

// askOne takes one request by itself, or gives errNoMail.
func (s *Store) askOne(ctx context.Context, q queries, one *asked) error {
	u := one.Signup
	standing, err := s.standing(ctx, q, u.NewsletterID, u.Address)
	if err != nil {
		return err
	}
	reaction := one.React(standing)
	if err := s.takeMail(ctx, q, u.Address, reaction.Limit); err != nil || reaction.Notice == nil {
		return err
	}
	id, key := one.first, ""
	if reaction.Open {
		if id, key, err = s.placeSignup(ctx, q, u, one.first); err != nil {
			return err
		}
	}
	n := reaction.Notice(id)
	if n.Key = key; key == "" {
		n.Key = fmt.Sprintf("%s/%d", n.Kind, one.first)
	}
	return s.insertNotice(ctx, q, one.first+1, n)
}

// apart runs do behind a savepoint: if it fails, what it did is undone, and the
// rest of the transaction goes on. failed is do's error.
func (s *Store) apart(ctx context.Context, q queries, do func() error) (failed, err error) {
	if _, err := q.exec(ctx, `SAVEPOINT apart`); err != nil {
		return nil, err
	}
	if failed = do(); failed != nil {
		if s.dialect.isRetryable(failed) {
			return nil, failed // the database wants the whole transaction again
		}
		if _, err := q.exec(ctx, `ROLLBACK TO SAVEPOINT apart`); err != nil {
			return nil, err
		}
	}
	_, err = q.exec(ctx, `RELEASE SAVEPOINT apart`)
	return failed, err
}

// askBatch is how many requests share a transaction at most; on SQLite it takes
// some ten milliseconds then.
const askBatch = 100

// askersAtOnce is how many such transactions PostgreSQL works on at once.
const askersAtOnce = 3

// gathering brings requests that come at once together: while one batch is in
// the database, the next gathers.
type gathering struct {
	most int // batches at once

	mu      sync.Mutex
	waiting []*asked
	running int
}

// join adds a request to those that wait, and sees to it that somebody works
// on them. work must answer every request of its batch.
func (g *gathering) join(r *asked, work func([]*asked)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, r)
	if g.running < g.most {
		g.running++
		go func() {
			for batch := g.next(); len(batch) > 0; batch = g.next() {
				work(batch)
			}
		}()
	}
}

// next is the next batch; with none, whoever asked has ended.
func (g *gathering) next() []*asked {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), askBatch)
	batch := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; n == 0 {
		g.running--
	}
	return batch
}
