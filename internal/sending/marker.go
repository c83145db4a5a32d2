package sending

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// errFenced ends a run whose issue another daemon has taken over, or that could
// not record what it did.
var errFenced = errors.New("the issue is no longer ours to send")

// marker is the one goroutine that writes an issue's sender row. Connections
// ask it for ranges and tell it what they have done; it gathers what comes
// within a moment into one commit, and answers when that stands.
type marker struct {
	*Service
	hard     context.Context
	issueID  epistle.ID
	fence    int64
	next     int64
	open     []*span
	launched *progress
	requests chan request
	ended    chan struct{}
	sizes    [2]int // of the last two commits, in requests
}

// span is an open range.
type span struct {
	store.Range
	taken bool
}

// request is either for a range (take) or about one (done, and what was not
// simply accepted on the way there).
type request struct {
	take   bool
	span   *span
	done   int64
	result *store.Result
	answer chan answer // has room for one
}

type answer struct {
	span *span // for take; nil: there is none at the moment
	err  error
}

// gathering is how long a commit waits for the connections that took part in
// the last ones. Waiting for all would let one slow connection hold the others.
const gathering = 400 * time.Microsecond

func newMarker(s *Service, hard context.Context, claim store.Sender, launched *progress) *marker {
	m := &marker{Service: s, hard: hard, issueID: claim.IssueID, fence: claim.Fence, next: claim.Next, launched: launched,
		requests: make(chan request, 4*s.Connections), ended: make(chan struct{})}
	for _, r := range claim.Open {
		m.open = append(m.open, &span{Range: r})
	}
	return m
}

// run serves requests until they end, then gives the fence back. After the
// first failure every answer is that error.
func (m *marker) run() {
	defer close(m.ended)
	renew := time.NewTicker(m.lease / 3)
	defer renew.Stop()
	var broken error
	for {
		var batch []request
		select {
		case first, more := <-m.requests:
			if !more {
				if broken == nil {
					m.release()
				}
				return
			}
			batch = m.gather(first)
		case <-renew.C:
		}
		broken = m.step(batch, broken)
	}
}

// gather collects what comes soon after the first request.
func (m *marker) gather(first request) []request {
	batch := []request{first}
	expected := max(m.sizes[0], m.sizes[1])
	patience := time.NewTimer(gathering)
	defer patience.Stop()
	for waiting := true; waiting; {
		select {
		case r, more := <-m.requests:
			if !more {
				return m.noteSize(batch)
			}
			batch = append(batch, r)
			continue
		default:
		}
		if len(batch) >= expected {
			break
		}
		select {
		case r, more := <-m.requests:
			if !more {
				return m.noteSize(batch)
			}
			batch = append(batch, r)
		case <-patience.C:
			waiting = false
		}
	}
	return m.noteSize(batch)
}

func (m *marker) noteSize(batch []request) []request {
	m.sizes[0], m.sizes[1] = m.sizes[1], len(batch)
	return batch
}

// step applies a batch, commits it and answers.
func (m *marker) step(batch []request, broken error) error {
	mark := store.Mark{IssueID: m.issueID, Fence: m.fence, Lease: m.lease}
	answers := make([]answer, len(batch))
	if broken == nil {
		for i, r := range batch {
			if r.take {
				answers[i].span = m.allot()
				continue
			}
			r.span.Done = r.done
			if r.result != nil {
				mark.Results = append(mark.Results, *r.result)
			}
			if r.span.Done == r.span.Last {
				mark.Finished = append(mark.Finished, r.span.Range)
				m.drop(r.span)
			}
		}
		mark.Next, mark.Open = m.next, m.ranges()
		broken = m.commit(mark)
	}
	for i, r := range batch {
		answers[i].err = broken
		r.answer <- answers[i]
	}
	return broken
}

// allot gives out a range that a former owner left, or a new one. Small lists
// are shared out among all connections.
func (m *marker) allot() *span {
	for _, s := range m.open {
		if !s.taken {
			s.taken = true
			return s
		}
	}
	left := m.launched.last() - m.next + 1
	if left <= 0 {
		return nil
	}
	size := min(m.rangeSize, max(1, left/int64(2*m.Connections)))
	s := &span{Range: store.Range{First: m.next, Last: m.next + size - 1, Done: m.next - 1}, taken: true}
	m.next += size
	m.open = append(m.open, s)
	return s
}

func (m *marker) drop(done *span) {
	for i, s := range m.open {
		if s == done {
			m.open = append(m.open[:i], m.open[i+1:]...)
			return
		}
	}
}

func (m *marker) ranges() []store.Range {
	ranges := make([]store.Range, len(m.open))
	for i, s := range m.open {
		ranges[i] = s.Range
	}
	return ranges
}

// commitTime bounds one attempt to commit.
const commitTime = 1500 * time.Millisecond

// commit records a mark, again and again as long as only the database is at
// fault: every connection waits for it, so nothing is sent meanwhile, and
// giving up would send again what it stands for.
func (m *marker) commit(mark store.Mark) error {
	for {
		err := m.tryCommit(mark)
		switch {
		case err == nil:
			return nil
		case epistle.KindOf(err) == epistle.Conflict:
			m.Log.Warn("sending: another daemon has taken over", "issue", m.issueID)
			return errFenced
		case m.hard.Err() != nil:
			m.Log.Error("sending: could not record the last marks", "issue", m.issueID, "error", err)
			return errFenced
		}
		m.failed(m.hard, "record what was sent", err)
	}
}

func (m *marker) tryCommit(mark store.Mark) error {
	// What was done is recorded also when everything is being cut off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.hard), commitTime)
	defer cancel()
	return m.Store.MarkSender(ctx, mark)
}

// release folds what was begun and gives the fence back. If that fails, the
// next owner finds the ranges as they are.
func (m *marker) release() {
	mark := store.Mark{IssueID: m.issueID, Fence: m.fence, Next: m.next}
	for _, s := range m.open {
		mark.Finished = append(mark.Finished, store.Range{First: s.First, Last: s.Done, Done: s.Done})
		mark.Open = append(mark.Open, store.Range{First: s.Done + 1, Last: s.Last, Done: s.Done})
	}
	if err := m.tryCommit(mark); err != nil {
		m.Log.Warn("sending: could not give the issue back", "issue", m.issueID, "error", err)
	}
}
