package desk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/signup/intent"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Comments are the pages on which staff read, answer and put away what readers
// wrote.
type Comments struct {
	Kernel *web.Kernel
	Store  *store.Store
	Verb   *signup.Comments
	// Now returns what tells whether an author may be signed up at once; see
	// signup.Service.NowOffered.
	Now func(ctx context.Context, actor epistle.Actor) (func(c epistle.Comment, pageURL string) bool, error)
	// Ministry is its name, for saved answers.
	Ministry epistle.Text
}

// Routes is the area's table.
func (c Comments) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/comments", epistle.ReadDesk, c.list),
		web.Desk("POST /desk/comments", epistle.Moderate, c.decideAll),
		web.Desk("GET /desk/comments/{id}", epistle.ReadDesk, c.show),
		web.Desk("POST /desk/comments/{id}", epistle.Moderate, c.decide),
		web.Desk("POST /desk/comments/{id}/reply", epistle.Moderate, c.reply),
		web.Desk("POST /desk/comments/{id}/erase", epistle.ErasePeople, c.erase),
	}
}

// commentTabs are the states in the order of the tabs.
var commentTabs = []epistle.CommentState{epistle.CommentPending, epistle.CommentApproved, epistle.CommentSpam, epistle.CommentTrash}

type commentTab struct {
	State   epistle.CommentState
	Count   int64
	Current bool
}

type commentsPage struct {
	State    epistle.CommentState
	Tabs     []commentTab
	Comments []commentCard
	Older    string // the address of the next page
	First    string // the address of the newest, when this is not it
}

// commentCard is a comment as moderators see it, with what they may do.
type commentCard struct {
	store.CommentInContext
	Pieces    []Piece
	Asks      []intent.Ask // what the words ask for
	MayInvite bool         // and the author could be invited now
	MayNow    bool         // and even signed up at once
	From      string
	Form      *web.Form // of the reply
	Open      bool      // the reply form is open
	Answers   []savedLink
}

// savedLink leads to the reply form with a saved answer in it.
type savedLink struct {
	ID    epistle.ID
	Title epistle.Text
}

// LooksSpam reports whether the words look like spam.
func (c commentCard) LooksSpam() bool { return slices.Contains(c.Asks, intent.Spam) }

// AsksUpdates reports whether the words ask for the updates.
func (c commentCard) AsksUpdates() bool { return slices.Contains(c.Asks, intent.Updates) }

// Piece is a stretch of a comment, marked if it is what the comment asks with.
type Piece struct {
	Text string
	Ask  intent.Ask // "" for what asks for nothing
}

func cardOf(r *http.Request, c store.CommentInContext) commentCard {
	card := commentCard{CommentInContext: c}
	if c.StaffID == 0 {
		read := intent.Read(c.Body)
		card.Asks = read.Asks
		card.Pieces = pieces(c.Body, read.Spans)
		card.MayInvite = web.ActorFrom(r.Context()).May(epistle.Invite) &&
			(c.Author == store.AuthorUnknown || c.Author == store.AuthorSilent || c.Author == store.AuthorLeft)
	} else {
		card.Pieces = pieces(c.Body, nil)
	}
	m, _ := web.StaffFrom(r.Context())
	card.Form = web.NewForm("name", m.Name)
	return card
}

func pieces(text string, spans []intent.Span) []Piece {
	var out []Piece
	at := 0
	for _, s := range spans {
		if s.Start > at {
			out = append(out, Piece{Text: text[at:s.Start]})
		}
		out = append(out, Piece{Text: text[s.Start:s.End], Ask: s.Ask})
		at = s.End
	}
	if at < len(text) {
		out = append(out, Piece{Text: text[at:]})
	}
	return out
}

// offeredNow is c.Now for the member at work; where there is none, it is never
// offered.
func (c Comments) offeredNow(r *http.Request) (func(c epistle.Comment, pageURL string) bool, error) {
	if c.Now == nil {
		return func(epistle.Comment, string) bool { return false }, nil
	}
	return c.Now(r.Context(), web.ActorFrom(r.Context()))
}

const commentsPerDeskPage = 25

func (c Comments) list(w http.ResponseWriter, r *http.Request) error {
	state := stateOf(r.URL.Query().Get("state"))
	before := cursorOf(r.URL.Query().Get("before"))
	found, err := c.Store.CommentQueue(r.Context(), store.CommentFilter{State: state, Before: before, Limit: commentsPerDeskPage + 1})
	if err != nil {
		return err
	}
	page := commentsPage{State: state}
	if len(found) > commentsPerDeskPage {
		found = found[:commentsPerDeskPage]
		last := found[commentsPerDeskPage-1]
		page.Older = commentsPath(state) + "&before=" + cursorText(store.CommentCursor{At: last.CreatedAt, ID: last.ID})
	}
	if before.ID != 0 {
		page.First = commentsPath(state)
	}
	now, err := c.offeredNow(r)
	if err != nil {
		return err
	}
	answers, err := c.savedLinks(r)
	if err != nil {
		return err
	}
	for _, f := range found {
		card := cardOf(r, f)
		card.From, card.Answers = "list", answers
		card.MayNow = card.MayInvite && f.Author != store.AuthorLeft && now(f.Comment, f.Page.URL)
		page.Comments = append(page.Comments, card)
	}
	counts, err := c.Store.CommentCounts(r.Context())
	if err != nil {
		return err
	}
	for _, s := range commentTabs {
		page.Tabs = append(page.Tabs, commentTab{State: s, Count: counts[s], Current: s == state})
	}
	return c.Kernel.Render(w, r, "desk/comments", page)
}

// stateOf reads a state; what is none is pending.
func stateOf(s string) epistle.CommentState {
	for _, state := range commentTabs {
		if s == string(state) {
			return state
		}
	}
	return epistle.CommentPending
}

func commentsPath(state epistle.CommentState) string {
	return "/desk/comments?state=" + url.QueryEscape(string(state))
}

func cursorText(c store.CommentCursor) string {
	return strconv.FormatInt(c.At.UnixMicro(), 10) + "." + strconv.FormatInt(c.ID, 10)
}

// cursorOf reads cursorText's form; anything else begins at the newest.
func cursorOf(s string) store.CommentCursor {
	at, id, _ := strings.Cut(s, ".")
	micros, errAt := strconv.ParseInt(at, 10, 64)
	n, errID := strconv.ParseInt(id, 10, 64)
	if errAt != nil || errID != nil || n < 1 {
		return store.CommentCursor{}
	}
	return store.CommentCursor{At: time.UnixMicro(micros), ID: n}
}

type commentPage struct {
	Card  commentCard
	Erase *web.Form // of who wrote it; nil for whom that is not offered
}

func (c Comments) show(w http.ResponseWriter, r *http.Request) error {
	found, err := c.target(r)
	if err != nil {
		return err
	}
	card, err := c.openCard(r, found)
	if err != nil {
		return err
	}
	if err := c.fillAnswer(r, card); err != nil {
		return err
	}
	return c.page(w, r, card, web.NewForm())
}

// openCard is a comment on a page of its own, with the form of the reply open.
func (c Comments) openCard(r *http.Request, found store.CommentInContext) (commentCard, error) {
	card := cardOf(r, found)
	card.Open = true
	now, err := c.offeredNow(r)
	if err != nil {
		return card, err
	}
	card.MayNow = card.MayInvite && found.Author != store.AuthorLeft && now(found.Comment, found.Page.URL)
	card.Answers, err = c.savedLinks(r)
	return card, err
}

func (c Comments) savedLinks(r *http.Request) ([]savedLink, error) {
	saved, err := c.Store.SavedAnswers(r.Context())
	if err != nil {
		return nil, err
	}
	var links []savedLink
	for _, a := range saved {
		links = append(links, savedLink{a.ID, a.Title})
	}
	return links, nil
}

// fillAnswer puts the saved answer that ?answer= names into the reply form, in
// the language of the comment. One that is gone is forgotten.
func (c Comments) fillAnswer(r *http.Request, card commentCard) error {
	id, err := strconv.ParseInt(r.URL.Query().Get("answer"), 10, 64)
	if err != nil {
		return nil //nolint:nilerr // no answer was chosen
	}
	saved, err := c.Store.SavedAnswer(r.Context(), id)
	if epistle.KindOf(err) == epistle.NotFound {
		return nil
	}
	l := card.Language
	page := card.Page.Title.In(l)
	if page == "" {
		page = card.Page.URL
	}
	card.Form.Set("reply", signup.Fill(saved.Body.In(l), card.Name, page, c.Ministry.In(l)))
	return err
}

func (c Comments) target(r *http.Request) (store.CommentInContext, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return store.CommentInContext{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return c.Store.CommentInContext(r.Context(), id)
}

// done tells what each action did.
var done = map[string]string{
	"approve": "comments.done.approve", "spam": "comments.done.spam", "trash": "comments.done.trash",
	"restore": "comments.done.restore", "invite": "comments.done.invite", "approve-invite": "comments.done.approve-invite",
}

func (c Comments) decide(w http.ResponseWriter, r *http.Request) error {
	found, err := c.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	ctx, actor, id, seen := r.Context(), web.ActorFrom(r.Context()), found.ID, epistle.CommentState(form.Value("state"))
	action := form.Value("action")
	switch action {
	case "approve":
		err = c.Verb.Approve(ctx, actor, id, seen)
	case "spam":
		err = c.Verb.Spam(ctx, actor, id, seen)
	case "trash":
		err = c.Verb.Trash(ctx, actor, id, seen)
	case "restore":
		err = c.Verb.Restore(ctx, actor, id, seen)
	case "invite":
		err = c.Verb.Invite(ctx, actor, id)
	case "approve-invite":
		err = c.Verb.ApproveAndInvite(ctx, actor, id, seen)
	default:
		return epistle.Errorf(epistle.Invalid, "comment.state", nil)
	}
	return c.back(w, r, err, done[action])
}

// back returns to where the moderator was. What a person can do something
// about is said there.
func (c Comments) back(w http.ResponseWriter, r *http.Request, err error, message string) error {
	path := commentsPath(stateOf(r.PostFormValue("state")))
	if r.PostFormValue("from") == "comment" {
		path = "/desk/comments/" + url.PathEscape(r.PathValue("id"))
	}
	var e *epistle.Error
	switch {
	case err == nil:
		c.Kernel.Flash(w, r, web.Good, message)
	case errors.As(err, &e) && (e.Kind == epistle.Conflict || e.Kind == epistle.Invalid || e.Kind == epistle.Limited):
		c.Kernel.Flash(w, r, web.Wait, "error."+e.Message)
	default:
		return err
	}
	return web.Redirect(w, r, path)
}

// decideAll carries out one decision on every ticked comment.
func (c Comments) decideAll(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	seen := stateOf(form.Value("state"))
	to := map[string]epistle.CommentState{"approve": epistle.CommentApproved, "spam": epistle.CommentSpam,
		"trash": epistle.CommentTrash, "restore": epistle.CommentPending}[form.Value("action")]
	var ids []epistle.ID
	for _, v := range form.Values("id") {
		if id, err := strconv.ParseInt(v, 10, 64); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		c.Kernel.Flash(w, r, web.Wait, "comments.done.none")
		return web.Redirect(w, r, commentsPath(seen))
	}
	if form.Value("action") == "invite-all" {
		return c.inviteAll(w, r, ids, seen)
	}
	moved, err := c.Verb.DecideAll(r.Context(), web.ActorFrom(r.Context()), ids, seen, to)
	if err != nil {
		return c.back(w, r, err, "")
	}
	tone := web.Good
	if moved < len(ids) {
		tone = web.Wait
	}
	c.Kernel.Flash(w, r, tone, "comments.done.all", "Count", moved, "Of", len(ids))
	return web.Redirect(w, r, commentsPath(seen))
}

// inviteAll invites the authors of every ticked comment.
func (c Comments) inviteAll(w http.ResponseWriter, r *http.Request, ids []epistle.ID, seen epistle.CommentState) error {
	invited, err := c.Verb.InviteAll(r.Context(), web.ActorFrom(r.Context()), ids)
	if err != nil {
		return c.back(w, r, err, "")
	}
	tone := web.Good
	if invited < len(ids) {
		tone = web.Wait
	}
	c.Kernel.Flash(w, r, tone, "comments.done.invited", "Count", invited, "Of", len(ids))
	return web.Redirect(w, r, commentsPath(seen))
}

func (c Comments) reply(w http.ResponseWriter, r *http.Request) error {
	found, err := c.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	_, err = c.Verb.Reply(r.Context(), web.ActorFrom(r.Context()), signup.Answer{To: found.ID,
		Seen: epistle.CommentState(form.Value("state")), Name: form.Value("name"), Body: form.Value("reply")})
	if err := c.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		card, err := c.openCard(r, found)
		if err != nil {
			return err
		}
		card.Form = form
		return c.page(w, r, card, web.NewForm())
	}
	if found.WantsReplies {
		return c.back(w, r, nil, "comments.done.replied-mail")
	}
	return c.back(w, r, nil, "comments.done.reply")
}
