package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
)

// WelcomeSlot is one evening's round of welcomes.
type WelcomeSlot struct {
	NewsletterID epistle.ID
	At           time.Time
	EndOfDay     time.Time // midnight after At, where the newsletter lives
}

// WelcomeRound says what became of those whose welcome was due.
type WelcomeRound struct {
	Queued  int64 // a delivery of the latest issue was queued
	Settled int64 // an issue has reached them already
	Waiting int64 // tonight's issue will reach them, or nothing was ever sent, or the issue is held back
}

// welcomeIssue is the issue that welcomes are made from: launched last of those
// that everybody inside the cut-off has a delivery of.
const welcomeIssue = `issue.newsletter_id = ? AND issue.state IN ('sending', 'sent')
	AND EXISTS (SELECT 1 FROM launch l WHERE l.issue_id = issue.id AND l.through_id >= l.cutoff_id)`

// Welcomes settles the welcomes that are due by a slot. Who has been reached by
// an issue since they confirmed needs none. Whom an issue of this same evening
// will still reach waits: tomorrow that issue has reached them. The others get
// a delivery of the latest issue. Running it again changes nothing more.
func (s *Store) Welcomes(ctx context.Context, slot WelcomeSlot) (WelcomeRound, error) {
	var round WelcomeRound
	err := s.write(ctx, func(q queries) error {
		round = WelcomeRound{}
		var err error
		if round.Settled, err = settleReached(ctx, q, slot); err != nil {
			return err
		}
		if round.Queued, err = s.queueWelcomes(ctx, q, slot); err != nil {
			return err
		}
		return q.get(ctx, &round.Waiting, `SELECT COUNT(*) FROM subscription n WHERE n.newsletter_id = ? AND n.state = 'confirmed'
			AND n.welcome_at > 0 AND n.welcome_at <= ?`, slot.NewsletterID, micros(slot.At))
	})
	return round, err
}

// settleReached clears the welcome of everybody who has a delivery of an issue
// that was launched after they confirmed.
func settleReached(ctx context.Context, q queries, slot WelcomeSlot) (int64, error) {
	return q.exec(ctx, `UPDATE subscription SET welcome_at = 0
		WHERE newsletter_id = ? AND welcome_at > 0 AND welcome_at <= ? AND EXISTS (
			SELECT 1 FROM delivery d JOIN issue i ON i.id = d.issue_id
			WHERE d.subscriber_id = subscription.subscriber_id AND i.newsletter_id = subscription.newsletter_id
			AND i.launched_at >= subscription.confirmed_at AND i.state <> 'cancelled' AND d.state <> 4)`,
		slot.NewsletterID, micros(slot.At))
}

// queueWelcomes gives the others a delivery of the latest issue.
func (s *Store) queueWelcomes(ctx context.Context, q queries, slot WelcomeSlot) (int64, error) {
	var latest struct {
		ID        int64
		Withdrawn int64
	}
	err := q.get(ctx, &latest, `SELECT issue.id, CASE WHEN `+withdrawnItem+` THEN 1 ELSE 0 END AS withdrawn FROM issue
		WHERE `+welcomeIssue+` ORDER BY issue.launched_at DESC, issue.number DESC LIMIT 1`, slot.NewsletterID)
	if errors.Is(err, sql.ErrNoRows) || err == nil && latest.Withdrawn != 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	// The launch's row is the lock under which deliveries get their numbers.
	if _, err := q.exec(ctx, `UPDATE launch SET last_seq = last_seq WHERE issue_id = ?`, latest.ID); err != nil {
		return 0, err
	}
	now := micros(s.clock())
	queued, err := q.exec(ctx, `INSERT INTO delivery (issue_id, seq, subscriber_id, lane, kind, aside, first_at, next_at)
		SELECT CAST(? AS BIGINT), (SELECT COALESCE(MAX(m.seq), 0) FROM delivery m WHERE m.issue_id = ?) + ROW_NUMBER() OVER (ORDER BY n.id),
			p.id, p.lane, 1, 1, CAST(? AS BIGINT), CAST(? AS BIGINT)
		FROM `+audienceJoin+` WHERE `+audienceWhere+` AND n.welcome_at > 0 AND n.welcome_at <= ? AND NOT `+reachedTonight+`
		AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = ? AND d.subscriber_id = p.id)`,
		latest.ID, latest.ID, now, now, slot.NewsletterID, string(epistle.Confirmed), now, micros(slot.At),
		micros(slot.At), micros(slot.EndOfDay), latest.ID)
	if err != nil {
		return 0, err
	}
	// Whoever has the latest issue, by now or from an earlier time, is welcomed.
	_, err = q.exec(ctx, `UPDATE subscription SET welcome_at = 0
		WHERE newsletter_id = ? AND welcome_at > 0 AND welcome_at <= ?
		AND EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = ? AND d.subscriber_id = subscription.subscriber_id)`,
		slot.NewsletterID, micros(slot.At), latest.ID)
	return queued, err
}

// reachedTonight is true for a subscription n that an issue of this evening
// will still reach: one that is approved for a slot of the rest of the day, or
// is being launched right now. Those who chose one issue a month may not get
// it, so they are welcomed.
const reachedTonight = `(n.pace <> 'monthly' AND EXISTS (SELECT 1 FROM issue t WHERE t.newsletter_id = n.newsletter_id AND (
	t.state = 'approved' AND t.send_at >= ? AND t.send_at < ?
	OR t.state = 'launching' AND EXISTS (SELECT 1 FROM launch l WHERE l.issue_id = t.id AND n.id > l.through_id AND n.id <= l.cutoff_id))))`
