package store

import (
	"context"

	"epistle/internal/epistle"
)

// HeldForWithdrawal is the HeldReason of an issue that shows something
// withdrawn; its sentence is in the catalogue under "held.withdrawn".
const HeldForWithdrawal = "withdrawn"

// Withdraw marks an item as withdrawn and, in the same transaction, stops every
// issue that shows it and is not yet fully sent: an approved issue is held, a
// launching or sending one paused, drafts, held and paused ones stay where they
// are; all of them lose their approval and get the reason HeldForWithdrawal. It
// returns the issues that it stopped. Withdrawing again is harmless, and stops
// issues that have taken the item in since.
func (s *Store) Withdraw(ctx context.Context, kind epistle.ItemKind, id epistle.ID, e epistle.AuditEntry) ([]epistle.ID, error) {
	table, err := s.tableOf(kind)
	if err != nil {
		return nil, err
	}
	first, err := s.newIDs(ctx, 1+maxHeld)
	if err != nil {
		return nil, err
	}
	e.SubjectID = id
	var held []epistle.ID
	err = s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, `UPDATE `+table+` SET state = 'withdrawn', version = version + 1 WHERE id = ?`, id)
		if err != nil {
			return err
		}
		if err := stale(ctx, q, table, id, changed); err != nil {
			return err
		}
		if err := insertAudit(ctx, q, first, e); err != nil {
			return err
		}
		held, err = holdIssuesShowing(ctx, q, first+1, kind, id, e)
		return err
	})
	return held, err
}

// maxHeld bounds how many stopped issues get an audit line of their own. Issues
// that are not yet sent are a handful.
const maxHeld = 100

// holdIssuesShowing stops the issues that show an item, in the transaction that
// takes the item back. auditIDs is the first of maxHeld reserved ids.
func holdIssuesShowing(ctx context.Context, q queries, auditIDs epistle.ID, kind epistle.ItemKind, id epistle.ID, cause epistle.AuditEntry) ([]epistle.ID, error) {
	var held []epistle.ID
	err := q.all(ctx, &held, `UPDATE issue SET held_reason = ?, version = version + 1,
			state = CASE state WHEN 'approved' THEN 'held' WHEN 'launching' THEN 'paused' WHEN 'sending' THEN 'paused' ELSE state END,
			approved_by = 0, approved_at = 0, approved_digest = '', approved_audience = 0, tolerance = 0
		WHERE state IN ('draft', 'held', 'approved', 'launching', 'sending', 'paused')
		AND id IN (SELECT issue_id FROM issue_item WHERE kind = ? AND item_id = ?)
		RETURNING id`, HeldForWithdrawal, string(kind), id)
	if err != nil {
		return nil, err
	}
	for n, issue := range held {
		if n >= maxHeld {
			break
		}
		entry := epistle.AuditEntry{At: cause.At, Actor: cause.Actor, Action: "issue.withdrawal", Subject: "issue", SubjectID: issue, Detail: string(kind)}
		if err := insertAudit(ctx, q, auditIDs+int64(n), entry); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// refuseWithdrawn is the last gate inside the transaction that approves,
// launches or resumes an issue.
func refuseWithdrawn(ctx context.Context, q queries, issueID epistle.ID) error {
	var shown int
	if err := q.get(ctx, &shown, `SELECT COUNT(*) FROM issue WHERE id = ? AND `+withdrawnItem, issueID); err != nil {
		return err
	}
	if shown > 0 {
		return epistle.Errorf(epistle.Conflict, "issue.withdrawn", nil)
	}
	return nil
}
