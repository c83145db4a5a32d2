// Package signup turns comments and forms into subscribers, and lets
// subscribers go again.
//
// Nobody becomes a subscriber but by their own confirmation from a mail that
// went to their address, or by an import for which staff vouch. Until then all
// that is known of them is a sign-up, sealed, that expires. Public answers are
// the same whether or not an address is known. Whoever left, or must not be
// mailed, is never brought back by anybody but themselves.
package signup

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/locale"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// Store is what the service needs of the store, part by part.
type Store interface {
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	OfferStore
	RequestStore
	ConfirmStore
	LeaveStore
	PeopleStore
	ImportStore
	NowStore
	CareStore
	OwnDataStore
	ExportStore
}

// Options is what a Service is made of.
type Options struct {
	Store   Store
	Catalog *locale.Catalog
	Keys    *seal.Keyring
	Clock   epistle.Clock
	Log     *slog.Logger
	// NextSlot is when the newsletter's next regular issue is due, strictly after
	// a moment; false if none is.
	NextSlot func(n epistle.Newsletter, after time.Time) (time.Time, bool)
	// Strangers bounds all mails that strangers cause in this process; zero is
	// DefaultStrangers.
	Strangers Strangers
	// CommentSites are the configured hosts whose pages have comments.
	CommentSites []string
	// Count, if set, counts what became of requests, for the metrics.
	Count func(outcome string)
}

// Strangers is how many mails may go to addresses that somebody typed: a burst,
// then so many an hour.
type Strangers struct{ Burst, PerHour int }

// DefaultStrangers is more than people who write in after an appeal come near.
var DefaultStrangers = Strangers{Burst: 300, PerHour: 1800}

// Service is the verb behind sign-ups, leaving and preferences. It is safe for
// concurrent use.
type Service struct {
	Options
	mails *limit.Limiter // of all mails that strangers cause
	offer *shared[everybody, store.Offer]
}

// addressLimit is what one address may get because somebody typed it;
// suppressedLimit is the same for an address that must not be mailed, whose
// owner may still want to come back.
var (
	addressLimit    = epistle.MailLimit{Mails: 3, Within: 24 * time.Hour}
	suppressedLimit = epistle.MailLimit{Mails: 1, Within: 7 * 24 * time.Hour}
)

// New makes the service.
func New(o Options) *Service {
	if o.NextSlot == nil {
		o.NextSlot = func(epistle.Newsletter, time.Time) (time.Time, bool) { return time.Time{}, false }
	}
	if o.Strangers == (Strangers{}) {
		o.Strangers = DefaultStrangers
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	every := time.Hour / time.Duration(max(1, o.Strangers.PerHour))
	return &Service{Options: o, mails: limit.New(every, o.Strangers.Burst, 1, o.Clock), offer: shareOffer(o.Store)}
}

// Offer is what people can sign up for, and whether the flood switch keeps them
// out.
func (s *Service) Offer(ctx context.Context) (store.Offer, error) {
	return s.offer.get(ctx, everybody{})
}

// Newsletters lists what people can sign up for.
func (s *Service) Newsletters(ctx context.Context) ([]epistle.Newsletter, error) {
	offer, err := s.Offer(ctx)
	return offer.Newsletters, err
}

// newsletter finds one of them; Invalid, field "newsletter", if there is none.
func (s *Service) newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error) {
	all, err := s.Newsletters(ctx)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	return theNewsletter(all, func(n epistle.Newsletter) bool { return n.ID == id })
}

func theNewsletter(all []epistle.Newsletter, is func(epistle.Newsletter) bool) (epistle.Newsletter, error) {
	if i := slices.IndexFunc(all, is); i >= 0 {
		return all[i], nil
	}
	return epistle.Newsletter{}, epistle.InvalidField("newsletter", "signup.newsletter")
}

// Wording is the sentence that people agree to, with what the newsletter covers
// and how often it comes. It is shown where they sign up and where they
// confirm, and kept with their consent.
func (s *Service) Wording(n epistle.Newsletter, l epistle.Language) string {
	clause := func(t epistle.Text) string { return strings.TrimRight(strings.TrimSpace(t.In(l)), ".") }
	return s.Catalog.In(l).T("signup.wording", "Title", n.Title.In(l), "Covers", clause(n.Covers), "Frequency", clause(n.Frequency))
}

// PreferencesPath is where a subscriber changes how they are mailed.
func (s *Service) PreferencesPath(subscription, issue epistle.ID) string {
	return "/preferences/" + s.Keys.Link(seal.ToPrefer, subscription, issue)
}

// entry is an audit entry; what it is about is filled in by the store.
func (s *Service) entry(actor epistle.Actor, action string) epistle.AuditEntry {
	return epistle.AuditEntry{At: s.Clock(), Actor: actor, Action: action}
}

// numbers reads a link's token: NotFound for anything forged or foreign.
func (s *Service) numbers(p seal.Purpose, token string, count int) ([]int64, error) {
	numbers, err := s.Keys.ParseLink(p, token)
	if err != nil || len(numbers) != count {
		return nil, epistle.Errorf(epistle.NotFound, "signup.link", err)
	}
	return numbers, nil
}

// noSuchLink turns a missing row behind a genuine token into the same answer as
// a forged one.
func noSuchLink(err error) error {
	if epistle.KindOf(err) == epistle.NotFound {
		return epistle.Errorf(epistle.NotFound, "signup.link", err)
	}
	return err
}
