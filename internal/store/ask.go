package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// askLease is how long whoever turns a ticked box into a mail may take.
const askLease = time.Minute

// ClaimAsk lets one caller turn the ticked box of a comment into a request; the
// others get false, and so does everybody once SettleAsk said that it is done.
func (s *Store) ClaimAsk(ctx context.Context, site epistle.ID, sourceID int64) (mine bool, err error) {
	now := s.clock()
	err = s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, `UPDATE comment_source SET asking_until = ? WHERE site_id = ? AND source_id = ? AND asked_at = 0
			AND deleted_at = 0 AND asking_until <= ?`, micros(now.Add(askLease)), site, sourceID, micros(now))
		mine = changed > 0
		return err
	})
	return mine, err
}

// AskDone records that the ticked box led to its mail.
func (s *Store) AskDone(ctx context.Context, site epistle.ID, sourceID int64) error {
	return s.settleAsk(ctx, site, sourceID, s.clock())
}

// AskFailed lets the next telling of the comment try again.
func (s *Store) AskFailed(ctx context.Context, site epistle.ID, sourceID int64) error {
	return s.settleAsk(ctx, site, sourceID, time.Time{})
}

func (s *Store) settleAsk(ctx context.Context, site epistle.ID, sourceID int64, at time.Time) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE comment_source SET asked_at = ?, asking_until = 0 WHERE site_id = ? AND source_id = ?`,
			micros(at), site, sourceID)
		return err
	})
}
