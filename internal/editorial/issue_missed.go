package editorial

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// missedFor is how long ago a slot may lie for an issue to be made for it after
// all; an older one is only recorded.
const missedFor = 7 * 24 * time.Hour

// Missed holds the issue of a slot that passed while nothing ran, and tells the
// staff, once. Running it again does no harm.
func (s *Issues) Missed(ctx context.Context, newsletterID epistle.ID, sendAt time.Time) error {
	issue, err := s.Store.IssueAt(ctx, newsletterID, sendAt)
	if epistle.KindOf(err) == epistle.NotFound {
		if s.Clock().Sub(sendAt) > missedFor {
			return nil
		}
		issue, err = s.Assemble(ctx, epistle.SystemActor(), newsletterID, sendAt)
	}
	if err != nil || issue.State == epistle.IssueCancelled || underWay(issue.State) {
		return err
	}
	if issue.State != epistle.IssueHeld {
		issue, err = s.Store.MoveIssue(ctx, epistle.SystemActor(), store.IssueMove{ID: issue.ID,
			From: []epistle.IssueState{issue.State}, To: epistle.IssueHeld, Reason: HeldLate, Action: "issue.hold"})
		if err != nil {
			return err
		}
	}
	return s.tell(ctx, epistle.NoticeMissed, issue, "missed")
}
