package editorial

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// approvalTries bounds how often an approval is decided anew because the issue
// was held or moved while it was being looked at.
const approvalTries = 3

// Approve records a second person's yes to the version and digest that they
// saw. It needs ApproveIssue, and somebody else than the last editor; in solo
// mode the last editor may do it an hour after the edit, which the audit
// tells. Within the newsletter's grace after the slot it launches at once;
// later the issue stays held, for somebody to send it by hand.
//
// Forbidden "issue.own" or "issue.own-wait" if it is the approver's own work;
// Conflict "changed-meanwhile" or "issue.digest" if it is not what they saw,
// "issue.unready" if Check stops it, "issue.closed" if it is under way.
func (s *Issues) Approve(ctx context.Context, actor epistle.Actor, issueID epistle.ID, version int64, digest string) (epistle.Issue, error) {
	if err := actor.Require(epistle.ApproveIssue); err != nil {
		return epistle.Issue{}, err
	}
	for try := 1; ; try++ {
		issue, err := s.approve(ctx, actor, issueID, version, digest)
		if try < approvalTries && isConflict(err, "issue.state") {
			continue
		}
		return issue, err
	}
}

func (s *Issues) approve(ctx context.Context, actor epistle.Actor, issueID epistle.ID, version int64, digest string) (epistle.Issue, error) {
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return issue, err
	}
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return issue, err
	}
	if err := s.mayBeApproved(ctx, issue, version, digest); err != nil {
		return issue, err
	}
	if err := s.SecondPerson(actor, newsletter, issue); err != nil {
		return issue, err
	}
	audience, err := s.Store.CountAudience(ctx, issue.Audience())
	if err != nil {
		return issue, err
	}
	now := s.Clock()
	a := store.IssueApproval{IssueID: issueID, Version: version, From: issue.State, To: epistle.IssueApproved,
		Approval: epistle.Approval{By: actor.StaffID, At: now, Digest: digest, Audience: audience, Tolerance: tolerance(audience)}}
	if issue.EditedBy == actor.StaffID {
		a.Detail = "solo"
	}
	switch {
	case issue.State == epistle.IssuePaused:
		a.To, a.Reason = epistle.IssuePaused, issue.HeldReason // goes on when somebody says so
	case isLate(newsletter, issue, now):
		a.To, a.Reason = epistle.IssueHeld, HeldLate
	}
	approved, err := s.Store.ApproveIssue(ctx, actor, a)
	if err != nil {
		return issue, err
	}
	return s.launchIfDue(ctx, issue, approved)
}

// mayBeApproved checks all but who asks.
func (s *Issues) mayBeApproved(ctx context.Context, issue epistle.Issue, version int64, digest string) error {
	if !issue.Editable() {
		return conflict("issue.closed")
	}
	if issue.Version != version {
		return conflict("changed-meanwhile")
	}
	if issue.Digest() != digest {
		return conflict("issue.digest")
	}
	found, err := s.Check(ctx, issue)
	if err != nil {
		return err
	}
	if Stopped(found) {
		return conflict("issue.unready")
	}
	return nil
}

// SecondPerson reports whether an actor may be the one who approves an issue:
// not its last editor, but in solo mode and after a while.
func (s *Issues) SecondPerson(actor epistle.Actor, n epistle.Newsletter, i epistle.Issue) error {
	if i.EditedBy == 0 || i.EditedBy != actor.StaffID {
		return nil
	}
	if !n.SoloMode {
		return epistle.Errorf(epistle.Forbidden, "issue.own", nil)
	}
	if wait := i.EditedAt.Add(SecondPersonDelay).Sub(s.Clock()); wait > 0 {
		minutes := int((wait + time.Minute - 1) / time.Minute)
		return epistle.Errorf(epistle.Forbidden, "issue.own-wait", nil).With("Count", minutes)
	}
	return nil
}

// isLate reports that the slot is so long past that nothing goes out by itself.
func isLate(n epistle.Newsletter, i epistle.Issue, now time.Time) bool {
	return !i.SendAt.IsZero() && now.After(i.SendAt.Add(n.Grace))
}

// launchIfDue launches what was approved after its slot. The clock is read
// after the approval was written: whoever comes to the slot later sees the
// approval and launches, whoever came before had held the issue.
func (s *Issues) launchIfDue(ctx context.Context, before, approved epistle.Issue) (epistle.Issue, error) {
	if approved.State != epistle.IssueApproved || approved.SendAt.IsZero() {
		return approved, nil
	}
	slotPassed := !s.Clock().Before(approved.SendAt) || before.State == epistle.IssueHeld && before.HeldReason == HeldUnapproved
	if !slotPassed {
		return approved, nil
	}
	return s.launch(ctx, epistle.SystemActor(), approved)
}

// launch sets an approved issue going. That somebody else was faster is fine.
func (s *Issues) launch(ctx context.Context, actor epistle.Actor, issue epistle.Issue) (epistle.Issue, error) {
	launchErr := s.Launcher.Launch(ctx, actor, issue.ID)
	now, err := s.Store.Issue(ctx, issue.ID)
	if err != nil {
		return issue, err
	}
	if launchErr != nil && !underWay(now.State) {
		return now, launchErr
	}
	return now, nil
}

// underWay reports that an issue was launched.
func underWay(state epistle.IssueState) bool {
	switch state {
	case epistle.IssueLaunching, epistle.IssueSending, epistle.IssuePaused, epistle.IssueSent:
		return true
	}
	return false
}
