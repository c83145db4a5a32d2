package signup

import (
	"context"
	"strconv"
	"strings"
	"unicode"

	"epistle/internal/epistle"
)

// PageStore is what pages and projects need of the store.
type PageStore interface {
	CreatePage(ctx context.Context, p epistle.Page, entry epistle.AuditEntry) (epistle.Page, error)
	UpdatePage(ctx context.Context, p epistle.Page, entry epistle.AuditEntry) error
	Project(ctx context.Context, id epistle.ID) (epistle.Project, error)
	ProjectBySlug(ctx context.Context, slug string) (epistle.Project, error)
	CreateProject(ctx context.Context, p epistle.Project, entry epistle.AuditEntry) (epistle.Project, error)
}

// Pages keeps the list of the pages under which people may comment, and of the
// projects that they tell about.
type Pages struct {
	store PageStore
	clock epistle.Clock
}

// NewPages makes the verb.
func NewPages(s PageStore, clock epistle.Clock) *Pages { return &Pages{s, clock} }

// Add opens a page for comments. p has the URL as it was typed, at least one
// title, and perhaps a project. Problems belong to the fields "url",
// "title_en", "title_ko" and "project"; a page that is there already is a
// Conflict on "url".
func (v *Pages) Add(ctx context.Context, actor epistle.Actor, p epistle.Page) (epistle.Page, error) {
	if err := actor.Require(epistle.Moderate); err != nil {
		return epistle.Page{}, err
	}
	var problems epistle.Problems
	canonical, err := epistle.ParsePageURL("url", p.URL)
	problems.Add(err)
	title, err := v.readPage(ctx, p, &problems)
	if err != nil {
		return epistle.Page{}, err
	}
	if err := problems.Err(); err != nil {
		return epistle.Page{}, err
	}
	p.URL, p.Title = canonical, title
	return v.store.CreatePage(ctx, p, v.entry(actor, "page.create", "page"))
}

// Change sets the titles and the project of a page.
func (v *Pages) Change(ctx context.Context, actor epistle.Actor, p epistle.Page) error {
	if err := actor.Require(epistle.Moderate); err != nil {
		return err
	}
	var problems epistle.Problems
	title, err := v.readPage(ctx, p, &problems)
	if err != nil {
		return err
	}
	if err := problems.Err(); err != nil {
		return err
	}
	p.Title = title
	return v.store.UpdatePage(ctx, p, v.entry(actor, "page.change", "page"))
}

// readPage cleans the titles and looks for the project; err is what is no
// fault of the form's.
func (v *Pages) readPage(ctx context.Context, p epistle.Page, problems *epistle.Problems) (epistle.Text, error) {
	title := readTitles(p.Title, problems)
	if p.ProjectID == 0 {
		return title, nil
	}
	_, err := v.store.Project(ctx, p.ProjectID)
	if epistle.KindOf(err) == epistle.NotFound {
		problems.Add(epistle.InvalidField("project", "project.unknown"))
		return title, nil
	}
	return title, err
}

func readTitles(t epistle.Text, problems *epistle.Problems) epistle.Text {
	en, err := epistle.CleanLine("title_en", t.EN, epistle.MaxTitle)
	problems.Add(err)
	ko, errKO := epistle.CleanLine("title_ko", t.KO, epistle.MaxTitle)
	problems.Add(errKO)
	if err == nil && errKO == nil && en == "" && ko == "" {
		problems.Add(epistle.InvalidField("title_en", "title.missing"))
	}
	return epistle.Text{EN: en, KO: ko}
}

// AddProject adds a work of the ministry. Its slug is made from the title
// unless it has one. Problems belong to "title_en", "title_ko", "slug" and
// "page_url".
func (v *Pages) AddProject(ctx context.Context, actor epistle.Actor, p epistle.Project) (epistle.Project, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return epistle.Project{}, err
	}
	var problems epistle.Problems
	p.Title = readTitles(p.Title, &problems)
	if strings.TrimSpace(p.PageURL) != "" {
		canonical, err := epistle.ParsePageURL("page_url", p.PageURL)
		problems.Add(err)
		p.PageURL = canonical
	} else {
		p.PageURL = ""
	}
	if p.Slug != "" && slug(p.Slug) != p.Slug {
		problems.Add(epistle.InvalidField("slug", "project.slug"))
	}
	if err := problems.Err(); err != nil {
		return epistle.Project{}, err
	}
	if p.Slug == "" {
		var err error
		if p.Slug, err = v.freeSlug(ctx, p.Title); err != nil {
			return epistle.Project{}, err
		}
	}
	return v.store.CreateProject(ctx, p, v.entry(actor, "project.create", "project"))
}

// freeSlug makes a slug that is not taken; a race for one ends in Conflict.
func (v *Pages) freeSlug(ctx context.Context, title epistle.Text) (string, error) {
	base := slug(title.In(epistle.English))
	if base == "" {
		base = "project"
	}
	for n := 1; ; n++ {
		candidate := base
		if n > 1 {
			candidate += "-" + strconv.Itoa(n)
		}
		_, err := v.store.ProjectBySlug(ctx, candidate)
		if epistle.KindOf(err) == epistle.NotFound {
			return candidate, nil
		}
		if err != nil {
			return "", err
		}
	}
}

const maxSlug = 60

// slug is a title as it stands in an address: small letters and digits of any
// script, hyphens between.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
		if b.Len() >= maxSlug {
			break
		}
	}
	return strings.Trim(b.String(), "-")
}

func (v *Pages) entry(actor epistle.Actor, action, subject string) epistle.AuditEntry {
	return epistle.AuditEntry{At: v.clock(), Actor: actor, Action: action, Subject: subject}
}
