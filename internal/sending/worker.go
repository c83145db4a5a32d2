package sending

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/render"
	"epistle/internal/store"
)

// worker is one connection's work within a run.
type worker struct {
	*run
	link    link
	span    *span
	first   int64             // of the range, whom nobody has passed yet
	people  []store.Recipient // of the range, those still to come
	results []store.Result    // since the last pass, of those not simply accepted
	letters [2]letter         // one under way, one made meanwhile
	turn    int

	request  request // to the marker; one at a time
	asked    bool    // its answer is still to come
	posted   int64   // the last that it told the marker of
	stands   int64   // the last of these that is committed
	postedAt time.Time
	noted    bool  // all that was passed is in the journal
	place    int   // in the journal
	refusal  int   // how many it tells of were refused for good
	refused  error // what the marker said to the last pass, once it is known

	check     store.Check
	checkedAt time.Time // when the check began
}

// letter is one person's mail, ready for the wire.
type letter struct {
	to      store.Recipient
	wire    render.Wire
	scratch render.Scratch
	paid    *route // the relay that it was admitted to; nil: not yet
}

// newWorker makes the worker of a connection, whose place in the journal is its
// own.
func newWorker(r *run, place int) *worker {
	return &worker{run: r, place: place, link: link{gateway: r.gateway, purpose: forBulk}, request: request{answer: make(chan answer, 1)}}
}

// work takes ranges until there are none.
func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil {
		more := w.launched.next() // before asking, so that no change is missed
		span, err := w.take()
		if err != nil {
			w.stop()
			return
		}
		if span == nil {
			if more == nil {
				return
			}
			select {
			case <-more:
			case <-ctx.Done():
			}
			continue
		}
		if err := w.sendSpan(ctx, span); err != nil {
			if errors.Is(err, errSpent) {
				return // the launch goes on
			}
			if !errors.Is(err, context.Canceled) && !errors.Is(err, errNotNow) && !errors.Is(err, errFenced) {
				w.failed(ctx, "send", err)
			}
			w.stop()
			return
		}
	}
}

func (w *worker) take() (*span, error) {
	w.request.take, w.request.patient, w.request.span, w.request.results = true, false, nil, nil
	w.marker.requests <- &w.request
	got := <-w.request.answer
	return got.span, got.err
}

// pass publishes that the range is done up to seq, with the results of those
// not simply accepted. It does not wait for the commit; certain does, before
// the next message is finished.
func (w *worker) pass(seq int64) error {
	w.moved.Store(true)
	w.first = seq + 1
	w.noted = w.isBusy() && w.note(seq)
	if w.noted && seq < w.span.Last && seq-w.posted < notesToAMark {
		return nil
	}
	return w.post(seq)
}

// notesToAMark is how many messages of a connection are noted before the marker
// hears of them. It commits those while the next are noted, so that a loss of
// power may undo twice as many.
const notesToAMark = 8

// isBusy reports whether messages follow each other so fast that each wait and
// each write counts. At leisure every message is marked, so that staff see it at
// once, and its body goes ahead of its dot, so that there is time to see the relay
// hang up in between.
func (w *worker) isBusy() bool { return time.Since(w.postedAt) < atLeisure }

const atLeisure = 20 * time.Millisecond

// note writes into the journal that the range is done up to seq, where there is
// one and that is all there is to say. Where a message in doubt is held, a loss
// of power must not undo it.
func (w *worker) note(seq int64) bool {
	journal := w.marker.share.Journal
	return journal != nil && !w.marker.hold && len(w.results) == 0 &&
		journal.Note(w.place, store.Note{Last: w.span.Last, Since: w.stands, Done: seq}) == nil
}

// post tells the marker that the range is done up to seq.
func (w *worker) post(seq int64) error {
	if err := w.settled(); err != nil {
		return err
	}
	w.request.take, w.request.patient = false, w.noted && seq < w.span.Last
	w.request.span, w.request.done, w.request.results = w.span, seq, w.results
	for _, r := range w.results {
		if isRefusal(r) {
			w.refusal++
		}
	}
	w.results, w.asked, w.posted, w.postedAt = nil, true, seq, time.Now()
	w.marker.requests <- &w.request
	return nil
}

// certain returns once no end of this process can undo what was passed.
func (w *worker) certain() error {
	if w.noted {
		return w.refused
	}
	return w.settled()
}

// settled returns once all that was passed is committed.
func (w *worker) settled() error {
	if w.asked {
		got := <-w.request.answer
		w.asked, w.refused = false, got.err
		if got.err == nil {
			w.stands = w.posted
		}
		if w.refusals.add(w.refusal) && got.err == nil {
			w.judgeRefusals()
		}
		w.refusal = 0
	}
	return w.refused
}

// sendSpan sends what is left of a range.
func (w *worker) sendSpan(ctx context.Context, span *span) (err error) {
	w.span, w.first, w.results, w.noted = span, span.Done+1, nil, false
	w.posted, w.stands = span.Done, span.Done
	defer func() { err = errors.Join(err, w.finish()) }()
	if err := w.read(ctx); err != nil {
		return err
	}
	current, err := w.prepare(ctx)
	if err != nil {
		return err // nobody was passed: the whole range is there for the next owner
	}
	if current == nil {
		return w.passBefore(nil)
	}
	for current != nil {
		if current, err = w.sendOne(ctx, current); err != nil {
			return err
		}
	}
	return nil
}

// finish has everything that was passed committed.
func (w *worker) finish() error {
	if done := w.first - 1; done > w.posted && w.refused == nil {
		w.results = nil // of those behind, whom nobody passed
		return errors.Join(w.post(done), w.settled())
	}
	return w.settled()
}

// read asks who is in the range, and waits out a database that is away.
func (w *worker) read(ctx context.Context) error {
	for {
		people, check, began, err := w.readOnce(ctx)
		if err == nil {
			err = w.pace.prepare(ctx, people)
		}
		if err != nil && epistle.KindOf(err) == epistle.Unavailable && ctx.Err() == nil {
			w.failed(ctx, "read recipients", err)
			continue
		}
		w.people, w.check, w.checkedAt = people, check, began
		return err
	}
}

// readOnce reads while few others do, and says when it began.
func (w *worker) readOnce(ctx context.Context) (people []store.Recipient, check store.Check, began time.Time, err error) {
	select {
	case w.reading <- struct{}{}:
	case <-ctx.Done():
		return nil, check, began, ctx.Err()
	}
	defer func() { <-w.reading }()
	began = time.Now()
	people, check, err = w.Store.ReadRange(ctx, w.issue.ID, w.first, w.span.Last)
	return people, check, began, err
}

// prepare makes the letter of the next person of the range who may be mailed;
// nil if there is none. Who may not is left out.
func (w *worker) prepare(ctx context.Context) (*letter, error) {
	for len(w.people) > 0 {
		to := &w.people[0]
		err := w.sure(ctx, to)
		if err != nil && !errors.Is(err, errBlocked) {
			return nil, err
		}
		w.people = w.people[1:]
		if err != nil {
			w.results = append(w.results, skipped(to))
			continue
		}
		if putOff, err := w.pace.admit(ctx, to); err != nil {
			return nil, err
		} else if !putOff.IsZero() {
			w.results = append(w.results, postponed(to, putOff))
			continue
		}
		made := &w.letters[1-w.turn] // the other one is under way
		made.to = *to
		if made.wire, err = w.editions.wire(&made.scratch, to); err != nil {
			w.Log.Error("sending: a mail cannot be made", "issue", w.issue.ID, "seq", to.Seq, "error", err)
			w.results = append(w.results, unmade(to))
			continue
		}
		made.paid = nil
		w.turn = 1 - w.turn
		return made, nil
	}
	return nil, nil
}

// sendOne mails one person, passes them whatever came of it, and returns the
// letter that comes next. With an error nothing more is to be sent; the person
// was passed, or nothing was sent to them.
func (w *worker) sendOne(ctx context.Context, current *letter) (*letter, error) {
	if err := w.admit(ctx, current); err != nil {
		return nil, err
	}
	p := &passage{worker: w, ctx: ctx, letter: current}
	outcome, err := w.link.deliver(ctx, w.hard, p, current.paid)
	switch {
	case errors.Is(err, errBlocked):
		w.results = append(w.results, skipped(&current.to))
	case err != nil:
		return nil, err
	default:
		w.judge(&current.to, outcome)
	}
	if next, err := p.prepareNext(); err == nil {
		return next, w.passBefore(next)
	}
	return nil, errors.Join(p.err, w.pass(current.to.Seq))
}

// admit waits for a letter's turn, and waits out a database that is away.
func (w *worker) admit(ctx context.Context, l *letter) (err error) {
	for l.paid == nil && err == nil {
		l.paid, err = w.link.admit(ctx, w.hard)
		if epistle.KindOf(err) == epistle.Unavailable && ctx.Err() == nil {
			w.failed(ctx, "keep to the limits", err)
			err = nil
		}
	}
	return errors.Join(err, ctx.Err())
}

// passBefore passes everybody before a letter, or all that is left.
func (w *worker) passBefore(next *letter) error {
	if next == nil {
		return w.pass(w.span.Last)
	}
	return w.pass(next.to.Seq - 1)
}

// judge notes what an outcome means for a person, and for the issue.
func (w *worker) judge(to *store.Recipient, o relay.Outcome) {
	w.pace.learn(w.hard, to.Lane, o)
	if o.Class != relay.Accepted {
		w.results = append(w.results, resultOf(to, o, w.Clock()))
		w.single.wake()
	}
	if w.objections.stops(o, to) {
		w.object()
	}
}

// sure returns nil if a person of the range may be mailed, on a check that is
// fresh: errBlocked if not, errNotNow if nobody is to be mailed.
func (w *worker) sure(ctx context.Context, to *store.Recipient) error {
	for tolerable := w.freshness; time.Since(w.checkedAt) > tolerable; tolerable = promised {
		began := time.Now()
		check, err := w.Store.CheckRange(ctx, w.issue.ID, w.first, w.span.Last)
		if err != nil && epistle.KindOf(err) == epistle.Unavailable && ctx.Err() == nil {
			w.failed(ctx, "check who may be mailed", err)
			continue
		}
		if err != nil {
			return err
		}
		w.check, w.checkedAt = check, began
	}
	if to.Blocked {
		return errBlocked
	}
	return judgeCheck(w.check, to.Seq, w.issue.Version)
}

// judgeCheck reads a check for one person.
func judgeCheck(c store.Check, seq, version int64) error {
	moving := c.State == epistle.IssueLaunching || c.State == epistle.IssueSending
	if !moving || c.Withdrawn || c.Version != version {
		return errNotNow
	}
	if c.Blocked[seq] {
		return errBlocked
	}
	return nil
}

// passage is a worker's letter on its way.
type passage struct {
	*worker
	ctx      context.Context
	letter   *letter
	next     *letter
	err      error // of preparing next
	prepared bool
}

func (p *passage) envelope() relay.Envelope { return p.letter.envelope() }
func (p *passage) body() [][]byte           { return p.letter.wire.Pieces }
func (p *passage) once() bool               { return p.marker.hold }
func (p *passage) prompt() bool             { return p.isBusy() }
func (p *passage) sure() error              { return p.worker.sure(p.ctx, &p.letter.to) }

func (l *letter) envelope() relay.Envelope {
	return relay.Envelope{From: l.wire.ReturnPath, To: l.wire.To}
}

// prepareNext makes the next letter, once.
func (p *passage) prepareNext() (*letter, error) {
	if !p.prepared {
		p.next, p.err = p.prepare(p.ctx)
		p.prepared = true
	}
	return p.next, p.err
}

// beforeDot uses the time that the mark of the message before takes for the
// next letter, and announces that one if it may go at once.
func (p *passage) beforeDot() (*relay.Envelope, error) {
	next, _ := p.prepareNext() // its error ends the work after this letter
	if err := p.certain(); err != nil {
		return nil, err
	}
	if err := p.sure(); err != nil {
		return nil, err
	}
	if next == nil || !p.mayFollow(next) {
		return nil, nil
	}
	announced := next.envelope()
	return &announced, nil
}

// mayFollow reports whether a letter may go at once, over the same connection.
func (p *passage) mayFollow(next *letter) bool {
	if p.ctx.Err() != nil || p.worker.sure(p.ctx, &next.to) != nil {
		return false
	}
	if next.paid == nil {
		next.paid = p.link.admitNow()
	}
	return next.paid != nil && next.paid == p.link.route
}
