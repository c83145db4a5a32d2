package store

import (
	"context"

	"epistle/internal/epistle"
)

// WelcomeReady reports whether there is an issue to welcome new subscribers of a
// newsletter with: Welcomes would send it now.
func (s *Store) WelcomeReady(ctx context.Context, newsletter epistle.ID) (bool, error) {
	var withdrawn []int64
	err := s.read().all(ctx, &withdrawn, `SELECT CASE WHEN `+withdrawnItem+` THEN 1 ELSE 0 END AS withdrawn FROM issue
		WHERE `+welcomeIssue+` ORDER BY issue.launched_at DESC, issue.number DESC LIMIT 1`, newsletter)
	return len(withdrawn) > 0 && withdrawn[0] == 0, s.mapError(ctx, err)
}
