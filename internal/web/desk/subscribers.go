package desk

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// PeopleReader is what the pages of subscribers read.
type PeopleReader interface {
	People(ctx context.Context, f epistle.PeopleFilter, limit int) ([]epistle.Person, error)
	FindPeople(ctx context.Context, wanted string, limit int) ([]epistle.Person, error)
	CountPeople(ctx context.Context) ([]epistle.PeopleCount, error)
	CountSuppressed(ctx context.Context) (int64, error)
	Person(ctx context.Context, subscriber epistle.ID) (epistle.Person, error)
	Consents(ctx context.Context, subscriber epistle.ID) ([]epistle.Consent, error)
	Events(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Event, error)
	Received(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Received, error)
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
}

// Subscribers shows the people who are mailed, and how they stand.
type Subscribers struct {
	Kernel *web.Kernel
	Store  PeopleReader
	Signup *signup.Service
}

// Routes is the area's table. Searching posts, so that no address gets into the
// browser's history.
func (s Subscribers) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/subscribers", epistle.ReadPeople, s.list),
		web.Desk("POST /desk/subscribers", epistle.ReadPeople, s.search),
		web.Desk("GET /desk/subscribers/{id}", epistle.ReadPeople, s.show),
		web.Desk("POST /desk/subscribers/{id}/leave", epistle.ChangePeople, s.leave),
		web.Desk("POST /desk/subscribers/{id}/suppress", epistle.ChangePeople, s.suppress),
		web.Desk("POST /desk/subscribers/{id}/lift", epistle.ChangePeople, s.lift),
	}
}

type subscribersPage struct {
	Form          *web.Form // the search
	Filter        epistle.PeopleFilter
	People        []epistle.Person
	Newsletters   map[epistle.ID]epistle.Newsletter
	Confirmed     int64
	ByLanguage    map[string]int64
	Left          int64
	Suppressed    int64
	Searched      bool
	Older, Newest string
}

// counted fills in the numbers above the list, and the newsletters' names.
func (s Subscribers) counted(ctx context.Context, page *subscribersPage) error {
	counts, err := s.Store.CountPeople(ctx)
	if err != nil {
		return err
	}
	page.ByLanguage, page.Newsletters = map[string]int64{}, map[epistle.ID]epistle.Newsletter{}
	for _, c := range counts {
		if c.State == epistle.Left {
			page.Left += c.Count
			continue
		}
		page.Confirmed += c.Count
		page.ByLanguage[string(c.Language)] += c.Count
	}
	if page.Suppressed, err = s.Store.CountSuppressed(ctx); err != nil {
		return err
	}
	newsletters, err := s.Store.Newsletters(ctx)
	for _, n := range newsletters {
		page.Newsletters[n.ID] = n
	}
	return err
}

func (s Subscribers) list(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page := subscribersPage{Form: web.NewForm(), Filter: epistle.PeopleFilter{State: epistle.SubscriptionState(query.Get("state")),
		Language: epistle.Language(query.Get("language")), NewsletterID: idFrom(query, "newsletter"), Before: idFrom(query, "before")}}
	if err := s.counted(r.Context(), &page); err != nil {
		return err
	}
	var err error
	page.People, err = s.Store.People(r.Context(), page.Filter, peoplePerPage+1)
	if err != nil {
		return err
	}
	if len(page.People) > peoplePerPage {
		page.People = page.People[:peoplePerPage]
		page.Older = pageBefore(r, strconv.FormatInt(page.People[peoplePerPage-1].Subscriber.ID, 10))
	}
	if page.Filter.Before > 0 {
		page.Newest = pageBefore(r, "")
	}
	return s.Kernel.Render(w, r, "desk/subscribers", page)
}

func (s Subscribers) search(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	wanted := strings.TrimSpace(form.Value("wanted"))
	if wanted == "" {
		return web.Redirect(w, r, "/desk/subscribers")
	}
	people, err := s.Store.FindPeople(r.Context(), wanted, peoplePerPage)
	if err != nil {
		return err
	}
	if len(people) == 1 {
		return web.Redirect(w, r, personPath(people[0].Subscriber.ID))
	}
	page := subscribersPage{Form: form, People: people, Searched: true}
	if err := s.counted(r.Context(), &page); err != nil {
		return err
	}
	return s.Kernel.RenderStatus(w, r, http.StatusOK, "desk/subscribers", page)
}

func personPath(id epistle.ID) string { return "/desk/subscribers/" + strconv.FormatInt(id, 10) }

type subscriberPage struct {
	Person      epistle.Person
	Consents    []epistle.Consent
	Events      []happening
	Received    []epistle.Received
	Newsletters map[epistle.ID]epistle.Newsletter
	Form        *web.Form
	May         bool // change how they stand
}

// happening is an event with its reason told apart: a choice that has words in
// the catalogue, and what the person or the staff wrote.
type happening struct {
	epistle.Event
	Choice string // a key of the catalogue, or ""
	Words  string
}

func happeningOf(e epistle.Event) happening {
	first, rest, _ := strings.Cut(e.Reason, "\n")
	switch {
	case e.Kind == epistle.EventLeft && signup.IsReason(first):
		return happening{Event: e, Choice: "signup.reason." + first, Words: rest}
	case e.Kind == epistle.EventLifted && e.Way == epistle.ByPage:
		return happening{Event: e, Choice: "people.suppression." + e.Reason}
	}
	return happening{Event: e, Words: e.Reason}
}

const historyLength = 50

func (s Subscribers) show(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.page(w, r, id, web.NewForm())
}

func (s Subscribers) page(w http.ResponseWriter, r *http.Request, id epistle.ID, form *web.Form) (err error) {
	ctx := r.Context()
	page := subscriberPage{Form: form, Newsletters: map[epistle.ID]epistle.Newsletter{}, May: web.ActorFrom(ctx).May(epistle.ChangePeople)}
	if page.Person, err = s.Store.Person(ctx, id); err != nil {
		return err
	}
	if page.Consents, err = s.Store.Consents(ctx, id); err != nil {
		return err
	}
	events, err := s.Store.Events(ctx, id, historyLength)
	if err != nil {
		return err
	}
	for _, e := range events {
		page.Events = append(page.Events, happeningOf(e))
	}
	if page.Received, err = s.Store.Received(ctx, id, historyLength); err != nil {
		return err
	}
	newsletters, err := s.Store.Newsletters(ctx)
	if err != nil {
		return err
	}
	for _, n := range newsletters {
		page.Newsletters[n.ID] = n
	}
	return s.Kernel.Render(w, r, "desk/subscriber", page)
}

func (s Subscribers) leave(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "people.left", func(id epistle.ID, note string) error {
		person, err := s.Store.Person(r.Context(), id)
		if err != nil {
			return err
		}
		newsletter, _ := strconv.ParseInt(r.PostFormValue("newsletter"), 10, 64)
		subscription, ok := person.In(newsletter)
		if !ok {
			return epistle.Errorf(epistle.NotFound, "not-found", nil)
		}
		return s.Signup.LeaveOnBehalf(r.Context(), web.ActorFrom(r.Context()), subscription.ID, note)
	})
}

func (s Subscribers) suppress(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "people.suppressed", func(id epistle.ID, note string) error {
		return s.Signup.Suppress(r.Context(), web.ActorFrom(r.Context()), id, note)
	})
}

func (s Subscribers) lift(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "people.lifted", func(id epistle.ID, note string) error {
		return s.Signup.Lift(r.Context(), web.ActorFrom(r.Context()), id, note)
	})
}

// change does something to the person of the page, with a note of why.
func (s Subscribers) change(w http.ResponseWriter, r *http.Request, done string, do func(id epistle.ID, note string) error) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	if err := s.Kernel.Refuse(r, form, do(id, form.Value("note"))); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, id, form)
	}
	s.Kernel.Flash(w, r, web.Good, done)
	return web.Redirect(w, r, personPath(id))
}
