package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

const selectPrayers = `SELECT id, COALESCE(project_id, 0) AS project_id, COALESCE(link_id, 0) AS link_id,
	headline_en, headline_ko, body_en, body_ko,
	CASE WHEN state = 'current' AND expires_at > 0 AND expires_at <= ? THEN 'expired' ELSE state END AS state,
	expires_at, created_by, created_at, version FROM prayer`

type prayerRow struct {
	ID         int64
	ProjectID  int64  `db:"project_id"`
	LinkID     int64  `db:"link_id"`
	HeadlineEN string `db:"headline_en"`
	HeadlineKO string `db:"headline_ko"`
	BodyEN     string `db:"body_en"`
	BodyKO     string `db:"body_ko"`
	State      string
	ExpiresAt  int64 `db:"expires_at"`
	CreatedBy  int64 `db:"created_by"`
	CreatedAt  int64 `db:"created_at"`
	Version    int64
}

func (r prayerRow) prayer() epistle.Prayer {
	return epistle.Prayer{ID: r.ID, ProjectID: r.ProjectID, LinkID: r.LinkID,
		Headline: epistle.Text{EN: r.HeadlineEN, KO: r.HeadlineKO}, Body: epistle.Text{EN: r.BodyEN, KO: r.BodyKO},
		State: epistle.ItemState(r.State), ExpiresAt: fromMicros(r.ExpiresAt),
		CreatedBy: r.CreatedBy, CreatedAt: fromMicros(r.CreatedAt), Version: r.Version}
}

// Prayer returns a prayer request.
func (s *Store) Prayer(ctx context.Context, id epistle.ID) (epistle.Prayer, error) {
	var row prayerRow
	query, args := single(selectPrayers, []any{micros(s.clock())}, id)
	if err := s.read().get(ctx, &row, query, args...); err != nil {
		return epistle.Prayer{}, s.mapError(ctx, err)
	}
	return row.prayer(), nil
}

// Prayers lists prayer requests, the newest first. A current one whose time has
// passed reads as expired.
func (s *Store) Prayers(ctx context.Context, f PoolFilter) ([]epistle.Prayer, error) {
	return s.prayersAt(ctx, s.clock(), f)
}

func (s *Store) prayersAt(ctx context.Context, now time.Time, f PoolFilter) ([]epistle.Prayer, error) {
	var rows []prayerRow
	query, args := listed(selectPrayers, []any{micros(now)}, f)
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	prayers := make([]epistle.Prayer, len(rows))
	for i, r := range rows {
		prayers[i] = r.prayer()
	}
	return prayers, nil
}

// CreatePrayer keeps a new prayer request and returns its id.
func (s *Store) CreatePrayer(ctx context.Context, p epistle.Prayer, e epistle.AuditEntry) (epistle.ID, error) {
	return s.createItem(ctx, e, func(q queries, id epistle.ID) error {
		_, err := q.exec(ctx, `INSERT INTO prayer (id, project_id, link_id, headline_en, headline_ko, body_en, body_ko, state, expires_at, created_by, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			id, orNull(p.ProjectID), orNull(p.LinkID), p.Headline.EN, p.Headline.KO, p.Body.EN, p.Body.KO,
			string(p.State), micros(p.ExpiresAt), p.CreatedBy, micros(e.At))
		return err
	})
}

// UpdatePrayer changes what a prayer request says, where it belongs and when it
// expires, if nobody did since p.Version.
func (s *Store) UpdatePrayer(ctx context.Context, p epistle.Prayer, e epistle.AuditEntry) error {
	return s.updateItem(ctx, "prayer", p.ID, e, func(q queries) (int64, error) {
		return q.exec(ctx, `UPDATE prayer SET project_id = ?, link_id = ?, headline_en = ?, headline_ko = ?, body_en = ?, body_ko = ?,
			expires_at = ?, version = version + 1 WHERE id = ? AND version = ?`,
			orNull(p.ProjectID), orNull(p.LinkID), p.Headline.EN, p.Headline.KO, p.Body.EN, p.Body.KO,
			micros(p.ExpiresAt), p.ID, p.Version)
	})
}
