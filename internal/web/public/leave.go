package public

import (
	"net/http"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

type leavePage struct {
	signup.Leaving
	Form        *web.Form
	Token       string
	Preferences string
	Left        bool
	MayUndo     bool
	Thanked     bool // the reason was kept
}

// leaving shows what the link would do, or what it did; it changes nothing.
func (p Subscribe) leaving(w http.ResponseWriter, r *http.Request) error {
	return p.showLeaving(w, r, web.NewForm())
}

func (p Subscribe) showLeaving(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	token := r.PathValue("token")
	at, err := p.Signup.LeaveLookup(r.Context(), token)
	if err != nil {
		return err
	}
	r = web.PreferLanguage(r, at.Subscriber.Language)
	page := leavePage{Leaving: at, Form: form, Token: token, Left: at.Subscription.State == epistle.Left,
		Preferences: p.Signup.PreferencesPath(at.Subscription.ID, at.IssueID), Thanked: r.URL.Query().Has("thanks")}
	page.MayUndo = page.Left && p.Kernel.Now().Sub(at.Subscription.LeftAt) < signup.UndoWithin
	return p.Kernel.Render(w, r, "public/leave", page)
}

// leave does what a button of the page says, or, for anything else that is
// posted, unsubscribes at once: RFC 8058 promises exactly that.
func (p Subscribe) leave(w http.ResponseWriter, r *http.Request) error {
	ctx, token, form := r.Context(), r.PathValue("token"), web.FormOf(r)
	var err error
	back := "/u/" + token
	switch form.Value("do") {
	case "leave":
		err = p.Signup.Leave(ctx, token, epistle.ByPage, "")
	case "reason":
		reason := form.Value("reason")
		if why := form.Value("why"); signup.IsReason(why) {
			reason = why + "\n" + reason
		}
		err = p.Signup.Leave(ctx, token, epistle.ByPage, reason)
		back += "?thanks"
	case "all":
		err = p.Signup.LeaveAll(ctx, token, epistle.ByPage)
	case "undo":
		err = p.Signup.Undo(ctx, token)
	default:
		return p.oneClick(w, r, token)
	}
	if epistle.KindOf(err) == epistle.Invalid {
		if err := p.Kernel.Refuse(r, form, err); err != nil {
			return err
		}
		return p.showLeaving(w, r, form)
	}
	if err != nil {
		return err
	}
	return web.Redirect(w, r, back)
}

// oneClick answers a mail provider: no cookie, no redirect, no page.
func (p Subscribe) oneClick(w http.ResponseWriter, r *http.Request, token string) error {
	if err := p.Signup.Leave(r.Context(), token, epistle.ByOneClick, ""); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(p.Kernel.Words(r).T("signup.leave.one-click") + "\n"))
	return err
}

type preferencesPage struct {
	signup.Leaving
	Form   *web.Form
	Token  string
	Leave  string
	Left   bool
	Paused bool
	Until  time.Time
}

func (p Subscribe) preferences(w http.ResponseWriter, r *http.Request) error {
	at, err := p.Signup.Preferences(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	form := web.NewForm("language", string(at.Subscriber.Language), "pace", string(at.Subscription.Pace), "form", string(at.Subscription.Form))
	if at.Subscription.PausedUntil.After(p.Kernel.Now()) {
		form.Set("pause", string(signup.KeepPause))
	} else {
		form.Set("pause", string(signup.NoPause))
	}
	return p.showPreferences(w, r, at, form)
}

func (p Subscribe) showPreferences(w http.ResponseWriter, r *http.Request, at signup.Leaving, form *web.Form) error {
	r = web.PreferLanguage(r, at.Subscriber.Language)
	until := at.Subscription.PausedUntil
	if loc, err := at.Newsletter.Location(); err == nil {
		until = until.In(loc)
	}
	return p.Kernel.Render(w, r, "public/preferences", preferencesPage{Leaving: at, Form: form, Token: r.PathValue("token"),
		Leave: "/u/" + p.Signup.LeaveToken(at), Left: at.Subscription.State == epistle.Left,
		Paused: at.Subscription.PausedUntil.After(p.Kernel.Now()), Until: until})
}

func (p Subscribe) prefer(w http.ResponseWriter, r *http.Request) error {
	token, form := r.PathValue("token"), web.FormOf(r)
	err := p.Signup.SavePreferences(r.Context(), token, signup.Wishes{Language: epistle.Language(form.Value("language")),
		Pace: epistle.Pace(form.Value("pace")), Form: epistle.Form(form.Value("form")), Pause: signup.Pause(form.Value("pause"))})
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		at, err := p.Signup.Preferences(r.Context(), token)
		if err != nil {
			return err
		}
		return p.showPreferences(w, r, at, form)
	}
	p.Kernel.Flash(w, r, web.Good, "signup.preferences.saved")
	return web.Redirect(w, r, "/preferences/"+token)
}

// cityOf is the city in a zone's name; "" for zones with words of their own.
func cityOf(zone string) string {
	if zone == "Asia/Seoul" {
		return ""
	}
	return strings.ReplaceAll(zone[strings.LastIndexByte(zone, '/')+1:], "_", " ")
}
