package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
)

// Session is the data of a live session by the hash of its token; found is
// false when there is none or it expired.
func (s *Store) Session(ctx context.Context, tokenHash string) (data []byte, found bool, err error) {
	err = s.read().get(ctx, &data, `SELECT data FROM session WHERE token_hash = ? AND expires_at > ?`, tokenHash, micros(s.clock()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	return data, err == nil, s.mapError(ctx, err)
}

// SaveSession keeps a session until a time; staffID is 0 while nobody is
// signed in.
func (s *Store) SaveSession(ctx context.Context, tokenHash string, staffID epistle.ID, data []byte, expires time.Time) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `INSERT INTO session (token_hash, staff_id, data, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (token_hash) DO UPDATE SET staff_id = excluded.staff_id, data = excluded.data, expires_at = excluded.expires_at`,
			tokenHash, staffID, data, micros(expires))
		return err
	})
}

// RenewSession is SaveSession for a session that is there already; one that was
// ended meanwhile stays ended.
func (s *Store) RenewSession(ctx context.Context, tokenHash string, staffID epistle.ID, data []byte, expires time.Time) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE session SET staff_id = ?, data = ?, expires_at = ? WHERE token_hash = ?`, staffID, data, micros(expires), tokenHash)
		return err
	})
}

// EndSession forgets a session, and with it those that expired.
func (s *Store) EndSession(ctx context.Context, tokenHash string) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `DELETE FROM session WHERE token_hash = ? OR expires_at <= ?`, tokenHash, micros(s.clock()))
		return err
	})
}

// SweepSessions forgets the sessions that expired.
func (s *Store) SweepSessions(ctx context.Context) error { return s.EndSession(ctx, "") }
