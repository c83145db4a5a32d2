package store

import (
	"context"
	"slices"

	"epistle/internal/epistle"
)

// Suppression says why an address must not be mailed; "" if it may be.
func (s *Store) Suppression(ctx context.Context, a epistle.Address) (epistle.SuppressionReason, error) {
	reason, err := suppressionOf(ctx, s.read(), s.addressIndex(a))
	return reason, s.mapError(ctx, err)
}

func suppressionOf(ctx context.Context, q queries, index []byte) (epistle.SuppressionReason, error) {
	var reasons []string
	if err := q.all(ctx, &reasons, `SELECT reason FROM suppression WHERE address_index = ?`, index); err != nil || len(reasons) == 0 {
		return "", err
	}
	return epistle.SuppressionReason(reasons[0]), nil
}

// Suppress keeps a person from being mailed, whatever is imported later. What
// staff decided is never replaced by a weaker reason, nor does it replace one:
// that stays beneath. The event's and the
// entry's subject are filled in.
func (s *Store) Suppress(ctx context.Context, subscriber epistle.ID, reason epistle.SuppressionReason, e epistle.Event, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 3)
	if err != nil {
		return err
	}
	e.ID, e.Kind, e.SubscriberID = first+1, epistle.EventSuppressed, subscriber
	entry.Action, entry.Subject, entry.SubjectID = "subscriber.suppress", "subscriber", subscriber
	return s.write(ctx, func(q queries) error {
		var index []byte
		if err := q.get(ctx, &index, `SELECT address_index FROM subscriber WHERE id = ?`, subscriber); err != nil {
			return err
		}
		if err := s.insertSuppression(ctx, q, first, index, reason); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `UPDATE subscription SET welcome_at = 0 WHERE subscriber_id = ? AND welcome_at > 0`, subscriber); err != nil {
			return err
		}
		if err := s.insertEvent(ctx, q, e); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+2, entry)
	})
}

// insertSuppression keeps an address from being mailed, and drops what waits to
// be mailed to it. seq is a fresh id, so that senders who poll by it see the
// change.
func (s *Store) insertSuppression(ctx context.Context, q queries, seq int64, index []byte, reason epistle.SuppressionReason) error {
	_, err := q.exec(ctx, `INSERT INTO suppression (address_index, index_version, reason, seq, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (address_index) DO UPDATE SET seq = excluded.seq,
			reason = CASE WHEN suppression.reason = 'staff' THEN suppression.reason ELSE excluded.reason END,
			beneath = CASE WHEN excluded.reason <> 'staff' AND suppression.reason = 'staff' THEN excluded.reason
				WHEN excluded.reason = 'staff' AND suppression.reason <> 'staff' THEN suppression.reason
				ELSE suppression.beneath END`,
		index, s.keys.IndexVersion(), string(reason), seq, micros(s.clock()))
	if err != nil {
		return err
	}
	kinds := epistle.SuppressedNotices
	if reason == epistle.Erased {
		kinds = slices.Concat(kinds, epistle.OwnNotices)
	}
	return s.dropNotices(ctx, q, index, kinds...)
}

// LiftSuppression ends what staff decided. Any other reason, also one that was
// there besides, stays and gives a Conflict from then on: only the person's own
// confirmation ends it.
func (s *Store) LiftSuppression(ctx context.Context, subscriber epistle.ID, e epistle.Event, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	e.ID, e.Kind, e.SubscriberID = first, epistle.EventLifted, subscriber
	entry.Action, entry.Subject, entry.SubjectID = "subscriber.lift", "subscriber", subscriber
	return s.write(ctx, func(q queries) error {
		const ofPerson = ` AND address_index = (SELECT address_index FROM subscriber WHERE id = ?)`
		uncovered, err := q.exec(ctx, `UPDATE suppression SET reason = beneath, beneath = '' WHERE reason = ? AND beneath <> ''`+ofPerson,
			string(epistle.ByStaff), subscriber)
		if err != nil {
			return err
		}
		lifted, err := q.exec(ctx, `DELETE FROM suppression WHERE reason = ?`+ofPerson, string(epistle.ByStaff), subscriber)
		if err != nil {
			return err
		}
		if uncovered+lifted == 0 {
			return epistle.Errorf(epistle.Conflict, "signup.not-lifted", nil)
		}
		if err := s.insertEvent(ctx, q, e); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}
