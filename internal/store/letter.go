package store

import (
	"context"
	"encoding/json"

	"epistle/internal/epistle"
)

var selectLetters = `SELECT id, title_en, title_ko, body_en, body_ko, signatures, ` +
	usedOnce(epistle.LetterItem, "letter.id") + ` AS state, created_by, created_at, version FROM letter`

type letterRow struct {
	ID         int64
	TitleEN    string `db:"title_en"`
	TitleKO    string `db:"title_ko"`
	BodyEN     string `db:"body_en"`
	BodyKO     string `db:"body_ko"`
	Signatures string
	State      string
	CreatedBy  int64 `db:"created_by"`
	CreatedAt  int64 `db:"created_at"`
	Version    int64
}

func (r letterRow) letter() (epistle.Letter, error) {
	l := epistle.Letter{ID: r.ID, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO}, Body: epistle.Text{EN: r.BodyEN, KO: r.BodyKO},
		State: epistle.ItemState(r.State), CreatedBy: r.CreatedBy, CreatedAt: fromMicros(r.CreatedAt), Version: r.Version}
	return l, json.Unmarshal([]byte(r.Signatures), &l.Signatures)
}

// Letter returns a letter.
func (s *Store) Letter(ctx context.Context, id epistle.ID) (epistle.Letter, error) {
	var row letterRow
	query, args := single(selectLetters, nil, id)
	if err := s.read().get(ctx, &row, query, args...); err != nil {
		return epistle.Letter{}, s.mapError(ctx, err)
	}
	return row.letter()
}

// Letters lists letters, the newest first. A current letter that was mailed
// reads as used.
func (s *Store) Letters(ctx context.Context, f PoolFilter) ([]epistle.Letter, error) {
	var rows []letterRow
	query, args := listed(selectLetters, nil, f)
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	letters := make([]epistle.Letter, len(rows))
	for i, r := range rows {
		var err error
		if letters[i], err = r.letter(); err != nil {
			return nil, err
		}
	}
	return letters, nil
}

// CreateLetter keeps a new letter and returns its id.
func (s *Store) CreateLetter(ctx context.Context, l epistle.Letter, e epistle.AuditEntry) (epistle.ID, error) {
	signatures, err := signatureJSON(l.Signatures)
	if err != nil {
		return 0, err
	}
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO letter (id, title_en, title_ko, body_en, body_ko, signatures, state, created_by, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, l.Title.EN, l.Title.KO, l.Body.EN, l.Body.KO, signatures, string(l.State), l.CreatedBy, micros(e.At))
		return err
	})
}

// UpdateLetter changes the words of a letter, if nobody did since l.Version.
func (s *Store) UpdateLetter(ctx context.Context, l epistle.Letter, e epistle.AuditEntry) error {
	signatures, err := signatureJSON(l.Signatures)
	if err != nil {
		return err
	}
	return s.updateItem(ctx, "letter", l.ID, e, func(q queries) (int64, error) {
		return q.exec(ctx, `UPDATE letter SET title_en = ?, title_ko = ?, body_en = ?, body_ko = ?, signatures = ?, version = version + 1
			WHERE id = ? AND version = ?`,
			l.Title.EN, l.Title.KO, l.Body.EN, l.Body.KO, signatures, l.ID, l.Version)
	})
}

func signatureJSON(signatures []epistle.Text) (string, error) {
	if signatures == nil {
		signatures = []epistle.Text{}
	}
	doc, err := json.Marshal(signatures)
	return string(doc), err
}

// createItem runs insert and the audit of it in one transaction and returns the
// new id.
func (s *Store) createItem(ctx context.Context, e epistle.AuditEntry, insert func(q queries, id epistle.ID) error) (epistle.ID, error) {
	id, err := s.newIDs(ctx, 2)
	if err != nil {
		return 0, err
	}
	e.SubjectID = id
	return id, s.write(ctx, func(q queries) error {
		if err := insert(q, id); err != nil {
			return err
		}
		return insertAudit(ctx, q, id+1, e)
	})
}

// updateItem runs an update by version and the audit of it in one transaction.
func (s *Store) updateItem(ctx context.Context, table string, id epistle.ID, e epistle.AuditEntry, update func(q queries) (int64, error)) error {
	auditID, err := s.newID(ctx)
	if err != nil {
		return err
	}
	e.SubjectID = id
	return s.write(ctx, func(q queries) error {
		changed, err := update(q)
		if err != nil {
			return err
		}
		if err := stale(ctx, q, table, id, changed); err != nil {
			return err
		}
		return insertAudit(ctx, q, auditID, e)
	})
}
