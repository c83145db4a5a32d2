package desk_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

// peopleDesk is the pages of sign-ups and subscribers, with an author at work.
type peopleDesk struct {
	t       *testing.T
	store   *store.Store
	clock   *storetest.Clock
	verb    *signup.Service
	handler http.Handler
	letter  epistle.Newsletter
}

func eachPeopleDesk(t *testing.T, test func(t *testing.T, d *peopleDesk)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		d := &peopleDesk{t: t, store: s, clock: clock}
		var err error
		d.letter, err = s.CreateNewsletter(t.Context(), epistle.Newsletter{
			Slug: "prayer-update", Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
			Covers:    epistle.Text{EN: "Prayer requests and news of our work.", KO: "사역 소식과 기도제목을 전합니다."},
			Frequency: epistle.Text{EN: "One email a week, on Thursday evening.", KO: "매주 목요일 저녁에 한 통 보내 드립니다."},
			Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00",
			Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@lantern.example"},
			ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Esther", KO: "에스더"}, Address: "esther@lantern.example"},
		}, epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
		d.must(err)
		d.verb = signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(t), Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
		author := epistle.StaffMember{Address: "hana@lantern.example", Name: "Hana", Role: epistle.Author, Language: epistle.English}
		author.ID, err = s.CreateStaff(t.Context(), epistle.SystemActor(), author, "no password", nil, nil)
		d.must(err)
		kernel := webtest.Kernel(t, clock.Now)
		d.handler = kernel.Handler(webtest.SignedIn(author),
			desk.Signups{Kernel: kernel, Store: s, Signup: d.verb}, desk.Subscribers{Kernel: kernel, Store: s, Signup: d.verb})
		test(t, d)
	})
}

func (d *peopleDesk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *peopleDesk) send(method, path string, pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(values.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	webtest.NoMissingWords(d.t, w.Body.String())
	return w
}

func (d *peopleDesk) get(path string, wants ...string) string {
	d.t.Helper()
	w := d.send(http.MethodGet, path)
	if w.Code != http.StatusOK {
		d.t.Fatalf("GET %s: %d", path, w.Code)
	}
	d.says(w, wants...)
	return w.Body.String()
}

func (d *peopleDesk) post(status int, path string, pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	w := d.send(http.MethodPost, path, pairs...)
	if w.Code != status {
		d.t.Fatalf("POST %s: %d, want %d: %s", path, w.Code, status, w.Body.String())
	}
	return w
}

func (d *peopleDesk) says(w *httptest.ResponseRecorder, wants ...string) {
	d.t.Helper()
	for _, want := range wants {
		if !strings.Contains(w.Body.String(), want) {
			d.t.Errorf("the page does not say %q:\n%s", want, w.Body.String())
		}
	}
}

// confirm presses the button in every confirmation mail that waits.
func (d *peopleDesk) confirm() {
	d.t.Helper()
	notices, err := d.store.ClaimNotices(d.t.Context(), "test", 1000*time.Hour, 100)
	d.must(err)
	for _, n := range notices {
		_, err := d.verb.Confirm(d.t.Context(), strings.TrimPrefix(n.Data["link"], "/confirm/"), "198.51.100.9")
		d.must(err)
	}
}

func (d *peopleDesk) person(address epistle.Address) epistle.Subscriber {
	d.t.Helper()
	p, err := d.store.SubscriberByAddress(d.t.Context(), address)
	d.must(err)
	return p
}

func TestAddingByHandAsksThePerson(t *testing.T) {
	eachPeopleDesk(t, func(t *testing.T, d *peopleDesk) {
		d.get("/desk/signups", "Nobody is waiting")
		d.get("/desk/signups/new", "How did they ask?")
		w := d.post(http.StatusUnprocessableEntity, "/desk/signups/new", "email", "grace@", "name", "Grace & Kim", "language", "ko", "evidence", " ")
		d.says(w, `value="Grace &amp; Kim"`, `id="f-email-error"`, `id="f-evidence-error"`)
		d.post(http.StatusSeeOther, "/desk/signups/new", "email", "grace@example.org", "name", "Grace Kim", "language", "ko", "evidence", "A card after the service.")
		d.get("/desk/signups", "Grace Kim", "grace@example.org", "By hand", "A card after the service.")
		if _, err := d.store.SubscriberByAddress(t.Context(), "grace@example.org"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a subscriber without a confirmation: %v", err)
		}
		w = d.post(http.StatusUnprocessableEntity, "/desk/signups/new", "email", "grace@example.org", "language", "ko", "evidence", "Again")
		d.says(w, "a short while ago")
		d.confirm()
		d.get("/desk/signups?state=confirmed", "Grace Kim", "/desk/subscribers/")
		w = d.post(http.StatusUnprocessableEntity, "/desk/signups/new", "email", "grace@example.org", "language", "ko", "evidence", "Again")
		d.says(w, "already receives")
		path := fmt.Sprintf("/desk/subscribers/%d", d.person("grace@example.org").ID)
		d.get(path, "A card after the service.", "198.51.100.9", "기도 동역자 소식", "Subscribed")
		if w := d.send(http.MethodGet, "/desk/signups?state=nonsense"); w.Code != http.StatusNotFound {
			t.Errorf("a state that is none: %d", w.Code)
		}
	})
}

func TestPeopleAreFoundByTheWholeAddressOrName(t *testing.T) {
	eachPeopleDesk(t, func(t *testing.T, d *peopleDesk) {
		d.get("/desk/subscribers", "No subscribers here yet")
		for address, name := range map[string]string{"a@example.org": "김 은혜", "b@example.org": "Grace Kim", "c@example.org": "grace  KIM"} {
			d.must(d.verb.Request(t.Context(), signup.Request{NewsletterID: d.letter.ID, Source: epistle.FromForm, Address: address, Name: name, Language: epistle.Korean}))
		}
		d.confirm()
		found := d.post(http.StatusSeeOther, "/desk/subscribers", "wanted", "김은혜").Header().Get("Location")
		if found != fmt.Sprintf("/desk/subscribers/%d", d.person("a@example.org").ID) {
			t.Errorf("the whole name leads to %s", found)
		}
		d.post(http.StatusSeeOther, "/desk/subscribers", "wanted", " B@Example.ORG ")
		w := d.post(http.StatusOK, "/desk/subscribers", "wanted", "Grace Kim")
		d.says(w, "b@example.org", "c@example.org")
		d.says(d.post(http.StatusOK, "/desk/subscribers", "wanted", "Grace"), "Nobody found")
		d.get("/desk/subscribers?language=ko&state=confirmed", "a@example.org", "b@example.org")
		if html := d.get("/desk/subscribers?state=left"); strings.Contains(html, "a@example.org") {
			t.Error("somebody who did not leave is listed as left")
		}
	})
}

func TestTheListGoesOnAPageAtATime(t *testing.T) {
	eachPeopleDesk(t, func(t *testing.T, d *peopleDesk) {
		var file strings.Builder
		file.WriteString("email\n")
		for i := range 120 {
			fmt.Fprintf(&file, "p%03d@example.org\n", i)
		}
		_, err := d.verb.Import(t.Context(), epistle.SystemActor(), strings.NewReader(file.String()),
			signup.Import{NewsletterID: d.letter.ID, Mode: signup.Vouched, Source: "test"})
		d.must(err)
		seen, path := map[string]bool{}, "/desk/subscribers?state=confirmed"
		for pages := 1; path != ""; pages++ {
			if pages > 3 {
				t.Fatal("the pages do not end")
			}
			html := d.get(path)
			for i := range 120 {
				if address := fmt.Sprintf("p%03d@example.org", i); strings.Contains(html, address) {
					if seen[address] {
						t.Errorf("%s is on two pages", address)
					}
					seen[address] = true
				}
			}
			path = ""
			if i := strings.Index(html, `rel="next" href="`); i >= 0 {
				path, _, _ = strings.Cut(html[i+len(`rel="next" href="`):], `"`)
				path = strings.ReplaceAll(path, "&amp;", "&")
			}
		}
		if len(seen) != 120 {
			t.Errorf("the pages show %d of 120", len(seen))
		}
	})
}

func TestStaffUnsubscribeAndSuppressWithANote(t *testing.T) {
	eachPeopleDesk(t, func(t *testing.T, d *peopleDesk) {
		d.must(d.verb.Request(t.Context(), signup.Request{NewsletterID: d.letter.ID, Source: epistle.FromForm, Address: "grace@example.org", Language: epistle.English}))
		d.confirm()
		id := d.person("grace@example.org").ID
		path := fmt.Sprintf("/desk/subscribers/%d", id)
		letter := fmt.Sprint(d.letter.ID)
		d.says(d.post(http.StatusUnprocessableEntity, path+"/leave", "newsletter", letter, "note", " "), "Please note why")
		d.post(http.StatusSeeOther, path+"/leave", "newsletter", letter, "note", "She rang us up.")
		d.get(path, "Left", "She rang us up.", "by staff")
		d.post(http.StatusSeeOther, path+"/suppress", "note", "A safety matter.")
		d.get(path, "Staff decided that this person must not be mailed", "A safety matter.")
		got, err := d.store.Suppression(t.Context(), "grace@example.org")
		if err != nil || got != epistle.ByStaff {
			t.Errorf("suppressed as %q, error %v", got, err)
		}
		d.post(http.StatusSeeOther, path+"/lift", "note", "A mistake.")
		d.post(http.StatusUnprocessableEntity, path+"/lift", "note", "Again.")
		trail, err := d.store.AuditTrail(t.Context(), "subscriber", id, 10)
		if err != nil || len(trail) != 3 {
			t.Errorf("the trail has %d entries, error %v; want 3", len(trail), err)
		}
		for _, e := range trail {
			if strings.Contains(e.Detail, "grace") || e.Actor.StaffID == 0 {
				t.Errorf("the entry is %+v", e)
			}
		}
		if w := d.send(http.MethodGet, "/desk/subscribers/999999"); w.Code != http.StatusNotFound {
			t.Errorf("nobody's page: %d", w.Code)
		}
	})
}

func TestWhyPeopleLeftIsReadable(t *testing.T) {
	eachPeopleDesk(t, func(t *testing.T, d *peopleDesk) {
		d.must(d.verb.Request(t.Context(), signup.Request{NewsletterID: d.letter.ID, Source: epistle.FromForm, Address: "grace@example.org", Language: epistle.English}))
		d.confirm()
		person, err := d.store.Person(context.Background(), d.person("grace@example.org").ID)
		d.must(err)
		token := d.store.Keys().Link(seal.ToLeave, person.Subscriptions[0].ID, 0)
		d.must(d.verb.Leave(t.Context(), token, epistle.ByPage, "often\n<b>Sorry</b>"))
		d.get(fmt.Sprintf("/desk/subscribers/%d", person.Subscriber.ID), "It comes too often", "&lt;b&gt;Sorry&lt;/b&gt;", "on our page")
	})
}
