package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
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

// pendingIssues lists the issues that have deliveries of a kind to be sent later,
// by hopping over the index from one to the next: however many wait in an issue
// that is paused, it is one hop. It keeps those that are on their way and have
// something due.
func pendingIssues(kind epistle.DeliveryKind) string {
	of := `FROM delivery d WHERE d.kind = ` + strconv.Itoa(int(kind)) + ` AND d.next_at > 0`
	return `WITH RECURSIVE pending (id) AS (SELECT MIN(d.issue_id) ` + of + `
		UNION ALL SELECT (SELECT MIN(d.issue_id) ` + of + ` AND d.issue_id > pending.id) FROM pending WHERE pending.id IS NOT NULL)
	SELECT issue.id FROM pending JOIN issue ON issue.id = pending.id
	WHERE issue.state IN ('launching', 'sending', 'sent') AND NOT ` + withdrawnItem + `
		AND (SELECT MIN(d.next_at) ` + of + ` AND d.issue_id = pending.id) <= ? ORDER BY issue.id`
}

// claimDue takes, of the deliveries of an issue that are due, the first of each
// lane, then the second, and so on.
func (s *Store) claimDue(kind epistle.DeliveryKind) string {
	isDue := `d.kind = ` + strconv.Itoa(int(kind)) + ` AND d.issue_id = ? AND d.next_at > 0 AND d.next_at <= ?`
	return `UPDATE delivery SET next_at = ?, updated_at = ?, reserved = CASE WHEN next_at < ? THEN 0 ELSE reserved END
	WHERE issue_id = ? AND seq IN (
		SELECT d.seq FROM delivery d WHERE ` + isDue + ` AND d.seq IN (
			SELECT c.seq FROM (
				SELECT w.seq, w.next_at, ROW_NUMBER() OVER (PARTITION BY w.lane ORDER BY w.next_at) AS place FROM (
					SELECT d.seq, d.lane, d.next_at FROM delivery d WHERE ` + isDue + ` ORDER BY d.next_at LIMIT ?) w) c
			ORDER BY c.place, c.next_at LIMIT ?) LIMIT ?` + s.dialect.claimSuffix("d") + `) RETURNING seq`
}

// ClaimDue takes up to limit deliveries of a kind whose time has come, of issues
// that are not paused, held back or cancelled: from each of those, and from each
// lane, in turn. They come back to whoever asks if SettleDue has not been called
// for them when the lease ends; KeepDue renews it.
func (s *Store) ClaimDue(ctx context.Context, kind epistle.DeliveryKind, lease time.Duration, limit int) ([]Recipient, error) {
	if err := s.clockFit(ctx); err != nil {
		return nil, err
	}
	now := s.clock()
	// Mostly nothing is due, and then nobody who writes is disturbed.
	var issues []epistle.ID
	if err := s.read().all(ctx, &issues, pendingIssues(kind), micros(now)); err != nil {
		return nil, s.mapError(ctx, err)
	}
	var all []Recipient
	for i, issue := range issues {
		some := (limit - len(all)) / (len(issues) - i)
		claimed, err := s.claimOf(ctx, kind, issue, now, lease, max(1, some))
		if err != nil {
			return nil, err
		}
		if all = append(all, claimed...); len(all) >= limit {
			break
		}
	}
	return all, nil
}

func (s *Store) claimOf(ctx context.Context, kind epistle.DeliveryKind, issue epistle.ID, now time.Time, lease time.Duration, limit int) ([]Recipient, error) {
	var seqs []int64
	err := s.writeMark(ctx, func(q queries) error {
		seqs = nil
		at := micros(now)
		return q.all(ctx, &seqs, s.claimDue(kind), micros(now.Add(lease)), at, micros(now.Add(-punctuality)), issue,
			issue, at, issue, at, dueWindow, dueRivals*limit, limit)
	})
	if err != nil {
		return nil, err
	}
	all := make([]Recipient, 0, len(seqs))
	for _, seq := range seqs {
		r, err := s.claimed(ctx, issue, seq, now)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, s.mapError(ctx, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// claimed reads a delivery that was just claimed.
func (s *Store) claimed(ctx context.Context, issue epistle.ID, seq int64, now time.Time) (Recipient, error) {
	rows, err := s.queryPrepared(ctx, claimedSelect, micros(now), issue, seq)
	if err != nil {
		return Recipient{}, err
	}
	defer func() { _ = rows.Close() }()
	if !rows.Next() {
		return Recipient{}, cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	var firstAt, reserved, begun int64
	var kind epistle.DeliveryKind
	var attempts int
	r, err := s.newScan(Recipient{IssueID: issue, claimedAt: micros(now)}, &kind, &attempts, &firstAt, &reserved, &begun).row(rows)
	r.Kind, r.Attempts, r.FirstAt, r.Reserved, r.Begun = kind, attempts, fromMicros(firstAt), reserved != 0, begun != 0
	return r, err
}

// isClaimed is true for a delivery as its claim left it. Between two claims of
// one delivery there is a lease, so the time of a claim names it.
const isClaimed = `state IN (0, 2) AND next_at > 0 AND updated_at = ?`

// KeepDue renews the lease of claimed deliveries. Of those that somebody else
// has by now it changes nothing.
func (s *Store) KeepDue(ctx context.Context, claimed []Recipient, lease time.Duration) error {
	until := micros(s.clock().Add(lease))
	return s.writeMark(ctx, func(q queries) error {
		for _, r := range claimed {
			if _, err := q.exec(ctx, `UPDATE delivery SET next_at = ? WHERE issue_id = ? AND seq = ? AND `+isClaimed,
				until, r.IssueID, r.Seq, r.claimedAt); err != nil {
				return err
			}
		}
		return nil
	})
}

// BeginDue records that a claimed delivery's final dot may be out from now on:
// should it have to be claimed again, Recipient.Begun says so. Conflict
// "delivery.taken" means that the lease had ended and somebody else has it.
func (s *Store) BeginDue(ctx context.Context, claimed Recipient) error {
	return s.writeMark(ctx, func(q queries) error {
		n, err := q.exec(ctx, `UPDATE delivery SET begun = 1 WHERE issue_id = ? AND seq = ? AND `+isClaimed,
			claimed.IssueID, claimed.Seq, claimed.claimedAt)
		return orTaken(n, err)
	})
}

func orTaken(changed int64, err error) error {
	if err == nil && changed == 0 {
		return epistle.Errorf(epistle.Conflict, "delivery.taken", nil)
	}
	return err
}

// CheckDue asks whether a claimed delivery may go out: CheckRange for it alone.
// Conflict "delivery.taken" means that somebody else has it by now.
func (s *Store) CheckDue(ctx context.Context, claimed Recipient) (Check, error) {
	var ours []int64
	err := s.read().all(ctx, &ours, `SELECT seq FROM delivery WHERE issue_id = ? AND seq = ? AND `+isClaimed,
		claimed.IssueID, claimed.Seq, claimed.claimedAt)
	if err = orTaken(int64(len(ours)), err); err != nil {
		return Check{}, s.mapError(ctx, err)
	}
	return s.CheckRange(ctx, claimed.IssueID, claimed.Seq, claimed.Seq)
}

// SettleDue records what became of a claimed delivery; a queued result gives it
// back untried, due at r.NextAt. Conflict "delivery.taken" means that the lease
// had ended and somebody else has it.
func (s *Store) SettleDue(ctx context.Context, claimed Recipient, r Result) error {
	ids, err := s.idsForResults(ctx, []Result{r})
	if err != nil {
		return err
	}
	return s.writeMark(ctx, func(q queries) error {
		n, err := s.recordResult(ctx, q, claimed.IssueID, r, ids, isClaimed, claimed.claimedAt)
		return orTaken(n, err)
	})
}
