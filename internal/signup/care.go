package signup

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// CareStore reminds of what was begun and of what was agreed to.
type CareStore interface {
	RemindSignups(ctx context.Context, after epistle.ID, r store.Reminding) (reminded int, next epistle.ID, err error)
	RemindOfConsents(ctx context.Context, after epistle.ID, r store.Renewing) (reminded int, next epistle.ID, err error)
	RenewConsent(ctx context.Context, subscription epistle.ID, c epistle.Consent) error
}

const (
	// remindAfter is how long a sign-up waits before its one reminder.
	remindAfter = 3 * 24 * time.Hour
	// worthReminding is how long the link must still work then.
	worthReminding = 24 * time.Hour
)

// Remind reminds of sign-ups that have waited for three days, each once and
// never again. What strangers typed causes these mails, so no more go out at
// once than strangers may cause in an hour; the others wait for the next run.
func (s *Service) Remind(ctx context.Context) (reminded int, err error) {
	newsletters, err := s.byID(ctx)
	if err != nil {
		return 0, err
	}
	now := s.Clock()
	r := store.Reminding{AskedBefore: now.Add(-remindAfter), EndsAfter: now.Add(worthReminding), Limit: addressLimit,
		Notice: func(u epistle.Signup) epistle.Notice {
			n := s.confirmation(newsletters[u.NewsletterID], u)(u.ID)
			n.Kind = epistle.NoticeRemind
			return n
		}}
	for next, more := epistle.ID(0), true; more && reminded < s.Strangers.PerHour; more = next > 0 {
		var some int
		if some, next, err = s.Store.RemindSignups(ctx, next, r); err != nil {
			return reminded, err
		}
		reminded += some
	}
	return reminded, nil
}

// RemindOfConsents reminds the subscribers of newsletters that ask for it of the
// consent that they gave two years ago, with a link to give it again and one to
// leave. Silence keeps it.
func (s *Service) RemindOfConsents(ctx context.Context) (reminded int, err error) {
	newsletters, err := s.Newsletters(ctx)
	if err != nil {
		return 0, err
	}
	before := s.Clock().AddDate(-epistle.RenewalEvery, 0, 0)
	for _, n := range newsletters {
		if !n.Consent.Renewed {
			continue
		}
		r := store.Renewing{NewsletterID: n.ID, Before: before, Notice: func(p epistle.Subscriber, sub epistle.Subscription) epistle.Notice {
			return s.renewal(n, p, sub)
		}}
		for next, more := epistle.ID(0), true; more; more = next > 0 {
			var some int
			if some, next, err = s.Store.RemindOfConsents(ctx, next, r); err != nil {
				return reminded, err
			}
			reminded += some
		}
	}
	return reminded, nil
}

func (s *Service) renewal(n epistle.Newsletter, p epistle.Subscriber, sub epistle.Subscription) epistle.Notice {
	given := sub.ConfirmedAt
	if loc, err := n.Location(); err == nil {
		given = given.In(loc)
	}
	return epistle.Notice{Kind: epistle.NoticeRenewal, To: p.Address, Language: p.Language, Data: map[string]string{
		"link": "/renew/" + s.Keys.Link(seal.ToRenew, sub.ID), "newsletter": n.Title.In(p.Language),
		"covers": n.Covers.In(p.Language), "frequency": n.Frequency.In(p.Language), "given": s.Catalog.In(p.Language).Date(given)}}
}

// Renewal finds what stands behind a link to give a consent again, and changes
// nothing. NotFound for a token that is forged or foreign, or whose person is
// gone.
func (s *Service) Renewal(ctx context.Context, token string) (Leaving, error) {
	return s.lookup(ctx, seal.ToRenew, token)
}

// Renew keeps the consent that somebody gave again. It may be repeated.
// Conflict "signup.left-already" means that they have left.
func (s *Service) Renew(ctx context.Context, token, ip string) error {
	at, err := s.Renewal(ctx, token)
	if err != nil {
		return err
	}
	l, now := at.Subscriber.Language, s.Clock()
	c := epistle.Consent{AskedAt: now, GivenAt: now, Wording: s.Wording(at.Newsletter, l), WordingVersion: at.Newsletter.WordingVersion, Language: l, IP: ip}
	if at.Newsletter.Consent.Separate {
		c.BeliefWording = s.BeliefWording(l)
	}
	return s.Store.RenewConsent(ctx, at.Subscription.ID, c)
}

func (s *Service) byID(ctx context.Context) (map[epistle.ID]epistle.Newsletter, error) {
	all, err := s.Newsletters(ctx)
	if err != nil {
		return nil, err
	}
	found := make(map[epistle.ID]epistle.Newsletter, len(all))
	for _, n := range all {
		found[n.ID] = n
	}
	return found, nil
}
