package desk_test

import (
	"strings"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/desk"
	"epistle/internal/web/webtest"
)

func weekly() epistle.Newsletter {
	return epistle.Newsletter{
		Slug: "prayer", Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers: epistle.Text{EN: "News to pray about.", KO: "함께 기도할 소식."}, Frequency: epistle.Text{EN: "Weekly.", KO: "매주."},
		WordingVersion: 1, Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 2 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@example.org"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hana", KO: "하나"}, Address: "hana@example.org"},
	}
}

// week is a house with a newsletter.
func openWeek(t *testing.T, s *store.Store, clock *storetest.Clock) (*house, epistle.Newsletter) {
	issues := editorial.NewIssues(editorial.IssuesOptions{Store: s, Pool: s, Catalog: webtest.Catalog(t), Clock: clock.Now,
		MailSize: func(epistle.Newsletter, epistle.Issue, epistle.Language) (int, error) { return 20000, nil }})
	h := openHouse(t, s, clock, desk.Today{Kernel: webtest.Kernel(t, clock.Now), Store: s, Issues: issues, Mail: mailFlows})
	n, err := s.CreateNewsletter(t.Context(), weekly(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor(), Action: "newsletter.create", Subject: "newsletter"})
	if err != nil {
		t.Fatal(err)
	}
	return h, n
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
}

func TestTodayFollowsTheWeek(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, n := openWeek(t, s, clock)
		author := h.hire("author")
		h.hire("editor")
		h.signIn("author")
		_, page, _ := h.visit("/desk/")
		// A Sunday evening in Seoul: nothing is there yet, and a letter is missing.
		wants(t, page, "Good evening", "Thursday 26 November, 20:00", "in 4 days", "Write the letter", "Nothing is waiting", "Tuesday 24 November, 20:00")

		slot := time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)
		by := epistle.StaffActor(author, epistle.Author)
		issue, _, err := s.CreateIssue(t.Context(), by, epistle.Issue{NewsletterID: n.ID, SendAt: slot})
		if err != nil {
			t.Fatal(err)
		}
		_, page, _ = h.visit("/desk/")
		wants(t, page, "No. 1", "Being written", "Go on writing", "There is nothing in this issue yet")

		content := epistle.Content{Subject: epistle.Text{EN: "Rain", KO: "비"}, Preheader: epistle.Text{EN: "After the drought", KO: "가뭄 뒤에"},
			Sections: []epistle.Section{{Kind: epistle.LetterSection, Items: []epistle.Item{{Kind: epistle.LetterItem, Body: epistle.Text{EN: "Dear friends", KO: "사랑하는 여러분"}}}}}}
		if issue, err = s.SaveIssue(t.Context(), by, issue.ID, issue.Version, content); err != nil {
			t.Fatal(err)
		}
		_, page, _ = h.visit("/desk/")
		wants(t, page, "somebody else has to read and approve")

		h.browser = newBrowser(t)
		h.signIn("editor")
		_, page, _ = h.visit("/desk/")
		wants(t, page, "Read and approve")
	})
}

func TestASlotThatWasServedEarlyIsOver(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h, n := openWeek(t, s, clock)
	by := epistle.StaffActor(h.hire("author"), epistle.Author)
	slot := time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC)
	issue, _, err := s.CreateIssue(t.Context(), by, epistle.Issue{NewsletterID: n.ID, SendAt: slot})
	if err != nil {
		t.Fatal(err)
	}
	move := store.IssueMove{ID: issue.ID, From: []epistle.IssueState{epistle.IssueDraft}, To: epistle.IssueCancelled}
	if _, err := s.MoveIssue(t.Context(), by, move); err != nil {
		t.Fatal(err)
	}
	h.signIn("author")
	_, page, _ := h.visit("/desk/")
	wants(t, page, "Thursday 3 December, 20:00")
}

func TestTodaysQueue(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h, _ := openWeek(t, s, clock)
		author, editor := h.hire("author"), h.hire("editor")
		entry := epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor(), Action: "x", Subject: "x"}
		for i, by := range []epistle.ID{author, author, editor} {
			link := epistle.Link{URL: "https://news.example/" + string(rune('a'+i)), State: epistle.LinkSubmitted, SubmittedBy: by, SubmittedAt: clock.Now()}
			if _, err := s.CreateLink(t.Context(), link, entry); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.CreatePrayer(t.Context(), epistle.Prayer{Headline: epistle.Text{EN: "Rain"}, State: epistle.Drafted, CreatedAt: clock.Now()}, entry); err != nil {
			t.Fatal(err)
		}
		got, err := s.Today(t.Context(), editor)
		if err != nil || got.Links.Count != 2 || got.OwnLinks.Count != 1 || got.Prayers.Count != 1 || got.Comments.Count != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if !got.Links.Oldest.Equal(clock.Now()) || !got.Comments.Oldest.IsZero() {
			t.Errorf("oldest %v and %v", got.Links.Oldest, got.Comments.Oldest)
		}
		clock.Advance(3 * time.Hour)
		h.signIn("editor")
		_, page, _ := h.visit("/desk/")
		wants(t, page, "news links to confirm", "drafted prayer to finish", "3 hours ago")
		h.browser = newBrowser(t)
		h.signIn("author")
		if _, page, _ = h.visit("/desk/"); strings.Contains(page, "news links to confirm") {
			t.Error("an author is asked to confirm links")
		}
	})
}

func TestTodayWithoutANewsletter(t *testing.T) {
	s, clock := storetest.SQLite(t)
	h := openHouse(t, s, clock, desk.Today{Kernel: webtest.Kernel(t, clock.Now), Store: s, Mail: mailFlows})
	h.hire("author")
	h.signIn("author")
	_, page, _ := h.visit("/desk/")
	wants(t, page, "There is no newsletter yet")
}

func mailFlows() error { return nil }

func TestTodaySaysWhyNoMailGoesOut(t *testing.T) {
	s, clock := storetest.SQLite(t)
	refused := func() error { return epistle.Errorf(epistle.Unavailable, "relay.auth", nil) }
	h := openHouse(t, s, clock, desk.Today{Kernel: webtest.Kernel(t, clock.Now), Store: s, Mail: refused})
	h.hire("author")
	h.signIn("author")
	_, page, _ := h.visit("/desk/")
	wants(t, page, "The mail server refuses the user name or password")
}

func TestTodaySaysWhatStandsInTheWayOfMailAndSignUps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		var trouble error
		h := openHouse(t, s, clock, desk.Today{Kernel: webtest.Kernel(t, clock.Now), Store: s, Mail: func() error { return trouble }})
		h.hire("author")
		h.hire("admin")
		h.signIn("author")
		gate := signup.Gate{Store: s, Clock: clock.Now}
		if _, page, _ := h.visit("/desk/"); strings.Contains(page, "notice ") {
			t.Errorf("a notice where all is well:\n%s", page)
		}
		trouble = epistle.Errorf(epistle.Unavailable, "relay.unreachable", nil)
		_, page, _ := h.visit("/desk/")
		wants(t, page, `class="notice bad" role="alert"`, "Sending mail needs a look.", "cannot be reached")
		trouble = epistle.Errorf(epistle.Unavailable, "relay.quota", nil)
		_, page, _ = h.visit("/desk/")
		wants(t, page, `class="notice wait"`, "goes out by itself after midnight")
		if strings.Contains(page, "needs a look") {
			t.Error("a spent quota is no trouble")
		}
		trouble = nil
		if err := gate.Close(t.Context(), epistle.SystemActor()); err != nil {
			t.Fatal(err)
		}
		_, page, _ = h.visit("/desk/")
		wants(t, page, "Sign-ups are closed since Sunday 22 November, 18:00.")
		if strings.Contains(page, "/desk/settings/flood") {
			t.Error("an author is offered to open sign-ups")
		}
		h.browser = newBrowser(t)
		h.signIn("admin")
		_, page, _ = h.visit("/desk/")
		wants(t, page, "Sign-ups are closed since", `action="/desk/settings/flood"`, "Open sign-ups again")
	})
}
