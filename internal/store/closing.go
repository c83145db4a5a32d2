package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// SignupsClosed is since when no sign-up is taken; the zero time while they are.
func (s *Store) SignupsClosed(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.read().get(ctx, &at, `SELECT COALESCE(MAX(signups_closed_at), 0) FROM installation`)
	return fromMicros(at), s.mapError(err)
}

// SetSignupsClosed closes sign-ups at a time, or opens them again at the zero
// time. Setting what is set already is not recorded again.
func (s *Store) SetSignupsClosed(ctx context.Context, at time.Time, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		query, args := `UPDATE installation SET signups_closed_at = ? WHERE signups_closed_at = 0`, []any{micros(at)}
		if at.IsZero() {
			query, args = `UPDATE installation SET signups_closed_at = 0 WHERE signups_closed_at > 0`, nil
		}
		changed, err := q.exec(ctx, query, args...)
		if err != nil || changed == 0 {
			return err
		}
		return insertAudit(ctx, q, id, entry)
	})
}
