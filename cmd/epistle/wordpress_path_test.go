//go:build wordpress

package main

import (
	"bufio"
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// TestFromWordPressToAPartner takes a comment the whole way: posted in a real
// blog with the box ticked, told by the hook and found by reading, moderated,
// confirmed, welcomed; then edited and deleted there.
func TestFromWordPressToAPartner(t *testing.T) {
	ctx := t.Context()
	catalog, err := loadCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	p := &program{stdin: bufio.NewReader(strings.NewReader("")), stdout: &stdout, stderr: &stdout, catalog: catalog,
		words: catalog.In(epistle.English), clock: func() time.Time { return time.Now().UTC() }, log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	demo, err := demoCommand{Listen: "127.0.0.1:0"}.build(ctx, p, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = demo.app.Close() })
	sample, err := demo.seed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	web := fetch.New(fetch.Options{Allow: []string{port.Addr().String()}})
	t.Cleanup(web.Close)
	demo.app.poller.Web, demo.app.sites.Web = web, web

	const password = "demo of a long evening"
	if _, err := demo.app.account.AddWithPassword(ctx, epistle.SystemActor(), account.NewMember{
		Address: "admin@lantern.example", Name: "Hana", Role: string(epistle.Admin), Language: "en"}, password); err != nil {
		t.Fatal(err)
	}
	cleanly(t, func(ctx context.Context) error {
		return demo.start(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
	})
	h := &blogHouse{t: t, w: startWordPress(t, port), demo: demo, desk: newVisitor(t, chromium(t), demo.app.publicURL)}
	h.w.wording = demo.app.signup.Wording(sample.newsletter, epistle.English)
	h.connects(password)
	boss := epistle.StaffActor(sample.editor.ID, epistle.Admin)
	h.testsAccess(boss)
	h.sendsTheFirstIssue(sample)
	h.comesByHook(sample.author.Actor())
	h.comesByReading(sample.author.Actor())
	h.followsEditsAndDeletions()
	h.welcomes()
	h.disconnects()
}

type blogHouse struct {
	t    *testing.T
	w    *wordPress
	demo *demo
	desk *visitor // the administrator
	site epistle.ID
}

func (h *blogHouse) must(err error) {
	h.t.Helper()
	h.w.must(err)
}

// connects the blog at the desk, as an administrator does.
func (h *blogHouse) connects(password string) {
	h.t.Helper()
	v := h.desk
	v.signIn("admin@lantern.example", password)
	v.open("/desk/settings")
	v.press("WordPress sites")
	v.sees("No site is connected")
	v.photograph("sites-none")
	v.fill("url", h.w.home)
	v.fill("slug", "blog")
	v.press("Connect it")
	v.sees("Lines for wp-config.php")
	h.w.connect(v.evaluate(`document.querySelector("pre").textContent`))
	v.fill("user", "epistle")
	v.fill("password", h.w.password)
	v.pressIn("#access", "Application password", "Save")
	v.sees("Saved.")
	v.photograph("site")
	v.press("Test")
	v.sees("The user may moderate comments.")
	v.save("site-tested")
	v.fits()
	v.open("/desk/settings/sites")
	v.photograph("sites")
	site, err := h.demo.app.store.SiteBySlug(h.t.Context(), "blog")
	h.must(err)
	h.site = site.ID
}

// testsAccess tries the test of the desk with no, wrong, weak and right access.
func (h *blogHouse) testsAccess(boss epistle.Actor) {
	h.t.Helper()
	ctx := h.t.Context()
	try := func(user, password string) signup.Finding {
		h.t.Helper()
		site, err := h.demo.app.store.Site(ctx, h.site)
		h.must(err)
		h.must(h.demo.app.sites.Change(ctx, boss, h.site, signup.Access{Version: site.Version, URL: site.URL, User: user, Password: password}))
		found, err := h.demo.app.sites.Test(ctx, boss, h.site)
		h.must(err)
		return found
	}
	if found := try("", ""); found.Problem != "no-password" {
		h.t.Errorf("without a password: %+v", found)
	}
	if found := try("epistle", "wrong wrong wrong"); found.Problem != "password" || !found.Answers {
		h.t.Errorf("with a wrong password: %+v", found)
	}
	weak := h.w.php(`$id = wp_insert_user( array( 'user_login' => 'weak', 'user_pass' => wp_generate_password(), 'user_email' => 'weak@blog.example', 'role' => 'author' ) );
		echo WP_Application_Passwords::create_new_application_password( $id, array( 'name' => 'x' ) )[0];`)
	if found := try("weak", weak); found.Problem != "not-moderator" || !found.Authorized {
		h.t.Errorf("as an author: %+v", found)
	}
	strip := h.w.dir + "/blog/wp-content/mu-plugins/aa-strip.php"
	h.must(os.WriteFile(strip, []byte(`<?php unset( $_SERVER['HTTP_AUTHORIZATION'], $_SERVER['PHP_AUTH_USER'], $_SERVER['PHP_AUTH_PW'] );`), 0o644))
	if found := try("epistle", h.w.password); found.Problem != "stripped" || found.Authorized {
		h.t.Errorf("behind a proxy that strips the header: %+v", found)
	}
	h.must(os.Remove(strip))
	if found := try("epistle", h.w.password); found != (signup.Finding{Answers: true, Authorized: true, MayModerate: true}) {
		h.t.Errorf("as an editor: %+v", found)
	}
}

// sendsTheFirstIssue gives newcomers something to be welcomed with.
func (h *blogHouse) sendsTheFirstIssue(s sample) {
	h.t.Helper()
	ctx := h.t.Context()
	issue, err := h.demo.app.store.Issue(ctx, s.issue)
	h.must(err)
	_, err = h.demo.app.issues.Approve(ctx, s.editor.Actor(), issue.ID, issue.Version, issue.Digest())
	h.must(err)
	_, err = h.demo.app.issues.SendNow(ctx, s.editor.Actor(), issue.ID)
	h.must(err)
	h.must(h.demo.waitSent(ctx, s.issue))
}

// find is the comment of an author's, if it is there.
func (h *blogHouse) find(name string) (store.CommentInContext, bool) {
	h.t.Helper()
	var found []store.CommentInContext
	for _, state := range []epistle.CommentState{epistle.CommentPending, epistle.CommentApproved, epistle.CommentSpam, epistle.CommentTrash} {
		all, err := h.demo.app.store.CommentQueue(h.t.Context(), store.CommentFilter{State: state, Limit: 1000})
		h.must(err)
		for _, c := range all {
			if c.Name == name {
				found = append(found, c)
			}
		}
	}
	if len(found) > 1 {
		h.t.Fatalf("%d comments of %s", len(found), name)
	}
	if len(found) == 0 {
		return store.CommentInContext{}, false
	}
	return found[0], true
}

func (h *blogHouse) waitFor(name, what string, is func(c store.CommentInContext) bool) store.CommentInContext {
	h.t.Helper()
	var c store.CommentInContext
	h.w.until("the comment of "+name+" "+what, func() bool {
		var found bool
		c, found = h.find(name)
		return found && is(c)
	})
	return c
}

func (h *blogHouse) came(name string) store.CommentInContext {
	h.t.Helper()
	return h.waitFor(name, "came", func(store.CommentInContext) bool { return true })
}

// mails counts what an address got, by what stands in the subject.
func (h *blogHouse) mails(address, subject string) int {
	n := 0
	for _, m := range h.demo.box.Mails("") {
		if m.Recipient == address && strings.Contains(strings.ToLower(m.Subject), subject) {
			n++
		}
	}
	return n
}

const ticker, asker = "miriam@reader.example", "joanna@reader.example"

func (h *blogHouse) comesByHook(author epistle.Actor) {
	h.t.Helper()
	ctx := h.t.Context()
	h.w.comment("Miriam O'Hara", ticker, "Praying for the river & the people. 아멘 🙏", true)
	c := h.came("Miriam O'Hara")
	if c.State != epistle.CommentPending || !c.WantsUpdates || c.Body != "Praying for the river & the people. 아멘 🙏" || c.Address != ticker {
		h.t.Errorf("the comment came as %+v", c.Comment)
	}
	if c.PageTitle != "Winter & the river" || len(c.PageDigest) != 64 || c.Page.URL != h.w.home+"winter/" {
		h.t.Errorf("its page is %q, %q, %q", c.PageTitle, c.PageDigest, c.Page.URL)
	}
	h.must(h.demo.app.comments.Approve(ctx, author, c.ID, c.State))
	h.w.until("the confirmation mail comes", func() bool { return h.mails(ticker, "confirm") == 1 })
	// Read as well, it is there once, and nobody is mailed again.
	h.must(h.demo.app.poller.Poll(ctx, h.site))
	h.reads()
	if c := h.came("Miriam O'Hara"); c.State != epistle.CommentApproved {
		h.t.Errorf("what staff decided became %s", c.State)
	}
	if n := h.mails(ticker, "confirm"); n != 1 {
		h.t.Errorf("%d confirmation mails", n)
	}
	h.confirms(ticker)
}

// reads checks that the last look was complete.
func (h *blogHouse) reads() {
	h.t.Helper()
	site, err := h.demo.app.store.Site(h.t.Context(), h.site)
	h.must(err)
	if site.Problem != "" || site.PolledAt.IsZero() {
		h.t.Fatalf("the site was not read: %q", site.Problem)
	}
}

func (h *blogHouse) confirms(address string) {
	h.t.Helper()
	for _, m := range h.demo.box.Mails("") {
		_, rest, found := strings.Cut(m.Text, "/confirm/")
		if m.Recipient != address || !found {
			continue
		}
		token, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
		token, err := url.PathUnescape(strings.TrimSpace(token))
		h.must(err)
		_, err = h.demo.app.signup.Confirm(h.t.Context(), token, "203.0.113.9")
		h.must(err)
		return
	}
	h.t.Fatalf("no confirmation mail to %s", address)
}

func (h *blogHouse) comesByReading(author epistle.Actor) {
	h.t.Helper()
	ctx := h.t.Context()
	h.must(os.WriteFile(h.w.mute, nil, 0o644))
	h.w.comment("Joanna Whitlow", asker, "I would like to receive the email updates, please.", false)
	h.w.comment("Tick Reader", "tick@reader.example", "Amen.", true)
	if _, there := h.find("Joanna Whitlow"); there {
		h.t.Error("the hook was not muted")
	}
	h.must(h.demo.app.poller.Poll(ctx, h.site))
	h.reads()
	c := h.came("Joanna Whitlow")
	if c.PageTitle != "Winter & the river" || len(c.PageDigest) != 64 || c.WantsUpdates || c.IP == "" {
		h.t.Errorf("read, the comment is %+v", c.Comment)
	}
	if first, _ := h.find("Miriam O'Hara"); c.PageDigest != first.PageDigest {
		h.t.Error("hook and reading tell the same page by different digests")
	}
	h.must(h.demo.app.comments.ApproveAndInvite(ctx, author, c.ID, c.State))
	h.w.until("the invitation comes", func() bool { return h.mails(asker, "would you like") == 1 })
	h.confirms(asker)
	if c := h.came("Tick Reader"); !c.WantsUpdates {
		h.t.Error("reading does not find the box")
	}
	h.w.until("the box that was read leads to a mail", func() bool { return h.mails("tick@reader.example", "confirm") == 1 })
	h.must(os.Remove(h.w.mute))
}

func (h *blogHouse) followsEditsAndDeletions() {
	h.t.Helper()
	ctx := h.t.Context()
	id := `get_comments( array( 'author_email' => '%s', 'status' => 'any', 'number' => 1 ) )[0]->comment_ID`
	of := func(address string) string { return strings.ReplaceAll(id, "%s", address) }
	h.w.php(`wp_update_comment( array( 'comment_ID' => ` + of(ticker) + `, 'comment_content' => 'Praying, edited.' ) ); spawn_cron();`)
	h.waitFor("Miriam O'Hara", "is edited", func(c store.CommentInContext) bool {
		return c.Body == "Praying, edited." && c.State == epistle.CommentApproved
	})
	h.w.php(`wp_set_comment_status( ` + of(ticker) + `, 'spam' ); spawn_cron();`)
	h.waitFor("Miriam O'Hara", "is spam", func(c store.CommentInContext) bool { return c.State == epistle.CommentSpam })
	h.w.php(`wp_set_comment_status( ` + of(ticker) + `, 'approve' ); spawn_cron();`)
	h.waitFor("Miriam O'Hara", "is approved", func(c store.CommentInContext) bool { return c.State == epistle.CommentApproved })
	h.w.php(`wp_delete_comment( ` + of(ticker) + `, true ); spawn_cron();`)
	h.waitFor("Miriam O'Hara", "is deleted", func(c store.CommentInContext) bool { return c.State == epistle.CommentTrash })

	// And without the hook.
	h.must(os.WriteFile(h.w.mute, nil, 0o644))
	h.w.php(`wp_update_comment( array( 'comment_ID' => ` + of("tick@reader.example") + `, 'comment_content' => 'Amen, edited.' ) );`)
	h.w.php(`wp_delete_comment( ` + of(asker) + `, true );`)
	h.must(h.demo.app.poller.Poll(ctx, h.site))
	h.reads()
	if c := h.came("Tick Reader"); c.Body != "Amen, edited." {
		h.t.Errorf("the edit was not found: %q", c.Body)
	}
	if c := h.came("Joanna Whitlow"); c.State != epistle.CommentTrash {
		h.t.Errorf("the deletion was not found: %s", c.State)
	}
	h.must(os.Remove(h.w.mute))
}

// welcomes turns the clock to the evening, when both get the latest issue and
// the schedule reads the site by itself.
func (h *blogHouse) welcomes() {
	h.t.Helper()
	before, err := h.demo.app.store.Site(h.t.Context(), h.site)
	h.must(err)
	newsletters, err := h.demo.app.store.Newsletters(h.t.Context())
	h.must(err)
	evening, err := newsletters[0].NextWelcome(time.Now())
	h.must(err)
	h.demo.clock.turnTo(time.Until(evening.Add(10 * time.Second)))
	for _, address := range []string{ticker, asker} {
		h.w.until(address+" is welcomed", func() bool {
			for _, m := range h.demo.box.Mails("") {
				if m.Recipient == address && m.LeaveURL() != "" {
					return true
				}
			}
			return false
		})
	}
	h.w.until("the schedule reads the site", func() bool {
		site, err := h.demo.app.store.Site(h.t.Context(), h.site)
		h.must(err)
		return site.PolledAt.After(before.PolledAt)
	})
}

// disconnects ends all talk with the blog, whose comments stay.
func (h *blogHouse) disconnects() {
	h.t.Helper()
	h.desk.open("/desk/settings/sites")
	h.desk.press("blog")
	h.desk.press("Disconnect this site")
	h.desk.fits()
	h.desk.save("site-disconnect")
	h.desk.press("Disconnect it")
	h.desk.sees("nothing is taken from this site")
	h.desk.photograph("site-disconnected")
	site, err := h.demo.app.store.Site(h.t.Context(), h.site)
	h.must(err)
	if site.Secret != "" || site.Password != "" {
		h.t.Error("its secret or its password is kept")
	}
	h.came("Tick Reader")
}
