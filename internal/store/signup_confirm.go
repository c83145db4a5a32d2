package store

import (
	"cmp"
	"context"
	"time"

	"epistle/internal/epistle"
)

// Confirming is what comes with a confirmation.
type Confirming struct {
	IP            string      // of who confirmed
	BeliefWording string      // the separate sentence that they agreed to, if the newsletter has one
	WelcomeAt     time.Time   // when a new or returning subscriber's welcome is due
	Way           epistle.Way // ByPage unless said
}

// ConfirmSignup makes the person behind a pending sign-up a subscriber: their
// row, the subscription (a new one, or the one that they left), the consent as
// evidence, the end of a suppression that their own confirmation may end, and
// the events, all in one transaction.
//
// A sign-up that was confirmed before changes nothing and returns what stands:
// it is safe to repeat. NotFound means that there is no such sign-up; Conflict
// "signup.expired" that its time is over, "signup.suppressed" that staff keep
// the address from being mailed.
func (s *Store) ConfirmSignup(ctx context.Context, id epistle.ID, c Confirming) (epistle.Subscription, error) {
	first, err := s.newIDs(ctx, 5)
	if err != nil {
		return epistle.Subscription{}, err
	}
	var done epistle.Subscription
	err = s.write(ctx, func(q queries) error {
		u, fresh, err := s.takeSignup(ctx, q, id)
		if err != nil {
			return err
		}
		if !fresh {
			done, err = subscriptionIn(ctx, q, u.SubscriberID, u.NewsletterID)
			return err
		}
		suppressed, err := suppressionOf(ctx, q, s.addressIndex(u.Address))
		if err != nil {
			return err
		}
		if suppressed != "" && !suppressed.MayBeLifted() {
			return epistle.Errorf(epistle.Conflict, "signup.suppressed", nil)
		}
		person, err := s.personOf(ctx, q, u, first)
		if err != nil {
			return err
		}
		if done, err = s.subscribe(ctx, q, epistle.Subscription{ID: first + 1, SubscriberID: person.ID, NewsletterID: u.NewsletterID, WelcomeAt: c.WelcomeAt}); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `UPDATE signup SET subscriber_id = ? WHERE id = ?`, person.ID, u.ID); err != nil {
			return err
		}
		if suppressed != "" {
			if err := s.liftByConfirmation(ctx, q, first+2, u, person.ID, suppressed); err != nil {
				return err
			}
		}
		return s.recordConfirmation(ctx, q, first+3, u, person.ID, c)
	})
	return done, err
}

// takeSignup marks a pending sign-up as confirmed. fresh is false if it was
// confirmed before.
func (s *Store) takeSignup(ctx context.Context, q queries, id epistle.ID) (u epistle.Signup, fresh bool, err error) {
	now := micros(s.clock())
	changed, err := q.exec(ctx, `UPDATE signup SET state = 'confirmed', confirmed_at = ? WHERE id = ? AND state = 'pending' AND expires_at > ?`, now, id, now)
	if err != nil {
		return u, false, err
	}
	var row signupRow
	if err := q.get(ctx, &row, `SELECT `+signupColumns+` FROM signup WHERE id = ?`, id); err != nil {
		return u, false, err
	}
	if u, err = s.signupNoun(row); err != nil {
		return u, false, err
	}
	switch {
	case changed == 1:
		return u, true, nil
	case u.State == epistle.SignupConfirmed:
		return u, false, nil
	case u.State == epistle.SignupRefused:
		return u, false, epistle.Errorf(epistle.Conflict, "signup.suppressed", nil)
	}
	return u, false, epistle.Errorf(epistle.Conflict, "signup.expired", nil)
}

// personOf finds or makes the subscriber that a sign-up names. What they typed
// last counts.
func (s *Store) personOf(ctx context.Context, q queries, u epistle.Signup, id epistle.ID) (epistle.Subscriber, error) {
	fresh := epistle.Subscriber{ID: id, Address: u.Address, Name: u.Name, Language: u.Language, CreatedAt: s.clock()}
	if err := s.insertSubscriber(ctx, q, fresh); err != nil {
		return fresh, err
	}
	p, err := s.oneSubscriber(ctx, q, `p.address_index = ?`, s.addressIndex(u.Address))
	if err != nil || p.ID == id {
		return p, err
	}
	if u.Name != "" {
		p.Name = u.Name
	}
	p.Language = u.Language
	return p, s.changeSubscriber(ctx, q, p)
}

// subscribe keeps a confirmed subscription, or brings back one that was left.
// One that is confirmed already stays as it is, its welcome included.
func (s *Store) subscribe(ctx context.Context, q queries, n epistle.Subscription) (epistle.Subscription, error) {
	now := micros(s.clock())
	if _, err := q.exec(ctx, `INSERT INTO subscription AS n (id, subscriber_id, newsletter_id, state, confirmed_at, welcome_at)
		VALUES (?, ?, ?, 'confirmed', ?, ?)
		ON CONFLICT (subscriber_id, newsletter_id) DO UPDATE SET state = 'confirmed', confirmed_at = excluded.confirmed_at,
			left_at = 0, paused_until = 0, welcome_at = excluded.welcome_at, version = n.version + 1
		WHERE n.state <> 'confirmed'`,
		n.ID, n.SubscriberID, n.NewsletterID, now, micros(n.WelcomeAt)); err != nil {
		return n, err
	}
	return subscriptionIn(ctx, q, n.SubscriberID, n.NewsletterID)
}

func subscriptionIn(ctx context.Context, q queries, subscriber, newsletter epistle.ID) (epistle.Subscription, error) {
	var row subscriptionRow
	err := q.get(ctx, &row, `SELECT `+subscriptionColumns+` FROM subscription n WHERE n.subscriber_id = ? AND n.newsletter_id = ?`, subscriber, newsletter)
	return row.noun(), err
}

func (s *Store) liftByConfirmation(ctx context.Context, q queries, event epistle.ID, u epistle.Signup, subscriber epistle.ID, reason epistle.SuppressionReason) error {
	if _, err := q.exec(ctx, `DELETE FROM suppression WHERE address_index = ?`, s.addressIndex(u.Address)); err != nil {
		return err
	}
	if reason == epistle.Complained {
		// They ask for one newsletter; that brings no other one back.
		if _, err := q.exec(ctx, `UPDATE subscription SET state = 'left', left_at = ?, welcome_at = 0, version = version + 1
			WHERE subscriber_id = ? AND newsletter_id <> ? AND state = 'confirmed'`, micros(s.clock()), subscriber, u.NewsletterID); err != nil {
			return err
		}
	}
	return s.insertEvent(ctx, q, epistle.Event{ID: event, At: s.clock(), Kind: epistle.EventLifted, Way: epistle.ByPage,
		SubscriberID: subscriber, NewsletterID: u.NewsletterID, Reason: string(reason)})
}

// recordConfirmation keeps the consent and the event, under two ids from first.
func (s *Store) recordConfirmation(ctx context.Context, q queries, first epistle.ID, u epistle.Signup, subscriber epistle.ID, c Confirming) error {
	now := s.clock()
	err := s.insertConsent(ctx, q, epistle.Consent{ID: first, SubscriberID: subscriber, NewsletterID: u.NewsletterID, SignupID: u.ID,
		Source: u.Source, AskedAt: u.CreatedAt, GivenAt: now, PageURL: u.PageURL, Wording: u.Wording, WordingVersion: u.WordingVersion,
		Language: u.Language, BeliefWording: c.BeliefWording, IP: c.IP, Evidence: u.Evidence, StaffID: u.StaffID})
	if err != nil {
		return err
	}
	return s.insertEvent(ctx, q, epistle.Event{ID: first + 1, At: now, Kind: epistle.EventConfirmed, Way: cmp.Or(c.Way, epistle.ByPage),
		SubscriberID: subscriber, NewsletterID: u.NewsletterID})
}
