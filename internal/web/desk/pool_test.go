package desk_test

import (
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/render"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

// poolDesk is the desk with the pages of the pool.
type poolDesk struct {
	*house
	pool *editorial.Pool
}

func openPool(t *testing.T, s *store.Store, clock *storetest.Clock) *poolDesk {
	t.Helper()
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	pool := editorial.NewPool(s, clock.Now, slog.New(slog.DiscardHandler))
	area := desk.Pool{Kernel: webtest.Kernel(t, clock.Now), Store: s, Pool: pool, Preview: &render.Renderer{}, Zone: seoul}
	return &poolDesk{openHouse(t, s, clock, area), pool}
}

// as makes the browser somebody's.
func (d *poolDesk) as(role string) epistle.ID {
	d.t.Helper()
	id := d.hire(role)
	d.become(role)
	return id
}

func (d *poolDesk) become(role string) {
	d.t.Helper()
	d.browser = newBrowser(d.t)
	d.signIn(role)
}

var versionField = regexp.MustCompile(`name="version" value="(\d+)"`)

func versionOn(t *testing.T, page string) string {
	t.Helper()
	found := versionField.FindStringSubmatch(page)
	if found == nil {
		t.Fatal("the page has no version")
	}
	return found[1]
}

func showsAll(t *testing.T, page string, sentences ...string) {
	t.Helper()
	for _, s := range sentences {
		if !strings.Contains(page, html.EscapeString(s)) {
			t.Errorf("the page lacks %q", s)
		}
	}
}

func TestAPrayerFromItsFirstWordToItsAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		d := openPool(t, s, clock)
		d.as("author")
		project, err := s.CreateProject(t.Context(), epistle.Project{Slug: "rain", Title: epistle.Text{EN: "Wells", KO: "우물"}}, epistle.AuditEntry{At: clock.Now()})
		if err != nil {
			t.Fatal(err)
		}
		_, page, _ := d.visit("/desk/prayers")
		showsAll(t, page, "No prayer requests yet", "Add a prayer")
		status, page, _ := d.visit("/desk/prayers", "headline_ko", "비를 위해", "body_en", "Only English below", "expires", "2026-11-20")
		if status != http.StatusUnprocessableEntity {
			t.Errorf("a wrong form: status %d", status)
		}
		showsAll(t, page, "비를 위해", "Only English below", "This day has passed")
		_, page, at := d.visit("/desk/prayers", "headline_en", "For <rain>", "headline_ko", "비를 위해", "body_en", "Pray.", "expires", "2026-11-22",
			"project", fmt.Sprint(project.ID), "state", "current")
		showsAll(t, page, "For <rain>", "Saved. The next update can use it.", "Korean missing")
		prayers, err := s.Prayers(t.Context(), store.PoolFilter{})
		if err != nil || len(prayers) != 1 {
			t.Fatalf("%d prayers, error %v", len(prayers), err)
		}
		// The last day ends at midnight in Seoul.
		if want := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC); !prayers[0].ExpiresAt.Equal(want) || prayers[0].ProjectID != project.ID {
			t.Errorf("kept as %+v, want an expiry at %s", prayers[0], want)
		}
		if !strings.Contains(page, `value="2026-11-22"`) {
			t.Error("the form does not show the last day")
		}
		_, page, _ = d.visit("/desk/prayers")
		showsAll(t, page, "For <rain>", "Wells", "until Sunday 22 November")
		_, page, _ = d.visit(at+"/answered", "version", "1")
		showsAll(t, page, "Marked as answered.", "Thanks be to God.")
		_, page, _ = d.visit(at+"/current", "version", "1")
		showsAll(t, page, "Somebody else changed this")
		_, page, _ = d.visit("/desk/prayers?state=answered")
		showsAll(t, page, "For <rain>")
		if status, _, _ := d.visit("/desk/prayers/999999"); status != http.StatusNotFound {
			t.Errorf("a prayer that is not there: %d", status)
		}
	})
}

func TestWhoeverIsSlowerKeepsWhatTheyTyped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		d := openPool(t, s, clock)
		me := d.as("author")
		id, err := d.pool.CreateLetter(t.Context(), epistle.StaffActor(me, epistle.Author), epistle.Letter{Body: epistle.Text{EN: "Dear friends"}})
		if err != nil {
			t.Fatal(err)
		}
		path := fmt.Sprintf("/desk/letters/%d", id)
		_, page, _ := d.visit(path)
		version := versionOn(t, page)
		d.visit(path, "version", version, "body_en", "What somebody else wrote")
		status, page, _ := d.visit(path, "version", version, "body_en", "What I wrote", "signature_1_en", "Hana")
		if status != http.StatusUnprocessableEntity {
			t.Errorf("status %d, want 422", status)
		}
		showsAll(t, page, "What I wrote", "What somebody else wrote", "What is saved now", "Hana")
		_, page, _ = d.visit(path, "version", versionOn(t, page), "body_en", "What I wrote", "signature_1_en", "Hana")
		showsAll(t, page, "Saved.", "What I wrote")
		letter, err := s.Letter(t.Context(), id)
		if err != nil || letter.Body.EN != "What I wrote" {
			t.Errorf("kept %+v, error %v", letter, err)
		}
	})
}

func TestALinkNeedsTwoPeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		d := openPool(t, s, clock)
		d.as("author")
		form := []string{"url", "paper.example.org.lookalike.example/view?idxno=7&utm_source=x", "title_en", "A harvest", "publisher", "The Paper", "published_on", "2026-11-20"}
		_, page, at := d.visit("/desk/links", form...)
		showsAll(t, page, "Proposed. A second person can confirm it now.", "Links are confirmed by an editor")
		if !strings.Contains(page, "paper.example.org.<b>lookalike.example</b>") || strings.Contains(page, "utm_source") || strings.Contains(page, "/confirm\"") {
			t.Error("the author's page must show whose address it is, without tracking, and no button to confirm")
		}
		status, page, _ := d.visit("/desk/links", form...)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, `href="`+at+`"`) {
			t.Errorf("the same link again: status %d, or no way to the first one", status)
		}
		if _, page, _ = d.visit(at+"/confirm", "version", "1"); !strings.Contains(page, "Links are confirmed by an editor") {
			t.Error("an author who posts anyway is not told why it was refused")
		}
		d.as("editor")
		_, page, _ = d.visit(at)
		showsAll(t, page, "Confirm this link")
		status, page, _ = d.visit(at+"/reject", "version", versionOn(t, page), "reason", " ")
		if status != http.StatusUnprocessableEntity {
			t.Errorf("a rejection without a reason: %d", status)
		}
		showsAll(t, page, "Please say in a few words why.")
		_, page, _ = d.visit(at+"/confirm", "version", versionOn(t, page))
		showsAll(t, page, "Confirmed. It can be used in the next update.")
		_, page, _ = d.visit(at + "/edit")
		showsAll(t, page, "has to be confirmed again")
		_, page, _ = d.visit(at, append([]string{"version", versionOn(t, page)}, "url", "https://paper.example.org/", "title_en", "A harvest", "publisher", "The Paper", "published_on", "2026-11-20")...)
		showsAll(t, page, "somebody else has to confirm it again", "You proposed this link yourself")
	})
}

func TestTheLetterPreviewKeepsNothingAndRunsNothing(t *testing.T) {
	s, clock := storetest.SQLite(t)
	d := openPool(t, s, clock)
	d.as("author")
	letter := url.Values{"body_en": {"**Hello** <script>alert(1)</script>"}, "body_ko": {"**안녕**하세요"}}
	_, page, _ := d.visit("/desk/letters/preview", "body_en", letter.Get("body_en"))
	if !strings.Contains(page, "<strong>Hello</strong>") || strings.Contains(page, "<script>alert") {
		t.Error("the page shows no preview, or runs what was typed")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+"/desk/letters/preview", strings.NewReader(letter.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	answer, err := d.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
		t.Errorf("status %d, type %s", answer.StatusCode, answer.Header.Get("Content-Type"))
	}
	if letters, err := s.Letters(t.Context(), store.PoolFilter{}); err != nil || len(letters) != 0 {
		t.Errorf("a preview kept %d letters, error %v", len(letters), err)
	}
}

// TestEveryPageHasItsWords executes every page, in every state and in both
// languages, as an administrator sees it.
func TestEveryPageHasItsWords(t *testing.T) {
	s, clock := storetest.SQLite(t)
	ctx := t.Context()
	pool := editorial.NewPool(s, clock.Now, slog.New(slog.DiscardHandler))
	kernel := webtest.Kernel(t, clock.Now)
	admin, editor := epistle.StaffActor(1, epistle.Admin), epistle.StaffActor(2, epistle.Editor)
	area := desk.Pool{Kernel: kernel, Store: s, Pool: pool, Preview: &render.Renderer{}, Zone: time.UTC}
	var paths []string
	add := func(kind string, id epistle.ID, err error) epistle.ID {
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, fmt.Sprintf("/desk/%ss/%d", kind, id))
		return id
	}
	act := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	words := epistle.Text{EN: "Words", KO: "말"}
	for _, state := range []epistle.ItemState{epistle.Drafted, epistle.Current, epistle.Answered, epistle.Expired, epistle.Withdrawn} {
		prayer := epistle.Prayer{Headline: words, Body: words, State: state}
		if state == epistle.Expired {
			prayer.State, prayer.ExpiresAt = epistle.Current, clock.Now().Add(time.Hour)
		}
		id, err := pool.CreatePrayer(ctx, admin, prayer)
		add("prayer", id, err)
		letter, err := pool.CreateLetter(ctx, admin, epistle.Letter{Body: words, State: state, Signatures: []epistle.Text{words}})
		add("letter", letter, err)
		question, err := pool.CreateQuestion(ctx, admin, epistle.Question{Text: words, URL: epistle.Text{EN: "https://example.org/a"}, State: state})
		add("question", question, err)
		video, err := pool.CreateVideo(ctx, admin, epistle.Video{Title: words, URL: "https://example.org/v", State: state})
		add("video", video, err)
		switch state {
		case epistle.Answered:
			act(pool.Answered(ctx, admin, id, 1))
		case epistle.Withdrawn:
			for kind, item := range map[epistle.ItemKind]epistle.ID{epistle.PrayerItem: id, epistle.LetterItem: letter, epistle.QuestionItem: question, epistle.VideoItem: video} {
				_, err := pool.Withdraw(ctx, admin, kind, item)
				act(err)
			}
		}
	}
	clock.Advance(2 * time.Hour)
	var links []epistle.ID
	for i := range 5 {
		id, err := pool.SubmitLink(ctx, admin, epistle.Link{URL: fmt.Sprintf("http://통일.kr/%d", i), Title: words, Summary: words, Publisher: "P", PublishedOn: "2026-11-20", Note: "n"})
		links = append(links, add("link", id, err))
		paths = append(paths, fmt.Sprintf("/desk/links/%d/edit", id))
	}
	act(pool.ConfirmLink(ctx, editor, links[1], 1))
	act(pool.RejectLink(ctx, editor, links[2], 1, "no"))
	_, err := pool.Withdraw(ctx, admin, epistle.LinkItem, links[3])
	act(err)
	act(pool.RejectLink(ctx, editor, links[4], 1, "no"))
	act(pool.ResubmitLink(ctx, editor, links[4], 2))
	for _, name := range []string{"letters", "prayers", "links", "questions", "videos"} {
		paths = append(paths, "/desk/"+name, "/desk/"+name+"?state=all", "/desk/"+name+"/new", "/desk/"+name+"?state=withdrawn")
	}
	for _, l := range epistle.Languages {
		handler := kernel.Handler(webtest.SignedIn(epistle.StaffMember{ID: 1, Name: "Hana", Role: epistle.Admin, Language: l}), area)
		for _, path := range paths {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			if w.Code != http.StatusOK {
				t.Errorf("%s in %s: status %d", path, l, w.Code)
			}
			webtest.NoMissingWords(t, w.Body.String())
		}
	}
}

// TestAPublishersDayIsTheSameEverywhere looks at a link from west of London.
func TestAPublishersDayIsTheSameEverywhere(t *testing.T) {
	s, clock := storetest.SQLite(t)
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	kernel := webtest.KernelWith(t, clock.Now, func(o *web.Options) { o.Location = zone })
	pool := editorial.NewPool(s, clock.Now, slog.New(slog.DiscardHandler))
	admin := epistle.StaffMember{ID: 5, Role: epistle.Admin, Language: epistle.English}
	id, err := pool.SubmitLink(t.Context(), admin.Actor(), epistle.Link{URL: "https://news.example.org/a", Title: epistle.Text{EN: "News"},
		Publisher: "Example News", PublishedOn: "2026-11-19"})
	if err != nil {
		t.Fatal(err)
	}
	area := desk.Pool{Kernel: kernel, Store: s, Pool: pool, Preview: &render.Renderer{}, Zone: zone}
	handler := kernel.Handler(webtest.SignedIn(admin), area)
	for _, path := range []string{"/desk/links", fmt.Sprintf("/desk/links/%d", id)} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if page := w.Body.String(); !strings.Contains(page, "19 November") || strings.Contains(page, "18 November") {
			t.Errorf("%s does not show the publisher's day", path)
		}
	}
}

// TestThePoolIsClosedToOthers posts as nobody, and as somebody without a role.
func TestThePoolIsClosedToOthers(t *testing.T) {
	s, clock := storetest.SQLite(t)
	kernel := webtest.Kernel(t, clock.Now)
	area := desk.Pool{Kernel: kernel, Store: s, Pool: editorial.NewPool(s, clock.Now, slog.New(slog.DiscardHandler)), Preview: &render.Renderer{}, Zone: time.UTC}
	for what, c := range map[string]struct {
		guard web.Guard
		want  int
	}{
		"nobody":  {webtest.Nobody(), http.StatusSeeOther},
		"no role": {webtest.SignedIn(epistle.StaffMember{ID: 5, Language: epistle.English}), http.StatusForbidden},
	} {
		handler := kernel.Handler(c.guard, area)
		for _, path := range []string{"/desk/letters", "/desk/prayers/1", "/desk/prayers/1/withdraw", "/desk/links", "/desk/links/1/confirm", "/desk/links/1/reject", "/desk/videos/1/current"} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
			if w.Code != c.want {
				t.Errorf("%s at %s: %d, want %d", what, path, w.Code, c.want)
			}
		}
	}
}
