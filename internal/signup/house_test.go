package signup_test

import (
	"fmt"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/templates"
)

// house is a ministry with one newsletter, on a Sunday at 18:00 in Seoul.
type house struct {
	t       *testing.T
	store   *store.Store
	clock   *storetest.Clock
	service *signup.Service
	update  epistle.Newsletter
	words   *locale.Catalog
	nextAt  time.Time // of the next regular issue; zero for none
}

// eachHouse runs a test in a fresh house on each database.
func eachHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) { test(t, newHouse(t, s, clock)) })
}

func newHouse(t *testing.T, s *store.Store, clock *storetest.Clock) *house {
	t.Helper()
	h := &house{t: t, store: s, clock: clock, words: catalog(t)}
	h.update = h.newsletter("prayer-update")
	h.service = signup.New(signup.Options{Store: s, Catalog: h.words, Keys: s.Keys(), Clock: clock.Now,
		Log: slog.New(slog.DiscardHandler),
		NextSlot: func(epistle.Newsletter, time.Time) (time.Time, bool) {
			return h.nextAt, !h.nextAt.IsZero()
		}})
	return h
}

func (h *house) newsletter(slug string) epistle.Newsletter {
	h.t.Helper()
	n, err := h.store.CreateNewsletter(h.t.Context(), epistle.Newsletter{
		Slug:      slug,
		Title:     epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers:    epistle.Text{EN: "Prayer requests and news of our work.", KO: "사역 소식과 기도제목을 전합니다."},
		Frequency: epistle.Text{EN: "One email a week, on Thursday evening.", KO: "매주 목요일 저녁에 한 통 보내 드립니다."},
		Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 12 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "news@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Esther", KO: "에스더"}, Address: "esther@lantern.example"},
	}, epistle.AuditEntry{At: h.clock.Now(), Actor: epistle.SystemActor()})
	h.must(err)
	return n
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// request asks for the update as the public form does.
func (h *house) request(address string) {
	h.t.Helper()
	h.must(h.service.Request(h.t.Context(), h.form(address)))
}

func (h *house) form(address string) signup.Request {
	return signup.Request{NewsletterID: h.update.ID, Source: epistle.FromForm, Address: address, Name: "Grace Kim",
		Language: epistle.English, PageURL: "https://lantern.example/subscribe", IP: "203.0.113.7"}
}

// mails takes what waits in the outbox.
func (h *house) mails() []epistle.Notice {
	h.t.Helper()
	notices, err := h.store.ClaimNotices(h.t.Context(), "test", time.Minute, 1000)
	h.must(err)
	for _, n := range notices {
		n.State = epistle.NoticeAccepted
		h.must(h.store.SettleNotice(h.t.Context(), "test", n, 250, ""))
	}
	return notices
}

// confirmLink is the token of the one confirmation mail that waits.
func (h *house) confirmLink() string {
	h.t.Helper()
	mails := h.mails()
	if len(mails) != 1 || mails[0].Kind != epistle.NoticeConfirm {
		h.t.Fatalf("%d mails wait, want one confirmation: %+v", len(mails), mails)
	}
	return mails[0].Data["link"][len("/confirm/"):]
}

// subscribe takes an address the whole way.
func (h *house) subscribe(address string) signup.Confirmation {
	h.t.Helper()
	h.request(address)
	done, err := h.service.Confirm(h.t.Context(), h.confirmLink(), "203.0.113.8")
	h.must(err)
	return done
}

func (h *house) leaveToken(sub epistle.Subscription, issue epistle.ID) string {
	return h.store.Keys().Link(seal.ToLeave, sub.ID, issue)
}

func (h *house) state(sub epistle.Subscription) epistle.SubscriptionState {
	h.t.Helper()
	now, err := h.store.Subscription(h.t.Context(), sub.ID)
	h.must(err)
	return now.State
}

func (h *house) audience() int64 {
	h.t.Helper()
	n, err := h.store.CountAudience(h.t.Context(), epistle.AudienceRule{NewsletterID: h.update.ID, State: string(epistle.Confirmed)})
	h.must(err)
	return n
}

func (h *house) events(person epistle.ID) []string {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), person, 100)
	h.must(err)
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s by %s", e.Kind, e.Way))
	}
	return all
}

func wantKind(t *testing.T, err error, kind epistle.Kind, what string) {
	t.Helper()
	if err == nil || epistle.KindOf(err) != kind {
		t.Errorf("%s: %v, want %v", what, err, kind)
	}
}

func admin() epistle.Actor { return epistle.SystemActor() }

func catalog(t testing.TB) *locale.Catalog {
	t.Helper()
	files, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	words, err := locale.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// strangers replaces the service by one with another cap on strangers.
func (h *house) strangers(burst, perHour int) {
	o := h.service.Options
	o.Strangers = signup.Strangers{Burst: burst, PerHour: perHour}
	h.service = signup.New(o)
}

// sent is an issue that has gone to everybody.
func (h *house) sent() epistle.ID {
	h.t.Helper()
	return storetest.SentIssue(h.t, h.store, h.clock.Now, h.update.ID).ID
}

func editOf(p epistle.Subscriber, n epistle.Subscription) signup.Edit {
	return signup.Edit{SubscriberID: p.ID, Version: p.Version, Name: p.Name, Language: p.Language, Subscriptions: []epistle.Subscription{n}}
}
