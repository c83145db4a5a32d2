package desk_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/schedule"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

func slotsOf(n epistle.Newsletter, after time.Time, count int) ([]time.Time, error) {
	expression, err := schedule.Parse(n.Schedule, n.Zone)
	if err != nil {
		return nil, err
	}
	var slots []time.Time
	for _, o := range expression.Next(after, count) {
		slots = append(slots, o.At)
	}
	return slots, nil
}

func openSettings(t *testing.T, s *store.Store, clock *storetest.Clock) (*house, epistle.Newsletter) {
	t.Helper()
	verb := &editorial.Newsletters{Store: s, Clock: clock.Now, Slots: slotsOf}
	h := openHouse(t, s, clock, desk.Settings{Kernel: webtest.Kernel(t, clock.Now), Store: s, Newsletters: verb, Gate: signup.Gate{Store: s, Clock: clock.Now}, Slots: slotsOf})
	mailbox := epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@example.org"}
	n, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "weekly", Title: epistle.Text{EN: "Weekly Lantern", KO: "주간 등불"},
		Covers: epistle.Text{EN: "Letters.", KO: "편지."}, Frequency: epistle.Text{EN: "Weekly.", KO: "매주."},
		Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 12 * time.Hour,
		Sender: mailbox, ReplyTo: mailbox}, epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}

// filled is what the page's form would send as it stands.
func filled(page string) url.Values {
	values := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="(\w+)"[^>]*? name="(\w+)"(?: value="([^"]*)")?[^>]*>`).FindAllStringSubmatch(page, -1) {
		if m[1] != "checkbox" || strings.Contains(m[0], " checked") {
			values.Set(m[2], m[3])
		}
	}
	for _, m := range regexp.MustCompile(`(?s)<textarea[^>]*? name="(\w+)"[^>]*>\n?(.*?)</textarea>`).FindAllStringSubmatch(page, -1) {
		values.Set(m[1], m[2])
	}
	values.Set("day", regexp.MustCompile(`<option value="(\w+)" selected`).FindStringSubmatch(page)[1])
	return values
}

func (h *house) send(path string, v url.Values) (int, string, string) {
	var pairs []string
	for key := range v {
		pairs = append(pairs, key, v.Get(key))
	}
	return h.visit(path, pairs...)
}

func TestChangingANewsletterTakesItsWaitingIssueAlong(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, n := openSettings(t, s, clock)
		issue, _, err := s.CreateIssue(t.Context(), epistle.SystemActor(), epistle.Issue{NewsletterID: n.ID, State: epistle.IssueDraft,
			SendAt: time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)})
		if err != nil {
			t.Fatal(err)
		}
		h.hire("admin")
		h.signIn("admin")
		if status, page, _ := h.visit("/desk/settings"); status != http.StatusOK || !strings.Contains(page, "Weekly Lantern") {
			t.Fatalf("the list: %d", status)
		}
		const path = "/desk/settings/newsletters/1"
		_, page, _ := h.visit("/desk/settings")
		at := regexp.MustCompile(`/desk/settings/newsletters/\d+`).FindString(page)
		_, page, _ = h.visit(at)
		webtest.NoMissingWords(t, page)
		form := filled(page)
		form.Set("day", "5")
		form.Set("time", "19:30")
		form.Set("solo", "yes")
		if status, page, where := h.send(at, form); status != http.StatusOK || where != "/desk/settings" {
			t.Fatalf("saving: %d at %s\n%s", status, where, page)
		}
		changed, err := s.Newsletter(t.Context(), n.ID)
		if err != nil || changed.Schedule != "30 19 * * 5" || !changed.SoloMode || changed.WordingVersion != 1 || changed.Title != n.Title {
			t.Errorf("saved %+v, %v", changed, err)
		}
		moved, err := s.Issue(t.Context(), issue.ID)
		if err != nil || !moved.SendAt.Equal(time.Date(2026, 11, 27, 10, 30, 0, 0, time.UTC)) {
			t.Errorf("the issue is due at %v, %v", moved.SendAt, err)
		}
		if status, _, _ := h.send(at, form); status != http.StatusUnprocessableEntity {
			t.Errorf("a form from before the change: %d, want 422", status)
		}
		if status, _, _ := h.visit(path + "99999"); status != http.StatusNotFound {
			t.Errorf("an unknown newsletter: %d, want 404", status)
		}
	})
}

func TestWrongNewsletterSettingsAreToldBesideTheirField(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h, n := openSettings(t, s, clock)
	h.hire("admin")
	h.signIn("admin")
	_, list, _ := h.visit("/desk/settings")
	at := regexp.MustCompile(`/desk/settings/newsletters/\d+`).FindString(list)
	_, page, _ := h.visit(at)
	for field, value := range map[string]string{"title_ko": "", "time": "soon", "zone": "Seoul", "welcome_at": "25:00", "grace": "-1",
		"assemble_lead": "many", "sender_address": "news", "reply_to_address": "a b@example.org", "covers_en": "a\u202eb"} {
		form := filled(page)
		form.Set(field, value)
		status, refused, _ := h.send(at, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(refused, `id="f-`+field+`-error"`) {
			t.Errorf("%s = %q: %d, and no sentence beside it", field, value, status)
		}
		webtest.NoMissingWords(t, refused)
	}
	form := filled(page)
	form.Set("day", "other")
	form.Set("schedule", "0 20 30 2 *")
	if status, refused, _ := h.send(at, form); status != http.StatusUnprocessableEntity || !strings.Contains(refused, "30 February") {
		t.Errorf("an impossible schedule: %d", status)
	}
	if now, err := s.Newsletter(t.Context(), n.ID); err != nil || now.Version != n.Version {
		t.Errorf("something was saved: %+v, %v", now, err)
	}
	h.browser = newBrowser(t)
	h.hire("editor")
	h.signIn("editor")
	if status, _, _ := h.visit(at); status != http.StatusForbidden {
		t.Errorf("an editor: %d, want 403", status)
	}
}
