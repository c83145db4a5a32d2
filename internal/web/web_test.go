package web_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/web"
	"epistle/internal/web/webtest"
	"epistle/templates"
)

func noon() time.Time { return time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC) }

// area is whatever routes a test needs.
type area []web.Route

func (a area) Routes() []web.Route { return a }

func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryKindOfErrorHasItsPage(t *testing.T) {
	cases := []struct {
		err    error
		status int
	}{
		{epistle.InvalidField("email", "address.no-at"), 422},
		{epistle.Errorf(epistle.NotFound, "not-found", nil), 404},
		{epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil), 409},
		{epistle.Errorf(epistle.Forbidden, "forbidden", nil), 403},
		{epistle.Errorf(epistle.Limited, "too-many", nil), 429},
		{epistle.Errorf(epistle.Unavailable, "database.busy", nil), 503},
		{epistle.Errorf(epistle.Unavailable, "database.unreachable", errors.New("the disk is on fire")), 503},
		{&http.MaxBytesError{Limit: 1}, 413},
		{errors.New("the disk is on fire"), 500},
	}
	k := webtest.Kernel(t, noon)
	for _, c := range cases {
		h := k.Handler(nil, area{web.Public("GET /x", func(http.ResponseWriter, *http.Request) error { return c.err })})
		for _, l := range epistle.Languages {
			w := ask(h, "GET", "/x?lang="+string(l), "")
			if w.Code != c.status {
				t.Errorf("%v: status %d, want %d", c.err, w.Code, c.status)
			}
			webtest.NoMissingWords(t, w.Body.String())
			if strings.Contains(w.Body.String(), "EPISTLE_") || strings.Contains(w.Body.String(), "atabase") || strings.Contains(w.Body.String(), "데이터베이스") {
				t.Errorf("%v: the page tells a reader about our database", c.err)
			}
			if strings.Contains(w.Body.String(), "fire") {
				t.Error("the page shows the cause of an internal error")
			}
		}
	}
}

func TestInternalErrorsCarryTheReferenceOfTheLog(t *testing.T) {
	var log strings.Builder
	k := webtest.KernelWith(t, noon, func(o *web.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	h := k.Handler(nil, area{
		web.Public("GET /boom/{token}", func(http.ResponseWriter, *http.Request) error { return errors.New("out of paper") }),
		web.Public("GET /panic", func(http.ResponseWriter, *http.Request) error { panic("someone@example.org") }),
	})
	for _, path := range []string{"/boom/secret-token?q=private", "/panic"} {
		log.Reset()
		w := ask(h, "GET", path, "")
		reference := regexp.MustCompile(`reference: ([A-Z2-7]{10})`).FindStringSubmatch(w.Body.String())
		if w.Code != 500 || reference == nil || !strings.Contains(log.String(), reference[1]) {
			t.Fatalf("%s: status %d, reference %v, log %s", path, w.Code, reference, log.String())
		}
		for _, private := range []string{"secret-token", "private", "someone", "192.0.2.1"} {
			if strings.Contains(log.String(), private) {
				t.Errorf("the log holds %q: %s", private, log.String())
			}
		}
	}
	if !strings.Contains(log.String(), `route="GET /panic"`) {
		t.Errorf("the log lacks the route: %s", log.String())
	}
}

func TestUnknownPagesAre404(t *testing.T) {
	h := webtest.Kernel(t, noon).Handler(webtest.Nobody())
	if w := ask(h, "GET", "/nothing", ""); w.Code != 404 || !strings.Contains(w.Body.String(), "<html") {
		t.Errorf("status %d, want a 404 page", w.Code)
	}
	if w := ask(h, "GET", "/desk/nothing", ""); w.Code != 303 || !strings.HasPrefix(w.Header().Get("Location"), "/desk/sign-in") {
		t.Errorf("a stranger at the desk got %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestHeaders(t *testing.T) {
	k := webtest.KernelWith(t, noon, func(o *web.Options) { o.PublicURL = "https://mail.example.org" })
	w := ask(k.Handler(nil), "GET", "/nothing", "")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "same-origin", "Strict-Transport-Security": "max-age=", "Cache-Control": "no-store",
	} {
		if !strings.Contains(w.Header().Get(name), want) {
			t.Errorf("%s is %q", name, w.Header().Get(name))
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
		t.Errorf("the policy is loose: %s", policy)
	}
	plain := ask(webtest.Kernel(t, noon).Handler(nil), "GET", "/nothing", "")
	if plain.Header().Get("Strict-Transport-Security") != "" {
		t.Error("HSTS on plain http")
	}
}

func TestOtherSitesCannotPost(t *testing.T) {
	done := 0
	act := func(w http.ResponseWriter, r *http.Request) error { done++; return nil }
	h := webtest.Kernel(t, noon).Handler(nil, area{web.Public("POST /closed", act), web.Public("POST /open", act).OpenToOtherSites()})
	if w := ask(h, "POST", "/closed", "", "Sec-Fetch-Site", "cross-site"); w.Code != 403 || done != 0 {
		t.Errorf("cross-site: status %d, done %d", w.Code, done)
	}
	if w := ask(h, "POST", "/closed", "", "Origin", "https://elsewhere.example"); w.Code != 403 || done != 0 {
		t.Errorf("foreign origin: status %d, done %d", w.Code, done)
	}
	if w := ask(h, "POST", "/closed", "", "Sec-Fetch-Site", "same-origin"); w.Code != 200 || done != 1 {
		t.Errorf("own form: status %d, done %d", w.Code, done)
	}
	if w := ask(h, "POST", "/open", "List-Unsubscribe=One-Click", "Origin", "https://elsewhere.example"); w.Code != 200 || done != 2 {
		t.Errorf("open route: status %d, done %d", w.Code, done)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	k := webtest.Kernel(t, noon)
	keep := func(w http.ResponseWriter, r *http.Request) error { return nil }
	h := k.Handler(nil, area{web.Public("POST /form", keep), web.Public("POST /large", keep).MaxBody(1 << 20)})
	body := "text=" + strings.Repeat("x", web.DefaultBodyLimit)
	if w := ask(h, "POST", "/form", body); w.Code != 413 {
		t.Errorf("status %d, want 413", w.Code)
	}
	for _, kind := range []string{"text/plain", "application/json", "nonsense", ""} {
		if w := ask(h, "POST", "/form", body, "Content-Type", kind); w.Code != 413 {
			t.Errorf("as %q: status %d, want 413", kind, w.Code)
		}
	}
	if w := ask(h, "POST", "/large", body); w.Code != 200 {
		t.Errorf("status %d, want 200", w.Code)
	}
	if w := ask(h, "POST", "/form", "a=%zz"); w.Code != 422 {
		t.Errorf("broken form: status %d, want 422", w.Code)
	}
}

// upload is a form with a file of some size.
func upload(t *testing.T, size int) (body *bytes.Buffer, kind string) {
	t.Helper()
	body = &bytes.Buffer{}
	form := multipart.NewWriter(body)
	file, err := form.CreateFormFile("file", "people.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write(bytes.Repeat([]byte("x"), size)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return body, form.FormDataContentType()
}

// A daemon that ends, or a client that stops writing, breaks a request off. Who
// still reads must not take what was undone for done.
func TestARequestThatIsBrokenOffIsNotAnswered(t *testing.T) {
	requests, stop := context.WithCancel(t.Context())
	defer stop()
	server := httptest.NewUnstartedServer(webtest.Kernel(t, noon).Handler(nil, area{
		web.Public("POST /leave", func(w http.ResponseWriter, r *http.Request) error {
			stop()
			<-r.Context().Done()
			return r.Context().Err()
		})}))
	server.Config.BaseContext = func(net.Listener) context.Context { return requests }
	server.Start()
	defer server.Close()
	answer, err := http.Post(server.URL+"/leave", "application/x-www-form-urlencoded", strings.NewReader("token=1"))
	if err == nil {
		_ = answer.Body.Close()
		t.Errorf("it was answered with %s", answer.Status)
	}
}

func TestNothingOfAnUploadStaysOnDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	spooled := -1
	h := webtest.Kernel(t, noon).Handler(nil, area{web.Public("POST /file", func(w http.ResponseWriter, r *http.Request) error {
		spooled = len(inFolder(t, os.TempDir()))
		return nil
	}).MaxBody(4 << 20)})
	server := httptest.NewServer(h)
	defer server.Close()
	body, kind := upload(t, 3<<20)
	answer, err := http.Post(server.URL+"/file", kind, body)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	server.Close() // waits for what is under way
	if spooled != 1 {
		t.Fatalf("the handler saw %d files on disk, want the upload", spooled)
	}
	if left := inFolder(t, os.TempDir()); len(left) != 0 {
		t.Errorf("left on disk: %v", left)
	}
}

func inFolder(t *testing.T, path string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestTheDeskReadsNothingFromStrangers(t *testing.T) {
	h := webtest.Kernel(t, noon).Handler(webtest.Nobody(), area{web.Desk("POST /desk/file", epistle.ReadDesk,
		func(http.ResponseWriter, *http.Request) error { return nil }).MaxBody(4 << 20)})
	body, kind := upload(t, 3<<20)
	r := httptest.NewRequest(http.MethodPost, "/desk/file", body)
	r.Header.Set("Content-Type", kind)
	before := body.Len()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusSeeOther || body.Len() != before {
		t.Errorf("status %d, and %d bytes of a stranger's body were read", w.Code, before-body.Len())
	}
}

func TestLimits(t *testing.T) {
	k := webtest.KernelWith(t, noon, func(o *web.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	l := limit.New(time.Minute, 2, 100, noon)
	h := k.Handler(nil, area{web.Public("GET /x", func(w http.ResponseWriter, r *http.Request) error { return nil }).LimitedBy(l)})
	from := func(chain string) int { return ask(h, "GET", "/x", "", "X-Forwarded-For", chain).Code }
	// One network of IPv6 is one visitor, whatever it claims to stand behind.
	codes := []int{from("2001:db8::1"), from("9.9.9.9, 2001:db8::2"), from("2001:db8::3"), from("198.51.100.7")}
	if want := []int{200, 200, 429, 200}; !equal(codes, want) {
		t.Errorf("statuses %v, want %v", codes, want)
	}
}

func equal(a, b []int) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func TestTheReaderChoosesTheLanguage(t *testing.T) {
	k := webtest.Kernel(t, noon)
	at := func(target string, headers ...string) epistle.Language {
		r := httptest.NewRequest(http.MethodGet, target, nil)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return k.Language(r)
	}
	if got := at("/", "Accept-Language", "ko-KR,ko;q=0.9"); got != epistle.Korean {
		t.Errorf("browser: %s", got)
	}
	if got := at("/", "Accept-Language", "ko", "Cookie", "epistle-lang=en"); got != epistle.English {
		t.Errorf("cookie: %s", got)
	}
	if got := at("/?lang=ko", "Cookie", "epistle-lang=en"); got != epistle.Korean {
		t.Errorf("?lang: %s", got)
	}
	if got := at("/?lang=xx"); got != epistle.English {
		t.Errorf("nonsense: %s", got)
	}
}

func TestPermissionOfARoute(t *testing.T) {
	k := webtest.Kernel(t, noon)
	routes := area{web.Desk("GET /desk/staff", epistle.ManageStaff, func(w http.ResponseWriter, r *http.Request) error { return nil })}
	author := epistle.StaffMember{ID: 7, Role: epistle.Author, Language: epistle.Korean}
	if w := ask(k.Handler(webtest.SignedIn(author), routes), "GET", "/desk/staff", ""); w.Code != 403 || !strings.Contains(w.Body.String(), `lang="ko"`) {
		t.Errorf("an author got %d", w.Code)
	}
	admin := epistle.StaffMember{ID: 8, Role: epistle.Admin, Language: epistle.English}
	if w := ask(k.Handler(webtest.SignedIn(admin), routes), "GET", "/desk/staff", ""); w.Code != 200 {
		t.Errorf("an admin got %d", w.Code)
	}
}

func TestARefusedFormKeepsWhatWasTyped(t *testing.T) {
	k := webtest.Kernel(t, noon)
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.PostForm = url.Values{"email": {"nobody"}}
	form := web.FormOf(r)
	var problems epistle.Problems
	problems.Add(epistle.InvalidField("email", "address.no-at"))
	problems.Add(epistle.Errorf(epistle.Conflict, "exists", nil))
	if err := k.Refuse(r, form, problems.Err()); err != nil {
		t.Fatal(err)
	}
	if form.Value("email") != "nobody" || !strings.Contains(form.Error("email"), "@") || form.Message == "" || !form.Failed() {
		t.Errorf("the form lost something: %+v", form)
	}
	if err := k.Refuse(r, form, epistle.Errorf(epistle.Forbidden, "forbidden", nil)); err == nil {
		t.Error("a forbidden act was taken for a form's mistake")
	}
}

func TestFlashShowsOnceAndOnlyWordsOfTheCatalogue(t *testing.T) {
	k := webtest.Kernel(t, noon)
	h := k.Handler(nil, area{web.Public("GET /set", func(w http.ResponseWriter, r *http.Request) error {
		k.Flash(w, r, web.Good, "web.ago.days", "Count", 2)
		return web.Redirect(w, r, "/show")
	})})
	set := ask(h, "GET", "/set", "")
	cookie := set.Result().Cookies()[0]
	w := ask(h, "GET", "/show", "", "Cookie", cookie.Name+"="+cookie.Value)
	if !strings.Contains(w.Body.String(), "2 days ago") {
		t.Errorf("the message is not shown: %s", w.Body.String())
	}
	if gone := w.Result().Cookies(); len(gone) == 0 || gone[0].MaxAge >= 0 {
		t.Error("the message is not taken away")
	}
	planted := ask(h, "GET", "/show", "", "Cookie", cookie.Name+"=eyJ0IjoiYmFkIiwiayI6InNlbmQgdXMgbW9uZXkifQ")
	if strings.Contains(planted.Body.String(), "money") {
		t.Error("a planted message is shown")
	}
}

func FuzzVisitors(f *testing.F) {
	k := webtest.KernelWith(f, noon, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	h := k.Handler(nil)
	f.Add("eyJ0IjoiZ29vZCIsImsiOiJ3ZWIuYWdvLmRheXMiLCJkIjp7IkNvdW50IjoyfX0", "9.9.9.9, ::1", "ko;q=0.5", "lang=ko")
	f.Add("e30", ",,", "*", "lang=%00")
	f.Add("eyJ0IjoiIiwiayI6IndlYi5hZ28uZGF5cyIsImQiOnsiQ291bnQiOnsieCI6MX19fQ", "fe80::1%eth0", "", "p=-1")
	f.Fuzz(func(t *testing.T, flash, forwarded, accept, query string) {
		r := httptest.NewRequest(http.MethodGet, "/nothing", nil)
		r.URL.RawQuery = query
		r.Header.Set("X-Forwarded-For", forwarded)
		r.Header.Set("Accept-Language", accept)
		r.Header.Set("Cookie", "epistle-flash="+flash)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 404 {
			t.Errorf("status %d", w.Code)
		}
		_ = k.ClientKey(r)
	})
}

func TestStaticFilesCarryTheirHash(t *testing.T) {
	h := webtest.Kernel(t, noon).Handler(nil)
	page := ask(h, "GET", "/nothing", "").Body.String()
	href := regexp.MustCompile(`/static/epistle\.[0-9a-f]{10}\.css`).FindString(page)
	w := ask(h, "GET", href, "")
	if w.Code != 200 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/css") {
		t.Errorf("%s: %d %v", href, w.Code, w.Header())
	}
	if w := ask(h, "GET", "/static/epistle.0000000000.css", ""); w.Code != 200 || strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("an old address: %d %q", w.Code, w.Header().Get("Cache-Control"))
	}
	if w := ask(h, "GET", "/static/../layout/desk.html", ""); w.Code == 200 {
		t.Error("a file outside static was served")
	}
}

func TestHealth(t *testing.T) {
	var broken error
	k := webtest.KernelWith(t, noon, func(o *web.Options) {
		o.Ready = func(context.Context) error { return broken }
	})
	h := k.Handler(nil)
	if w := ask(h, "GET", "/readyz", ""); w.Code != 200 {
		t.Errorf("ready: %d", w.Code)
	}
	broken = epistle.Errorf(epistle.Unavailable, "database.unreachable", errors.New("no route"))
	if w := ask(h, "GET", "/readyz", ""); w.Code != 503 || !strings.Contains(w.Body.String(), "The database server does not answer.") {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	if w := ask(h, "GET", "/healthz", ""); w.Code != 200 {
		t.Errorf("health: %d", w.Code)
	}
}

// Every {{t "key"}} of every template is in the catalogue, in every language.
func TestTemplatesUseWordsThatExist(t *testing.T) {
	catalog := webtest.Catalog(t)
	literal := regexp.MustCompile(`(?:[({]\s*)t "([^"]+)"`)
	seen := 0
	err := fs.WalkDir(templates.Web, "web", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".html") {
			return err
		}
		text, err := fs.ReadFile(templates.Web, file)
		for _, m := range literal.FindAllStringSubmatch(string(text), -1) {
			seen++
			for _, l := range epistle.Languages {
				if !catalog.Keys(l)[m[1]] {
					t.Errorf("%s uses %q, which %s lacks", file, m[1], l)
				}
			}
		}
		return err
	})
	if err != nil || seen == 0 {
		t.Fatalf("%d keys read, %v", seen, err)
	}
}

func TestBothLanguagesHaveTheSameKeys(t *testing.T) {
	catalog := webtest.Catalog(t)
	en, ko := catalog.Keys(epistle.English), catalog.Keys(epistle.Korean)
	for key := range en {
		if !ko[key] {
			t.Errorf("Korean lacks %q", key)
		}
	}
	for key := range ko {
		if !en[key] {
			t.Errorf("English lacks %q", key)
		}
	}
}
