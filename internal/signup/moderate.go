package signup

import (
	"context"
	"net/url"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// Each decision names the state in which the moderator saw the comment, so
// that two people do not undo each other's work without knowing: Conflict means
// that it was moved meanwhile.

// Approve publishes a comment; a top-level one gets its number.
func (c *Comments) Approve(ctx context.Context, actor epistle.Actor, id epistle.ID, seen epistle.CommentState) error {
	return c.Decide(ctx, actor, store.Decision{ID: id, From: seen, To: epistle.CommentApproved})
}

// Spam puts a comment away as spam.
func (c *Comments) Spam(ctx context.Context, actor epistle.Actor, id epistle.ID, seen epistle.CommentState) error {
	return c.Decide(ctx, actor, store.Decision{ID: id, From: seen, To: epistle.CommentSpam})
}

// Trash puts a comment away.
func (c *Comments) Trash(ctx context.Context, actor epistle.Actor, id epistle.ID, seen epistle.CommentState) error {
	return c.Decide(ctx, actor, store.Decision{ID: id, From: seen, To: epistle.CommentTrash})
}

// Restore puts a comment back among those that wait.
func (c *Comments) Restore(ctx context.Context, actor epistle.Actor, id epistle.ID, seen epistle.CommentState) error {
	return c.Decide(ctx, actor, store.Decision{ID: id, From: seen, To: epistle.CommentPending})
}

// actions names what a decision is called in the audit trail.
var actions = map[epistle.CommentState]string{
	epistle.CommentApproved: "comment.approve",
	epistle.CommentSpam:     "comment.spam",
	epistle.CommentTrash:    "comment.trash",
	epistle.CommentPending:  "comment.restore",
}

// Decide carries out one decision. A comment that is already where it should
// go stays there, without an error and without an entry.
func (c *Comments) Decide(ctx context.Context, actor epistle.Actor, d store.Decision) error {
	if err := actor.Require(epistle.Moderate); err != nil {
		return err
	}
	if actions[d.To] == "" || actions[d.From] == "" {
		return epistle.InvalidField("state", "comment.state")
	}
	if d.From == d.To {
		return nil
	}
	return c.o.Store.DecideComment(ctx, d, c.entry(actor, actions[d.To], string(d.From)+" to "+string(d.To)))
}

// DecideAll carries out the same decision on several comments, each for
// itself, and returns how many it moved. Those that were moved meanwhile are
// left where they are.
func (c *Comments) DecideAll(ctx context.Context, actor epistle.Actor, ids []epistle.ID, from, to epistle.CommentState) (int, error) {
	if err := actor.Require(epistle.Moderate); err != nil {
		return 0, err
	}
	moved := 0
	for _, id := range ids {
		err := c.Decide(ctx, actor, store.Decision{ID: id, From: from, To: to})
		switch epistle.KindOf(err) {
		case epistle.Conflict, epistle.NotFound:
			continue
		}
		if err != nil {
			return moved, err
		}
		moved++
	}
	return moved, nil
}

// Invite sends the author of a comment a confirmation mail for the updates;
// see Service.Invite.
func (c *Comments) Invite(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	if err := actor.Require(epistle.Invite); err != nil {
		return err
	}
	return c.o.Requests.Invite(ctx, actor, id)
}

// ApproveAndInvite is Approve, then Invite.
func (c *Comments) ApproveAndInvite(ctx context.Context, actor epistle.Actor, id epistle.ID, seen epistle.CommentState) error {
	if err := actor.Require(epistle.Invite); err != nil {
		return err
	}
	if err := c.Approve(ctx, actor, id, seen); err != nil {
		return err
	}
	return c.Invite(ctx, actor, id)
}

// Answer is a reply of the staff's as it was typed.
type Answer struct {
	To   epistle.ID
	Seen epistle.CommentState // a comment that waits is approved with its answer
	Name string               // under which it is shown: "Pastor Daniel"
	Body string
}

// Reply answers a comment in public, under the ministry's badge, at once. What
// is wrong with the form belongs to the fields "name" and "reply". A comment in
// spam or trash gives Conflict.
func (c *Comments) Reply(ctx context.Context, actor epistle.Actor, a Answer) (epistle.ID, error) {
	if err := actor.Require(epistle.Moderate); err != nil {
		return 0, err
	}
	var problems epistle.Problems
	name, err := epistle.CleanLine("name", a.Name, epistle.MaxName)
	problems.Add(err)
	if err == nil && name == "" {
		problems.Add(epistle.InvalidField("name", "text.missing"))
	}
	body, err := epistle.CleanText("reply", a.Body, epistle.MaxComment)
	problems.Add(err)
	if err == nil && body == "" {
		problems.Add(epistle.InvalidField("reply", "text.missing"))
	}
	if err := problems.Err(); err != nil {
		return 0, err
	}
	parent, err := c.o.Store.Comment(ctx, a.To)
	if err != nil {
		return 0, err
	}
	if a.Seen == epistle.CommentPending && parent.State == epistle.CommentPending {
		if err := c.Approve(ctx, actor, a.To, epistle.CommentPending); err != nil {
			return 0, err
		}
	}
	reply := store.Reply{To: a.To, Audit: c.entry(actor, "comment.reply", ""),
		Comment: epistle.Comment{Name: name, Body: body, Language: languageOf(body, parent.Language), StaffID: actor.StaffID}}
	if parent.WantsReplies && parent.StaffID == 0 {
		if reply.Notice, err = c.replied(ctx, parent, body); err != nil {
			return 0, err
		}
	}
	return c.o.Store.ReplyToComment(ctx, reply)
}

// replied is the mail to who wrote a comment that was answered. It has the
// staff's words and those of the page that staff gave it, and nothing that the
// visitor typed: the address may be somebody else's.
func (c *Comments) replied(ctx context.Context, to epistle.Comment, answer string) (epistle.Notice, error) {
	page, err := c.o.Store.Page(ctx, to.PageID)
	if err != nil {
		return epistle.Notice{}, err
	}
	thread := "/comments?page=" + url.QueryEscape(page.URL)
	if page.Title.IsZero() { // the address came from a stranger too
		thread = "/"
	}
	return epistle.Notice{Kind: epistle.NoticeReply, To: to.Address, Language: to.Language, Data: map[string]string{
		"answer": answer, "page": page.Title.In(to.Language), "link": thread,
		"stop": "/replies/" + c.o.Keys.Link(seal.ToHush, to.ID)}}, nil
}

// StopReplies ends the mails about answers for the author of the comment behind
// a link; NotFound for a link that is none of ours. Repeating it does nothing.
func (c *Comments) StopReplies(ctx context.Context, token string) error {
	numbers, err := c.o.Keys.ParseLink(seal.ToHush, token)
	if err != nil || len(numbers) != 1 {
		return epistle.Errorf(epistle.NotFound, "signup.link", err)
	}
	return noSuchLink(c.o.Store.StopReplies(ctx, numbers[0]))
}

// InviteAll invites the authors of several comments, each for itself, and
// returns how many mails are on their way. Those who are subscribed already, or
// were asked lately, or must not be mailed, are left alone.
func (c *Comments) InviteAll(ctx context.Context, actor epistle.Actor, ids []epistle.ID) (int, error) {
	invited := 0
	for _, id := range ids {
		err := c.Invite(ctx, actor, id)
		switch epistle.KindOf(err) {
		case epistle.Conflict, epistle.NotFound:
			continue
		}
		if err != nil {
			return invited, err
		}
		invited++
	}
	return invited, nil
}

// EraseAuthor forgets who wrote a comment, at their wish and whether or not they
// are a subscriber, as Service.Erase does. What was published stays, without
// anything that leads to them but the name beside it; what waits goes. confirmed
// is the address, typed by staff; field "address" if it is another one.
func (c *Comments) EraseAuthor(ctx context.Context, actor epistle.Actor, id epistle.ID, confirmed string) error {
	if err := actor.Require(epistle.ErasePeople); err != nil {
		return err
	}
	comment, err := c.o.Store.Comment(ctx, id)
	if err != nil {
		return err
	}
	address, err := epistle.ParseAddress(confirmed)
	if err != nil || comment.StaffID != 0 || address.Canonical() != comment.Address.Canonical() {
		return epistle.InvalidField("address", "signup.erase")
	}
	return c.o.Store.EraseAuthor(ctx, id, c.entry(actor, "comment.erase-author", ""))
}

func (c *Comments) entry(actor epistle.Actor, action, detail string) epistle.AuditEntry {
	return epistle.AuditEntry{At: c.o.Clock(), Actor: actor, Action: action, Subject: "comment", Detail: detail}
}
