package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"epistle/internal/epistle"
)

const issueColumns = `id, newsletter_id, number, state, send_at, content, edited_by, edited_at, approved_by, approved_at,
	approved_digest, approved_audience, tolerance, held_reason, launched_at, finished_at, created_at, version`

type issueRow struct {
	ID               int64
	NewsletterID     int64 `db:"newsletter_id"`
	Number           int64
	State            string
	SendAt           int64 `db:"send_at"`
	Content          string
	EditedBy         int64  `db:"edited_by"`
	EditedAt         int64  `db:"edited_at"`
	ApprovedBy       int64  `db:"approved_by"`
	ApprovedAt       int64  `db:"approved_at"`
	ApprovedDigest   string `db:"approved_digest"`
	ApprovedAudience int64  `db:"approved_audience"`
	Tolerance        int64
	HeldReason       string `db:"held_reason"`
	LaunchedAt       int64  `db:"launched_at"`
	FinishedAt       int64  `db:"finished_at"`
	CreatedAt        int64  `db:"created_at"`
	Version          int64
}

func (r issueRow) issue() (epistle.Issue, error) {
	i := epistle.Issue{
		ID: r.ID, NewsletterID: r.NewsletterID, Number: r.Number, State: epistle.IssueState(r.State), SendAt: fromMicros(r.SendAt),
		EditedBy: r.EditedBy, EditedAt: fromMicros(r.EditedAt),
		Approval: epistle.Approval{By: r.ApprovedBy, At: fromMicros(r.ApprovedAt), Digest: r.ApprovedDigest,
			Audience: r.ApprovedAudience, Tolerance: r.Tolerance},
		HeldReason: r.HeldReason, LaunchedAt: fromMicros(r.LaunchedAt), FinishedAt: fromMicros(r.FinishedAt),
		CreatedAt: fromMicros(r.CreatedAt), Version: r.Version,
	}
	return i, json.Unmarshal([]byte(r.Content), &i.Content)
}

// CreateIssue makes the next issue of a newsletter for a slot (a zero SendAt: to
// be sent by hand). A slot has one issue: if it has one already, that one comes
// back and created is false. Of i, NewsletterID, SendAt and Content count. Its
// last editor is whoever last wrote something that it shows, else by. NotFound
// if there is no such newsletter.
func (s *Store) CreateIssue(ctx context.Context, by epistle.Actor, i epistle.Issue) (_ epistle.Issue, created bool, err error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return epistle.Issue{}, false, err
	}
	content, err := json.Marshal(i.Content)
	if err != nil {
		return epistle.Issue{}, false, err
	}
	now := s.clock()
	var row issueRow
	err = s.write(ctx, func(q queries) error {
		created = false
		// The newsletter's row is the lock under which numbers are given out.
		n, err := q.exec(ctx, `UPDATE newsletter SET version = version WHERE id = ?`, i.NewsletterID)
		if err != nil {
			return err
		}
		if n == 0 {
			return sql.ErrNoRows
		}
		if !i.SendAt.IsZero() {
			err := q.get(ctx, &row, `SELECT `+issueColumns+` FROM issue WHERE newsletter_id = ? AND send_at = ?`, i.NewsletterID, micros(i.SendAt))
			if !errors.Is(err, sql.ErrNoRows) {
				return err
			}
		}
		err = q.get(ctx, &row, `INSERT INTO issue (id, newsletter_id, number, state, send_at, content, edited_by, edited_at, created_at)
			VALUES (?, ?, (SELECT COALESCE(MAX(number), 0) + 1 FROM issue WHERE newsletter_id = ?), 'draft', ?, ?, ?, ?, ?)
			RETURNING `+issueColumns,
			first, i.NewsletterID, i.NewsletterID, micros(i.SendAt), string(content), by.StaffID, micros(now), micros(now))
		if err != nil {
			return err
		}
		created = true
		if err := writeIssueItems(ctx, q, first, i.Content); err != nil {
			return err
		}
		if err := q.get(ctx, &row, `UPDATE issue SET edited_by = COALESCE(`+lastWriter+`, edited_by) WHERE id = ? RETURNING `+issueColumns, first); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, issueEntry(by, "issue.create", first, now, ""))
	})
	if err != nil {
		return epistle.Issue{}, false, err
	}
	issue, err := row.issue()
	return issue, created, err
}

// lastWriter is an SQL expression: who last wrote any of the items that an issue
// was put together from, so that nobody approves their own words only because
// the program put them into the issue. A proposed link was confirmed by somebody
// else; what was written about it later was not.
const lastWriter = `(SELECT a.staff_id FROM issue_item shown JOIN audit a ON a.subject = shown.kind AND a.subject_id = shown.item_id
	WHERE shown.issue_id = issue.id AND a.staff_id > 0 AND a.action IN ('letter.create', 'letter.update', 'prayer.create', 'prayer.update',
		'question.create', 'question.update', 'video.create', 'video.update', 'link.update')
	ORDER BY a.at DESC, a.id DESC LIMIT 1)`

// Issue returns an issue; NotFound if there is none.
func (s *Store) Issue(ctx context.Context, id epistle.ID) (epistle.Issue, error) {
	var row issueRow
	if err := s.read().get(ctx, &row, `SELECT `+issueColumns+` FROM issue WHERE id = ?`, id); err != nil {
		return epistle.Issue{}, s.mapError(ctx, err)
	}
	return row.issue()
}

// SaveIssue replaces an issue's content, if it still has the version that the
// editor saw, and voids its approval. A draft or approved issue becomes a
// draft; a held or paused one stays that. Conflict "changed-meanwhile" if
// somebody saved or approved in between, Conflict "issue.closed" if it is on
// its way, sent or cancelled.
func (s *Store) SaveIssue(ctx context.Context, by epistle.Actor, id epistle.ID, version int64, c epistle.Content) (epistle.Issue, error) {
	content, err := json.Marshal(c)
	if err != nil {
		return epistle.Issue{}, err
	}
	return s.changeIssue(ctx, func(q queries, audit epistle.ID, now time.Time) (issueRow, error) {
		var row issueRow
		err := q.get(ctx, &row, `UPDATE issue SET content = ?, edited_by = ?, edited_at = ?, version = version + 1,
			state = CASE WHEN state IN ('held', 'paused') THEN state ELSE 'draft' END,
			held_reason = CASE WHEN state IN ('held', 'paused') THEN held_reason ELSE '' END,
			approved_by = 0, approved_at = 0, approved_digest = '', approved_audience = 0, tolerance = 0
			WHERE id = ? AND version = ? AND state IN ('draft', 'approved', 'held', 'paused') RETURNING `+issueColumns,
			string(content), by.StaffID, micros(now), id, version)
		if errors.Is(err, sql.ErrNoRows) {
			return row, whyUnchanged(ctx, q, id, version, "issue.closed")
		}
		if err != nil {
			return row, err
		}
		if err := writeIssueItems(ctx, q, id, c); err != nil {
			return row, err
		}
		return row, insertAudit(ctx, q, audit, issueEntry(by, "issue.save", id, now, ""))
	})
}

// IssueApproval is an approval to be recorded.
type IssueApproval struct {
	IssueID  epistle.ID
	Version  int64              // that the approver saw
	From     epistle.IssueState // where it must stand now
	To       epistle.IssueState // where it goes
	Reason   string             // the new HeldReason
	Approval epistle.Approval
	Detail   string // for the audit
}

// ApproveIssue records an approval. Conflict "changed-meanwhile" if somebody
// saved or approved in between, "issue.state" if it no longer stands at From,
// "issue.withdrawn" if it shows something withdrawn.
func (s *Store) ApproveIssue(ctx context.Context, by epistle.Actor, a IssueApproval) (epistle.Issue, error) {
	return s.changeIssue(ctx, func(q queries, audit epistle.ID, now time.Time) (issueRow, error) {
		var row issueRow
		err := q.get(ctx, &row, `UPDATE issue SET approved_by = ?, approved_at = ?, approved_digest = ?, approved_audience = ?, tolerance = ?,
			state = ?, held_reason = ?, version = version + 1
			WHERE id = ? AND version = ? AND state = ? RETURNING `+issueColumns,
			a.Approval.By, micros(a.Approval.At), a.Approval.Digest, a.Approval.Audience, a.Approval.Tolerance,
			string(a.To), a.Reason, a.IssueID, a.Version, string(a.From))
		if errors.Is(err, sql.ErrNoRows) {
			return row, whyUnchanged(ctx, q, a.IssueID, a.Version, "issue.state")
		}
		if err != nil {
			return row, err
		}
		if err := refuseWithdrawn(ctx, q, a.IssueID); err != nil {
			return row, err
		}
		return row, insertAudit(ctx, q, audit, issueEntry(by, "issue.approve", a.IssueID, now, a.Detail))
	})
}

// IssueMove is a change of an issue's state.
type IssueMove struct {
	ID      epistle.ID
	Version int64                // that it must have now; 0 for any
	From    []epistle.IssueState // where it must stand now
	To      epistle.IssueState
	Reason  string // the new HeldReason; "" clears it
	Action  string // for the audit, "issue.hold"
}

// MoveIssue changes an issue's state and nothing else; its version stays, so
// that an editor at work is not disturbed. Conflict "issue.state" if it stands
// elsewhere than in From, or was changed since m.Version.
func (s *Store) MoveIssue(ctx context.Context, by epistle.Actor, m IssueMove) (epistle.Issue, error) {
	return s.changeIssue(ctx, func(q queries, audit epistle.ID, now time.Time) (issueRow, error) {
		return moveIssue(ctx, q, audit, now, by, m)
	})
}

// HoldIssue holds a draft or approved issue for a reason, a key under "held.".
func (s *Store) HoldIssue(ctx context.Context, by epistle.Actor, id epistle.ID, reason string) (epistle.Issue, error) {
	return s.MoveIssue(ctx, by, IssueMove{ID: id, From: []epistle.IssueState{epistle.IssueDraft, epistle.IssueApproved, epistle.IssueHeld},
		To: epistle.IssueHeld, Reason: reason, Action: "issue.hold"})
}

// moveIssue is MoveIssue within a transaction.
func moveIssue(ctx context.Context, q queries, audit epistle.ID, now time.Time, by epistle.Actor, m IssueMove) (issueRow, error) {
	var row issueRow
	query, args, err := q.in(`UPDATE issue SET state = ?, held_reason = ?,
		launched_at = CASE WHEN launched_at = 0 AND ? = 'launching' THEN ? ELSE launched_at END,
		finished_at = CASE WHEN ? IN ('sent', 'cancelled') THEN ? ELSE finished_at END
		WHERE id = ? AND state IN (?) AND (version = ? OR ? = 0) RETURNING `+issueColumns,
		string(m.To), m.Reason, string(m.To), micros(now), string(m.To), micros(now), m.ID, m.From, m.Version, m.Version)
	if err != nil {
		return row, err
	}
	err = q.get(ctx, &row, query, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return row, whyUnmoved(ctx, q, m.ID)
	}
	if err != nil {
		return row, err
	}
	return row, insertAudit(ctx, q, audit, issueEntry(by, m.Action, m.ID, now, m.Reason))
}

// changeIssue runs a change that returns the issue's new row.
func (s *Store) changeIssue(ctx context.Context, change func(q queries, audit epistle.ID, now time.Time) (issueRow, error)) (epistle.Issue, error) {
	audit, err := s.newID(ctx)
	if err != nil {
		return epistle.Issue{}, err
	}
	now := s.clock()
	var row issueRow
	err = s.write(ctx, func(q queries) (err error) {
		row, err = change(q, audit, now)
		return err
	})
	if err != nil {
		return epistle.Issue{}, err
	}
	return row.issue()
}

// whyUnchanged explains an update by version that met no row: there is none, it
// has another version, or it stands where wrongState says.
func whyUnchanged(ctx context.Context, q queries, id epistle.ID, version int64, wrongState string) error {
	var now int64
	if err := q.get(ctx, &now, `SELECT version FROM issue WHERE id = ?`, id); err != nil {
		return err
	}
	if now == version {
		return epistle.Errorf(epistle.Conflict, wrongState, nil)
	}
	return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
}

func whyUnmoved(ctx context.Context, q queries, id epistle.ID) error {
	var state string
	if err := q.get(ctx, &state, `SELECT state FROM issue WHERE id = ?`, id); err != nil {
		return err
	}
	return epistle.Errorf(epistle.Conflict, "issue.state", errors.New("the issue is "+state))
}

func issueEntry(by epistle.Actor, action string, id epistle.ID, at time.Time, detail string) epistle.AuditEntry {
	return epistle.AuditEntry{At: at, Actor: by, Action: action, Subject: "issue", SubjectID: id, Detail: detail}
}

// writeIssueItems keeps issue_item in step with the content.
func writeIssueItems(ctx context.Context, q queries, id epistle.ID, c epistle.Content) error {
	if _, err := q.exec(ctx, `DELETE FROM issue_item WHERE issue_id = ?`, id); err != nil {
		return err
	}
	for _, section := range c.Sections {
		for _, item := range section.Items {
			if item.ID == 0 {
				continue // written straight into the issue
			}
			if _, err := q.exec(ctx, `INSERT INTO issue_item (issue_id, kind, item_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
				id, string(item.Kind), item.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
