package public_test

import (
	"bytes"
	"log/slog"
	"mime/multipart"
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
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

// door is the public pages of a ministry with one newsletter.
type door struct {
	t       testing.TB
	store   *store.Store
	clock   *storetest.Clock
	verb    *signup.Service
	stamps  signup.Stamps
	handler http.Handler
	letter  epistle.Newsletter
}

func eachDoor(t *testing.T, test func(t *testing.T, d *door)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) { test(t, newDoor(t, s, clock)) })
}

func newDoor(t testing.TB, s *store.Store, clock *storetest.Clock) *door {
	t.Helper()
	d := &door{t: t, store: s, clock: clock, stamps: signup.NewStamps(s.Keys(), clock.Now)}
	d.letter = d.newsletter("prayer-update", "Prayer Partner Update", "기도 동역자 소식")
	d.verb = signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(t), Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
	kernel := webtest.Kernel(t, clock.Now)
	d.handler = kernel.Handler(nil, public.NewSubscribe(kernel, d.verb, d.stamps))
	return d
}

func (d *door) newsletter(slug, en, ko string) epistle.Newsletter {
	d.t.Helper()
	n, err := d.store.CreateNewsletter(d.t.Context(), epistle.Newsletter{
		Slug: slug, Title: epistle.Text{EN: en, KO: ko},
		Covers:    epistle.Text{EN: "Prayer requests and news of our work.", KO: "사역 소식과 기도제목을 전합니다."},
		Frequency: epistle.Text{EN: "One email a week, on Thursday evening.", KO: "매주 목요일 저녁에 한 통 보내 드립니다."},
		Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 12 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Esther", KO: "에스더"}, Address: "esther@lantern.example"},
	}, epistle.AuditEntry{At: d.clock.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func (d *door) get(path string) *httptest.ResponseRecorder {
	d.t.Helper()
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	webtest.NoMissingWords(d.t, w.Body.String())
	return w
}

// post sends a form of our own page.
func (d *door) post(path string, pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return d.send(path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()), "same-origin")
}

func (d *door) send(path, kind string, body interface{ Read([]byte) (int, error) }, site string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Header.Set("Content-Type", kind)
	if site != "" {
		r.Header.Set("Sec-Fetch-Site", site)
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	webtest.NoMissingWords(d.t, w.Body.String())
	return w
}

// ask fills in the form as a person does.
func (d *door) ask(pairs ...string) *httptest.ResponseRecorder {
	d.t.Helper()
	stamp := d.stamps.New()
	d.clock.Advance(5 * time.Second)
	return d.post("/subscribe", append([]string{"stamp", stamp, "language", "en"}, pairs...)...)
}

func (d *door) mails() []epistle.Notice {
	d.t.Helper()
	notices, err := d.store.ClaimNotices(d.t.Context(), "test", 1000*time.Hour, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	return notices
}

// subscribed takes a person the whole way through the pages.
func (d *door) subscribed(address string) epistle.Subscription {
	d.t.Helper()
	wantStatus(d.t, d.ask("email", address, "name", "Grace Kim"), http.StatusOK)
	mails := d.mails()
	if len(mails) != 1 {
		d.t.Fatalf("%d mails, want 1", len(mails))
	}
	wantStatus(d.t, d.post(mails[0].Data["link"]), http.StatusSeeOther)
	person, err := d.store.SubscriberByAddress(d.t.Context(), epistle.Address(address))
	if err != nil {
		d.t.Fatal(err)
	}
	subscriptions, err := d.store.Subscriptions(d.t.Context(), person.ID)
	if err != nil || len(subscriptions) == 0 {
		d.t.Fatalf("no subscription, error %v", err)
	}
	return subscriptions[len(subscriptions)-1]
}

func (d *door) state(sub epistle.Subscription) epistle.SubscriptionState {
	d.t.Helper()
	now, err := d.store.Subscription(d.t.Context(), sub.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return now.State
}

func wantStatus(t testing.TB, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Fatalf("answered %d, want %d: %s", w.Code, status, w.Body.String())
	}
}

func wantText(t testing.TB, w *httptest.ResponseRecorder, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page does not say %q:\n%s", text, w.Body.String())
		}
	}
}

func TestSubscribeSaysWhatItCoversAndHowOften(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		page := d.get("/subscribe")
		wantStatus(t, page, http.StatusOK)
		wantText(t, page, d.letter.Title.EN, d.letter.Covers.EN, d.letter.Frequency.EN)
		wantText(t, d.get("/subscribe?lang=ko"), d.letter.Title.KO, d.letter.Covers.KO, d.letter.Frequency.KO, "이메일 주소")
		d.newsletter("friends", "Friends' Letter", "친구들의 편지")
		wantText(t, d.get("/subscribe?newsletter=friends"), "Friends&#39; Letter", `value="friends" required checked`)
	})
}

func TestAWrongFormKeepsWhatWasTyped(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		page := d.ask("email", "grace at example.org", "name", "Grace & Peace", "language", "ko")
		wantStatus(t, page, http.StatusUnprocessableEntity)
		wantText(t, page, `value="grace at example.org"`, `value="Grace &amp; Peace"`, `aria-invalid="true"`, `name="language" value="ko" checked`)
		d.newsletter("friends", "Friends' Letter", "친구들의 편지")
		page = d.ask("email", "grace@example.org", "newsletter", "unknown")
		wantStatus(t, page, http.StatusUnprocessableEntity)
		wantText(t, page, `id="f-newsletter-error"`)
		page = d.post("/subscribe", "email", "grace@example.org", "language", "en", "newsletter", "friends", "stamp", d.stamps.New())
		wantStatus(t, page, http.StatusUnprocessableEntity) // sooner than anybody can type
		if len(d.mails()) != 0 {
			t.Error("a refused form was mailed")
		}
	})
}

func TestProgramsAreAnsweredAndNotHeard(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		wantStatus(t, d.ask("email", "grace@example.org", "website", "https://spam.example"), http.StatusOK)
		if len(d.mails()) != 0 {
			t.Error("the trap was filled in, and a mail goes out")
		}
	})
}

// Everybody gets the same status and the same page.
func TestTheAnswerTellsNothingAboutAnAddress(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		d.subscribed("confirmed@example.org")
		left := d.subscribed("left@example.org")
		wantStatus(t, d.post("/u/"+d.store.Keys().Link(seal.ToLeave, left.ID, 0), "do", "leave"), http.StatusSeeOther)
		staff := d.subscribed("staff@example.org")
		if err := d.verb.Suppress(t.Context(), epistle.SystemActor(), staff.SubscriberID, "asked for it by phone"); err != nil {
			t.Fatal(err)
		}
		var first *httptest.ResponseRecorder
		for _, name := range []string{"new", "new", "confirmed", "left", "staff"} {
			answer := d.ask("email", name+"@example.org")
			if first == nil {
				first = answer
			}
			if answer.Code != first.Code || answer.Body.String() != first.Body.String() || answer.Header().Get("Location") != first.Header().Get("Location") {
				t.Errorf("%s: answered %d to %q", name, answer.Code, answer.Header().Get("Location"))
			}
		}
		wantText(t, first, "Please look into your mailbox")
	})
}

func TestTooManyRequestsAreTurnedAway(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		for range 15 {
			if w := d.post("/subscribe", "email", "x"); w.Code != http.StatusUnprocessableEntity {
				t.Fatalf("answered %d", w.Code)
			}
		}
		wantStatus(t, d.post("/subscribe", "email", "x"), http.StatusTooManyRequests)
	})
}

func TestConfirmTellsWhenTheFirstUpdateComes(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		storetest.SentIssue(t, d.store, d.clock.Now, d.letter.ID)
		wantStatus(t, d.ask("email", "grace@example.org"), http.StatusOK)
		link := d.mails()[0].Data["link"]
		for range 3 { // mail programs fetch links on their own
			page := d.get(link)
			wantStatus(t, page, http.StatusOK)
			wantText(t, page, "g•••@example.org", d.letter.Covers.EN, "<button")
		}
		if _, err := d.store.SubscriberByAddress(t.Context(), "grace@example.org"); epistle.KindOf(err) != epistle.NotFound {
			t.Fatalf("a GET confirmed: %v", err)
		}
		for range 2 {
			wantStatus(t, d.post(link), http.StatusSeeOther)
		}
		page := d.get(link)
		wantText(t, page, "tonight at", "20:00 Korea time", `datetime="2026-11-22T20:00:00&#43;09:00"`)
		wantText(t, d.get(link+"?lang=ko"), "오늘 저녁", "20:00(한국 시간)")
		d.clock.Advance(6 * time.Hour)
		if strings.Contains(d.get(link).Body.String(), "<time") {
			t.Error("the page promises a moment that has passed")
		}
	})
}

func TestAnExpiredConfirmationOffersANewOne(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		wantStatus(t, d.ask("email", "grace@example.org"), http.StatusOK)
		link := d.mails()[0].Data["link"]
		d.clock.Advance(15 * 24 * time.Hour)
		wantStatus(t, d.post(link), http.StatusSeeOther)
		page := d.get(link)
		wantText(t, page, "too old", link+"/again")
		wantStatus(t, d.post(link+"/again"), http.StatusSeeOther)
		if mails := d.mails(); len(mails) != 1 || mails[0].Data["link"] == link {
			t.Errorf("asking again mailed %d times", len(mails))
		}
	})
}

func TestOneClickUnsubscribe(t *testing.T) {
	multi := func() (string, *bytes.Buffer) {
		var b bytes.Buffer
		form := multipart.NewWriter(&b)
		if err := form.WriteField("List-Unsubscribe", "One-Click"); err != nil {
			t.Fatal(err)
		}
		if err := form.Close(); err != nil {
			t.Fatal(err)
		}
		return form.FormDataContentType(), &b
	}
	eachDoor(t, func(t *testing.T, d *door) {
		for name, send := range map[string]func(path string) *httptest.ResponseRecorder{
			"urlencoded": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"), "")
			},
			"multipart": func(path string) *httptest.ResponseRecorder {
				kind, body := multi()
				return d.send(path, kind, body, "")
			},
			"from another site": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"), "cross-site")
			},
			"as text": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "text/plain", strings.NewReader("List-Unsubscribe=One-Click"), "")
			},
			"with nothing": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "", strings.NewReader(""), "")
			},
			"damaged": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=%zz"), "")
			},
			"multipart without a boundary": func(path string) *httptest.ResponseRecorder {
				_, body := multi()
				return d.send(path, "multipart/form-data", body, "")
			},
			"multipart that ends early": func(path string) *httptest.ResponseRecorder {
				return d.send(path, "multipart/form-data; boundary=x", strings.NewReader("--x\r\nContent-Disposition: form"), "")
			},
		} {
			sub := d.subscribed(strings.ReplaceAll(name, " ", "-") + "@example.org")
			path := "/u/" + d.store.Keys().Link(seal.ToLeave, sub.ID, 77)
			for range 2 { // it may be repeated
				w := send(path)
				if w.Code != http.StatusOK || len(w.Result().Cookies()) > 0 || w.Header().Get("Location") != "" {
					t.Errorf("%s: answered %d with cookies %v", name, w.Code, w.Result().Cookies())
				}
			}
			if d.state(sub) != epistle.Left {
				t.Errorf("%s: the subscription is %s", name, d.state(sub))
			}
			events, err := d.store.Events(t.Context(), sub.SubscriberID, 10)
			if err != nil || len(events) != 2 || events[0].Kind != epistle.EventLeft || events[0].Way != epistle.ByOneClick || events[0].IssueID != 77 {
				t.Errorf("%s: the events are %+v, error %v", name, events, err)
			}
		}
	})
}

func TestLeavingUndoReasonAndAll(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		sub := d.subscribed("grace@example.org")
		path := "/u/" + d.store.Keys().Link(seal.ToLeave, sub.ID, 5)
		page := d.get(path)
		wantText(t, page, "g•••@example.org", d.letter.Title.EN, `value="leave"`)
		if strings.Contains(page.Body.String(), "grace@") || d.state(sub) != epistle.Confirmed {
			t.Error("the page shows the address, or a GET unsubscribed")
		}
		wantStatus(t, d.post(path, "do", "leave"), http.StatusSeeOther)
		wantText(t, d.get(path), "You are unsubscribed", `value="undo"`, `value="reason"`)
		wantStatus(t, d.post(path, "do", "reason", "why", "often", "reason", "Too much for me."), http.StatusSeeOther)
		wantText(t, d.get(path+"?thanks"), "Thank you for telling us")
		events, err := d.store.Events(t.Context(), sub.SubscriberID, 1)
		if err != nil || events[0].Reason != "often\nToo much for me." || events[0].IssueID != 5 || events[0].Way != epistle.ByPage {
			t.Errorf("the event is %+v, error %v", events, err)
		}
		wantStatus(t, d.post(path, "do", "undo"), http.StatusSeeOther)
		if d.state(sub) != epistle.Confirmed {
			t.Error("undo did not bring them back")
		}

		d.letter = d.newsletter("friends", "Friends' Letter", "친구들의 편지")
		wantStatus(t, d.ask("email", "grace@example.org", "newsletter", "friends"), http.StatusOK)
		wantStatus(t, d.post(d.mails()[0].Data["link"]), http.StatusSeeOther)
		wantText(t, d.get(path), "Friends&#39; Letter", `value="all"`)
		wantStatus(t, d.post(path, "do", "all"), http.StatusSeeOther)
		subscriptions, err := d.store.Subscriptions(t.Context(), sub.SubscriberID)
		if err != nil || len(subscriptions) != 2 {
			t.Fatalf("%d subscriptions, error %v", len(subscriptions), err)
		}
		for _, s := range subscriptions {
			if s.State != epistle.Left {
				t.Errorf("newsletter %d is %s after leaving all", s.NewsletterID, s.State)
			}
		}
		d.clock.Advance(25 * time.Hour)
		if strings.Contains(d.get(path).Body.String(), `value="undo"`) {
			t.Error("undo is offered a day later")
		}
		wantStatus(t, d.post(path, "do", "undo"), http.StatusConflict)
	})
}

func TestPreferences(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		sub := d.subscribed("grace@example.org")
		path := "/preferences/" + d.store.Keys().Link(seal.ToPrefer, sub.ID, 0)
		wantText(t, d.get(path), `name="pace" value="weekly" checked`, `name="form" value="full" checked`)
		wantStatus(t, d.post(path, "language", "ko", "pace", "monthly", "form", "discreet", "pause", "2w"), http.StatusSeeOther)
		now, err := d.store.Subscription(t.Context(), sub.ID)
		if err != nil || now.Pace != epistle.Monthly || now.Form != epistle.Discreet || !now.PausedUntil.Equal(d.clock.Now().AddDate(0, 0, 14)) {
			t.Errorf("the subscription is %+v, error %v", now, err)
		}
		wantText(t, d.get(path), "수신 설정", `value="keep" checked`)
		wantStatus(t, d.post(path, "language", "ko", "pace", "hourly", "form", "full", "pause", "9y"), http.StatusUnprocessableEntity)
		wantStatus(t, d.post(path, "language", "ko", "pace", "weekly", "form", "full", "pause", "keep"), http.StatusSeeOther)
		if now, _ := d.store.Subscription(t.Context(), sub.ID); now.PausedUntil.IsZero() || now.Pace != epistle.Weekly {
			t.Errorf("the subscription is %+v", now)
		}
	})
}

func TestForgedLinksAreAPlainPage(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		sub := d.subscribed("grace@example.org")
		leave := d.store.Keys().Link(seal.ToLeave, sub.ID, 0)
		for _, path := range []string{"/confirm/x", "/u/x", "/preferences/x", "/confirm/" + leave, "/preferences/" + leave, "/u/" + leave + "A", "/u/" + leave[1:], "/u/%00%ff"} {
			wantStatus(t, d.get(path), http.StatusNotFound)
			wantStatus(t, d.post(path, "do", "leave"), http.StatusNotFound)
			wantStatus(t, d.post(path), http.StatusNotFound)
		}
		long := strings.Repeat("a", 100<<10)
		wantStatus(t, d.post("/u/"+leave, "do", "reason", "reason", long), http.StatusRequestEntityTooLarge)
		if d.state(sub) != epistle.Confirmed {
			t.Error("one of them unsubscribed")
		}
	})
}

// Whatever stands in a link, the answer is a page: found for the one genuine
// link, not found for all others, and nothing changes.
func FuzzLinkPages(f *testing.F) {
	s, clock := storetest.SQLite(f)
	d := newDoor(f, s, clock)
	sub := d.subscribed("grace@example.org")
	genuine := s.Keys().Link(seal.ToLeave, sub.ID, 3)
	for _, seed := range []string{genuine, genuine[1:], genuine + "A", "", "%00", "../x", strings.Repeat("a", 500), "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		d.t = t
		for _, page := range []string{"/u/", "/confirm/", "/preferences/"} {
			r := httptest.NewRequest(http.MethodGet, page, nil)
			r.URL.Path = page + token
			w := httptest.NewRecorder()
			d.handler.ServeHTTP(w, r)
			ok := w.Code == http.StatusNotFound || w.Code >= 300 && w.Code < 400
			if page == "/u/" && token == genuine {
				ok = w.Code == http.StatusOK
			}
			if !ok {
				t.Errorf("GET %s%q: %d", page, token, w.Code)
			}
		}
		if d.state(sub) != epistle.Confirmed {
			t.Fatal("a GET unsubscribed")
		}
	})
}
