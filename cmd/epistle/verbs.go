package main

import (
	"context"
	"strings"
	"time"

	"epistle/internal/account"
	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/metrics"
	"epistle/internal/relay"
	"epistle/internal/render"
	"epistle/internal/schedule"
	"epistle/internal/sending"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// verbs are the parts that change things, each with what it needs.
type verbs struct {
	renderer    *render.Renderer
	sending     *sending.Service
	account     *account.Service
	signup      *signup.Service
	stamps      signup.Stamps
	lists       *signup.Lists
	comments    *signup.Comments
	arrivals    *signup.Arrivals
	hook        *signup.Hook
	poller      *signup.Poller
	sites       *signup.Sites
	pageLook    *signup.PageLook // nil: pages are left alone
	web         *fetch.Client
	pages       *signup.Pages
	answers     signup.Answers
	gate        signup.Gate
	morning     signup.Morning
	metrics     *metrics.Metrics
	pool        *editorial.Pool
	issues      *editorial.Issues
	newsletters *editorial.Newsletters
}

func (a *app) buildVerbs(ctx context.Context) (err error) {
	if a.renderer, err = a.newRenderer(ctx); err != nil {
		return err
	}
	relays, err := a.relays()
	if err != nil {
		return err
	}
	zone, err := time.LoadLocation(a.config.Ministry.Timezone)
	if err != nil {
		return err
	}
	keys := a.store.Keys()
	a.sending = sending.New(sending.Options{
		Store: a.store, Renderer: a.renderer, Catalog: a.catalog, Clock: a.clock, Log: a.log,
		Relays: relays, Limits: sending.Limits(a.config.Limits), Zone: zone,
	})
	a.account = account.New(account.Options{Store: a.store, Hash: keys.Index, Clock: a.clock, Log: a.log,
		URL: func(path string) string { return a.publicURL + path }})
	a.metrics = metrics.New(a.store)
	a.signup = signup.New(signup.Options{Count: a.metrics.Count("signup", signup.Outcomes), Store: a.store, Catalog: a.catalog, Keys: keys, Clock: a.clock, Log: a.log, NextSlot: nextSlot,
		CommentSites: a.config.Comments.Sites,
		Strangers:    signup.Strangers{Burst: a.config.Signups.Burst, PerHour: a.config.Signups.PerHour}})
	a.stamps = signup.NewStamps(keys, a.clock)
	a.lists = signup.NewLists(a.signup, a.store, a.config.DataDir)
	a.comments = signup.NewComments(signup.CommentOptions{
		Count: a.metrics.Count("comment", signup.Outcomes),
		Store: a.store, Requests: a.signup, Stamps: a.stamps, Keys: keys,
		Clock: a.clock, Log: a.log, Sites: a.config.Comments.Sites,
	})
	a.arrivals = signup.NewArrivals(signup.ArrivalOptions{Store: a.store, Requests: a.signup, Keys: keys, Clock: a.clock, Log: a.log, Count: a.signup.Count})
	a.hook = &signup.Hook{Store: a.store, Arrivals: a.arrivals, Clock: a.clock}
	a.web = fetch.New(fetch.Options{Allow: a.config.Fetch.Allow, UserAgent: "Epistle (+" + a.publicURL + ")"})
	a.poller = &signup.Poller{Store: a.store, Arrivals: a.arrivals, Web: a.web, Clock: a.clock, Log: a.log, LooksADay: pollsADay}
	a.pageLook = &signup.PageLook{Store: a.store, Web: a.web, Clock: a.clock, Log: a.log}
	a.sites = &signup.Sites{Store: a.store, Web: a.web, Clock: a.clock}
	a.answers = signup.Answers{Store: a.store, Clock: a.clock}
	a.gate = signup.Gate{Store: a.store, Clock: a.clock}
	a.morning = signup.Morning{Store: a.store, Catalog: a.catalog, Zone: location(a.config)}
	a.pages = signup.NewPages(a.store, a.clock)
	a.pool = editorial.NewPool(a.store, a.clock, a.log)
	a.newsletters = &editorial.Newsletters{Store: a.store, Clock: a.clock, Slots: nextSlots}
	a.issues = editorial.NewIssues(editorial.IssuesOptions{
		Store: a.store, Pool: a.store, Notices: staffAndAlert{a.store, a.config.Alert.Address}, Launcher: a.sending,
		MailSize: a.mailSize, Catalog: a.catalog, Clock: a.clock, Log: a.log,
	})
	return nil
}

// relays are the servers of the settings.
func (a *app) relays() ([]sending.Relay, error) {
	var all []sending.Relay
	for _, r := range a.config.Relays {
		options, err := relay.Parse(r.URL)
		if err != nil {
			return nil, err
		}
		options.Hello = a.renderer.Ministry.MailDomain
		next := sending.Relay{Options: options, Connections: r.Connections, Rate: r.Rate, Quota: sending.Quota{Daily: r.DailyQuota}}
		if !r.WarmupFrom.IsZero() {
			next.Quota.From, next.Quota.First = r.WarmupFrom, r.WarmupFirst
		}
		all = append(all, next)
	}
	return all, nil
}

// newRenderer sends notices from the first newsletter's sender, which the relay
// is known to accept, else from the ministry's contact address.
func (a *app) newRenderer(ctx context.Context) (*render.Renderer, error) {
	newsletters, err := a.store.Newsletters(ctx)
	if err != nil {
		return nil, err
	}
	var sender epistle.Mailbox
	if len(newsletters) > 0 {
		sender = newsletters[0].Sender
	}
	for _, n := range newsletters {
		if a.signer != nil && !aligned(n.Sender.Address.Domain(), a.config.DKIM.Domain) {
			a.log.Warn("dkim.domain is not the domain of a newsletter's sender: DMARC makes nothing of the signatures", "newsletter", n.Slug)
		}
	}
	return render.New(render.Options{
		Ministry: render.Ministry{
			Name: a.config.Ministry.Name, PostalAddress: a.config.Ministry.Address, Contact: a.config.Ministry.Contact,
			PublicURL: a.publicURL, MailDomain: a.config.MailDomain(),
			BounceDomain: a.config.Mail.BounceDomain, MailtoLeave: a.config.Mail.MailtoLeave,
		},
		Catalog: a.catalog, Keys: a.store.Keys(), NoticeSender: sender, Signer: a.signer,
	})
}

// aligned reports whether one domain is the other or lies below it, which is
// what DMARC wants of the domains in From and in signatures (RFC 7489, 3.1).
func aligned(a, b string) bool {
	return strings.HasSuffix("."+a, "."+b) || strings.HasSuffix("."+b, "."+a)
}

// mailSize is how many bytes the HTML of an issue has in a language.
func (a *app) mailSize(n epistle.Newsletter, i epistle.Issue, l epistle.Language) (int, error) {
	preview, err := a.renderer.Preview(n, i, l, epistle.Full)
	return preview.Size, err
}

// nextSlot is when a newsletter's next regular issue is due.
func nextSlot(n epistle.Newsletter, after time.Time) (time.Time, bool) {
	expression, err := schedule.Parse(n.Schedule, n.Zone)
	if err != nil {
		return time.Time{}, false
	}
	next := expression.Next(after, 1)
	if len(next) == 0 {
		return time.Time{}, false
	}
	return next[0].At, true
}

// nextSlots lists when a newsletter's next regular issues are due.
func nextSlots(n epistle.Newsletter, after time.Time, count int) ([]time.Time, error) {
	expression, err := schedule.Parse(n.Schedule, n.Zone)
	if err != nil {
		return nil, err
	}
	next := expression.Next(after, count)
	slots := make([]time.Time, len(next))
	for i, o := range next {
		slots[i] = o.At
	}
	return slots, nil
}

// staffAndAlert adds the alert address of the settings to those who hear of
// issues that wait, are held or were missed.
type staffAndAlert struct {
	*store.Store
	alert epistle.Address
}

func (s staffAndAlert) Staff(ctx context.Context) ([]epistle.StaffMember, error) {
	staff, err := s.Store.Staff(ctx)
	if err != nil || s.alert == "" {
		return staff, err
	}
	for _, member := range staff {
		if member.Address.Canonical() == s.alert.Canonical() {
			return staff, nil
		}
	}
	return append(staff, epistle.StaffMember{Address: s.alert, Role: epistle.Admin, Language: epistle.English}), nil
}
