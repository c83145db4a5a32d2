package desk_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

// moderator is a member of staff at the comments.
type moderator struct {
	t      *testing.T
	server *httptest.Server
	client *http.Client
	store  *store.Store
	clock  *storetest.Clock
	page   epistle.Page
}

func moderate(t *testing.T, role epistle.Role, language epistle.Language) *moderator {
	t.Helper()
	s, clock := storetest.SQLite(t)
	quiet := slog.New(slog.DiscardHandler)
	kernel := webtest.Kernel(t, clock.Now)
	service := signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(t), Keys: s.Keys(), Clock: clock.Now, Log: quiet})
	verb := signup.NewComments(signup.CommentOptions{Store: s, Requests: service, Stamps: signup.NewStamps(s.Keys(), clock.Now), Keys: s.Keys(), Clock: clock.Now, Log: quiet})
	pages := signup.NewPages(s, clock.Now)
	member := epistle.StaffMember{Address: "hana@lantern.example", Name: "Hana", Role: role, Language: language}
	var err error
	if member.ID, err = s.CreateStaff(t.Context(), epistle.SystemActor(), member, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	page, err := s.CreatePage(t.Context(), epistle.Page{URL: "https://lantern.example/garden", Title: epistle.Text{EN: "A Garden Between Houses", KO: "집과 집 사이의 정원"}}, epistle.AuditEntry{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "update", Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers: epistle.Text{EN: "All of our work.", KO: "모든 사역을 전합니다."}, Frequency: epistle.Text{EN: "Weekly.", KO: "매주 보냅니다."},
		Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", WordingVersion: 1, AssembleLead: 48 * time.Hour, Grace: 24 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "update@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hana", KO: "하나"}, Address: "hana@lantern.example"},
	}, epistle.AuditEntry{Actor: epistle.SystemActor(), Action: "newsletter.create", Subject: "newsletter"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(kernel.Handler(webtest.SignedIn(member),
		desk.Answers{Kernel: kernel, Store: s, Verb: signup.Answers{Store: s, Clock: clock.Now}, Catalog: webtest.Catalog(t)},
		desk.Comments{Kernel: kernel, Store: s, Verb: verb, Ministry: epistle.Text{EN: "Lantern House", KO: "등불의 집"}}, desk.Pages{Kernel: kernel, Store: s, Verb: pages}))
	t.Cleanup(server.Close)
	jar := &flashJar{}
	return &moderator{t: t, server: server, client: &http.Client{Jar: jar}, store: s, clock: clock, page: page}
}

// flashJar keeps cookies, as a browser does.
type flashJar struct{ cookies []*http.Cookie }

func (j *flashJar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if c.MaxAge < 0 {
			j.cookies = nil
		} else {
			j.cookies = []*http.Cookie{c}
		}
	}
}

func (j *flashJar) Cookies(*url.URL) []*http.Cookie { return j.cookies }

func (m *moderator) get(path string) (int, string) {
	m.t.Helper()
	r, err := m.client.Get(m.server.URL + path)
	return webtest.Answer(m.t, r, err)
}

func (m *moderator) post(path string, pairs ...string) (int, string) {
	m.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := m.client.PostForm(m.server.URL+path, form)
	return webtest.Answer(m.t, r, err)
}

func (m *moderator) comment(body string, updates bool) epistle.ID {
	m.t.Helper()
	posted, err := m.store.PostComment(m.t.Context(), epistle.Comment{PageID: m.page.ID, Name: "Ingrid <i>", Address: "ingrid@example.org",
		Body: body, Language: epistle.English, WantsUpdates: updates})
	if err != nil {
		m.t.Fatal(err)
	}
	m.clock.Advance(time.Second)
	return posted.ID
}

func (m *moderator) state(id epistle.ID) epistle.CommentState {
	m.t.Helper()
	c, err := m.store.Comment(m.t.Context(), id)
	if err != nil {
		m.t.Fatal(err)
	}
	return c.State
}

func at(id epistle.ID) string { return "/desk/comments/" + strconv.FormatInt(id, 10) }

func shows(t *testing.T, body string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestTheQueueShowsWhatACommentAsks(t *testing.T) {
	for _, language := range epistle.Languages {
		m := moderate(t, epistle.Author, language)
		id := m.comment("A <b>moving</b> page. Please add me to your mailing list.", false)
		status, body := m.get("/desk/comments")
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		shows(t, body, `<mark class="ask-updates"`, ">Please add me to your mailing list</mark>", "&lt;b&gt;moving", "Ingrid &lt;i&gt;", "ingrid@example.org", `value="approve-invite"`)
		if status, _ := m.get(at(id)); status != http.StatusOK {
			t.Errorf("the comment's own page: status %d", status)
		}
		for _, state := range []string{"approved", "spam", "trash", "nonsense"} {
			if status, _ := m.get("/desk/comments?state=" + state + "&before=x.y"); status != http.StatusOK {
				t.Errorf("tab %s: status %d", state, status)
			}
		}
	}
}

func TestOneClickApprovesAndInvites(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	id := m.comment("Please sign me up.", false)
	status, body := m.post(at(id), "action", "approve-invite", "state", "pending", "from", "list")
	if status != http.StatusOK || m.state(id) != epistle.CommentApproved {
		t.Fatalf("status %d, the comment is %s", status, m.state(id))
	}
	shows(t, body, "a mail is on its way to its author", "Everything is read")
	notices, err := m.store.ClaimNotices(t.Context(), "test", time.Minute, 10)
	if err != nil || len(notices) != 1 || notices[0].To != "ingrid@example.org" || notices[0].Kind != epistle.NoticeInvite {
		t.Fatalf("mails: %+v, %v", notices, err)
	}
	_, body = m.get("/desk/comments?state=approved")
	shows(t, body, "Has not confirmed yet")
	if strings.Contains(body, `value="invite"`) {
		t.Error("the author can be invited again")
	}
}

func TestTwoModeratorsDoNotUndoEachOther(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	id := m.comment("Amen.", false)
	m.post(at(id), "action", "approve", "state", "pending")
	_, body := m.post(at(id), "action", "trash", "state", "pending")
	if m.state(id) != epistle.CommentApproved {
		t.Errorf("the comment is %s", m.state(id))
	}
	shows(t, body, "Somebody else changed this")
	for _, step := range []struct {
		action, seen string
		want         epistle.CommentState
	}{{"trash", "approved", epistle.CommentTrash}, {"spam", "trash", epistle.CommentSpam}, {"restore", "spam", epistle.CommentPending}, {"spam", "pending", epistle.CommentSpam}} {
		m.post(at(id), "action", step.action, "state", step.seen)
		if m.state(id) != step.want {
			t.Errorf("after %s the comment is %s", step.action, m.state(id))
		}
	}
	if status, _ := m.post(at(id), "action", "explode", "state", "spam"); status != http.StatusUnprocessableEntity {
		t.Errorf("an unknown action: status %d", status)
	}
	if status, _ := m.post(at(424242), "action", "spam", "state", "pending"); status != http.StatusNotFound {
		t.Errorf("a comment that is not there: status %d", status)
	}
}

func TestReplyApprovesAndAnswers(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	id := m.comment("Do you teach English?", false)
	status, body := m.post(at(id)+"/reply", "state", "pending", "name", "", "reply", "")
	if status != http.StatusUnprocessableEntity || m.state(id) != epistle.CommentPending {
		t.Errorf("an empty reply: status %d, the comment is %s", status, m.state(id))
	}
	shows(t, body, "Please fill this in.")
	m.post(at(id)+"/reply", "state", "pending", "name", "Hana", "reply", "On Saturdays, yes.", "from", "list")
	thread, err := m.store.Thread(t.Context(), m.page.ID, 0, 10)
	if err != nil || len(thread) != 1 || len(thread[0].Replies) != 1 {
		t.Fatalf("the thread: %+v, %v", thread, err)
	}
	reply := thread[0].Replies[0]
	if reply.Name != "Hana" || reply.StaffID == 0 || reply.ParentID != id || reply.Number != 0 {
		t.Errorf("the reply: %+v", reply)
	}
	// An answer to the answer stands beside it.
	m.post(at(reply.ID)+"/reply", "state", "approved", "name", "Hana", "reply", "And on Mondays.")
	if thread, err = m.store.Thread(t.Context(), m.page.ID, 0, 10); err != nil || len(thread) != 1 || len(thread[0].Replies) != 2 {
		t.Errorf("the thread: %+v, %v", thread, err)
	}
	m.post(at(id), "action", "spam", "state", "approved")
	if _, body = m.post(at(id)+"/reply", "state", "spam", "name", "Hana", "reply", "To spam"); !strings.Contains(body, "Approve it first") {
		t.Error("spam was answered")
	}
}

func TestManyAtOnce(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	var form []string
	for i := range 3 {
		form = append(form, "id", strconv.FormatInt(m.comment("Line "+strconv.Itoa(i), false), 10))
	}
	_, body := m.post("/desk/comments", append(form, "state", "pending", "action", "approve")...)
	shows(t, body, "3 of 3 comments moved.")
	_, body = m.post("/desk/comments", "state", "pending", "action", "approve")
	shows(t, body, "Tick at least one comment first.")
	_, body = m.post("/desk/comments", append(form, "state", "pending", "action", "spam")...)
	shows(t, body, "0 of 3 comments moved.")
	_, body = m.get("/desk/comments?state=approved")
	shows(t, body, "Line 0", "Line 1", "Line 2")
}

func TestTheQueueGoesOnOnTheNextPage(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	for i := range 27 {
		m.comment("Day "+strconv.Itoa(i)+".", false)
	}
	_, body := m.get("/desk/comments")
	shows(t, body, "Day 26.", "Day 2.")
	if strings.Contains(body, "Day 1.") {
		t.Error("the first page has no end")
	}
	_, rest, found := strings.Cut(body, `rel="next" href="`)
	if !found {
		t.Fatal("no way to the older ones")
	}
	next, _, _ := strings.Cut(rest, `"`)
	_, body = m.get(strings.ReplaceAll(next, "&amp;", "&"))
	shows(t, body, "Day 1.", "Day 0.", "Back to the newest")
}

func TestStaffAddPagesAndProjects(t *testing.T) {
	for _, language := range epistle.Languages {
		m := moderate(t, epistle.Author, language)
		if status, _ := m.post("/desk/settings/projects", "title_en", "Evening Table", "title_ko", "저녁 식탁", "page_url", ""); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		project, err := m.store.ProjectBySlug(t.Context(), "evening-table")
		if err != nil {
			t.Fatal(err)
		}
		status, _ := m.post("/desk/settings/pages", "url", "https://Lantern.example/table?utm_source=x#top", "title_en", "The Table", "project", strconv.FormatInt(project.ID, 10))
		page, err := m.store.PageByURL(t.Context(), "https://lantern.example/table")
		if status != http.StatusOK || err != nil || page.Title.EN != "The Table" || page.ProjectID != project.ID {
			t.Fatalf("status %d, %+v, %v", status, page, err)
		}
		if status, _ := m.post("/desk/settings/pages", "url", "http://lantern.example/table/", "title_en", "Again"); status != http.StatusUnprocessableEntity {
			t.Errorf("the same page again: status %d", status)
		}
		if status, body := m.post("/desk/settings/pages", "url", "javascript:alert(1)", "project", "99"); status != http.StatusUnprocessableEntity || strings.Count(body, "field-error") < 3 {
			t.Errorf("a bad form: status %d, %d errors", status, strings.Count(body, "field-error"))
		}
		path := "/desk/settings/pages/" + strconv.FormatInt(page.ID, 10)
		if status, body := m.get(path); status != http.StatusOK || !strings.Contains(body, `value="The Table"`) ||
			!strings.Contains(body, "http://localhost/comments?page=https%3A%2F%2Flantern.example%2Ftable<") {
			t.Errorf("the page's form: status %d", status)
		}
		m.post(path, "title_en", "The Long Table", "title_ko", "긴 식탁", "project", "")
		if page, err = m.store.Page(t.Context(), page.ID); err != nil || page.Title.KO != "긴 식탁" || page.ProjectID != 0 {
			t.Errorf("after the change: %+v, %v", page, err)
		}
	}
}

func TestReadersDoNotReachTheDesk(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	id := m.comment("Amen.", false)
	kernel := webtest.Kernel(t, m.clock.Now)
	handler := kernel.Handler(webtest.Nobody(), desk.Comments{Kernel: kernel, Store: m.store}, desk.Pages{Kernel: kernel, Store: m.store})
	for _, area := range []web.Area{desk.Comments{}, desk.Pages{}} {
		if len(area.Routes()) == 0 {
			t.Fatal("an area without routes")
		}
	}
	for _, path := range []string{"/desk/comments", at(id), at(id) + "/reply", "/desk/settings/pages", "/desk/settings/projects"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if strings.Contains(w.Body.String(), "Amen.") || w.Code == http.StatusOK {
				t.Errorf("%s %s: status %d for a stranger", method, path, w.Code)
			}
		}
	}
}
