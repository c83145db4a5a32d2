package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
)

// LaunchIssue moves an approved issue to launching: everybody who subscribes up to now is inside the cut-off. Conflict
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
		// The cut-off is over all newsletters: that is one look at an index.
		if _, err := q.exec(ctx, `INSERT INTO launch (issue_id, cutoff_id) SELECT CAST(? AS BIGINT), COALESCE(MAX(id), 0) FROM subscription`, id); err != nil {
			return row, err
		}
		_, err = q.exec(ctx, `INSERT INTO sender (issue_id) VALUES (?)`, id)
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
		err := q.get(ctx, &launched, `SELECT CASE WHEN through_id >= cutoff_id THEN 1 ELSE 0 END FROM launch WHERE issue_id = ?`, id)
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

// Launch is what a chunk of a launch needs to know.
type Launch struct {
	IssueID      epistle.ID
	NewsletterID epistle.ID
	Monthly      bool // whether it is the first issue of its month, which those who asked for one a month get
}

// Progress is how far a launch has come.
type Progress struct {
	Last     int64 // up to this sequence number there are deliveries
	Launched bool  // whether everybody up to the cut-off has one
	Busy     bool  // another daemon is writing at this moment
}

// LaunchChunk writes the deliveries of the next size subscriptions in the order
// of their ids; with the last chunk the issue becomes sending. Any number of
// daemons may call it: one writes at a time, the others are told how far it is.
// Conflict "issue.state" if the issue is not being launched and not launched
// either.
func (s *Store) LaunchChunk(ctx context.Context, l Launch, size int) (Progress, error) {
	var progress Progress
	if err := s.keep(ctx, s.lockLaunchStatement(), chunkEndStatement, chunkStatement, throughStatement); err != nil {
		return progress, err
	}
	// Nothing of a chunk is sent before a mark that waits for the disk gives it
	// out.
	err := s.writeRelaxed(ctx, func(q queries) error {
		at, err := s.lockLaunch(ctx, q, l.IssueID)
		if errors.Is(err, sql.ErrNoRows) {
			progress, err = launchProgress(ctx, q, l.IssueID)
			progress.Busy = !progress.Launched
			return err
		}
		if err != nil {
			return err
		}
		if progress = at.progress(); progress.Launched {
			return nil
		}
		progress, err = s.writeChunk(ctx, q, l, at, size)
		return err
	})
	return progress, err
}

// launchRow is a row of launch with its issue's state.
type launchRow struct {
	CutoffID  int64 `db:"cutoff_id"`
	ThroughID int64 `db:"through_id"`
	LastSeq   int64 `db:"last_seq"`
	State     string
}

func (r launchRow) progress() Progress {
	return Progress{Last: r.LastSeq, Launched: r.ThroughID >= r.CutoffID && r.State != string(epistle.IssueLaunching)}
}

const launchSelect = `SELECT l.cutoff_id, l.through_id, l.last_seq, i.state FROM launch l JOIN issue i ON i.id = l.issue_id WHERE l.issue_id = ?`

// lockLaunch reads the row for this transaction alone; sql.ErrNoRows if another
// one has it.
func (s *Store) lockLaunch(ctx context.Context, q queries, id epistle.ID) (launchRow, error) {
	var row launchRow
	return row, q.get(ctx, &row, s.lockLaunchStatement(), id)
}

func (s *Store) lockLaunchStatement() string { return launchSelect + s.dialect.claimSuffix("l") }

// What every chunk runs.
const (
	chunkEndStatement = `SELECT COUNT(*) AS count, COALESCE(MAX(c.id), 0) AS last FROM (
		SELECT n.id FROM subscription n WHERE n.newsletter_id = ? AND n.state = ? AND n.id > ? AND n.id <= ? ORDER BY n.id LIMIT ?) AS c`
	chunkStatement = `INSERT INTO delivery (issue_id, seq, subscriber_id, lane)
		SELECT CAST(? AS BIGINT), CAST(? AS BIGINT) + ROW_NUMBER() OVER (ORDER BY n.id), p.id, p.lane
		FROM ` + audienceJoin + ` WHERE ` + audienceWhere + ` AND n.id > ? AND n.id <= ? AND (n.pace <> 'monthly' OR ? = 1)
		AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = ? AND d.subscriber_id = p.id)`
	throughStatement = `UPDATE launch SET last_seq = ?, through_id = ? WHERE issue_id = ?`
)

func launchProgress(ctx context.Context, q queries, id epistle.ID) (Progress, error) {
	var row launchRow
	err := q.get(ctx, &row, launchSelect, id)
	return row.progress(), err
}

func (s *Store) writeChunk(ctx context.Context, q queries, l Launch, at launchRow, size int) (Progress, error) {
	if at.State != string(epistle.IssueLaunching) {
		return Progress{}, epistle.Errorf(epistle.Conflict, "issue.state", nil)
	}
	through, err := chunkEnd(ctx, q, l.NewsletterID, at.ThroughID, at.CutoffID, size)
	if err != nil {
		return Progress{}, err
	}
	added, err := q.exec(ctx, chunkStatement,
		l.IssueID, at.LastSeq, l.NewsletterID, string(epistle.Confirmed), micros(s.clock()), at.ThroughID, through, flag(l.Monthly), l.IssueID)
	if err != nil {
		return Progress{}, err
	}
	progress := Progress{Last: at.LastSeq + added, Launched: through >= at.CutoffID}
	if _, err := q.exec(ctx, throughStatement, progress.Last, through, l.IssueID); err != nil {
		return Progress{}, err
	}
	if progress.Launched {
		_, err = q.exec(ctx, `UPDATE issue SET state = 'sending' WHERE id = ? AND state = 'launching'`, l.IssueID)
	}
	return progress, err
}

// chunkEnd is the id of the last subscription of the next chunk, or the cut-off
// if there are no more.
func chunkEnd(ctx context.Context, q queries, newsletterID, after, cutoff epistle.ID, size int) (epistle.ID, error) {
	var at struct {
		Count int64
		Last  int64
	}
	err := q.get(ctx, &at, chunkEndStatement,
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
	return count, s.mapError(ctx, err)
}
