package public_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// asksOf changes what the newsletter asks of consent.
func (d *door) asksOf(rules epistle.ConsentRules) {
	d.t.Helper()
	d.letter.Consent = rules
	var err error
	d.letter, err = d.store.UpdateNewsletter(d.t.Context(), d.letter, epistle.AuditEntry{At: d.clock.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) consents(person epistle.ID) []epistle.Consent {
	d.t.Helper()
	all, err := d.store.Consents(d.t.Context(), person)
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// Data that show a religious interest need a consent of their own, in words of
// their own, by a box that nobody ticked beforehand.
func TestTheSeparateConsentIsATickOfItsOwn(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		d.asksOf(epistle.ConsentRules{Separate: true})
		wantStatus(t, d.ask("email", "grace@example.org", "language", "ko"), http.StatusOK)
		link := d.mails()[0].Data["link"]
		words := d.verb.BeliefWording(epistle.Korean)
		page := d.get(link + "?lang=en") // the sentence stands in the language that is kept
		wantText(t, page, words, `name="belief"`)
		if box, _, _ := strings.Cut(page.Body.String()[strings.Index(page.Body.String(), `name="belief"`):], ">"); strings.Contains(box, "checked") {
			t.Error("the box is ticked beforehand")
		}
		refused := d.post(link)
		wantStatus(t, refused, http.StatusUnprocessableEntity)
		wantText(t, refused, `aria-invalid="true"`)
		if _, err := d.store.SubscriberByAddress(t.Context(), "grace@example.org"); epistle.KindOf(err) != epistle.NotFound {
			t.Fatalf("subscribed without the tick: %v", err)
		}
		wantStatus(t, d.post(link, "belief", "yes"), http.StatusSeeOther)
		person, err := d.store.SubscriberByAddress(t.Context(), "grace@example.org")
		if err != nil {
			t.Fatal(err)
		}
		all := d.consents(person.ID)
		if len(all) != 1 || all[0].BeliefWording != words || all[0].Wording == "" || all[0].Wording == words || all[0].IP == "" || all[0].WordingVersion != d.letter.WordingVersion {
			t.Errorf("the consents are %+v", all)
		}
	})
}

func TestAConsentIsGivenAgainAfterTwoYears(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		d.asksOf(epistle.ConsentRules{Renewed: true})
		sub := d.subscribed("grace@example.org")
		d.clock.Advance(729 * 24 * time.Hour)
		if n, err := d.verb.RemindOfConsents(t.Context()); err != nil || n != 0 {
			t.Fatalf("before two years %d are reminded, error %v", n, err)
		}
		d.clock.Advance(3 * 24 * time.Hour)
		for range 2 { // the second time says nothing more
			if _, err := d.verb.RemindOfConsents(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		mails := slices.DeleteFunc(d.mails(), func(n epistle.Notice) bool { return n.Kind != epistle.NoticeRenewal })
		if len(mails) != 1 {
			t.Fatalf("%d mails bring it to mind", len(mails))
		}
		link := mails[0].Data["link"]
		for range 2 {
			wantText(t, d.get(link), d.letter.Covers.EN, "g•••@example.org")
		}
		if n := len(d.consents(sub.SubscriberID)); n != 1 {
			t.Fatalf("looking at the page makes %d consents", n)
		}
		for range 2 {
			wantStatus(t, d.post(link), http.StatusSeeOther)
		}
		all := d.consents(sub.SubscriberID)
		if len(all) != 2 || all[0].Source != epistle.FromRenewal || !all[0].GivenAt.Equal(d.clock.Now()) || all[0].Wording == "" {
			t.Errorf("the consents are %+v", all)
		}
		wantStatus(t, d.get("/renew/forged"), http.StatusNotFound)
		// Silence keeps a consent, and who leaves cannot give it again.
		wantStatus(t, d.post("/u/"+d.store.Keys().Link(seal.ToLeave, sub.ID, 0), "do", "leave"), http.StatusSeeOther)
		d.post(link)
		if n := len(d.consents(sub.SubscriberID)); n != 2 || d.state(sub) != epistle.Left {
			t.Errorf("after leaving there are %d consents, and they are %s", n, d.state(sub))
		}
	})
}
