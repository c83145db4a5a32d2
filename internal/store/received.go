package store

import (
	"context"
	"slices"

	"epistle/internal/epistle"
)

// Received lists the issues that went to a person, the latest first.
func (s *Store) Received(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Received, error) {
	var rows []struct {
		IssueID      int64 `db:"issue_id"`
		NewsletterID int64 `db:"newsletter_id"`
		Number       int64
		Seq          int64
		Kind         int16
		State        int16
		Attempts     int
		NextAt       int64 `db:"next_at"`
		UpdatedAt    int64 `db:"updated_at"`
		Code         int
		Status       string
		Aside        int16
		NextSeq      int64 `db:"next_seq"`
		LaunchedAt   int64 `db:"launched_at"`
	}
	err := s.read().all(ctx, &rows, `SELECT delivery.issue_id, issue.newsletter_id, issue.number, delivery.seq, delivery.kind, delivery.state,
		delivery.attempts, delivery.next_at, delivery.updated_at, delivery.code, delivery.status, delivery.aside, sender.next_seq, issue.launched_at
		FROM issue JOIN delivery ON delivery.issue_id = issue.id AND delivery.subscriber_id = ?
		JOIN sender ON sender.issue_id = issue.id ORDER BY issue.id DESC LIMIT ?`, subscriber, limit)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Received, len(rows))
	for i, r := range rows {
		if r.State == int16(epistle.Queued) && r.Aside == 0 && r.Seq < r.NextSeq {
			open, err := openRanges(ctx, s.read(), r.IssueID)
			if err != nil {
				return nil, s.mapError(ctx, err)
			}
			if !slices.ContainsFunc(open, func(o Range) bool { return o.Done < r.Seq && r.Seq <= o.Last }) {
				r.State, r.Attempts, r.Code, r.UpdatedAt = int16(epistle.Accepted), 1, 250, r.LaunchedAt
			}
		}
		all[i] = epistle.Received{NewsletterID: r.NewsletterID, Number: r.Number, Delivery: epistle.Delivery{
			IssueID: r.IssueID, Seq: r.Seq, SubscriberID: subscriber, Kind: epistle.DeliveryKind(r.Kind), State: epistle.DeliveryState(r.State),
			Attempts: r.Attempts, NextAt: fromMicros(r.NextAt), UpdatedAt: fromMicros(r.UpdatedAt), Code: r.Code, Status: r.Status}}
	}
	return all, nil
}
