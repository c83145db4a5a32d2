package public_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestOwnDataAndErasingGoThroughAFreshMail(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		sub := d.subscribed("grace@example.org")
		path := d.verb.PreferencesPath(sub.ID, 0)
		wantText(t, d.get(path), "Mail me a link to my data")
		wantStatus(t, d.post(path+"/own", "do", "data"), http.StatusSeeOther)
		link := d.mails()[0].Data["link"]
		wantText(t, d.get(link), "Save as a file")
		shown := d.post(link, "do", "show")
		wantText(t, shown, "grace@example.org", "You subscribed", "Please send me", "Save as a file")
		if shown.Header().Get("Cache-Control") != "no-store" || shown.Header().Get("Content-Disposition") != "" {
			t.Errorf("the page was sent with %v", shown.Header())
		}
		answer := d.post(link)
		wantStatus(t, answer, http.StatusOK)
		if !strings.Contains(answer.Header().Get("Content-Disposition"), "attachment") || !strings.Contains(answer.Body.String(), "grace@example.org") {
			t.Errorf("the file is %q", answer.Body.String())
		}
		wantStatus(t, d.post(path+"/own", "do", "erase"), http.StatusSeeOther)
		erase := d.mails()[0].Data["link"]
		wantText(t, d.get(erase), "Erase everything?")
		d.clock.Advance(2 * time.Hour)
		wantText(t, d.get(erase), "This link is too old")
		wantStatus(t, d.post(erase), http.StatusGone)
		wantStatus(t, d.post(path+"/own", "do", "erase"), http.StatusSeeOther)
		erase = d.mails()[0].Data["link"]
		wantText(t, d.post(erase), "Everything is erased")
		wantStatus(t, d.get(path), http.StatusNotFound)
	})
}

func TestWhoDidNotAskRefusesOnThePage(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		wantStatus(t, d.ask("email", "grace@example.org"), http.StatusOK)
		link := d.mails()[0].Data["link"]
		wantText(t, d.get(link), "I did not ask for this")
		wantStatus(t, d.post(link+"/refuse"), http.StatusSeeOther)
		wantText(t, d.get(link), "we will not write to this address again")
	})
}
