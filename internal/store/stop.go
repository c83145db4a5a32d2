package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"epistle/internal/epistle"
)

// HeldForPassword is the HeldReason of an issue that waits for a relay which
// refuses our user name or password.
const HeldForPassword = "password"

// HeldForRefusals is the HeldReason of an issue of which too many mails were
// refused for good.
const HeldForRefusals = "refusals"

// More than one mail in refusalPart refused for good, after refusalLeast were
// tried, is too many.
const (
	refusalPart  = 20
	refusalLeast = 100
)

// StopForRefusals pauses an issue on its way if more than 5 % of it were refused
// for good, after at least 100 were tried, by all daemons together; and tells
// the editors. If it was paused for that before, only what came after counts.
// It reports whether it did.
func (s *Store) StopForRefusals(ctx context.Context, id epistle.ID) (bool, error) {
	var tried, refused int64
	err := s.snapshot(ctx, func(q queries) (err error) {
		tried, refused, err = s.countRefusals(ctx, q, id)
		return err
	})
	if err != nil || tried < refusalLeast || refused*refusalPart <= tried {
		return false, err
	}
	return s.stopIssue(ctx, id, HeldForRefusals, epistle.NoticeRefusals, map[string]string{
		"refused": strconv.FormatInt(refused, 10), "tried": strconv.FormatInt(tried, 10),
	}, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE sender SET judged_tried = judged_tried + ?, judged_refused = judged_refused + ? WHERE issue_id = ?`,
			tried, refused, id)
		return err
	})
}

// countRefusals counts what was tried, and refused for good, since the issue was
// last paused for it. Welcomes do not count.
func (s *Store) countRefusals(ctx context.Context, q queries, id epistle.ID) (tried, refused int64, err error) {
	var r epistle.Report
	bulk, err := countAside(ctx, q, id, &r)
	if err != nil {
		return 0, 0, err
	}
	if err := countOnTheirWay(ctx, q, id, bulk, &r); err != nil {
		return 0, 0, err
	}
	var aside struct{ Tried, Refused int64 }
	if err := q.get(ctx, &aside, `SELECT COUNT(*) AS tried, COALESCE(SUM(CASE WHEN state = 3 AND code >= 500 THEN 1 ELSE 0 END), 0) AS refused
		FROM delivery WHERE issue_id = ? AND aside = 1 AND kind = 0 AND attempts > 0`, id); err != nil {
		return 0, 0, err
	}
	var before struct {
		Tried   int64 `db:"judged_tried"`
		Refused int64 `db:"judged_refused"`
	}
	if err := q.get(ctx, &before, `SELECT judged_tried, judged_refused FROM sender WHERE issue_id = ?`, id); err != nil {
		return 0, 0, err
	}
	return r.Accepted - r.Welcomes + aside.Tried - before.Tried, aside.Refused - before.Refused, nil
}

// StopIssue pauses an issue on its way for a reason, a key under "held.", and
// tells the editors. It reports false if the issue was not on its way.
func (s *Store) StopIssue(ctx context.Context, id epistle.ID, reason string) (bool, error) {
	kind := epistle.NoticeStopped
	if reason == HeldForPassword {
		kind = epistle.NoticePassword
	}
	return s.stopIssue(ctx, id, reason, kind, nil, func(queries) error { return nil })
}

func (s *Store) stopIssue(ctx context.Context, id epistle.ID, reason string, kind epistle.NoticeKind, data map[string]string, and func(q queries) error) (bool, error) {
	news, err := s.newsForEditors(ctx, id, kind, data)
	if err != nil {
		return false, err
	}
	now := s.clock()
	_, err = s.changeIssue(ctx, func(q queries, audit epistle.ID, _ time.Time) (issueRow, error) {
		row, err := moveIssue(ctx, q, audit, now, epistle.SystemActor(), IssueMove{ID: id,
			From: []epistle.IssueState{epistle.IssueLaunching, epistle.IssueSending}, To: epistle.IssuePaused, Reason: reason, Action: "issue.pause"})
		if err != nil {
			return row, err
		}
		if err := and(q); err != nil {
			return row, err
		}
		return row, news.queue(ctx, q, fmt.Sprint(id, "/", micros(now)))
	})
	if epistle.KindOf(err) == epistle.Conflict {
		return false, nil
	}
	return err == nil, err
}
