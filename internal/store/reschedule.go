package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// IssueSlot is an issue and the slot it is to have.
type IssueSlot struct {
	ID     epistle.ID
	SendAt time.Time
}

// RescheduleIssues gives issues that have not been launched other slots, all of
// them or none. A slot that another issue has is a Conflict. Approvals stand:
// they bind what is said and to whom, not when.
func (s *Store) RescheduleIssues(ctx context.Context, by epistle.Actor, slots []IssueSlot) error {
	audit, err := s.newIDs(ctx, int64(len(slots)))
	if err != nil {
		return err
	}
	now := s.clock()
	return s.write(ctx, func(q queries) error {
		// First out of each other's way: slots are unique.
		for _, slot := range slots {
			changed, err := q.exec(ctx, `UPDATE issue SET send_at = -id WHERE id = ? AND state IN ('draft', 'approved', 'held')`, slot.ID)
			if err != nil {
				return err
			}
			if changed == 0 {
				return epistle.Errorf(epistle.Conflict, "issue.state", nil)
			}
		}
		for i, slot := range slots {
			if _, err := q.exec(ctx, `UPDATE issue SET send_at = ?, version = version + 1 WHERE id = ?`, micros(slot.SendAt), slot.ID); err != nil {
				return err
			}
			if err := insertAudit(ctx, q, audit+int64(i), issueEntry(by, "issue.reschedule", slot.ID, now, "")); err != nil {
				return err
			}
		}
		return nil
	})
}
