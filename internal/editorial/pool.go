// Package editorial turns what waits in the pool into issues: its Pool keeps
// letters, prayers, links, questions and videos fit to be used, and its Issues
// assemble, check and approve a mailing.
package editorial

import (
	"context"
	"log/slog"

	"epistle/internal/epistle"
)

// PoolStore is what the pool needs of the store.
type PoolStore interface {
	letterStore
	prayerStore
	linkStore
	questionStore
	videoStore
	SetItemState(ctx context.Context, kind epistle.ItemKind, id epistle.ID, version int64, to epistle.ItemState, e epistle.AuditEntry) error
	Withdraw(ctx context.Context, kind epistle.ItemKind, id epistle.ID, e epistle.AuditEntry) ([]epistle.ID, error)
}

// Pool holds the verbs for what waits to be used in an issue.
type Pool struct {
	store PoolStore
	clock epistle.Clock
	log   *slog.Logger
}

// NewPool makes the verbs of the pool.
func NewPool(store PoolStore, clock epistle.Clock, log *slog.Logger) *Pool {
	return &Pool{store: store, clock: clock, log: log}
}

func (p *Pool) entry(actor epistle.Actor, kind epistle.ItemKind, action string) epistle.AuditEntry {
	return epistle.AuditEntry{At: p.clock(), Actor: actor, Action: string(kind) + "." + action, Subject: string(kind)}
}

// MakeCurrent lets a letter, prayer, question or video be put into issues. It
// is Conflict for one that was mailed already (letters and videos are used
// once), was withdrawn, or, for a prayer, has expired.
func (p *Pool) MakeCurrent(ctx context.Context, actor epistle.Actor, kind epistle.ItemKind, id epistle.ID, version int64) error {
	return p.move(ctx, actor, kind, id, version, epistle.Current, "current")
}

// ToDraft takes an item out of what may be used, or brings a withdrawn,
// answered or expired one back to be worked on. Issues that were held because
// it was withdrawn stay held until they are approved again.
func (p *Pool) ToDraft(ctx context.Context, actor epistle.Actor, kind epistle.ItemKind, id epistle.ID, version int64) error {
	return p.move(ctx, actor, kind, id, version, epistle.Drafted, "draft")
}

// Answered marks a prayer as answered; it is no longer offered to issues.
func (p *Pool) Answered(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64) error {
	return p.move(ctx, actor, epistle.PrayerItem, id, version, epistle.Answered, "answered")
}

// Withdraw takes back an item of any kind. Every issue that shows it and is not
// yet fully sent stops in the same transaction; their ids are returned. The
// item's version does not matter: withdrawing never waits for anyone.
func (p *Pool) Withdraw(ctx context.Context, actor epistle.Actor, kind epistle.ItemKind, id epistle.ID) ([]epistle.ID, error) {
	if err := actor.Require(epistle.WithdrawItem); err != nil {
		return nil, err
	}
	held, err := p.store.Withdraw(ctx, kind, id, p.entry(actor, kind, "withdraw"))
	if err == nil {
		p.log.InfoContext(ctx, "item withdrawn", "kind", kind, "item", id, "issues_held", len(held))
	}
	return held, err
}

// moves says which states an item may leave for another.
var moves = map[epistle.ItemState][]epistle.ItemState{
	epistle.Current:  {epistle.Drafted, epistle.Answered},
	epistle.Answered: {epistle.Drafted, epistle.Current},
	epistle.Drafted:  {epistle.Current, epistle.Answered, epistle.Expired, epistle.Withdrawn},
}

func (p *Pool) move(ctx context.Context, actor epistle.Actor, kind epistle.ItemKind, id epistle.ID, version int64, to epistle.ItemState, action string) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	state, err := p.stateOf(ctx, kind, id)
	if err != nil {
		return err
	}
	if state == to {
		return nil // pressed twice
	}
	if err := mayMove(state, to); err != nil {
		return err
	}
	return p.store.SetItemState(ctx, kind, id, version, to, p.entry(actor, kind, action))
}

func mayMove(from, to epistle.ItemState) error {
	for _, state := range moves[to] {
		if state == from {
			return nil
		}
	}
	switch from {
	case epistle.Used:
		return epistle.Errorf(epistle.Conflict, "pool.used", nil)
	case epistle.Withdrawn:
		return epistle.Errorf(epistle.Conflict, "pool.withdrawn", nil)
	case epistle.Expired:
		return epistle.Errorf(epistle.Conflict, "pool.expired", nil)
	}
	return epistle.Errorf(epistle.Conflict, "pool.state", nil)
}

// editable refuses changes to the words of what was mailed or withdrawn.
func editable(state epistle.ItemState) error {
	switch state {
	case epistle.Used:
		return epistle.Errorf(epistle.Conflict, "pool.used", nil)
	case epistle.Withdrawn:
		return epistle.Errorf(epistle.Conflict, "pool.withdrawn", nil)
	}
	return nil
}

func (p *Pool) stateOf(ctx context.Context, kind epistle.ItemKind, id epistle.ID) (epistle.ItemState, error) {
	switch kind {
	case epistle.LetterItem:
		item, err := p.store.Letter(ctx, id)
		return item.State, err
	case epistle.PrayerItem:
		item, err := p.store.Prayer(ctx, id)
		return item.State, err
	case epistle.QuestionItem:
		item, err := p.store.Question(ctx, id)
		return item.State, err
	case epistle.VideoItem:
		item, err := p.store.Video(ctx, id)
		return item.State, err
	}
	return "", epistle.Errorf(epistle.NotFound, "not-found", nil)
}

// newState is the state in which an item begins: a draft unless its writer says
// that it is ready.
func newState(asked epistle.ItemState) epistle.ItemState {
	if asked == epistle.Current {
		return epistle.Current
	}
	return epistle.Drafted
}
