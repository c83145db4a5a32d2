package public

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Comments are the pages on which readers comment: the thread of one of the
// ministry's pages, and the form under it.
type Comments struct {
	Kernel *web.Kernel
	Store  *store.Store
	Verb   *signup.Comments
	kept   *threadCache
}

// Routes are the pages of comments. One network may post a handful at once and
// then one every few seconds, whatever the verb's own caps say.
func (c Comments) Routes() []web.Route {
	posts := limit.New(5*time.Second, 20, 50_000, c.Kernel.Now)
	c.kept = &threadCache{}
	return []web.Route{
		web.Public("GET /comments", c.show),
		web.Public("POST /comments", c.post).LimitedBy(posts).Counting(c.Verb.TurnedAway),
		web.Public("GET /comments/received", c.received),
		web.Public("GET /embed.js", c.script),
		web.Public("GET /comments/embed", c.embed).OpenToOtherSites(),
		web.Public("POST /comments/embed", c.postEmbedded).OpenToOtherSites().LimitedBy(posts).Counting(c.Verb.TurnedAway),

		// RFC 8058: mail providers post here for their users.
		web.Public("GET /replies/{token}", c.hushing),
		web.Public("POST /replies/{token}", c.hush).OpenToOtherSites(),
	}
}

type commentsPage struct {
	Page       epistle.Page
	Heading    Heading
	Count      int64
	Thread     []store.ThreadEntry
	Next       string           // the address of the rest of a long thread
	First      string           // the address of its beginning
	ReplyTo    *epistle.Comment // whom the form answers
	Form       *web.Form
	Newsletter *epistle.Newsletter
	Wording    string
	Stamp      string
}

// Heading is the title of a page in the reader's language, and in the other one
// below it.
type Heading struct {
	Title, Subtitle string
	TitleLang       epistle.Language
	SubtitleLang    epistle.Language
}

func headingOf(p epistle.Page, l epistle.Language) Heading {
	if p.Title.IsZero() {
		return Heading{Title: readableURL(p.URL), TitleLang: l}
	}
	h := Heading{Title: p.Title.In(l), TitleLang: l}
	for _, other := range epistle.Languages {
		switch {
		case p.Title.In(l) == p.Title.In(other) && p.Title.Has(other):
			h.TitleLang = other
		case p.Title.Has(other):
			h.Subtitle, h.SubtitleLang = p.Title.In(other), other
		}
	}
	return h
}

// readableURL is the address of a page that has no title yet, as people read
// it.
func readableURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Host + u.Path
}

// commentsPerPage is how many numbered comments one page shows.
const commentsPerPage = 100

func (c Comments) show(w http.ResponseWriter, r *http.Request) error {
	page, err := c.Verb.Page(r.Context(), r.URL.Query().Get("page"))
	if err != nil {
		return err
	}
	if !c.asksOnlyForAThread(r) {
		return c.page(w, r, page, web.NewForm())
	}
	parts, err := c.rendered(r, "page", page, func(r *http.Request, box *epistle.Newsletter) ([]byte, error) {
		p, err := c.fill(r, page, web.NewForm(), box)
		if err != nil {
			return nil, err
		}
		p.Stamp = stampMark
		return c.Kernel.Compose(r, "public/comments", p)
	})
	if err != nil {
		return err
	}
	return c.Kernel.SendPage(w, r, http.StatusOK, parts[0], []byte(c.Verb.Stamp()), parts[1])
}

// asksOnlyForAThread reports whether a request is for what many visitors see.
func (c Comments) asksOnlyForAThread(r *http.Request) bool {
	for name := range r.URL.Query() {
		if name != "page" && name != "after" && name != "lang" {
			return false
		}
	}
	return !c.Kernel.HasFlashes(r)
}

// rendered is a thread as it is now, cut at its stamp: made before and not
// changed since, or made with the newsletter of the box, nil for no box.
func (c Comments) rendered(r *http.Request, form string, page epistle.Page, render func(*http.Request, *epistle.Newsletter) ([]byte, error)) ([2][]byte, error) {
	box, err := c.box(r.Context())
	if err != nil {
		return [2][]byte{}, err
	}
	if page.ID == 0 || !c.asksOnlyForAThread(r) { // what a stranger makes up is not kept
		return cutAtStamp(render(r, box))
	}
	key := threadKey{form: form, page: page, language: c.Kernel.Language(r), query: r.URL.RawQuery}
	if box != nil {
		key.newsletter = *box
	}
	patient := r.WithContext(context.WithoutCancel(r.Context())) // others may wait for what this request makes
	return c.kept.get(key, func() ([]byte, error) { return render(patient, box) })
}

// box is the newsletter that the box under the form is about, nil if none is
// shown.
func (c Comments) box(ctx context.Context) (*epistle.Newsletter, error) {
	newsletter, err := c.Verb.Newsletter(ctx)
	if epistle.KindOf(err) == epistle.NotFound {
		return nil, nil
	}
	return &newsletter, err
}

func (c Comments) page(w http.ResponseWriter, r *http.Request, page epistle.Page, form *web.Form) error {
	box, err := c.box(r.Context())
	if err != nil {
		return err
	}
	p, err := c.fill(r, page, form, box)
	if err != nil {
		return err
	}
	p.Stamp = c.Verb.Stamp()
	return c.Kernel.Render(w, r, "public/comments", p)
}

// fill gathers what the page of a thread shows, but for the stamp.
func (c Comments) fill(r *http.Request, page epistle.Page, form *web.Form, box *epistle.Newsletter) (commentsPage, error) {
	ctx, l := r.Context(), c.Kernel.Language(r)
	p := commentsPage{Page: page, Heading: headingOf(page, l), Form: form, Newsletter: box}
	if box != nil {
		p.Wording = c.Verb.Wording(*box, l)
	}
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	after = max(after, 0)
	var err error
	if p.Thread, err = c.Store.Thread(ctx, page.ID, after, commentsPerPage+1); err != nil {
		return p, err
	}
	if len(p.Thread) > commentsPerPage {
		p.Thread = p.Thread[:commentsPerPage]
		p.Next = c.address(page, "after", strconv.FormatInt(p.Thread[commentsPerPage-1].Number, 10))
	}
	if after > 0 {
		p.First = c.address(page)
	}
	if p.Count, err = c.Store.CountThread(ctx, page.ID); err != nil {
		return p, err
	}
	if p.ReplyTo, err = c.replyTo(r, page, form); err != nil {
		return p, err
	}
	return p, nil
}

// replyTo is the comment that the form answers: the one in the refused form, or
// the one whose link was followed. One that is not shown is forgotten.
func (c Comments) replyTo(r *http.Request, page epistle.Page, form *web.Form) (*epistle.Comment, error) {
	text := form.Value("reply")
	if text == "" {
		text = r.URL.Query().Get("reply")
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		id = 0 // no comment has it
	}
	comment, err := c.Store.Comment(r.Context(), id)
	switch {
	case epistle.KindOf(err) == epistle.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case comment.PageID != page.ID || comment.State != epistle.CommentApproved:
		return nil, nil
	}
	return &comment, nil
}

// address is the path of a page's thread with more parameters.
func (c Comments) address(page epistle.Page, pairs ...string) string {
	query := url.Values{"page": {page.URL}}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	u := url.URL{Path: "/comments", RawQuery: query.Encode()}
	return u.String()
}

func (c Comments) post(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	page, err := c.Verb.Page(r.Context(), form.Value("page"))
	if err != nil {
		return err
	}
	receipt, err := c.Verb.Post(r.Context(), c.posted(r, form, page.URL))
	if err := c.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return c.page(w, r, page, form)
	}
	query := url.Values{"page": {page.URL}}
	switch {
	case receipt.Asked:
		query.Set("updates", "asked")
	case receipt.Failed:
		query.Set("updates", "failed")
	}
	return web.Redirect(w, r, "/comments/received?"+query.Encode())
}

type receivedPage struct {
	Page    epistle.Page
	Heading Heading
	Updates string // "asked", "failed" or ""
}

func (c Comments) received(w http.ResponseWriter, r *http.Request) error {
	page, err := c.Verb.Page(r.Context(), r.URL.Query().Get("page"))
	if err != nil {
		return err
	}
	p := receivedPage{Page: page, Heading: headingOf(page, c.Kernel.Language(r))}
	switch updates := r.URL.Query().Get("updates"); updates {
	case "asked", "failed":
		p.Updates = updates
	}
	return c.Kernel.Render(w, r, "public/comment-received", p)
}
