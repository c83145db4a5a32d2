package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/web"
)

const linksPath = "/desk/links"

func (p Pool) linkRoutes() []web.Route {
	return []web.Route{
		web.Desk("GET "+linksPath, epistle.ReadDesk, p.listLinks),
		web.Desk("GET "+linksPath+"/new", epistle.WritePool, p.blankLink),
		web.Desk("POST "+linksPath, epistle.WritePool, p.submitLink),
		web.Desk("GET "+linksPath+"/{id}", epistle.ReadDesk, p.showLink),
		web.Desk("GET "+linksPath+"/{id}/edit", epistle.WritePool, p.editLink),
		web.Desk("POST "+linksPath+"/{id}", epistle.WritePool, p.saveLink),
		web.Desk("POST "+linksPath+"/{id}/confirm", epistle.ReadDesk, p.confirmLink),
		web.Desk("POST "+linksPath+"/{id}/reject", epistle.ConfirmLink, p.rejectLink),
		web.Desk("POST "+linksPath+"/{id}/resubmit", epistle.WritePool, p.resubmitLink),
		web.Desk("POST "+linksPath+"/{id}/withdraw", epistle.WithdrawItem, p.withdraw(epistle.LinkItem, linksPath)),
	}
}

func (p Pool) listLinks(w http.ResponseWriter, r *http.Request) error {
	open := []string{string(epistle.LinkSubmitted), string(epistle.LinkConfirmed)}
	others := []string{string(epistle.LinkRejected), string(epistle.LinkWithdrawn)}
	page := poolListPage{Name: "links", Path: linksPath, Icon: "link"}
	l := p.Kernel.Language(r)
	return p.listPage(w, r, epistle.LinkItem, page, open, others, func(ctx context.Context, f store.PoolFilter) ([]poolRow, error) {
		links, err := p.Store.Links(ctx, f)
		if err != nil {
			return nil, err
		}
		rows := make([]poolRow, len(links))
		for i, link := range links {
			rows[i] = poolRow{ID: link.ID, Title: link.Title.In(l), Address: addressOf(link.URL), Meta: []string{link.Publisher},
				Lacking: editorial.Lacking(link.Title, link.Summary), State: "link." + string(link.State), Date: publishedDay(link), Solo: link.Solo}
		}
		return rows, nil
	})
}

// publishedDay is the publisher's own date; its zone is theirs, so it is a day
// and no moment.
func publishedDay(l epistle.Link) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, l.PublishedOn, dayZone)
	if err != nil {
		return time.Time{}
	}
	return day
}

// dayZone has a name of its own: times in UTC, or in no named zone, are moved to
// the ministry's zone when they are shown, which a day must not be.
var dayZone = time.FixedZone("day", 0)

// linkFormPage is the form of a link, new or old.
type linkFormPage struct {
	Form        *web.Form
	Link        epistle.Link
	Saved       []savedField
	DuplicateID epistle.ID
}

func (p Pool) blankLink(w http.ResponseWriter, r *http.Request) error {
	return p.Kernel.Render(w, r, "desk/link-form", linkFormPage{Form: web.NewForm()})
}

func (p Pool) submitLink(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	id, err := p.Pool.SubmitLink(r.Context(), web.ActorFrom(r.Context()), linkFrom(form))
	duplicate := duplicateOf(err)
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return p.Kernel.Render(w, r, "desk/link-form", linkFormPage{Form: form, DuplicateID: duplicate})
	}
	p.Kernel.Flash(w, r, web.Good, "pool.done.submitted")
	return web.Redirect(w, r, linkPath(id))
}

func (p Pool) editLink(w http.ResponseWriter, r *http.Request) error {
	link, err := p.linkOf(r)
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/link-form", linkFormPage{Form: linkForm(link), Link: link})
}

func (p Pool) saveLink(w http.ResponseWriter, r *http.Request) error {
	before, err := p.linkOf(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	link := linkFrom(form)
	link.ID = before.ID
	err = p.Pool.UpdateLink(r.Context(), web.ActorFrom(r.Context()), link)
	page := linkFormPage{Form: form, Link: before, DuplicateID: duplicateOf(err)}
	lost := changedMeanwhile(err)
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		if lost {
			if page.Link, err = p.Store.Link(r.Context(), before.ID); err != nil {
				return err
			}
			stored := linkForm(page.Link)
			page.Saved = differing(stored, form)
			form.Set("version", stored.Value("version"))
		}
		return p.Kernel.Render(w, r, "desk/link-form", page)
	}
	after, err := p.Store.Link(r.Context(), before.ID)
	if err != nil {
		return err
	}
	if before.State == epistle.LinkConfirmed && after.State == epistle.LinkSubmitted {
		p.Kernel.Flash(w, r, web.Wait, "pool.done.unconfirmed")
	} else {
		p.Kernel.Flash(w, r, web.Good, "pool.done.saved")
	}
	return web.Redirect(w, r, linkPath(before.ID))
}

// linkPage is a link with its evidence and what may be done about it.
type linkPage struct {
	Link      epistle.Link
	Address   *editorial.WebAddress
	Published time.Time
	Lacking   []epistle.Language
	Names     map[epistle.ID]string
	Showing   []epistle.Issue
	Trail     []epistle.AuditEntry
	Form      *web.Form // of the rejection
	May       struct{ Confirm, Reject, Write, Withdraw bool }
	Solo      bool   // a confirmation now would be a solo one
	Why       string // why this member may not confirm: a key of the catalogue
}

const trailLines = 20

func (p Pool) showLink(w http.ResponseWriter, r *http.Request) error {
	return p.linkPage(w, r, web.NewForm())
}

func (p Pool) linkPage(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	ctx, actor := r.Context(), web.ActorFrom(r.Context())
	link, err := p.linkOf(r)
	if err != nil {
		return err
	}
	page := linkPage{Link: link, Form: form, Address: addressOf(link.URL), Published: publishedDay(link), Lacking: editorial.Lacking(link.Title, link.Summary)}
	if page.Names, err = p.staffNames(ctx); err != nil {
		return err
	}
	if page.Showing, err = p.Store.IssuesShowing(ctx, epistle.LinkItem, link.ID); err != nil {
		return err
	}
	if page.Trail, err = p.trailOf(ctx, link.ID); err != nil {
		return err
	}
	page.May.Write, page.May.Withdraw = actor.May(epistle.WritePool), actor.May(epistle.WithdrawItem)
	page.May.Reject = actor.May(epistle.ConfirmLink) && link.State == epistle.LinkSubmitted
	var refusal *epistle.Error
	switch page.Solo, err = p.Pool.MayConfirm(ctx, actor, link); {
	case err == nil:
		page.May.Confirm = true
	case errors.As(err, &refusal) && refusal.Kind == epistle.Forbidden:
		page.Why = "error." + refusal.Message
	case epistle.KindOf(err) != epistle.Conflict:
		return err
	}
	status := http.StatusOK
	if form.Failed() {
		status = http.StatusUnprocessableEntity
	}
	return p.Kernel.RenderStatus(w, r, status, "desk/link", page)
}

// told are the acts that a link's history tells; each has its words.
var told = []string{"link.submit", "link.update", "link.confirm", "link.reject", "link.resubmit", "link.withdraw"}

func (p Pool) trailOf(ctx context.Context, id epistle.ID) ([]epistle.AuditEntry, error) {
	all, err := p.Store.AuditTrail(ctx, "link", id, trailLines)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e epistle.AuditEntry) bool { return !slices.Contains(told, e.Action) }), nil
}

func (p Pool) confirmLink(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	err = p.Pool.ConfirmLink(r.Context(), web.ActorFrom(r.Context()), id, formVersion(web.FormOf(r)))
	return p.decided(w, r, linkPath(id), err, "pool.done.confirmed")
}

func (p Pool) rejectLink(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = p.Pool.RejectLink(r.Context(), web.ActorFrom(r.Context()), id, formVersion(form), form.Value("reason"))
	if epistle.KindOf(err) == epistle.Invalid {
		if err := p.Kernel.Refuse(r, form, err); err != nil {
			return err
		}
		return p.linkPage(w, r, form)
	}
	return p.decided(w, r, linkPath(id), err, "pool.done.rejected")
}

func (p Pool) resubmitLink(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	err = p.Pool.ResubmitLink(r.Context(), web.ActorFrom(r.Context()), id, formVersion(web.FormOf(r)))
	return p.decided(w, r, linkPath(id), err, "pool.done.submitted")
}

func (p Pool) linkOf(r *http.Request) (epistle.Link, error) {
	id, err := pathID(r)
	if err != nil {
		return epistle.Link{}, err
	}
	return p.Store.Link(r.Context(), id)
}

func linkPath(id epistle.ID) string { return linksPath + "/" + strconv.FormatInt(id, 10) }

func linkForm(l epistle.Link) *web.Form {
	form := formAt(l.Version)
	form.Set("url", l.URL)
	form.SetText("title", l.Title)
	form.SetText("summary", l.Summary)
	form.Set("publisher", l.Publisher)
	form.Set("published_on", l.PublishedOn)
	form.Set("note", l.Note)
	return form
}

func linkFrom(form *web.Form) epistle.Link {
	return epistle.Link{URL: form.Value("url"), Title: form.Text("title"), Summary: form.Text("summary"), Publisher: form.Value("publisher"),
		PublishedOn: form.Value("published_on"), Note: form.Value("note"), Version: formVersion(form)}
}

// duplicateOf is the link that a new one repeats; 0 if it repeats none.
func duplicateOf(err error) epistle.ID {
	var e *epistle.Error
	if errors.As(err, &e) && e.Message == "link.duplicate" {
		if id, ok := e.Data["ID"].(epistle.ID); ok {
			return id
		}
	}
	return 0
}
