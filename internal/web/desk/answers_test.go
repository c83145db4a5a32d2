package desk_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/storetest"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

func TestSavedAnswersAreKeptAndUsed(t *testing.T) {
	for _, language := range epistle.Languages {
		m := moderate(t, epistle.Author, language)
		words := webtest.Catalog(t).In(language)
		status, body := m.get("/desk/answers")
		shows(t, body, words.T("answers.none"))
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		if status, body = m.post("/desk/answers/starter"); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		shows(t, body, words.T("answers.starter.bibles.title"), words.T("answers.starter.english.title"))
		if status, _ := m.post("/desk/answers", "title_en", "Only a title"); status != http.StatusUnprocessableEntity {
			t.Errorf("an answer without words: status %d", status)
		}
		if _, body = m.post("/desk/answers", "title_en", "Visits", "body_en", "Dear [name], come and see [page]. [ministry]"); !strings.Contains(body, "Visits") {
			t.Error("the new answer is not there")
		}
		all, err := m.store.SavedAnswers(t.Context())
		if err != nil || len(all) != 4 {
			t.Fatalf("%d answers, %v", len(all), err)
		}
		id := m.comment("May we visit you?", false)
		path := strings.TrimPrefix(at(all[3].ID), "/desk/comments/")
		_, body = m.get(at(id) + "?answer=" + path)
		shows(t, body, "Dear Ingrid &lt;i&gt;, come and see A Garden Between Houses. Lantern House", `href="/desk/comments/`)
		if _, body = m.get("/desk/answers/" + path); !strings.Contains(body, "Dear [name]") {
			t.Error("the answer's page lacks its words")
		}
		if status, _ = m.post("/desk/answers/"+path, "version", "1", "title_en", "Visiting", "body_en", "Come."); status != http.StatusOK {
			t.Errorf("status %d", status)
		}
		if _, body = m.post("/desk/answers/" + path + "/delete"); strings.Contains(body, "Visiting") {
			t.Error("the answer is still there")
		}
	}
}

func TestSeveralAreInvitedFromTheQueue(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.English)
	one := m.comment("Please add me to your mailing list.", false)
	_, body := m.post("/desk/comments", "state", "pending", "action", "invite-all", "id", strings.TrimPrefix(at(one), "/desk/comments/"))
	shows(t, body, "1 of 1 is invited")
}

func TestAnAdministratorClosesSignUps(t *testing.T) {
	s, clock := storetest.SQLite(t)
	gate := signup.Gate{Store: s, Clock: clock.Now}
	kernel := webtest.Kernel(t, clock.Now)
	for _, role := range []epistle.Role{epistle.Editor, epistle.Admin} {
		member := epistle.StaffMember{ID: 1, Address: "hana@lantern.example", Name: "Hana", Role: role, Language: epistle.English}
		server := httptest.NewServer(kernel.Handler(webtest.SignedIn(member),
			desk.Settings{Kernel: kernel, Store: s, Newsletters: &editorial.Newsletters{Store: s, Clock: clock.Now, Slots: slotsOf}, Gate: gate, Slots: slotsOf}))
		r, err := (&http.Client{Jar: &flashJar{}}).PostForm(server.URL+"/desk/settings/flood", url.Values{"do": {"close"}})
		status, body := webtest.Answer(t, r, err)
		server.Close()
		since, err := gate.Closed(t.Context())
		if err != nil || since.IsZero() == (role == epistle.Admin) {
			t.Errorf("as %s: closed since %v, %v", role, since, err)
		}
		if role == epistle.Admin {
			shows(t, body, "Sign-ups are closed since", "Open sign-ups again")
		} else if status != http.StatusForbidden {
			t.Errorf("an editor gets %d", status)
		}
	}
}
