package desk

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

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
	Notes(ctx context.Context, subscriber epistle.ID) ([]epistle.Note, error)
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
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
		web.Desk("POST /desk/subscribers/{id}/edit", epistle.ChangePeople, s.edit),
		web.Desk("POST /desk/subscribers/{id}/note", epistle.ChangePeople, s.note),
		web.Desk("POST /desk/subscribers/{id}/erase", epistle.ErasePeople, s.erase),
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
	Filtered      bool
	MayImport     bool
	Older, Newest string
}

// counted fills in the numbers above the list, and the newsletters' names.
func (s Subscribers) counted(ctx context.Context, page *subscribersPage) error {
	counts, err := s.Store.CountPeople(ctx)
	if err != nil {
		return err
	}
	page.MayImport = web.ActorFrom(ctx).May(epistle.ImportPeople)
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
	page := subscribersPage{Form: web.NewForm(), Filter: filterOf(query)}
	unfiltered := epistle.PeopleFilter{Before: page.Filter.Before}
	page.Filtered = page.Filter != unfiltered
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

// filterOf reads the choices of the list from its address.
func filterOf(query url.Values) epistle.PeopleFilter {
	f := epistle.PeopleFilter{State: epistle.SubscriptionState(query.Get("state")), Language: epistle.Language(query.Get("language")),
		NewsletterID: idFrom(query, "newsletter"), Form: epistle.Form(query.Get("form")), Pace: epistle.Pace(query.Get("pace")),
		Before: idFrom(query, "before")}
	switch query.Get("mail") {
	case "paused":
		f.Paused = true
	case "suppressed":
		f.NotMailed = true
	}
	return f
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

// top leads to the beginning of a page, where it says what was done: a browser
// keeps the fragment that a form was sent to, unless the redirect names another.
const top = "#main"

func personPath(id epistle.ID) string { return "/desk/subscribers/" + strconv.FormatInt(id, 10) }

type subscriberPage struct {
	Person      epistle.Person
	Consents    []epistle.Consent
	Events      []happening
	Received    []epistle.Received
	Newsletters map[epistle.ID]epistle.Newsletter
	Notes       []noteLine
	Form        *web.Form
	Doing       string    // which of the page's forms .Form is: "edit", "note", "leave" …; "" if none was sent
	Edit        *web.Form // name, language, and how each newsletter comes
	May         bool      // change how they stand
	MayErase    bool
}

// FormFor is the form that was sent for one of the things that can be done
// here, or an empty one: a refusal is shown where it happened.
func (p subscriberPage) FormFor(doing string) *web.Form {
	if p.Doing == doing {
		return p.Form
	}
	return web.NewForm()
}

// noteLine is a note with who wrote it.
type noteLine struct {
	epistle.Note
	By string // "" for who is not known any more
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
	return s.page(w, r, id, "", web.NewForm())
}

func (s Subscribers) page(w http.ResponseWriter, r *http.Request, id epistle.ID, doing string, form *web.Form) (err error) {
	ctx := r.Context()
	page := subscriberPage{Form: form, Doing: doing, Newsletters: map[epistle.ID]epistle.Newsletter{}, May: web.ActorFrom(ctx).May(epistle.ChangePeople),
		MayErase: web.ActorFrom(ctx).May(epistle.ErasePeople)}
	if page.Person, err = s.Store.Person(ctx, id); err != nil {
		return err
	}
	if page.Edit = form; doing != "edit" {
		page.Edit = s.editForm(page.Person)
	}
	if page.Notes, err = s.notes(ctx, id); err != nil {
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

func (s Subscribers) notes(ctx context.Context, id epistle.ID) ([]noteLine, error) {
	notes, err := s.Store.Notes(ctx, id)
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	staff, err := s.Store.Staff(ctx)
	if err != nil {
		return nil, err
	}
	lines := make([]noteLine, len(notes))
	for i, n := range notes {
		lines[i] = noteLine{Note: n}
		for _, member := range staff {
			if member.ID == n.StaffID {
				lines[i].By = member.Name
			}
		}
	}
	return lines, nil
}

// fieldOf names a field of one subscription in the form.
func fieldOf(field string, subscription epistle.ID) string {
	return field + "-" + strconv.FormatInt(subscription, 10)
}

func (s Subscribers) editForm(p epistle.Person) *web.Form {
	form := web.NewForm("version", strconv.FormatInt(p.Subscriber.Version, 10), "name", p.Subscriber.Name, "language", string(p.Subscriber.Language))
	for _, n := range p.Subscriptions {
		form.Set(fieldOf("form", n.ID), string(n.Form))
		form.Set(fieldOf("pace", n.ID), string(n.Pace))
		if n.PausedUntil.After(s.Kernel.Now()) {
			form.Set(fieldOf("pause", n.ID), n.PausedUntil.In(s.Kernel.Location()).Format(time.DateOnly))
		}
	}
	return form
}

func (s Subscribers) edit(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "edit", "people.edited", func(id epistle.ID, note string) error {
		person, err := s.Store.Person(r.Context(), id)
		if err != nil {
			return err
		}
		form := web.FormOf(r)
		e := signup.Edit{SubscriberID: id, Name: form.Value("name"), Language: epistle.Language(form.Value("language")), Note: note}
		e.Version, _ = strconv.ParseInt(form.Value("version"), 10, 64) // what is no number is no current version
		for _, n := range person.Subscriptions {
			if n.State != epistle.Confirmed {
				continue
			}
			n.Form, n.Pace = epistle.Form(form.Value(fieldOf("form", n.ID))), epistle.Pace(form.Value(fieldOf("pace", n.ID)))
			if n.PausedUntil, err = s.pauseOf(form, n.ID); err != nil {
				return err
			}
			e.Subscriptions = append(e.Subscriptions, n)
		}
		return s.Signup.EditPerson(r.Context(), web.ActorFrom(r.Context()), e)
	})
}

// pauseOf reads the day on which a pause ends, in the ministry's zone; zero for
// none.
func (s Subscribers) pauseOf(form *web.Form, subscription epistle.ID) (time.Time, error) {
	field := fieldOf("pause", subscription)
	day := strings.TrimSpace(form.Value(field))
	if day == "" {
		return time.Time{}, nil
	}
	until, err := time.ParseInLocation(time.DateOnly, day, s.Kernel.Location())
	if err != nil || !until.After(s.Kernel.Now()) {
		return time.Time{}, epistle.InvalidField(field, "signup.pause")
	}
	return until.UTC(), nil
}

func (s Subscribers) note(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "note", "people.noted", func(id epistle.ID, _ string) error {
		return s.Signup.AddNote(r.Context(), web.ActorFrom(r.Context()), id, r.PostFormValue("text"))
	})
}

func (s Subscribers) erase(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = s.Signup.Erase(r.Context(), web.ActorFrom(r.Context()), id, form.Value("address"))
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, id, "erase", form)
	}
	s.Kernel.Flash(w, r, web.Good, "people.erased")
	return web.Redirect(w, r, "/desk/subscribers"+top)
}

func (s Subscribers) leave(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "leave", "people.left", func(id epistle.ID, note string) error {
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
	return s.change(w, r, "suppress", "people.suppressed", func(id epistle.ID, note string) error {
		return s.Signup.Suppress(r.Context(), web.ActorFrom(r.Context()), id, note)
	})
}

func (s Subscribers) lift(w http.ResponseWriter, r *http.Request) error {
	return s.change(w, r, "lift", "people.lifted", func(id epistle.ID, note string) error {
		return s.Signup.Lift(r.Context(), web.ActorFrom(r.Context()), id, note)
	})
}

// change does something to the person of the page, with a note of why.
func (s Subscribers) change(w http.ResponseWriter, r *http.Request, doing, done string, do func(id epistle.ID, note string) error) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	if err := s.Kernel.Refuse(r, form, do(id, form.Value("note"))); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, id, doing, form)
	}
	s.Kernel.Flash(w, r, web.Good, done)
	return web.Redirect(w, r, personPath(id)+top)
}
