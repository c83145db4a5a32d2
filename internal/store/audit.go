package store

import (
	"context"

	"epistle/internal/epistle"
)

// insertAudit records a change in the transaction that makes it.
func insertAudit(ctx context.Context, q queries, id epistle.ID, e epistle.AuditEntry) error {
	_, err := q.exec(ctx, `INSERT INTO audit (id, at, actor_kind, staff_id, action, subject, subject_id, detail)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		id, micros(e.At), string(e.Actor.Kind), e.Actor.StaffID, e.Action, e.Subject, e.SubjectID, e.Detail)
	return err
}

// AuditTrail lists what was done to a subject, the latest first.
func (s *Store) AuditTrail(ctx context.Context, subject string, id epistle.ID, limit int) ([]epistle.AuditEntry, error) {
	var rows []struct {
		ID        int64
		At        int64
		ActorKind string `db:"actor_kind"`
		StaffID   int64  `db:"staff_id"`
		Action    string
		Subject   string
		SubjectID int64 `db:"subject_id"`
		Detail    string
	}
	err := s.read().all(ctx, &rows, `SELECT id, at, actor_kind, staff_id, action, subject, subject_id, detail
		FROM audit WHERE subject = ? AND subject_id = ? ORDER BY at DESC, id DESC LIMIT ?`, subject, id, limit)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	entries := make([]epistle.AuditEntry, len(rows))
	for i, r := range rows {
		entries[i] = epistle.AuditEntry{ID: r.ID, At: fromMicros(r.At),
			Actor:  epistle.Actor{Kind: epistle.ActorKind(r.ActorKind), StaffID: r.StaffID},
			Action: r.Action, Subject: r.Subject, SubjectID: r.SubjectID, Detail: r.Detail}
	}
	return entries, nil
}
