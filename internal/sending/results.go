package sending

import (
	"math/rand/v2"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/store"
)

// patience is how long a delivery is tried; weekly news goes stale.
const patience = 48 * time.Hour

// longestDelay bounds the time between two attempts.
const longestDelay = time.Hour

// nextTry says when to try again after a number of attempts: one to five
// minutes after the first, doubling up to an hour. It reports false when that
// would be too long after the first moment.
func nextTry(now, first time.Time, attempts int) (time.Time, bool) {
	delay := time.Minute + rand.N(4*time.Minute)
	delay = min(delay<<min(max(attempts-1, 0), 8), longestDelay)
	next := now.Add(delay)
	return next, next.Before(first.Add(patience))
}

// resultOf is what an outcome means for a delivery. A refusal for reasons of
// policy is not the person's fault: it is tried once more, when staff have had
// a look, before it is final.
func resultOf(r *store.Recipient, o relay.Outcome, now time.Time) store.Result {
	result := store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, Attempted: true, Code: o.Code, Status: o.Status}
	attempts := r.Attempts + 1
	switch o.Class {
	case relay.Accepted:
		result.State = epistle.Accepted
	case relay.Uncertain:
		result.State = epistle.Uncertain
	case relay.PersonGone:
		result.State, result.Gone = epistle.Failed, true
	case relay.Permanent:
		result.State = epistle.Failed
	case relay.Policy:
		if o.Code >= 500 && attempts > 1 {
			result.State = epistle.Failed
			break
		}
		putOff(&result, now, r.FirstAt, attempts)
	default:
		putOff(&result, now, r.FirstAt, attempts)
	}
	return result
}

func putOff(result *store.Result, now, first time.Time, attempts int) {
	next, inTime := nextTry(now, first, attempts)
	if !inTime {
		result.State = epistle.Failed
		return
	}
	result.State, result.NextAt = epistle.Deferred, next
}

// skipped is the result of a delivery to somebody who may not be mailed.
func skipped(r *store.Recipient) store.Result {
	return store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Skipped}
}

// postponed is the result of a delivery that must wait for a moment that its
// lane was debited for. Nobody was asked.
func postponed(r *store.Recipient, at time.Time) store.Result {
	return store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Deferred, NextAt: at, Reserved: true}
}

// unmade is the result of a delivery whose mail cannot be made.
func unmade(r *store.Recipient) store.Result {
	return store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Failed}
}

// givenUp is the result of a delivery that was not accepted in all the time that
// mail is tried. It keeps what the relay said the last time, if it was asked.
func givenUp(r *store.Recipient) store.Result {
	return store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Failed}
}

// doubtful is the result of a delivery that may have arrived before a daemon
// died, where such mail is not sent again.
func doubtful(r *store.Recipient) store.Result {
	return store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Uncertain, Attempted: true}
}

// objections counts refusals for reasons of policy, to tell an objection to us
// or to the issue from one to a single recipient.
type objections struct {
	mu       sync.Mutex
	accepted bool // something was
	inARow   int
	lanes    map[laneKey]bool // of those in a row
}

// objectionLimit is how many such refusals in a row, with nothing accepted
// between, are about the issue. If they come from few domains they are about
// those, unless the relay has never taken anything: for a domain that refuses for
// the time being there is a breaker, and what it refuses for good is final.
const (
	objectionLimit = 10
	objectionLanes = 3
)

// stops reports that an outcome is reason to stop the issue: the relay refuses
// for good, on first sight, the sender or the content; or it has refused one
// recipient after the other.
func (c *objections) stops(o relay.Outcome, to *store.Recipient) bool {
	if o.Class != relay.Accepted && o.Class != relay.Policy {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Class == relay.Accepted {
		c.accepted, c.inARow, c.lanes = true, 0, nil
		return false
	}
	if c.lanes == nil {
		c.lanes = map[laneKey]bool{}
	}
	c.inARow++
	c.lanes[keyOf(to.Lane)] = true
	fresh := o.Code >= 500 && to.Attempts == 0 // of the others it is known
	return c.inARow >= objectionLimit && (fresh && !c.accepted || len(c.lanes) >= objectionLanes) ||
		fresh && o.OfMessage()
}

// refusals decides when to ask whether too many of an issue were refused for
// good: after nearly each of the first, and ever more rarely then, since the
// share moves less and less.
type refusals struct {
	mu         sync.Mutex
	seen, next int
}

// add counts refusals, and reports true if it is time to ask.
func (c *refusals) add(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen += n
	if n == 0 || c.seen < c.next {
		return false
	}
	c.next = c.seen + 1 + c.seen/50
	return true
}

// isRefusal reports that a mail was refused for good.
func isRefusal(r store.Result) bool { return r.State == epistle.Failed && r.Code >= 500 }
