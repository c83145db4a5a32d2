package sending

import (
	"context"
	"errors"
	"slices"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// errFenced ends a run whose ranges another daemon has taken over, or that could
// not record what it did.
var errFenced = errors.New("the issue is no longer ours to send")

// marker is the one goroutine that writes a share. Connections ask it for ranges
// and tell it what they have done; it gathers what comes within a moment into
// one commit, and answers when that stands.
type marker struct {
	*Service
	hard     context.Context
	issueID  epistle.ID
	share    store.Share
	steps    int64         // marks so far
	relaxed  int           // of them, since the last that waited for the disk
	closed   []store.Range // by these, which a crash of the database may have open again
	hold     bool          // what may have arrived before a crash is not sent again
	open     []*span
	free     []*span // of those, what no connection is at
	adoptAt  time.Time
	requests chan *request
	ended    chan struct{}
	sizes    [2]int // of the last two commits that were waited for, in connections
	timer    *time.Timer
}

// span is an open range.
type span struct{ store.Range }

// request is either for a range (take) or about one: it is done up to a number,
// and what was not simply accepted on the way there.
type request struct {
	take    bool
	patient bool // its connection goes on meanwhile
	span    *span
	done    int64
	results []store.Result
	answer  chan answer // has room for one
}

type answer struct {
	span *span // for take; nil: there is none at the moment
	err  error
}

// gathering is how long a commit waits for the connections that took part in
// the last ones. Waiting for all would let one slow connection hold the others.
// As long as none of them waits for it, the fewer commits the better.
const (
	gathering = 400 * time.Microsecond
	atEase    = 2 * time.Millisecond
)

func newMarker(s *Service, hard context.Context, issueID epistle.ID, share store.Share, hold bool) *marker {
	return &marker{Service: s, hard: hard, issueID: issueID, share: share, hold: hold,
		requests: make(chan *request, 4*s.gateway.connections()), ended: make(chan struct{}), timer: time.NewTimer(time.Hour)}
}

// run serves requests until they end, then gives the share back. After the
// first failure every answer is that error.
func (m *marker) run() {
	defer close(m.ended)
	renew := time.NewTicker(min(m.lease/3, m.poll))
	defer renew.Stop()
	var broken error
	var batch []*request
	for {
		batch = batch[:0]
		select {
		case first, more := <-m.requests:
			if !more {
				m.end(broken)
				return
			}
			batch = m.gather(append(batch, first))
		case <-renew.C:
		}
		broken = m.step(batch, broken)
	}
}

// gather collects what comes soon after the first request.
func (m *marker) gather(batch []*request) []*request {
	patient, expected, patience := batch[0].patient, max(m.sizes[0], m.sizes[1]), gathering
	if patient {
		expected, patience = len(m.open)-len(m.free), atEase
	}
	m.timer.Reset(patience)
	for r := m.another(len(batch) < expected); r != nil; r = m.another(len(batch) < expected) {
		batch = append(batch, r)
		if patient && !r.patient {
			expected = 0 // but for what is there already
		}
	}
	if !patient {
		m.sizes[0], m.sizes[1] = m.sizes[1], len(batch)
	}
	return batch
}

// another is a request that is there, or one that comes in time; nil for none.
func (m *marker) another(wait bool) *request {
	select {
	case r := <-m.requests: // nil at the end
		return r
	default:
	}
	if !wait {
		return nil
	}
	select {
	case r := <-m.requests:
		return r
	case <-m.timer.C:
		return nil
	}
}

// step applies a batch, commits it and answers. Without a batch it renews the
// lease and looks for ranges that have become nobody's.
func (m *marker) step(batch []*request, broken error) error {
	mark := store.Mark{IssueID: m.issueID, Number: m.share.Number, Lease: m.lease}
	waiting := batch[:0]
	for _, r := range batch {
		switch {
		case broken != nil:
			r.answer <- answer{err: broken}
		case r.take:
			if r.span = m.pick(); r.span == nil {
				mark.Want.Ranges++
			}
			waiting = append(waiting, r)
		default:
			r.span.Done = r.done
			mark.Results = append(mark.Results, r.results...)
			if r.span.Done == r.span.Last {
				m.closed = append(m.closed, r.span.Range)
				m.drop(r.span)
			}
			waiting = append(waiting, r)
		}
	}
	if broken != nil {
		return broken
	}
	m.demand(&mark.Want)
	m.steps++
	mark.Step, mark.Open, mark.Closed = m.steps, m.ranges(), m.closed
	mark.Relaxed = m.mayRelax(mark, len(batch) > 0)
	given, err := m.commit(mark)
	if err == nil {
		m.take(given)
		if !mark.Relaxed {
			m.closed = nil
		}
	}
	for _, r := range waiting {
		if r.take && r.span == nil {
			r.span = m.pick()
		}
		r.answer <- answer{span: r.span, err: err}
	}
	return err
}

// diskEvery is how many steps there are to one that waits for the disk, where
// there is no journal. In a step each connection then passes at most one message.
// So if the database crashes,
// or its machine loses power, no more than so many for each connection are sent
// twice; the end of a daemon, by whatever means, undoes no step.
const diskEvery = 8

// mayRelax reports whether a step need not wait for the disk. What is given out
// or refused must be certain, and so must every step where nothing is to be sent
// twice, and the last for a while; and each where there is a journal, since it
// stands for several messages of a connection.
func (m *marker) mayRelax(mark store.Mark, passes bool) bool {
	if m.hold || m.share.Journal != nil || !passes || mark.Want.Any() || len(mark.Results) > 0 || m.relaxed == diskEvery-1 {
		m.relaxed = 0
		return false
	}
	m.relaxed++
	return true
}

// A range is to be sent while the check that came with it holds, at the highest
// rate that we know; but small ranges are costly to give out.
const (
	inOneCheck = 7500
	leastRange = 50
)

// demand says how a wish for ranges is to be met, and from time to time looks
// after shares whose daemon is gone.
func (m *marker) demand(w *store.Want) {
	connections := int64(m.gateway.connections())
	w.Size, w.Hold = min(m.rangeSize, max(leastRange, inOneCheck/connections)), m.hold
	w.Split, w.Least = 2*connections, connections/5 // the end of a list is shared out, but not in crumbs where many share it
	if w.Ranges > 0 {
		w.Spares = m.gateway.connections() / 2 // one look at the database for several
	}
	if now := time.Now(); now.After(m.adoptAt) {
		w.Adopt, m.adoptAt = true, now.Add(m.poll)
	}
}

// take opens the ranges that a mark was given.
func (m *marker) take(given []store.Range) {
	for _, r := range given {
		if r.Done < r.Last {
			s := &span{r}
			m.open, m.free = append(m.open, s), append(m.free, s)
		}
	}
}

func (m *marker) drop(done *span) {
	i := slices.Index(m.open, done)
	m.open = slices.Delete(m.open, i, i+1)
}

func (m *marker) pick() *span {
	if len(m.free) == 0 {
		return nil
	}
	s := m.free[0]
	m.free = m.free[1:]
	s.Spare = false
	return s
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
func (m *marker) commit(mark store.Mark) ([]store.Range, error) {
	for {
		given, err := m.tryCommit(mark)
		switch {
		case err == nil:
			return given, nil
		case epistle.KindOf(err) == epistle.Conflict:
			m.Log.Warn("sending: another daemon has taken over", "issue", m.issueID)
			return nil, errFenced
		case m.hard.Err() != nil:
			m.Log.Error("sending: could not record the last marks", "issue", m.issueID, "error", err)
			return nil, errFenced
		}
		m.failed(m.hard, "record what was sent", err)
	}
}

func (m *marker) tryCommit(mark store.Mark) ([]store.Range, error) {
	// What was done is recorded also when everything is being cut off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.hard), commitTime)
	defer cancel()
	return m.Store.MarkShare(ctx, mark)
}

// end gives the share back. If that fails, the next owner finds the ranges as
// they are.
func (m *marker) end(broken error) {
	if m.share.Journal != nil {
		_ = m.share.Journal.Close() // nobody writes it any more
	}
	if broken != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.hard), commitTime)
	defer cancel()
	if err := m.Store.CloseShare(ctx, m.issueID, m.share.Number, m.steps+1, m.ranges()); err != nil {
		m.Log.Warn("sending: could not give the issue back", "issue", m.issueID, "error", err)
	}
}
