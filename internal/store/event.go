package store

import (
	"context"
	"database/sql"
	"errors"

	"epistle/internal/epistle"
)

// insertEvent records what happened in the transaction in which it happened.
func (s *Store) insertEvent(ctx context.Context, q queries, e epistle.Event) error {
	x := s.sealer("event", e.ID)
	reason := x.seal("reason", e.Reason)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `INSERT INTO event (id, at, kind, way, subscriber_id, newsletter_id, issue_id, reason_sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, micros(e.At), string(e.Kind), string(e.Way), e.SubscriberID, e.NewsletterID, e.IssueID, reason)
	return err
}

type eventRow struct {
	ID           int64
	At           int64
	Kind         string
	Way          string
	SubscriberID int64  `db:"subscriber_id"`
	NewsletterID int64  `db:"newsletter_id"`
	IssueID      int64  `db:"issue_id"`
	ReasonSealed []byte `db:"reason_sealed"`
}

func (s *Store) eventNoun(r eventRow) (epistle.Event, error) {
	x := s.sealer("event", r.ID)
	return epistle.Event{ID: r.ID, At: fromMicros(r.At), Kind: epistle.EventKind(r.Kind), Way: epistle.Way(r.Way),
		SubscriberID: r.SubscriberID, NewsletterID: r.NewsletterID, IssueID: r.IssueID,
		Reason: x.unseal("reason", r.ReasonSealed)}, x.err
}

// importEvents reads the consents of imports as the events that they stand for:
// an import writes a million rows less. Earlier ones wrote both. Their sealed
// address of a visitor is as empty as the reason of such an event.
const importEvents = `SELECT id, given_at AS at, 'confirmed' AS kind, 'import' AS way, subscriber_id, newsletter_id, 0 AS issue_id, ip_sealed AS reason_sealed
	FROM consent WHERE subscriber_id = ? AND source = 'import' AND NOT EXISTS (SELECT 1 FROM event
		WHERE event.subscriber_id = consent.subscriber_id AND event.at = consent.given_at AND event.way = 'import')`

// Events lists a person's history, the latest first.
func (s *Store) Events(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Event, error) {
	var rows []eventRow
	err := s.read().all(ctx, &rows, `SELECT id, at, kind, way, subscriber_id, newsletter_id, issue_id, reason_sealed
		FROM event WHERE subscriber_id = ? UNION ALL `+importEvents+` ORDER BY at DESC, id DESC LIMIT ?`, subscriber, subscriber, limit)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	events := make([]epistle.Event, len(rows))
	for i, r := range rows {
		if events[i], err = s.eventNoun(r); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// CountLeft counts who left through an issue's links and did not undo it.
func (s *Store) CountLeft(ctx context.Context, issue epistle.ID) (int64, error) {
	var count int64
	err := s.read().get(ctx, &count, `SELECT COUNT(*) FROM (
		SELECT subscriber_id, newsletter_id FROM event WHERE issue_id = ? AND kind IN ('left', 'returned')
		GROUP BY subscriber_id, newsletter_id
		HAVING SUM(CASE WHEN kind = 'left' THEN 1 ELSE -1 END) > 0) AS gone`, issue)
	return count, s.mapError(ctx, err)
}

// notThere makes a Conflict with a message of a row that was not found.
func notThere(err error, message string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return epistle.Errorf(epistle.Conflict, message, err)
	}
	return err
}
