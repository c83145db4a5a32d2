package signup

import (
	"context"
	"errors"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// ConfirmStore makes subscribers of those who confirm.
type ConfirmStore interface {
	Signup(ctx context.Context, id epistle.ID) (epistle.Signup, error)
	ConfirmSignup(ctx context.Context, id epistle.ID, c store.Confirming) (epistle.Subscription, error)
	Subscriber(ctx context.Context, id epistle.ID) (epistle.Subscriber, error)
	IssueAt(ctx context.Context, newsletter epistle.ID, sendAt time.Time) (epistle.Issue, error)
	WelcomeReady(ctx context.Context, newsletter epistle.ID) (bool, error)
	RefuseSignup(ctx context.Context, id epistle.ID, entry epistle.AuditEntry) error
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
	return s.waiting(ctx, seal.ToConfirm, token)
}

func (s *Service) waiting(ctx context.Context, p seal.Purpose, token string) (Waiting, error) {
	numbers, err := s.numbers(p, token, 1)
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
// over, "signup.suppressed" when staff keep the address from being mailed;
// Invalid, field "belief", where the newsletter asks for a separate consent:
// then ConfirmSeparately is the way.
func (s *Service) Confirm(ctx context.Context, token, ip string) (Confirmation, error) {
	return s.confirm(ctx, token, ip, nil)
}

// ConfirmSeparately is Confirm by somebody who ticked the separate consent too.
func (s *Service) ConfirmSeparately(ctx context.Context, token, ip string) (Confirmation, error) {
	return s.confirm(ctx, token, ip, s.BeliefWording)
}

// BeliefWording is the separate sentence, about data that show a religious
// interest, of newsletters that ask for one.
func (s *Service) BeliefWording(l epistle.Language) string {
	return s.Catalog.In(l).T("signup.belief.wording")
}

func (s *Service) confirm(ctx context.Context, token, ip string, belief func(epistle.Language) string) (Confirmation, error) {
	waiting, err := s.Lookup(ctx, token)
	if err != nil {
		return Confirmation{}, err
	}
	n := waiting.Newsletter
	how := store.Confirming{IP: ip}
	switch {
	case n.Consent.Separate && belief != nil:
		how.BeliefWording = belief(waiting.Signup.Language)
	case n.Consent.Separate && waiting.Signup.State == epistle.SignupPending:
		return Confirmation{}, epistle.InvalidField("belief", "signup.belief")
	}
	how.WelcomeAt, err = n.NextWelcome(s.Clock())
	if err != nil {
		return Confirmation{}, err
	}
	subscription, err := s.Store.ConfirmSignup(ctx, waiting.Signup.ID, how)
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

// firstUpdate is the welcome, or the regular issue if that comes before it, or
// if there is nothing yet to welcome with. An issue later on the same day counts
// too once it is approved: then the welcome is left out.
func (s *Service) firstUpdate(ctx context.Context, n epistle.Newsletter, sub epistle.Subscription) (time.Time, error) {
	now := s.Clock()
	if sub.State != epistle.Confirmed || !sub.WelcomeAt.After(now) {
		return time.Time{}, nil
	}
	slot, ok := s.NextSlot(n, now)
	ready, err := s.Store.WelcomeReady(ctx, n.ID)
	switch {
	case err != nil:
		return time.Time{}, err
	case !ready && ok:
		return slot, nil
	case !ready:
		return time.Time{}, nil
	case !ok:
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
	newsletter, err := s.newsletter(ctx, u.NewsletterID)
	if err != nil {
		return err
	}
	again, err := s.read(newsletter, Request{NewsletterID: newsletter.ID, Source: u.Source, Address: string(u.Address), Name: u.Name,
		Language: u.Language, PageURL: u.PageURL, CommentID: u.CommentID, IP: ip})
	if err != nil {
		return err
	}
	again.StaffID, again.Evidence = u.StaffID, u.Evidence
	return s.request(ctx, newsletter, again)
}

// Refusal finds the sign-up behind a "this was not me" link and changes
// nothing. NotFound as for Lookup.
func (s *Service) Refusal(ctx context.Context, token string) (Waiting, error) {
	return s.waiting(ctx, seal.ToRefuse, token)
}

// Refuse is the word of an address's owner that a sign-up was not theirs: they
// are off the list, the address is not mailed again, and it is on record. It may
// be repeated.
func (s *Service) Refuse(ctx context.Context, token string) error {
	return s.refuse(ctx, seal.ToRefuse, token)
}

// RefuseWaiting is Refuse from the confirmation page.
func (s *Service) RefuseWaiting(ctx context.Context, token string) error {
	return s.refuse(ctx, seal.ToConfirm, token)
}

func (s *Service) refuse(ctx context.Context, p seal.Purpose, token string) error {
	numbers, err := s.numbers(p, token, 1)
	if err != nil {
		return err
	}
	return noSuchLink(s.Store.RefuseSignup(ctx, numbers[0], s.entry(epistle.ReaderActor(), "signup.refuse")))
}

// Sweep expires sign-ups whose time is over and forgets what is no longer
// needed of them. It is run once a day or oftener.
func (s *Service) Sweep(ctx context.Context) error {
	_, err := s.Store.SweepSignups(ctx)
	return err
}

func asProblems(err error, problems *epistle.Problems) bool { return errors.As(err, problems) }
