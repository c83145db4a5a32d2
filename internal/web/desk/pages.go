package desk

import (
	"net/http"
	"net/url"
	"strconv"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Pages is where staff open pages for comments and name the projects.
type Pages struct {
	Kernel *web.Kernel
	Store  *store.Store
	Verb   *signup.Pages
}

// Routes is the area's table.
func (p Pages) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/settings/pages", epistle.Moderate, p.list),
		web.Desk("POST /desk/settings/pages", epistle.Moderate, p.add),
		web.Desk("GET /desk/settings/pages/{id}", epistle.Moderate, p.show),
		web.Desk("POST /desk/settings/pages/{id}", epistle.Moderate, p.change),
		web.Desk("POST /desk/settings/projects", epistle.WritePool, p.addProject),
	}
}

type pagesPage struct {
	PageForm    *web.Form
	ProjectForm *web.Form
	Pages       []store.PageWithCounts
	Projects    []epistle.Project
	Choices     []web.Option
	Titles      map[epistle.ID]epistle.Text // of the projects
}

func (p Pages) list(w http.ResponseWriter, r *http.Request) error {
	return p.page(w, r, web.NewForm(), web.NewForm())
}

func (p Pages) page(w http.ResponseWriter, r *http.Request, pageForm, projectForm *web.Form) error {
	pages, err := p.Store.Pages(r.Context())
	if err != nil {
		return err
	}
	projects, err := p.Store.Projects(r.Context())
	if err != nil {
		return err
	}
	view := pagesPage{PageForm: pageForm, ProjectForm: projectForm, Pages: pages, Projects: projects,
		Choices: p.choices(r, projects), Titles: map[epistle.ID]epistle.Text{}}
	for _, project := range projects {
		view.Titles[project.ID] = project.Title
	}
	return p.Kernel.Render(w, r, "desk/pages", view)
}

// choices are the projects for a select, and none.
func (p Pages) choices(r *http.Request, projects []epistle.Project) []web.Option {
	words := p.Kernel.Words(r)
	all := []web.Option{{Value: "", Label: words.T("comments.pages.no-project")}}
	for _, project := range projects {
		all = append(all, web.Option{Value: strconv.FormatInt(project.ID, 10), Label: words.Pick(project.Title)})
	}
	return all
}

func (p Pages) add(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	_, err := p.Verb.Add(r.Context(), web.ActorFrom(r.Context()), epistle.Page{URL: form.Value("url"), Title: form.Text("title"), ProjectID: projectOf(form)})
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return p.page(w, r, form, web.NewForm())
	}
	p.Kernel.Flash(w, r, web.Good, "comments.pages.added")
	return web.Redirect(w, r, "/desk/settings/pages"+top)
}

// projectOf reads the chosen project; what is no number is a project that the
// verb will not find.
func projectOf(form *web.Form) epistle.ID {
	if form.Value("project") == "" {
		return 0
	}
	id, err := strconv.ParseInt(form.Value("project"), 10, 64)
	if err != nil {
		return -1
	}
	return id
}

type changePage struct {
	Form    *web.Form
	Page    epistle.Page
	Thread  string // the address of its comments, to link to from the page
	Embed   string // the line that places them into the page
	Choices []web.Option
}

func (p Pages) target(r *http.Request) (epistle.Page, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return epistle.Page{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return p.Store.Page(r.Context(), id)
}

func (p Pages) show(w http.ResponseWriter, r *http.Request) error {
	page, err := p.target(r)
	if err != nil {
		return err
	}
	form := web.NewForm()
	form.SetText("title", page.Title)
	if page.ProjectID != 0 {
		form.Set("project", strconv.FormatInt(page.ProjectID, 10))
	}
	return p.changeForm(w, r, page, form)
}

func (p Pages) changeForm(w http.ResponseWriter, r *http.Request, page epistle.Page, form *web.Form) error {
	projects, err := p.Store.Projects(r.Context())
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/page", changePage{Form: form, Page: page, Choices: p.choices(r, projects),
		Thread: p.Kernel.URL("/comments?" + url.Values{"page": {page.URL}}.Encode()),
		Embed:  `<script src="` + p.Kernel.URL("/embed.js") + `" async></script>`})
}

func (p Pages) change(w http.ResponseWriter, r *http.Request) error {
	page, err := p.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = p.Verb.Change(r.Context(), web.ActorFrom(r.Context()), epistle.Page{ID: page.ID, Title: form.Text("title"), ProjectID: projectOf(form)})
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return p.changeForm(w, r, page, form)
	}
	p.Kernel.Flash(w, r, web.Good, "comments.pages.saved")
	return web.Redirect(w, r, "/desk/settings/pages"+top)
}

func (p Pages) addProject(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	_, err := p.Verb.AddProject(r.Context(), web.ActorFrom(r.Context()), epistle.Project{Title: form.Text("title"), PageURL: form.Value("page_url")})
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return p.page(w, r, web.NewForm(), form)
	}
	p.Kernel.Flash(w, r, web.Good, "comments.projects.added")
	return web.Redirect(w, r, "/desk/settings/pages"+top)
}
