package public_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

const garden = "https://lantern.example/garden"

// reader visits the comments of a ministry with one newsletter.
type reader struct {
	t      testing.TB
	server *httptest.Server
	store  *store.Store
	clock  *storetest.Clock
	verb   *signup.Comments
	page   epistle.Page
}

func visit(t testing.TB) *reader {
	t.Helper()
	s, clock := storetest.SQLite(t)
	return visitFirst(t, s, clock)
}

// visitFirst is a visit to a ministry that begins on an empty store.
func visitFirst(t testing.TB, s *store.Store, clock *storetest.Clock) *reader {
	t.Helper()
	page, err := signup.NewPages(s, clock.Now).Add(t.Context(), epistle.StaffActor(1, epistle.Author),
		epistle.Page{URL: garden, Title: epistle.Text{EN: "A Garden Between Houses", KO: "집과 집 사이의 정원"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "update", Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers:    epistle.Text{EN: "It covers all of our work.", KO: "저희의 모든 사역을 전합니다."},
		Frequency: epistle.Text{EN: "It comes every Thursday evening.", KO: "매주 목요일 저녁에 보냅니다."},
		Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", WordingVersion: 1, AssembleLead: 48 * time.Hour, Grace: 24 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "update@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hana", KO: "하나"}, Address: "hana@lantern.example"},
	}, epistle.AuditEntry{Actor: epistle.SystemActor(), Action: "newsletter.create", Subject: "newsletter"}); err != nil {
		t.Fatal(err)
	}
	return visitDaemon(t, s, clock, page)
}

// visitDaemon is a visit to one more daemon of the same ministry.
func visitDaemon(t testing.TB, s *store.Store, clock *storetest.Clock, page epistle.Page) *reader {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	kernel := webtest.Kernel(t, clock.Now)
	service := signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(t), Keys: s.Keys(), Clock: clock.Now, Log: quiet})
	verb := signup.NewComments(signup.CommentOptions{Store: s, Requests: service, Stamps: signup.NewStamps(s.Keys(), clock.Now), Keys: s.Keys(),
		Clock: clock.Now, Log: quiet, Sites: []string{"blog.lantern.example"}})
	server := httptest.NewServer(kernel.Handler(nil, public.Comments{Kernel: kernel, Store: s, Verb: verb}))
	t.Cleanup(server.Close)
	return &reader{t: t, server: server, store: s, clock: clock, verb: verb, page: page}
}

func (v *reader) get(path string) (int, string) {
	v.t.Helper()
	r, err := http.Get(v.server.URL + path)
	return webtest.Answer(v.t, r, err)
}

func (v *reader) post(form url.Values) (int, string) {
	v.t.Helper()
	r, err := http.PostForm(v.server.URL+"/comments", form)
	return webtest.Answer(v.t, r, err)
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// filled is the form of a page as a person fills it in.
func (v *reader) filled(path string) url.Values {
	v.t.Helper()
	_, body := v.get(path)
	form := url.Values{"name": {"Solveig Moen"}, "email": {"solveig@example.org"}, "comment": {"We think of you at breakfast."}}
	for _, m := range hiddenField.FindAllStringSubmatch(body, -1) {
		form.Set(m[1], m[2])
	}
	v.clock.Advance(30 * time.Second)
	return form
}

func (v *reader) approveAll() {
	v.t.Helper()
	waiting, err := v.store.CommentQueue(v.t.Context(), store.CommentFilter{State: epistle.CommentPending, Limit: 100})
	if err != nil {
		v.t.Fatal(err)
	}
	for i := len(waiting) - 1; i >= 0; i-- {
		if err := v.verb.Approve(v.t.Context(), epistle.StaffActor(1, epistle.Author), waiting[i].ID, epistle.CommentPending); err != nil {
			v.t.Fatal(err)
		}
	}
}

func contains(t *testing.T, body string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

const thread = "/comments?page=" + garden

func TestAReaderCommentsAndAsksForTheUpdates(t *testing.T) {
	v := visit(t)
	status, body := v.get(thread)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	contains(t, body, `<h1 lang="en">A Garden Between Houses</h1>`, `lang="ko">집과 집 사이의 정원`, "Nobody has written here yet",
		"It covers all of our work.", "It comes every Thursday evening.")
	if strings.Contains(body, " checked") {
		t.Error("the box is ticked")
	}
	form := v.filled(thread)
	form.Set("updates", "yes")
	status, body = v.post(form)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	contains(t, body, "One of us reads each comment", "A mail is on its way")
	if _, body = v.get(thread); strings.Contains(body, "breakfast") {
		t.Error("a held comment is shown")
	}
	notices, err := v.store.ClaimNotices(t.Context(), "test", time.Minute, 10)
	if err != nil || len(notices) != 1 || notices[0].Kind != epistle.NoticeConfirm || notices[0].To != "solveig@example.org" {
		t.Fatalf("mails to send: %+v, %v", notices, err)
	}
	for _, value := range notices[0].Data {
		if strings.Contains(value, "Solveig") || strings.Contains(value, "breakfast") {
			t.Errorf("the mail repeats what was typed: %q", value)
		}
	}
	v.approveAll()
	_, body = v.get(thread)
	contains(t, body, "1 comment", "We think of you at breakfast.", "Solveig Moen", "22 November 2026", `id="c1"`)
	if strings.Contains(body, "solveig@example.org") {
		t.Error("the address is shown")
	}
	_, body = v.get(thread + "&lang=ko")
	contains(t, body, `<h1 lang="ko">집과 집 사이의 정원</h1>`, "댓글 1개", "2026년 11월 22일")
}

func TestAPostedFormTwiceIsOneCommentAndOneMail(t *testing.T) {
	v := visit(t)
	form := v.filled(thread)
	form.Set("updates", "yes")
	for range 3 {
		if status, _ := v.post(form); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		v.clock.Advance(5 * time.Minute)
	}
	counts, err := v.store.CommentCounts(t.Context())
	if err != nil || counts[epistle.CommentPending] != 1 {
		t.Errorf("comments %v, %v", counts, err)
	}
	notices, err := v.store.ClaimNotices(t.Context(), "test", time.Minute, 10)
	if err != nil || len(notices) != 1 {
		t.Errorf("%d mails, %v; want 1", len(notices), err)
	}
}

func TestARefusedFormKeepsWhatWasTyped(t *testing.T) {
	v := visit(t)
	form := v.filled(thread)
	form.Set("name", "\u202eevil")
	form.Set("email", "not an address")
	form.Set("comment", `</textarea><script>alert(1)</script>`)
	form.Set("updates", "yes")
	status, body := v.post(form)
	if status != http.StatusUnprocessableEntity {
		t.Errorf("status %d, want 422", status)
	}
	contains(t, body, "An e-mail address has an @ in it.", "This text has invisible characters", "&lt;/textarea&gt;&lt;script&gt;", `value="not an address"`, " checked")
	if strings.Contains(body, "<script>alert") {
		t.Error("HTML came through")
	}
	if counts, err := v.store.CommentCounts(t.Context()); err != nil || counts[epistle.CommentPending] != 0 {
		t.Errorf("something was kept: %v, %v", counts, err)
	}
}

func TestCommentsAreShownAsText(t *testing.T) {
	v := visit(t)
	body := "<b>bold</b> & https://elsewhere.example/x \"q\"\n🙏🏽 평안 שלום"
	form := v.filled(thread)
	form.Set("comment", body)
	form.Set("name", `<img src=x onerror=alert(1)>`)
	v.post(form)
	v.approveAll()
	_, page := v.get(thread)
	contains(t, page, "&lt;b&gt;bold&lt;/b&gt; &amp; https://elsewhere.example/x &#34;q&#34;\n🙏🏽 평안 שלום", "&lt;img src=x onerror=alert(1)&gt;")
	if strings.Contains(page, `href="https://elsewhere`) || strings.Contains(page, "<b>") {
		t.Error("something in the comment is alive")
	}
}

func TestRepliesStandUnderTheirComment(t *testing.T) {
	v := visit(t)
	v.post(v.filled(thread))
	v.approveAll()
	list, err := v.store.Thread(t.Context(), v.page.ID, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	reply := thread + "&reply=" + strconv.FormatInt(list[0].ID, 10)
	_, body := v.get(reply)
	contains(t, body, "Reply to", `name="reply"`)
	form := v.filled(reply)
	form.Set("comment", "So do we.")
	v.post(form)
	v.approveAll()
	_, body = v.get(thread)
	contains(t, body, `<ol class="replies">`, "So do we.", "1 comment")
	form.Set("reply", "424242")
	form.Set("comment", "To nobody")
	if status, _ := v.post(form); status != http.StatusNotFound {
		t.Errorf("a reply to nobody: status %d, want 404", status)
	}
}

func TestUnknownPagesAndHugeBodies(t *testing.T) {
	v := visit(t)
	for _, path := range []string{"/comments", "/comments?page=https://elsewhere.example/", "/comments?page=javascript:alert(1)", "/comments?page=%ff", "/comments/received?page=x"} {
		if status, _ := v.get(path); status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, status)
		}
	}
	if status, body := v.get("/comments?page=https://blog.lantern.example/a/new-page"); status != http.StatusOK || !strings.Contains(body, "blog.lantern.example/a/new-page") {
		t.Errorf("a new page of a site of ours: status %d", status)
	}
	form := v.filled(thread)
	form.Set("comment", strings.Repeat("x", 1<<20))
	if status, _ := v.post(form); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge body: status %d, want 413", status)
	}
	form.Set("comment", strings.Repeat("😀", epistle.MaxComment))
	if status, _ := v.post(form); status != http.StatusOK {
		t.Errorf("the longest comment: status %d, want 200", status)
	}
	form.Set("comment", "a\xffb")
	if status, _ := v.post(form); status != http.StatusUnprocessableEntity {
		t.Errorf("invalid UTF-8: status %d, want 422", status)
	}
}

func TestLongThreadsComeInPages(t *testing.T) {
	v := visit(t)
	for i := range 103 {
		if _, err := v.store.PostComment(t.Context(), epistle.Comment{PageID: v.page.ID, Name: "N", Address: "n@example.org", Body: "Day " + strconv.Itoa(i), Language: epistle.English}); err != nil {
			t.Fatal(err)
		}
	}
	v.approveAll()
	v.approveAll()
	_, body := v.get(thread)
	contains(t, body, "103 comments", `id="c100"`, "after=100", "More comments")
	if strings.Contains(body, `id="c101"`) {
		t.Error("the page has no end")
	}
	_, body = v.get(thread + "&after=100")
	contains(t, body, `id="c101"`, `id="c103"`, "Back to the first comments")
}
