package sending

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/render"
)

// testTime is how long somebody at the desk waits for a test mail.
const testTime = 45 * time.Second

// SendTest mails one edition of an issue in any state, its subject marked as a
// test, to a member of staff, and waits for the relay's answer. Staff may only
// mail themselves, else Invalid "sending.not-yourself". Unavailable "sending.relay" if there is no connection,
// "sending.refused" if the relay does not take the mail. It leaves no delivery.
func (s *Service) SendTest(ctx context.Context, actor epistle.Actor, issueID epistle.ID, l epistle.Language, to epistle.Address) error {
	if err := actor.Require(epistle.TestSend); err != nil {
		return err
	}
	if err := s.ownAddress(ctx, actor, to); err != nil {
		return err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return err
	}
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return err
	}
	issue.Content.Subject = epistle.Text{
		EN: s.Catalog.In(epistle.English).T("sending.test-subject", "Subject", issue.Content.Subject.In(epistle.English)),
		KO: s.Catalog.In(epistle.Korean).T("sending.test-subject", "Subject", issue.Content.Subject.In(epistle.Korean)),
	}
	edition, err := s.Renderer.Compile(newsletter, issue, l, epistle.Full)
	if err != nil {
		return err
	}
	message, err := edition.Message(render.Recipient{
		// Nobody's subscription, so that the links change nothing; a number of its
		// own, so that mailboxes do not take the second test for a copy.
		Seq: s.Clock().UnixMicro(), Name: s.Catalog.In(l).T("sending.test-name"), Address: to, Date: s.Clock(),
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	conn, err := s.gateway.dialOnce(ctx)
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "sending.relay", err)
	}
	defer func() { _ = conn.Quit() }()
	conn.CloseWhen(ctx)
	if o := conn.Send(message.ReturnPath, string(message.To), message.Body); o.Class != relay.Accepted {
		return epistle.Errorf(epistle.Unavailable, "sending.refused", o.Err).With("Code", o.Code)
	}
	return nil
}

// ownAddress keeps staff from mailing tests to others, Invalid at the field
// "to" so that the form shows it there; the machine's owner, at the command
// line, may mail to anybody.
func (s *Service) ownAddress(ctx context.Context, actor epistle.Actor, to epistle.Address) error {
	if actor.Kind != epistle.Staff {
		return nil
	}
	member, err := s.Store.StaffMember(ctx, actor.StaffID)
	if err != nil {
		return err
	}
	if member.Address.Canonical() != to.Canonical() {
		return epistle.InvalidField("to", "sending.not-yourself")
	}
	return nil
}
