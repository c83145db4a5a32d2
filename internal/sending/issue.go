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
		active, err := s.Store.ActiveSenders(ctx)
		if err != nil {
			s.failed(ctx, "look for issues to send", err)
			continue
		}
		sent := false
		for _, issue := range active {
			if issue.HasWork {
				sent = s.sendIssue(ctx, hard, issue.IssueID) || sent
			}
			if err := s.finish(hard, issue.IssueID); err != nil {
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

// run is one owner's work on one issue.
type run struct {
	*Service
	hard       context.Context
	issue      epistle.Issue
	fence      int64
	editions   *editions
	marker     *marker
	launched   *progress
	objections objections
	moved      atomic.Bool // something was launched or passed
	stop       context.CancelFunc
}

// sendIssue owns an issue until there is nothing left to send, or it is paused,
// cancelled or taken over, or ctx ends. It reports whether it got anywhere.
func (s *Service) sendIssue(ctx, hard context.Context, issueID epistle.ID) bool {
	r, claim, err := s.own(ctx, hard, issueID)
	if epistle.KindOf(err) == epistle.Conflict {
		return false // another daemon is at it
	}
	if err != nil {
		s.failed(ctx, "take an issue over", err)
		return false
	}
	ctx, r.stop = context.WithCancel(ctx)
	defer r.stop()
	go r.marker.run()
	var group sync.WaitGroup
	if !claim.Launched {
		group.Go(func() { r.launch(ctx) })
	}
	for range s.Connections {
		group.Go(func() {
			w := &worker{run: r, link: link{gateway: s.gateway}}
			defer w.link.leave()
			w.work(ctx)
		})
	}
	group.Wait()
	close(r.marker.requests)
	<-r.marker.ended
	return r.moved.Load()
}

// own reads the issue and takes the fence.
func (s *Service) own(ctx, hard context.Context, issueID epistle.ID) (*run, store.Sender, error) {
	claim, err := s.Store.AcquireSender(ctx, issueID, s.owner, s.lease)
	if err != nil {
		return nil, claim, err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return nil, claim, err
	}
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return nil, claim, err
	}
	if !issue.IsApproved() {
		// The states make this impossible; nothing unapproved is mailed even so.
		_, err := s.Store.StopIssue(ctx, issueID, "unapproved")
		return nil, claim, errors.Join(errors.New("an issue on its way is not approved"), err)
	}
	r := &run{Service: s, hard: hard, issue: issue, fence: claim.Fence,
		editions: newEditions(s.Renderer, newsletter, issue), launched: newProgress(claim.Last, claim.Launched)}
	r.marker = newMarker(s, hard, claim, r.launched)
	return r, claim, nil
}

// launch writes the deliveries, chunk by chunk, while the first are being sent.
func (r *run) launch(ctx context.Context) {
	monthly, err := r.isFirstOfMonth(ctx)
	for err != nil && ctx.Err() == nil {
		r.failed(ctx, "launch", err)
		monthly, err = r.isFirstOfMonth(ctx)
	}
	l := store.Launch{IssueID: r.issue.ID, NewsletterID: r.issue.NewsletterID, Fence: r.fence, Monthly: monthly}
	for ctx.Err() == nil {
		last, done, err := r.Store.LaunchChunk(ctx, l, r.chunkSize)
		switch {
		case err == nil:
			r.moved.Store(true)
			r.launched.move(last, done)
			if done {
				return
			}
		case epistle.KindOf(err) == epistle.Conflict: // paused, cancelled, taken over
			r.stop()
			return
		default:
			r.failed(ctx, "launch", err)
		}
	}
}

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
	stopped, err := r.Store.StopIssue(r.hard, r.issue.ID, HeldByPolicy)
	for err != nil && r.hard.Err() == nil {
		r.failed(r.hard, "stop an issue", err)
		stopped, err = r.Store.StopIssue(r.hard, r.issue.ID, HeldByPolicy)
	}
	if stopped {
		r.Log.Warn("sending: the relay objects, the issue is paused", "issue", r.issue.ID)
		r.outbox.wake()
	}
	r.stop()
}

// errNotNow ends a worker whose issue is paused, cancelled, corrected or taken
// over; errBlocked is about one person who must not be mailed.
var (
	errNotNow  = errors.New("the issue is not to be sent now")
	errBlocked = errors.New("this person is not to be mailed")
)

// progress says how far the launch has come.
type progress struct {
	mu      sync.Mutex
	seq     int64
	done    bool
	changed chan struct{} // closed at the next change
}

func newProgress(seq int64, done bool) *progress {
	return &progress{seq: seq, done: done, changed: make(chan struct{})}
}

func (p *progress) move(seq int64, done bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq, p.done = seq, done
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *progress) last() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
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
