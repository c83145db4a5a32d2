package desk

import (
	"net/http"
	"strconv"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/web"
)

// Staff is the page on which admins manage the staff.
type Staff struct {
	Kernel  *web.Kernel
	Account *account.Service
}

// Routes is the area's table.
func (s Staff) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/staff", epistle.ManageStaff, s.show),
		web.Desk("POST /desk/staff", epistle.ManageStaff, s.add),
		web.Desk("POST /desk/staff/{id}/role", epistle.ManageStaff, s.setRole),
		web.Desk("POST /desk/staff/{id}/disable", epistle.ManageStaff, s.disable),
		web.Desk("POST /desk/staff/{id}/enable", epistle.ManageStaff, s.enable),
		web.Desk("POST /desk/staff/{id}/link", epistle.ManageStaff, s.sendLink),
	}
}

type staffPage struct {
	Form    *web.Form
	Members []epistle.StaffMember
	Me      epistle.ID
	Roles   []epistle.Role
}

func (s Staff) show(w http.ResponseWriter, r *http.Request) error {
	m, _ := web.StaffFrom(r.Context())
	return s.page(w, r, web.NewForm("role", string(epistle.Author), "language", string(m.Language)))
}

func (s Staff) page(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	actor := web.ActorFrom(r.Context())
	members, err := s.Account.List(r.Context(), actor)
	if err != nil {
		return err
	}
	return s.Kernel.Render(w, r, "desk/staff", staffPage{form, members, actor.StaffID, epistle.Roles})
}

func (s Staff) add(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	_, err := s.Account.Add(r.Context(), web.ActorFrom(r.Context()), account.NewMember{
		Address: form.Value("email"), Name: form.Value("name"), Role: form.Value("role"), Language: form.Value("language")})
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, form)
	}
	return s.done(w, r, nil, "account.staff.added")
}

func (s Staff) setRole(w http.ResponseWriter, r *http.Request) error {
	id, version, err := staffTarget(r)
	if err == nil {
		err = s.Account.SetRole(r.Context(), web.ActorFrom(r.Context()), id, version, r.PostFormValue("role"))
	}
	return s.done(w, r, err, "account.saved")
}

func (s Staff) disable(w http.ResponseWriter, r *http.Request) error {
	id, version, err := staffTarget(r)
	if err == nil {
		err = s.Account.Disable(r.Context(), web.ActorFrom(r.Context()), id, version)
	}
	return s.done(w, r, err, "account.staff.disabled")
}

func (s Staff) enable(w http.ResponseWriter, r *http.Request) error {
	id, version, err := staffTarget(r)
	if err == nil {
		err = s.Account.Enable(r.Context(), web.ActorFrom(r.Context()), id, version)
	}
	return s.done(w, r, err, "account.staff.enabled")
}

func (s Staff) sendLink(w http.ResponseWriter, r *http.Request) error {
	id, _, err := staffTarget(r)
	if err == nil {
		err = s.Account.SendLinkAgain(r.Context(), web.ActorFrom(r.Context()), id)
	}
	return s.done(w, r, err, "account.staff.linked")
}

// done goes back to the list. What a person can do something about is said
// there, above the list.
func (s Staff) done(w http.ResponseWriter, r *http.Request, err error, message string) error {
	form := web.NewForm()
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, form)
	}
	s.Kernel.Flash(w, r, web.Good, message)
	return web.Redirect(w, r, "/desk/staff")
}

// staffTarget is the row that a form is about and the version that it showed.
func staffTarget(r *http.Request) (id epistle.ID, version int64, err error) {
	id, err = strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, 0, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	version, err = strconv.ParseInt(r.PostFormValue("version"), 10, 64)
	if err != nil && r.PostFormValue("version") != "" {
		return 0, 0, epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
	}
	return id, version, nil
}
