package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// Waiting counts things that wait for somebody, and says since when the oldest
// does.
type Waiting struct {
	Count  int64
	Oldest time.Time // zero when nothing waits
}

// Today is what waits at the desk.
type Today struct {
	Comments Waiting // held for moderation
	Signups  Waiting // mailed, not confirmed, not expired
	Links    Waiting // to be confirmed, submitted by somebody else
	OwnLinks Waiting // to be confirmed by somebody else
	Prayers  Waiting // drafted
}

// Today is what waits, as a member of staff sees it.
func (s *Store) Today(ctx context.Context, me epistle.ID) (Today, error) {
	var rows []struct {
		Kind   string
		Count  int64
		Oldest int64
	}
	err := s.read().all(ctx, &rows, `
		SELECT 'comments' AS kind, COUNT(*) AS count, COALESCE(MIN(created_at), 0) AS oldest FROM comment WHERE state = 'pending'
		UNION ALL SELECT 'signups', COUNT(*), COALESCE(MIN(created_at), 0) FROM signup WHERE state = 'pending' AND expires_at > ?
		UNION ALL SELECT 'links', COUNT(*), COALESCE(MIN(submitted_at), 0) FROM link WHERE state = 'submitted' AND submitted_by <> ?
		UNION ALL SELECT 'own-links', COUNT(*), COALESCE(MIN(submitted_at), 0) FROM link WHERE state = 'submitted' AND submitted_by = ?
		UNION ALL SELECT 'prayers', COUNT(*), COALESCE(MIN(created_at), 0) FROM prayer WHERE state = 'drafted'`,
		micros(s.clock()), me, me)
	if err != nil {
		return Today{}, s.mapError(ctx, err)
	}
	var t Today
	into := map[string]*Waiting{"comments": &t.Comments, "signups": &t.Signups, "links": &t.Links, "own-links": &t.OwnLinks, "prayers": &t.Prayers}
	for _, r := range rows {
		*into[r.Kind] = Waiting{r.Count, fromMicros(r.Oldest)}
	}
	return t, nil
}

// Movement is who came to a newsletter and who went.
type Movement struct {
	Joined int64
	Left   int64 `db:"gone"`
}

// MovementSince counts who confirmed a newsletter since a time and stayed, and
// who left it.
func (s *Store) MovementSince(ctx context.Context, newsletterID epistle.ID, since time.Time) (Movement, error) {
	var m Movement
	err := s.read().get(ctx, &m, `SELECT
		(SELECT COUNT(*) FROM subscription WHERE newsletter_id = ? AND confirmed_at >= ? AND state = 'confirmed') AS joined,
		(SELECT COUNT(*) FROM subscription WHERE newsletter_id = ? AND left_at > 0 AND left_at >= ? AND state = 'left') AS gone`,
		newsletterID, micros(since), newsletterID, micros(since))
	return m, s.mapError(ctx, err)
}
