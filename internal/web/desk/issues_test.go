package desk_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
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

// issueDesk is the pages of issues over a real store, renderer and verb.
type issueDesk struct {
	*newsroom
	pages  desk.Issues
	kernel *web.Kernel
}

// newsroom stands in for the staff, the subscribers and the reports, whose stores
// are tested elsewhere.
type newsroom struct {
	*store.Store
	clock      *storetest.Clock
	newsletter epistle.Newsletter
	slot       time.Time
	report     epistle.Report
	tested     []epistle.Address
}

var (
	miriam = epistle.StaffMember{ID: 11, Name: "Miriam", Address: "miriam@example.org", Role: epistle.Author, Language: epistle.English}
	daniel = epistle.StaffMember{ID: 12, Name: "Daniel", Address: "daniel@example.org", Role: epistle.Editor, Language: epistle.English}
	sora   = epistle.StaffMember{ID: 13, Name: "소라", Address: "sora@example.org", Role: epistle.Editor, Language: epistle.Korean}
)

func (h *newsroom) Staff(context.Context) ([]epistle.StaffMember, error) {
	return []epistle.StaffMember{miriam, daniel, sora}, nil
}

func (h *newsroom) Report(context.Context, epistle.ID) (epistle.Report, error) { return h.report, nil }

func (h *newsroom) CountAudience(context.Context, epistle.AudienceRule) (int64, error) {
	return 42, nil
}

func (h *newsroom) AudienceByLanguage(context.Context, epistle.AudienceRule) (map[epistle.Language]int64, error) {
	return map[epistle.Language]int64{epistle.English: 30, epistle.Korean: 12}, nil
}

func (h *newsroom) SendTest(_ context.Context, _ epistle.Actor, _ epistle.ID, _ epistle.Language, to epistle.Address) error {
	h.tested = append(h.tested, to)
	return nil
}

func (h *newsroom) move(ctx context.Context, actor epistle.Actor, id epistle.ID, to epistle.IssueState, from ...epistle.IssueState) error {
	_, err := h.MoveIssue(ctx, actor, store.IssueMove{ID: id, From: from, To: to, Action: "issue.move"})
	return err
}

func (h *newsroom) Launch(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return h.move(ctx, actor, id, epistle.IssueLaunching, epistle.IssueApproved)
}

func (h *newsroom) Pause(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return h.move(ctx, actor, id, epistle.IssuePaused, epistle.IssueLaunching, epistle.IssueSending)
}

func (h *newsroom) Resume(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return h.move(ctx, actor, id, epistle.IssueSending, epistle.IssuePaused)
}

func (h *newsroom) Cancel(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return h.move(ctx, actor, id, epistle.IssueCancelled, epistle.IssueLaunching, epistle.IssueSending, epistle.IssuePaused)
}

func newIssueDesk(t *testing.T) *issueDesk {
	t.Helper()
	s, clock := storetest.SQLite(t)
	h := &newsroom{Store: s, clock: clock, slot: clock.Now().Add(96 * time.Hour)}
	entry := epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor(), Action: "sample"}
	ctx := t.Context()
	var err error
	h.newsletter, err = s.CreateNewsletter(ctx, epistle.Newsletter{Slug: "update", Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00",
		AssembleLead: 48 * time.Hour, Grace: 6 * time.Hour, Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@example.org"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hannah", KO: "한나"}, Address: "hannah@example.org"}}, entry)
	check(t, err)
	fillPool(ctx, t, s, entry)
	catalog := webtest.Catalog(t)
	renderer, err := render.New(render.Options{Catalog: catalog, Keys: s.Keys(), Ministry: render.Ministry{
		Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, PostalAddress: epistle.Text{EN: "12 Harbour Road, Incheon", KO: "인천 항구로 12"},
		Contact: "office@example.org", PublicURL: "http://localhost", MailDomain: "example.org"}})
	check(t, err)
	d := &issueDesk{newsroom: h, kernel: webtest.Kernel(t, clock.Now)}
	verb := editorial.NewIssues(editorial.IssuesOptions{Store: h, Pool: s, Notices: h, Launcher: h, Catalog: catalog,
		Clock: clock.Now, Log: slog.New(slog.DiscardHandler),
		MailSize: func(n epistle.Newsletter, i epistle.Issue, l epistle.Language) (int, error) {
			mail, err := renderer.Preview(n, i, l, epistle.Full)
			return mail.Size, err
		}})
	d.pages = desk.Issues{Kernel: d.kernel, Store: h, Issues: verb, Preview: renderer, Tests: h, Mail: mailFlows,
		Slots: func(_ epistle.Newsletter, after time.Time, count int) ([]time.Time, error) {
			var slots []time.Time
			for n := 0; len(slots) < count; n++ {
				if at := h.slot.AddDate(0, 0, 7*n); at.After(after) {
					slots = append(slots, at)
				}
			}
			return slots, nil
		}}
	return d
}

func fillPool(ctx context.Context, t *testing.T, s *store.Store, entry epistle.AuditEntry) {
	t.Helper()
	_, err := s.CreateLetter(ctx, epistle.Letter{State: epistle.Current, Title: epistle.Text{EN: "A lamp in the window", KO: "창가의 등불"},
		Body: epistle.Text{EN: "On the island where our nurse grew up, every house kept a lamp in the window until the last boat was in.\n\nThis week **four families** came home late, and each found a light.",
			KO: "우리 간호사가 자란 섬에서는 마지막 배가 들어올 때까지 집집마다 창가에 등불을 켜 두었습니다.\n\n이번 주에도 **네 가정**이 늦은 밤 집으로 돌아왔고, 저마다 불빛을 만났습니다."},
		Signatures: []epistle.Text{{EN: "Hannah, for all of us", KO: "모두를 대신하여 한나 드림"}}}, entry)
	check(t, err)
	for _, p := range []epistle.Prayer{
		{Headline: epistle.Text{EN: "A warm room for the winter kitchen", KO: "겨울 부엌의 따뜻한 방"}, Body: epistle.Text{EN: "The boiler broke on Monday. Pray for a quick repair before the first snow.", KO: "월요일에 보일러가 고장 났습니다. 첫눈이 오기 전에 고칠 수 있도록 기도해 주세요."}},
		{Headline: epistle.Text{EN: "Mrs. K’s first exam", KO: "K 님의 첫 시험"}, Body: epistle.Text{EN: "She sits her nursing exam on Friday.", KO: "금요일에 간호 시험을 봅니다."}},
		{Headline: epistle.Text{EN: "New volunteers on Jeju", KO: ""}, Body: epistle.Text{EN: "Three people asked to help.", KO: ""}},
	} {
		p.State = epistle.Current
		_, err := s.CreatePrayer(ctx, p, entry)
		check(t, err)
	}
	for _, l := range []epistle.Link{
		{URL: "https://news.example.org/2026/11/harbour", PublishedOn: "2026-11-20", Publisher: "Harbour Daily", Title: epistle.Text{EN: "Harbour town opens a night school", KO: "항구 마을, 야간 학교 문을 열다"}, Summary: epistle.Text{EN: "Forty adults enrolled in the first week.", KO: "첫 주에 어른 마흔 명이 등록했습니다."}},
		{URL: "https://news.example.org/2026/11/bridge", PublishedOn: "2026-11-18", Publisher: "Harbour Daily", Title: epistle.Text{EN: "The island bridge is open again", KO: "섬 다리가 다시 열렸다"}, Summary: epistle.Text{EN: "Supplies can cross by road.", KO: "물품을 육로로 나를 수 있게 되었습니다."}},
	} {
		l.State = epistle.LinkConfirmed
		_, err := s.CreateLink(ctx, l, entry)
		check(t, err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as asks for a page as a member of staff, and returns its status and body.
func (d *issueDesk) as(t *testing.T, m epistle.StaffMember, method, path string, form url.Values) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	d.kernel.Handler(webtest.SignedIn(m), d.pages).ServeHTTP(w, r)
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && !strings.HasSuffix(strings.Split(path, "?")[0], "/preview") {
		webtest.NoMissingWords(t, w.Body.String())
	}
	return w.Code, w.Body.String(), w.Header()
}

func TestTheNextFiveSlotsAreShown(t *testing.T) {
	d := newIssueDesk(t)
	_, page, _ := d.as(t, miriam, http.MethodGet, "/desk/issues", nil)
	if n := strings.Count(page, `name="slot"`); n != 5 {
		t.Errorf("%d slots to begin an issue for, want 5", n)
	}
	d.as(t, miriam, http.MethodPost, "/desk/issues", url.Values{"newsletter": {strconv.FormatInt(d.newsletter.ID, 10)},
		"slot": {strconv.FormatInt(d.slot.Unix(), 10)}})
	if _, page, _ = d.as(t, miriam, http.MethodGet, "/desk/issues", nil); strings.Count(page, `name="slot"`) != 4 {
		t.Error("a slot that has its issue may be begun again")
	}
}

// begun is an issue that an author began for the next slot, and its path.
func (d *issueDesk) begun(t *testing.T) (epistle.Issue, string) {
	t.Helper()
	status, _, header := d.as(t, miriam, http.MethodPost, "/desk/issues", url.Values{"newsletter": {fmt.Sprint(d.newsletter.ID)}, "slot": {fmt.Sprint(d.slot.Unix())}})
	if status != http.StatusSeeOther {
		t.Fatalf("begin: status %d", status)
	}
	issue, err := d.IssueAt(t.Context(), d.newsletter.ID, d.slot)
	check(t, err)
	if header.Get("Location") != fmt.Sprintf("/desk/issues/%d", issue.ID) {
		t.Fatalf("begin leads to %s", header.Get("Location"))
	}
	return issue, header.Get("Location")
}

var (
	inputTag    = regexp.MustCompile(`<input type="(?:text|hidden)"[^>]*>`)
	textareaTag = regexp.MustCompile(`(?s)<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>`)
	attribute   = regexp.MustCompile(`(name|value)="([^"]*)"`)
)

// composed reads the composer's form out of a page, as a browser would send it.
func composed(t *testing.T, page string) url.Values {
	t.Helper()
	_, rest, ok := strings.Cut(page, `class="compose"`)
	if !ok {
		t.Fatal("there is no composer on the page")
	}
	body, _, _ := strings.Cut(rest, "</form>")
	form := url.Values{}
	unescape := strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&amp;", "&", "&lt;", "<", "&gt;", ">", "&#43;", "+")
	for _, tag := range inputTag.FindAllString(body, -1) {
		var name, value string
		for _, pair := range attribute.FindAllStringSubmatch(tag, -1) {
			if pair[1] == "name" {
				name = pair[2]
			} else {
				value = pair[2]
			}
		}
		form.Add(name, unescape.Replace(value))
	}
	for _, area := range textareaTag.FindAllStringSubmatch(body, -1) {
		form.Add(area[1], strings.ReplaceAll(unescape.Replace(area[2]), "\n", "\r\n"))
	}
	return form
}

func (d *issueDesk) form(t *testing.T, m epistle.StaffMember, path string) url.Values {
	t.Helper()
	status, page, _ := d.as(t, m, http.MethodGet, path, nil)
	if status != http.StatusOK {
		t.Fatalf("GET %s: status %d", path, status)
	}
	return composed(t, page)
}

func (d *issueDesk) issue(t *testing.T, id epistle.ID) epistle.Issue {
	t.Helper()
	issue, err := d.Issue(t.Context(), id)
	check(t, err)
	return issue
}

func TestComposerSavesWhatIsTypedAndNothingElse(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	form := d.form(t, miriam, path)
	if status, _, _ := d.as(t, miriam, http.MethodPost, path, form); status != http.StatusSeeOther {
		t.Fatalf("saving what was there: status %d", status)
	}
	if got := d.issue(t, issue.ID); got.Version != issue.Version || got.Digest() != issue.Digest() {
		t.Errorf("saving what was there changed the issue: %+v", got.Content)
	}
	form.Set("subject_ko", "새로운 제목 \"따옴표\" & <꺾쇠>")
	form.Set("prayers_1_body_en", "She passed.\n\nThank God.")
	form.Set("do", "up:prayers:1")
	if status, _, header := d.as(t, miriam, http.MethodPost, path, form); status != http.StatusSeeOther || !strings.HasSuffix(header.Get("Location"), "#prayers") {
		t.Fatalf("saving and moving: status %d, to %s", status, header.Get("Location"))
	}
	got := d.issue(t, issue.ID).Content
	if got.Subject.KO != "새로운 제목 \"따옴표\" & <꺾쇠>" || got.Sections[1].Items[0].Body.EN != "She passed.\n\nThank God." {
		t.Errorf("saved %+v", got)
	}
	if again := d.form(t, miriam, path); again.Get("subject_ko") != form.Get("subject_ko") {
		t.Errorf("the form comes back with %q", again.Get("subject_ko"))
	}
}

func TestComposerAddsWritesAndRemoves(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	press := func(do string, pairs ...string) int {
		t.Helper()
		form := d.form(t, miriam, path)
		form.Set("do", do)
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		status, _, _ := d.as(t, miriam, http.MethodPost, path, form)
		return status
	}
	removed := issue.Content.Sections[2].Items[0]
	for do, want := range map[string]int{"remove:news:0": 303, "write:letter": 303, "section-down:prayers": 303, "add:video": 422, "up:news:99": 404, "dance": 404} {
		if got := press(do); got != want {
			t.Errorf("%s: status %d, want %d", do, got, want)
		}
	}
	if got := press("add:link", "add_link", fmt.Sprint(removed.ID)); got != http.StatusSeeOther {
		t.Errorf("adding the link again: status %d", got)
	}
	content := d.issue(t, issue.ID).Content
	if content.Sections[1].Kind != epistle.NewsSection || len(content.Sections[1].Items) != 2 || content.Sections[1].Items[1].ID != removed.ID ||
		len(content.Sections[0].Items) != 2 {
		t.Errorf("the sections are %+v", content.Sections)
	}
}

func TestTwoEditorsLoseNothing(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	mine, theirs := d.form(t, miriam, path), d.form(t, daniel, path)
	theirs.Set("subject_en", "Daniel’s subject")
	theirs.Set("prayers_0_title_en", "Daniel’s headline")
	theirs.Set("do", "remove:news:1")
	if status, _, _ := d.as(t, daniel, http.MethodPost, path, theirs); status != http.StatusSeeOther {
		t.Fatalf("the first save: status %d", status)
	}
	mine.Set("subject_en", "Miriam’s subject")
	mine.Set("letter_0_body_ko", "미리암의 편지")
	mine.Set("news_1_body_en", "Words for the link that is gone")
	status, page, _ := d.as(t, miriam, http.MethodPost, path, mine)
	if status != http.StatusUnprocessableEntity {
		t.Fatalf("the second save: status %d, want it refused in place", status)
	}
	for what, text := range map[string]string{"the other subject": "Daniel’s subject", "what was typed for the lost item": "Words for the link that is gone"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not show %s", what)
		}
	}
	form := composed(t, page)
	for name, want := range map[string]string{"subject_en": "Miriam’s subject", "letter_0_body_ko": "미리암의 편지", "prayers_0_title_en": "Daniel’s headline"} {
		if got := form.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if status, _, _ := d.as(t, miriam, http.MethodPost, path, form); status != http.StatusSeeOther {
		t.Fatalf("saving both together: status %d", status)
	}
	content := d.issue(t, issue.ID).Content
	if content.Subject.EN != "Miriam’s subject" || content.Sections[1].Items[0].Title.EN != "Daniel’s headline" || len(content.Sections[2].Items) != 1 {
		t.Errorf("together they made %+v", content)
	}
}

func TestARefusedSaveKeepsWhatWasTyped(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	form := d.form(t, miriam, path)
	form.Set("subject_en", strings.Repeat("long ", 60))
	form.Set("preheader_ko", "남는 글")
	status, page, _ := d.as(t, miriam, http.MethodPost, path, form)
	if status != http.StatusUnprocessableEntity || composed(t, page).Get("preheader_ko") != "남는 글" || !strings.Contains(page, `id="f-subject_en-error"`) {
		t.Errorf("status %d; the field's message or what was typed is missing", status)
	}
	if got := d.issue(t, issue.ID); got.Version != issue.Version {
		t.Error("a refused save was half saved")
	}
}

var digestField = regexp.MustCompile(`name="digest" value="([0-9a-f]{64})"`)

func TestApprovalOnThePage(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	_, own, _ := d.as(t, miriam, http.MethodGet, path, nil)
	if strings.Contains(own, `name="digest"`) {
		t.Error("an author is offered the approval")
	}
	_, page, _ := d.as(t, daniel, http.MethodGet, path, nil)
	for _, want := range []string{"42 readers", "30 in English", "12 in Korean", "Miriam", "Thursday 26 November"} {
		if !strings.Contains(page, want) {
			t.Errorf("the approver is not told %q", want)
		}
	}
	digest := digestField.FindStringSubmatch(page)
	if digest == nil {
		t.Fatal("the editor is not offered the approval")
	}
	yes := url.Values{"version": {fmt.Sprint(issue.Version)}, "digest": {digest[1]}}
	if status, _, _ := d.as(t, miriam, http.MethodPost, path+"/approve", yes); status != http.StatusForbidden {
		t.Errorf("an author approves: status %d", status)
	}
	wrong := url.Values{"version": yes["version"], "digest": {strings.Repeat("0", 64)}}
	if status, page, _ := d.as(t, daniel, http.MethodPost, path+"/approve", wrong); status != http.StatusConflict || !strings.Contains(page, "no longer what you were looking at") {
		t.Errorf("a wrong digest: status %d", status)
	}
	if status, _, _ := d.as(t, daniel, http.MethodPost, path+"/approve", yes); status != http.StatusSeeOther {
		t.Errorf("the approval: status %d", status)
	}
	if !d.issue(t, issue.ID).IsApproved() {
		t.Fatal("the issue is not approved")
	}
	form := d.form(t, miriam, path)
	form.Set("preheader_en", "Another line")
	_, _, header := d.as(t, miriam, http.MethodPost, path, form)
	if d.issue(t, issue.ID).IsApproved() || !strings.Contains(strings.Join(header.Values("Set-Cookie"), " "), "flash") {
		t.Error("an edit did not void the approval, or nobody was told")
	}
}

func TestSendPauseResumeCancelAndReport(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	_, err := d.pages.Issues.Approve(t.Context(), daniel.Actor(), issue.ID, issue.Version, issue.Digest())
	check(t, err)
	d.report = epistle.Report{Queued: 2, Accepted: 30, Deferred: 4, Failed: 3, Skipped: 2, Uncertain: 1, Left: 1}
	for _, step := range []struct {
		verb  string
		by    epistle.StaffMember
		want  int
		after epistle.IssueState
	}{
		{"resume", daniel, 409, epistle.IssueApproved},
		{"send", miriam, 403, epistle.IssueApproved},
		{"send", daniel, 303, epistle.IssueLaunching},
		{"send", daniel, 409, epistle.IssueLaunching},
		{"pause", miriam, 303, epistle.IssuePaused},
		{"resume", sora, 303, epistle.IssueSending},
		{"cancel", sora, 303, epistle.IssueCancelled},
	} {
		status, _, _ := d.as(t, step.by, http.MethodPost, path+"/"+step.verb, url.Values{})
		if got := d.issue(t, issue.ID).State; status != step.want || got != step.after {
			t.Errorf("%s by %s: status %d, then %s; want %d, %s", step.verb, step.by.Name, status, got, step.want, step.after)
		}
		for _, m := range []epistle.StaffMember{daniel, sora} {
			if status, _, _ := d.as(t, m, http.MethodGet, path, nil); status != http.StatusOK {
				t.Errorf("the page of an issue that is %s: status %d", step.after, status)
			}
			status, page, _ := d.as(t, m, http.MethodGet, path+"/report", nil)
			if status != http.StatusOK || step.after != epistle.IssueApproved && !strings.Contains(page, `<span class="tile-number">30</span>`) {
				t.Errorf("the report of an issue that is %s: status %d", step.after, status)
			}
		}
	}
	if status, _, _ := d.as(t, sora, http.MethodGet, "/desk/issues", nil); status != http.StatusOK {
		t.Errorf("the list: status %d", status)
	}
}

func TestTheReportSaysThatTheQuotaIsUsedUp(t *testing.T) {
	d := newIssueDesk(t)
	d.pages.Mail = func() error { return epistle.Errorf(epistle.Unavailable, "relay.quota", nil) }
	issue, path := d.begun(t)
	_, err := d.pages.Issues.Approve(t.Context(), daniel.Actor(), issue.ID, issue.Version, issue.Digest())
	check(t, err)
	for step, wants := range []bool{true, false} {
		verb := []string{"send", "cancel"}[step]
		if status, _, _ := d.as(t, daniel, http.MethodPost, path+"/"+verb, url.Values{}); status != http.StatusSeeOther {
			t.Fatalf("%s: status %d", verb, status)
		}
		for m, sentence := range map[*epistle.StaffMember]string{&daniel: "goes out by itself after midnight", &sora: "자정이 지나면"} {
			if _, page, _ := d.as(t, *m, http.MethodGet, path+"/report", nil); strings.Contains(page, sentence) != wants {
				t.Errorf("after %s, the report for %s has %q: %v, want %v", verb, m.Name, sentence, !wants, wants)
			}
		}
	}
}

func TestPreviewIsTheMailInASandbox(t *testing.T) {
	d := newIssueDesk(t)
	issue, path := d.begun(t)
	for query, want := range map[string]string{"mail=en": "A lamp in the window", "mail=ko": "창가의 등불", "mail=ko&view=text": "겨울 부엌의 따뜻한 방"} {
		status, mail, header := d.as(t, miriam, http.MethodGet, path+"/preview?"+query, nil)
		if status != http.StatusOK || !strings.Contains(mail, want) {
			t.Errorf("%s: status %d, without %q", query, status, want)
		}
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "sandbox") || strings.Contains(policy, "script-src") || strings.Contains(policy, "allow-") {
			t.Errorf("%s: policy %q", query, policy)
		}
	}
	form := d.form(t, miriam, path)
	form.Set("letter_0_body_en", "Typed but not saved <script>alert(1)</script>")
	status, mail, _ := d.as(t, miriam, http.MethodPost, path+"/preview?mail=en", form)
	if status != http.StatusOK || !strings.Contains(mail, "Typed but not saved") || strings.Contains(mail, "<script") {
		t.Errorf("the preview of what is typed: status %d", status)
	}
	if got := d.issue(t, issue.ID); got.Version != issue.Version {
		t.Error("a preview saved the issue")
	}
}

func TestATestGoesToOneAddress(t *testing.T) {
	d := newIssueDesk(t)
	_, path := d.begun(t)
	status, page, _ := d.as(t, miriam, http.MethodPost, path+"/test", url.Values{"to": {"nobody"}, "language": {"ko"}})
	if status != http.StatusUnprocessableEntity || !strings.Contains(page, "f-to-error") || len(d.tested) != 0 {
		t.Errorf("an address that is none: status %d, sent %d", status, len(d.tested))
	}
	status, _, _ = d.as(t, miriam, http.MethodPost, path+"/test", url.Values{"to": {"miriam@example.org"}, "language": {"ko"}})
	if status != http.StatusSeeOther || len(d.tested) != 1 {
		t.Errorf("a good address: status %d, sent %d", status, len(d.tested))
	}
}

func TestAnIssueThatIsNotThere(t *testing.T) {
	d := newIssueDesk(t)
	for _, path := range []string{"/desk/issues/999999", "/desk/issues/x", "/desk/issues/999999/preview", "/desk/issues/999999/report"} {
		if status, _, _ := d.as(t, daniel, http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, status)
		}
	}
	if status, _, _ := d.as(t, daniel, http.MethodPost, "/desk/issues", url.Values{"newsletter": {fmt.Sprint(d.newsletter.ID)}, "slot": {"12345"}}); status != http.StatusConflict {
		t.Errorf("a slot that is none: status %d, want 409", status)
	}
}
