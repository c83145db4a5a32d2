package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// Offer is what visitors can sign up for now.
type Offer struct {
	Newsletters []epistle.Newsletter // the oldest first
	ClosedAt    time.Time            // since when no sign-up is taken; zero while they are
}

// Offer reads what every visitor's page and form needs, in one round trip.
func (s *Store) Offer(ctx context.Context) (Offer, error) {
	var rows []struct {
		newsletterRow
		ClosedAt int64 `db:"closed_at"`
	}
	err := s.readOften().all(ctx, &rows, `SELECT `+newsletterColumns+`, (SELECT COALESCE(MAX(signups_closed_at), 0) FROM installation) AS closed_at
		FROM newsletter ORDER BY id`)
	if err != nil {
		return Offer{}, s.mapError(ctx, err)
	}
	if len(rows) == 0 {
		at, err := s.SignupsClosed(ctx)
		return Offer{ClosedAt: at}, err
	}
	o := Offer{ClosedAt: fromMicros(rows[0].ClosedAt)}
	for _, r := range rows {
		o.Newsletters = append(o.Newsletters, r.noun())
	}
	return o, nil
}

// SignupsClosed is since when no sign-up is taken; the zero time while they are.
func (s *Store) SignupsClosed(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.read().get(ctx, &at, `SELECT COALESCE(MAX(signups_closed_at), 0) FROM installation`)
	return fromMicros(at), s.mapError(ctx, err)
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
