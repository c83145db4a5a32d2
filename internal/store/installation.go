package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// chooseKeys takes the key that keysFor finds, if it fits what is there.
func (s *Store) chooseKeys(ctx context.Context, keysFor func(empty bool) (*seal.Keyring, error)) error {
	installed, err := s.dialect.hasTable(ctx, s.reader, "installation")
	if err != nil {
		return s.mapError(ctx, err)
	}
	var check []byte
	if installed {
		if check, err = s.keyCheck(ctx); err != nil {
			return err
		}
	}
	if s.keys, err = keysFor(check == nil); err != nil {
		return err
	}
	if check != nil && !s.keys.Fits(check) {
		return epistle.Errorf(epistle.Conflict, "key.mismatch", nil)
	}
	return nil
}

// install keeps the key's check in an empty database. Another daemon may have
// been first, with another key.
func (s *Store) install(ctx context.Context) error {
	if err := s.keepKeyCheck(ctx, s.keys); err != nil {
		return err
	}
	check, err := s.keyCheck(ctx)
	if err == nil && !s.keys.Fits(check) {
		return epistle.Errorf(epistle.Conflict, "key.mismatch", nil)
	}
	return err
}

// keyCheck is nil in a database that has no key yet.
func (s *Store) keyCheck(ctx context.Context) ([]byte, error) {
	var check []byte
	err := s.read().get(ctx, &check, `SELECT key_check FROM installation WHERE id = 1`)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return check, s.mapError(ctx, err)
}

func (s *Store) keepKeyCheck(ctx context.Context, keys *seal.Keyring) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `INSERT INTO installation (id, next_id, key_check, created_at)
			VALUES (1, 1, ?, ?) ON CONFLICT (id) DO NOTHING`, keys.Check(), micros(s.clock()))
		return err
	})
}

// RecoveryConfirmedAt says when an admin confirmed that the recovery sheet is
// printed and kept; zero if nobody did.
func (s *Store) RecoveryConfirmedAt(ctx context.Context) (time.Time, error) {
	var at int64
	err := s.read().get(ctx, &at, `SELECT recovery_confirmed_at FROM installation WHERE id = 1`)
	return fromMicros(at), s.mapError(ctx, err)
}

// ConfirmRecovery records that the recovery sheet is kept.
func (s *Store) ConfirmRecovery(ctx context.Context, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		if _, err := q.exec(ctx, `UPDATE installation SET recovery_confirmed_at = ? WHERE id = 1`, micros(entry.At)); err != nil {
			return err
		}
		return insertAudit(ctx, q, id, entry)
	})
}
