package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// SeriesSince says from when on the slots of a series count. A series that is
// new counts from since on; one whose expression changed counts from now on, so
// that a changed schedule does not fire for times that had passed by then.
func (s *Store) SeriesSince(ctx context.Context, key, expression string, since time.Time) (time.Time, error) {
	known, err := s.seriesSince(ctx, key, expression)
	if err == nil || epistle.KindOf(err) != epistle.NotFound {
		return known, err
	}
	var at int64
	err = s.write(ctx, func(q queries) error {
		return q.get(ctx, &at, `INSERT INTO series (key, expression, since) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET
				since = CASE WHEN series.expression = excluded.expression THEN series.since ELSE ? END,
				expression = excluded.expression
			RETURNING since`, key, expression, micros(since), micros(s.clock()))
	})
	return fromMicros(at), err
}

func (s *Store) seriesSince(ctx context.Context, key, expression string) (time.Time, error) {
	var at int64
	err := s.read().get(ctx, &at, `SELECT since FROM series WHERE key = ? AND expression = ?`, key, expression)
	return fromMicros(at), s.mapError(ctx, err)
}

// SettledSlots lists the labels of a series' slots at or after a time that are
// done or missed.
func (s *Store) SettledSlots(ctx context.Context, series string, from time.Time) (map[string]bool, error) {
	var labels []string
	err := s.read().all(ctx, &labels, `SELECT label FROM slot WHERE series = ? AND at >= ? AND state <> ?`,
		series, micros(from), string(epistle.SlotRunning))
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	settled := make(map[string]bool, len(labels))
	for _, label := range labels {
		settled[label] = true
	}
	return settled, nil
}

// ClaimSlot takes a slot for an owner until its lease ends. It is a Conflict
// when the slot is settled or somebody else's lease runs; a slot whose owner let
// its lease end is taken over.
func (s *Store) ClaimSlot(ctx context.Context, slot epistle.Slot, owner string, lease time.Duration) (epistle.Slot, error) {
	if err := s.clockFit(ctx); err != nil {
		return epistle.Slot{}, err
	}
	id, err := s.newID(ctx)
	if err != nil {
		return epistle.Slot{}, err
	}
	var row struct {
		ID int64
		At int64
	}
	now := s.clock()
	err = s.write(ctx, func(q queries) error {
		err := q.get(ctx, &row, `INSERT INTO slot (id, series, label, at, state, owner, lease_until)
			VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (series, label) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
			WHERE slot.state = 'running' AND slot.lease_until <= ?
			RETURNING id, at`,
			id, slot.Series, slot.Label, micros(slot.At), string(epistle.SlotRunning), owner, micros(now.Add(lease)), micros(now))
		if epistle.KindOf(s.mapError(ctx, err)) == epistle.NotFound {
			return epistle.Errorf(epistle.Conflict, "slot.taken", nil)
		}
		return err
	})
	if err != nil {
		return epistle.Slot{}, err
	}
	slot.ID, slot.At, slot.State = row.ID, fromMicros(row.At), epistle.SlotRunning
	return slot, nil
}

// LeaseSlot sets how long the owner keeps its slot: renewed while it works,
// ended at a chosen time when it gives up for now. Conflict means that the slot
// had passed to somebody else.
func (s *Store) LeaseSlot(ctx context.Context, id epistle.ID, owner string, until time.Time) error {
	return s.changeSlot(ctx, `UPDATE slot SET lease_until = ? WHERE id = ? AND owner = ? AND state = 'running'`,
		micros(until), id, owner)
}

// SettleSlot records that the owner's slot is done or missed, for good.
// Conflict means that the slot had passed to somebody else.
func (s *Store) SettleSlot(ctx context.Context, id epistle.ID, owner string, state epistle.SlotState) error {
	return s.changeSlot(ctx, `UPDATE slot SET state = ?, finished_at = ?, lease_until = 0 WHERE id = ? AND owner = ? AND state = 'running'`,
		string(state), micros(s.clock()), id, owner)
}

func (s *Store) changeSlot(ctx context.Context, query string, args ...any) error {
	return s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, query, args...)
		if err == nil && changed == 0 {
			return epistle.Errorf(epistle.Conflict, "slot.taken", nil)
		}
		return err
	})
}

// Slots lists what became of the slots of a series, the latest first.
func (s *Store) Slots(ctx context.Context, series string, limit int) ([]epistle.Slot, error) {
	var rows []struct {
		ID         int64
		Series     string
		Label      string
		At         int64
		State      string
		FinishedAt int64 `db:"finished_at"`
	}
	err := s.read().all(ctx, &rows, `SELECT id, series, label, at, state, finished_at FROM slot WHERE series = ? ORDER BY at DESC, label DESC LIMIT ?`, series, limit)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	slots := make([]epistle.Slot, len(rows))
	for i, r := range rows {
		slots[i] = epistle.Slot{ID: r.ID, Series: r.Series, Label: r.Label, At: fromMicros(r.At),
			State: epistle.SlotState(r.State), FinishedAt: fromMicros(r.FinishedAt)}
	}
	return slots, nil
}

// SweepSlots forgets the settled slots before a time of the series whose keys
// begin with prefix: those that come every few minutes. before must be longer
// ago than the schedule looks back.
func (s *Store) SweepSlots(ctx context.Context, prefix string, before time.Time) error {
	return s.writeBulk(ctx, func(q queries) error {
		_, err := q.exec(ctx, `DELETE FROM slot WHERE series LIKE ? AND at < ? AND state <> 'running'`, prefix+"%", micros(before))
		return err
	})
}
