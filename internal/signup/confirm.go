package signup

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// ConfirmStore makes subscribers of those who confirm.
type ConfirmStore interface {
	Signup(ctx context.Context, id epistle.ID) (epistle.Signup, error)
	ConfirmSignup(ctx context.Context, id epistle.ID, ip string, welcome epistle.Subscription) (epistle.Subscription, error)
	Subscriber(ctx context.Context, id epistle.ID) (epistle.Subscriber, error)
	IssueAt(ctx context.Context, newsletter epistle.ID, sendAt time.Time) (epistle.Issue, error)
	SweepSignups(ctx context.Context) (expired int64, err error)
}

// Waiting is a sign-up behind a confirmation link. Its State says whether it can
// still be confirmed.
type Waiting struct {
	Signup     epistle.Signup
	Newsletter epistle.Newsletter
}

// Lookup finds the sign-up behind a confirmation link and changes nothing.
// NotFound for a token that is forged, foreign, or whose sign-up is gone.
func (s *Service) Lookup(ctx context.Context, token string) (Waiting, error) {
	numbers, err := s.numbers(seal.ToConfirm, token, 1)
	if err != nil {
		return Waiting{}, err
	}
	u, err := s.Store.Signup(ctx, numbers[0])
	if err != nil {
		return Waiting{}, noSuchLink(err)
	}
	n, err := s.Store.Newsletter(ctx, u.NewsletterID)
	return Waiting{Signup: u, Newsletter: n}, err
}

// Confirmation is what a new subscriber is told.
type Confirmation struct {
	Newsletter    epistle.Newsletter
	Subscriber    epistle.Subscriber
	Subscription  epistle.Subscription
	FirstUpdateAt time.Time // when the first mail comes; zero if it came already
}

// Confirm makes the person behind a confirmation link a subscriber, with the
// consent as evidence. It may be repeated. The first update comes at the next
// welcome slot, or with the newsletter's own issue if that is due before it.
// NotFound as for Lookup; Conflict "signup.expired" when the link's time is
// over, "signup.suppressed" when staff keep the address from being mailed.
func (s *Service) Confirm(ctx context.Context, token, ip string) (Confirmation, error) {
	waiting, err := s.Lookup(ctx, token)
	if err != nil {
		return Confirmation{}, err
	}
	n := waiting.Newsletter
	welcome, err := n.NextWelcome(s.Clock())
	if err != nil {
		return Confirmation{}, err
	}
	subscription, err := s.Store.ConfirmSignup(ctx, waiting.Signup.ID, ip, epistle.Subscription{WelcomeAt: welcome})
	if err != nil {
		return Confirmation{}, noSuchLink(err)
	}
	person, err := s.Store.Subscriber(ctx, subscription.SubscriberID)
	if err != nil {
		return Confirmation{}, err
	}
	first, err := s.firstUpdate(ctx, n, subscription)
	return Confirmation{Newsletter: n, Subscriber: person, Subscription: subscription, FirstUpdateAt: first}, err
}

// Confirmed is what Confirm said of a sign-up that was confirmed, as it stands
// now. It changes nothing.
func (s *Service) Confirmed(ctx context.Context, w Waiting) (Confirmation, error) {
	standing, err := s.Store.Standing(ctx, w.Newsletter.ID, w.Signup.Address)
	if err == nil && standing.Subscription.ID == 0 {
		err = epistle.Errorf(epistle.NotFound, "signup.link", nil)
	}
	if err != nil {
		return Confirmation{}, err
	}
	first, err := s.firstUpdate(ctx, w.Newsletter, standing.Subscription)
	return Confirmation{Newsletter: w.Newsletter, Subscriber: standing.Subscriber, Subscription: standing.Subscription, FirstUpdateAt: first}, err
}

// firstUpdate is the welcome, or the regular issue if that comes before it. An
// issue later on the same day counts too once it is approved: then the welcome
// is left out.
func (s *Service) firstUpdate(ctx context.Context, n epistle.Newsletter, sub epistle.Subscription) (time.Time, error) {
	now := s.Clock()
	if sub.State != epistle.Confirmed || !sub.WelcomeAt.After(now) {
		return time.Time{}, nil
	}
	slot, ok := s.NextSlot(n, now)
	if !ok {
		return sub.WelcomeAt, nil
	}
	if slot.Before(sub.WelcomeAt) {
		return slot, nil
	}
	loc, err := n.Location()
	if err != nil || slot.In(loc).Format(time.DateOnly) != sub.WelcomeAt.In(loc).Format(time.DateOnly) {
		return sub.WelcomeAt, err
	}
	issue, err := s.Store.IssueAt(ctx, n.ID, slot)
	switch {
	case epistle.KindOf(err) == epistle.NotFound, err == nil && issue.State != epistle.IssueApproved:
		return sub.WelcomeAt, nil
	case err != nil:
		return time.Time{}, err
	}
	return slot, nil
}

// AskAgain mails a fresh link for a sign-up whose time is over. Like Request it
// tells nobody whether a mail went out.
func (s *Service) AskAgain(ctx context.Context, token, ip string) error {
	waiting, err := s.Lookup(ctx, token)
	if err != nil {
		return err
	}
	u := waiting.Signup
	if u.Address == "" { // emptied meanwhile
		return epistle.Errorf(epistle.NotFound, "signup.link", nil)
	}
	newsletter, again, err := s.read(ctx, Request{NewsletterID: u.NewsletterID, Source: u.Source, Address: string(u.Address), Name: u.Name,
		Language: u.Language, PageURL: u.PageURL, CommentID: u.CommentID, IP: ip})
	if err != nil {
		return err
	}
	again.StaffID, again.Evidence = u.StaffID, u.Evidence
	return s.request(ctx, newsletter, again)
}

// Sweep expires sign-ups whose time is over and forgets what is no longer
// needed of them. It is run once a day or oftener.
func (s *Service) Sweep(ctx context.Context) error {
	_, err := s.Store.SweepSignups(ctx)
	return err
}

func asProblems(err error, problems *epistle.Problems) bool { return errors.As(err, problems) }
