package sending

import (
	"context"
	"errors"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/render"
	"epistle/internal/store"
)

const (
	// dueLease is how long after a daemon has died another one sends what it had
	// claimed. A database that is away for less costs no claim.
	dueLease = 30 * time.Second
	// dueStart is how long after the claim a message may still begin: what waits
	// behind a slow one is given back to whoever has time.
	dueStart = 15 * time.Second
	// dueBatch is how many deliveries are claimed at once.
	dueBatch = 20
)

// sendWelcomes sends welcomes, and those that are tried again, over a connection
// of their own, so that they wait for nobody's retries.
func (s *Service) sendWelcomes(ctx, hard context.Context) {
	s.sendDue(ctx, hard, epistle.WelcomeDelivery, newSignal())
}

// sendRetries sends what was deferred or put off over a connection of its own.
// When much is due, as after a domain's rest, helpers take some of it over the
// connections that bulk mail leaves free.
func (s *Service) sendRetries(ctx, hard context.Context) {
	var helpers sync.WaitGroup
	defer helpers.Wait()
	crowd := newSignal()
	for range s.gateway.connections() - 1 {
		helpers.Go(func() { s.helpWithDue(ctx, hard, crowd) })
	}
	s.sendDue(ctx, hard, epistle.BulkDelivery, crowd)
}

// sendDue sends single deliveries of a kind whose time has come, each recorded
// before the next begins.
func (s *Service) sendDue(ctx, hard context.Context, kind epistle.DeliveryKind, crowd signal) {
	d := &dueSender{Service: s, hard: hard, kind: kind, link: link{gateway: s.gateway, purpose: forSingle}}
	defer d.link.leave()
	wake := s.single
	if kind == epistle.WelcomeDelivery {
		wake = s.welcome
	}
	for ctx.Err() == nil {
		if s.gateway.restsUntil().IsZero() && d.sendSome(ctx, crowd) {
			continue
		}
		d.link.leave()
		_ = s.wait(ctx, s.poll, wake) // the loop sees that ctx ended
	}
}

// helpWithDue sends due deliveries while there are many, and no bulk mail waits
// for the connection.
func (s *Service) helpWithDue(ctx, hard context.Context, crowd signal) {
	d := &dueSender{Service: s, hard: hard, kind: epistle.BulkDelivery, link: link{gateway: s.gateway, purpose: forHelp}}
	defer d.link.leave()
	for {
		select {
		case <-ctx.Done():
			return
		case <-crowd:
		}
		// The connection comes first, so that nothing is claimed and waits.
		for s.gateway.waiting.Load() == 0 && d.link.connect(ctx, hard) == nil && d.sendSome(ctx, crowd) {
		}
		d.link.leave()
	}
}

// sendSome claims and sends a batch, and reports whether there may be more. As
// long as the outcome of another delivery cannot be recorded nothing is claimed:
// it would be first in the line.
func (d *dueSender) sendSome(ctx context.Context, crowd signal) bool {
	if d.unsettled.Load() > 0 {
		return false
	}
	claimed, err := d.Store.ClaimDue(ctx, d.kind, dueLease, dueBatch)
	if err != nil {
		d.failed(ctx, "look for due deliveries", err)
		return ctx.Err() == nil
	}
	if len(claimed) > dueBatch/2 {
		crowd.wake()
	}
	d.sendAll(ctx, &batch{claimed: claimed})
	return len(claimed) > 0 && ctx.Err() == nil
}

type dueSender struct {
	*Service
	hard    context.Context
	kind    epistle.DeliveryKind
	link    link
	scratch render.Scratch
}

// batch is some claimed deliveries. What is to be settled yet is kept, so that
// nobody else claims it as long as this daemon lives.
type batch struct {
	mu      sync.Mutex
	claimed []store.Recipient // not settled
}

// keep renews the batch's claims until ctx ends, as long as there is a relay:
// another daemon may have one that works.
func (d *dueSender) keep(ctx context.Context, b *batch) {
	for d.wait(ctx, dueLease/3, nil) == nil {
		if !d.gateway.works() {
			continue
		}
		b.mu.Lock()
		keeping, cancel := context.WithTimeout(ctx, commitTime)
		if err := d.Store.KeepDue(keeping, b.claimed, dueLease); err != nil && ctx.Err() == nil {
			d.Log.Warn("sending: could not keep due deliveries", "error", err)
		}
		cancel()
		b.mu.Unlock()
	}
}

// settled records what became of the batch's first delivery.
func (d *dueSender) settled(b *batch, result store.Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d.settle(b.claimed[0], result)
	b.claimed = b.claimed[1:]
}

// sendAll works through a batch, and gives back what it cannot begin.
func (d *dueSender) sendAll(ctx context.Context, b *batch) {
	keeping, done := context.WithCancel(d.hard)
	var keeper sync.WaitGroup
	keeper.Go(func() { d.keep(keeping, b) })
	defer keeper.Wait()
	defer done()
	began := time.Now()
	byIssue := map[epistle.ID]*dueIssue{}
	for len(b.claimed) > 0 {
		r := b.claimed[0]
		result := giveBack(r, d.Clock())
		if ctx.Err() == nil && time.Since(began) < dueStart {
			issue, err := d.issueOf(ctx, byIssue, r.IssueID)
			if err == nil {
				result, err = d.sendOne(ctx, issue, r)
			}
			if err != nil {
				d.reportUnsent(ctx, err)
				result = giveBack(r, d.Clock().Add(d.poll))
			}
		}
		d.settled(b, result)
		if issue := byIssue[r.IssueID]; isRefusal(result) && r.Kind == epistle.BulkDelivery && issue.refusals.add(1) {
			d.judgeRefusals(r.IssueID)
		}
	}
	for id := range byIssue {
		if err := d.finish(d.hard, id); err != nil {
			d.failed(ctx, "close an issue", err)
		}
	}
}

func (d *dueSender) reportUnsent(ctx context.Context, err error) {
	ordinary := errors.Is(err, errNotNow) || errors.Is(err, errSpent) || errors.Is(err, errBusy) || errors.Is(err, context.Canceled) ||
		epistle.KindOf(err) == epistle.Conflict // somebody else has it
	if !ordinary {
		d.failed(ctx, "send a due delivery", err)
	}
}

// dueIssue is what all due deliveries of an issue share.
type dueIssue struct {
	editions   *editions
	objections objections
	refusals   refusals
}

func (d *dueSender) issueOf(ctx context.Context, known map[epistle.ID]*dueIssue, id epistle.ID) (*dueIssue, error) {
	if issue, ok := known[id]; ok {
		return issue, nil
	}
	issue, err := d.Store.Issue(ctx, id)
	if err != nil {
		return nil, err
	}
	newsletter, err := d.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return nil, err
	}
	if !issue.IsApproved() {
		return nil, errNotNow
	}
	known[id] = &dueIssue{editions: newEditions(d.Renderer, newsletter, issue)}
	return known[id], nil
}

// sendOne mails one person. An error means that nothing was sent.
func (d *dueSender) sendOne(ctx context.Context, issue *dueIssue, r store.Recipient) (store.Result, error) {
	if r.Begun && issue.editions.newsletter.Hold {
		return doubtful(&r), nil
	}
	if putOff, err := d.pace.admitSingle(ctx, &r); err != nil {
		return store.Result{}, err
	} else if !putOff.IsZero() {
		return d.putOff(&r, putOff), nil
	}
	p := &duePassage{dueSender: d, ctx: ctx, issue: issue, to: &r}
	err := p.sure()
	if err == nil {
		if p.wire, err = issue.editions.wire(&d.scratch, &r); err != nil {
			d.Log.Error("sending: a mail cannot be made", "issue", r.IssueID, "seq", r.Seq, "error", err)
			return unmade(&r), nil
		}
	}
	var paid *route
	if err == nil {
		paid, err = d.link.admit(ctx, d.hard)
	}
	var outcome relay.Outcome
	if err == nil {
		outcome, err = d.link.deliver(ctx, d.hard, p, paid)
	}
	if errors.Is(err, errBlocked) {
		return skipped(&r), nil
	}
	if err != nil {
		return store.Result{}, err
	}
	d.pace.learn(d.hard, r.Lane, outcome)
	if issue.objections.stops(outcome, &r) {
		if _, err := d.Store.StopIssue(d.hard, r.IssueID, HeldByPolicy); err != nil {
			d.failed(d.hard, "stop an issue", err)
		}
		d.outbox.wake()
	}
	return resultOf(&r, outcome, d.Clock()), nil
}

// putOff is the result of a delivery whose lane must wait. One that a domain has
// kept out all the time that mail is tried is given up without its turn.
func (d *dueSender) putOff(r *store.Recipient, at time.Time) store.Result {
	if d.pace.isShut(r.Lane) && !d.Clock().Before(r.FirstAt.Add(patience)) {
		return givenUp(r)
	}
	return postponed(r, at)
}

// judgeRefusals stops an issue if too many were refused for good.
func (d *dueSender) judgeRefusals(id epistle.ID) {
	stopped, err := d.Store.StopForRefusals(d.hard, id)
	if err != nil {
		d.failed(d.hard, "stop an issue", err)
	}
	if stopped {
		d.outbox.wake()
	}
}

// duePassage is a single delivery on its way.
type duePassage struct {
	*dueSender
	ctx       context.Context
	issue     *dueIssue
	to        *store.Recipient
	wire      render.Wire
	check     store.Check
	checkedAt time.Time
}

func (p *duePassage) envelope() relay.Envelope {
	return relay.Envelope{From: p.wire.ReturnPath, To: p.wire.To}
}
func (p *duePassage) body() [][]byte { return p.wire.Pieces }
func (p *duePassage) once() bool     { return p.issue.editions.newsletter.Hold }
func (p *duePassage) prompt() bool   { return false }

// beforeDot also notes that the dot goes out where that must be known.
func (p *duePassage) beforeDot() (*relay.Envelope, error) {
	err := p.sure()
	if err == nil && p.issue.editions.newsletter.Hold {
		err = p.Store.BeginDue(p.ctx, *p.to)
	}
	return nil, err
}

func (p *duePassage) sure() (err error) {
	for tolerable := p.freshness; time.Since(p.checkedAt) > tolerable; tolerable = promised {
		began := time.Now()
		if p.check, err = p.Store.CheckDue(p.ctx, *p.to); err != nil {
			return err
		}
		p.checkedAt = began
	}
	check := p.check
	if check.State == epistle.IssueSent {
		check.State = epistle.IssueSending // welcomes go on
	}
	return judgeCheck(check, p.to.Seq, p.issue.editions.issue.Version)
}

// giveBack leaves a delivery as it was, to be claimed again at a time.
func giveBack(r store.Recipient, at time.Time) store.Result {
	result := store.Result{Seq: r.Seq, SubscriberID: r.SubscriberID, State: epistle.Deferred, NextAt: at}
	// Only a welcome, which is in no range, was queued before.
	if r.Attempts == 0 && r.Kind == epistle.WelcomeDelivery {
		result.State = epistle.Queued
	}
	return result
}

// settle records a result, however long the database takes: nothing more is
// sent, or claimed, before it stands.
func (d *dueSender) settle(r store.Recipient, result store.Result) {
	for first := true; ; first = false {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(d.hard), commitTime)
		err := d.Store.SettleDue(ctx, r, result)
		cancel()
		if err == nil {
			return
		}
		if epistle.KindOf(err) == epistle.Conflict || d.hard.Err() != nil {
			d.Log.Warn("sending: could not record a delivery", "issue", r.IssueID, "seq", r.Seq, "error", err)
			return
		}
		if first {
			d.unsettled.Add(1)
			defer d.unsettled.Add(-1)
		}
		d.failed(d.hard, "record a delivery", err)
	}
}
