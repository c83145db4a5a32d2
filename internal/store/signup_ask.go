package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

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
// Requests that come at once share a transaction, in which one that fails
// leaves the others alone. What an address gets beyond its limit is dropped
// silently. When Ask has returned nil, what React wanted is in the database.
func (s *Store) Ask(ctx context.Context, a Asking) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	request, err := s.askedOf(a, first)
	if err != nil {
		return err
	}
	s.asked.join(request, func(batch []*asked) { s.askTogether(context.WithoutCancel(ctx), batch) })
	select {
	case err := <-request.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// asked is a request with all that an address which nobody knows would get,
// sealed before the transaction begins.
type asked struct {
	Asking
	first  epistle.ID // of two ids: for the sign-up and for its notice
	index  []byte
	signup []any // nil if such an address would get no sign-up
	notice []any
	done   chan error // holds one answer
}

func (s *Store) askedOf(a Asking, first epistle.ID) (*asked, error) {
	r := &asked{Asking: a, first: first, index: s.addressIndex(a.Signup.Address), done: make(chan error, 1)}
	reaction := a.React(epistle.Standing{})
	if !reaction.Open {
		return r, nil
	}
	now := s.clock()
	var err error
	if r.signup, err = s.signupValues(fresh(a.Signup, first, now), now); err != nil {
		return nil, err
	}
	n := reaction.Notice(first)
	n.Key = firstMail(first)
	r.notice, err = s.noticeValues(first+1, n)
	return r, err
}

// askTries is how often one request is taken when the same address is written
// by another transaction at the same moment: once is enough, after that the
// address is known.
const askTries = 3

// askTogether answers every request of a batch. If the batch fails as a whole,
// because another transaction wrote one of its addresses at the same moment,
// each request is taken by itself.
func (s *Store) askTogether(ctx context.Context, batch []*asked) {
	errs := make([]error, len(batch))
	for try := 1; ; try++ {
		err := s.write(ctx, func(q queries) error {
			clear(errs)
			return s.askIn(ctx, q, batch, errs)
		})
		if err == nil {
			break
		}
		if len(batch) > 1 {
			for i := range batch {
				s.askTogether(ctx, batch[i:i+1])
			}
			return
		}
		if errs[0] = err; epistle.KindOf(err) != epistle.Conflict || try == askTries {
			break
		}
	}
	for i, one := range batch {
		if errors.Is(errs[i], errNoMail) {
			errs[i] = nil
			if one.Dropped != nil {
				one.Dropped()
			}
		}
		one.done <- s.mapError(errs[i])
	}
}

// askIn writes what nobody knows yet in bulk, and takes the others one by one,
// each behind a savepoint; errNoMail is the error of who had their share.
func (s *Store) askIn(ctx context.Context, q queries, batch []*asked, errs []error) error {
	known, err := s.knownAmong(ctx, q, batch)
	if err != nil {
		return err
	}
	var limits, signups, notices [][]any
	var others []int
	for i, one := range batch {
		if known[string(one.index)] || one.signup == nil {
			others = append(others, i)
			continue
		}
		known[string(one.index)] = true // for a second request of this batch
		limits = append(limits, []any{one.index, micros(s.clock()), int64(1)})
		signups, notices = append(signups, one.signup), append(notices, one.notice)
	}
	for _, bulk := range []struct {
		into string
		rows [][]any
	}{{`mail_limit (address_index, since, mails)`, limits}, {signupInto, signups}, {noticeInto, notices}} {
		if err := s.dialect.insertMany(ctx, q, bulk.into, bulk.rows); err != nil {
			return err
		}
	}
	for _, i := range others {
		if errs[i], err = s.apart(ctx, q, func() error { return s.askOne(ctx, q, batch[i]) }); err != nil {
			return err
		}
	}
	return nil
}

// knownAmong finds the addresses of which anything is known that counts for a
// request.
func (s *Store) knownAmong(ctx context.Context, q queries, batch []*asked) (map[string]bool, error) {
	indexes := make([][]byte, len(batch))
	for i, one := range batch {
		indexes[i] = one.index
	}
	among, args, err := s.dialect.among(indexes)
	if err != nil {
		return nil, err
	}
	var query string
	var all []any
	for i, from := range []string{"mail_limit", "subscriber", "suppression", "signup"} {
		if i > 0 {
			query += ` UNION ALL `
		}
		query += `SELECT address_index FROM ` + from + ` WHERE address_index ` + among
		all = append(all, args...)
	}
	var found [][]byte
	if err := q.all(ctx, &found, query, all...); err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, index := range found {
		known[string(index)] = true
	}
	return known, nil
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
