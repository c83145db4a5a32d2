package desk

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// SignupReader is what the page of sign-ups reads.
type SignupReader interface {
	Signups(ctx context.Context, f epistle.SignupFilter, limit int) ([]epistle.Signup, error)
	CountSignups(ctx context.Context, state epistle.SignupState) (int64, error)
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
}

// Signups shows who asked for the updates, and signs people up by hand.
type Signups struct {
	Kernel *web.Kernel
	Store  SignupReader
	Signup *signup.Service
}

// Routes is the area's table.
func (s Signups) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/signups", epistle.ReadPeople, s.list),
		web.Desk("GET /desk/signups/new", epistle.Invite, s.form),
		web.Desk("POST /desk/signups/new", epistle.Invite, s.add),
		web.Desk("POST /desk/comments/{id}/sign-up", epistle.SignUpNow, s.now),
		web.Desk("GET /desk/settings/sign-up", epistle.ChangeSettings, s.sites),
		web.Desk("POST /desk/settings/sign-up", epistle.ChangeSettings, s.saveSite),
	}
}

// signupTabs are the states that the page shows, in this order.
var signupTabs = []epistle.SignupState{epistle.SignupPending, epistle.SignupConfirmed, epistle.SignupExpired, epistle.SignupRefused}

type signupsPage struct {
	State       epistle.SignupState
	Tabs        []signupTab
	Signups     []epistle.Signup
	Newsletters map[epistle.ID]epistle.Newsletter
	Older       string
	Newest      string
}

type signupTab struct {
	State epistle.SignupState
	Count int64
}

const peoplePerPage = 50

func (s Signups) list(w http.ResponseWriter, r *http.Request) error {
	ctx, query := r.Context(), r.URL.Query()
	page := signupsPage{State: epistle.SignupState(query.Get("state")), Newsletters: map[epistle.ID]epistle.Newsletter{}}
	if page.State == "" {
		page.State = epistle.SignupPending
	}
	for _, state := range signupTabs {
		count, err := s.Store.CountSignups(ctx, state)
		if err != nil {
			return err
		}
		page.Tabs = append(page.Tabs, signupTab{state, count})
	}
	newsletters, err := s.Store.Newsletters(ctx)
	if err != nil {
		return err
	}
	for _, n := range newsletters {
		page.Newsletters[n.ID] = n
	}
	before := idFrom(query, "before")
	page.Signups, err = s.Store.Signups(ctx, epistle.SignupFilter{State: page.State, Before: before}, peoplePerPage+1)
	if err != nil {
		return err
	}
	if len(page.Signups) > peoplePerPage {
		page.Signups = page.Signups[:peoplePerPage]
		page.Older = pageBefore(r, strconv.FormatInt(page.Signups[peoplePerPage-1].ID, 10))
	}
	if before > 0 {
		page.Newest = pageBefore(r, "")
	}
	return s.Kernel.Render(w, r, "desk/signups", page)
}

type signupFormPage struct {
	Form        *web.Form
	Newsletters []epistle.Newsletter
}

func (s Signups) form(w http.ResponseWriter, r *http.Request) error {
	return s.showForm(w, r, web.NewForm("language", string(s.Kernel.Language(r))))
}

func (s Signups) showForm(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	newsletters, err := s.Store.Newsletters(r.Context())
	if err != nil {
		return err
	}
	return s.Kernel.Render(w, r, "desk/signup-new", signupFormPage{Form: form, Newsletters: newsletters})
}

func (s Signups) add(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	newsletter, err := s.chosen(r.Context(), form.Value("newsletter"))
	if err == nil {
		err = s.Signup.AddByHand(r.Context(), web.ActorFrom(r.Context()), signup.ByHand{NewsletterID: newsletter,
			Address: form.Value("email"), Name: form.Value("name"), Language: epistle.Language(form.Value("language")), Evidence: form.Value("evidence")})
	}
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.showForm(w, r, form)
	}
	s.Kernel.Flash(w, r, web.Good, "people.asked")
	return web.Redirect(w, r, "/desk/signups")
}

// now signs up at once who asked for it in a comment.
func (s Signups) now(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	done, err := s.Signup.SignUpNow(r.Context(), web.ActorFrom(r.Context()), id)
	var known *epistle.Error
	switch {
	case errors.As(err, &known) && known.Kind == epistle.Conflict:
		s.Kernel.Flash(w, r, web.Wait, "error."+known.Message)
	case err != nil:
		return err
	default:
		s.flashNow(w, r, done)
	}
	if from := r.PostFormValue("state"); from != "" && r.PostFormValue("from") != "comment" {
		return web.Redirect(w, r, commentsPath(stateOf(from)))
	}
	return web.Redirect(w, r, "/desk/comments/"+strconv.FormatInt(id, 10))
}

func (s Signups) flashNow(w http.ResponseWriter, r *http.Request, done signup.Confirmation) {
	if done.FirstUpdateAt.IsZero() {
		s.Kernel.Flash(w, r, web.Good, "people.now.done")
		return
	}
	s.Kernel.Flash(w, r, web.Good, "people.now.done.first", "When", s.Kernel.Words(r).Moment(done.FirstUpdateAt.In(s.Kernel.Location())))
}

type signupSitesPage struct{ Sites []epistle.SignupSite }

func (s Signups) sites(w http.ResponseWriter, r *http.Request) error {
	sites, err := s.Signup.Sites(r.Context())
	if err != nil {
		return err
	}
	return s.Kernel.Render(w, r, "desk/signup-sites", signupSitesPage{sites})
}

func (s Signups) saveSite(w http.ResponseWriter, r *http.Request) error {
	form, actor := web.FormOf(r), web.ActorFrom(r.Context())
	save := s.Signup.ForbidNow
	if form.Value("do") == "allow" {
		save = s.Signup.AllowNow
	}
	if err := save(r.Context(), actor, form.Value("site")); err != nil {
		return err
	}
	s.Kernel.Flash(w, r, web.Good, "people.sites.saved")
	return web.Redirect(w, r, "/desk/settings/sign-up")
}

// chosen is the newsletter with a slug, or the only one.
func (s Signups) chosen(ctx context.Context, slug string) (epistle.ID, error) {
	newsletters, err := s.Store.Newsletters(ctx)
	if err != nil {
		return 0, err
	}
	for _, n := range newsletters {
		if n.Slug == slug || len(newsletters) == 1 {
			return n.ID, nil
		}
	}
	return 0, epistle.InvalidField("newsletter", "signup.newsletter")
}

// idFrom reads an id from a query; 0 for none.
func idFrom(query url.Values, name string) epistle.ID {
	id, err := strconv.ParseInt(query.Get(name), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// pageBefore is the request's address, of the page that follows an id; "" for the
// first page.
func pageBefore(r *http.Request, id string) string {
	query := r.URL.Query()
	query.Set("before", id)
	if id == "" {
		query.Del("before")
	}
	u := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	return u.String()
}
