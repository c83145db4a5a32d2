package public_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
)

const blog = "https://blog.lantern.example"

// embedded asks as the script on a page of another origin does.
func (v *reader) embedded(method, origin, query string, form url.Values) (*http.Response, map[string]any) {
	v.t.Helper()
	r, err := http.NewRequest(method, v.server.URL+"/comments/embed"+query, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	var told map[string]any
	if answer.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(body, &told); err != nil {
			v.t.Fatalf("%v: %s", err, body)
		}
	}
	return answer, told
}

func TestAThreadInAPageOfAConfiguredSite(t *testing.T) {
	v := visit(t)
	query := "?page=" + url.QueryEscape(blog+"/autumn")
	for _, origin := range []string{"https://evil.example", "null", "https://blog.lantern.example.evil.example"} {
		answer, _ := v.embedded("GET", origin, query, nil)
		if answer.StatusCode != http.StatusForbidden || answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s gets %d %v", origin, answer.StatusCode, answer.Header)
		}
	}
	answer, thread := v.embedded("GET", blog, query, nil)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Access-Control-Allow-Origin") != blog || answer.Header.Get("Access-Control-Allow-Credentials") != "" || len(answer.Cookies()) > 0 {
		t.Fatalf("status %d, %v", answer.StatusCode, answer.Header)
	}
	v.clock.Advance(30 * time.Second)
	form := url.Values{"page": {blog + "/autumn"}, "stamp": {thread["stamp"].(string)}, "name": {"Solveig"}, "comment": {"Well <b>written</b>."}}
	answer, told := v.embedded("POST", blog, "", form)
	if answer.StatusCode != http.StatusUnprocessableEntity || told["errors"].(map[string]any)["email"] == nil {
		t.Errorf("an empty address gives %d %v", answer.StatusCode, told)
	}
	form.Set("email", "solveig@example.org")
	if answer, _ := v.embedded("POST", "https://evil.example", "", form); answer.StatusCode != http.StatusForbidden {
		t.Errorf("another site posts: %d", answer.StatusCode)
	}
	if answer, told := v.embedded("POST", blog, "", form); answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d %v", answer.StatusCode, told)
	}
	v.approveAll()
	_, thread = v.embedded("GET", blog, query, nil)
	entries := thread["entries"].([]any)
	if len(entries) != 1 || entries[0].(map[string]any)["body"] != "Well <b>written</b>." || entries[0].(map[string]any)["number"] != 1.0 {
		t.Errorf("the thread is %v", entries)
	}
	if text, err := json.Marshal(thread); err != nil || strings.Contains(string(text), "solveig@") {
		t.Errorf("the thread tells an address: %s", text)
	}
	status, body := v.get("/embed.js")
	if status != http.StatusOK || !strings.Contains(body, "attachShadow") {
		t.Errorf("the script: status %d", status)
	}
}

func TestAThreadIsShownAsItIsNow(t *testing.T) {
	v := visit(t)
	post := func(body string) {
		t.Helper()
		form := v.filled(thread)
		form.Set("comment", body)
		if status, _ := v.post(form); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
	}
	post("The first one.")
	for range 2 { // rendered, and remembered
		if _, body := v.get(thread); strings.Contains(body, "The first one.") {
			t.Fatal("an unread comment is shown")
		}
	}
	v.approveAll()
	_, body := v.get(thread)
	contains(t, body, "The first one.", "1 comment")
	_, again := v.get(thread)
	stamp := hiddenField.FindAllStringSubmatch(again, -1)
	v.clock.Advance(time.Minute)
	_, later := v.get(thread)
	if fmt.Sprint(hiddenField.FindAllStringSubmatch(later, -1)) == fmt.Sprint(stamp) {
		t.Error("the stamp is remembered with the thread")
	}
	c, err := v.store.Comment(t.Context(), firstApproved(t, v))
	if err != nil {
		t.Fatal(err)
	}
	if err := v.verb.Trash(t.Context(), epistle.StaffActor(1, epistle.Author), c.ID, epistle.CommentApproved); err != nil {
		t.Fatal(err)
	}
	if _, body := v.get(thread); strings.Contains(body, "The first one.") {
		t.Error("a comment that was taken away is shown")
	}
	if err := v.store.UpdatePage(t.Context(), epistle.Page{ID: v.page.ID, Title: epistle.Text{EN: "Another Name"}}, epistle.AuditEntry{}); err != nil {
		t.Fatal(err)
	}
	_, body = v.get(thread)
	contains(t, body, "Another Name")
}

func firstApproved(t *testing.T, v *reader) epistle.ID {
	t.Helper()
	list, err := v.store.Thread(t.Context(), v.page.ID, 0, 1)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	return list[0].ID
}

func TestMailsAboutAnswersAreStoppedByPost(t *testing.T) {
	v := visit(t)
	if status, _ := v.post(v.filled(thread)); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	v.approveAll()
	path := "/replies/" + v.store.Keys().Link('h', firstApproved(t, v))
	if status, body := v.get(path); status != http.StatusOK || !strings.Contains(body, "<form method=\"post\"") {
		t.Errorf("the page: %d", status)
	}
	for _, form := range []url.Values{{"List-Unsubscribe": {"One-Click"}}, {"do": {"stop"}}} {
		r, err := http.PostForm(v.server.URL+path, form)
		if err != nil {
			t.Fatal(err)
		}
		if r.Body.Close(); r.StatusCode != http.StatusOK {
			t.Errorf("%v: status %d", form, r.StatusCode)
		}
	}
	if status, _ := v.get("/replies/forged"); status != http.StatusOK {
		t.Errorf("the page behind a forged link: %d", status)
	}
	r, err := http.PostForm(v.server.URL+"/replies/forged", nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.Body.Close(); r.StatusCode != http.StatusNotFound {
		t.Errorf("a forged link: %d", r.StatusCode)
	}
}
