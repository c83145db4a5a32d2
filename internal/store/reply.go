package store

import (
	"context"
	"fmt"

	"epistle/internal/epistle"
)

// Reply is an answer of the staff's to a comment.
type Reply struct {
	Comment epistle.Comment // what is shown: name, body, language, who wrote it
	To      epistle.ID
	// Notice is the mail for the author of the comment, queued if they want to
	// hear of answers and may be mailed.
	Notice epistle.Notice
	Audit  epistle.AuditEntry
}

// ReplyToComment keeps a reply of the staff's under an approved comment, itself
// approved at once, and returns its id. A comment that is not approved gives
// Conflict, one that is gone NotFound. A reply to a reply goes under the same
// comment as that.
func (s *Store) ReplyToComment(ctx context.Context, r Reply) (epistle.ID, error) {
	first, err := s.newIDs(ctx, 3)
	if err != nil {
		return 0, err
	}
	c := r.Comment
	c.ID, c.State, c.DecidedAt, c.DecidedBy = first, epistle.CommentApproved, s.clock(), c.StaffID
	r.Audit.SubjectID = first
	err = s.write(ctx, func(q queries) error {
		var to struct {
			PageID   int64 `db:"page_id"`
			ParentID int64 `db:"parent_id"`
			State    string
			Mail     bool
		}
		if err := q.get(ctx, &to, `SELECT page_id, COALESCE(parent_id, 0) AS parent_id, state, wants_replies = 1 AND NOT EXISTS
			(SELECT 1 FROM suppression WHERE suppression.address_index = comment.address_index) AS mail FROM comment WHERE id = ?`, r.To); err != nil {
			return err
		}
		if epistle.CommentState(to.State) != epistle.CommentApproved {
			return epistle.Errorf(epistle.Conflict, "comment.not-approved", nil)
		}
		c.PageID, c.ParentID = to.PageID, r.To
		if to.ParentID != 0 {
			c.ParentID = to.ParentID
		}
		if err := s.insertComment(ctx, q, c); err != nil {
			return err
		}
		if to.Mail && r.Notice.To != "" {
			r.Notice.Key = fmt.Sprintf("reply/%d", first)
			if err := s.insertNotice(ctx, q, first+2, r.Notice); err != nil {
				return err
			}
		}
		return insertAudit(ctx, q, first+1, r.Audit)
	})
	return first, err
}

// StopReplies ends the mails about answers to every comment of the author of
// this one; NotFound if it is gone. Repeating it does nothing.
func (s *Store) StopReplies(ctx context.Context, comment epistle.ID) error {
	return s.write(ctx, func(q queries) error {
		var index []byte
		if err := q.get(ctx, &index, `SELECT address_index FROM comment WHERE id = ?`, comment); err != nil {
			return err
		}
		if len(index) == 0 { // nobody is known to have written it any more
			return nil
		}
		if _, err := q.exec(ctx, `UPDATE comment SET wants_replies = 0 WHERE address_index = ? AND wants_replies = 1`, index); err != nil {
			return err
		}
		return s.dropNotices(ctx, q, index, epistle.NoticeReply)
	})
}
