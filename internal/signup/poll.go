package signup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/wordpress"
)

// PollStore is what looking at sites needs of the store.
type PollStore interface {
	Site(ctx context.Context, id epistle.ID) (epistle.Site, error)
	KnownSourceIDs(ctx context.Context, site epistle.ID, after int64, limit int) ([]int64, error)
	CountKnownSources(ctx context.Context, site epistle.ID) (int64, error)
	SitePolled(ctx context.Context, id epistle.ID, newest, swept int64) error
	SitePollFailed(ctx context.Context, id epistle.ID, problem string, after time.Time) error
}

// Poller looks for the comments of WordPress sites. A look reads the newest
// comments down to those that are known, and looks again at so many known ones
// that each has its turn once a day: so every edit and deletion is noticed within
// a day, without a hook too. To look again changes nothing.
type Poller struct {
	Store    PollStore
	Arrivals *Arrivals
	Web      wordpress.Getter
	Clock    epistle.Clock
	Log      *slog.Logger
	// LooksADay is how many looks at a site the schedule makes; at least one.
	LooksADay int
}

// A site that cannot be read is left alone for a while that doubles.
const (
	pollPause    = 5 * time.Minute
	maxPollPause = 6 * time.Hour
)

// Poll looks at one site, unless it is not to be read now. That the site cannot
// be read is recorded with the site and no error.
func (p *Poller) Poll(ctx context.Context, id epistle.ID) error {
	site, err := p.Store.Site(ctx, id)
	if epistle.KindOf(err) == epistle.NotFound {
		return nil
	}
	if err != nil || !site.ReadsComments() || p.Clock().Before(site.PollAfter) {
		return err
	}
	l := look{Poller: p, site: site, rest: restOf(p.Web, site, p.Clock), posts: map[string]wordpress.Post{}, newest: site.Newest}
	err = l.run(ctx)
	if problem := problemOf(err); problem != "" {
		pause := min(pollPause<<min(site.Failures, 10), maxPollPause)
		pause = max(pause, min(retryAfter(err), maxPollPause))
		p.Log.WarnContext(ctx, "a site's comments cannot be read", "site", site.ID, "problem", problem, "error", err)
		return p.Store.SitePollFailed(ctx, site.ID, problem, p.Clock().Add(pause))
	}
	if err != nil {
		return err
	}
	return p.Store.SitePolled(ctx, site.ID, l.newest, l.swept)
}

func restOf(web wordpress.Getter, site epistle.Site, clock epistle.Clock) *wordpress.REST {
	return &wordpress.REST{Getter: web, Home: site.URL, User: site.User, Password: site.Password, Clock: clock}
}

func retryAfter(err error) time.Duration {
	var refused *wordpress.RESTError
	if errors.As(err, &refused) {
		return refused.RetryAfter
	}
	return 0
}

// problemOf says why a site cannot be read, as a key under "error.site."; "" for
// what is not the site's fault.
func problemOf(err error) string {
	var refused *wordpress.RESTError
	switch {
	case err == nil:
		return ""
	case errors.Is(err, wordpress.ErrNotWordPress):
		return "no-wordpress"
	case errors.As(err, &refused):
		return refusal(refused)
	}
	switch fetch.ReasonOf(err) {
	case "":
		return ""
	case fetch.Refused:
		return "inside"
	case fetch.Insecure:
		return "insecure"
	case fetch.LedAway, fetch.TooManyRedirects, fetch.BadURL:
		return "led-away"
	case fetch.Untrusted:
		return "untrusted"
	}
	return "unreachable"
}

func refusal(e *wordpress.RESTError) string {
	switch e.Code {
	case "incorrect_password", "invalid_username", "invalid_email", "invalid_application_password":
		return "password"
	case "application_passwords_disabled", "application_passwords_disabled_for_user":
		return "no-passwords"
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return "authorization"
	case http.StatusForbidden:
		return "not-moderator"
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return "busy"
	}
	return "refused"
}

// look is one look at a site.
type look struct {
	*Poller
	site          epistle.Site
	rest          *wordpress.REST
	posts         map[string]wordpress.Post // by their route
	newest, swept int64
}

func (l *look) run(ctx context.Context) error {
	walk := l.newer
	if l.site.Newest == 0 { // the first time in the order in which they were written
		walk = l.all
	}
	if err := walk(ctx); err != nil {
		return err
	}
	return l.sweep(ctx)
}

// all reads every comment of the site, the oldest first.
func (l *look) all(ctx context.Context) error {
	return l.pages(ctx, l.rest.Oldest, func(page wordpress.Page) (bool, error) { return false, l.take(ctx, page) })
}

// newer reads the newest comments, at least a page and on until those that are
// known.
func (l *look) newer(ctx context.Context) error {
	above := int64(0) // of the page before, whose comments are newer
	return l.pages(ctx, l.rest.Newest, func(page wordpress.Page) (bool, error) {
		if err := l.take(ctx, page); err != nil {
			return true, err
		}
		if len(page.Comments) == 0 {
			return false, nil
		}
		lowest := page.Comments[len(page.Comments)-1].ID
		if err := l.missing(ctx, page, lowest, above); err != nil {
			return true, err
		}
		above = lowest
		return lowest <= l.site.Newest, nil
	})
}

// maxPages bounds a walk; WordPress tells how many pages there are, and could
// say anything.
const maxPages = 100_000

// pages walks through a list until visit has seen enough or it ends. When
// comments vanish meanwhile, the following ones move up to a page that was read:
// then that one is read again, so that none is passed over.
func (l *look) pages(ctx context.Context, read func(context.Context, int) (wordpress.Page, error), visit func(wordpress.Page) (enough bool, err error)) error {
	total := 0
	for number, reads := 1, 0; reads < maxPages; reads++ {
		page, err := read(ctx, number)
		if err != nil {
			return err
		}
		enough, err := visit(page)
		if err != nil || enough {
			return err
		}
		if vanished := total - page.Total; vanished > 0 {
			number = max(1, number-(vanished+wordpress.PerPage-1)/wordpress.PerPage)
		} else if number++; number > page.Pages {
			return nil
		}
		total = page.Total
	}
	return nil
}

// take keeps the comments of a page.
func (l *look) take(ctx context.Context, page wordpress.Page) error {
	known, err := l.known(ctx, page)
	if err != nil {
		return err
	}
	var list []epistle.Arrival
	highest := l.newest
	for _, c := range page.Comments {
		if c.ID > highest {
			highest = c.ID
		}
		if !known[c.ID] {
			if err := l.addPost(ctx, &c); err != nil {
				return err
			}
		}
		a, _, ok := arrivalOf(l.site, c.Comment)
		if !ok {
			continue
		}
		a.At = page.AsOf
		list = append(list, a)
	}
	_, err = l.Arrivals.Take(ctx, l.site.ID, list)
	if epistle.KindOf(err) == epistle.Limited {
		err = nil // the comments are kept, and the box is heard at another look
	}
	if err == nil {
		l.newest = highest
	}
	return err
}

// known tells which comments of a page were there before.
func (l *look) known(ctx context.Context, page wordpress.Page) (map[int64]bool, error) {
	known := map[int64]bool{}
	if len(page.Comments) == 0 {
		return known, nil
	}
	lowest, highest := page.Comments[0].ID, page.Comments[0].ID
	for _, c := range page.Comments {
		lowest, highest = min(lowest, c.ID), max(highest, c.ID)
	}
	err := l.eachKnown(ctx, lowest, highest, func(id int64) error {
		known[id] = true
		return nil
	})
	return known, err
}

// eachKnown visits the known comments from one number to another; 0 is the end.
func (l *look) eachKnown(ctx context.Context, from, to int64, visit func(id int64) error) error {
	for after := from - 1; ; {
		ids, err := l.Store.KnownSourceIDs(ctx, l.site.ID, after, knownAtOnce)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if to > 0 && id > to {
				return nil
			}
			if err := visit(id); err != nil {
				return err
			}
			after = id
		}
		if len(ids) < knownAtOnce {
			return nil
		}
	}
}

const knownAtOnce = 200

// addPost fills in the title and digest of the page of a new comment. A post
// that cannot be read costs only those.
func (l *look) addPost(ctx context.Context, c *wordpress.Listed) error {
	if c.PostRoute == "" {
		return nil
	}
	post, read := l.posts[c.PostRoute]
	if !read {
		var err error
		post, err = l.rest.Post(ctx, c.PostRoute)
		var refused *wordpress.RESTError
		if err != nil && !errors.As(err, &refused) && !errors.Is(err, wordpress.ErrNotWordPress) && fetch.ReasonOf(err) != fetch.TooLarge {
			return err
		}
		l.posts[c.PostRoute] = post
	}
	c.PostTitle, c.PostDigest = post.Title, post.Digest
	if post.URL != "" {
		c.PostURL = post.URL
	}
	return nil
}

// missing looks for known comments that should be on a page of the newest and
// are not. above is the lowest number of the page before, 0 on the first.
func (l *look) missing(ctx context.Context, page wordpress.Page, lowest, above int64) error {
	listed := map[int64]bool{}
	for _, c := range page.Comments {
		listed[c.ID] = true
	}
	return l.eachKnown(ctx, lowest, above, func(id int64) error {
		if listed[id] || id == above {
			return nil
		}
		return l.confirmGone(ctx, id)
	})
}

// sweptAtMost is how many pages of known comments one look asks for, so that no
// site is stormed. Every five minutes that is 230,000 comments a day.
const sweptAtMost = 8

// sweep looks again at the next known comments, and begins anew after the last.
func (l *look) sweep(ctx context.Context) error {
	known, err := l.Store.CountKnownSources(ctx, l.site.ID)
	if err != nil {
		return err
	}
	perPage := int64(wordpress.PerPage * max(1, l.LooksADay))
	pages := min(max(1, (known+perPage-1)/perPage), sweptAtMost)
	l.swept = l.site.Swept
	for range pages {
		if err := l.sweepPage(ctx); err != nil || l.swept == 0 {
			return err
		}
	}
	return nil
}

// sweepPage looks again at a page of known comments after l.swept, which becomes
// 0 after the last.
func (l *look) sweepPage(ctx context.Context) error {
	ids, err := l.Store.KnownSourceIDs(ctx, l.site.ID, l.swept, wordpress.PerPage)
	l.swept = 0
	if err != nil || len(ids) == 0 {
		return err
	}
	page, err := l.rest.Among(ctx, ids)
	if err != nil {
		return err
	}
	if err := l.take(ctx, page); err != nil {
		return err
	}
	there := map[int64]bool{}
	for _, c := range page.Comments {
		there[c.ID] = true
	}
	for _, id := range ids {
		if there[id] {
			continue
		}
		if err := l.confirmGone(ctx, id); err != nil {
			return err
		}
	}
	if len(ids) == wordpress.PerPage {
		l.swept = ids[len(ids)-1]
	}
	return nil
}

// confirmGone puts a comment away once the site says in so many words that
// there is none of that number. That a list lacks it may have other reasons.
func (l *look) confirmGone(ctx context.Context, id int64) error {
	gone, err := l.rest.IsGone(ctx, id)
	var refused *wordpress.RESTError
	if errors.As(err, &refused) && (refused.Status == http.StatusForbidden || refused.Status == http.StatusUnauthorized) {
		return nil // it is there, but not for us
	}
	if err != nil || !gone {
		return err
	}
	_, err = l.Arrivals.Take(ctx, l.site.ID, []epistle.Arrival{{SiteID: l.site.ID, SourceID: id, Telling: epistle.ToldDeleted, At: l.Clock()}})
	return err
}
