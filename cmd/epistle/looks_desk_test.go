package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"epistle/internal/epistle"
	"epistle/internal/signup"
)

// TestThePagesOfTheDeskAreFitForAll goes through the desk's pages of comments,
// sign-ups, people and settings, and inspects each.
func TestThePagesOfTheDeskAreFitForAll(t *testing.T) {
	inWeek(t, func(ctx context.Context, w *week) {
		h, v := w.house(), newVisitor(t, chromium(t), w.app.publicURL)
		v.open("/desk/")
		v.inspect("sign-in")
		v.signIn(h.editor, h.editorPassword)
		v.inspect("today")

		// Comments.
		w.write(ctx, signup.Post{Name: "Priscilla Van Der Westhuizen-Oyelaran", Address: "priscilla.van.der.westhuizen.oyelaran@a-very-long-mail-domain.example",
			Body: "Could you send a Bible to my aunt? Please pray for her, too.\n\nSee https://cheap-watches.example/buy-now and https://cheap-watches.example/again"})
		v.open("/desk/comments")
		v.until("the keys", `document.documentElement.dataset.keys === "ready"`)
		v.inspect("desk-comments")
		for _, language := range []string{"en", "ko"} {
			v.open("/desk/comments?lang=" + language)
			v.until("the keys", `document.documentElement.dataset.keys === "ready"`)
			v.evaluate(`(document.querySelectorAll(".pick input").forEach(i => i.click()), document.querySelector("details.reply").open = true, "")`)
			v.inspectAsIs("desk-comments-ticked", language)
			v.do("the help", chromedp.KeyEvent("?"))
			v.until("the help", `document.querySelector("dialog[data-keys]").open`)
			v.inspectAsIs("desk-comments-keys", language)
		}
		for _, state := range []string{"approved", "spam", "trash"} {
			v.open("/desk/comments?state=" + state)
			v.inspect("desk-comments-" + state)
		}
		comment := fmt.Sprintf("/desk/comments/%d", w.comment(ctx, "Joanna Whitlock"))
		v.open(comment)
		v.inspect("desk-comment")
		v.click(".saved a")
		v.until("the answer", `document.querySelector("[name=reply]").value !== ""`)
		v.inspect("desk-comment-answer")
		v.open(comment)
		v.evaluate(`(document.querySelector("details.reply form").noValidate = true, "")`)
		v.click("details.reply form .button")
		v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
		v.inspectAsIs("desk-comment-error", "en")
		v.open("/desk/answers")
		v.inspect("desk-answers")
		v.click("form.form .button")
		v.until("what is wrong", `Boolean(document.querySelector(".field-error, .notice.bad"))`)
		v.inspectAsIs("desk-answers-error", "en")
		v.open("/desk/answers")
		v.click(".row-title")
		v.until("the answer", `Boolean(document.querySelector("[name=version]"))`)
		v.inspect("desk-answer")
		v.open("/desk/settings/pages")
		v.inspect("desk-pages")
		v.click(".row-title")
		v.until("the page", `Boolean(document.querySelector(".address-big"))`)
		v.inspect("desk-page")

		// Sign-ups.
		v.open("/desk/signups")
		v.inspect("desk-signups")
		v.open("/desk/signups?state=refused")
		v.inspect("desk-signups-refused")
		v.open("/desk/signups/new")
		v.inspect("desk-signup-new")
		v.click("main form .button")
		v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
		v.inspectAsIs("desk-signup-new-error", "en")
		v.open("/desk/settings/sign-up")
		v.inspect("desk-signup-sites")
		v.press("Allow it")
		v.sees("Allowed")
		v.open("/desk/comments")
		v.inspect("desk-comments-now")
		v.press("Sign up now")
		v.sees("On the list")
		v.open("/desk/signups?state=confirmed")
		v.inspect("desk-signups-confirmed")

		// People.
		v.open("/desk/subscribers")
		v.inspect("desk-subscribers")
		v.open("/desk/subscribers?state=left&language=ko")
		v.inspect("desk-subscribers-filtered")
		v.fill("wanted", "Nobody At All")
		v.press("Find")
		v.sees("Nobody found")
		v.inspectAsIs("desk-subscribers-none", "en")
		person := fmt.Sprintf("/desk/subscribers/%d", w.person(ctx, "joanna.whitlock@millpond.example"))
		v.open(person)
		v.fill("text", "Rang us on Tuesday: her group meets at her house now.\nAsk about the tutors.")
		v.press("Keep the note")
		v.sees("The note is kept.")
		v.inView("[role=status]")
		w.approve(ctx)
		_, err := w.app.issues.SendNow(ctx, w.editor.Actor(), w.issue)
		w.must(err)
		w.must(w.waitSent(ctx, w.issue))
		v.open(person)
		v.inspect("desk-person")
		v.open(person)
		v.evaluate(`(document.querySelectorAll("details").forEach(d => d.open = true), "")`)
		v.inspectAsIs("desk-person-open", "en")
		v.fill("address", "somebody@else.example")
		v.press("Erase for good")
		v.sees("Please type this person's whole address")
		v.inView(".field-error")
		v.inspectAsIs("desk-person-erase-error", "en")
		v.open(person)
		v.evaluate(`(document.querySelectorAll("details").forEach(d => d.open = true), document.querySelectorAll("form").forEach(f => f.noValidate = true), "")`)
		v.evaluate(`(document.querySelector("[name^=pause-]").type = "text", document.querySelector("[name^=pause-]").value = "soon", "")`)
		v.press("Save")
		v.until("what is wrong", `Boolean(document.querySelector(".field-error, .notice.bad"))`)
		v.inspectAsIs("desk-person-edit-error", "en")
		for name, address := range map[string]epistle.Address{"left": epistle.Address(sampleLeft[0]), "suppressed": epistle.Address(sampleSuppressed[0])} {
			v.open(fmt.Sprintf("/desk/subscribers/%d", w.person(ctx, address)))
			v.inspect("desk-person-" + name)
		}
		v.open("/desk/")
		v.inspect("today-sent")

		// Lists.
		v.open("/desk/import")
		v.inspect("desk-import")
		v.press("Check the file")
		v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
		v.inspectAsIs("desk-import-error", "en")
		list := filepath.Join(t.TempDir(), "list.csv")
		w.must(os.WriteFile(list, []byte("email;name;language\nnew.person@walk.example;New Person;en\nhalf@;Half;en\n"+sampleLeft[0]+";;\n"+
			sampleSuppressed[0]+";;\nnew.person@walk.example;Again;de\n"), 0o600))
		v.open("/desk/import")
		v.click("[name=mode][value=vouched]")
		v.fill("source", "Cards from the autumn retreat, 2026")
		v.do("choose the file", chromedp.SetUploadFiles(chromedp.CSS("[name=file]"), []string{list}))
		v.press("Check the file")
		v.sees("This would happen")
		v.inspect("desk-import-checked")
		v.press("Import now")
		v.sees("Done")
		v.inspect("desk-import-done")

		// Settings.
		v.open("/desk/settings")
		v.inspect("desk-settings")
		v.press("Close sign-ups")
		v.sees("Sign-ups are closed since")
		v.inspect("desk-settings-closed")
		v.open("/desk/")
		v.inspect("today-closed")
		v.open(fmt.Sprintf("/desk/settings/newsletters/%d", w.newsletter.ID))
		v.inspect("desk-newsletter")
		v.open("/desk/settings/sites")
		v.inspect("desk-sites")
		v.click("#add .button")
		v.evaluate(`(document.querySelector("#add form").noValidate = true, document.querySelector("#add .button").click(), "")`)
		v.until("what is wrong", `Boolean(document.querySelector(".field-error"))`)
		v.inspectAsIs("desk-sites-error", "en")
		v.open("/desk/settings/sites")
		v.fill("url", "https://blog.lantern-house.example")
		v.fill("slug", "blog")
		v.press("Connect it")
		v.sees("The site is added.")
		v.inspect("desk-site")
		v.fill("user", "epistle")
		v.fill("password", "abcd efgh ijkl mnop qrst uvwx")
		v.press("Save")
		v.sees("Saved.")
		v.press("Test")
		v.sees("WordPress does not answer.")
		v.inspectAsIs("desk-site-tested", "en")
		for _, path := range []string{"staff", "account", "recovery", "issues", "letters", "prayers", "links"} {
			v.open("/desk/" + path)
			v.inspect("desk-" + path)
		}
	})
}
