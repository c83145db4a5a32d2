package signup_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/wordpress"
	"epistle/internal/wordpress/wptest"
)

// blog is a house with a WordPress site that calls its hook.
type blog struct {
	*house
	site epistle.Site
	hook *signup.Hook
	sent int
}

func newBlog(h *house) *blog {
	h.t.Helper()
	site, err := h.store.CreateSite(h.t.Context(), epistle.Site{Slug: "blog", URL: "https://blog.example/", Secret: wordpress.NewSecret()},
		epistle.AuditEntry{At: h.clock.Now(), Actor: admin(), Action: "site.create", Subject: "site"})
	h.must(err)
	arrivals := signup.NewArrivals(signup.ArrivalOptions{Store: h.store, Requests: h.service, Keys: h.store.Keys(), Clock: h.clock.Now, Log: slog.New(slog.DiscardHandler)})
	return &blog{house: h, site: site, hook: &signup.Hook{Store: h.store, Arrivals: arrivals, Clock: h.clock.Now}}
}

// told is a message as the site's plugin writes it, with some members changed.
func (b *blog) told(change map[string]any) map[string]any {
	all := map[string]any{"v": 1, "event": "created", "site": "blog", "comment_id": 5, "post_id": 2, "post_url": "https://blog.example/winter/",
		"post_title": "Winter &amp; the river", "parent_id": 0, "author_name": "Miriam O&#8217;Hara", "author_email": "miriam@reader.example",
		"content_raw": "Amen &amp; amen. I would like to receive the email updates.", "status": "unapproved", "type": "comment",
		"date_gmt": b.clock.Now().Format(time.DateTime), "at_ms": b.clock.Now().UnixMilli(),
		"optin": map[string]any{"checked": false, "text_version": 0, "lang": "en"}}
	maps.Copy(all, change)
	return all
}

func (b *blog) message(body map[string]any) wordpress.Message {
	b.t.Helper()
	raw, err := json.Marshal(body)
	b.must(err)
	b.sent++
	m := wordpress.Message{ID: fmt.Sprintf("msg_%d", b.sent), Timestamp: strconv.FormatInt(b.clock.Now().Unix(), 10), Body: raw}
	m.Signature, err = m.Sign(b.site.Secret)
	b.must(err)
	return m
}

// tells posts a message that must be taken.
func (b *blog) tells(change map[string]any) {
	b.t.Helper()
	b.must(b.hook.Receive(b.t.Context(), "blog", b.message(b.told(change))))
}

var ticked = map[string]any{"checked": true, "text_version": "1", "lang": "en"}

func (b *blog) queue(state epistle.CommentState) []store.CommentInContext {
	b.t.Helper()
	all, err := b.store.CommentQueue(b.t.Context(), store.CommentFilter{State: state, Limit: 100})
	b.must(err)
	return all
}

// only is the one comment there is, in a state.
func (b *blog) only(state epistle.CommentState) store.CommentInContext {
	b.t.Helper()
	counts, err := b.store.CommentCounts(b.t.Context())
	b.must(err)
	if len(counts) != 1 || counts[state] != 1 {
		b.t.Fatalf("comments: %v, want one %s", counts, state)
	}
	return b.queue(state)[0]
}

func TestAHookBringsAComment(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		b.tells(map[string]any{"optin": map[string]any{"checked": true, "text_version": 1, "lang": "ko"}})
		c := b.only(epistle.CommentPending)
		if c.Name != "Miriam O’Hara" || c.Address != "miriam@reader.example" || c.Body != "Amen & amen. I would like to receive the email updates." {
			t.Errorf("the comment is %q of %q <%s>", c.Body, c.Name, c.Address)
		}
		if !c.WantsUpdates || c.Origin != epistle.FromWordPress || c.PageTitle != "Winter & the river" || c.Page.URL != "https://blog.example/winter/" || c.Page.Title.EN != "Winter & the river" {
			t.Errorf("the comment came as %+v", c)
		}
		mails := h.mails()
		signups, err := h.store.Signups(t.Context(), epistle.SignupFilter{}, 10)
		h.must(err)
		if len(signups) != 1 || signups[0].CommentID != c.ID || signups[0].Wording != h.service.Wording(h.update, epistle.Korean) || signups[0].Language != epistle.English {
			t.Errorf("the sign-up is %+v", signups)
		}
		if len(mails) != 1 || mails[0].Kind != epistle.NoticeConfirm || mails[0].To != "miriam@reader.example" {
			t.Fatalf("mails for a ticked box: %+v", mails)
		}
		done, err := h.service.Confirm(t.Context(), mails[0].Data["link"][len("/confirm/"):], "203.0.113.8")
		h.must(err)
		if done.Subscription.State != epistle.Confirmed {
			t.Errorf("after the confirmation: %+v", done.Subscription)
		}
		site, err := h.store.SiteBySlug(t.Context(), "blog")
		h.must(err)
		if site.WordingVersion != 1 || !site.HookedAt.Equal(h.clock.Now()) {
			t.Errorf("the site keeps %+v", site)
		}
	})
}

func TestAHooksMessagesCountOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		m := b.message(b.told(map[string]any{"optin": ticked}))
		for range 3 {
			h.must(b.hook.Receive(t.Context(), "blog", m))
		}
		b.tells(map[string]any{"optin": ticked}) // the same under another id
		b.only(epistle.CommentPending)
		if mails := h.mails(); len(mails) != 1 {
			t.Errorf("%d mails for one ticked box", len(mails))
		}
	})
}

func TestAHooksMessagesMayComeInAnyOrder(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		now := h.clock.Now().UnixMilli()
		created := map[string]any{"at_ms": now}
		edited := map[string]any{"event": "edited", "content_raw": "Amen.", "at_ms": now + 2000}
		approved := map[string]any{"event": "status", "content_raw": "Amen.", "status": "approved", "at_ms": now + 3000}
		b.tells(approved)
		b.tells(edited)
		b.tells(created)
		if c := b.only(epistle.CommentApproved); c.Body != "Amen." || c.Number != 1 {
			t.Errorf("after all three: %q, number %d", c.Body, c.Number)
		}
		b.tells(map[string]any{"event": "deleted", "comment_id": 5})
		b.tells(map[string]any{"event": "edited", "content_raw": "back again", "status": "approved", "at_ms": now + 9000})
		if c := b.only(epistle.CommentTrash); c.Body != "" || c.Name != "" || c.Address != "" {
			t.Errorf("a deleted comment keeps %q of %q", c.Body, c.Name)
		}
		b.tells(map[string]any{"event": "deleted", "comment_id": 6})
		b.tells(map[string]any{"comment_id": 6, "optin": ticked})
		b.only(epistle.CommentTrash)
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("%d mails for a comment that was deleted", len(mails))
		}
	})
}

func TestWhoWasErasedStaysForgottenWhenTheSiteTellsAgain(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		now := h.clock.Now().UnixMilli()
		b.tells(map[string]any{"status": "approved", "at_ms": now})
		if c := b.only(epistle.CommentApproved); c.Address != "miriam@reader.example" {
			t.Fatalf("the comment is of <%s>", c.Address)
		}
		miriam := h.subscribe("miriam@reader.example")
		h.must(h.service.Erase(t.Context(), h.member(epistle.Editor), miriam.Subscriber.ID, "miriam@reader.example"))
		b.tells(map[string]any{"event": "edited", "content_raw": "Amen, amen.", "status": "approved", "at_ms": now + 2000})
		if c := b.only(epistle.CommentApproved); c.Address != "" || c.Body != "Amen, amen." {
			t.Errorf("after an edit: %q of <%s>", c.Body, c.Address)
		}
		b.tells(map[string]any{"event": "status", "content_raw": "Amen, amen.", "status": "spam", "at_ms": now + 3000})
		if c := b.only(epistle.CommentSpam); c.Address != "" || c.Name != "" || c.Body != "" {
			t.Errorf("after it was taken down: %q of %q <%s>", c.Body, c.Name, c.Address)
		}
	})
}

func TestTheHookRefusesWhatIsNotSigned(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		good := b.message(b.told(nil))
		for name, c := range map[string]struct {
			slug   string
			change func(m *wordpress.Message)
			want   epistle.Kind
		}{
			"another site":       {"nobody", func(*wordpress.Message) {}, epistle.NotFound},
			"another body":       {"blog", func(m *wordpress.Message) { m.Body = append(m.Body, ' ') }, epistle.Forbidden},
			"another id":         {"blog", func(m *wordpress.Message) { m.ID += "x" }, epistle.Forbidden},
			"another time":       {"blog", func(m *wordpress.Message) { m.Timestamp += "0" }, epistle.Forbidden},
			"no signature":       {"blog", func(m *wordpress.Message) { m.Signature = "" }, epistle.Forbidden},
			"another version":    {"blog", func(m *wordpress.Message) { m.Signature = "v2" + m.Signature[2:] }, epistle.Forbidden},
			"signed by a thief":  {"blog", func(m *wordpress.Message) { m.Signature, _ = m.Sign(wordpress.NewSecret()) }, epistle.Forbidden},
			"signed, but no use": {"blog", func(m *wordpress.Message) { m.Body = []byte("[]"); m.Signature, _ = m.Sign(b.site.Secret) }, epistle.Invalid},
		} {
			m := good
			m.Body = append([]byte{}, good.Body...)
			c.change(&m)
			wantKind(t, b.hook.Receive(t.Context(), c.slug, m), c.want, name)
		}
		h.clock.Advance(wordpress.Window + time.Second)
		wantKind(t, b.hook.Receive(t.Context(), "blog", good), epistle.Forbidden, "too old")
		h.clock.Advance(-2 * (wordpress.Window + time.Second))
		wantKind(t, b.hook.Receive(t.Context(), "blog", good), epistle.Forbidden, "from the future")
		if counts, err := h.store.CommentCounts(t.Context()); err != nil || len(counts) != 0 {
			t.Errorf("comments: %v, %v", counts, err)
		}
		h.clock.Advance(wordpress.Window + time.Second)
		two := good
		two.Signature = "v1,AAAA v1a,xyz " + good.Signature
		h.must(b.hook.Receive(t.Context(), "blog", two))
		b.only(epistle.CommentPending)
	})
}

func TestRepliesFindTheirThread(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		reply := func(id, parent int64) map[string]any {
			return map[string]any{"comment_id": id, "parent_id": parent, "content_raw": fmt.Sprint("number ", id), "status": "approved"}
		}
		b.tells(reply(9, 8)) // the last one first
		b.tells(reply(8, 7))
		b.tells(reply(7, 0))
		b.tells(reply(10, 9))
		pages, err := h.store.Pages(t.Context())
		h.must(err)
		thread, err := h.store.Thread(t.Context(), pages[0].ID, 0, 10)
		h.must(err)
		if len(thread) != 1 || thread[0].Body != "number 7" || len(thread[0].Replies) != 3 {
			t.Fatalf("the thread is %+v", thread)
		}
	})
}

// A box ticked on another site is no way around the cap on a network: who sends
// more there causes mails to strangers no faster, and nobody's wish is lost.
func TestTickedBoxesKeepToTheCapOnANetwork(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 40)
		for id := range int64(40) {
			r.wp.Change(id+1, func(c *wptest.Comment) { c.Ticked = true }) // all from 203.0.113.9
		}
		r.looks()
		if n := len(h.mails()); n != 15 {
			t.Errorf("%d mails at once", n)
		}
		if n := r.count(epistle.CommentApproved); n != 40 {
			t.Errorf("%d comments are kept", n)
		}
		wantKind(t, r.hook.Receive(t.Context(), "blog", r.message(r.told(map[string]any{"comment_id": 99, "optin": ticked, "author_ip": "203.0.113.9"}))), epistle.Limited, "a message about one more")
		h.must(r.hook.Receive(t.Context(), "blog", r.message(r.told(map[string]any{"comment_id": 100, "author_email": "next@mail.example", "optin": ticked, "author_ip": "2001:db8::1"}))))
		if n := len(h.mails()); n != 1 {
			t.Errorf("%d mails for somebody in another network", n)
		}
		all := 0
		for range 6 { // five minutes each
			r.looks()
			all += len(h.mails())
		}
		if all != 25 {
			t.Errorf("%d more mails half an hour later", all)
		}
	})
}

// A page may change under its comments: each keeps what the page was called, and
// which text it had, when it came.
func TestAPageIsKeptAsItWasWhenACommentCame(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		before, after := wordpress.Digest("The river is frozen."), wordpress.Digest("The river thaws.")
		b.tells(map[string]any{"post_digest": before})
		h.clock.Advance(time.Second)
		b.tells(map[string]any{"comment_id": 6, "post_title": "Spring & the river", "post_digest": after, "content_raw": "Hallelujah."})
		b.tells(map[string]any{"event": "edited", "post_title": "Spring & the river", "post_digest": after, "content_raw": "Amen, edited."})
		page, err := h.store.PageByURL(t.Context(), "https://blog.example/winter/")
		h.must(err)
		page.Title = epistle.Text{EN: "The river", KO: "강"}
		h.must(h.store.UpdatePage(t.Context(), page, epistle.AuditEntry{At: h.clock.Now(), Actor: admin(), Action: "page.change", Subject: "page"}))
		own, err := h.store.PostComment(t.Context(), epistle.Comment{PageID: page.ID, Name: "Grace", Address: "grace@example.org", Body: "Under our own thread.", Language: epistle.English, IP: "203.0.113.9"})
		h.must(err)
		page.Title = epistle.Text{EN: "Something else"}
		h.must(h.store.UpdatePage(t.Context(), page, epistle.AuditEntry{At: h.clock.Now(), Actor: admin(), Action: "page.change", Subject: "page"}))
		for body, want := range map[string][2]string{"Amen, edited.": {"Winter & the river", before}, "Hallelujah.": {"Spring & the river", after}} {
			i := slices.IndexFunc(b.queue(epistle.CommentPending), func(c store.CommentInContext) bool { return c.Body == body })
			if i < 0 {
				t.Fatalf("%q is not there", body)
			}
			if c := b.queue(epistle.CommentPending)[i]; c.PageTitle != want[0] || c.PageDigest != want[1] {
				t.Errorf("%q stands under %q with the digest %s", body, c.PageTitle, c.PageDigest)
			}
		}
		if c, err := h.store.Comment(t.Context(), own.ID); err != nil || c.PageTitle != "The river" {
			t.Errorf("our own thread keeps %q, error %v", c.PageTitle, err)
		}
	})
}

func TestWhatStaffDecidedStandsUntilTheSiteDecides(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		b.tells(nil)
		c := b.only(epistle.CommentPending)
		h.must(h.store.DecideComment(t.Context(), store.Decision{ID: c.ID, From: epistle.CommentPending, To: epistle.CommentApproved},
			epistle.AuditEntry{At: h.clock.Now(), Actor: admin(), Action: "comment.approve", Subject: "comment"}))
		h.clock.Advance(time.Second)
		b.tells(map[string]any{"event": "edited", "content_raw": "Amen, with a comma"})
		if c := b.only(epistle.CommentApproved); c.Body != "Amen, with a comma" {
			t.Errorf("the edit did not follow: %q", c.Body)
		}
		h.clock.Advance(time.Second)
		b.tells(map[string]any{"event": "status", "content_raw": "Amen, with a comma", "status": "spam"})
		b.only(epistle.CommentSpam)
	})
}
