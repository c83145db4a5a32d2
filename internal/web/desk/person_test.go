package desk_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

// office is a house with the pages of people and one subscriber, Grace.
type office struct {
	*house
	verb  *signup.Service
	grace epistle.Person
	path  string // of her page
}

func eachOffice(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		verb := signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(t), Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
		k := webtest.Kernel(t, clock.Now)
		o := &office{verb: verb, house: openHouse(t, s, clock,
			desk.Signups{Kernel: k, Store: s, Signup: verb}, desk.Subscribers{Kernel: k, Store: s, Signup: verb})}
		n, err := s.CreateNewsletter(t.Context(), weekly(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
		o.must(err)
		_, err = verb.Import(t.Context(), epistle.SystemActor(), strings.NewReader("email,name,language\ngrace@example.org,Grace Kim,ko\n"),
			signup.Import{NewsletterID: n.ID, Mode: signup.Vouched, Source: "Cards of the autumn retreat."})
		o.must(err)
		o.look()
		o.path = fmt.Sprintf("/desk/subscribers/%d", o.grace.Subscriber.ID)
		test(t, o)
	})
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// look reads Grace anew.
func (o *office) look() {
	o.t.Helper()
	person, err := o.store.SubscriberByAddress(o.t.Context(), "grace@example.org")
	o.must(err)
	o.grace, err = o.store.Person(o.t.Context(), person.ID)
	o.must(err)
}

// atWork signs a new member in, in a browser of their own.
func (o *office) atWork(role string) {
	o.t.Helper()
	o.hire(role)
	o.browser = newBrowser(o.t)
	o.signIn(role)
}

// edit posts the form of changes as it stands, but for some fields.
func (o *office) edit(changed ...string) (status int, page string) {
	o.t.Helper()
	n := o.grace.Subscriptions[0]
	fields := map[string]string{"version": fmt.Sprint(o.grace.Subscriber.Version), "name": "Grace Kim", "language": "ko",
		fmt.Sprintf("pace-%d", n.ID): "weekly", fmt.Sprintf("form-%d", n.ID): "full", fmt.Sprintf("pause-%d", n.ID): ""}
	for i := 0; i+1 < len(changed); i += 2 {
		fields[changed[i]] = changed[i+1]
	}
	var form []string
	for name, value := range fields {
		form = append(form, name, value)
	}
	status, page, _ = o.visit(o.path+"/edit", form...)
	return status, page
}

func TestStaffChangeAPersonAtTheirWish(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.atWork("author")
		id := o.grace.Subscriptions[0].ID
		pace, form, pause := fmt.Sprintf("pace-%d", id), fmt.Sprintf("form-%d", id), fmt.Sprintf("pause-%d", id)

		// What cannot be is said beside its field, and nothing is changed.
		for name, c := range map[string]struct{ field, value, beside string }{
			"a day that is none":       {pause, "soon", pause},
			"a day that is gone":       {pause, "2026-11-22", pause},
			"a language that is none":  {"language", "de", "language"},
			"a name that is too long":  {"name", strings.Repeat("x", epistle.MaxName+1), "name"},
			"a note with damaged text": {"note", "\xff", "edit-note"},
		} {
			status, page := o.edit(c.field, c.value)
			if status != http.StatusUnprocessableEntity || !strings.Contains(page, fmt.Sprintf(`id="f-%s-error"`, c.beside)) {
				t.Errorf("%s: %d, without a sentence at %s", name, status, c.beside)
			}
		}
		for field, value := range map[string]string{pace: "hourly", form: "loud"} {
			if status, page := o.edit(field, value); status != http.StatusUnprocessableEntity || !strings.Contains(page, "Please choose one of these.") {
				t.Errorf("%s=%s: %d", field, value, status)
			}
		}
		before := o.grace
		if o.look(); o.grace.Subscriber.Version != before.Subscriber.Version {
			t.Fatal("a refused form changed something")
		}

		status, page := o.edit("name", "Grace Kim-Lee", "language", "en", pace, "monthly", form, "discreet", pause, "2027-01-15", "note", "She rang us up.")
		wants(t, page, "Saved.", "Grace Kim-Lee", "The first issue of each month", "Discreet", "Until 15 January 2027", "Changed by staff", "She rang us up.")
		if status != http.StatusOK {
			t.Errorf("saving: %d", status)
		}
		o.look()
		n := o.grace.Subscriptions[0]
		seoul, err := time.LoadLocation("Asia/Seoul")
		o.must(err)
		if s := o.grace.Subscriber; s.Name != "Grace Kim-Lee" || s.Language != epistle.English || n.Pace != epistle.Monthly || n.Form != epistle.Discreet ||
			!n.PausedUntil.Equal(time.Date(2027, 1, 15, 0, 0, 0, 0, seoul)) {
			t.Errorf("saved %+v, %+v", s, n)
		}

		// Who is slower is told, and keeps what they typed.
		o.grace.Subscriber.Version--
		status, page = o.edit("name", "Too Late")
		if status != http.StatusUnprocessableEntity {
			t.Errorf("the slower one: %d", status)
		}
		wants(t, page, "Somebody else changed this", `value="Too Late"`)
	})
}

func TestNotesOnAPersonAreSealedAndNamed(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.atWork("author")
		status, page, _ := o.visit(o.path+"/note", "text", "  ")
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, `id="f-text-error"`) || strings.Count(page, `class="field-error"`) != 1 {
			t.Errorf("an empty note: %d, the sentence is not beside the field and only there", status)
		}
		_, page, _ = o.visit(o.path+"/note", "text", "Meets on <Wednesdays>.\nAsk about the tutors.")
		wants(t, page, "The note is kept.", "Meets on &lt;Wednesdays&gt;.\nAsk about the tutors.", "Hana &lt;b&gt;", "22 November 2026, 18:00")
		notes, err := o.store.Notes(t.Context(), o.grace.Subscriber.ID)
		if err != nil || len(notes) != 1 || notes[0].StaffID == 0 {
			t.Errorf("notes %+v, %v", notes, err)
		}
	})
}

func TestARefusalIsShownWhereItHappened(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.atWork("editor")
		letter := fmt.Sprint(o.grace.Subscriptions[0].NewsletterID)
		for path, c := range map[string]struct {
			id   string
			form []string
		}{
			"/leave":    {fmt.Sprintf("leave-%d-error", o.grace.Subscriptions[0].ID), []string{"newsletter", letter, "note", " "}},
			"/suppress": {"f-suppress-error", []string{"note", " "}},
			"/erase":    {"f-address-error", []string{"address", "somebody@else.example"}},
		} {
			status, page, _ := o.visit(o.path+path, c.form...)
			if status != http.StatusUnprocessableEntity || !strings.Contains(page, `id="`+c.id+`"`) || strings.Count(page, `class="field-error"`) != 1 ||
				strings.Count(page, " open><summary>") != 1 {
				t.Errorf("%s: %d, and not one sentence at %s, in the one open fold", path, status, c.id)
			}
		}
	})
}

func TestErasingIsForEditorsAndForGood(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.atWork("author")
		if _, page, _ := o.visit(o.path); strings.Contains(page, "Erase this person") {
			t.Error("an author is offered to erase")
		}
		if status, _, _ := o.visit(o.path+"/erase", "address", "grace@example.org"); status != http.StatusForbidden {
			t.Errorf("an author erases: %d", status)
		}
		o.visit(o.path+"/note", "text", "A note that must go.")
		o.atWork("editor")
		for _, typed := range []string{"", "grace", "somebody@else.example"} {
			if status, page, _ := o.visit(o.path+"/erase", "address", typed); status != http.StatusUnprocessableEntity || !strings.Contains(page, "whole address") {
				t.Errorf("confirmed by %q: %d", typed, status)
			}
		}
		_, page, at := o.visit(o.path+"/erase", "address", " GRACE@example.org ")
		if at != "/desk/subscribers" || !strings.Contains(page, "This person is erased.") || strings.Contains(page, "grace@example.org") {
			t.Errorf("after erasing at %s:\n%s", at, page)
		}
		if status, _, _ := o.visit(o.path); status != http.StatusNotFound {
			t.Errorf("the page of who was erased: %d", status)
		}
		// No list brings them back.
		counts, err := o.verb.Import(t.Context(), epistle.SystemActor(), strings.NewReader("email\ngrace@example.org\n"),
			signup.Import{NewsletterID: o.grace.Subscriptions[0].NewsletterID, Mode: signup.Vouched, Source: "The same cards."})
		if err != nil || counts.Added != 0 || counts.SuppressedKept != 1 {
			t.Errorf("the import after it: %+v, %v", counts, err)
		}
		if status, page, _ := o.visit("/desk/subscribers", "wanted", "grace@example.org"); status != http.StatusOK || !strings.Contains(page, "Nobody found") {
			t.Errorf("looking for who was erased: %d", status)
		}
	})
}

func TestWhereSigningUpAtOnceIsAllowed(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		_, err := signup.NewPages(o.store, o.clock.Now).Add(t.Context(), epistle.SystemActor(),
			epistle.Page{URL: "https://Lantern.example/first-year/", Title: epistle.Text{EN: "The First Year"}})
		o.must(err)
		o.atWork("editor")
		for _, form := range [][]string{nil, {"site", "lantern.example", "do", "allow"}} {
			if status, _, _ := o.visit("/desk/settings/sign-up", form...); status != http.StatusForbidden {
				t.Errorf("an editor: %d", status)
			}
		}
		o.atWork("admin")
		_, page, _ := o.visit("/desk/settings/sign-up")
		wants(t, page, "lantern.example", "Allow it")
		_, page, _ = o.visit("/desk/settings/sign-up", "site", "lantern.example", "do", "allow")
		wants(t, page, "Saved.", "Allowed", "Forbid it")
		if allowed, err := o.store.SignUpNowAllowed(t.Context(), "lantern.example"); err != nil || !allowed {
			t.Errorf("allowed: %t, %v", allowed, err)
		}
		if allowed, err := o.store.SignUpNowAllowed(t.Context(), "evil.example"); err != nil || allowed {
			t.Errorf("another site: %t, %v", allowed, err)
		}
		_, page, _ = o.visit("/desk/settings/sign-up", "site", "lantern.example", "do", "forbid")
		wants(t, page, "Saved.", "Allow it")
		if allowed, err := o.store.SignUpNowAllowed(t.Context(), "lantern.example"); err != nil || allowed {
			t.Errorf("forbidden again: %t, %v", allowed, err)
		}
	})
}
