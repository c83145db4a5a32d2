package sending_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/store"
)

// mortal is a store that can die, as the process around it would: from then on
// nothing is read or recorded. It can also be away for a while.
type mortal struct {
	sending.Store
	dead atomic.Bool
	// journal is that of its last share; the dead write none.
	journal atomic.Pointer[store.Journal]
	away    atomic.Bool
	// beforeChunk, if set, may fail a chunk of a launch.
	beforeChunk func() error
	// beforeMark and afterMark, if set, are called around each mark.
	beforeMark, afterMark func()
	// beforeRead, if set, is called before each look at who is in a range.
	beforeRead func()
	// beforeKeep, if set, is called before claims are renewed.
	beforeKeep func()
	// kept counts the renewals of claims.
	kept atomic.Int64
	// afterDue, if set, is told what became of a single delivery.
	afterDue func(store.Result)
}

func (m *mortal) die() {
	m.dead.Store(true)
	if journal := m.journal.Load(); journal != nil {
		_ = journal.Close() // what was noted stands
	}
}

var errDead = errors.New("this process is dead")

func (m *mortal) fault() error {
	switch {
	case m.dead.Load():
		return errDead
	case m.away.Load():
		return epistle.Errorf(epistle.Unavailable, "database.open", nil)
	}
	return nil
}

func (m *mortal) MarkShare(ctx context.Context, mark store.Mark) ([]store.Range, error) {
	if m.beforeMark != nil {
		m.beforeMark()
	}
	if err := m.fault(); err != nil {
		return nil, err
	}
	if m.afterMark != nil {
		defer m.afterMark()
	}
	return m.Store.MarkShare(ctx, mark)
}

func (m *mortal) CloseShare(ctx context.Context, id epistle.ID, number, step int64, open []store.Range) error {
	if err := m.fault(); err != nil {
		return err
	}
	return m.Store.CloseShare(ctx, id, number, step, open)
}

func (m *mortal) CheckRange(ctx context.Context, id epistle.ID, first, last int64) (store.Check, error) {
	if err := m.fault(); err != nil {
		return store.Check{}, err
	}
	return m.Store.CheckRange(ctx, id, first, last)
}

func (m *mortal) ReadRange(ctx context.Context, id epistle.ID, first, last int64) ([]store.Recipient, store.Check, error) {
	if m.beforeRead != nil {
		m.beforeRead()
	}
	if err := m.fault(); err != nil {
		return nil, store.Check{}, err
	}
	return m.Store.ReadRange(ctx, id, first, last)
}

func (m *mortal) OpenShare(ctx context.Context, id epistle.ID, owner string, lease time.Duration) (store.Share, error) {
	if err := m.fault(); err != nil {
		return store.Share{}, err
	}
	share, err := m.Store.OpenShare(ctx, id, owner, lease)
	m.journal.Store(share.Journal)
	return share, err
}

func (m *mortal) LaunchChunk(ctx context.Context, l store.Launch, size int) (store.Progress, error) {
	if err := m.fault(); err != nil {
		return store.Progress{}, err
	}
	if m.beforeChunk != nil {
		if err := m.beforeChunk(); err != nil {
			return store.Progress{}, err
		}
	}
	return m.Store.LaunchChunk(ctx, l, size)
}

func (m *mortal) Tasks(ctx context.Context) ([]store.Task, error) {
	if err := m.fault(); err != nil {
		return nil, err
	}
	return m.Store.Tasks(ctx)
}

func (m *mortal) FinishIssue(ctx context.Context, id epistle.ID) (bool, error) {
	if err := m.fault(); err != nil {
		return false, err
	}
	return m.Store.FinishIssue(ctx, id)
}

func (m *mortal) ClaimDue(ctx context.Context, kind epistle.DeliveryKind, lease time.Duration, limit int) ([]store.Recipient, error) {
	if err := m.fault(); err != nil {
		return nil, err
	}
	return m.Store.ClaimDue(ctx, kind, lease, limit)
}

func (m *mortal) SettleDue(ctx context.Context, r store.Recipient, result store.Result) error {
	if err := m.fault(); err != nil {
		return err
	}
	if m.afterDue != nil {
		defer m.afterDue(result)
	}
	return m.Store.SettleDue(ctx, r, result)
}

func (m *mortal) KeepDue(ctx context.Context, claimed []store.Recipient, lease time.Duration) error {
	if err := m.fault(); err != nil {
		return err
	}
	if m.beforeKeep != nil {
		m.beforeKeep()
	}
	defer m.kept.Add(1)
	return m.Store.KeepDue(ctx, claimed, lease)
}

func (m *mortal) CheckDue(ctx context.Context, claimed store.Recipient) (store.Check, error) {
	if err := m.fault(); err != nil {
		return store.Check{}, err
	}
	return m.Store.CheckDue(ctx, claimed)
}

func (m *mortal) BeginDue(ctx context.Context, claimed store.Recipient) error {
	if err := m.fault(); err != nil {
		return err
	}
	return m.Store.BeginDue(ctx, claimed)
}
