package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// TestThePagesOfReadersAreFitForAll goes through what supporters and
// subscribers come across, and inspects each page.
func TestThePagesOfReadersAreFitForAll(t *testing.T) {
	site, place := blogPage(t)
	inWeek(t, func(ctx context.Context, w *week) {
		h, v := w.house(), newVisitor(t, chromium(t), w.app.publicURL)

		// Comments, in a blog and on their own page.
		place(h.base, samplePage.URL)
		v.open(site)
		v.until("the thread", inThread(`thread.textContent.includes("Abel Norström")`))
		for _, language := range []string{"en", "ko"} {
			v.open(site + "/?lang=" + language)
			v.until("the thread", inThread(`Boolean(thread.querySelector("form"))`))
			v.inspectAsIs("embedded", language)
			v.until("an answer", inThread(`(thread.querySelector("li button").click(), thread.querySelector("form button").click(), true)`))
			v.until("what is wrong", inThread(`[...thread.querySelectorAll(".error")].some(e => e.textContent)`))
			v.inspectAsIs("embedded-error", language)
		}
		v.open(h.commentsPath)
		v.inspect("comments")
		v.open(v.evaluate(`document.querySelector("a[href*='reply=']").href`))
		v.inspect("comments-reply")
		quiet, err := w.app.pages.Add(ctx, w.editor.Actor(), epistle.Page{URL: "https://lantern-house.example/night-school/", Title: epistle.Text{EN: "Night School"}})
		w.must(err)
		v.open("/comments?page=" + quiet.URL)
		v.inspect("comments-empty")
		for _, language := range []string{"en", "ko"} {
			v.open(withLanguage(h.base+h.commentsPath, language))
			v.evaluate(`(document.querySelector("main form").noValidate = true, "")`)
			v.fill("email", "not an address")
			v.click("main form .actions button")
			v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
			v.inspectAsIs("comments-error", language)
		}
		v.open(withLanguage(h.base+h.commentsPath, "en"))
		v.fill("name", "Miriam Castellan")
		v.fill("email", "miriam@walk.example")
		v.fill("comment", "Praying with you.")
		v.click("[name=updates]")
		v.click("[name=replies]")
		w.clock.Advance(time.Minute)
		v.click("main form .actions button")
		v.until("thanks", `location.pathname === "/comments/received"`)
		v.inspect("comment-received")

		// Signing up.
		v.open("/")
		v.inspect("home")
		v.open("/no-such-page")
		v.inspect("not-found")
		v.open("/subscribe")
		v.inspect("subscribe")
		for _, language := range []string{"en", "ko"} {
			v.open("/subscribe?lang=" + language)
			v.fill("email", "nobody at home")
			w.clock.Advance(time.Minute)
			v.click("main form .actions button")
			v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
			v.inspectAsIs("subscribe-error", language)
		}
		v.open("/subscribe/sent")
		v.inspect("subscribe-sent")
		confirm := h.mailFor(v, "miriam@walk.example", "confirm").link(t, "/confirm/")
		v.open(confirm)
		v.inspect("confirm")
		v.press("Yes, send it to me")
		v.sees("Korea time")
		v.inspect("confirmed")
		w.ask(ctx, "refuses@walk.example", "Ruth")
		v.open(h.mailFor(v, "refuses@walk.example", "confirm").link(t, "/confirm/"))
		v.press("I did not ask for this")
		v.sees("Thank you for telling us")
		v.inspect("confirm-refused")

		// What the links in mails lead to.
		v.open(confirm)
		v.press("My preferences")
		v.sees("Your preferences")
		v.inspect("preferences")
		preferences := v.evaluate(`location.href`)
		for _, language := range []string{"en", "ko"} {
			v.open(withLanguage(preferences, language))
			v.click("[name=do][value=data]")
			v.until("the flash", `Boolean(document.querySelector("[role=status]"))`)
			v.inspectAsIs("preferences-own", language)
		}
		v.open(withLanguage(preferences, "en"))
		own := h.mailFor(v, "miriam@walk.example", "your data with").link(t, "/my-data/")
		v.open(own)
		v.inspect("own-data")
		for _, language := range []string{"en", "ko"} {
			v.open(withLanguage(own, language))
			v.click("[name=do][value=show]")
			v.until("all of it", `document.body.innerText.includes("miriam@walk.example")`)
			v.inspectAsIs("own-data-shown", language)
		}
		v.open(withLanguage(preferences, "en"))
		v.open(preferences)
		v.click("[name=do][value=erase]")
		v.sees("The link is on its way")
		erase := h.mailFor(v, "miriam@walk.example", "erase your data").link(t, "/erase/")
		v.open(erase)
		v.inspect("erase")
		v.open(preferences)
		v.press("Unsubscribe")
		v.sees("Should we stop")
		v.inspect("leave")
		leave := v.evaluate(`location.href`)
		v.press("Yes, unsubscribe")
		v.sees("You are unsubscribed")
		v.inspect("left")
		v.click("[name=why]")
		v.press("Send")
		v.sees("Thank you for telling us")
		v.inspect("left-thanked")
		v.open(preferences)
		v.inspect("preferences-left")
		v.open(confirm)
		v.inspect("confirm-left")
		v.open(leave)
		v.press("That was a mistake, undo it")
		v.sees("Should we stop")
		v.open(erase)
		v.press("Yes, erase everything")
		v.sees("Everything is erased")
		v.inspectAsIs("erased", "en")
		w.clock.Advance(2 * time.Hour)
		v.open(own)
		v.inspect("own-data-expired")
		v.open(erase)
		v.inspect("erase-expired")

		// Who was signed up by staff, who is asked again after two years, who
		// wants no more mails about answers.
		w.must(w.app.signup.AllowNow(ctx, w.editor.Actor(), "lantern-house.example"))
		waiting := w.comment(ctx, "Joanna Whitlock")
		_, err = w.app.signup.SignUpNow(ctx, w.author.Actor(), waiting)
		w.must(err)
		v.open(h.mailFor(v, "joanna.whitlock@millpond.example", "you will receive").link(t, "/not-me/"))
		v.inspect("not-me")
		v.press("Right, it was not me")
		v.sees("Thank you for telling us")
		v.inspect("not-me-done")
		w.write(ctx, signup.Post{Name: "Naomi Ekholm", Address: "naomi@walk.example", Body: "How is Mrs. J?", Replies: true})
		_, err = w.app.comments.Reply(ctx, w.author.Actor(), signup.Answer{To: w.comment(ctx, "Naomi Ekholm"), Seen: epistle.CommentPending,
			Name: "Hannah", Body: "She laughs more.\n\nThank you for asking, Naomi!"})
		w.must(err)
		v.open(h.mailFor(v, "naomi@walk.example", "answered your comment").link(t, "/replies/"))
		v.inspect("hush")
		v.press("Stop these mails")
		v.sees("Stopped.")
		v.inspect("hush-done")
		rules := w.consents(ctx, epistle.ConsentRules{Separate: true, Renewed: true})
		w.ask(ctx, "belief@walk.example", "")
		belief := h.mailFor(v, "belief@walk.example", "confirm").link(t, "/confirm/")
		v.open(belief)
		v.inspect("confirm-belief")
		v.press("Yes, send it to me")
		v.until("the box", `Boolean(document.querySelector(".field-error"))`)
		v.inspectAsIs("confirm-belief-error", "en")
		w.clock.Advance(15 * 24 * time.Hour)
		w.must(w.app.signup.Sweep(ctx))
		v.open(belief)
		v.inspect("confirm-expired")
		w.clock.Set(w.clock.Now().AddDate(2, 0, 0))
		_, err = w.app.signup.RemindOfConsents(ctx)
		w.must(err)
		v.open(h.mailFor(v, sampleSubscribers[0].address, "would you still").link(t, "/renew/"))
		v.inspect("renew")
		v.press("Yes, keep sending it")
		v.sees("keeps coming to you")
		v.inspect("renewed")
		w.consents(ctx, rules)
		w.must(w.app.gate.Close(ctx, w.editor.Actor()))
		v.open("/subscribe")
		v.inspect("subscribe-closed")
	}, strings.TrimPrefix(site, "http://"))
}

// house is where the week's pages are.
func (w *week) house() house {
	return house{base: w.app.publicURL, commentsPath: "/comments?page=" + samplePage.URL, issuePath: fmt.Sprintf("/desk/issues/%d", w.issue),
		author: string(w.author.Address), authorPassword: w.authorPassword, editor: string(w.editor.Address), editorPassword: w.editorPassword}
}

func (w *week) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask signs somebody up on the page.
func (w *week) ask(ctx context.Context, address, name string) {
	w.t.Helper()
	w.must(w.app.signup.Request(ctx, signup.Request{NewsletterID: w.newsletter.ID, Source: epistle.FromForm,
		Address: address, Name: name, Language: epistle.English, IP: "203.0.113.30"}))
}

// comment finds the newest comment of somebody, whatever its state.
func (w *week) comment(ctx context.Context, name string) epistle.ID {
	w.t.Helper()
	for _, state := range []epistle.CommentState{epistle.CommentPending, epistle.CommentApproved} {
		queue, err := w.app.store.CommentQueue(ctx, store.CommentFilter{State: state, Limit: 100})
		w.must(err)
		for _, c := range queue {
			if c.Name == name {
				return c.ID
			}
		}
	}
	w.t.Fatalf("there is no comment by %s", name)
	return 0
}

// consents changes what the newsletter asks for, and returns what it did ask
// for.
func (w *week) consents(ctx context.Context, rules epistle.ConsentRules) epistle.ConsentRules {
	w.t.Helper()
	n, err := w.app.store.Newsletter(ctx, w.newsletter.ID)
	w.must(err)
	before := n.Consent
	n.Consent = rules
	_, err = w.app.newsletters.Update(ctx, w.editor.Actor(), n)
	w.must(err)
	return before
}

// write posts a comment under the sample page.
func (w *week) write(ctx context.Context, p signup.Post) {
	w.t.Helper()
	p.PageURL, p.Language, p.Stamp, p.IP = samplePage.URL, epistle.English, w.app.comments.Stamp(), "203.0.113.31"
	w.clock.Advance(time.Minute)
	_, err := w.app.comments.Post(ctx, p)
	w.must(err)
}

func (w *week) person(ctx context.Context, address epistle.Address) epistle.ID {
	w.t.Helper()
	p, err := w.app.store.SubscriberByAddress(ctx, address)
	w.must(err)
	return p.ID
}
