package store

import (
	"context"

	"epistle/internal/epistle"
)

const selectQuestions = `SELECT id, text_en, text_ko, url_en, url_ko, state, created_at, version FROM question`

type questionRow struct {
	ID        int64
	TextEN    string `db:"text_en"`
	TextKO    string `db:"text_ko"`
	URLEN     string `db:"url_en"`
	URLKO     string `db:"url_ko"`
	State     string
	CreatedAt int64 `db:"created_at"`
	Version   int64
}

func (r questionRow) question() epistle.Question {
	return epistle.Question{ID: r.ID, Text: epistle.Text{EN: r.TextEN, KO: r.TextKO}, URL: epistle.Text{EN: r.URLEN, KO: r.URLKO},
		State: epistle.ItemState(r.State), CreatedAt: fromMicros(r.CreatedAt), Version: r.Version}
}

func questions(rows []questionRow) []epistle.Question {
	list := make([]epistle.Question, len(rows))
	for i, r := range rows {
		list[i] = r.question()
	}
	return list
}

// Question returns a question.
func (s *Store) Question(ctx context.Context, id epistle.ID) (epistle.Question, error) {
	var row questionRow
	if err := s.read().get(ctx, &row, selectQuestions+` WHERE id = ?`, id); err != nil {
		return epistle.Question{}, s.mapError(ctx, err)
	}
	return row.question(), nil
}

// Questions lists questions, the newest first.
func (s *Store) Questions(ctx context.Context, f PoolFilter) ([]epistle.Question, error) {
	var rows []questionRow
	query, args := listed(selectQuestions, nil, f)
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	return questions(rows), nil
}

// restedQuestions are the current questions, those that were mailed longest ago
// or never first.
func (s *Store) restedQuestions(ctx context.Context) ([]epistle.Question, error) {
	var rows []questionRow
	err := s.read().all(ctx, &rows, selectQuestions+` WHERE state = 'current'
		ORDER BY COALESCE((SELECT MAX(i.launched_at) FROM issue_item ii JOIN issue i ON i.id = ii.issue_id
			WHERE ii.kind = 'question' AND ii.item_id = question.id), 0), id LIMIT ?`, readyLimit)
	return questions(rows), s.mapError(ctx, err)
}

// CreateQuestion keeps a new question and returns its id.
func (s *Store) CreateQuestion(ctx context.Context, n epistle.Question, e epistle.AuditEntry) (epistle.ID, error) {
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO question (id, text_en, text_ko, url_en, url_ko, state, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			id, n.Text.EN, n.Text.KO, n.URL.EN, n.URL.KO, string(n.State), micros(e.At))
		return err
	})
}

// UpdateQuestion changes a question and the pages that answer it, if nobody did
// since n.Version.
func (s *Store) UpdateQuestion(ctx context.Context, n epistle.Question, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "question", n.ID, e, func(q queries) (int64, error) {
		return q.exec(ctx, `UPDATE question SET text_en = ?, text_ko = ?, url_en = ?, url_ko = ?, version = version + 1
			WHERE id = ? AND version = ?`, n.Text.EN, n.Text.KO, n.URL.EN, n.URL.KO, n.ID, n.Version)
	})
}
