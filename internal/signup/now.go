package signup

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup/intent"
	"epistle/internal/store"
)

// NowStore keeps who may be signed up at once, and does it.
type NowStore interface {
	SignUpNow(ctx context.Context, now store.Instant) (epistle.Subscription, error)
	SignUpNowAllowed(ctx context.Context, host string) (bool, error)
	SignupSites(ctx context.Context) ([]epistle.SignupSite, error)
	PageHosts(ctx context.Context) ([]string, error)
	SaveSignupSite(ctx context.Context, site epistle.SignupSite, entry epistle.AuditEntry) error
}

// SignUpNow makes the author of a comment a subscriber without a confirmation
// mail, at the word of staff: only who ticked the box or asked in words, only
// on a site for which an admin allowed it, and not where the newsletter asks
// for a separate consent, which nobody gave. It counts as confirmed; the comment
// is kept as evidence, and the first mail says who did it and has a link
// "this was not me". Conflict says why nothing was done: "signup.now.separate",
// "signup.now.site", "signup.now.words", "signup.left-asks", and those of
// Invite.
func (s *Service) SignUpNow(ctx context.Context, actor epistle.Actor, commentID epistle.ID) (Confirmation, error) {
	if err := actor.Require(epistle.SignUpNow); err != nil {
		return Confirmation{}, err
	}
	comment, page, newsletter, err := s.asking(ctx, commentID)
	if err != nil {
		return Confirmation{}, err
	}
	allowed, err := s.Store.SignUpNowAllowed(ctx, hostOf(page.URL))
	switch {
	case err != nil:
		return Confirmation{}, err
	case newsletter.Consent.Separate:
		return Confirmation{}, epistle.Errorf(epistle.Conflict, "signup.now.separate", nil)
	case !allowed:
		return Confirmation{}, epistle.Errorf(epistle.Conflict, "signup.now.site", nil)
	case !asked(comment):
		return Confirmation{}, epistle.Errorf(epistle.Conflict, "signup.now.words", nil)
	}
	return s.instant(ctx, actor, comment, page, newsletter)
}

// asked reports whether the author asked for the updates, by the box or in
// words.
func asked(c epistle.Comment) bool {
	return c.WantsUpdates || slices.Contains(intent.Read(c.Body).Asks, intent.Updates)
}

func (s *Service) instant(ctx context.Context, actor epistle.Actor, c epistle.Comment, page epistle.Page, n epistle.Newsletter) (Confirmation, error) {
	welcome, err := n.NextWelcome(s.Clock())
	if err != nil {
		return Confirmation{}, err
	}
	first, err := s.firstUpdate(ctx, n, epistle.Subscription{State: epistle.Confirmed, WelcomeAt: welcome})
	if err != nil {
		return Confirmation{}, err
	}
	u := epistle.Signup{NewsletterID: n.ID, Source: epistle.FromComment, Name: c.Name, Address: c.Address, Language: c.Language,
		PageURL: page.URL, CommentID: c.ID, StaffID: actor.StaffID, Evidence: c.Body, IP: c.IP, CreatedAt: c.CreatedAt}
	if c.WantsUpdates { // they saw our words beside the box
		u.Wording, u.WordingVersion = s.Wording(n, u.Language), n.WordingVersion
	}
	subscription, err := s.Store.SignUpNow(ctx, store.Instant{Signup: u, Limit: addressLimit,
		Confirming: store.Confirming{IP: c.IP, WelcomeAt: welcome, Way: epistle.ByDesk},
		Notice:     func(id epistle.ID) epistle.Notice { return s.signedUp(n, u, id, first) },
		Audit:      s.entry(actor, "signup.now")})
	if err != nil {
		return Confirmation{}, err
	}
	person, err := s.Store.Subscriber(ctx, subscription.SubscriberID)
	return Confirmation{Newsletter: n, Subscriber: person, Subscription: subscription, FirstUpdateAt: first}, err
}

// signedUp is the first mail of who was signed up at once.
func (s *Service) signedUp(n epistle.Newsletter, u epistle.Signup, id epistle.ID, first time.Time) epistle.Notice {
	return epistle.Notice{Kind: epistle.NoticeSignedUp, To: u.Address, Language: u.Language, Data: map[string]string{
		"link":       "/not-me/" + s.Keys.Link(seal.ToRefuse, id),
		"newsletter": n.Title.In(u.Language), "covers": n.Covers.In(u.Language), "frequency": n.Frequency.In(u.Language),
		"first": s.firstWords(n, u.Language, first)}}
}

// firstWords says when the first update comes, in the newsletter's zone.
func (s *Service) firstWords(n epistle.Newsletter, l epistle.Language, first time.Time) string {
	words := s.Catalog.In(l)
	loc, err := n.Location()
	if err != nil || first.IsZero() {
		return words.T("notice.signed-up.next-issue")
	}
	at := first.In(loc)
	key, city := "signup.first.time-in", n.Zone[strings.LastIndexByte(n.Zone, '/')+1:]
	if n.Zone == "Asia/Seoul" {
		key = "signup.first.time-korea"
	}
	return words.T("notice.signed-up.first", "Day", words.Day(at), "Time", words.T(key, "Time", words.Clock(at), "City", strings.ReplaceAll(city, "_", " ")))
}

// NowOffered returns what tells whether SignUpNow would be offered for a
// comment under a page's address.
func (s *Service) NowOffered(ctx context.Context, actor epistle.Actor) (func(c epistle.Comment, pageURL string) bool, error) {
	never := func(epistle.Comment, string) bool { return false }
	newsletters, err := s.Newsletters(ctx)
	if err != nil || len(newsletters) == 0 || newsletters[0].Consent.Separate || !actor.May(epistle.SignUpNow) {
		return never, err
	}
	sites, err := s.Store.SignupSites(ctx)
	if err != nil {
		return never, err
	}
	return func(c epistle.Comment, pageURL string) bool {
		return c.StaffID == 0 && c.Address != "" && asked(c) && slices.Contains(sites, epistle.SignupSite{Host: hostOf(pageURL), SignUpNow: true})
	}, nil
}

// Sites lists the sites whose comments come here, with what is allowed on them:
// the configured ones, those of pages, and those that have a setting.
func (s *Service) Sites(ctx context.Context) ([]epistle.SignupSite, error) {
	sites, err := s.Store.SignupSites(ctx)
	if err != nil {
		return nil, err
	}
	hosts, err := s.Store.PageHosts(ctx)
	if err != nil {
		return nil, err
	}
	for _, host := range append(hosts, s.CommentSites...) {
		if !slices.ContainsFunc(sites, func(x epistle.SignupSite) bool { return x.Host == host }) {
			sites = append(sites, epistle.SignupSite{Host: host})
		}
	}
	slices.SortFunc(sites, func(a, b epistle.SignupSite) int { return strings.Compare(a.Host, b.Host) })
	return sites, nil
}

// AllowNow lets staff sign up at once who asks for it under a site's pages;
// ForbidNow ends that. Both need ChangeSettings.
func (s *Service) AllowNow(ctx context.Context, actor epistle.Actor, host string) error {
	return s.saveSite(ctx, actor, epistle.SignupSite{Host: host, SignUpNow: true}, "signup-site.allow")
}

// ForbidNow: see AllowNow.
func (s *Service) ForbidNow(ctx context.Context, actor epistle.Actor, host string) error {
	return s.saveSite(ctx, actor, epistle.SignupSite{Host: host}, "signup-site.forbid")
}

func (s *Service) saveSite(ctx context.Context, actor epistle.Actor, site epistle.SignupSite, action string) error {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return err
	}
	sites, err := s.Sites(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(sites, func(x epistle.SignupSite) bool { return x.Host == site.Host }) {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return s.Store.SaveSignupSite(ctx, site, s.entry(actor, action))
}

func hostOf(pageURL string) string {
	u, err := url.Parse(pageURL)
	if err != nil {
		return ""
	}
	return u.Host
}
