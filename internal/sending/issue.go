package sending

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// sendIssues looks for issues to send, one at a time so that all connections
// serve the one that was launched first, and closes those that are done.
func (s *Service) sendIssues(ctx, hard context.Context) {
	for ctx.Err() == nil {
		tasks, err := s.Store.Tasks(ctx)
		if err != nil {
			s.failed(ctx, "look for issues to send", err)
			continue
		}
		sent := false
		for _, task := range tasks {
			if task.HasWork && (task.Launching || s.gateway.restsUntil().IsZero()) {
				sent = s.sendIssue(ctx, hard, task.IssueID) || sent
			}
			if err := s.finish(hard, task.IssueID); err != nil {
				s.failed(ctx, "close an issue", err)
			}
		}
		if !sent {
			_ = s.wait(ctx, s.poll, s.bulk) // the loop sees that ctx ended
		}
	}
}

// finish closes an issue if all its deliveries are final.
func (s *Service) finish(ctx context.Context, issueID epistle.ID) error {
	finished, err := s.Store.FinishIssue(ctx, issueID)
	if finished {
		s.Log.Info("sending: an issue is sent", "issue", issueID)
		s.outbox.wake()
	}
	return err
}

// run is this daemon's work on one issue: one share of it.
type run struct {
	*Service
	hard       context.Context
	issue      epistle.Issue
	editions   *editions
	marker     *marker
	launched   *progress
	reading    chan struct{} // holds those who read a range at this moment
	objections objections
	refusals   refusals
	moved      atomic.Bool // something was launched or passed
	stop       context.CancelFunc
}

// sendIssue works on an issue until there is nothing left to send, or it is
// paused, cancelled or taken over, or ctx ends. It reports whether it got
// anywhere.
func (s *Service) sendIssue(ctx, hard context.Context, issueID epistle.ID) bool {
	r, err := s.join(ctx, hard, issueID)
	if err != nil {
		s.failed(ctx, "begin with an issue", err)
		return false
	}
	s.gateway.tryDenied()
	ctx, r.stop = context.WithCancel(ctx)
	defer r.stop()
	go r.marker.run()
	var group sync.WaitGroup
	group.Go(func() { r.launch(ctx) })
	for n := range s.gateway.connections() {
		group.Go(func() {
			w := newWorker(r, n)
			defer w.link.leave()
			w.work(ctx)
		})
	}
	group.Wait()
	close(r.marker.requests)
	<-r.marker.ended
	if s.gateway.denied() {
		r.stopIf("the relay refuses our password", func(ctx context.Context) (bool, error) {
			return r.Store.StopIssue(ctx, r.issue.ID, store.HeldForPassword)
		})
	}
	return r.moved.Load()
}

// join reads the issue and opens a share of it.
func (s *Service) join(ctx, hard context.Context, issueID epistle.ID) (*run, error) {
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return nil, err
	}
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return nil, err
	}
	if !issue.IsApproved() {
		// The states make this impossible; nothing unapproved is mailed even so.
		_, err := s.Store.StopIssue(ctx, issueID, "unapproved")
		return nil, errors.Join(errors.New("an issue on its way is not approved"), err)
	}
	share, err := s.Store.OpenShare(ctx, issueID, s.owner, s.lease)
	if err != nil {
		return nil, err
	}
	return &run{Service: s, hard: hard, issue: issue, editions: newEditions(s.Renderer, newsletter, issue),
		launched: newProgress(), reading: make(chan struct{}, readers), marker: newMarker(s, hard, issueID, share, newsletter.Hold)}, nil
}

// readers is how many ranges are read at once. All connections together would make
// the database open connections that nobody needs afterwards.
const readers = 4

// launch writes the deliveries, chunk by chunk, while the first are being sent;
// or follows the daemon that does.
func (r *run) launch(ctx context.Context) {
	monthly, err := r.isFirstOfMonth(ctx)
	for err != nil && ctx.Err() == nil {
		r.failed(ctx, "launch", err)
		monthly, err = r.isFirstOfMonth(ctx)
	}
	l := store.Launch{IssueID: r.issue.ID, NewsletterID: r.issue.NewsletterID, Monthly: monthly}
	for ctx.Err() == nil {
		p, err := r.Store.LaunchChunk(ctx, l, r.chunkSize)
		switch {
		case err == nil:
			r.launched.move(p.Launched)
			if p.Launched {
				return
			}
			if p.Busy {
				_ = r.wait(ctx, followPause, nil) // the loop sees that ctx ended
				continue
			}
			r.moved.Store(true)
		case epistle.KindOf(err) == epistle.Conflict: // paused or cancelled
			r.stop()
			return
		default:
			r.failed(ctx, "launch", err)
		}
	}
}

// followPause is between two looks at another daemon's launch.
const followPause = 50 * time.Millisecond

// isFirstOfMonth reports whether no other issue was launched before this one in
// its month, where the newsletter lives.
func (r *run) isFirstOfMonth(ctx context.Context) (bool, error) {
	zone, err := r.editions.newsletter.Location()
	if err != nil {
		return false, err
	}
	year, month, _ := r.issue.LaunchedAt.In(zone).Date()
	others, err := r.Store.LaunchedBetween(ctx, r.issue.NewsletterID, time.Date(year, month, 1, 0, 0, 0, 0, zone), r.issue.LaunchedAt)
	return others == 0, err
}

// object stops the issue, if an outcome is reason to, and tells the staff.
func (r *run) object() {
	r.stopIf("the relay objects", func(ctx context.Context) (bool, error) {
		return r.Store.StopIssue(ctx, r.issue.ID, HeldByPolicy)
	})
	r.stop()
}

// judgeRefusals stops the issue if too many were refused for good.
func (r *run) judgeRefusals() {
	if r.stopIf("too many addresses are refused", func(ctx context.Context) (bool, error) {
		return r.Store.StopForRefusals(ctx, r.issue.ID)
	}) {
		r.stop()
	}
}

// stopIf asks the store to stop the issue, and reports whether it did.
func (r *run) stopIf(why string, ask func(ctx context.Context) (bool, error)) bool {
	stopped, err := ask(r.hard)
	for err != nil && r.hard.Err() == nil {
		r.failed(r.hard, "stop an issue", err)
		stopped, err = ask(r.hard)
	}
	if stopped {
		r.Log.Warn("sending: an issue is paused", "issue", r.issue.ID, "reason", why)
		r.outbox.wake()
	}
	return stopped
}

// errNotNow ends a worker whose issue is paused, cancelled, corrected or taken
// over; errBlocked is about one person who must not be mailed.
var (
	errNotNow  = errors.New("the issue is not to be sent now")
	errBlocked = errors.New("this person is not to be mailed")
)

// progress says when a launch has come further.
type progress struct {
	mu      sync.Mutex
	done    bool
	changed chan struct{} // closed at the next change
}

func newProgress() *progress { return &progress{changed: make(chan struct{})} }

func (p *progress) move(done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = done
	close(p.changed)
	p.changed = make(chan struct{})
}

// next returns what is closed when there is more; nil when nothing will come.
func (p *progress) next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return nil
	}
	return p.changed
}
