package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
)

type siteRow struct {
	ID              int64
	Slug            string
	URL             string
	SecretSealed    []byte `db:"secret_sealed"`
	OldSecretSealed []byte `db:"old_secret_sealed"`
	UserSealed      []byte `db:"user_sealed"`
	PasswordSealed  []byte `db:"password_sealed"`
	WordingVersion  int64  `db:"wording_version"`
	HookedAt        int64  `db:"hooked_at"`
	PolledAt        int64  `db:"polled_at"`
	PollAfter       int64  `db:"poll_after"`
	Failures        int64
	Problem         string
	Newest          int64
	Swept           int64
	CreatedAt       int64 `db:"created_at"`
	RetiredAt       int64 `db:"retired_at"`
	Version         int64
}

const siteColumns = `id, slug, url, secret_sealed, old_secret_sealed, user_sealed, password_sealed, wording_version,
	hooked_at, polled_at, poll_after, failures, problem, newest, swept, created_at, retired_at, version`

func (s *Store) site(r siteRow) (epistle.Site, error) {
	x := s.sealer("site", r.ID)
	site := epistle.Site{ID: r.ID, Slug: r.Slug, URL: r.URL,
		Secret: x.unseal("secret", r.SecretSealed), OldSecret: x.unseal("old_secret", r.OldSecretSealed),
		User: x.unseal("user", r.UserSealed), Password: x.unseal("password", r.PasswordSealed),
		WordingVersion: r.WordingVersion, HookedAt: fromMicros(r.HookedAt), PolledAt: fromMicros(r.PolledAt),
		PollAfter: fromMicros(r.PollAfter), Failures: r.Failures, Problem: r.Problem, Newest: r.Newest, Swept: r.Swept,
		CreatedAt: fromMicros(r.CreatedAt), RetiredAt: fromMicros(r.RetiredAt), Version: r.Version}
	return site, x.err
}

// Sites lists every site, the oldest first.
func (s *Store) Sites(ctx context.Context) ([]epistle.Site, error) {
	var rows []siteRow
	if err := s.read().all(ctx, &rows, `SELECT `+siteColumns+` FROM site ORDER BY id`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Site, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = s.site(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Site returns a site; NotFound if there is none.
func (s *Store) Site(ctx context.Context, id epistle.ID) (epistle.Site, error) {
	return s.siteWhere(ctx, `id = ?`, id)
}

// SiteBySlug finds the site of a hook; NotFound if there is none.
func (s *Store) SiteBySlug(ctx context.Context, slug string) (epistle.Site, error) {
	return s.siteWhere(ctx, `slug = ?`, slug)
}

// SiteByURL finds a site by its canonical URL or a variant that means the same
// page; NotFound if there is none.
func (s *Store) SiteByURL(ctx context.Context, canonical string) (epistle.Site, error) {
	where, args, err := s.read().in(`url IN (?)`, epistle.PageURLVariants(canonical))
	if err != nil {
		return epistle.Site{}, err
	}
	return s.siteWhere(ctx, where, args...)
}

func (s *Store) siteWhere(ctx context.Context, where string, args ...any) (epistle.Site, error) {
	var row siteRow
	if err := s.read().get(ctx, &row, `SELECT `+siteColumns+` FROM site WHERE `+where+` ORDER BY id LIMIT 1`, args...); err != nil {
		return epistle.Site{}, s.mapError(ctx, err)
	}
	return s.site(row)
}

// sealedSite seals what must not be read from the database.
func (s *Store) sealedSite(site epistle.Site) (secret, oldSecret, user, password []byte, err error) {
	x := s.sealer("site", site.ID)
	secret, oldSecret = x.seal("secret", site.Secret), x.seal("old_secret", site.OldSecret)
	user, password = x.seal("user", site.User), x.seal("password", site.Password)
	return secret, oldSecret, user, password, x.err
}

// CreateSite adds a site and returns it with its id. A slug or a URL that is
// taken gives Conflict on the field "slug" or "url".
func (s *Store) CreateSite(ctx context.Context, site epistle.Site, entry epistle.AuditEntry) (epistle.Site, error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return epistle.Site{}, err
	}
	site.ID, site.Version, entry.SubjectID = first, 1, first
	site.CreatedAt = fromMicros(micros(s.clock()))
	secret, oldSecret, user, password, err := s.sealedSite(site)
	if err != nil {
		return epistle.Site{}, err
	}
	err = s.write(ctx, func(q queries) error {
		if err := siteIsFree(ctx, q, site); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `INSERT INTO site (id, slug, url, secret_sealed, old_secret_sealed, user_sealed, password_sealed, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			site.ID, site.Slug, site.URL, secret, oldSecret, user, password, micros(site.CreatedAt)); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
	return site, err
}

// siteIsFree gives Conflict when another site has the slug or the address.
func siteIsFree(ctx context.Context, q queries, site epistle.Site) error {
	query, args, err := q.in(`SELECT slug FROM site WHERE id <> ? AND (slug = ? OR url IN (?)) ORDER BY id LIMIT 1`,
		site.ID, site.Slug, epistle.PageURLVariants(site.URL))
	if err != nil {
		return err
	}
	var taken string
	switch err := q.get(ctx, &taken, query, args...); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case taken == site.Slug:
		return &epistle.Error{Kind: epistle.Conflict, Field: "slug", Message: "site.slug-taken"}
	}
	return &epistle.Error{Kind: epistle.Conflict, Field: "url", Message: "site.url-taken"}
}

// UpdateSite keeps what people set: URL, secrets, credentials and whether it is
// connected, not the slug, under which the site calls. The next look begins anew. Conflict means that
// somebody else changed the site meanwhile, or has its URL (field "url").
func (s *Store) UpdateSite(ctx context.Context, site epistle.Site, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	entry.SubjectID = site.ID
	secret, oldSecret, user, password, err := s.sealedSite(site)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		if err := siteIsFree(ctx, q, site); err != nil {
			return err
		}
		changed, err := q.exec(ctx, `UPDATE site SET url = ?, secret_sealed = ?, old_secret_sealed = ?, user_sealed = ?, password_sealed = ?,
			retired_at = ?, poll_after = 0, failures = 0, problem = '', version = version + 1 WHERE id = ? AND version = ?`,
			site.URL, secret, oldSecret, user, password, micros(site.RetiredAt), site.ID, site.Version)
		if err != nil {
			return err
		}
		if changed == 0 {
			return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
		}
		return insertAudit(ctx, q, id, entry)
	})
}

// RemoveSite deletes a site of which no comment is known; removed is false if
// one is. Conflict means that somebody else changed the site meanwhile.
func (s *Store) RemoveSite(ctx context.Context, id epistle.ID, version int64, entry epistle.AuditEntry) (removed bool, err error) {
	audit, err := s.newID(ctx)
	if err != nil {
		return false, err
	}
	entry.SubjectID = id
	err = s.write(ctx, func(q queries) error {
		removed = false
		changed, err := q.exec(ctx, `UPDATE site SET version = version WHERE id = ? AND version = ?`, id, version)
		if err != nil {
			return err
		}
		if changed == 0 {
			return changedMeanwhile()
		}
		deleted, err := q.exec(ctx, `DELETE FROM site WHERE id = ? AND NOT EXISTS (SELECT 1 FROM comment_source o WHERE o.site_id = site.id)`, id)
		if err != nil || deleted == 0 {
			return err
		}
		removed = true
		return insertAudit(ctx, q, audit, entry)
	})
	return removed, err
}

// HookCalled records that a site's hook called.
func (s *Store) HookCalled(ctx context.Context, site epistle.ID) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE site SET hooked_at = ? WHERE id = ?`, micros(s.clock()), site)
		return err
	})
}

// SitePolled records a look at a site that was complete: newest and swept as in
// epistle.Site.
func (s *Store) SitePolled(ctx context.Context, id epistle.ID, newest, swept int64) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE site SET polled_at = ?, poll_after = 0, failures = 0, problem = '', newest = ?, swept = ? WHERE id = ?`,
			micros(s.clock()), newest, swept, id)
		return err
	})
}

// SitePollFailed records a look that failed, and when the next one may be.
func (s *Store) SitePollFailed(ctx context.Context, id epistle.ID, problem string, after time.Time) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE site SET poll_after = ?, failures = failures + 1, problem = ? WHERE id = ?`, micros(after), problem, id)
		return err
	})
}

// SitePollSoon forgets the looks that failed.
func (s *Store) SitePollSoon(ctx context.Context, id epistle.ID) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE site SET poll_after = 0, failures = 0, problem = '' WHERE id = ?`, id)
		return err
	})
}

// KnownSourceIDs lists the site's own numbers of comments that are there still,
// above after, in order.
func (s *Store) KnownSourceIDs(ctx context.Context, site epistle.ID, after int64, limit int) ([]int64, error) {
	var ids []int64
	err := s.read().all(ctx, &ids, `SELECT source_id FROM comment_source WHERE site_id = ? AND source_id > ? AND deleted_at = 0
		ORDER BY source_id LIMIT ?`, site, after, limit)
	return ids, s.mapError(ctx, err)
}

// CountKnownSources counts the comments of a site that are there still.
func (s *Store) CountKnownSources(ctx context.Context, site epistle.ID) (int64, error) {
	var n int64
	err := s.read().get(ctx, &n, `SELECT COUNT(*) FROM comment_source WHERE site_id = ? AND deleted_at = 0`, site)
	return n, s.mapError(ctx, err)
}

// SweepHookMessages forgets the messages that are too old to be sent again.
func (s *Store) SweepHookMessages(ctx context.Context, before time.Time) error {
	return s.writeBulk(ctx, func(q queries) error {
		_, err := q.exec(ctx, `DELETE FROM hook_message WHERE at < ?`, micros(before))
		return err
	})
}
