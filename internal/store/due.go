package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// punctuality is how late a delivery may be claimed for its reservation to hold.
// One that was missed because the issue was paused or no daemon ran is lost, so
// that going on is no burst.
const punctuality = 10 * time.Second

// dueWindow is how many due deliveries a claim chooses among. Within it every
// lane has its turn, so that a domain with much to be tried again does not keep
// the others waiting.
const dueWindow = 500

// dueKey names a claimed delivery.
type dueKey struct {
	IssueID int64 `db:"issue_id"`
	Seq     int64
}

// ClaimDue takes up to limit deliveries whose time has come, deferred ones and
// welcomes, of issues that are not paused, held back or cancelled: welcomes
// first, but for half of them, then from each lane in turn. They come back if
// SettleDue has not been called for them when the lease ends.
func (s *Store) ClaimDue(ctx context.Context, lease time.Duration, limit int) ([]Recipient, error) {
	if err := s.clockFit(ctx); err != nil {
		return nil, err
	}
	now := s.clock()
	claimed := micros(now.Add(lease))
	var keys []dueKey
	err := s.writeBulk(ctx, func(q queries) error {
		keys = nil
		due := `d.next_at > 0 AND d.next_at <= ? AND d.state IN (0, 2)`
		candidates := `SELECT d.issue_id, d.seq, d.lane, d.next_at FROM delivery d WHERE ` + due + `
			AND EXISTS (SELECT 1 FROM issue WHERE issue.id = d.issue_id AND issue.state IN ('launching', 'sending', 'sent') AND NOT ` + withdrawnItem + `)`
		claim := `UPDATE delivery SET next_at = ?, reserved = CASE WHEN next_at < ? THEN 0 ELSE reserved END WHERE (issue_id, seq) IN (
			SELECT d.issue_id, d.seq FROM delivery d WHERE ` + due + ` AND (d.issue_id, d.seq) IN (
				SELECT c.issue_id, c.seq FROM (
					SELECT w.issue_id, w.seq, w.next_at, ROW_NUMBER() OVER (PARTITION BY w.lane ORDER BY w.next_at) AS place FROM (`
		choose := ` ORDER BY d.next_at LIMIT ?) w) c
				ORDER BY c.place, c.next_at LIMIT ?)` + s.dialect.claimSuffix("d") + `) RETURNING issue_id, seq`
		for _, part := range []struct {
			of    string
			limit int
		}{{` AND d.kind = 1`, (limit + 1) / 2}, {``, limit}} {
			var some []dueKey
			if err := q.all(ctx, &some, claim+candidates+part.of+choose, claimed, micros(now.Add(-punctuality)), micros(now), micros(now),
				dueWindow, part.limit-len(keys)); err != nil {
				return err
			}
			keys = append(keys, some...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]Recipient, 0, len(keys))
	for _, key := range keys {
		found, err := s.recipients(ctx, `WHERE d.issue_id = ? AND d.seq = ?`, micros(now), key.IssueID, key.Seq)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			r.claimedAt = claimed
			all = append(all, r)
		}
	}
	return all, nil
}

// SettleDue records what became of a claimed delivery; a queued result gives it
// back untried, due at r.NextAt. Conflict "delivery.taken" means that the lease
// had ended and somebody else has it.
func (s *Store) SettleDue(ctx context.Context, claimed Recipient, r Result) error {
	ids, err := s.idsForResults(ctx, []Result{r})
	if err != nil {
		return err
	}
	return s.writeBulk(ctx, func(q queries) error {
		n, err := s.recordResult(ctx, q, claimed.IssueID, r, ids, `state IN (0, 2) AND next_at = ?`, claimed.claimedAt)
		if err == nil && n == 0 {
			return epistle.Errorf(epistle.Conflict, "delivery.taken", nil)
		}
		return err
	})
}
