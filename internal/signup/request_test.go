package signup_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/storetest"
)

func TestNobodyIsASubscriberBeforeConfirming(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("Grace@Example.org")
		if _, err := h.store.SubscriberByAddress(t.Context(), "grace@example.org"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("there is a subscriber before the confirmation: %v", err)
		}
		if h.audience() != 0 {
			t.Error("somebody would be mailed before the confirmation")
		}
		if n, err := h.store.CountSignups(t.Context(), epistle.SignupPending); err != nil || n != 1 {
			t.Errorf("%d sign-ups wait, error %v; want 1", n, err)
		}
	})
}

func TestTheConfirmationMailRepeatsNothingThatWasTyped(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := h.form("grace@example.org")
		r.Name, r.Language = "Buy pills at evil.example", epistle.Korean
		h.must(h.service.Request(t.Context(), r))
		mails := h.mails()
		if len(mails) != 1 || mails[0].To != "grace@example.org" || mails[0].Language != epistle.Korean {
			t.Fatalf("the mails are %+v", mails)
		}
		for key, value := range mails[0].Data {
			if strings.Contains(value, "pills") || strings.Contains(value, "grace") {
				t.Errorf("the mail's %s repeats what was typed: %q", key, value)
			}
		}
		if mails[0].Data["newsletter"] != h.update.Title.KO || mails[0].Data["covers"] != h.update.Covers.KO {
			t.Errorf("the mail does not say in Korean what it is about: %v", mails[0].Data)
		}
	})
}

func TestAWrongFormSaysEverythingAtOnceAndKeepsNothing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := h.form("grace at example.org")
		r.Name, r.Language = "Grace\u202eKim", "fr"
		err := h.service.Request(t.Context(), r)
		var problems epistle.Problems
		if !errors.As(err, &problems) || len(problems) != 3 {
			t.Fatalf("got %v, want problems with email, name and language", err)
		}
		if n, _ := h.store.CountSignups(t.Context(), ""); n != 0 || len(h.mails()) != 0 {
			t.Error("something was kept or mailed")
		}
		r = h.form("grace@example.org")
		r.NewsletterID = 999999
		wantKind(t, h.service.Request(t.Context(), r), epistle.Invalid, "an unknown newsletter")
	})
}

func TestRepeatedRequestsMailOnceMoreAtMost(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("grace@example.org")
		h.request("GRACE@example.org") // a second click
		if n := len(h.mails()); n != 1 {
			t.Fatalf("%d mails after a second click, want 1", n)
		}
		for range 10 {
			h.clock.Advance(10 * time.Minute)
			h.request("grace@example.org")
		}
		if n := len(h.mails()); n != 1 {
			t.Errorf("%d further mails for ten more requests, want 1", n)
		}
		if n, _ := h.store.CountSignups(t.Context(), epistle.SignupPending); n != 1 {
			t.Errorf("%d sign-ups wait, want 1", n)
		}
		h.clock.Advance(25 * time.Hour)
		h.request("grace@example.org")
		if n := len(h.mails()); n != 1 {
			t.Errorf("%d mails a day later, want 1", n)
		}
	})
}

func TestAnAddressGetsThreeMailsADayWhateverIsTyped(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mails := 0
		for _, slug := range []string{"one", "two", "three", "four", "five"} {
			h.update = h.newsletter(slug)
			h.clock.Advance(2 * time.Minute)
			h.request("grace@example.org")
			mails += len(h.mails())
		}
		if mails != 3 {
			t.Errorf("five newsletters mailed %d times, want 3", mails)
		}
	})
}

func TestRequestsAtOnceAreOneSignup(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var all sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			all.Go(func() { errs[i] = h.service.Request(t.Context(), h.form("grace@example.org")) })
		}
		all.Wait()
		h.must(errors.Join(errs...))
		if n := len(h.mails()); n != 1 {
			t.Errorf("%d mails, want 1", n)
		}
		if n, _ := h.store.CountSignups(t.Context(), ""); n != 1 {
			t.Errorf("%d sign-ups, want 1", n)
		}
	})
}

// Two daemons on one database hear of the same people at the same moment.
func TestTwoDaemonsAskedAtOnceMailOnce(t *testing.T) {
	const people = 40
	clock, key, url := storetest.NewClock(), seal.NewKey(), storetest.PostgresURL(t)
	h := newHouse(t, storetest.OpenWithKey(t, url, clock.Now, key), clock)
	other := storetest.OpenWithKey(t, url, clock.Now, key)
	services := []*signup.Service{h.service, signup.New(signup.Options{Store: other, Catalog: h.words, Keys: other.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})}
	var group errgroup.Group
	for i := range 2 * people {
		group.Go(func() error { return services[i%2].Request(t.Context(), h.form(fmt.Sprintf("p%d@example.org", i/2))) })
	}
	h.must(group.Wait())
	mails := map[epistle.Address]int{}
	for _, m := range h.mails() {
		mails[m.To]++
	}
	for i := range people {
		if n := mails[epistle.Address(fmt.Sprintf("p%d@example.org", i))]; n != 1 {
			t.Errorf("person %d got %d mails", i, n)
		}
	}
	if n, err := h.store.CountSignups(t.Context(), ""); err != nil || n != people {
		t.Errorf("%d sign-ups, error %v; want %d", n, err, people)
	}
}

// Whoever asks cannot tell whether an address is known: no error, whatever
// becomes of the request.
func TestTheAnswerIsTheSameForEverybody(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		confirmed := h.subscribe("confirmed@example.org")
		left := h.subscribe("left@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(left.Subscription, 0), epistle.ByPage, ""))
		for name, reason := range map[string]epistle.SuppressionReason{
			"gone": epistle.AddressGone, "complained": epistle.Complained, "erased": epistle.Erased, "staff": epistle.ByStaff} {
			person := h.subscribe(name + "@example.org")
			h.must(h.store.Suppress(t.Context(), person.Subscriber.ID, reason,
				epistle.Event{At: h.clock.Now(), Way: epistle.ByReply}, epistle.AuditEntry{At: h.clock.Now(), Actor: admin()}))
		}
		h.clock.Advance(8 * 24 * time.Hour)
		for name, want := range map[string]epistle.NoticeKind{"new": epistle.NoticeConfirm, "confirmed": epistle.NoticeAlready,
			"left": epistle.NoticeConfirm, "gone": epistle.NoticeConfirm, "complained": epistle.NoticeConfirm,
			"erased": epistle.NoticeConfirm, "staff": ""} {
			h.request(name + "@example.org") // fails the test on an error
			mails := h.mails()
			switch {
			case want == "" && len(mails) > 0:
				t.Errorf("%s was mailed: %+v", name, mails)
			case want != "" && (len(mails) != 1 || mails[0].Kind != want):
				t.Errorf("%s got %+v, want one %s", name, mails, want)
			}
		}
		again, err := h.store.Subscription(t.Context(), confirmed.Subscription.ID)
		if err != nil || again != confirmed.Subscription {
			t.Errorf("asking again changed a subscription: %+v, error %v", again, err)
		}
	})
}

func TestASuppressedAddressIsMailedOnceAWeekAtMost(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		person := h.subscribe("gone@example.org")
		h.must(h.store.Suppress(t.Context(), person.Subscriber.ID, epistle.AddressGone,
			epistle.Event{At: h.clock.Now(), Way: epistle.ByReply}, epistle.AuditEntry{At: h.clock.Now(), Actor: admin()}))
		h.clock.Advance(8 * 24 * time.Hour)
		mails := 0
		for range 7 * 24 {
			h.request("gone@example.org")
			mails += len(h.mails())
			h.clock.Advance(time.Hour)
		}
		if mails != 1 {
			t.Errorf("a suppressed address got %d mails in a week, want 1", mails)
		}
	})
}

func TestMailsToStrangersAreBoundedOverall(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var last error
		for i := range 400 {
			r := h.form("")
			r.Address = strings.Repeat("a", i%40+1) + string(rune('a'+i/40)) + "@example.org"
			if last = h.service.Request(t.Context(), r); last != nil {
				break
			}
		}
		wantKind(t, last, epistle.Limited, "four hundred requests at once")
	})
}

func TestInviteMailsTheAuthorOfAComment(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		page, err := h.store.FindOrCreatePage(t.Context(), "https://lantern.example/work")
		h.must(err)
		comment := func(address epistle.Address) epistle.ID {
			posted, err := h.store.PostComment(t.Context(), epistle.Comment{PageID: page.ID, Name: "은혜", Address: address,
				Body: "소식을 받고 싶습니다. " + string(address), Language: epistle.Korean})
			h.must(err)
			return posted.ID
		}
		id := comment("eun@example.org")
		h.must(h.service.Invite(t.Context(), admin(), id))
		mails := h.mails()
		if len(mails) != 1 || mails[0].Kind != epistle.NoticeInvite || mails[0].To != "eun@example.org" || mails[0].Language != epistle.Korean {
			t.Fatalf("the mails are %+v", mails)
		}
		wantKind(t, h.service.Invite(t.Context(), admin(), id), epistle.Conflict, "inviting twice")
		if c, err := h.store.Comment(t.Context(), id); err != nil || c.SignupID == 0 {
			t.Errorf("the comment does not know its sign-up: %d, error %v", c.SignupID, err)
		}
		done, err := h.service.Confirm(t.Context(), mails[0].Data["link"][len("/confirm/"):], "")
		h.must(err)
		consents, err := h.store.Consents(t.Context(), done.Subscriber.ID)
		if err != nil || len(consents) != 1 || consents[0].Source != epistle.FromComment || consents[0].PageURL != page.URL {
			t.Errorf("the consent is %+v, error %v", consents, err)
		}
		wantKind(t, h.service.Invite(t.Context(), admin(), id), epistle.Conflict, "inviting a subscriber")
		h.must(h.service.Suppress(t.Context(), admin(), done.Subscriber.ID, "a safety matter"))
		wantKind(t, h.service.Invite(t.Context(), admin(), comment("eun@example.org")), epistle.Conflict, "inviting who must not be mailed")
		wantKind(t, h.service.Invite(t.Context(), admin(), 999999), epistle.NotFound, "inviting the author of nothing")
		if len(h.mails()) != 0 {
			t.Error("a refused invitation was mailed")
		}
	})
}
