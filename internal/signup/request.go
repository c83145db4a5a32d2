package signup

import (
	"context"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// RequestStore keeps requests until they are confirmed.
type RequestStore interface {
	Standing(ctx context.Context, newsletter epistle.ID, a epistle.Address) (epistle.Standing, error)
	OpenSignup(ctx context.Context, o store.Opening) (mailed bool, err error)
	Ask(ctx context.Context, a store.Asking) error
	Comment(ctx context.Context, id epistle.ID) (epistle.Comment, error)
	Page(ctx context.Context, id epistle.ID) (epistle.Page, error)
}

// Request is someone's wish to be mailed, as it was typed.
type Request struct {
	NewsletterID epistle.ID
	Slug         string // of the newsletter, if its id is not known; where there is only one it need not be right
	Source       epistle.SignupSource
	Address      string
	Name         string // may be empty
	Language     epistle.Language
	PageURL      string
	CommentID    epistle.ID
	Wording      string // what was shown beside the box; empty: Service.Wording
	IP           string
}

// Request takes a wish from a public form or a ticked comment. It mails a
// confirmation link to whoever is not subscribed yet, whoever left, and whoever
// is suppressed for a reason that their own confirmation ends; a subscriber is
// told that they are one; an address that staff suppressed is not mailed. The
// caller cannot tell which: only a form that is wrong (epistle.Problems, fields
// "email", "name", "language") and too many mails to strangers (Limited) are
// errors.
//
// While sign-ups are closed nobody is asked: Unavailable.
func (s *Service) Request(ctx context.Context, r Request) error {
	newsletter, u, err := s.wanted(ctx, r)
	if err != nil {
		s.Count(OutcomeOf(err))
		return err
	}
	return s.request(ctx, newsletter, u)
}

// wanted reads a request; Unavailable while the flood switch is on.
func (s *Service) wanted(ctx context.Context, r Request) (epistle.Newsletter, epistle.Signup, error) {
	offer, err := s.Offer(ctx)
	if err != nil {
		return epistle.Newsletter{}, epistle.Signup{}, err
	}
	newsletter, err := theNewsletter(offer.Newsletters, func(n epistle.Newsletter) bool {
		return n.ID == r.NewsletterID || r.NewsletterID == 0 && (n.Slug == r.Slug || len(offer.Newsletters) == 1)
	})
	if err != nil {
		return newsletter, epistle.Signup{}, err
	}
	u, err := s.read(newsletter, r)
	if err == nil && !offer.ClosedAt.IsZero() {
		err = epistle.Errorf(epistle.Unavailable, "signup.closed", nil)
	}
	return newsletter, u, err
}

// request asks for what the address gets, and counts what became of it.
func (s *Service) request(ctx context.Context, newsletter epistle.Newsletter, u epistle.Signup) error {
	if !s.mails.Allow("all") {
		s.Count(OverAll)
		return epistle.Errorf(epistle.Limited, "signup.too-many", errOverAll)
	}
	outcome := Taken
	err := s.ask(ctx, newsletter, u, func() { outcome = OverAddress })
	if err != nil {
		outcome = OutcomeOf(err)
	}
	s.Count(outcome)
	return err
}

func (s *Service) ask(ctx context.Context, newsletter epistle.Newsletter, u epistle.Signup, dropped func()) error {
	return s.Store.Ask(ctx, store.Asking{Signup: u, Dropped: dropped, React: func(at epistle.Standing) store.Reaction {
		switch {
		case at.Suppressed != "" && !at.Suppressed.MayBeLifted():
			return store.Reaction{Limit: addressLimit}
		case at.Suppressed != "":
			return store.Reaction{Open: true, Limit: suppressedLimit, Notice: s.confirmation(newsletter, u)}
		case at.Subscription.State == epistle.Confirmed:
			return store.Reaction{Limit: addressLimit, Notice: func(epistle.ID) epistle.Notice { return s.already(newsletter, at) }}
		}
		return store.Reaction{Open: true, Limit: addressLimit, Notice: s.confirmation(newsletter, u)}
	}})
}

// read checks what was typed and gathers all that is wrong with it.
func (s *Service) read(newsletter epistle.Newsletter, r Request) (epistle.Signup, error) {
	var problems epistle.Problems
	address, err := epistle.ParseAddress(r.Address)
	problems.Add(err)
	name, err := epistle.CleanLine("name", r.Name, epistle.MaxName)
	problems.Add(err)
	language, err := epistle.ParseLanguage(string(r.Language))
	problems.Add(err)
	if r.Wording == "" {
		r.Wording = s.Wording(newsletter, language)
	}
	return epistle.Signup{NewsletterID: newsletter.ID, Source: r.Source, Name: name, Address: address, Language: language,
		PageURL: r.PageURL, CommentID: r.CommentID, Wording: r.Wording, WordingVersion: newsletter.WordingVersion, IP: r.IP}, problems.Err()
}

// open keeps what staff propose and queues its mail: who wrote a comment is
// invited, for of them we cannot say that they asked.
func (s *Service) open(ctx context.Context, n epistle.Newsletter, u epistle.Signup, limit epistle.MailLimit, entry *epistle.AuditEntry) (mailed bool, err error) {
	return s.Store.OpenSignup(ctx, store.Opening{Signup: u, Limit: limit, Audit: entry, Notice: func(id epistle.ID) epistle.Notice {
		notice := s.confirmation(n, u)(id)
		if u.Source == epistle.FromComment {
			notice.Kind = epistle.NoticeInvite
		}
		return notice
	}})
}

// confirmation is the mail with the link to confirm a sign-up. It has only
// words of ours: nothing that somebody typed goes to an address that may not be
// theirs.
func (s *Service) confirmation(n epistle.Newsletter, u epistle.Signup) func(epistle.ID) epistle.Notice {
	l := u.Language
	return func(id epistle.ID) epistle.Notice {
		return epistle.Notice{Kind: epistle.NoticeConfirm, To: u.Address, Language: l, Data: map[string]string{
			"link":       "/confirm/" + s.Keys.Link(seal.ToConfirm, id),
			"newsletter": n.Title.In(l), "covers": n.Covers.In(l), "frequency": n.Frequency.In(l)}}
	}
}

func (s *Service) already(n epistle.Newsletter, at epistle.Standing) epistle.Notice {
	l := at.Subscriber.Language
	return epistle.Notice{Kind: epistle.NoticeAlready, To: at.Subscriber.Address, Language: l, Data: map[string]string{
		"link": s.PreferencesPath(at.Subscription.ID, 0), "newsletter": n.Title.In(l)}}
}

// Invite mails a confirmation link to the author of a comment, at the word of
// staff who read that they want the updates. It goes to the oldest newsletter,
// the ministry's first. Conflict tells staff why there is nothing to send:
// "signup.already", "signup.asked-lately", "signup.not-mailed" or
// "signup.no-address".
func (s *Service) Invite(ctx context.Context, actor epistle.Actor, commentID epistle.ID) error {
	if err := actor.Require(epistle.Invite); err != nil {
		return err
	}
	comment, page, newsletter, err := s.asking(ctx, commentID)
	if err != nil {
		return err
	}
	return s.propose(ctx, actor, "signup.invite", newsletter, epistle.Signup{Source: epistle.FromComment,
		Name: comment.Name, Address: comment.Address, Language: comment.Language, PageURL: page.URL, CommentID: comment.ID})
}

// asking finds a comment whose author can be written to, its page, and the
// newsletter that it asks for.
func (s *Service) asking(ctx context.Context, commentID epistle.ID) (c epistle.Comment, p epistle.Page, n epistle.Newsletter, err error) {
	if c, err = s.Store.Comment(ctx, commentID); err != nil {
		return c, p, n, err
	}
	if c.Address == "" || c.StaffID != 0 {
		return c, p, n, epistle.Errorf(epistle.Conflict, "signup.no-address", nil)
	}
	if p, err = s.Store.Page(ctx, c.PageID); err != nil {
		return c, p, n, err
	}
	newsletters, err := s.Newsletters(ctx)
	if err != nil {
		return c, p, n, err
	}
	if len(newsletters) == 0 {
		return c, p, n, epistle.Errorf(epistle.Conflict, "signup.newsletter", nil)
	}
	return c, p, newsletters[0], nil
}

// ByHand is a person whom staff sign up, with a note of how they asked.
type ByHand struct {
	NewsletterID epistle.ID
	Address      string
	Name         string
	Language     epistle.Language
	Evidence     string // "card after the service on 3 May"
}

// AddByHand mails a confirmation link to a person who asked staff for the
// updates. The note becomes part of the consent once they confirm. Problems
// name the fields "email", "name", "language", "evidence"; Conflict says why
// there is nothing to send, as for Invite.
func (s *Service) AddByHand(ctx context.Context, actor epistle.Actor, h ByHand) error {
	if err := actor.Require(epistle.Invite); err != nil {
		return err
	}
	newsletter, err := s.newsletter(ctx, h.NewsletterID)
	if err != nil {
		return err
	}
	u, err := s.read(newsletter, Request{NewsletterID: newsletter.ID, Source: epistle.FromHand,
		Address: h.Address, Name: h.Name, Language: h.Language})
	var problems epistle.Problems
	if err != nil && !asProblems(err, &problems) {
		return err
	}
	u.Evidence, err = epistle.CleanText("evidence", h.Evidence, maxEvidence)
	problems.Add(err)
	if err == nil && u.Evidence == "" {
		problems.Add(epistle.InvalidField("evidence", "signup.evidence"))
	}
	if err := problems.Err(); err != nil {
		return err
	}
	return s.propose(ctx, actor, "signup.by-hand", newsletter, u)
}

// maxEvidence is how long a note on how somebody asked may be, in characters.
const maxEvidence = 500

// propose opens a sign-up for staff, who may be told how the person stands.
func (s *Service) propose(ctx context.Context, actor epistle.Actor, action string, n epistle.Newsletter, u epistle.Signup) error {
	standing, err := s.Store.Standing(ctx, n.ID, u.Address)
	if err != nil {
		return err
	}
	switch {
	case standing.Suppressed != "":
		return epistle.Errorf(epistle.Conflict, "signup.not-mailed", nil)
	case standing.Subscription.State == epistle.Confirmed:
		return epistle.Errorf(epistle.Conflict, "signup.already", nil)
	}
	u.NewsletterID, u.StaffID, u.WordingVersion = n.ID, actor.StaffID, n.WordingVersion
	u.Wording = s.Wording(n, u.Language)
	entry := s.entry(actor, action)
	mailed, err := s.open(ctx, n, u, addressLimit, &entry)
	if err == nil && !mailed {
		return epistle.Errorf(epistle.Conflict, "signup.asked-lately", nil)
	}
	return err
}
