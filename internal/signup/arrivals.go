package signup

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/seal"
	"epistle/internal/wordpress"
)

// ArrivalStore keeps comments that sites tell of.
type ArrivalStore interface {
	TakeArrivals(ctx context.Context, site epistle.ID, list []epistle.Arrival) ([]epistle.Arrived, error)
	ClaimAsk(ctx context.Context, site epistle.ID, sourceID int64) (mine bool, err error)
	AskDone(ctx context.Context, site epistle.ID, sourceID int64) error
	AskFailed(ctx context.Context, site epistle.ID, sourceID int64) error
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
}

// boxStands is how long a ticked box leads to a mail. A request that nobody
// heard for longer is a lead, for a person to look at.
const boxStands = 14 * 24 * time.Hour

// ArrivalOptions is what Arrivals are made of.
type ArrivalOptions struct {
	Store    ArrivalStore
	Requests Requests
	Keys     *seal.Keyring
	Clock    epistle.Clock
	Log      *slog.Logger
	// Count, if set, counts the ticked boxes that have to wait, for the metrics.
	Count func(outcome string)
}

// Arrivals is the one way in for comments that were written elsewhere, whoever
// tells of them. It is safe for concurrent use.
type Arrivals struct {
	ArrivalOptions
	boxes *limit.Limiter // by the network of who ticked
}

// One network causes as many mails by ticking boxes on other sites as by our own
// form: a burst, then one a minute. What is beyond that is heard later.
const (
	boxBurst    = 15
	boxEvery    = time.Minute
	boxNetworks = 20_000
)

// NewArrivals makes the verb.
func NewArrivals(o ArrivalOptions) *Arrivals {
	if o.Count == nil {
		o.Count = func(string) {}
	}
	return &Arrivals{o, limit.New(boxEvery, boxBurst, boxNetworks, o.Clock)}
}

// Take keeps comments as a site tells of them, at most store.ArrivalBatch of one
// site, and turns their ticked boxes into requests, each once. It may be
// repeated. The error is of the first ticked box that led to no request now, if
// one did; every comment is kept then, and to tell of it again tries again.
func (v *Arrivals) Take(ctx context.Context, site epistle.ID, list []epistle.Arrival) ([]epistle.Arrived, error) {
	arrived, err := v.Store.TakeArrivals(ctx, site, list)
	if err != nil {
		return nil, err
	}
	var failed error
	for i, a := range arrived {
		if !v.asks(a) {
			continue
		}
		if err := v.ask(ctx, site, list[i], a.CommentID); err != nil && failed == nil {
			failed = err
		}
	}
	return arrived, failed
}

// asks reports a ticked box that has not been heard yet.
func (v *Arrivals) asks(a epistle.Arrived) bool {
	return a.WantsUpdates && !a.Asked && a.CommentID != 0 && a.Origin == epistle.FromWordPress &&
		(a.State == epistle.CommentPending || a.State == epistle.CommentApproved) &&
		v.Clock().Sub(a.CreatedAt) < boxStands
}

// ask requests the updates for the author of a comment. Their consent is to the
// words that they ticked, in the language of the box; if the newsletter's words
// have changed since, to those of the confirmation page. A comment without an
// address that is one stays a lead.
func (v *Arrivals) ask(ctx context.Context, site epistle.ID, a epistle.Arrival, comment epistle.ID) error {
	newsletters, err := v.Store.Newsletters(ctx)
	if err != nil || len(newsletters) == 0 || a.Address == "" {
		return err
	}
	mine, err := v.Store.ClaimAsk(ctx, site, a.SourceID)
	if err != nil || !mine {
		return err
	}
	newsletter, wording := newsletters[0], ""
	if a.BoxLanguage != "" && a.WordingVersion == newsletter.WordingVersion {
		wording = v.Requests.Wording(newsletter, a.BoxLanguage)
	}
	err = v.request(ctx, site, a, Request{NewsletterID: newsletter.ID, Source: epistle.FromComment, Wording: wording,
		Address: string(a.Address), Name: a.Name, Language: a.Language, PageURL: a.PageURL, CommentID: comment, IP: a.IP})
	// What became of the request is recorded also when the caller is gone.
	ctx = context.WithoutCancel(ctx)
	if err != nil && epistle.KindOf(err) != epistle.Invalid { // to try again would change nothing about that
		v.Log.WarnContext(ctx, "a ticked box of a site led to no sign-up yet", "site", site, "comment", comment, "error", err)
		return errors.Join(err, v.Store.AskFailed(ctx, site, a.SourceID))
	}
	return v.Store.AskDone(ctx, site, a.SourceID)
}

// request passes a ticked box on, unless its network has ticked too many.
func (v *Arrivals) request(ctx context.Context, site epistle.ID, a epistle.Arrival, r Request) error {
	if !v.boxes.Allow(v.network(site, a)) {
		v.Count(OverNetwork)
		return epistle.Errorf(epistle.Limited, "signup.too-many", errOverNetwork)
	}
	return v.Requests.Request(ctx, r)
}

// network is whose boxes are counted together. Whom a site does not tell apart
// share one.
func (v *Arrivals) network(site epistle.ID, a epistle.Arrival) string {
	if a.IP == "" {
		return "site " + itoa(site)
	}
	return string(v.Keys.Index("ip", epistle.NetworkOf(a.IP)))
}

// maxSourceBody is how long a comment from elsewhere may be, in characters:
// what WordPress itself can hold.
const maxSourceBody = 65535

// arrivalOf reads what a site says of a comment. left counts the characters
// that no text may have; false means that it is no comment of a reader's.
func arrivalOf(site epistle.Site, c wordpress.Comment) (a epistle.Arrival, left int, ok bool) {
	state, known := c.State()
	if !c.IsComment() || !known || c.ID <= 0 {
		return epistle.Arrival{}, 0, false
	}
	a = epistle.Arrival{SiteID: site.ID, SourceID: c.ID, ParentSourceID: c.Parent, Telling: epistle.ToldNow, Origin: epistle.FromWordPress,
		State: state, PageDigest: c.PostDigest, CreatedAt: c.Date, WantsUpdates: c.OptIn.Checked, WordingVersion: c.OptIn.TextVersion}
	var inName, inBody, inTitle int
	a.Name, inName = epistle.ScrubLine(wordpress.Plain(c.Name), epistle.MaxName)
	a.Body, inBody = epistle.ScrubText(wordpress.PlainText(c.Content), maxSourceBody)
	a.PageTitle, inTitle = epistle.ScrubLine(wordpress.Plain(c.PostTitle), epistle.MaxTitle)
	if address, err := epistle.ParseAddress(c.Email); err == nil {
		a.Address = address
	}
	a.IP, _ = epistle.ScrubLine(c.IP, maxIP)
	a.PageURL = pageOf(site, c)
	preferred, err := epistle.ParseLanguage(c.OptIn.Language)
	if err == nil && c.OptIn.Checked {
		a.BoxLanguage = preferred
	}
	if err != nil && epistle.HasHangul(a.PageTitle) {
		preferred = epistle.Korean
	}
	a.Language = languageOf(a.Body, preferred)
	if a.Name == "" {
		a.Name = map[epistle.Language]string{epistle.English: "Anonymous", epistle.Korean: "익명"}[a.Language]
	}
	if len(a.PageDigest) != digestLength {
		a.PageDigest = ""
	}
	return a, inName + inBody + inTitle, true
}

const (
	maxIP        = 45 // an IPv6 address with an IPv4 one inside
	digestLength = 64 // SHA-256 in hexadecimal
)

// pageOf is the page of a comment. One whose address cannot be read is known by
// its number.
func pageOf(site epistle.Site, c wordpress.Comment) string {
	if page, err := epistle.ParsePageURL("page", c.PostURL); err == nil {
		return page
	}
	page, err := epistle.ParsePageURL("page", site.URL+"?p="+itoa(c.Post))
	if err != nil {
		return site.URL
	}
	return page
}
