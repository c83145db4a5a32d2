package main

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/chromedp/chromedp"
)

//go:embed testdata/inspect.js
var inspection string

// inspect judges the page that is open in both languages, on a phone and at a
// desk, by day and by night: that it fits, that everything on it can be read,
// tapped, reached by keyboard and heard. It is photographed, if SHOTS names a
// folder.
func (v *visitor) inspect(name string) {
	v.t.Helper()
	here := v.evaluate(`location.href`)
	for _, language := range []string{"en", "ko"} {
		v.do("in "+language, chromedp.Navigate(withLanguage(here, language)), chromedp.WaitReady(chromedp.CSS("body")))
		v.inspectAsIs(name, language)
	}
	v.do("back", chromedp.Navigate(withLanguage(here, v.language)), chromedp.WaitReady(chromedp.CSS("body")))
}

// inspectAsIs is inspect for a page that would not be the same when it is asked
// for again, in the one language in which it is there.
func (v *visitor) inspectAsIs(name, language string) {
	v.t.Helper()
	for _, screen := range []struct {
		width int64
		phone bool
	}{{390, true}, {1280, false}} {
		v.do("a screen", screenOf(screen.width, screen.phone))
		for _, theme := range []string{"light", "dark"} {
			v.do("by "+theme, colours(theme))
			call := fmt.Sprintf("(%s)({lang: %q, phone: %t})", strings.TrimSpace(inspection[strings.Index(inspection, "(want)"):]), language, screen.phone)
			ctx, cancel := context.WithTimeout(v.ctx, patience)
			wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](call))
			cancel()
			if err != nil {
				v.t.Fatalf("inspect %s: %v\n%s", name, err, v.where())
			}
			for _, w := range wrong {
				v.t.Errorf("%s (%s, %d, %s): %s", name, language, screen.width, theme, w)
			}
			v.save(fmt.Sprintf("%s-%s-%d-%s", name, language, screen.width, theme))
		}
	}
	v.do("back", colours(""))
	v.fits()
}

// inView waits until what the CSS selector finds first can be seen without
// scrolling.
func (v *visitor) inView(selector string) {
	v.t.Helper()
	v.until(selector+" in view", fmt.Sprintf(`(() => {
		const box = document.querySelector(%q).getBoundingClientRect();
		return box.top >= 0 && box.bottom <= innerHeight;
	})()`, selector))
}

// screenOf is a window of a width, and for a phone one that is touched.
func screenOf(width int64, phone bool) chromedp.Action[chromedp.Void] {
	if phone {
		return chromedp.EmulateViewport(width, 844, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	return chromedp.EmulateViewport(width, 900)
}
