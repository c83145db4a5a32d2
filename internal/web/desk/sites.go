package desk

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// Sites is where administrators connect the WordPress sites whose comments come
// here.
type Sites struct {
	Kernel *web.Kernel
	Store  SitesReader
	Verb   *signup.Sites
	// Wording is the sentence beside the box, which the sites show too.
	Wording func(n epistle.Newsletter, l epistle.Language) string
}

// SitesReader is what the pages read.
type SitesReader interface {
	Sites(ctx context.Context) ([]epistle.Site, error)
	Site(ctx context.Context, id epistle.ID) (epistle.Site, error)
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
}

// Routes is the area's table.
func (s Sites) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/settings/sites", epistle.ChangeSettings, s.list),
		web.Desk("POST /desk/settings/sites", epistle.ChangeSettings, s.add),
		web.Desk("GET /desk/settings/sites/{id}", epistle.ChangeSettings, s.show),
		web.Desk("POST /desk/settings/sites/{id}", epistle.ChangeSettings, s.change),
		web.Desk("POST /desk/settings/sites/{id}/test", epistle.ChangeSettings, s.test),
		web.Desk("POST /desk/settings/sites/{id}/secret", epistle.ChangeSettings, s.secret),
		web.Desk("POST /desk/settings/sites/{id}/disconnect", epistle.ChangeSettings, s.disconnect),
		web.Desk("POST /desk/settings/sites/{id}/reconnect", epistle.ChangeSettings, s.reconnect),
	}
}

type sitesPage struct {
	Form  *web.Form
	Sites []epistle.Site
}

func (s Sites) list(w http.ResponseWriter, r *http.Request) error {
	return s.listPage(w, r, web.NewForm())
}

func (s Sites) listPage(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	all, err := s.Store.Sites(r.Context())
	if err != nil {
		return err
	}
	return s.Kernel.Render(w, r, "desk/sites", sitesPage{form, all})
}

func (s Sites) add(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	site, err := s.Verb.Add(r.Context(), web.ActorFrom(r.Context()), form.Value("slug"), form.Value("url"))
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.listPage(w, r, form)
	}
	s.Kernel.Flash(w, r, web.Good, "sites.added")
	return web.Redirect(w, r, sitePath(site.ID)+top)
}

func sitePath(id epistle.ID) string { return "/desk/settings/sites/" + strconv.FormatInt(id, 10) }

type sitePage struct {
	Site    epistle.Site
	Form    *web.Form
	Lines   string          // for the site's wp-config.php; "" when it has no hook
	Version int64           // of the wording that the box should show; 0 without a newsletter
	Found   *signup.Finding // by a test
}

func (s Sites) target(r *http.Request) (epistle.Site, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return epistle.Site{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return s.Store.Site(r.Context(), id)
}

func (s Sites) show(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	return s.page(w, r, site, formOfSite(site), nil)
}

func formOfSite(site epistle.Site) *web.Form {
	return web.NewForm("version", strconv.FormatInt(site.Version, 10), "url", site.URL, "user", site.User)
}

func (s Sites) page(w http.ResponseWriter, r *http.Request, site epistle.Site, form *web.Form, found *signup.Finding) error {
	page := sitePage{Site: site, Form: form, Found: found}
	newsletters, err := s.Store.Newsletters(r.Context())
	if err != nil {
		return err
	}
	if site.Secret != "" {
		page.Lines = s.configLines(site, newsletters)
	}
	if len(newsletters) > 0 {
		page.Version = newsletters[0].WordingVersion
	}
	return s.Kernel.Render(w, r, "desk/site", page)
}

// configLines is what belongs into the site's wp-config.php.
func (s Sites) configLines(site epistle.Site, newsletters []epistle.Newsletter) string {
	lines := fmt.Sprintf("define( 'EPISTLE_HOOK', %s );\ndefine( 'EPISTLE_SECRET', %s );\n",
		phpText(s.Kernel.URL("/hooks/wordpress/"+site.Slug)), phpText(site.Secret))
	if len(newsletters) > 0 {
		n := newsletters[0]
		lines += fmt.Sprintf("define( 'EPISTLE_WORDING', array( 'version' => %d,\n\t'en' => %s,\n\t'ko' => %s ) );\n", n.WordingVersion,
			phpText(s.Wording(n, epistle.English)), phpText(s.Wording(n, epistle.Korean)))
	}
	return lines
}

// phpText is a text as PHP writes it down.
func phpText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

func (s Sites) change(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = s.Verb.Change(r.Context(), web.ActorFrom(r.Context()), site.ID, signup.Access{Version: versionOf(form), URL: form.Value("url"),
		User: form.Value("user"), Password: form.Value("password")})
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, site, form, nil)
	}
	s.Kernel.Flash(w, r, web.Good, "settings.saved")
	return web.Redirect(w, r, sitePath(site.ID)+top)
}

// versionOf is the version that was looked at; what is no number is no current
// version.
func versionOf(form *web.Form) int64 {
	version, err := strconv.ParseInt(form.Value("version"), 10, 64)
	if err != nil {
		return -1
	}
	return version
}

func (s Sites) test(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	found, err := s.Verb.Test(r.Context(), web.ActorFrom(r.Context()), site.ID)
	if err != nil {
		return err
	}
	return s.page(w, r, site, formOfSite(site), &found)
}

func (s Sites) secret(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	message := "sites.secret.made"
	if form.Value("action") == "drop" {
		message = "sites.secret.dropped"
		err = s.Verb.DropOldSecret(r.Context(), web.ActorFrom(r.Context()), site.ID, versionOf(form))
	} else {
		err = s.Verb.NewSecret(r.Context(), web.ActorFrom(r.Context()), site.ID, versionOf(form))
	}
	return s.acted(w, r, site, form, err, message, sitePath(site.ID)+"#hook")
}

func (s Sites) disconnect(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	form, message, next := web.FormOf(r), "sites.disconnected", sitePath(site.ID)
	removed, err := s.Verb.Disconnect(r.Context(), web.ActorFrom(r.Context()), site.ID, versionOf(form))
	if removed {
		message, next = "sites.removed", "/desk/settings/sites"
	}
	return s.acted(w, r, site, form, err, message, next)
}

func (s Sites) reconnect(w http.ResponseWriter, r *http.Request) error {
	site, err := s.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = s.Verb.Reconnect(r.Context(), web.ActorFrom(r.Context()), site.ID, versionOf(form))
	return s.acted(w, r, site, form, err, "sites.added", sitePath(site.ID))
}

// acted goes on after a button of a site's page.
func (s Sites) acted(w http.ResponseWriter, r *http.Request, site epistle.Site, form *web.Form, err error, message, next string) error {
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		fresh := formOfSite(site)
		fresh.Message = form.Message
		return s.page(w, r, site, fresh, nil)
	}
	s.Kernel.Flash(w, r, web.Good, message)
	return web.Redirect(w, r, next)
}
