package signup_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

func TestASignupIsRemindedOnceAndNeverAgain(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for i := range 120 { // more than share a transaction
			h.request(fmt.Sprintf("p%d@example.org", i))
		}
		h.must(h.service.RefuseWaiting(t.Context(), strings.TrimPrefix(h.mails()[0].Data["link"], "/confirm/")))
		remind := func(want int) {
			t.Helper()
			if n, err := h.service.Remind(t.Context()); err != nil || n != want {
				t.Errorf("%d were reminded, error %v; want %d", n, err, want)
			}
		}
		h.clock.Advance(2 * 24 * time.Hour)
		remind(0)
		h.clock.Advance(25 * time.Hour)
		remind(119)
		mails := h.mails()
		if len(mails) != 119 || mails[0].Kind != epistle.NoticeRemind {
			t.Fatalf("%d mails, the first %+v", len(mails), mails[0])
		}
		done, err := h.service.Confirm(t.Context(), strings.TrimPrefix(mails[0].Data["link"], "/confirm/"), "")
		if err != nil || done.Subscription.State != epistle.Confirmed {
			t.Errorf("the link of the reminder: %+v, %v", done.Subscription, err)
		}
		for range 10 {
			h.clock.Advance(24 * time.Hour)
			remind(0)
		}
	})
}

func TestRemindersKeepToTheCapOnStrangers(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.strangers(400, 150)
		for i := range 350 {
			h.request(fmt.Sprintf("p%d@example.org", i))
		}
		h.clock.Advance(4 * 24 * time.Hour)
		n, err := h.service.Remind(t.Context())
		if err != nil || n != 200 { // the batch that passes the cap is the last
			t.Errorf("%d were reminded at once, error %v", n, err)
		}
	})
}

func TestConsentsAreBroughtToMindEveryTwoYearsWhereTheNewsletterAsksForIt(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace, left := h.subscribe("grace@example.org"), h.subscribe("left@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(left.Subscription, 0), epistle.ByPage, ""))
		remind := func(want int) []epistle.Notice {
			t.Helper()
			n, err := h.service.RemindOfConsents(t.Context())
			mails := h.mails()
			if err != nil || n != want || len(mails) != want {
				t.Fatalf("%d were reminded with %d mails, error %v; want %d", n, len(mails), err, want)
			}
			return mails
		}
		h.clock.Set(h.clock.Now().AddDate(2, 0, 1))
		remind(0) // the newsletter does not ask for it
		h.update.Consent.Renewed = true
		var err error
		h.update, err = h.store.UpdateNewsletter(t.Context(), h.update, epistle.AuditEntry{At: h.clock.Now(), Actor: admin()})
		h.must(err)
		mails := remind(1)
		if mails[0].Kind != epistle.NoticeRenewal || mails[0].Data["given"] != "22 November 2026" {
			t.Errorf("the mail is %+v", mails[0])
		}
		remind(0)
		if h.state(grace.Subscription) != epistle.Confirmed {
			t.Error("silence ended the subscription")
		}
		token := strings.TrimPrefix(mails[0].Data["link"], "/renew/")
		for range 2 {
			h.must(h.service.Renew(t.Context(), token, "203.0.113.8"))
		}
		consents, err := h.store.Consents(t.Context(), grace.Subscriber.ID)
		if err != nil || len(consents) != 2 || consents[0].Source != epistle.FromRenewal || consents[0].Wording == "" || consents[0].IP != "203.0.113.8" {
			t.Errorf("the consents are %+v, error %v", consents, err)
		}
		h.clock.Set(h.clock.Now().AddDate(1, 11, 0))
		remind(0)
		h.clock.Set(h.clock.Now().AddDate(0, 2, 0))
		remind(1)
	})
}

func TestOwnDataNeedsAFreshLinkAndHoldsEverything(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace := h.subscribe("grace@example.org")
		h.must(h.service.AddNote(t.Context(), h.member(epistle.Author), grace.Subscriber.ID, "Met her at the market."))
		h.comment("grace@example.org", "Amen.")
		preferences := strings.TrimPrefix(h.service.PreferencesPath(grace.Subscription.ID, 0), "/preferences/")
		h.must(h.service.AskOwnData(t.Context(), preferences))
		mails := h.mails()
		if len(mails) != 1 || mails[0].Kind != epistle.NoticeOwnData || mails[0].To != "grace@example.org" {
			t.Fatalf("the mails are %+v", mails)
		}
		token := strings.TrimPrefix(mails[0].Data["link"], "/my-data/")
		if _, err := h.service.OwnData(t.Context(), preferences); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("the preferences link opens the data: %v", err)
		}
		own, err := h.service.OwnData(t.Context(), token)
		h.must(err)
		data, err := own.File()
		h.must(err)
		if !json.Valid(data) {
			t.Error("the data is no JSON")
		}
		for _, want := range []string{"grace@example.org", "Grace Kim", "Met her at the market.", "Amen.", "Prayer Partner Update", "203.0.113.8", "Please send me"} {
			if !strings.Contains(string(data), want) {
				t.Errorf("the data lacks %q:\n%s", want, data)
			}
		}
		h.clock.Advance(61 * time.Minute)
		_, err = h.service.OwnData(t.Context(), token)
		wantConflict(t, err, "signup.own.expired")
		wantKind(t, h.service.EraseOwn(t.Context(), token), epistle.NotFound, "erasing with a link to the data")
	})
}

func TestErasingForgetsAPersonAndKeepsACount(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace := h.subscribe("grace@example.org")
		id, preferences := grace.Subscriber.ID, strings.TrimPrefix(h.service.PreferencesPath(grace.Subscription.ID, 0), "/preferences/")
		issue := h.sent()
		before, err := h.store.Report(t.Context(), issue)
		h.must(err)
		comment := h.comment("grace@example.org", "Amen.")
		h.must(h.service.AskErase(t.Context(), preferences))
		token := strings.TrimPrefix(h.mails()[0].Data["link"], "/erase/")
		if _, err := h.service.OwnLink(t.Context(), seal.ToErase, token); err != nil || h.audience() != 1 {
			t.Fatalf("looking at the link: %v", err)
		}
		h.must(h.service.EraseOwn(t.Context(), token))
		if _, err := h.store.Subscriber(t.Context(), id); epistle.KindOf(err) != epistle.NotFound || h.audience() != 0 {
			t.Errorf("they are still here: %v", err)
		}
		signups, err := h.store.SignupsOf(t.Context(), "grace@example.org")
		if err != nil || len(signups) != 0 {
			t.Errorf("%d sign-ups still have the address, error %v", len(signups), err)
		}
		if _, err := h.store.Comment(t.Context(), comment); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a comment that nobody approved is still here: %v", err)
		}
		if got, err := h.store.Suppression(t.Context(), "grace@example.org"); err != nil || got != epistle.Erased {
			t.Errorf("the suppression is %q, error %v", got, err)
		}
		after, err := h.store.Report(t.Context(), issue)
		if err != nil || after != before || before.Total() != 1 {
			t.Errorf("the report was %+v and is %+v, error %v", before, after, err)
		}
		trail, err := h.store.AuditTrail(t.Context(), "subscriber", id, 10)
		if err != nil || len(trail) != 1 || trail[0].Action != "subscriber.erase" || trail[0].Actor.Kind != epistle.Reader {
			t.Errorf("the audit says %+v, error %v", trail, err)
		}
		wantKind(t, h.service.EraseOwn(t.Context(), token), epistle.NotFound, "erasing again")
	})
}

func TestStaffEraseOnlyWhomTheyName(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace := h.subscribe("grace@example.org")
		author, editor := h.member(epistle.Author), h.member(epistle.Editor)
		wantKind(t, h.service.Erase(t.Context(), author, grace.Subscriber.ID, "grace@example.org"), epistle.Forbidden, "an author erases")
		wantKind(t, h.service.Erase(t.Context(), editor, grace.Subscriber.ID, "ruth@example.org"), epistle.Invalid, "another address typed")
		h.must(h.service.Erase(t.Context(), editor, grace.Subscriber.ID, " Grace@Example.org"))
		if h.audience() != 0 {
			t.Error("they are still here")
		}
	})
}

func TestStaffEditAPerson(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		grace := h.subscribe("grace@example.org")
		author := h.member(epistle.Author)
		edit := editOf(grace.Subscriber, grace.Subscription)
		edit.Name, edit.Language, edit.Note = "김은혜", epistle.Korean, "She rang us up."
		edit.Subscriptions[0].Form, edit.Subscriptions[0].Pace = epistle.Discreet, epistle.Monthly
		edit.Subscriptions[0].PausedUntil = h.clock.Now().Add(48 * time.Hour)
		h.must(h.service.EditPerson(t.Context(), author, edit))
		found, err := h.store.FindPeople(t.Context(), "김 은혜", 10)
		h.must(err)
		if len(found) != 1 || found[0].Subscriber.Language != epistle.Korean {
			t.Fatalf("found %+v", found)
		}
		n := found[0].Subscriptions[0]
		if n.Form != epistle.Discreet || n.Pace != epistle.Monthly || !n.PausedUntil.Equal(edit.Subscriptions[0].PausedUntil) || h.audience() != 0 {
			t.Errorf("the subscription is %+v", n)
		}
		for name, f := range map[string]epistle.PeopleFilter{"form": {Form: epistle.Discreet}, "pace": {Pace: epistle.Monthly}, "paused": {Paused: true}} {
			if people, err := h.store.People(t.Context(), f, 10); err != nil || len(people) != 1 {
				t.Errorf("the filter by %s finds %d, error %v", name, len(people), err)
			}
		}
		if people, err := h.store.People(t.Context(), epistle.PeopleFilter{NotMailed: true}, 10); err != nil || len(people) != 0 {
			t.Errorf("the filter of those who must not be mailed finds %d, error %v", len(people), err)
		}
		wantKind(t, h.service.EditPerson(t.Context(), author, edit), epistle.Conflict, "a stale page")
		edit.Version, edit.Subscriptions[0].Pace = found[0].Subscriber.Version, "hourly"
		wantKind(t, h.service.EditPerson(t.Context(), author, edit), epistle.Invalid, "a pace that there is not")
	})
}
