package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what is waited for, on a machine
// that is busy with other tests.
const patience = time.Minute

// chromium starts a real browser, headless. Each visitor made from it has
// cookies of their own.
func chromium(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("lang", "en-US"),
		chromedp.UserDataDir(t.TempDir()),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	if os.Getuid() == 0 { // Chromium's sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	if path := browserPath(); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	browser, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start Chromium (make tools installs it): %v", err)
	}
	return browser
}

func browserPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// visitor is a person with a browser window of their own.
type visitor struct {
	t        *testing.T
	ctx      context.Context
	base     string
	language string
}

func newVisitor(t *testing.T, browser context.Context, base string) *visitor {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	v := &visitor{t: t, ctx: ctx, base: base, language: "en"}
	// The first action opens the window, which closes with that action's context;
	// so it has no time limit.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		t.Fatalf("open a window: %v", err)
	}
	return v
}

// do runs browser actions within the patience.
func (v *visitor) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		v.t.Fatalf("%s: %v\n%s", what, err, v.where())
	}
}

// where says what the visitor looks at, for a failed step.
func (v *visitor) where() string {
	ctx, cancel := context.WithTimeout(v.ctx, 5*time.Second)
	defer cancel()
	location, _ := chromedp.Run(ctx, chromedp.Location())
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	v.save("failure")
	return location + "\n" + text
}

// until asks the page again and again, also across a change of page, until the
// script, or the promise it makes, gives true.
func (v *visitor) until(what, script string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if yes, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)); err == nil && yes {
			return
		}
		select {
		case <-ctx.Done():
			v.t.Fatalf("%s: not within %v\n%s", what, patience, v.where())
		case <-tick.C:
		}
	}
}

// open goes to a path or a full address.
func (v *visitor) open(path string) {
	v.t.Helper()
	if strings.HasPrefix(path, "/") {
		path = v.base + path
	}
	v.do("open "+path, chromedp.Navigate(path), chromedp.WaitReady(chromedp.CSS("body")))
}

// fill types into the field of a name, in place of what is there.
func (v *visitor) fill(name, value string) {
	v.t.Helper()
	field := chromedp.CSS(fmt.Sprintf(`[name=%q]`, name))
	v.until("fill "+name, fmt.Sprintf(`(() => { const f = document.querySelector('[name=%q]'); if (f) f.value = ""; return Boolean(f); })()`, name))
	v.do("fill "+name, chromedp.SendKeys(field, value))
}

// click presses what the CSS selector finds first.
func (v *visitor) click(selector string) {
	v.t.Helper()
	v.do("click "+selector, chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// press clicks the first visible button or link that shows this text.
func (v *visitor) press(text string) {
	v.t.Helper()
	v.until("press "+text, fmt.Sprintf(`(() => {
		const found = [...document.querySelectorAll("button, a, summary")].find(e =>
			e.getClientRects().length > 0 && e.innerText.trim().replace(/\s+/g, " ") === %q);
		if (found) found.click();
		return Boolean(found);
	})()`, text))
}

// pressIn is press within the part of the page that the selector finds and that
// shows some words.
func (v *visitor) pressIn(selector, words, text string) {
	v.t.Helper()
	v.until("press "+text+" at "+words, fmt.Sprintf(`(() => {
		const part = [...document.querySelectorAll(%q)].find(e => e.innerText.includes(%q));
		const found = part && [...part.querySelectorAll("button, a, summary")].find(e =>
			e.getClientRects().length > 0 && e.innerText.trim().replace(/\s+/g, " ") === %q);
		if (found) found.click();
		return Boolean(found);
	})()`, selector, words, text))
}

// sees waits until the page shows a text.
func (v *visitor) sees(text string) {
	v.t.Helper()
	v.until("see "+text, fmt.Sprintf(`document.body.innerText.replace(/\s+/g, " ").includes(%q)`, text))
}

// evaluate runs a script and returns its text.
func (v *visitor) evaluate(script string) string {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	result, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
	if err != nil {
		v.t.Fatalf("%s: %v\n%s", script, err, v.where())
	}
	return result
}

// settled waits until a form has been open as long as a person needs, since one
// that comes back at once is taken for a program's.
func (v *visitor) settled() {
	v.t.Helper()
	v.until("wait as a person would", `performance.now() > 3000`)
}

// photograph takes the page at phone and desktop width, light and dark, in
// English and Korean, if SHOTS names a folder.
func (v *visitor) photograph(name string) {
	v.t.Helper()
	if os.Getenv("SHOTS") == "" {
		return
	}
	here := v.evaluate(`location.href`)
	for _, language := range []string{"en", "ko"} {
		v.do("in "+language, chromedp.Navigate(withLanguage(here, language)), chromedp.WaitReady(chromedp.CSS("body")))
		for _, width := range []int64{390, 1280} {
			for _, theme := range []string{"light", "dark"} {
				v.do("photograph "+name,
					colours(theme), chromedp.EmulateViewport(width, 900))
				v.save(fmt.Sprintf("%s-%s-%d-%s", name, language, width, theme))
			}
		}
	}
	v.do("back", colours(""), chromedp.EmulateViewport(1280, 900), chromedp.Navigate(withLanguage(here, v.language)))
}

// fits fails when a page has to be moved sideways on the narrowest screen, or
// on a wider one at 400 % (WCAG 1.4.10).
func (v *visitor) fits() {
	v.t.Helper()
	v.do("a narrow window", chromedp.EmulateViewport(320, 900))
	if wide := v.evaluate(`String(document.documentElement.scrollWidth)`); wide != "320" {
		v.t.Errorf("%s needs %s pixels of 320", v.evaluate(`location.pathname`), wide)
	}
	v.do("back", chromedp.EmulateViewport(1280, 900))
}

// colours makes the browser prefer light or dark pages; "" lets it choose.
func colours(theme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		params := emulation.SetEmulatedMediaParams{}
		if theme != "" {
			params.Features = []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}
		}
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, params)
		return err
	})
}

func withLanguage(address, language string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	query.Set("lang", language)
	u.RawQuery = query.Encode()
	return u.String()
}

// save writes a full-page picture into SHOTS, if it is set.
func (v *visitor) save(name string) {
	folder := os.Getenv("SHOTS")
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		v.t.Logf("no picture of %s: %v", name, err)
		return
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		v.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o644); err != nil {
		v.t.Fatal(err)
	}
}
