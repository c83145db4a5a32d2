package signup

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// CommentStore is what comments need of the store.
type CommentStore interface {
	PageByURL(ctx context.Context, canonical string) (epistle.Page, error)
	FindOrCreatePage(ctx context.Context, canonical string) (epistle.Page, error)
	CountUntitledPages(ctx context.Context, since time.Time) (int64, error)
	Comment(ctx context.Context, id epistle.ID) (epistle.Comment, error)
	PostComment(ctx context.Context, c epistle.Comment) (store.Posted, error)
	DecideComment(ctx context.Context, d store.Decision, entry epistle.AuditEntry) error
	ReplyToComment(ctx context.Context, r store.Reply) (epistle.ID, error)
	StopReplies(ctx context.Context, comment epistle.ID) error
	EraseAuthor(ctx context.Context, comment epistle.ID, entry epistle.AuditEntry) error
	Page(ctx context.Context, id epistle.ID) (epistle.Page, error)
	CommentTraffic(ctx context.Context, ip string, address epistle.Address, since time.Time) (store.CommentTraffic, error)
	OfferStore
}

// Requests is how a comment leads to a sign-up; Service is one.
type Requests interface {
	Wording(n epistle.Newsletter, l epistle.Language) string
	Request(ctx context.Context, r Request) error
	Invite(ctx context.Context, actor epistle.Actor, commentID epistle.ID) error
}

// CommentOptions is what Comments are made of.
type CommentOptions struct {
	Store    CommentStore
	Requests Requests
	Stamps   Stamps
	Keys     *seal.Keyring
	Clock    epistle.Clock
	Log      *slog.Logger
	// Sites are the hosts whose every page may have comments. On other sites
	// only the pages that staff added may.
	Sites []string
	// Count, if set, counts what became of posts, for the metrics.
	Count func(outcome string)
}

// Comments takes what readers write under the ministry's pages, holds it until
// a person has read it, and carries out what the moderators decide.
type Comments struct {
	o     CommentOptions
	pages shared[string, epistle.Page] // by their canonical URL
	offer *shared[everybody, store.Offer]
}

// NewComments makes the verb.
func NewComments(o CommentOptions) *Comments {
	if o.Count == nil {
		o.Count = func(string) {}
	}
	return &Comments{o: o, pages: shared[string, epistle.Page]{read: o.Store.PageByURL}, offer: shareOffer(o.Store)}
}

// Page finds the page under which people want to comment. A page of a
// configured site that nobody has commented on yet comes back without an id;
// anything else that is unknown is NotFound, as is what is no address at all.
func (c *Comments) Page(ctx context.Context, rawURL string) (epistle.Page, error) {
	canonical, err := epistle.ParsePageURL("page", rawURL)
	if err != nil {
		return epistle.Page{}, epistle.Errorf(epistle.NotFound, "comment.no-page", err)
	}
	page, err := c.pages.get(ctx, canonical)
	if epistle.KindOf(err) != epistle.NotFound {
		return page, err
	}
	if !c.isOurs(canonical) {
		return epistle.Page{}, epistle.Errorf(epistle.NotFound, "comment.no-page", nil)
	}
	return epistle.Page{URL: canonical}, nil
}

func (c *Comments) isOurs(canonical string) bool {
	u, err := url.Parse(canonical)
	return err == nil && slices.Contains(c.o.Sites, u.Host)
}

// Serves reports whether a host is one of the configured sites, whose pages may
// show our threads.
func (c *Comments) Serves(host string) bool { return slices.Contains(c.o.Sites, host) }

// Newsletter is the one that the box under the form is about; NotFound if
// there is none yet, or sign-ups are closed, and then no box is shown.
func (c *Comments) Newsletter(ctx context.Context) (epistle.Newsletter, error) {
	offer, err := c.offer.get(ctx, everybody{})
	if err != nil {
		return epistle.Newsletter{}, err
	}
	if len(offer.Newsletters) == 0 || !offer.ClosedAt.IsZero() {
		return epistle.Newsletter{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return offer.Newsletters[0], nil
}

// Wording is what stands beside the box, and is kept when it is ticked.
func (c *Comments) Wording(n epistle.Newsletter, l epistle.Language) string {
	return c.o.Requests.Wording(n, l)
}

// Stamp is for the hidden field of the form.
func (c *Comments) Stamp() string { return c.o.Stamps.New() }

// Post is a reader's comment as it was typed.
type Post struct {
	PageURL  string
	ReplyTo  epistle.ID // a comment of the thread; zero for a new one
	Name     string
	Address  string
	Body     string
	Updates  bool             // ticked the box
	Replies  bool             // wants to hear of answers by mail
	Version  int64            // of the wording beside the box
	Language epistle.Language // of the page on which it was typed
	Stamp    string
	Trap     string // a field that people cannot see
	IP       string
}

// Receipt says what happens next with a comment.
type Receipt struct {
	Asked  bool // the box was ticked and the request for the updates was taken
	Failed bool // the box was ticked, but the request could not be taken now
}

// Post keeps a comment until a moderator has read it, and passes a ticked box on
// as a sign-up. Everything that is wrong with the form comes back at once
// (epistle.Problems; fields "name", "email", "comment"). Limited means that too
// many came from this visitor, or from all of them; NotFound that there is no
// such page or no such comment to reply to. The same words posted twice are
// one comment and one sign-up.
func (c *Comments) Post(ctx context.Context, p Post) (Receipt, error) {
	page, err := c.Page(ctx, p.PageURL)
	if err != nil {
		return Receipt{}, err
	}
	if p.Trap != "" { // a program; it may believe that it was heard
		c.o.Count(Trapped)
		return Receipt{Asked: p.Updates}, nil
	}
	receipt, err := c.post(ctx, page, p)
	c.o.Count(OutcomeOf(err))
	return receipt, err
}

// TurnedAway counts a post that its visitor's network had too many of, before
// anybody looked at it.
func (c *Comments) TurnedAway() { c.o.Count(OverNetwork) }

// post is Post for what no program wrote.
func (c *Comments) post(ctx context.Context, page epistle.Page, p Post) (Receipt, error) {
	comment, err := c.read(p)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.o.Stamps.Check(p.Stamp); err != nil {
		return Receipt{}, err
	}
	newsletter, err := c.agreedTo(ctx, p)
	if err != nil {
		return Receipt{}, err
	}
	if err := c.allow(ctx, comment); err != nil {
		return Receipt{}, err
	}
	if page.ID == 0 {
		if page, err = c.open(ctx, page.URL); err != nil {
			return Receipt{}, err
		}
	}
	comment.PageID = page.ID
	if comment.ParentID, err = c.parent(ctx, page.ID, p.ReplyTo); err != nil {
		return Receipt{}, err
	}
	posted, err := c.o.Store.PostComment(ctx, comment)
	if err != nil || !p.Updates {
		return Receipt{}, err
	}
	return c.requestUpdates(ctx, posted, Request{NewsletterID: newsletter.ID, Source: epistle.FromComment,
		Address: string(comment.Address), Name: comment.Name, Language: comment.Language, PageURL: page.URL, CommentID: posted.ID,
		Wording: c.Wording(newsletter, p.Language), IP: comment.IP}), nil
}

// agreedTo is the newsletter that a ticked box is about. If its wording changed
// while the form was open, the person must read the new one first: Invalid on
// "updates".
func (c *Comments) agreedTo(ctx context.Context, p Post) (epistle.Newsletter, error) {
	if !p.Updates {
		return epistle.Newsletter{}, nil
	}
	newsletter, err := c.Newsletter(ctx)
	if epistle.KindOf(err) == epistle.NotFound || err == nil && newsletter.WordingVersion != p.Version {
		return epistle.Newsletter{}, epistle.InvalidField("updates", "comment.wording")
	}
	return newsletter, err
}

// read cleans what was typed and gathers all that is wrong with it.
func (c *Comments) read(p Post) (epistle.Comment, error) {
	var problems epistle.Problems
	name, err := epistle.CleanLine("name", p.Name, epistle.MaxName)
	problems.Add(err)
	if err == nil && name == "" {
		problems.Add(epistle.InvalidField("name", "text.missing"))
	}
	address, err := epistle.ParseAddress(p.Address)
	problems.Add(err)
	body, err := epistle.CleanText("comment", p.Body, epistle.MaxComment)
	problems.Add(err)
	if err == nil && body == "" {
		problems.Add(epistle.InvalidField("comment", "text.missing"))
	}
	return epistle.Comment{Name: name, Address: address, Body: body, WantsUpdates: p.Updates, WantsReplies: p.Replies,
		Language: languageOf(body, p.Language), IP: p.IP}, problems.Err()
}

// The caps. A form that mails strangers is a weapon, and every comment is a
// person's time.
const (
	shortWhile        = 10 * time.Minute
	networkShort      = 6
	networkDaily      = 40
	addressDaily      = 12
	everybodyShort    = 100
	untitledPagesADay = 30
)

func (c *Comments) allow(ctx context.Context, comment epistle.Comment) error {
	now := c.o.Clock()
	short, err := c.o.Store.CommentTraffic(ctx, comment.IP, comment.Address, now.Add(-shortWhile))
	if err != nil {
		return err
	}
	day, err := c.o.Store.CommentTraffic(ctx, comment.IP, comment.Address, now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	switch {
	case short.FromNetwork >= networkShort || day.FromNetwork >= networkDaily:
		err = errOverNetwork
	case day.FromAddress >= addressDaily:
		err = errOverAddress
	case short.Overall >= everybodyShort:
		c.o.Log.WarnContext(ctx, "comments are coming too fast; more are refused for a while")
		err = errOverAll
	default:
		return nil
	}
	return epistle.Errorf(epistle.Limited, "comment.too-many", err)
}

// open makes the row of a page on one of our sites, but not without end: the
// addresses come from strangers.
func (c *Comments) open(ctx context.Context, canonical string) (epistle.Page, error) {
	n, err := c.o.Store.CountUntitledPages(ctx, c.o.Clock().Add(-24*time.Hour))
	if err != nil {
		return epistle.Page{}, err
	}
	if n >= untitledPagesADay {
		return epistle.Page{}, epistle.Errorf(epistle.Limited, "comment.too-many", errOverAll)
	}
	return c.o.Store.FindOrCreatePage(ctx, canonical)
}

// parent is the top-level comment under which a reply goes.
func (c *Comments) parent(ctx context.Context, pageID, replyTo epistle.ID) (epistle.ID, error) {
	if replyTo == 0 {
		return 0, nil
	}
	to, err := c.o.Store.Comment(ctx, replyTo)
	if err != nil {
		return 0, err
	}
	if to.PageID != pageID || to.State != epistle.CommentApproved {
		return 0, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	if to.ParentID != 0 {
		return to.ParentID, nil
	}
	return to.ID, nil
}

// sameMoment is how long after a comment its repetition may still find the
// first request under way.
const sameMoment = time.Minute

// requestUpdates turns the ticked box into a sign-up. The comment is kept
// whatever becomes of it.
func (c *Comments) requestUpdates(ctx context.Context, posted store.Posted, r Request) Receipt {
	if posted.Repeated && posted.AskedFirst && (posted.SignupID != 0 || c.o.Clock().Sub(posted.FirstAt) < sameMoment) {
		return Receipt{Asked: true}
	}
	if err := c.o.Requests.Request(ctx, r); err != nil {
		c.o.Log.WarnContext(ctx, "a ticked box led to no sign-up", "comment", posted.ID, "error", err)
		return Receipt{Failed: true}
	}
	return Receipt{Asked: true}
}

// languageOf tells Korean from English by script; what is too short or in
// another script is taken to be in the language of the page.
func languageOf(text string, page epistle.Language) epistle.Language {
	hangul, latin := 0, 0
	for word := range strings.FieldsSeq(text) {
		if strings.Contains(word, "://") || strings.Contains(word, "@") {
			continue
		}
		for _, r := range word {
			switch {
			case unicode.Is(unicode.Hangul, r):
				hangul++
			case unicode.Is(unicode.Latin, r):
				latin++
			}
		}
	}
	const enough = 15 // letters; "Amen." is said in every language
	switch {
	case hangul >= 2 && hangul*3 >= latin: // a syllable is worth about three letters
		return epistle.Korean
	case latin >= enough:
		return epistle.English
	}
	if page == "" {
		return epistle.English
	}
	return page
}
