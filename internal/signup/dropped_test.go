package signup_test

import (
	"slices"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// queueAll puts a notice of every kind that readers get into the outbox, and
// one for the desk.
func (h *house) queueAll(address epistle.Address) {
	h.t.Helper()
	for _, kind := range append(slices.Concat(epistle.SuppressedNotices, epistle.OwnNotices), epistle.NoticeResetPassword) {
		h.must(h.store.QueueNotice(h.t.Context(), epistle.Notice{Kind: kind, Key: "test/" + string(kind), To: address,
			Language: epistle.English, Data: map[string]string{"link": "/x"}}))
	}
}

func kindsOf(notices []epistle.Notice) []epistle.NoticeKind {
	kinds := []epistle.NoticeKind{}
	for _, n := range notices {
		kinds = append(kinds, n.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

func TestWhatWaitsForAPersonIsDroppedWithThem(t *testing.T) {
	own := []epistle.NoticeKind{epistle.NoticeErase, epistle.NoticeOwnData, epistle.NoticeResetPassword}
	for _, c := range []struct {
		name string
		act  func(h *house, person epistle.ID, token string) error
		left []epistle.NoticeKind
	}{
		{"suppressed by staff", func(h *house, person epistle.ID, _ string) error {
			return h.service.Suppress(h.t.Context(), h.member(epistle.Author), person, "asked by telephone")
		}, own},
		{"not them", func(h *house, _ epistle.ID, token string) error { return h.service.RefuseWaiting(h.t.Context(), token) }, own},
		{"erased", func(h *house, person epistle.ID, _ string) error {
			return h.service.Erase(h.t.Context(), h.member(epistle.Editor), person, "grace@example.org")
		}, []epistle.NoticeKind{epistle.NoticeResetPassword}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachHouse(t, func(t *testing.T, h *house) {
				h.request("grace@example.org")
				token := h.confirmLink()
				grace, err := h.service.Confirm(t.Context(), token, "203.0.113.8")
				h.must(err)
				h.queueAll("Grace@example.org")
				h.must(h.store.QueueNotice(t.Context(), epistle.Notice{Kind: epistle.NoticeConfirm, Key: "test/other", To: "ruth@example.org", Language: epistle.English}))
				h.must(c.act(h, grace.Subscriber.ID, token))
				got, want := kindsOf(h.mails()), append([]epistle.NoticeKind{epistle.NoticeConfirm}, c.left...) // Ruth's
				if !slices.Equal(got, want) {
					t.Errorf("mails of the kinds %v go out, want %v", got, want)
				}
			})
		})
	}
}

// Only what waited is dropped: whoever asks for the updates themselves after
// that is mailed, as ever.
func TestWhoAsksAgainAfterBeingErasedIsMailed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace := h.subscribe("grace@example.org")
		h.must(h.service.Erase(t.Context(), h.member(epistle.Editor), grace.Subscriber.ID, "grace@example.org"))
		h.clock.Advance(8 * 24 * time.Hour) // such an address is mailed once a week at most
		h.request("grace@example.org")
		again, err := h.service.Confirm(t.Context(), h.confirmLink(), "203.0.113.8")
		if err != nil || again.Subscription.State != epistle.Confirmed {
			t.Errorf("their own confirmation gives %v", err)
		}
	})
}

func TestLeavingDropsTheReminderOfTheConsent(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.update.Consent.Renewed = true
		_, err := h.store.UpdateNewsletter(t.Context(), h.update, epistle.AuditEntry{At: h.clock.Now(), Actor: epistle.SystemActor()})
		h.must(err)
		leaves, stays := h.subscribe("leaves@example.org"), h.subscribe("stays@example.org")
		h.clock.Advance(3 * 365 * 24 * time.Hour)
		if n, err := h.service.RemindOfConsents(t.Context()); err != nil || n != 2 {
			t.Fatalf("%d are reminded, error %v", n, err)
		}
		h.must(h.service.Leave(t.Context(), h.leaveToken(leaves.Subscription, 0), epistle.ByPage, ""))
		mails := h.mails()
		if len(mails) != 1 || mails[0].To != stays.Subscriber.Address {
			t.Errorf("mails go to %d people", len(mails))
		}
	})
}

func TestStoppingMailsAboutAnswersDropsTheWaitingOne(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		p := d.written()
		p.Replies = true
		id := d.answered(t, p)
		if err := d.StopReplies(t.Context(), d.store.Keys().Link(seal.ToHush, id)); err != nil {
			t.Fatal(err)
		}
		if mails := outbox(t, d.store); len(mails) != 0 {
			t.Errorf("mails of the kinds %v go out", kindsOf(mails))
		}
	})
}
