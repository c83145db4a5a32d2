package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"epistle/internal/epistle"
)

// IssueFilter narrows a list of issues; what is nil or empty does not count.
type IssueFilter struct {
	NewsletterID *epistle.ID
	States       []epistle.IssueState
	SlotFrom     *time.Time // slots at or after
	SlotBefore   *time.Time // slots before
	BelowNumber  *int64     // the page after the one that ended with this number
	Limit        int        // 0: no more than 100
}

// Issues lists issues, the highest number first.
func (s *Store) Issues(ctx context.Context, f IssueFilter) ([]epistle.Issue, error) {
	where, args := []string{"1 = 1"}, []any{}
	add := func(condition string, value any) {
		where, args = append(where, condition), append(args, value)
	}
	if f.NewsletterID != nil {
		add("newsletter_id = ?", *f.NewsletterID)
	}
	if len(f.States) > 0 {
		add("state IN (?)", f.States)
	}
	if f.SlotFrom != nil {
		add("send_at >= ?", micros(*f.SlotFrom))
	}
	if f.SlotBefore != nil {
		add("send_at > 0 AND send_at < ?", micros(*f.SlotBefore))
	}
	if f.BelowNumber != nil {
		add("number < ?", *f.BelowNumber)
	}
	limit := f.Limit
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	query, args, err := s.read().in(`SELECT `+issueColumns+` FROM issue WHERE `+strings.Join(where, " AND ")+
		` ORDER BY number DESC, id DESC LIMIT ?`, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	return s.issuesOf(ctx, query, args...)
}

// IssueAt returns the issue of a slot; NotFound if none was made.
func (s *Store) IssueAt(ctx context.Context, newsletterID epistle.ID, sendAt time.Time) (epistle.Issue, error) {
	var row issueRow
	err := s.read().get(ctx, &row, `SELECT `+issueColumns+` FROM issue WHERE newsletter_id = ? AND send_at = ?`, newsletterID, micros(sendAt))
	if err != nil {
		return epistle.Issue{}, s.mapError(ctx, err)
	}
	return row.issue()
}

// withdrawnItem is true for an issue that shows something withdrawn.
const withdrawnItem = `EXISTS (SELECT 1 FROM issue_item x WHERE x.issue_id = issue.id AND (
	x.kind = 'letter' AND EXISTS (SELECT 1 FROM letter p WHERE p.id = x.item_id AND p.state = 'withdrawn') OR
	x.kind = 'prayer' AND EXISTS (SELECT 1 FROM prayer p WHERE p.id = x.item_id AND p.state = 'withdrawn') OR
	x.kind = 'link' AND EXISTS (SELECT 1 FROM link p WHERE p.id = x.item_id AND p.state IN ('withdrawn', 'rejected')) OR
	x.kind = 'question' AND EXISTS (SELECT 1 FROM question p WHERE p.id = x.item_id AND p.state = 'withdrawn') OR
	x.kind = 'video' AND EXISTS (SELECT 1 FROM video p WHERE p.id = x.item_id AND p.state = 'withdrawn')))`

// LatestSentIssue is what a new subscriber is welcomed with: the issue that was
// launched last or, before the first launch, the last one that is approved.
// Issues that show something withdrawn since are passed over. NotFound if there
// is none.
func (s *Store) LatestSentIssue(ctx context.Context, newsletterID epistle.ID) (epistle.Issue, error) {
	var row issueRow
	err := s.read().get(ctx, &row, `SELECT `+issueColumns+` FROM issue
		WHERE newsletter_id = ? AND state IN ('launching', 'sending', 'sent') AND NOT `+withdrawnItem+`
		ORDER BY launched_at DESC, number DESC LIMIT 1`, newsletterID)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.read().get(ctx, &row, `SELECT `+issueColumns+` FROM issue
			WHERE newsletter_id = ? AND state = 'approved' AND NOT `+withdrawnItem+`
			ORDER BY number DESC LIMIT 1`, newsletterID)
	}
	if err != nil {
		return epistle.Issue{}, s.mapError(ctx, err)
	}
	return row.issue()
}

// IssuesShowing lists the unfinished issues that show an item of the pool.
func (s *Store) IssuesShowing(ctx context.Context, kind epistle.ItemKind, id epistle.ID) ([]epistle.Issue, error) {
	return s.issuesOf(ctx, `SELECT `+issueColumns+` FROM issue
		WHERE state NOT IN ('sent', 'cancelled') AND id IN (SELECT issue_id FROM issue_item WHERE kind = ? AND item_id = ?)
		ORDER BY number DESC`, string(kind), id)
}

func (s *Store) issuesOf(ctx context.Context, query string, args ...any) ([]epistle.Issue, error) {
	var rows []issueRow
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	issues := make([]epistle.Issue, len(rows))
	for i, row := range rows {
		issue, err := row.issue()
		if err != nil {
			return nil, err
		}
		issues[i] = issue
	}
	return issues, nil
}
