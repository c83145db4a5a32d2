package sending

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/store"
)

// worker is one connection's work within a run.
type worker struct {
	*run
	link      link
	span      *span
	at        int64       // the sequence number that is next; span.Done belongs to the marker
	pending   chan answer // of the last request that was not waited for
	check     store.Check
	checkedAt time.Time // when the check began
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
			if !errors.Is(err, context.Canceled) && !errors.Is(err, errNotNow) && !errors.Is(err, errFenced) {
				w.failed(ctx, "send", err)
			}
			w.stop()
			return
		}
	}
}

func (w *worker) take() (*span, error) {
	answer := w.ask(request{take: true})
	got := <-answer
	return got.span, got.err
}

func (w *worker) ask(r request) chan answer {
	r.answer = make(chan answer, 1)
	w.marker.requests <- r
	return r.answer
}

// pass publishes that the range is done up to seq. It does not wait; settled
// does, before the next body goes out.
func (w *worker) pass(seq int64, result *store.Result) {
	w.at = seq + 1
	w.moved.Store(true)
	w.pending = w.ask(request{span: w.span, done: seq, result: result})
}

// settled returns once all that was passed is committed. Requests are answered
// in order, so the last answer speaks for all.
func (w *worker) settled() error {
	if w.pending == nil {
		return nil
	}
	got := <-w.pending
	w.pending = nil
	return got.err
}

// sendSpan sends what is left of a range.
func (w *worker) sendSpan(ctx context.Context, span *span) error {
	w.span, w.at, w.checkedAt = span, span.Done+1, time.Time{}
	last := span.Last
	recipients, err := w.recipients(ctx, w.at, last)
	if err != nil {
		return err
	}
	for _, r := range recipients {
		if err := ctx.Err(); err != nil {
			return errors.Join(err, w.settled())
		}
		if err := w.sendOne(ctx, r); err != nil {
			return errors.Join(err, w.settled())
		}
	}
	if len(recipients) == 0 || recipients[len(recipients)-1].Seq < last {
		w.pass(last, nil) // the rest was settled before, or is nobody's any more
	}
	return w.settled()
}

// recipients waits out a database that is away.
func (w *worker) recipients(ctx context.Context, first, last int64) ([]store.Recipient, error) {
	for {
		all, err := w.Store.QueuedRecipients(ctx, w.issue.ID, first, last)
		if err == nil || epistle.KindOf(err) != epistle.Unavailable || ctx.Err() != nil {
			return all, err
		}
		w.failed(ctx, "read recipients", err)
	}
}

// sendOne mails one person, and passes them whatever came of it. An error means
// that nothing was sent and the person is still to come.
func (w *worker) sendOne(ctx context.Context, r store.Recipient) error {
	sure := func() error { return w.sure(ctx, r.Seq) }
	if err := sure(); errors.Is(err, errBlocked) {
		result := skipped(r)
		w.pass(r.Seq, &result)
		return nil
	} else if err != nil {
		return err
	}
	message, err := w.editions.message(r)
	if err != nil {
		w.Log.Error("sending: a mail cannot be made", "issue", r.IssueID, "seq", r.Seq, "error", err)
		w.pass(r.Seq, &store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Failed})
		return nil
	}
	if err := w.limiter.Wait(ctx); err != nil {
		return err
	}
	outcome, err := w.link.deliver(ctx, w.hard, message, care{settled: w.settled, sure: sure})
	if errors.Is(err, errBlocked) {
		result := skipped(r)
		w.pass(r.Seq, &result)
		return nil
	}
	if err != nil {
		return err
	}
	w.passed(r, outcome)
	return nil
}

// passed publishes an outcome.
func (w *worker) passed(r store.Recipient, o relay.Outcome) {
	if o.Class == relay.Accepted {
		w.pass(r.Seq, nil)
	} else {
		result := resultOf(r, o, w.Clock())
		w.pass(r.Seq, &result)
		w.single.wake()
	}
	if w.objections.stops(o, r.Attempts == 0) {
		w.object()
	}
}

// sure returns nil if a person of the range may be mailed, on a check that is
// fresh: errBlocked if not, errNotNow if nobody is to be mailed.
func (w *worker) sure(ctx context.Context, seq int64) error {
	for tolerable := w.freshness; time.Since(w.checkedAt) > tolerable; tolerable = promised {
		began := time.Now()
		check, err := w.Store.CheckRange(ctx, w.issue.ID, w.at, w.span.Last)
		if err != nil && epistle.KindOf(err) == epistle.Unavailable && ctx.Err() == nil {
			w.failed(ctx, "check who may be mailed", err)
			continue
		}
		if err != nil {
			return err
		}
		w.check, w.checkedAt = check, began
	}
	return judgeCheck(w.check, seq, w.issue.Version, w.fence)
}

// judgeCheck reads a check for one person.
func judgeCheck(c store.Check, seq, version, fence int64) error {
	moving := c.State == epistle.IssueLaunching || c.State == epistle.IssueSending
	if !moving || c.Withdrawn || c.Version != version || c.Fence != fence {
		return errNotNow
	}
	if c.Blocked[seq] {
		return errBlocked
	}
	return nil
}
