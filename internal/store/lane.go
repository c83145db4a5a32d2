package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"
)

// Lane is the name under which the mail for a domain is limited: a keyed hash,
// the same as Recipient.Lane.
func (s *Store) Lane(domain string) []byte { return s.keys.Index("lane", domain) }

// Reservation asks a token bucket for room for some messages, Gap apart.
type Reservation struct {
	Bucket []byte // a lane, or another name for what is limited
	Gap    time.Duration
	Count  int
}

// Reserve debits token buckets, all at once and for all daemons, and says for
// each when its first message may go: now at the earliest; the others follow
// Gap apart. No bucket may be named twice. A bucket keeps no more than the
// moment when it is free (the generic cell rate algorithm), so one that rested
// starts afresh, without a burst. The loss of power, or a crash of PostgreSQL, may
// undo the last debits, and for that long a limit is exceeded.
func (s *Store) Reserve(ctx context.Context, wanted []Reservation) ([]time.Time, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	// Always in the same order, so that two daemons cannot lock each other out.
	order := slices.SortedFunc(slices.Values(wanted), func(a, b Reservation) int { return bytes.Compare(a.Bucket, b.Bucket) })
	now := micros(s.clock())
	args := make([]any, 0, 2*len(order)+2)
	for _, r := range order {
		args = append(args, r.Bucket, now+r.cost())
	}
	var rows []struct {
		Name   []byte
		FreeAt int64 `db:"free_at"`
	}
	query := `INSERT INTO bucket (name, free_at) VALUES (?, ?)` + strings.Repeat(`, (?, ?)`, len(order)-1) + `
		ON CONFLICT (name) DO UPDATE SET free_at = CASE WHEN bucket.free_at > ?
			THEN bucket.free_at + (excluded.free_at - ?) ELSE excluded.free_at END RETURNING name, free_at`
	err := s.inTransaction(ctx, manner{turn: marks, relaxed: true}, func(q queries) error {
		rows = rows[:0]
		return q.all(ctx, &rows, query, append(args, now, now)...)
	})
	if err != nil {
		return nil, err
	}
	free := make(map[string]int64, len(rows))
	for _, row := range rows {
		free[string(row.Name)] = row.FreeAt
	}
	first := make([]time.Time, len(wanted))
	for i, r := range wanted {
		first[i] = fromMicros(free[string(r.Bucket)] - r.cost())
	}
	return first, nil
}

func (r Reservation) cost() int64 { return int64(r.Count) * r.Gap.Microseconds() }

// ForgetBuckets removes the buckets that have been free since before a moment:
// they hold nothing that a new one would not.
func (s *Store) ForgetBuckets(ctx context.Context, before time.Time) error {
	return s.writeMark(ctx, func(q queries) error {
		_, err := q.exec(ctx, `DELETE FROM bucket WHERE free_at < ?`, micros(before))
		return err
	})
}

// Breaker keeps the mail of a lane back for a while, because its domain does
// not take it. From Until on one message may try.
type Breaker struct {
	Lane   []byte
	Opened int // how often in a row; 0 means that it is closed
	Until  time.Time
}

// Breakers lists those that are open, or wait for somebody to try.
func (s *Store) Breakers(ctx context.Context) ([]Breaker, error) {
	var rows []struct {
		Lane   []byte
		Opened int
		Until  int64
	}
	if err := s.read().all(ctx, &rows, `SELECT lane, opened, until FROM breaker`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]Breaker, len(rows))
	for i, r := range rows {
		all[i] = Breaker{Lane: r.Lane, Opened: r.Opened, Until: fromMicros(r.Until)}
	}
	return all, nil
}

// OpenBreaker opens a lane's breaker until a moment, once more than the caller
// saw it opened; if another daemon has done something to it meanwhile, that
// stands. The lane's bucket has no room before that moment either. It returns
// the breaker as it is.
func (s *Store) OpenBreaker(ctx context.Context, seen Breaker, until time.Time) (Breaker, error) {
	is := Breaker{Lane: seen.Lane}
	err := s.writeMark(ctx, func(q queries) error {
		query := `UPDATE breaker SET opened = opened + 1, until = ? WHERE lane = ? AND opened = ?`
		args := []any{micros(until), seen.Lane, seen.Opened}
		if seen.Opened == 0 {
			query = `INSERT INTO breaker (until, lane, opened) VALUES (?, ?, 1) ON CONFLICT (lane) DO NOTHING`
			args = args[:2]
		}
		if _, err := q.exec(ctx, query, args...); err != nil {
			return err
		}
		var row struct {
			Opened int
			Until  int64
		}
		err := q.get(ctx, &row, `SELECT opened, until FROM breaker WHERE lane = ?`, seen.Lane)
		if errors.Is(err, sql.ErrNoRows) { // it was closed meanwhile
			return nil
		}
		if err != nil {
			return err
		}
		is.Opened, is.Until = row.Opened, fromMicros(row.Until)
		_, err = q.exec(ctx, `INSERT INTO bucket (name, free_at) VALUES (?, ?) ON CONFLICT (name) DO UPDATE
			SET free_at = CASE WHEN bucket.free_at > excluded.free_at THEN bucket.free_at ELSE excluded.free_at END`,
			seen.Lane, row.Until)
		return err
	})
	return is, err
}

// TryBreaker lets one caller through a breaker whose time is over: it reports
// true to one of all who ask, and keeps the others out for as long as patience
// says.
func (s *Store) TryBreaker(ctx context.Context, lane []byte, patience time.Duration) (bool, error) {
	now := s.clock()
	var n int64
	err := s.writeMark(ctx, func(q queries) (err error) {
		n, err = q.exec(ctx, `UPDATE breaker SET until = ? WHERE lane = ? AND until <= ?`, micros(now.Add(patience)), lane, micros(now))
		return err
	})
	return n > 0, err
}

// CloseBreaker lets the mail of a lane go again.
func (s *Store) CloseBreaker(ctx context.Context, lane []byte) error {
	return s.writeMark(ctx, func(q queries) error {
		_, err := q.exec(ctx, `DELETE FROM breaker WHERE lane = ?`, lane)
		return err
	})
}
