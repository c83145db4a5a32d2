package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// blogPage is a page of a site of another origin, with a policy that lets it
// load the script and ask the daemon, and nothing else.
func blogPage(t *testing.T) (site string, place func(base, page string)) {
	t.Helper()
	var content, policy string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		language := "en"
		if asked := r.URL.Query().Get("lang"); asked != "" {
			language = asked
		}
		fmt.Fprintf(w, content, language)
	}))
	t.Cleanup(server.Close)
	return server.URL, func(base, page string) {
		policy = fmt.Sprintf("default-src 'none'; script-src %s; connect-src %s; require-trusted-types-for 'script'", base, base)
		content = fmt.Sprintf(`<!doctype html><html lang="%%s"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<title>A blog</title><h1>Welcome</h1>
<div id="epistle-comments"><a href="%s/comments?page=%s">Comments</a></div>
<script src="%s/embed.js" data-page="%s" async></script>`, base, strings.ReplaceAll(url.QueryEscape(page), "%", "%%"), base, html.EscapeString(page))
	}
}

// inThread is a script's expression for what is inside the embedded thread.
func inThread(expression string) string {
	return fmt.Sprintf(`(() => { const thread = document.getElementById("epistle-comments").shadowRoot; return thread ? %s : false; })()`, expression)
}

// TestAThreadInABlogAndItsModeration walks in a real browser: a reader comments
// in a page of another origin on a phone, a moderator decides by keyboard, and
// another reader signs up on a phone.
func TestAThreadInABlogAndItsModeration(t *testing.T) {
	site, place := blogPage(t)
	house := startDemo(t, "--site", strings.TrimPrefix(site, "http://"))
	_, page, _ := strings.Cut(house.commentsPath, "page=")
	place(house.base, page)
	browser := chromium(t)
	reader, moderator := newVisitor(t, browser, site), newVisitor(t, browser, house.base)

	reader.do("a phone", chromedp.EmulateViewport(390, 844))
	reader.open("/")
	reader.until("the thread", inThread(`thread.textContent.includes("Abel Norström")`))
	reader.save("embedded-390")
	reader.until("write", inThread(`(() => {
		const set = (name, value) => { thread.querySelector("[name=" + name + "]").value = value; };
		set("name", "Tabea Lindqvist"); set("email", "not an address"); set("comment", "How often do you meet?");
		if (thread.querySelector("[name=updates]").checked || thread.querySelector("[name=replies]").checked) throw new Error("a box is ticked");
		thread.querySelector("[name=replies]").click();
		return true;
	})()`))
	reader.settled()
	reader.until("send", inThread(`(thread.querySelector("form button").click(), true)`))
	reader.until("what is wrong", inThread(`thread.getElementById("email-error").textContent !== ""`))
	reader.until("send again", inThread(`(() => { thread.querySelector("[name=email]").value = "tabea@walk.example"; thread.querySelector("form button").click(); return true; })()`))
	reader.until("thanks", inThread(`!thread.querySelector("form") && thread.textContent.includes("Thank you. Your comment appears here")`))
	if cookies := reader.evaluate(`document.cookie`); cookies != "" {
		t.Errorf("the page got cookies: %s", cookies)
	}
	if wide := reader.evaluate(`String(document.documentElement.scrollWidth)`); wide != "390" {
		t.Errorf("the thread needs %s pixels of 390", wide)
	}

	moderator.signIn(house.author, house.authorPassword)
	moderator.open("/desk/comments")
	moderator.until("the keys", `document.documentElement.dataset.keys === "ready"`)
	key := func(keys string) {
		t.Helper()
		moderator.do("press the key "+keys, chromedp.KeyEvent(keys))
	}
	key("?")
	moderator.sees("next comment")
	moderator.save("keys")
	moderator.press("Close")
	moderator.until("the help is away", `!document.querySelector("dialog[data-keys]").open`)
	for range 20 { // down to the new comment, wherever it stands
		key("j")
		if moderator.evaluate(`document.querySelector(".comment-row.current").innerText.includes("Tabea Lindqvist") ? "yes" : "no"`) == "yes" {
			break
		}
	}
	moderator.sees("A question")
	key("x")
	if ticked := moderator.evaluate(`String(document.querySelector(".comment-row.current .pick input").checked)`); ticked != "true" {
		t.Error("x ticked nothing")
	}
	key("r")
	moderator.until("the reply", `document.activeElement.name === "reply"`)
	key("Every second Sunday, and you are welcome.")
	moderator.sees("The author gets it by mail too.")
	moderator.pressIn(".comment-row.current", "Tabea", "Approve and send reply")
	moderator.sees("a mail is on its way to the author")
	moderator.open("/desk/comments")
	moderator.until("the keys", `document.documentElement.dataset.keys === "ready"`)
	before := moderator.evaluate(`String(document.querySelectorAll(".comment-row").length)`)
	key("j")
	key("s")
	moderator.sees("Marked as spam.")
	if after := moderator.evaluate(`String(document.querySelectorAll(".comment-row").length)`); after == before {
		t.Error("s put nothing away")
	}

	reader.open("/")
	reader.until("the answer", inThread(`thread.textContent.includes("Every second Sunday")`))
	mail := house.mailFor(moderator, "tabea@walk.example", "answered your comment")
	if !strings.Contains(mail.html, "Every second Sunday") || strings.Contains(mail.html, "How often") || strings.Contains(mail.html, "Tabea") {
		t.Error("the mail is not what it should be")
	}
	moderator.open(mail.link(t, "/replies/"))
	moderator.press("Stop these mails")
	moderator.sees("Stopped.")

	// A sign-up on a phone.
	phone := newVisitor(t, browser, house.base)
	phone.do("a phone", chromedp.EmulateViewport(390, 844))
	phone.open("/subscribe")
	phone.fill("email", "phone@walk.example")
	phone.settled()
	phone.click("form .actions button")
	phone.until("sent", `location.pathname.startsWith("/subscribe") && !document.querySelector("[name=email]")`)
	phone.save("signed-up-390")
	confirm := house.mailFor(phone, "phone@walk.example", "confirm").link(t, "/confirm/")
	phone.open(confirm)
	phone.press("Yes, send it to me")
	phone.sees("Thank you, you are with us")
	if wide := phone.evaluate(`String(document.documentElement.scrollWidth)`); wide != "390" {
		t.Errorf("the page needs %s pixels of 390", wide)
	}
}
