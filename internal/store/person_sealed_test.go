package store_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// tablesOfPeople are those that hold something of a person.
var tablesOfPeople = []string{"subscriber", "subscription", "signup", "consent", "event", "subscriber_note", "notice", "comment", "mail_limit", "suppression",
	"audit", "delivery", "site", "comment_source"}

// A stolen database shows nothing of a person that was not published, and keeps
// nothing by which they could be found after they were erased, but for the
// hash that keeps them from being mailed.
func TestAPersonIsSealedAndThenForgotten(t *testing.T) {
	for _, urlOf := range []func(testing.TB) string{storetest.SQLiteURL, storetest.PostgresURL} {
		url, clock := urlOf(t), storetest.NewClock()
		s := storetest.OpenWithKey(t, url, clock.Now, seal.NewKey())
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		now, audit := clock.Now(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor(), Action: "test"}
		n, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "weekly", Title: epistle.Text{EN: "Weekly", KO: "주간"}}, audit)
		must(err)
		_, err = s.CreateSite(t.Context(), epistle.Site{Slug: "blog", URL: "https://blog.example/", Secret: "whsec_quartz", User: "larkspur", Password: "abcd efgh"}, audit)
		must(err)
		page := newPage(t, s, "https://example.org/arrivals")
		post(t, s, epistle.Comment{PageID: page.ID, Name: "Hyacinth Bellamy", Address: "hyacinth@oldmill.example", Body: "I pray at the harbour", IP: "198.51.100.77"})
		var signup epistle.ID
		_, err = s.OpenSignup(t.Context(), store.Opening{Limit: epistle.MailLimit{Mails: 3, Within: time.Hour},
			Signup: epistle.Signup{NewsletterID: n.ID, Source: epistle.FromHand, Name: "Hyacinth Bellamy", Address: "hyacinth@oldmill.example",
				Language: epistle.English, Evidence: "a card at the harbour", IP: "198.51.100.78"},
			Notice: func(id epistle.ID) epistle.Notice {
				signup = id
				return epistle.Notice{Kind: epistle.NoticeConfirm, To: "hyacinth@oldmill.example", Language: epistle.English, Data: map[string]string{"link": "/confirm/tourmaline"}}
			}})
		must(err)
		subscription, err := s.ConfirmSignup(t.Context(), signup, store.Confirming{IP: "198.51.100.79"})
		must(err)
		person := subscription.SubscriberID
		must(s.AddNote(t.Context(), epistle.Note{SubscriberID: person, Text: "Lives by the harbour", CreatedAt: now}, audit))
		must(s.Leave(t.Context(), subscription.ID, epistle.Event{At: now, Way: epistle.ByPage, Reason: "the harbour froze"}))

		everything := func() []byte {
			var all []byte
			for _, table := range tablesOfPeople {
				all = append(all, rawTable(t, url, table)...)
			}
			return all
		}
		raw := everything()
		for _, secret := range []string{"Hyacinth", "Bellamy", "hyacinth", "oldmill", "harbour", "198.51.100", "tourmaline", "quartz", "larkspur", "efgh"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the database shows %q", secret)
			}
		}
		index := s.Keys().Index("address", epistle.Address("hyacinth@oldmill.example").Canonical())
		if !bytes.Contains(raw, index) {
			t.Fatal("the search does not find what is there")
		}

		must(s.Erase(t.Context(), person, audit))
		var left []string
		for _, table := range tablesOfPeople {
			if bytes.Contains(rawTable(t, url, table), index) {
				left = append(left, table)
			}
		}
		// mail_limit is swept after a month; until then it keeps the address from
		// being mailed too often.
		if got := strings.Join(left, " "); got != "mail_limit suppression" {
			t.Errorf("the hash of the address stands in: %s", got)
		}
		for _, table := range []string{"subscriber", "subscription", "consent", "event", "subscriber_note"} {
			if rows := rawTable(t, url, table); len(rows) != 0 {
				t.Errorf("%s still holds %d bytes", table, len(rows))
			}
		}
		if notices, err := s.ClaimNotices(t.Context(), "test", time.Minute, 10); err != nil || len(notices) != 0 {
			t.Errorf("%d mails wait for them, error %v", len(notices), err)
		}
	}
}
