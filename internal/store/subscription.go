package store

import (
	"context"

	"epistle/internal/epistle"
)

const subscriptionColumns = `n.id, n.subscriber_id, n.newsletter_id, n.state, n.form, n.pace, n.paused_until,
	n.confirmed_at, n.left_at, n.welcome_at, n.renewed_at, n.version`

type subscriptionRow struct {
	ID           int64
	SubscriberID int64 `db:"subscriber_id"`
	NewsletterID int64 `db:"newsletter_id"`
	State        string
	Form         string
	Pace         string
	PausedUntil  int64 `db:"paused_until"`
	ConfirmedAt  int64 `db:"confirmed_at"`
	LeftAt       int64 `db:"left_at"`
	WelcomeAt    int64 `db:"welcome_at"`
	RenewedAt    int64 `db:"renewed_at"`
	Version      int64
}

func (r subscriptionRow) noun() epistle.Subscription {
	return epistle.Subscription{
		ID: r.ID, SubscriberID: r.SubscriberID, NewsletterID: r.NewsletterID,
		State: epistle.SubscriptionState(r.State), Form: epistle.Form(r.Form), Pace: epistle.Pace(r.Pace),
		PausedUntil: fromMicros(r.PausedUntil), ConfirmedAt: fromMicros(r.ConfirmedAt),
		LeftAt: fromMicros(r.LeftAt), WelcomeAt: fromMicros(r.WelcomeAt), RenewedAt: fromMicros(r.RenewedAt), Version: r.Version,
	}
}

// Subscription finds a subscription by id; NotFound if there is none.
func (s *Store) Subscription(ctx context.Context, id epistle.ID) (epistle.Subscription, error) {
	var row subscriptionRow
	err := s.read().get(ctx, &row, `SELECT `+subscriptionColumns+` FROM subscription n WHERE n.id = ?`, id)
	return row.noun(), s.mapError(ctx, err)
}

// Subscriptions lists what a person subscribes to or subscribed to.
func (s *Store) Subscriptions(ctx context.Context, subscriber epistle.ID) ([]epistle.Subscription, error) {
	all, err := subscriptionsOf(ctx, s.read(), subscriber)
	return all, s.mapError(ctx, err)
}

func subscriptionsOf(ctx context.Context, q queries, subscriber epistle.ID) ([]epistle.Subscription, error) {
	var rows []subscriptionRow
	err := q.all(ctx, &rows, `SELECT `+subscriptionColumns+` FROM subscription n WHERE n.subscriber_id = ? ORDER BY n.newsletter_id`, subscriber)
	all := make([]epistle.Subscription, len(rows))
	for i, r := range rows {
		all[i] = r.noun()
	}
	return all, err
}

// SavePreferences writes a reader's wishes. Language is the person's, for every
// newsletter; the rest belongs to the one subscription. Conflict means that
// they have left.
func (s *Store) SavePreferences(ctx context.Context, id epistle.ID, language epistle.Language, wish epistle.Subscription, e epistle.Event) error {
	first, err := s.newID(ctx)
	if err != nil {
		return err
	}
	e.ID = first
	return s.write(ctx, func(q queries) error {
		var row subscriptionRow
		if err := q.get(ctx, &row, `UPDATE subscription SET form = ?, pace = ?, paused_until = ?, version = version + 1
			WHERE id = ? AND state = ? RETURNING subscriber_id, newsletter_id`,
			string(wish.Form), string(wish.Pace), micros(wish.PausedUntil), id, string(epistle.Confirmed)); err != nil {
			return notThere(err, "signup.left-already")
		}
		if _, err := q.exec(ctx, `UPDATE subscriber SET language = ?, version = version + 1 WHERE id = ? AND language <> ?`,
			string(language), row.SubscriberID, string(language)); err != nil {
			return err
		}
		e.SubscriberID, e.NewsletterID = row.SubscriberID, row.NewsletterID
		return s.insertEvent(ctx, q, e)
	})
}
