package sending

import (
	"context"
	"errors"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/render"
)

const (
	// noticeLease is how long after a daemon has died another one sends the notices
	// that it had claimed.
	noticeLease = 30 * time.Second
	noticeBatch = 20
)

// sendNotices drains the outbox over a connection of its own. Notices wait for no
// limit but count towards them, so that bulk mail makes room.
func (s *Service) sendNotices(ctx, hard context.Context) {
	n := &noticeSender{Service: s, hard: hard, link: link{gateway: s.gateway, purpose: forNotices}}
	for ctx.Err() == nil {
		claimed, err := s.Store.ClaimNotices(ctx, s.owner, noticeLease, noticeBatch)
		if err != nil {
			s.failed(ctx, "look for notices", err)
			continue
		}
		n.sendAll(ctx, claimed)
		if len(claimed) < noticeBatch {
			n.link.leave()
			_ = s.wait(ctx, s.poll, s.outbox) // the loop sees that ctx ended
		}
	}
	n.link.leave()
}

type noticeSender struct {
	*Service
	hard context.Context
	link link
}

// sendAll sends a batch, and keeps the claims on it as long as that takes.
func (n *noticeSender) sendAll(ctx context.Context, claimed []epistle.Notice) {
	if len(claimed) == 0 {
		return
	}
	keeping, done := context.WithCancel(n.hard)
	var keeper sync.WaitGroup
	keeper.Go(func() { n.keep(keeping) })
	defer keeper.Wait()
	defer done()
	for _, notice := range claimed {
		n.send(ctx, notice)
	}
}

// keep renews the claims on notices until ctx ends, as long as they can go out.
func (n *noticeSender) keep(ctx context.Context) {
	for n.wait(ctx, noticeLease/3, nil) == nil {
		if !n.gateway.works() {
			continue
		}
		keeping, cancel := context.WithTimeout(ctx, commitTime)
		if err := n.Store.KeepNotices(keeping, n.owner, noticeLease); err != nil && ctx.Err() == nil {
			n.Log.Warn("sending: could not keep notices", "error", err)
		}
		cancel()
	}
}

// send mails a notice and records the outcome. One that cannot be sent now, as
// the service stops, goes back as it was.
func (n *noticeSender) send(ctx context.Context, notice epistle.Notice) {
	notice.NextAt = n.Clock()
	if ctx.Err() != nil {
		n.settle(notice, relay.Outcome{})
		return
	}
	message, err := n.Renderer.Notice(notice)
	if err != nil {
		n.Log.Error("sending: a notice cannot be made", "kind", string(notice.Kind), "id", notice.ID, "error", err)
		notice.State = epistle.NoticeFailed
		n.settle(notice, relay.Outcome{})
		return
	}
	n.link.reconsider()
	p := &noticePassage{noticeSender: n, id: notice.ID, message: message, tries: notice.Attempts}
	outcome, err := n.link.deliver(ctx, n.hard, p, nil)
	if errors.Is(err, errDropped) {
		return // and there is nothing to record
	}
	if err != nil { // ctx ended, or the database is away
		n.settle(notice, relay.Outcome{})
		return
	}
	notice.Attempts = max(notice.Attempts+1, p.tries)
	n.judge(&notice, outcome)
	n.settle(notice, outcome)
}

// noticePassage is a notice on its way.
type noticePassage struct {
	*noticeSender
	id      epistle.ID
	message render.Message
	tries   int // how often it was tried, each dot of this one counted
}

// errDropped means that a notice was dropped after it was claimed, or taken over.
var errDropped = errors.New("this notice is not ours to send any more")

func (p *noticePassage) envelope() relay.Envelope {
	return relay.Envelope{From: p.message.ReturnPath, To: string(p.message.To)}
}
func (p *noticePassage) body() [][]byte { return [][]byte{relay.Stuff(p.message.Body)} }
func (p *noticePassage) once() bool     { return p.tries >= mostCopies }
func (p *noticePassage) prompt() bool   { return false }

func (p *noticePassage) beforeDot() (*relay.Envelope, error) {
	p.tries++
	return nil, nil
}

// sure asks anew each time: a notice may have waited long for its relay.
func (p *noticePassage) sure() error {
	stands, err := p.Store.NoticeStands(p.hard, p.owner, p.id)
	if err == nil && !stands {
		err = errDropped
	}
	return err
}

// mostCopies is how often a notice is tried at most, if nobody knows whether
// the last try arrived.
const mostCopies = 3

// judge decides the next state of a notice that was tried. When nobody knows
// whether it arrived it is sent again: a second confirmation mail, with the same
// Message-ID, does less harm than none. A fourth does not.
func (n *noticeSender) judge(notice *epistle.Notice, o relay.Outcome) {
	final := o.Class == relay.Permanent || o.Class == relay.PersonGone || o.Class == relay.Policy && o.Code >= 500 && notice.Attempts > 1 ||
		o.Class == relay.Uncertain && notice.Attempts >= mostCopies
	if o.Class == relay.Accepted {
		notice.State = epistle.NoticeAccepted
		return
	}
	next, inTime := nextTry(n.Clock(), notice.CreatedAt, notice.Attempts)
	notice.NextAt = next
	if final || !inTime {
		notice.State = epistle.NoticeFailed
		n.Log.Warn("sending: a notice was not delivered", "kind", string(notice.Kind), "id", notice.ID, "code", o.Code, "status", o.Status)
	}
}

func (n *noticeSender) settle(notice epistle.Notice, o relay.Outcome) {
	for {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(n.hard), commitTime)
		err := n.Store.SettleNotice(ctx, n.owner, notice, o.Code, o.Status)
		cancel()
		if err == nil {
			return
		}
		if epistle.KindOf(err) == epistle.Conflict || n.hard.Err() != nil {
			n.Log.Warn("sending: could not record a notice", "id", notice.ID, "error", err)
			return
		}
		n.failed(n.hard, "record a notice", err)
	}
}
