package desk_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"

	"strings"
	"testing"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

const password = "four small lanterns"

// house is a running desk and a browser before its door.
type house struct {
	t       *testing.T
	store   *store.Store
	clock   *storetest.Clock
	account *account.Service
	server  *httptest.Server
	browser *http.Client
}

func openHouse(t *testing.T, s *store.Store, clock *storetest.Clock, areas ...web.Area) *house {
	k := webtest.Kernel(t, clock.Now)
	a := account.New(account.Options{Store: s, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Hash: s.Keys().Index, URL: k.URL})
	sessions := desk.NewSessions(k, a, s)
	areas = append(areas, desk.Door{Kernel: k, Account: a, Sessions: sessions},
		desk.Account{Kernel: k, Account: a, Sessions: sessions, Recovery: s}, desk.Staff{Kernel: k, Account: a})
	server := httptest.NewServer(k.Handler(sessions, areas...))
	t.Cleanup(server.Close)
	return &house{t: t, store: s, clock: clock, account: a, server: server, browser: newBrowser(t)}
}

func newBrowser(t *testing.T) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func (h *house) hire(role string) epistle.ID {
	id, err := h.account.AddWithPassword(h.t.Context(), epistle.SystemActor(),
		account.NewMember{Address: role + "@example.org", Name: "Hana <b>", Role: role, Language: "en"}, password)
	if err != nil {
		h.t.Fatal(err)
	}
	return id
}

// slow is a page of the desk that takes as long as the test wants.
type slow struct{ begun, goOn chan struct{} }

func (p slow) Routes() []web.Route {
	return []web.Route{web.Desk("GET /desk/slow", epistle.ReadDesk, func(w http.ResponseWriter, _ *http.Request) error {
		p.begun <- struct{}{}
		<-p.goOn
		_, err := io.WriteString(w, "done")
		return err
	})}
}

func TestASignOutIsNotUndoneByWhatWasUnderWay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		page := slow{make(chan struct{}), make(chan struct{})}
		h := openHouse(t, s, clock, page)
		h.hire("author")
		h.signIn("author")
		late := make(chan error)
		go func() {
			r, err := h.browser.Get(h.server.URL + "/desk/slow")
			if err == nil {
				err = r.Body.Close()
			}
			late <- err
		}()
		<-page.begun
		h.visit("/desk/sign-out", "x", "")
		page.goOn <- struct{}{}
		if err := <-late; err != nil {
			t.Fatal(err)
		}
		if _, _, at := h.visit("/desk/account"); at != "/desk/sign-in" {
			t.Errorf("signed out, yet at %s", at)
		}
	})
}

// visit gets a path; with form it posts. It returns the last page and its path.
func (h *house) visit(path string, form ...string) (status int, page, at string) {
	h.t.Helper()
	var r *http.Response
	var err error
	if form == nil {
		r, err = h.browser.Get(h.server.URL + path)
	} else {
		values := url.Values{}
		for i := 0; i+1 < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		r, err = h.browser.PostForm(h.server.URL+path, values)
	}
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	webtest.NoMissingWords(h.t, string(body))
	return r.StatusCode, string(body), r.Request.URL.Path
}

func (h *house) signIn(role string) {
	h.t.Helper()
	if _, _, at := h.visit("/desk/sign-in", "email", role+"@example.org", "password", password); at != "/desk/" {
		h.t.Fatalf("signed in, but at %s", at)
	}
}

func TestSigningInAndOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h := openHouse(t, s, clock)
		h.hire("author")
		if _, _, at := h.visit("/desk/account?x=1"); at != "/desk/sign-in" {
			t.Fatalf("a stranger is at %s", at)
		}
		status, page, _ := h.visit("/desk/sign-in", "email", "author@example.org", "password", "wrong wrong wrong")
		if status != 422 || !strings.Contains(page, `value="author@example.org"`) || strings.Contains(page, "wrong wrong") {
			t.Fatalf("status %d; the form must keep the address and not the password", status)
		}
		if _, _, at := h.visit("/desk/sign-in", "email", "author@example.org", "password", password, "next", "/desk/account?x=1"); at != "/desk/account" {
			t.Fatalf("after sign-in at %s", at)
		}
		if _, page, _ := h.visit("/desk/account"); !strings.Contains(page, "Hana &lt;b&gt;") {
			t.Error("the member's name is not on the page, or not escaped")
		}
		if status, _, _ := h.visit("/desk/staff"); status != 403 {
			t.Errorf("an author at the staff page: %d", status)
		}
		if _, _, at := h.visit("/desk/sign-out", "x", ""); at != "/desk/sign-in" {
			t.Errorf("after sign-out at %s", at)
		}
		if _, _, at := h.visit("/desk/account"); at != "/desk/sign-in" {
			t.Errorf("signed out, yet at %s", at)
		}
	})
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock)
	h.hire("author")
	for _, next := range []string{"https://evil.example/desk/", "//evil.example/desk/", "/desk/\\evil.example", "javascript:alert(1)", "/subscribe", "/desk/sign-out"} {
		h.browser = newBrowser(t)
		if _, _, at := h.visit("/desk/sign-in", "email", "author@example.org", "password", password, "next", next); at != "/desk/" {
			t.Errorf("next=%s leads to %s", next, at)
		}
	}
}

func TestTheTokenIsRenewedHashedAndHidden(t *testing.T) {
	s, clock := storetest.SQLite(t)
	k := webtest.KernelWith(t, clock.Now, func(o *web.Options) { o.PublicURL = "https://mail.example.org" })
	a := account.New(account.Options{Store: s, Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Hash: s.Keys().Index, URL: k.URL})
	sessions := desk.NewSessions(k, a, s)
	handler := k.Handler(sessions, desk.Door{Kernel: k, Account: a, Sessions: sessions})
	h := &house{t: t, account: a}
	h.hire("author")
	r := httptest.NewRequest(http.MethodPost, "/desk/sign-in", strings.NewReader(url.Values{"email": {"author@example.org"}, "password": {password}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "__Host-epistle-session", Value: "planted"})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name != "__Host-epistle-session" {
			continue
		}
		if c.Value == "planted" || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie is %+v", c)
		}
		if _, found, _ := s.Session(t.Context(), c.Value); found {
			t.Error("the token itself is in the database")
		}
		return
	}
	t.Fatalf("no session cookie in %v", w.Header())
}

func TestSessionsEnd(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock)
	h.hire("author")
	h.signIn("author")
	clock.Advance(13 * time.Hour)
	if _, _, at := h.visit("/desk/account"); at != "/desk/sign-in" {
		t.Errorf("after 13 idle hours at %s", at)
	}
	h.signIn("author")
	for range 16 {
		clock.Advance(11 * time.Hour)
		if _, _, at := h.visit("/desk/account"); at == "/desk/sign-in" {
			if clock.Now().Sub(storetest.NewClock().Now()) < 7*24*time.Hour {
				t.Error("a busy session ended early")
			}
			return
		}
	}
	t.Error("a session lasts longer than seven days")
}

func TestForgottenPasswordPages(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock)
	h.hire("author")
	_, known, _ := h.visit("/desk/forgot", "email", "author@example.org")
	_, unknown, _ := h.visit("/desk/forgot", "email", "stranger@example.org")
	if known != unknown {
		t.Error("the answer tells who is staff")
	}
	notices, err := s.ClaimNotices(t.Context(), "test", time.Minute, 10)
	if err != nil || len(notices) != 1 {
		t.Fatalf("%d notices, %v", len(notices), err)
	}
	path := strings.TrimPrefix(notices[0].Data["link"], "http://localhost")
	if status, _, _ := h.visit("/desk/set-password/forged"); status != 404 {
		t.Errorf("a forged link: %d", status)
	}
	if status, _, _ := h.visit(path); status != 200 {
		t.Fatalf("the link: %d", status)
	}
	if status, _, _ := h.visit(path, "password", "seven quiet rivers", "again", "seven quiet river"); status != 422 {
		t.Errorf("two different passwords: %d", status)
	}
	if _, _, at := h.visit(path, "password", "seven quiet rivers", "again", "seven quiet rivers"); at != "/desk/" {
		t.Errorf("after setting the password at %s", at)
	}
	h.browser = newBrowser(t)
	if status, _, _ := h.visit(path); status != 404 {
		t.Errorf("a used link: %d", status)
	}
}

func TestAccountPage(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock)
	h.hire("author")
	h.signIn("author")
	if status, page, _ := h.visit("/desk/account", "name", "", "language", "ko"); status != 422 || !strings.Contains(page, "field-error") {
		t.Errorf("no name: %d", status)
	}
	if _, page, _ := h.visit("/desk/account", "name", "하나", "language", "ko"); !strings.Contains(page, `<html lang="ko">`) {
		t.Error("the language did not change")
	}
	if status, _, _ := h.visit("/desk/account/password", "present", "nonsense", "password", "short", "again", "short"); status != 422 {
		t.Errorf("a wrong password: %d", status)
	}
	if _, _, at := h.visit("/desk/account/password", "present", password, "password", "seven quiet rivers", "again", "seven quiet rivers"); at != "/desk/account" {
		t.Errorf("after the change at %s: the session must go on", at)
	}
}

func TestRecoverySheet(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock)
	h.hire("admin")
	h.hire("editor")
	h.signIn("editor")
	if status, page, _ := h.visit("/desk/recovery"); status != 403 || strings.Contains(page, "EPISTLE-") {
		t.Errorf("an editor sees the key: %d", status)
	}
	h.browser = newBrowser(t)
	h.signIn("admin")
	if _, page, _ := h.visit("/desk/staff"); !strings.Contains(page, "banner") {
		t.Error("nothing reminds of the recovery sheet")
	}
	if _, page, _ := h.visit("/desk/recovery"); !strings.Contains(page, s.Keys().Key().String()) {
		t.Error("the sheet does not show the key")
	}
	if _, page, _ := h.visit("/desk/recovery", "ok", "1"); strings.Contains(page, "banner") {
		t.Error("the reminder stays after it was confirmed")
	}
}

func TestStaffPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h := openHouse(t, s, clock)
		h.hire("admin")
		h.signIn("admin")
		if status, page, _ := h.visit("/desk/staff", "name", "Minji", "email", "nobody", "role", "author", "language", "ko"); status != 422 || !strings.Contains(page, `value="Minji"`) {
			t.Errorf("a wrong address: %d", status)
		}
		if _, page, _ := h.visit("/desk/staff", "name", "Minji", "email", "minji@example.org", "role", "author", "language", "ko"); !strings.Contains(page, "minji@example.org") {
			t.Error("the new member is not on the list")
		}
		m, err := h.account.Find(t.Context(), epistle.SystemActor(), "minji@example.org")
		if err != nil {
			t.Fatal(err)
		}
		at := "/desk/staff/" + fmt.Sprint(m.ID)
		for _, step := range []struct{ path, version, want string }{
			{"/role", fmt.Sprint(m.Version), "Editor"}, {"/role", fmt.Sprint(m.Version), "Somebody else changed this"},
			{"/link", "", "on its way"}, {"/disable", fmt.Sprint(m.Version + 1), "Shut out"}, {"/enable", fmt.Sprint(m.Version + 2), "Let in again"},
		} {
			if _, page, _ := h.visit(at+step.path, "version", step.version, "role", "editor"); !strings.Contains(page, step.want) {
				t.Errorf("%s: no %q on the page", step.path, step.want)
			}
		}
		if status, _, _ := h.visit("/desk/staff/nonsense/disable", "version", "1"); status != 404 {
			t.Errorf("a nonsense id: %d", status)
		}
	})
}
