package editorial

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// Remind tells every editor and admin, once for each lead (24 h, 4 h), that the
// issue of a slot waits for approval. An approved or launched one needs no
// reminder. If the issue was never assembled, it is now.
func (s *Issues) Remind(ctx context.Context, newsletterID epistle.ID, sendAt time.Time, lead time.Duration) error {
	issue, err := s.Assemble(ctx, epistle.SystemActor(), newsletterID, sendAt)
	if err != nil {
		return err
	}
	if issue.IsApproved() || issue.State != epistle.IssueDraft && issue.State != epistle.IssueHeld {
		return nil
	}
	return s.tell(ctx, epistle.NoticeUnapproved, issue, strconv.Itoa(int(lead.Hours()))+"h")
}

// AtSlot launches the issue of a slot if it is approved and its audience is
// still about what was approved; otherwise it holds the issue and tells the
// staff, once. Running it again does no harm.
func (s *Issues) AtSlot(ctx context.Context, newsletterID epistle.ID, sendAt time.Time) error {
	issue, err := s.Assemble(ctx, epistle.SystemActor(), newsletterID, sendAt)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := s.atSlot(ctx, issue)
		if try == approvalTries || !isConflict(err, "issue.state") {
			return err
		}
		// Somebody approved or edited it in this very moment.
		if issue, err = s.Store.Issue(ctx, issue.ID); err != nil {
			return err
		}
	}
}

func (s *Issues) atSlot(ctx context.Context, issue epistle.Issue) error {
	if issue.State == epistle.IssueCancelled || underWay(issue.State) {
		return nil
	}
	reason, err := s.reasonToHold(ctx, issue)
	if err != nil {
		return err
	}
	var launchErr error
	if reason == "" {
		after, err := s.launch(ctx, epistle.SystemActor(), issue)
		if err == nil {
			return nil
		}
		issue, launchErr, reason = after, fmt.Errorf("launch at the slot: %w", err), HeldLaunch
		if !issue.IsApproved() {
			reason = HeldUnapproved
		}
	}
	if reason == HeldUnapproved && issue.HeldReason != "" {
		reason = issue.HeldReason // something was withdrawn, for example
	}
	held, err := s.Store.MoveIssue(ctx, epistle.SystemActor(), store.IssueMove{ID: issue.ID,
		From: []epistle.IssueState{issue.State}, To: epistle.IssueHeld, Reason: reason, Action: "issue.hold"})
	if err != nil {
		return errors.Join(launchErr, err)
	}
	return errors.Join(launchErr, s.tell(ctx, epistle.NoticeHeld, held, "slot"))
}

// reasonToHold says why an issue may not be launched by itself; "" if it may.
func (s *Issues) reasonToHold(ctx context.Context, issue epistle.Issue) (string, error) {
	if !issue.IsApproved() {
		return HeldUnapproved, nil
	}
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return "", err
	}
	if isLate(newsletter, issue, s.Clock()) {
		return HeldLate, nil
	}
	drifted, err := s.drifted(ctx, issue)
	if err != nil || !drifted {
		return "", err
	}
	return HeldAudience, nil
}

// drifted reports that the audience is no longer about what was approved. It is
// counted only when enough has happened since that it could be otherwise, so
// that a launch does not wait for a million to be counted.
func (s *Issues) drifted(ctx context.Context, issue epistle.Issue) (bool, error) {
	within := issue.Approval.Tolerance
	changes, err := s.Store.AudienceChanges(ctx, issue.Audience(), issue.Approval.At, within+1)
	if err != nil || changes <= within {
		return false, err
	}
	audience, err := s.Store.CountAudience(ctx, issue.Audience())
	drift := audience - issue.Approval.Audience
	return drift > within || -drift > within, err
}

// SendNow launches an approved issue at once: before its slot, or after it was
// held though it is approved.
func (s *Issues) SendNow(ctx context.Context, actor epistle.Actor, issueID epistle.ID) (epistle.Issue, error) {
	if err := actor.Require(epistle.LaunchIssue); err != nil {
		return epistle.Issue{}, err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return issue, err
	}
	if issue.State != epistle.IssueApproved && issue.State != epistle.IssueHeld {
		return issue, conflict("issue.state")
	}
	if !issue.IsApproved() {
		return issue, conflict("issue.unapproved")
	}
	drifted, err := s.drifted(ctx, issue)
	if err != nil {
		return issue, err
	}
	if drifted {
		return issue, conflict("issue.audience")
	}
	if issue.State == epistle.IssueHeld {
		issue, err = s.Store.MoveIssue(ctx, actor, store.IssueMove{ID: issueID, Version: issue.Version,
			From: []epistle.IssueState{epistle.IssueHeld}, To: epistle.IssueApproved, Action: "issue.release"})
		if err != nil {
			return issue, err
		}
	}
	return s.launch(ctx, actor, issue)
}

// Pause stops an issue that is on its way; what is in flight still arrives.
func (s *Issues) Pause(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.StopIssue); err != nil {
		return err
	}
	return s.Launcher.Pause(ctx, actor, issueID)
}

// Resume lets a paused issue go on. One that was corrected, or lost its
// approval because something in it was withdrawn, must be approved first.
func (s *Issues) Resume(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.LaunchIssue); err != nil {
		return err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return err
	}
	if !issue.IsApproved() {
		return conflict("issue.unapproved")
	}
	return s.Launcher.Resume(ctx, actor, issueID)
}

// Cancel ends an issue for good: nobody who has not had it gets it.
func (s *Issues) Cancel(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.StopIssue); err != nil {
		return err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return err
	}
	if underWay(issue.State) {
		return s.Launcher.Cancel(ctx, actor, issueID)
	}
	_, err = s.Store.MoveIssue(ctx, actor, store.IssueMove{ID: issueID,
		From: []epistle.IssueState{epistle.IssueDraft, epistle.IssueHeld, epistle.IssueApproved},
		To:   epistle.IssueCancelled, Action: "issue.cancel"})
	return err
}

// tell queues a notice about an issue to every enabled editor and admin. when
// keeps apart what is told more than once; the same notice is mailed once.
func (s *Issues) tell(ctx context.Context, kind epistle.NoticeKind, issue epistle.Issue, when string) error {
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return err
	}
	zone, err := newsletter.Location()
	if err != nil {
		return err
	}
	staff, err := s.Notices.Staff(ctx)
	if err != nil {
		return err
	}
	for _, member := range staff {
		if !member.DisabledAt.IsZero() || !member.Actor().May(epistle.ApproveIssue) {
			continue
		}
		words := s.Catalog.In(member.Language)
		err := s.Notices.QueueNotice(ctx, epistle.Notice{
			Kind: kind, Key: fmt.Sprintf("%s/%d/%d/%s", kind, issue.ID, member.ID, when),
			To: member.Address, Language: member.Language,
			Data: map[string]string{
				"newsletter": words.Pick(newsletter.Title),
				"issue":      strconv.FormatInt(issue.Number, 10),
				"slot":       words.Moment(issue.SendAt.In(zone)),
				"reason":     s.reasonFor(member.Language, issue),
				"link":       fmt.Sprintf("/desk/issues/%d", issue.ID),
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Issues) reasonFor(l epistle.Language, issue epistle.Issue) string {
	if issue.HeldReason == "" {
		return ""
	}
	return s.Catalog.In(l).T("held." + issue.HeldReason)
}

// isConflict reports an error with this very message.
func isConflict(err error, message string) bool {
	var e *epistle.Error
	return errors.As(err, &e) && e.Kind == epistle.Conflict && e.Message == message
}
