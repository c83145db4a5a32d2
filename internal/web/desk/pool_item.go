package desk

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/store"
	"epistle/internal/web"
)

// poolKind is in what the pages of letters, prayers, questions and videos
// differ.
type poolKind interface {
	kind() epistle.ItemKind
	path() string // "/desk/letters"
	icon() string
	// states are those that are at hand, and the others.
	states() (open, others []string)
	rows(ctx context.Context, l epistle.Language, f store.PoolFilter) ([]poolRow, error)
	// load fills a form with what is stored.
	load(ctx context.Context, id epistle.ID) (*web.Form, itemHead, error)
	// keep creates (id 0) or updates an item from a form.
	keep(ctx context.Context, actor epistle.Actor, id epistle.ID, form *web.Form) (epistle.ID, error)
	// choices is what the form offers to choose from.
	choices(ctx context.Context, words *locale.Words, form *web.Form) (any, error)
}

// itemHead is what a page says about an item beside its form.
type itemHead struct {
	ID      epistle.ID
	Version int64
	Title   epistle.Text
	State   epistle.ItemState
	Lacking []epistle.Language
}

// Closed reports an item whose words may no longer be changed.
func (h itemHead) Closed() bool { return h.State == epistle.Used || h.State == epistle.Withdrawn }

// savedField is what somebody else saved where the form says something else.
type savedField struct{ Name, Language, Value string }

type itemPage struct {
	Kind    epistle.ItemKind
	Name    string // "letters"
	Path    string
	Form    *web.Form
	Head    itemHead
	Showing []epistle.Issue
	Saved   []savedField
	Choices any
	May     struct{ Write, Withdraw bool }
}

// itemPages are the pages of one kind.
type itemPages struct {
	Pool
	of poolKind
}

func (p itemPages) list(w http.ResponseWriter, r *http.Request) error {
	open, others := p.of.states()
	page := poolListPage{Name: strings.TrimPrefix(p.of.path(), "/desk/"), Path: p.of.path(), Icon: p.of.icon()}
	return p.listPage(w, r, p.of.kind(), page, open, others, func(ctx context.Context, f store.PoolFilter) ([]poolRow, error) {
		return p.of.rows(ctx, p.Kernel.Language(r), f)
	})
}

func (p itemPages) blank(w http.ResponseWriter, r *http.Request) error {
	return p.page(w, r, http.StatusOK, itemPage{Form: web.NewForm()})
}

func (p itemPages) create(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	id, err := p.of.keep(r.Context(), web.ActorFrom(r.Context()), 0, form)
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return p.page(w, r, http.StatusUnprocessableEntity, itemPage{Form: form})
	}
	if form.Value("state") == string(epistle.Current) {
		p.Kernel.Flash(w, r, web.Good, "pool.done.created.current")
	} else {
		p.Kernel.Flash(w, r, web.Good, "pool.done.created")
	}
	return web.Redirect(w, r, p.of.path()+"/"+strconv.FormatInt(id, 10))
}

func (p itemPages) show(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form, head, err := p.of.load(r.Context(), id)
	if err != nil {
		return err
	}
	return p.page(w, r, http.StatusOK, itemPage{Form: form, Head: head})
}

func (p itemPages) save(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	_, err = p.of.keep(r.Context(), web.ActorFrom(r.Context()), id, form)
	lost := changedMeanwhile(err)
	if err := p.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if !form.Failed() {
		p.Kernel.Flash(w, r, web.Good, "pool.done.saved")
		return web.Redirect(w, r, p.of.path()+"/"+strconv.FormatInt(id, 10))
	}
	stored, head, err := p.of.load(r.Context(), id)
	if err != nil {
		return err
	}
	page := itemPage{Form: form, Head: head}
	if lost {
		// What was typed stays; saving again replaces what is shown beside it.
		page.Saved = differing(stored, form)
		form.Set("version", stored.Value("version"))
	}
	return p.page(w, r, http.StatusUnprocessableEntity, page)
}

func (p itemPages) page(w http.ResponseWriter, r *http.Request, status int, page itemPage) error {
	var err error
	actor := web.ActorFrom(r.Context())
	page.Kind, page.Path, page.Name = p.of.kind(), p.of.path(), strings.TrimPrefix(p.of.path(), "/desk/")
	page.May.Write, page.May.Withdraw = actor.May(epistle.WritePool), actor.May(epistle.WithdrawItem)
	if page.Choices, err = p.of.choices(r.Context(), p.Kernel.Words(r), page.Form); err != nil {
		return err
	}
	if page.Head.ID != 0 {
		if page.Showing, err = p.Store.IssuesShowing(r.Context(), page.Kind, page.Head.ID); err != nil {
			return err
		}
	}
	return p.Kernel.RenderStatus(w, r, status, "desk/"+string(page.Kind), page)
}

// moveTo is a button that changes an item's state.
func (p itemPages) moveTo(move func(context.Context, epistle.Actor, epistle.ItemKind, epistle.ID, int64) error, done string) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		err = move(r.Context(), web.ActorFrom(r.Context()), p.of.kind(), id, formVersion(web.FormOf(r)))
		return p.decided(w, r, p.of.path()+"/"+strconv.FormatInt(id, 10), err, done)
	}
}

func changedMeanwhile(err error) bool {
	var e *epistle.Error
	return errors.As(err, &e) && e.Message == "changed-meanwhile"
}

// differing lists the words that are stored otherwise than they stand in the
// form, the line ends of browsers aside.
func differing(stored, typed *web.Form) []savedField {
	var all []savedField
	for _, name := range []string{"title", "headline", "text", "url", "summary", "body", "publisher", "published_on", "note"} {
		for _, language := range []string{"", "en", "ko"} {
			field := name
			if language != "" {
				field += "_" + language
			}
			value := stored.Value(field)
			if value != "" && value != strings.ReplaceAll(strings.TrimSpace(typed.Value(field)), "\r\n", "\n") {
				all = append(all, savedField{name, language, value})
			}
		}
	}
	return all
}

func itemState(form *web.Form) epistle.ItemState { return epistle.ItemState(form.Value("state")) }

func stateNames(states ...epistle.ItemState) []string {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return names
}

// formAt begins a form for an item with its version.
func formAt(version int64) *web.Form {
	return web.NewForm("version", strconv.FormatInt(version, 10))
}
