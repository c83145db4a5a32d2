package desk

import (
	"context"
	"net/http"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/web"
)

// Account is a member's own page, and for admins the recovery sheet.
type Account struct {
	Kernel   *web.Kernel
	Account  *account.Service
	Sessions *Sessions
	Recovery Recovery
}

// Recovery knows the key and whether its sheet is kept.
type Recovery interface {
	Keys() *seal.Keyring
	RecoveryConfirmedAt(ctx context.Context) (time.Time, error)
}

// Routes is the area's table.
func (a Account) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/account", epistle.ReadDesk, a.show),
		web.Desk("POST /desk/account", epistle.ReadDesk, a.save),
		web.Desk("POST /desk/account/password", epistle.ReadDesk, a.changePassword),
		web.Desk("GET /desk/recovery", epistle.ConfirmSheet, a.showRecovery),
		web.Desk("POST /desk/recovery", epistle.ConfirmSheet, a.confirmRecovery),
	}
}

type accountPage struct {
	Member         epistle.StaffMember
	Form, Password *web.Form
	Min            int
}

func (a Account) show(w http.ResponseWriter, r *http.Request) error {
	return a.page(w, r, nil, nil)
}

func (a Account) page(w http.ResponseWriter, r *http.Request, form, password *web.Form) error {
	m, _ := web.StaffFrom(r.Context())
	if form == nil {
		form = web.NewForm("name", m.Name, "language", string(m.Language))
	}
	if password == nil {
		password = web.NewForm()
	}
	return a.Kernel.Render(w, r, "desk/account", accountPage{m, form, password, account.MinPassword})
}

func (a Account) save(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	err := a.Account.ChangeOwn(r.Context(), web.ActorFrom(r.Context()), form.Value("name"), form.Value("language"))
	if err := a.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return a.page(w, r, form, nil)
	}
	a.Kernel.Flash(w, r, web.Good, "account.saved")
	return web.Redirect(w, r, "/desk/account")
}

func (a Account) changePassword(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	var err error
	if form.Value("password") != form.Value("again") {
		err = epistle.InvalidField("again", "account.password.again")
	}
	var in account.SignedIn
	if err == nil {
		in, err = a.Account.ChangePassword(r.Context(), web.ActorFrom(r.Context()), form.Value("present"), form.Value("password"))
	}
	if err := a.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return a.page(w, r, nil, form)
	}
	if err := a.Sessions.open(r.Context(), in); err != nil {
		return err
	}
	a.Kernel.Flash(w, r, web.Good, "account.password.changed")
	return web.Redirect(w, r, "/desk/account")
}

type recoveryPage struct {
	Key         string
	ConfirmedAt time.Time
	Now         time.Time
	Address     string // of this installation
}

func (a Account) showRecovery(w http.ResponseWriter, r *http.Request) error {
	at, err := a.Recovery.RecoveryConfirmedAt(r.Context())
	if err != nil {
		return err
	}
	page := recoveryPage{Key: a.Recovery.Keys().Key().String(), ConfirmedAt: at, Now: a.Kernel.Now(), Address: a.Kernel.URL("/")}
	return a.Kernel.Render(w, web.WithoutBanner(r), "desk/recovery", page)
}

func (a Account) confirmRecovery(w http.ResponseWriter, r *http.Request) error {
	if err := a.Account.ConfirmRecovery(r.Context(), web.ActorFrom(r.Context())); err != nil {
		return err
	}
	a.Kernel.Flash(w, r, web.Good, "account.recovery.confirmed")
	return web.Redirect(w, r, "/desk/")
}
