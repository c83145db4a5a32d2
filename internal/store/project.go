package store

import (
	"context"

	"epistle/internal/epistle"
)

type projectRow struct {
	ID      int64
	Slug    string
	TitleEN string `db:"title_en"`
	TitleKO string `db:"title_ko"`
	PageURL string `db:"page_url"`
}

const projectColumns = `id, slug, title_en, title_ko, page_url`

func (r projectRow) project() epistle.Project {
	return epistle.Project{ID: r.ID, Slug: r.Slug, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO}, PageURL: r.PageURL}
}

// Projects lists every project by its English title.
func (s *Store) Projects(ctx context.Context) ([]epistle.Project, error) {
	var rows []projectRow
	if err := s.read().all(ctx, &rows, `SELECT `+projectColumns+` FROM project ORDER BY title_en, id`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	projects := make([]epistle.Project, len(rows))
	for i, r := range rows {
		projects[i] = r.project()
	}
	return projects, nil
}

// Project returns one project; NotFound if there is none.
func (s *Store) Project(ctx context.Context, id epistle.ID) (epistle.Project, error) {
	return s.projectWhere(ctx, `id = ?`, id)
}

// ProjectBySlug finds a project by its slug; NotFound if there is none.
func (s *Store) ProjectBySlug(ctx context.Context, slug string) (epistle.Project, error) {
	return s.projectWhere(ctx, `slug = ?`, slug)
}

func (s *Store) projectWhere(ctx context.Context, where string, value any) (epistle.Project, error) {
	var row projectRow
	if err := s.read().get(ctx, &row, `SELECT `+projectColumns+` FROM project WHERE `+where, value); err != nil {
		return epistle.Project{}, s.mapError(ctx, err)
	}
	return row.project(), nil
}

// CreateProject adds a project and returns it with its id. entry is recorded
// with it. A slug that is taken gives Conflict.
func (s *Store) CreateProject(ctx context.Context, p epistle.Project, entry epistle.AuditEntry) (epistle.Project, error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return epistle.Project{}, err
	}
	p.ID, entry.SubjectID = first, first
	err = s.write(ctx, func(q queries) error {
		if _, err := q.exec(ctx, `INSERT INTO project (`+projectColumns+`) VALUES (?, ?, ?, ?, ?)`,
			p.ID, p.Slug, p.Title.EN, p.Title.KO, p.PageURL); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
	return p, err
}
