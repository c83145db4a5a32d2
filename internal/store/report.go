package store

import (
	"bytes"
	"context"

	"epistle/internal/epistle"
)

// Report counts an issue's deliveries as they stand, those that are accepted in
// ranges still open among them. What goes as it should is not counted row by
// row: it follows from how far the launch and the shares are. What does not
// stands aside and is.
func (s *Store) Report(ctx context.Context, issueID epistle.ID) (epistle.Report, error) {
	var r epistle.Report
	// One transaction, so that nothing moves from one count to another.
	err := s.snapshot(ctx, func(q queries) error {
		r = epistle.Report{}
		bulk, err := countAside(ctx, q, issueID, &r)
		if err != nil {
			return err
		}
		return countOnTheirWay(ctx, q, issueID, bulk, &r)
	})
	if err != nil {
		return epistle.Report{}, err
	}
	r.Left, err = s.CountLeft(ctx, issueID)
	return r, err
}

// countAside adds the deliveries that stand aside, and returns how many of them
// are no welcomes.
func countAside(ctx context.Context, q queries, issueID epistle.ID, r *epistle.Report) (bulk int64, err error) {
	var counts []struct {
		State int16
		Kind  int16
		Count int64
	}
	if err := q.all(ctx, &counts, `SELECT state, kind, COUNT(*) AS count FROM delivery
		WHERE issue_id = ? AND aside = 1 GROUP BY state, kind`, issueID); err != nil {
		return 0, err
	}
	for _, c := range counts {
		state, kind := epistle.DeliveryState(c.State), epistle.DeliveryKind(c.Kind)
		*countOf(r, state) += c.Count
		if kind == epistle.BulkDelivery {
			bulk += c.Count
		} else if state == epistle.Accepted {
			r.Welcomes += c.Count
		}
	}
	return bulk, nil
}

// countOnTheirWay adds the others: queued if they are in no range yet or ahead
// of where their range is, and otherwise accepted.
func countOnTheirWay(ctx context.Context, q queries, issueID epistle.ID, aside int64, r *epistle.Report) error {
	var at []struct {
		NextSeq int64 `db:"next_seq"`
		LastSeq int64 `db:"last_seq"`
	}
	if err := q.all(ctx, &at, `SELECT s.next_seq, l.last_seq FROM sender s JOIN launch l ON l.issue_id = s.issue_id WHERE s.issue_id = ?`, issueID); err != nil || len(at) == 0 {
		return err
	}
	queued := at[0].LastSeq - at[0].NextSeq + 1
	open, err := openRanges(ctx, q, issueID)
	if err != nil {
		return err
	}
	for _, o := range open {
		var ahead int64
		if err := q.get(ctx, &ahead, `SELECT COUNT(*) FROM delivery WHERE issue_id = ? AND seq > ? AND seq <= ? AND state = 0 AND aside = 0`,
			issueID, o.Done, o.Last); err != nil {
			return err
		}
		queued += ahead
	}
	r.Queued += queued
	r.Accepted += at[0].LastSeq - aside - queued
	return nil
}

// openRanges are those of all shares of an issue.
func openRanges(ctx context.Context, q queries, issueID epistle.ID) ([]Range, error) {
	var slots [][]byte
	if err := q.all(ctx, &slots, `SELECT slots FROM share WHERE issue_id = ?`, issueID); err != nil {
		return nil, err
	}
	return unpackRanges(bytes.Join(slots, nil))
}

func countOf(r *epistle.Report, state epistle.DeliveryState) *int64 {
	switch state {
	case epistle.Queued:
		return &r.Queued
	case epistle.Accepted:
		return &r.Accepted
	case epistle.Deferred:
		return &r.Deferred
	case epistle.Failed:
		return &r.Failed
	case epistle.Skipped:
		return &r.Skipped
	default:
		return &r.Uncertain
	}
}
