package store

import (
	"context"
	"strconv"
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

// dueRivals is among how many times as many a claim picks what nobody else is
// claiming at this moment.
const dueRivals = 4

// claimDue takes, of the deliveries of a kind that are due, the first of each
// lane, then the second, and so on.
func (s *Store) claimDue(kind epistle.DeliveryKind) string {
	isDue := isDue(kind)
	return `UPDATE delivery SET next_at = ?, reserved = CASE WHEN next_at < ? THEN 0 ELSE reserved END WHERE (issue_id, seq) IN (
	SELECT d.issue_id, d.seq FROM delivery d WHERE ` + isDue + ` AND (d.issue_id, d.seq) IN (
		SELECT c.issue_id, c.seq FROM (
			SELECT w.issue_id, w.seq, w.next_at, ROW_NUMBER() OVER (PARTITION BY w.lane ORDER BY w.next_at) AS place FROM (
				SELECT d.issue_id, d.seq, d.lane, d.next_at FROM delivery d WHERE ` + isDue + ` AND EXISTS (SELECT 1 FROM issue
					WHERE issue.id = d.issue_id AND issue.state IN ('launching', 'sending', 'sent') AND NOT ` + withdrawnItem + `)
				ORDER BY d.next_at LIMIT ?) w) c
		ORDER BY c.place, c.next_at LIMIT ?) LIMIT ?` + s.dialect.claimSuffix("d") + `) RETURNING issue_id, seq`
}

// isDue has the kind in its text, so that its index is found.
func isDue(kind epistle.DeliveryKind) string {
	return `d.kind = ` + strconv.Itoa(int(kind)) + ` AND d.next_at > 0 AND d.next_at <= ? AND d.state IN (0, 2)`
}

// ClaimDue takes up to limit deliveries of a kind whose time has come, of issues
// that are not paused, held back or cancelled, from each lane in turn. They come
// back if SettleDue has not been called for them when the lease ends.
func (s *Store) ClaimDue(ctx context.Context, kind epistle.DeliveryKind, lease time.Duration, limit int) ([]Recipient, error) {
	if err := s.clockFit(ctx); err != nil {
		return nil, err
	}
	now := s.clock()
	// Mostly nothing is due, and then nobody who writes is disturbed.
	var due []int64
	err := s.read().all(ctx, &due, `SELECT d.seq FROM delivery d WHERE `+isDue(kind)+` LIMIT 1`, micros(now))
	if err != nil || len(due) == 0 {
		return nil, s.mapError(err)
	}
	claimed := micros(now.Add(lease))
	var keys []struct {
		IssueID int64 `db:"issue_id"`
		Seq     int64
	}
	err = s.writeBulk(ctx, func(q queries) error {
		keys = nil
		return q.all(ctx, &keys, s.claimDue(kind), claimed, micros(now.Add(-punctuality)), micros(now), micros(now), dueWindow, dueRivals*limit, limit)
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
