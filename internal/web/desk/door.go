package desk

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/web"
)

// Door is how staff come in: sign-in, sign-out, forgotten passwords.
type Door struct {
	Kernel   *web.Kernel
	Account  *account.Service
	Sessions *Sessions
}

// doorLimit is how many networks the door's limit remembers.
const doorLimit = 10000

// Routes is the door's table.
func (d Door) Routes() []web.Route {
	tries := limit.New(15*time.Second, 20, doorLimit, d.Kernel.Now)
	return []web.Route{
		web.DeskDoor("GET /desk/sign-in", d.showSignIn),
		web.DeskDoor("POST /desk/sign-in", d.signIn).MaxBody(4 << 10).LimitedBy(tries),
		web.DeskDoor("POST /desk/sign-out", d.signOut).MaxBody(4 << 10),
		web.DeskDoor("GET /desk/forgot", d.showForgot),
		web.DeskDoor("POST /desk/forgot", d.forgot).MaxBody(4 << 10).LimitedBy(tries),
		web.DeskDoor("GET /desk/set-password/{token}", d.showSetPassword).LimitedBy(tries),
		web.DeskDoor("POST /desk/set-password/{token}", d.setPassword).MaxBody(4 << 10).LimitedBy(tries),
	}
}

type signInPage struct {
	Form *web.Form
	Next string
}

func (d Door) showSignIn(w http.ResponseWriter, r *http.Request) error {
	if _, ok := web.StaffFrom(r.Context()); ok {
		return web.Redirect(w, r, "/desk/")
	}
	return d.Kernel.Render(w, r, "desk/sign-in", signInPage{web.NewForm(), safeNext(r.URL.Query().Get("next"))})
}

func (d Door) signIn(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	next := safeNext(form.Value("next"))
	in, err := d.Account.SignIn(r.Context(), form.Value("email"), form.Value("password"), d.Kernel.ClientKey(r))
	if err := d.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return d.Kernel.Render(w, r, "desk/sign-in", signInPage{form, next})
	}
	if err := d.Sessions.open(r.Context(), in); err != nil {
		return err
	}
	return web.Redirect(w, r, next)
}

// safeNext lets a sign-in lead to a page of the desk and nowhere else.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/desk/") || strings.ContainsAny(next, "\\\r\n") ||
		strings.HasPrefix(u.Path, "/desk/sign-") {
		return "/desk/"
	}
	return u.RequestURI()
}

func (d Door) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := d.Sessions.close(r.Context()); err != nil {
		return err
	}
	d.Kernel.Flash(w, r, web.Good, "account.signed-out")
	return web.Redirect(w, r, "/desk/sign-in")
}

type forgotPage struct {
	Form *web.Form
	Sent bool
}

func (d Door) showForgot(w http.ResponseWriter, r *http.Request) error {
	return d.Kernel.Render(w, r, "desk/forgot", forgotPage{Form: web.NewForm()})
}

func (d Door) forgot(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	if err := d.Kernel.Refuse(r, form, d.Account.Forgot(r.Context(), form.Value("email"))); err != nil {
		return err
	}
	status := http.StatusOK
	if form.Failed() {
		status = http.StatusUnprocessableEntity
	}
	return d.Kernel.RenderStatus(w, r, status, "desk/forgot", forgotPage{Form: form, Sent: !form.Failed()})
}

type setPasswordPage struct {
	Form   *web.Form
	Member epistle.StaffMember
	Min    int
}

func (d Door) showSetPassword(w http.ResponseWriter, r *http.Request) error {
	m, err := d.Account.LookupLink(r.Context(), r.PathValue("token"))
	if err != nil {
		return d.deadLink(w, r, err)
	}
	return d.Kernel.Render(w, web.PreferLanguage(r, m.Language), "desk/set-password", setPasswordPage{web.NewForm(), m, account.MinPassword})
}

// deadLink tells what to do about a link that expired or was used; a forged one
// looks the same.
func (d Door) deadLink(w http.ResponseWriter, r *http.Request, err error) error {
	if epistle.KindOf(err) != epistle.NotFound {
		return err
	}
	return d.Kernel.RenderStatus(w, r, http.StatusNotFound, "desk/dead-link", nil)
}

func (d Door) setPassword(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	m, err := d.Account.LookupLink(r.Context(), token)
	if err != nil {
		return d.deadLink(w, r, err)
	}
	r = web.PreferLanguage(r, m.Language)
	form := web.FormOf(r)
	if form.Value("password") != form.Value("again") {
		err = epistle.InvalidField("again", "account.password.again")
	}
	var in account.SignedIn
	if err == nil {
		in, err = d.Account.SetPassword(r.Context(), token, form.Value("password"))
	}
	if epistle.KindOf(err) == epistle.NotFound && err != nil {
		return d.deadLink(w, r, err)
	}
	if err := d.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return d.Kernel.Render(w, r, "desk/set-password", setPasswordPage{form, m, account.MinPassword})
	}
	if err := d.Sessions.open(r.Context(), in); err != nil {
		return err
	}
	d.Kernel.Flash(w, r, web.Good, "account.password.set")
	return web.Redirect(w, r, "/desk/")
}
