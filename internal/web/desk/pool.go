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

// PoolReader is what the pages of the pool read.
type PoolReader interface {
	Letter(ctx context.Context, id epistle.ID) (epistle.Letter, error)
	Letters(ctx context.Context, f store.PoolFilter) ([]epistle.Letter, error)
	Prayer(ctx context.Context, id epistle.ID) (epistle.Prayer, error)
	Prayers(ctx context.Context, f store.PoolFilter) ([]epistle.Prayer, error)
	Link(ctx context.Context, id epistle.ID) (epistle.Link, error)
	Links(ctx context.Context, f store.PoolFilter) ([]epistle.Link, error)
	Question(ctx context.Context, id epistle.ID) (epistle.Question, error)
	Questions(ctx context.Context, f store.PoolFilter) ([]epistle.Question, error)
	Video(ctx context.Context, id epistle.ID) (epistle.Video, error)
	Videos(ctx context.Context, f store.PoolFilter) ([]epistle.Video, error)
	CountPool(ctx context.Context, kind epistle.ItemKind) (map[string]int, error)
	IssuesShowing(ctx context.Context, kind epistle.ItemKind, id epistle.ID) ([]epistle.Issue, error)
	AuditTrail(ctx context.Context, subject string, id epistle.ID, limit int) ([]epistle.AuditEntry, error)
	Projects(ctx context.Context) ([]epistle.Project, error)
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
}

// LetterPreview shows a letter's Markdown as readers will see it.
type LetterPreview interface {
	LetterHTML(markdown string) (string, error)
}

// Pool are the pages of what waits to be used in an issue: letters, prayers,
// news links, questions and videos.
type Pool struct {
	Kernel  *web.Kernel
	Store   PoolReader
	Pool    *editorial.Pool
	Preview LetterPreview
	Zone    *time.Location // the ministry's, in which a prayer's last day ends
}

// poolBody bounds a posted item: a long letter in two languages, escaped.
const poolBody = 2 << 20

// Routes are the pages.
func (p Pool) Routes() []web.Route {
	routes := p.linkRoutes()
	for _, kind := range []poolKind{letterKind{p}, prayerKind{p}, questionKind{p}, videoKind{p}} {
		pages := itemPages{p, kind}
		path := kind.path()
		routes = append(routes,
			web.Desk("GET "+path, epistle.ReadDesk, pages.list),
			web.Desk("GET "+path+"/new", epistle.WritePool, pages.blank),
			web.Desk("POST "+path, epistle.WritePool, pages.create).MaxBody(poolBody),
			web.Desk("GET "+path+"/{id}", epistle.ReadDesk, pages.show),
			web.Desk("POST "+path+"/{id}", epistle.WritePool, pages.save).MaxBody(poolBody),
			web.Desk("POST "+path+"/{id}/current", epistle.WritePool, pages.moveTo(p.Pool.MakeCurrent, "pool.done.current")),
			web.Desk("POST "+path+"/{id}/draft", epistle.WritePool, pages.moveTo(p.Pool.ToDraft, "pool.done.draft")),
			web.Desk("POST "+path+"/{id}/withdraw", epistle.WithdrawItem, p.withdraw(kind.kind(), path)),
		)
	}
	return append(routes,
		web.Desk("POST /desk/prayers/{id}/answered", epistle.WritePool, itemPages{p, prayerKind{p}}.moveTo(
			func(ctx context.Context, actor epistle.Actor, _ epistle.ItemKind, id epistle.ID, version int64) error {
				return p.Pool.Answered(ctx, actor, id, version)
			}, "pool.done.answered")),
		web.Desk("POST /desk/letters/preview", epistle.ReadDesk, p.previewLetter).MaxBody(poolBody))
}

// poolRow is a line of a list.
type poolRow struct {
	ID      epistle.ID
	Title   string
	Text    string
	Address *editorial.WebAddress
	Meta    []string
	Date    time.Time // when it was written or published
	Until   time.Time // a moment of its last day
	Lacking []epistle.Language
	State   string // its words are under "pool.state."
	Solo    bool
}

// poolTab is a filter above a list.
type poolTab struct {
	State   string // "open" and "all" are no states
	Count   int
	Current bool
}

type poolListPage struct {
	Name    string // "letters": the key of its words and the end of its path
	Path    string
	Icon    string
	Tabs    []poolTab
	Tab     string
	Rows    []poolRow
	Pager   web.Pager
	MayAdd  bool
	IsEmpty bool // there is nothing in any state
}

const poolPerPage = 40

// chooseTab makes the filters of a list from the counts of its states: what is
// at hand, each state that has something in it, and everything. Filters that
// would show the same as the first are left out.
func chooseTab(r *http.Request, counts map[string]int, open, others []string) (tabs []poolTab, chosen poolTab, f store.PoolFilter) {
	count := func(states []string) (n int) {
		for _, s := range states {
			n += counts[s]
		}
		return n
	}
	every := append(append([]string{}, open...), others...)
	asked := r.URL.Query().Get("state")
	tabs = []poolTab{{State: "open", Count: count(open)}}
	for _, s := range every {
		if s == asked || counts[s] > 0 && counts[s] != tabs[0].Count || counts[s] > 0 && slices.Contains(others, s) {
			tabs = append(tabs, poolTab{State: s, Count: counts[s]})
		}
	}
	if all := count(every); asked == "all" || all != tabs[0].Count {
		tabs = append(tabs, poolTab{State: "all", Count: all})
	}
	at := 0
	for i, tab := range tabs {
		if tab.State == asked {
			at = i
		}
	}
	tabs[at].Current = true
	chosen = tabs[at]
	switch chosen.State {
	case "open":
		f.States = open
	case "all":
	default:
		f.State = chosen.State
	}
	f.Limit = poolPerPage
	return tabs, chosen, f
}

// listPage shows one page of a kind's list.
func (p Pool) listPage(w http.ResponseWriter, r *http.Request, kind epistle.ItemKind, page poolListPage, open, others []string,
	rows func(ctx context.Context, f store.PoolFilter) ([]poolRow, error)) error {
	counts, err := p.Store.CountPool(r.Context(), kind)
	if err != nil {
		return err
	}
	total := 0
	tabs, tab, f := chooseTab(r, counts, open, others)
	page.Tabs, page.Tab = tabs, tab.State
	for _, n := range counts {
		total += n
	}
	page.IsEmpty = total == 0
	page.Pager = web.NewPager(r, poolPerPage, int64(tab.Count))
	page.MayAdd = web.ActorFrom(r.Context()).May(epistle.WritePool)
	f.Offset = page.Pager.Offset
	if page.Rows, err = rows(r.Context(), f); err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/pool", page)
}

// withdraw takes an item back, whatever its version, and says how many issues
// were stopped.
func (p Pool) withdraw(kind epistle.ItemKind, path string) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r)
		if err != nil {
			return err
		}
		held, err := p.Pool.Withdraw(r.Context(), web.ActorFrom(r.Context()), kind, id)
		if err != nil {
			return err
		}
		if len(held) > 0 {
			p.Kernel.Flash(w, r, web.Wait, "pool.done.withdrawn.held", "Count", len(held))
		} else {
			p.Kernel.Flash(w, r, web.Good, "pool.done.withdrawn")
		}
		return web.Redirect(w, r, path+"/"+strconv.FormatInt(id, 10))
	}
}

// decided redirects to an item after a button was pressed; a decision that came
// too late or is not allowed is said on that page instead of an error page.
func (p Pool) decided(w http.ResponseWriter, r *http.Request, to string, err error, done string) error {
	var e *epistle.Error
	switch {
	case err == nil:
		p.Kernel.Flash(w, r, web.Good, done)
	case errors.As(err, &e) && (e.Kind == epistle.Conflict || e.Kind == epistle.Forbidden):
		p.Kernel.Flash(w, r, web.Bad, "error."+e.Message)
	default:
		return err
	}
	return web.Redirect(w, r, to)
}

// staffNames are the names of all members, by id.
func (p Pool) staffNames(ctx context.Context) (map[epistle.ID]string, error) {
	members, err := p.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[epistle.ID]string, len(members))
	for _, m := range members {
		names[m.ID] = m.Name
	}
	return names, nil
}

// pathID is the id in a page's address.
func pathID(r *http.Request) (epistle.ID, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return 0, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return id, nil
}

// formVersion is the version that a form was made from.
func formVersion(form *web.Form) int64 {
	version, err := strconv.ParseInt(form.Value("version"), 10, 64)
	if err != nil {
		return 0
	}
	return version
}
