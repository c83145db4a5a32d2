package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// Leave ends a subscription at its owner's wish and records how. It is safe to
// repeat: a subscription that was left stays as it is, and a reason that comes
// later is added to the first leaving if that has none. e.At, e.Way, e.IssueID
// and e.Reason count; the rest is filled in. NotFound means that there is no
// such subscription.
func (s *Store) Leave(ctx context.Context, subscription epistle.ID, e epistle.Event) error {
	return s.leave(ctx, subscription, e, `id = ?`, nil)
}

// LeaveAll is Leave for every newsletter of the person behind a subscription.
func (s *Store) LeaveAll(ctx context.Context, subscription epistle.ID, e epistle.Event) error {
	return s.leave(ctx, subscription, e, `subscriber_id = (SELECT subscriber_id FROM subscription WHERE id = ?)`, nil)
}

// LeaveOnBehalf is Leave by staff, with a note as its reason.
func (s *Store) LeaveOnBehalf(ctx context.Context, subscription epistle.ID, e epistle.Event, entry epistle.AuditEntry) error {
	entry.Action, entry.Subject = "subscriber.leave", "subscriber"
	return s.leave(ctx, subscription, e, `id = ?`, &entry)
}

// newslettersAtMost bounds how many newsletters one person can leave at once.
const newslettersAtMost = 100

func (s *Store) leave(ctx context.Context, subscription epistle.ID, e epistle.Event, where string, entry *epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, newslettersAtMost+1)
	if err != nil {
		return err
	}
	e.Kind = epistle.EventLeft
	return s.write(ctx, func(q queries) error {
		var asked subscriptionRow
		if err := q.get(ctx, &asked, `SELECT `+subscriptionColumns+` FROM subscription n WHERE n.id = ?`, subscription); err != nil {
			return err
		}
		e.SubscriberID = asked.SubscriberID
		var left []struct {
			ID           int64
			NewsletterID int64 `db:"newsletter_id"`
		}
		if err := q.all(ctx, &left, `UPDATE subscription SET state = 'left', left_at = ?, welcome_at = 0, version = version + 1
			WHERE state = 'confirmed' AND `+where+` RETURNING id, newsletter_id`, micros(e.At), subscription); err != nil {
			return err
		}
		for i, n := range left {
			e.ID, e.NewsletterID = first+int64(i), n.NewsletterID
			if err := s.insertEvent(ctx, q, e); err != nil {
				return err
			}
			if err := s.dropRenewal(ctx, q, n.ID); err != nil {
				return err
			}
		}
		if len(left) == 0 && e.Reason != "" {
			return s.addReason(ctx, q, asked, e)
		}
		if entry == nil || len(left) == 0 {
			return nil
		}
		entry.SubjectID = asked.SubscriberID
		return insertAudit(ctx, q, first+newslettersAtMost, *entry)
	})
}

// addReason gives the last leaving its reason, if it has none yet.
func (s *Store) addReason(ctx context.Context, q queries, n subscriptionRow, e epistle.Event) error {
	var rows []eventRow
	if err := q.all(ctx, &rows, `SELECT id, at, kind, way, subscriber_id, newsletter_id, issue_id, reason_sealed FROM event
		WHERE subscriber_id = ? AND newsletter_id = ? AND kind = 'left' ORDER BY at DESC, id DESC LIMIT 1`, n.SubscriberID, n.NewsletterID); err != nil {
		return err
	}
	if len(rows) == 0 || len(rows[0].ReasonSealed) > 0 {
		return nil
	}
	x := s.sealer("event", rows[0].ID)
	reason := x.seal("reason", e.Reason)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `UPDATE event SET reason_sealed = ? WHERE id = ?`, reason, rows[0].ID)
	return err
}

// Return undoes a leaving: the subscriptions that the person behind
// subscription left through the links of e.IssueID since the moment since are
// confirmed again, as they were. It returns how many; none if they did not
// leave that way. Conflict means that the address must not be mailed.
func (s *Store) Return(ctx context.Context, subscription epistle.ID, since time.Time, e epistle.Event) (returned int, err error) {
	first, err := s.newIDs(ctx, newslettersAtMost)
	if err != nil {
		return 0, err
	}
	e.Kind = epistle.EventReturned
	err = s.write(ctx, func(q queries) error {
		var row struct {
			SubscriberID int64  `db:"subscriber_id"`
			AddressIndex []byte `db:"address_index"`
		}
		if err := q.get(ctx, &row, `SELECT n.subscriber_id, p.address_index FROM `+audienceJoin+` WHERE n.id = ?`, subscription); err != nil {
			return err
		}
		if reason, err := suppressionOf(ctx, q, row.AddressIndex); err != nil {
			return err
		} else if reason != "" {
			return epistle.Errorf(epistle.Conflict, "signup.suppressed", nil)
		}
		var newsletters []int64
		if err := q.all(ctx, &newsletters, `UPDATE subscription SET state = 'confirmed', left_at = 0, version = version + 1
			WHERE subscriber_id = ? AND state = 'left' AND left_at >= ? AND EXISTS (SELECT 1 FROM event
				WHERE event.subscriber_id = subscription.subscriber_id AND event.newsletter_id = subscription.newsletter_id
				AND event.kind = 'left' AND event.at = subscription.left_at AND event.issue_id = ? AND event.way IN (?, ?))
			RETURNING newsletter_id`,
			row.SubscriberID, micros(since), e.IssueID, string(epistle.ByPage), string(epistle.ByOneClick)); err != nil {
			return err
		}
		returned = len(newsletters)
		e.SubscriberID = row.SubscriberID
		for i, newsletter := range newsletters {
			e.ID, e.NewsletterID = first+int64(i), newsletter
			if err := s.insertEvent(ctx, q, e); err != nil {
				return err
			}
		}
		return nil
	})
	return returned, err
}
