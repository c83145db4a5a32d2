package store

import (
	"context"
	"database/sql"
	"errors"
)

// SpendQuota debits a relay's quota of a day, "2026-11-22", by up to count
// messages and returns how many it granted: fewer, or none, when all daemons
// together would pass the limit.
func (s *Store) SpendQuota(ctx context.Context, relay, day string, limit, count int64) (granted int64, err error) {
	err = s.writeMark(ctx, func(q queries) error {
		used, err := lockQuota(ctx, q, relay, day)
		if err != nil {
			return err
		}
		if granted = min(count, limit-used); granted <= 0 {
			granted = 0
			return nil
		}
		return addQuota(ctx, q, relay, day, granted)
	})
	return granted, err
}

// ChargeQuota counts messages that go whatever the quota says; a negative
// number gives back what was granted and not used.
func (s *Store) ChargeQuota(ctx context.Context, relay, day string, count int64) error {
	return s.writeMark(ctx, func(q queries) error { return addQuota(ctx, q, relay, day, count) })
}

// QuotaUsed is how many messages a relay was given, or promised, on a day.
func (s *Store) QuotaUsed(ctx context.Context, relay, day string) (used int64, err error) {
	err = s.read().get(ctx, &used, `SELECT used FROM quota WHERE relay = ? AND day = ?`, relay, day)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return used, s.mapError(ctx, err)
}

// lockQuota reads what is used and keeps others from changing it before the
// transaction ends.
func lockQuota(ctx context.Context, q queries, relay, day string) (used int64, err error) {
	err = q.get(ctx, &used, `INSERT INTO quota (relay, day, used) VALUES (?, ?, 0)
		ON CONFLICT (relay, day) DO UPDATE SET used = quota.used RETURNING used`, relay, day)
	return used, err
}

func addQuota(ctx context.Context, q queries, relay, day string, count int64) error {
	_, err := q.exec(ctx, `INSERT INTO quota (relay, day, used) VALUES (?, ?, ?)
		ON CONFLICT (relay, day) DO UPDATE SET used = quota.used + excluded.used`, relay, day, count)
	return err
}
