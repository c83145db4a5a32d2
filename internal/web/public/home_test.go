package public_test

import (
	"net/http"
	"strings"
	"testing"

	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

// Whoever types the bare address, or follows a link that is gone, finds the
// way to the updates.
func TestEverybodyFindsTheSignUp(t *testing.T) {
	eachDoor(t, func(t *testing.T, d *door) {
		kernel := webtest.Kernel(t, d.clock.Now)
		d.handler = kernel.Handler(nil, public.Home{Kernel: kernel, Newsletters: d.store}, public.NewSubscribe(kernel, d.verb, d.stamps))

		home := d.get("/")
		wantStatus(t, home, http.StatusOK)
		for _, want := range []string{"Prayer Partner Update", "One email a week", `href="/subscribe?newsletter=prayer-update"`, `href="/desk/"`} {
			if !strings.Contains(home.Body.String(), want) {
				t.Errorf("the first page lacks %s", want)
			}
		}
		if korean := d.get("/?lang=ko").Body.String(); !strings.Contains(korean, "이메일로 받아 보기") {
			t.Error("the first page does not speak Korean")
		}
		lost := d.get("/gone")
		wantStatus(t, lost, http.StatusNotFound)
		if main := lost.Body.String(); strings.Count(main, `href="/"`) != 2 { // the brand, and the way on
			t.Error("a lost visitor is not shown the way to the first page")
		}
	})
}

func TestAnEmptyHouseSaysSo(t *testing.T) {
	kernel := webtest.Kernel(t, nil)
	for l, html := range webtest.Page(t, kernel, "public/home", struct{ Newsletters []any }{}) {
		if !strings.Contains(html, `class="empty`) {
			t.Errorf("%s: nothing says that there is no newsletter", l)
		}
	}
}
