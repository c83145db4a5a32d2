package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

type pageRow struct {
	ID        int64
	URL       string
	TitleEN   string `db:"title_en"`
	TitleKO   string `db:"title_ko"`
	ProjectID int64  `db:"project_id"`
	CreatedAt int64  `db:"created_at"`
	Version   int64  `db:"thread_version"`
}

const pageColumns = `page.id, page.url, page.title_en, page.title_ko, COALESCE(page.project_id, 0) AS project_id, page.created_at, page.thread_version`

func (r pageRow) page() epistle.Page {
	return epistle.Page{ID: r.ID, URL: r.URL, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO},
		ProjectID: r.ProjectID, CreatedAt: fromMicros(r.CreatedAt), ThreadVersion: r.Version}
}

// Page returns one page; NotFound if there is none.
func (s *Store) Page(ctx context.Context, id epistle.ID) (epistle.Page, error) {
	var row pageRow
	if err := s.read().get(ctx, &row, `SELECT `+pageColumns+` FROM page WHERE id = ?`, id); err != nil {
		return epistle.Page{}, s.mapError(ctx, err)
	}
	return row.page(), nil
}

// PageByURL finds a page by its canonical URL or a variant that means the same
// page; NotFound if there is none.
func (s *Store) PageByURL(ctx context.Context, canonical string) (epistle.Page, error) {
	query, args, err := s.read().in(pagesByURL, epistle.PageURLVariants(canonical))
	if err != nil {
		return epistle.Page{}, err
	}
	var rows []pageRow
	if err := s.readOften().all(ctx, &rows, query, args...); err != nil {
		return epistle.Page{}, s.mapError(ctx, err)
	}
	if len(rows) == 0 {
		return epistle.Page{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return rows[0].page(), nil
}

const pagesByURL = `SELECT ` + pageColumns + ` FROM page WHERE url IN (?) ORDER BY id LIMIT 1`

func pageByURL(ctx context.Context, q queries, canonical string) (row pageRow, err error) {
	query, args, err := q.in(pagesByURL, epistle.PageURLVariants(canonical))
	if err != nil {
		return row, err
	}
	return row, q.get(ctx, &row, query, args...)
}

// PageWithCounts is a page and how many comments it has in two states.
type PageWithCounts struct {
	epistle.Page
	Approved, Pending int64
}

// Pages lists every page, the newest first.
func (s *Store) Pages(ctx context.Context) ([]PageWithCounts, error) {
	var rows []struct {
		pageRow
		Approved int64
		Pending  int64
	}
	err := s.read().all(ctx, &rows, `SELECT `+pageColumns+`,
		(SELECT COUNT(*) FROM comment WHERE comment.page_id = page.id AND state = 'approved') AS approved,
		(SELECT COUNT(*) FROM comment WHERE comment.page_id = page.id AND state = 'pending') AS pending
		FROM page ORDER BY page.created_at DESC, page.id DESC`)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	pages := make([]PageWithCounts, len(rows))
	for i, r := range rows {
		pages[i] = PageWithCounts{Page: r.page(), Approved: r.Approved, Pending: r.Pending}
	}
	return pages, nil
}

// CreatePage adds a page of the staff's and returns it with its id. entry is
// recorded with it. A page that is there already, under this URL or a variant,
// gives Conflict on the field "url".
func (s *Store) CreatePage(ctx context.Context, p epistle.Page, entry epistle.AuditEntry) (epistle.Page, error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return epistle.Page{}, err
	}
	p.ID, entry.SubjectID = first, first
	err = s.write(ctx, func(q queries) error {
		if _, err := pageByURL(ctx, q, p.URL); err == nil {
			return &epistle.Error{Kind: epistle.Conflict, Field: "url", Message: "page.exists"}
		} else if epistle.KindOf(s.mapError(ctx, err)) != epistle.NotFound {
			return err
		}
		if err := s.insertPage(ctx, q, &p); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
	return p, err
}

// FindOrCreatePage returns the page of a canonical URL, adding it without a
// title if it is new. The caller has made sure that it is a page of the
// ministry's: strangers must not be able to fill the table.
func (s *Store) FindOrCreatePage(ctx context.Context, canonical string) (epistle.Page, error) {
	found, err := s.PageByURL(ctx, canonical)
	if err == nil || epistle.KindOf(err) != epistle.NotFound {
		return found, err
	}
	id, err := s.newID(ctx)
	if err != nil {
		return epistle.Page{}, err
	}
	p := epistle.Page{ID: id, URL: canonical}
	err = s.write(ctx, func(q queries) error { return s.insertPage(ctx, q, &p) })
	if epistle.KindOf(err) == epistle.Conflict { // somebody else was first
		return s.PageByURL(ctx, canonical)
	}
	return p, err
}

func (s *Store) insertPage(ctx context.Context, q queries, p *epistle.Page) error {
	now := s.clock()
	p.CreatedAt, p.ThreadVersion = fromMicros(micros(now)), 1
	_, err := q.exec(ctx, `INSERT INTO page (id, url, title_en, title_ko, project_id, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		p.ID, p.URL, p.Title.EN, p.Title.KO, orNull(p.ProjectID), micros(now))
	return err
}

// UpdatePage changes a page's titles and project, not its URL, under which
// people find it. NotFound if there is no such page.
func (s *Store) UpdatePage(ctx context.Context, p epistle.Page, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	entry.SubjectID = p.ID
	return s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, `UPDATE page SET title_en = ?, title_ko = ?, project_id = ? WHERE id = ?`,
			p.Title.EN, p.Title.KO, orNull(p.ProjectID), p.ID)
		if err != nil {
			return err
		}
		if changed == 0 {
			return epistle.Errorf(epistle.NotFound, "not-found", nil)
		}
		return insertAudit(ctx, q, id, entry)
	})
}

// CountUntitledPages counts the pages that came of readers' comments after a
// time and that no staff have given a title yet.
func (s *Store) CountUntitledPages(ctx context.Context, since time.Time) (int64, error) {
	var n int64
	err := s.read().get(ctx, &n, `SELECT COUNT(*) FROM page WHERE title_en = '' AND title_ko = '' AND created_at > ?`, micros(since))
	return n, s.mapError(ctx, err)
}

// PagesToLookAt lists pages, the one with the oldest comment first, on which
// somebody commented in our own thread after a time and whose text was not
// looked at for it.
func (s *Store) PagesToLookAt(ctx context.Context, since time.Time, limit int) ([]epistle.Page, error) {
	var rows []pageRow
	if err := s.read().all(ctx, &rows, `SELECT `+pageColumns+` FROM page WHERE id IN (SELECT page_id FROM comment WHERE `+notLookedAt+` GROUP BY page_id
		ORDER BY MIN(created_at) LIMIT ?) ORDER BY id`, micros(since), limit); err != nil {
		return nil, s.mapError(ctx, err)
	}
	pages := make([]epistle.Page, len(rows))
	for i, r := range rows {
		pages[i] = r.page()
	}
	return pages, nil
}

// notLookedAt are comments of our own thread that lack the digest of their page.
const notLookedAt = `state IN ('pending', 'approved') AND created_at > ? AND origin = 'form' AND page_digest = '' AND staff_id IS NULL`

// KeepPageLook keeps, with the comments that came to a page after since and until
// a time, a digest of its text, and what it is called where nobody had given it
// a title.
func (s *Store) KeepPageLook(ctx context.Context, page epistle.ID, since, until time.Time, title, digest string) error {
	return s.writeBulk(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE comment SET page_digest = ?, page_title = CASE WHEN page_title = '' THEN ? ELSE page_title END
			WHERE `+notLookedAt+` AND created_at <= ? AND page_id = ?`, digest, title, micros(since), micros(until), page)
		return err
	})
}
