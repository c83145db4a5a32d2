package sending

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// HeldByPolicy is the HeldReason of an issue that the relay objects to.
const HeldByPolicy = "policy"

// Launch begins to send an approved issue to everybody who subscribes by now.
// It returns as soon as that is recorded; the deliveries are written and sent
// by whichever daemon runs. Launching twice launches once: the second call is
// a Conflict "issue.state". Conflict "issue.unapproved" or "issue.withdrawn" if
// the content is not exactly what was approved, or may not be shown any more.
func (s *Service) Launch(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.LaunchIssue); err != nil {
		return err
	}
	if _, err := s.Store.LaunchIssue(ctx, actor, issueID); err != nil {
		return err
	}
	s.bulk.wake()
	return nil
}

// Pause stops an issue on its way within a second. What has its body on the
// wire still arrives; everything else stays queued.
func (s *Service) Pause(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.StopIssue); err != nil {
		return err
	}
	_, err := s.Store.MoveIssue(ctx, actor, store.IssueMove{ID: issueID,
		From: []epistle.IssueState{epistle.IssueLaunching, epistle.IssueSending}, To: epistle.IssuePaused, Action: "issue.pause"})
	return err
}

// Resume goes on with a paused issue where it stopped, if what it shows now is
// approved; the conflicts are those of Launch.
func (s *Service) Resume(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.LaunchIssue); err != nil {
		return err
	}
	if _, err := s.Store.ResumeIssue(ctx, actor, issueID); err != nil {
		return err
	}
	s.bulk.wake()
	s.single.wake()
	return nil
}

// Cancel ends an issue for good, within a second when it is on its way; who has
// not had it by then never gets it.
func (s *Service) Cancel(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	if err := actor.Require(epistle.StopIssue); err != nil {
		return err
	}
	_, err := s.Store.MoveIssue(ctx, actor, store.IssueMove{ID: issueID,
		From: []epistle.IssueState{epistle.IssueDraft, epistle.IssueHeld, epistle.IssueApproved, epistle.IssueLaunching,
			epistle.IssueSending, epistle.IssuePaused},
		To: epistle.IssueCancelled, Action: "issue.cancel"})
	return err
}

// Welcome queues the newsletter's latest issue for those whose welcome is due
// by the slot; see store.Welcomes for who needs none. It may run twice for one
// slot.
func (s *Service) Welcome(ctx context.Context, newsletterID epistle.ID, slot time.Time) error {
	newsletter, err := s.Store.Newsletter(ctx, newsletterID)
	if err != nil {
		return err
	}
	zone, err := newsletter.Location()
	if err != nil {
		return err
	}
	year, month, day := slot.In(zone).Date()
	round, err := s.Store.Welcomes(ctx, store.WelcomeSlot{NewsletterID: newsletterID, At: slot,
		EndOfDay: time.Date(year, month, day+1, 0, 0, 0, 0, zone)})
	if err != nil {
		return err
	}
	s.Log.Info("sending: welcomes", "newsletter", newsletterID, "queued", round.Queued, "reached", round.Settled, "waiting", round.Waiting)
	s.welcome.wake()
	return nil
}
