package desk_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
	"epistle/internal/wordpress/wptest"
)

func openSites(t *testing.T, s *store.Store, clock *storetest.Clock) (*house, *wptest.Site) {
	t.Helper()
	wp := wptest.New(t, clock.Now)
	client := fetch.New(fetch.Options{Allow: []string{wp.Host()}})
	t.Cleanup(client.Close)
	h := openHouse(t, s, clock, desk.Sites{Kernel: webtest.Kernel(t, clock.Now), Store: s,
		Verb:    &signup.Sites{Store: s, Web: client, Clock: clock.Now},
		Wording: func(n epistle.Newsletter, l epistle.Language) string { return "It's the " + n.Title.In(l) }})
	if _, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "weekly", Title: epistle.Text{EN: "Weekly", KO: "주간"}, WordingVersion: 3},
		epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()}); err != nil {
		t.Fatal(err)
	}
	h.hire("admin")
	h.signIn("admin")
	return h, wp
}

func TestConnectingASiteAtTheDesk(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, wp := openSites(t, s, clock)
		if _, page, _ := h.visit("/desk/settings/sites"); !strings.Contains(page, "No site is connected") {
			t.Errorf("the empty list:\n%s", page)
		}
		if status, page, _ := h.visit("/desk/settings/sites", "slug", "My blog", "url", "not an address"); status != http.StatusUnprocessableEntity ||
			strings.Count(page, "has-error") != 2 {
			t.Errorf("a wrong form was answered with %d:\n%s", status, page)
		}
		_, page, path := h.visit("/desk/settings/sites", "slug", "blog", "url", wp.URL)
		if !strings.HasPrefix(path, "/desk/settings/sites/") {
			t.Fatalf("after connecting we are at %s:\n%s", path, page)
		}
		for _, want := range []string{"define( &#39;EPISTLE_HOOK&#39;, &#39;http://localhost/hooks/wordpress/blog&#39; );", "&#39;version&#39; =&gt; 1", `It\&#39;s the Weekly`, "whsec_", "has not called yet"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page lacks %q:\n%s", want, page)
			}
		}
		if _, page, _ := h.visit(path+"/test", "x", "y"); !strings.Contains(page, "Save a user name and an application password first.") {
			t.Errorf("the test without a password:\n%s", page)
		}
		version := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(page)[1]
		if status, _, _ := h.visit(path, "version", version, "url", wp.URL, "user", "epistle"); status != http.StatusUnprocessableEntity {
			t.Errorf("a name without a password: %d", status)
		}
		_, page, _ = h.visit(path, "version", version, "url", wp.URL, "user", "epistle", "password", wp.Password)
		if !strings.Contains(page, "Saved.") || strings.Contains(page, wp.Password) {
			t.Errorf("after saving:\n%s", page)
		}
		if _, page, _ := h.visit(path+"/test", "x", "y"); strings.Count(page, `class="dot good"`) != 3 {
			t.Errorf("the test of a site that is well:\n%s", page)
		}
		wp.Do(func(w *wptest.Site) { w.Strips = true })
		if _, page, _ := h.visit(path+"/test", "x", "y"); !strings.Contains(page, "strips the Authorization header") || strings.Count(page, `class="dot bad"`) != 2 {
			t.Errorf("the test behind a proxy:\n%s", page)
		}
		version = regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(page)[1]
		_, page, _ = h.visit(path+"/secret", "version", version, "action", "new")
		if !strings.Contains(page, "The secret before this one counts too") {
			t.Errorf("after a new secret:\n%s", page)
		}
		version = regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(page)[1]
		if _, page, _ = h.visit(path+"/secret", "version", version, "action", "drop"); strings.Contains(page, "The secret before this one counts too") {
			t.Errorf("after dropping the old one:\n%s", page)
		}
		if _, page, _ := h.visit("/desk/settings/sites"); !strings.Contains(page, "Nothing heard yet") {
			t.Errorf("the list:\n%s", page)
		}
	})
}

func TestDisconnectingASiteAtTheDesk(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, wp := openSites(t, s, clock)
		_, _, path := h.visit("/desk/settings/sites", "slug", "typo", "url", wp.URL)
		if _, page, at := h.visit(path+"/disconnect", "version", "1"); at != "/desk/settings/sites" || !strings.Contains(page, "No comment had come from it") {
			t.Errorf("a site without comments: at %s:\n%s", at, page)
		}
		_, _, path = h.visit("/desk/settings/sites", "slug", "blog", "url", wp.URL)
		sites, err := s.Sites(t.Context())
		if err != nil || len(sites) != 1 {
			t.Fatalf("%d sites, error %v", len(sites), err)
		}
		if _, err := s.TakeArrivals(t.Context(), sites[0].ID, []epistle.Arrival{{SiteID: sites[0].ID, SourceID: 1, Telling: epistle.ToldNow, At: clock.Now(),
			Origin: epistle.FromWordPress, State: epistle.CommentApproved, PageURL: wp.URL + "winter/", Name: "Miriam", Body: "Amen.", Language: epistle.English}}); err != nil {
			t.Fatal(err)
		}
		if _, page, _ := h.visit(path+"/disconnect", "version", "9"); !strings.Contains(page, "Somebody else changed this") {
			t.Errorf("an old page:\n%s", page)
		}
		_, page, at := h.visit(path+"/disconnect", "version", "1")
		if at != path || !strings.Contains(page, "nothing is taken from this site") || strings.Contains(page, "EPISTLE_SECRET") {
			t.Errorf("after disconnecting, at %s:\n%s", at, page)
		}
		if _, page, _ := h.visit("/desk/settings/sites"); !strings.Contains(page, "Disconnected") {
			t.Errorf("the list:\n%s", page)
		}
		if _, page, _ := h.visit(path+"/reconnect", "version", "2"); !strings.Contains(page, "EPISTLE_SECRET") {
			t.Errorf("connected again:\n%s", page)
		}
	})
}

func TestOnlyAdministratorsSeeSites(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, _ := openSites(t, s, clock)
		h.hire("editor")
		h.browser = newBrowser(t)
		h.signIn("editor")
		for _, path := range []string{"/desk/settings/sites", "/desk/settings/sites/1"} {
			if status, _, _ := h.visit(path); status != http.StatusForbidden {
				t.Errorf("%s for an editor: %d", path, status)
			}
		}
	})
}

func TestEveryStateOfASitesPage(t *testing.T) {
	clock := storetest.NewClock()
	k := webtest.Kernel(t, clock.Now)
	now := clock.Now()
	for _, problem := range []string{"no-wordpress", "inside", "insecure", "led-away", "untrusted", "unreachable", "password", "no-passwords",
		"authorization", "stripped", "not-moderator", "busy", "refused", "no-password"} {
		pages := webtest.Page(t, k, "desk/site", struct {
			Site    epistle.Site
			Form    *web.Form
			Lines   string
			Version int64
			Found   *signup.Finding
		}{Form: web.NewForm("version", "1"), Version: 2, Found: &signup.Finding{Problem: problem},
			Site: epistle.Site{ID: 1, Slug: "blog", URL: "https://blog.example/", Problem: problem, PollAfter: now.Add(time.Hour), PolledAt: now,
				HookedAt: now, WordingVersion: 1, Password: "x", OldSecret: "x"}})
		if !strings.Contains(pages[epistle.English], "older wording") {
			t.Error("nobody is told of an older wording")
		}
	}
}
