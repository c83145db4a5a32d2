package store

import (
	"context"

	"epistle/internal/epistle"
)

const selectAnswers = `SELECT id, title_en, title_ko, body_en, body_ko, created_by, created_at, version FROM saved_answer`

type answerRow struct {
	ID        int64
	TitleEN   string `db:"title_en"`
	TitleKO   string `db:"title_ko"`
	BodyEN    string `db:"body_en"`
	BodyKO    string `db:"body_ko"`
	CreatedBy int64  `db:"created_by"`
	CreatedAt int64  `db:"created_at"`
	Version   int64
}

func (r answerRow) answer() epistle.SavedAnswer {
	return epistle.SavedAnswer{ID: r.ID, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO}, Body: epistle.Text{EN: r.BodyEN, KO: r.BodyKO},
		CreatedBy: r.CreatedBy, CreatedAt: fromMicros(r.CreatedAt), Version: r.Version}
}

// SavedAnswer returns a saved answer; NotFound if there is none.
func (s *Store) SavedAnswer(ctx context.Context, id epistle.ID) (epistle.SavedAnswer, error) {
	var row answerRow
	if err := s.read().get(ctx, &row, selectAnswers+` WHERE id = ?`, id); err != nil {
		return epistle.SavedAnswer{}, s.mapError(ctx, err)
	}
	return row.answer(), nil
}

// SavedAnswers lists them in the order in which they were made.
func (s *Store) SavedAnswers(ctx context.Context) ([]epistle.SavedAnswer, error) {
	var rows []answerRow
	if err := s.read().all(ctx, &rows, selectAnswers+` ORDER BY id`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	list := make([]epistle.SavedAnswer, len(rows))
	for i, r := range rows {
		list[i] = r.answer()
	}
	return list, nil
}

// CreateSavedAnswer keeps a new one and returns its id.
func (s *Store) CreateSavedAnswer(ctx context.Context, a epistle.SavedAnswer, e epistle.AuditEntry) (epistle.ID, error) {
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO saved_answer (id, title_en, title_ko, body_en, body_ko, created_by, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, a.Title.EN, a.Title.KO, a.Body.EN, a.Body.KO, a.CreatedBy, micros(e.At))
		return err
	})
}

// UpdateSavedAnswer changes one, if nobody did since a.Version.
func (s *Store) UpdateSavedAnswer(ctx context.Context, a epistle.SavedAnswer, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "saved_answer", a.ID, e, func(q queries) (int64, error) {
		return q.exec(ctx, `UPDATE saved_answer SET title_en = ?, title_ko = ?, body_en = ?, body_ko = ?, version = version + 1
			WHERE id = ? AND version = ?`, a.Title.EN, a.Title.KO, a.Body.EN, a.Body.KO, a.ID, a.Version)
	})
}

// DeleteSavedAnswer removes one. Answers that were given with it stay.
func (s *Store) DeleteSavedAnswer(ctx context.Context, id epistle.ID, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "saved_answer", id, e, func(q queries) (int64, error) {
		return q.exec(ctx, `DELETE FROM saved_answer WHERE id = ?`, id)
	})
}
