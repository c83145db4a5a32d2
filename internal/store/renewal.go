package store

import (
	"context"
	"fmt"
	"time"

	"epistle/internal/epistle"
)

// Renewing says who is reminded of their consent.
type Renewing struct {
	NewsletterID epistle.ID
	Before       time.Time // consents, and reminders of them, that are older than this
	Notice       func(epistle.Subscriber, epistle.Subscription) epistle.Notice
}

// renewalsAtOnce is how many share a transaction.
const renewalsAtOnce = 100

// RemindOfConsents reminds subscribers, after an id of a subscription, of the
// consent that they gave long ago, each once until the next is due; nobody who
// must not be mailed. It returns how many and where to go on; zero at the end.
func (s *Store) RemindOfConsents(ctx context.Context, after epistle.ID, r Renewing) (reminded int, next epistle.ID, err error) {
	first, err := s.newIDs(ctx, renewalsAtOnce)
	if err != nil {
		return 0, 0, err
	}
	err = s.writeBulk(ctx, func(q queries) error {
		next = 0
		var rows []subscriptionRow
		if err := q.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM subscription n JOIN subscriber p ON p.id = n.subscriber_id
			WHERE n.newsletter_id = ? AND n.state = 'confirmed' AND n.id > ? AND n.confirmed_at <= ? AND n.renewed_at <= ?
			AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = p.address_index)
			ORDER BY n.id LIMIT ?`, r.NewsletterID, after, micros(r.Before), micros(r.Before), renewalsAtOnce); err != nil {
			return err
		}
		for i, row := range rows {
			if err := s.remindOfConsent(ctx, q, first+int64(i), row, r); err != nil {
				return err
			}
		}
		if reminded = len(rows); reminded == renewalsAtOnce {
			next = rows[reminded-1].ID
		}
		return nil
	})
	return reminded, next, err
}

func (s *Store) remindOfConsent(ctx context.Context, q queries, notice epistle.ID, row subscriptionRow, r Renewing) error {
	now := s.clock()
	changed, err := q.exec(ctx, `UPDATE subscription SET renewed_at = ? WHERE id = ? AND renewed_at = ?`, micros(now), row.ID, row.RenewedAt)
	if err != nil || changed == 0 {
		return err
	}
	person, err := s.oneSubscriber(ctx, q, `p.id = ?`, row.SubscriberID)
	if err != nil {
		return err
	}
	n := r.Notice(person, row.noun())
	n.Key = renewalKey(row.ID, now.Format(time.DateOnly))
	return s.insertNotice(ctx, q, notice, n)
}

// renewalKey is the key of the notice that brings the consent of a subscription
// to mind on a day.
func renewalKey(subscription epistle.ID, day string) string {
	return fmt.Sprintf("renew/%d/%s", subscription, day)
}

// RenewConsent keeps a consent that its giver gave again; twice within a day is
// once. Conflict "signup.left-already" means that they have left. The consent's
// person and newsletter are filled in.
func (s *Store) RenewConsent(ctx context.Context, subscription epistle.ID, c epistle.Consent) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		var row subscriptionRow
		if err := q.get(ctx, &row, `UPDATE subscription SET renewed_at = ? WHERE id = ? AND state = 'confirmed'
			RETURNING subscriber_id, newsletter_id`, micros(c.GivenAt), subscription); err != nil {
			return notThere(err, "signup.left-already")
		}
		var again int64
		if err := q.get(ctx, &again, `SELECT COUNT(*) FROM consent WHERE subscriber_id = ? AND newsletter_id = ? AND source = ? AND given_at > ?`,
			row.SubscriberID, row.NewsletterID, string(epistle.FromRenewal), micros(c.GivenAt.Add(-24*time.Hour))); err != nil || again > 0 {
			return err
		}
		c.ID, c.SubscriberID, c.NewsletterID, c.Source = first, row.SubscriberID, row.NewsletterID, epistle.FromRenewal
		if err := s.insertConsent(ctx, q, c); err != nil {
			return err
		}
		return s.insertEvent(ctx, q, epistle.Event{ID: first + 1, At: c.GivenAt, Kind: epistle.EventRenewed, Way: epistle.ByPage,
			SubscriberID: c.SubscriberID, NewsletterID: c.NewsletterID})
	})
}
