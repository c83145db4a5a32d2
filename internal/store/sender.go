package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"epistle/internal/epistle"
)

// Range is a run of sequence numbers that one connection sends in order. It has
// sent everything up to Done; Done is First-1 before the first.
type Range struct {
	First, Last, Done int64
}

// Sender is what a daemon knows of an issue once it holds the fence. The slots
// of the row are the open ranges.
type Sender struct {
	IssueID  epistle.ID
	Fence    int64
	Next     int64 // the first sequence number that is in no range yet
	Last     int64 // the highest one launched so far
	Launched bool  // whether everybody up to the cut-off has a delivery
	Open     []Range
}

// rangeSize is how many bytes a packed range takes.
const rangeSize = 3 * 8

func packRanges(ranges []Range) []byte {
	packed := make([]byte, 0, len(ranges)*rangeSize)
	for _, r := range ranges {
		for _, n := range [...]int64{r.First, r.Last, r.Done} {
			packed = binary.BigEndian.AppendUint64(packed, uint64(n))
		}
	}
	return packed
}

func unpackRanges(packed []byte) ([]Range, error) {
	if len(packed)%rangeSize != 0 {
		return nil, fmt.Errorf("the slots of a sender have %d bytes", len(packed))
	}
	ranges := make([]Range, 0, len(packed)/rangeSize)
	for ; len(packed) > 0; packed = packed[rangeSize:] {
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(packed[8*i:])) }
		ranges = append(ranges, Range{First: number(0), Last: number(1), Done: number(2)})
	}
	return ranges, nil
}

// LaunchIssue moves an approved issue to launching and prepares its sender row:
// everybody who subscribes up to now is inside the cut-off. Conflict
// "issue.state" if it is not approved any more, "issue.unapproved" if its
// content is not what was approved, "issue.withdrawn" if it shows something
// withdrawn.
func (s *Store) LaunchIssue(ctx context.Context, by epistle.Actor, id epistle.ID) (epistle.Issue, error) {
	return s.changeIssue(ctx, func(q queries, audit epistle.ID, now time.Time) (issueRow, error) {
		row, err := moveIssue(ctx, q, audit, now, by, IssueMove{ID: id, From: []epistle.IssueState{epistle.IssueApproved},
			To: epistle.IssueLaunching, Action: "issue.launch"})
		if err != nil {
			return row, err
		}
		if err := refuseUnapproved(ctx, q, row); err != nil {
			return row, err
		}
		var cutoff epistle.ID
		if err := q.get(ctx, &cutoff, `SELECT COALESCE(MAX(id), 0) FROM subscription WHERE newsletter_id = ?`, row.NewsletterID); err != nil {
			return row, err
		}
		_, err = q.exec(ctx, `INSERT INTO sender (issue_id, cutoff_id, slots) VALUES (?, ?, ?)`, id, cutoff, []byte{})
		return row, err
	})
}

// refuseUnapproved is the last gate before anything is mailed.
func refuseUnapproved(ctx context.Context, q queries, row issueRow) error {
	issue, err := row.issue()
	if err != nil {
		return err
	}
	if !issue.IsApproved() {
		return epistle.Errorf(epistle.Conflict, "issue.unapproved", nil)
	}
	return refuseWithdrawn(ctx, q, issue.ID)
}

// ResumeIssue lets a paused issue go on from where it stopped, if its present
// content is approved. Conflicts are those of LaunchIssue.
func (s *Store) ResumeIssue(ctx context.Context, by epistle.Actor, id epistle.ID) (epistle.Issue, error) {
	return s.changeIssue(ctx, func(q queries, audit epistle.ID, now time.Time) (issueRow, error) {
		next := epistle.IssueSending
		var launched int64
		err := q.get(ctx, &launched, `SELECT CASE WHEN through_id >= cutoff_id THEN 1 ELSE 0 END FROM sender WHERE issue_id = ?`, id)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return issueRow{}, err
		}
		if launched == 0 {
			next = epistle.IssueLaunching
		}
		row, err := moveIssue(ctx, q, audit, now, by, IssueMove{ID: id, From: []epistle.IssueState{epistle.IssuePaused},
			To: next, Action: "issue.resume"})
		if err != nil {
			return row, err
		}
		return row, refuseUnapproved(ctx, q, row)
	})
}

// ActiveSender is an issue on its way.
type ActiveSender struct {
	IssueID epistle.ID
	HasWork bool // something is still to be launched or in no final range; else only deferred deliveries may be left
}

// ActiveSenders lists the issues that are being launched or sent, the first
// launched first.
func (s *Store) ActiveSenders(ctx context.Context) ([]ActiveSender, error) {
	var rows []struct {
		IssueID int64 `db:"issue_id"`
		Work    int64
	}
	err := s.read().all(ctx, &rows, `SELECT s.issue_id,
			CASE WHEN s.through_id < s.cutoff_id OR s.next_seq <= s.last_seq OR LENGTH(s.slots) > 0 OR i.state = 'launching' THEN 1 ELSE 0 END AS work
		FROM sender s JOIN issue i ON i.id = s.issue_id
		WHERE i.state IN ('launching', 'sending') ORDER BY i.launched_at, i.id`)
	if err != nil {
		return nil, s.mapError(err)
	}
	all := make([]ActiveSender, len(rows))
	for i, r := range rows {
		all[i] = ActiveSender{IssueID: r.IssueID, HasWork: r.Work != 0}
	}
	return all, nil
}

// AcquireSender raises the fence of an issue for an owner, so that whoever held
// it before can record nothing more, and then reads what is left. The lease
// must be renewed by MarkSender. Conflict "sender.held" if another daemon's
// lease still runs; on SQLite, where there is one daemon, nobody's does.
func (s *Store) AcquireSender(ctx context.Context, issueID epistle.ID, owner string, lease time.Duration) (Sender, error) {
	now := s.clock()
	expired := micros(now)
	if !s.Shared() {
		expired = micros(now.AddDate(100, 0, 0))
	}
	// The fence is committed before the slots are read: after that the former
	// owner cannot change them.
	err := s.writeBulk(ctx, func(q queries) error {
		n, err := q.exec(ctx, `UPDATE sender SET fence = fence + 1, owner = ?, lease_until = ?
			WHERE issue_id = ? AND (lease_until <= ? OR owner = ?)`, owner, micros(now.Add(lease)), issueID, expired, owner)
		if err == nil && n == 0 {
			return epistle.Errorf(epistle.Conflict, "sender.held", nil)
		}
		return err
	})
	if err != nil {
		return Sender{}, err
	}
	return s.sender(ctx, issueID, owner)
}

func (s *Store) sender(ctx context.Context, issueID epistle.ID, owner string) (Sender, error) {
	var row struct {
		Fence     int64
		Owner     string
		NextSeq   int64 `db:"next_seq"`
		LastSeq   int64 `db:"last_seq"`
		CutoffID  int64 `db:"cutoff_id"`
		ThroughID int64 `db:"through_id"`
		State     string
		Slots     []byte
	}
	err := s.read().get(ctx, &row, `SELECT s.fence, s.owner, s.next_seq, s.last_seq, s.cutoff_id, s.through_id, s.slots, i.state
		FROM sender s JOIN issue i ON i.id = s.issue_id WHERE s.issue_id = ?`, issueID)
	if err != nil {
		return Sender{}, s.mapError(err)
	}
	if row.Owner != owner {
		return Sender{}, fenced()
	}
	open, err := unpackRanges(row.Slots)
	if err != nil {
		return Sender{}, err
	}
	return Sender{IssueID: issueID, Fence: row.Fence, Next: row.NextSeq, Last: row.LastSeq, Open: open,
		Launched: row.ThroughID >= row.CutoffID && row.State != string(epistle.IssueLaunching)}, nil
}

// fenced is what an owner gets once somebody else has taken over.
func fenced() error { return epistle.Errorf(epistle.Conflict, "sender.fenced", nil) }

// Mark is one step of an issue's owner, recorded as a whole.
type Mark struct {
	IssueID  epistle.ID
	Fence    int64
	Next     int64
	Open     []Range       // all ranges that are open after this step
	Results  []Result      // of those passed that were not simply accepted
	Finished []Range       // ranges, or their beginnings, whose remaining deliveries were accepted
	Lease    time.Duration // from now; 0 gives the fence back
}

// MarkSender records a step. Recording the same step again is harmless, so that
// a caller who does not know whether a commit went through may repeat it.
// Conflict "sender.fenced" means that somebody else has taken over: stop at
// once.
func (s *Store) MarkSender(ctx context.Context, m Mark) error {
	ids, err := s.idsForResults(ctx, m.Results)
	if err != nil {
		return err
	}
	now := s.clock()
	lease := int64(0)
	if m.Lease > 0 {
		lease = micros(now.Add(m.Lease))
	}
	return s.writeBulk(ctx, func(q queries) error {
		n, err := q.exec(ctx, `UPDATE sender SET next_seq = ?, slots = ?, lease_until = ? WHERE issue_id = ? AND fence = ?`,
			m.Next, packRanges(m.Open), lease, m.IssueID, m.Fence)
		if err != nil {
			return err
		}
		if n == 0 {
			return fenced()
		}
		for i, r := range m.Results {
			if _, err := s.recordResult(ctx, q, m.IssueID, r, ids+int64(2*i), `state = 0`); err != nil {
				return err
			}
		}
		for _, r := range m.Finished {
			if r.Done < r.First {
				continue
			}
			if _, err := q.exec(ctx, `UPDATE delivery SET state = ?, attempts = attempts + 1, code = 250, updated_at = ?
				WHERE issue_id = ? AND seq BETWEEN ? AND ? AND state = 0`,
				int16(epistle.Accepted), micros(now), m.IssueID, r.First, r.Done); err != nil {
				return err
			}
		}
		return nil
	})
}

// Launch is what a chunk of a launch needs to know.
type Launch struct {
	IssueID      epistle.ID
	NewsletterID epistle.ID
	Fence        int64
	Monthly      bool // whether it is the first issue of its month, which those who asked for one a month get
}

// LaunchChunk writes the deliveries of the next size subscriptions in the order
// of their ids, and says up to which sequence number there are deliveries and
// whether that was the last chunk; with it the issue becomes sending. Conflict
// "sender.fenced" if the fence was lost, "issue.state" if the issue is not
// being launched.
func (s *Store) LaunchChunk(ctx context.Context, l Launch, size int) (last int64, done bool, err error) {
	now := s.clock()
	err = s.writeBulk(ctx, func(q queries) error {
		var at struct {
			LastSeq   int64 `db:"last_seq"`
			CutoffID  int64 `db:"cutoff_id"`
			ThroughID int64 `db:"through_id"`
		}
		err := q.get(ctx, &at, `UPDATE sender SET last_seq = last_seq WHERE issue_id = ? AND fence = ?
			RETURNING last_seq, cutoff_id, through_id`, l.IssueID, l.Fence)
		if errors.Is(err, sql.ErrNoRows) {
			return fenced()
		}
		if err != nil {
			return err
		}
		if err := refuseUnlessLaunching(ctx, q, l.IssueID); err != nil {
			return err
		}
		through, err := chunkEnd(ctx, q, l.NewsletterID, at.ThroughID, at.CutoffID, size)
		if err != nil {
			return err
		}
		added, err := q.exec(ctx, `INSERT INTO delivery (issue_id, seq, subscriber_id, lane)
			SELECT CAST(? AS BIGINT), CAST(? AS BIGINT) + ROW_NUMBER() OVER (ORDER BY n.id), p.id, p.lane
			FROM `+audienceJoin+` WHERE `+audienceWhere+` AND n.id > ? AND n.id <= ? AND (n.pace <> 'monthly' OR ? = 1)
			AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = ? AND d.subscriber_id = p.id)`,
			l.IssueID, at.LastSeq, l.NewsletterID, string(epistle.Confirmed), micros(now), at.ThroughID, through, flag(l.Monthly), l.IssueID)
		if err != nil {
			return err
		}
		last, done = at.LastSeq+added, through >= at.CutoffID
		if _, err := q.exec(ctx, `UPDATE sender SET last_seq = ?, through_id = ? WHERE issue_id = ?`, last, through, l.IssueID); err != nil {
			return err
		}
		if done {
			_, err = q.exec(ctx, `UPDATE issue SET state = 'sending' WHERE id = ? AND state = 'launching'`, l.IssueID)
		}
		return err
	})
	return last, done, err
}

func refuseUnlessLaunching(ctx context.Context, q queries, id epistle.ID) error {
	var state string
	if err := q.get(ctx, &state, `SELECT state FROM issue WHERE id = ?`, id); err != nil {
		return err
	}
	if state != string(epistle.IssueLaunching) {
		return epistle.Errorf(epistle.Conflict, "issue.state", nil)
	}
	return nil
}

// chunkEnd is the id of the last subscription of the next chunk, or the cut-off
// if there are no more.
func chunkEnd(ctx context.Context, q queries, newsletterID, after, cutoff epistle.ID, size int) (epistle.ID, error) {
	var at struct {
		Count int64
		Last  int64
	}
	err := q.get(ctx, &at, `SELECT COUNT(*) AS count, COALESCE(MAX(c.id), 0) AS last FROM (
		SELECT n.id FROM subscription n WHERE n.newsletter_id = ? AND n.state = ? AND n.id > ? AND n.id <= ? ORDER BY n.id LIMIT ?) AS c`,
		newsletterID, string(epistle.Confirmed), after, cutoff, size)
	if err != nil || at.Count < int64(size) {
		return cutoff, err
	}
	return at.Last, nil
}

// LaunchedBetween counts the issues of a newsletter that were launched from
// (inclusive) until (exclusive) and not cancelled.
func (s *Store) LaunchedBetween(ctx context.Context, newsletterID epistle.ID, from, until time.Time) (int64, error) {
	var count int64
	err := s.read().get(ctx, &count, `SELECT COUNT(*) FROM issue
		WHERE newsletter_id = ? AND launched_at >= ? AND launched_at < ? AND state <> 'cancelled'`,
		newsletterID, micros(from), micros(until))
	return count, s.mapError(err)
}
