package store

import (
	"context"
	"time"
)

// WaitingComments lists what readers wrote and what no staff member has dealt
// with: it waits for a moderator, or was written after a time, is approved and
// has no answer of the staff's under it. Of the comments of an export too only
// what was written after that time counts. The oldest come first.
func (s *Store) WaitingComments(ctx context.Context, since time.Time, limit int) ([]CommentInContext, error) {
	return s.commentsInContext(ctx, `(comment.created_at > ? OR comment.state = 'pending' AND comment.origin <> 'import')
		AND comment.staff_id IS NULL AND (comment.state = 'pending' OR comment.state = 'approved'
		AND NOT EXISTS (SELECT 1 FROM comment answer WHERE answer.staff_id IS NOT NULL AND answer.created_at >= comment.created_at
			AND answer.state = 'approved' AND answer.parent_id IN (comment.id, comment.parent_id)))
		ORDER BY comment.created_at, comment.id LIMIT ?`, micros(since), limit)
}

// AskedFrom is how many people asked for the updates on a page.
type AskedFrom struct {
	PageURL string
	Count   int64
}

// AskedSince counts the sign-ups that readers made after a time, by the page
// where they did, most first. Sign-ups by staff and imports are not counted.
func (s *Store) AskedSince(ctx context.Context, since time.Time) ([]AskedFrom, error) {
	var rows []struct {
		PageURL string `db:"page_url"`
		N       int64
	}
	err := s.read().all(ctx, &rows, `SELECT page_url, COUNT(*) AS n FROM signup
		WHERE created_at > ? AND staff_id IS NULL AND source IN ('comment', 'form') GROUP BY page_url ORDER BY n DESC, page_url LIMIT 50`, micros(since))
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	list := make([]AskedFrom, len(rows))
	for i, r := range rows {
		list[i] = AskedFrom{PageURL: r.PageURL, Count: r.N}
	}
	return list, nil
}
