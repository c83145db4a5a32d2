package store

import (
	"context"

	"epistle/internal/epistle"
)

const selectLinks = `SELECT id, url, title_en, title_ko, summary_en, summary_ko, publisher, published_on, note, state,
	submitted_by, submitted_at, submitted_at AS created_at, decided_by, decided_at, solo, reason, version FROM link`

type linkRow struct {
	ID          int64
	URL         string
	TitleEN     string `db:"title_en"`
	TitleKO     string `db:"title_ko"`
	SummaryEN   string `db:"summary_en"`
	SummaryKO   string `db:"summary_ko"`
	Publisher   string
	PublishedOn string `db:"published_on"`
	Note        string
	State       string
	SubmittedBy int64 `db:"submitted_by"`
	SubmittedAt int64 `db:"submitted_at"`
	CreatedAt   int64 `db:"created_at"` // for the order of lists
	DecidedBy   int64 `db:"decided_by"`
	DecidedAt   int64 `db:"decided_at"`
	Solo        int64
	Reason      string
	Version     int64
}

func (r linkRow) link() epistle.Link {
	return epistle.Link{ID: r.ID, URL: r.URL, Title: epistle.Text{EN: r.TitleEN, KO: r.TitleKO},
		Summary: epistle.Text{EN: r.SummaryEN, KO: r.SummaryKO}, Publisher: r.Publisher, PublishedOn: r.PublishedOn,
		Note: r.Note, State: epistle.LinkState(r.State), SubmittedBy: r.SubmittedBy, SubmittedAt: fromMicros(r.SubmittedAt),
		DecidedBy: r.DecidedBy, DecidedAt: fromMicros(r.DecidedAt), Solo: r.Solo != 0, Reason: r.Reason, Version: r.Version}
}

func links(rows []linkRow) []epistle.Link {
	list := make([]epistle.Link, len(rows))
	for i, r := range rows {
		list[i] = r.link()
	}
	return list
}

// Link returns a news link.
func (s *Store) Link(ctx context.Context, id epistle.ID) (epistle.Link, error) {
	var row linkRow
	if err := s.read().get(ctx, &row, selectLinks+` WHERE id = ?`, id); err != nil {
		return epistle.Link{}, s.mapError(ctx, err)
	}
	return row.link(), nil
}

// LinkByURL returns the link with exactly this cleaned URL; NotFound if there
// is none.
func (s *Store) LinkByURL(ctx context.Context, url string) (epistle.Link, error) {
	found, err := s.LinksByURL(ctx, []string{url})
	if err != nil {
		return epistle.Link{}, err
	}
	if len(found) == 0 {
		return epistle.Link{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return found[0], nil
}

// LinksByURL returns the links whose cleaned URL is one of urls, the oldest
// first.
func (s *Store) LinksByURL(ctx context.Context, urls []string) ([]epistle.Link, error) {
	query, args, err := s.read().in(selectLinks+` WHERE url IN (?) ORDER BY id`, urls)
	if err != nil {
		return nil, err
	}
	var rows []linkRow
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	return links(rows), nil
}

// Links lists news links, the newest first.
func (s *Store) Links(ctx context.Context, f PoolFilter) ([]epistle.Link, error) {
	var rows []linkRow
	query, args := listed(selectLinks, nil, f)
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	return links(rows), nil
}

// freshLinks are the confirmed links that were never mailed.
func (s *Store) freshLinks(ctx context.Context) ([]epistle.Link, error) {
	var rows []linkRow
	err := s.read().all(ctx, &rows, selectLinks+` WHERE state = 'confirmed' AND NOT `+mailed(epistle.LinkItem, "link.id")+`
		ORDER BY published_on DESC, id DESC LIMIT ?`, readyLimit)
	return links(rows), s.mapError(ctx, err)
}

// CreateLink keeps a new link and returns its id. A link with the same URL is a
// Conflict, "exists".
func (s *Store) CreateLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) (epistle.ID, error) {
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO link (id, url, title_en, title_ko, summary_en, summary_ko, publisher, published_on, note, state,
			submitted_by, submitted_at, decided_by, decided_at, solo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, l.URL, l.Title.EN, l.Title.KO, l.Summary.EN, l.Summary.KO, l.Publisher, l.PublishedOn, l.Note, string(l.State),
			l.SubmittedBy, micros(l.SubmittedAt), l.DecidedBy, micros(l.DecidedAt), flag(l.Solo))
		return err
	})
}

// UpdateLink keeps all of a link, its state and who decided included, if
// nobody changed it since l.Version. The verb decides what may follow what; see
// RejectLink and Withdraw for what reaches into issues.
func (s *Store) UpdateLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "link", l.ID, e, func(q queries) (int64, error) { return updateLink(ctx, q, l) })
}

// RejectLink is UpdateLink for a link that was refused. It was confirmed once,
// perhaps, and changed since: issues that took it in are stopped as by Withdraw.
func (s *Store) RejectLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, maxHeld)
	if err != nil {
		return err
	}
	return s.updateItem(ctx, "link", l.ID, e, func(q queries) (int64, error) {
		changed, err := updateLink(ctx, q, l)
		if err != nil || changed == 0 {
			return changed, err
		}
		_, err = holdIssuesShowing(ctx, q, first, epistle.LinkItem, l.ID, e)
		return changed, err
	})
}

func updateLink(ctx context.Context, q queries, l epistle.Link) (int64, error) {
	return q.exec(ctx, `UPDATE link SET url = ?, title_en = ?, title_ko = ?, summary_en = ?, summary_ko = ?, publisher = ?, published_on = ?,
			note = ?, state = ?, submitted_by = ?, submitted_at = ?, decided_by = ?, decided_at = ?, solo = ?, reason = ?, version = version + 1
			WHERE id = ? AND version = ?`,
		l.URL, l.Title.EN, l.Title.KO, l.Summary.EN, l.Summary.KO, l.Publisher, l.PublishedOn,
		l.Note, string(l.State), l.SubmittedBy, micros(l.SubmittedAt), l.DecidedBy, micros(l.DecidedAt), flag(l.Solo), l.Reason,
		l.ID, l.Version)
}

// AllSolo reports whether every newsletter is in solo mode. Links belong to no
// newsletter, so one that asks for a second person asks for all.
func (s *Store) AllSolo(ctx context.Context) (bool, error) {
	var count struct {
		Newsletters int
		Strict      int
	}
	err := s.read().get(ctx, &count, `SELECT COUNT(*) AS newsletters,
		COALESCE(SUM(CASE WHEN solo_mode = 0 THEN 1 ELSE 0 END), 0) AS strict FROM newsletter`)
	return count.Newsletters > 0 && count.Strict == 0, s.mapError(ctx, err)
}
