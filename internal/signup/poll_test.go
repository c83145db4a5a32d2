package signup_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/signup"
	"epistle/internal/wordpress/wptest"
)

// readBlog is a blog whose comments are read.
type readBlog struct {
	*blog
	wp     *wptest.Site
	sites  *signup.Sites
	poller *signup.Poller
}

func newReadBlog(h *house) *readBlog {
	h.t.Helper()
	wp := wptest.New(h.t, h.clock.Now)
	web := fetch.New(fetch.Options{Allow: []string{wp.Host()}})
	h.t.Cleanup(web.Close)
	r := &readBlog{wp: wp, sites: &signup.Sites{Store: h.store, Web: web, Clock: h.clock.Now}}
	r.blog = newBlog(h)
	arrivals := r.hook.Arrivals
	r.poller = &signup.Poller{Store: h.store, Arrivals: arrivals, Web: web, Clock: h.clock.Now, Log: slog.New(slog.DiscardHandler), LooksADay: 288}
	r.access(wp.User, wp.Password)
	return r
}

func (r *readBlog) access(user, password string) {
	r.t.Helper()
	r.must(r.sites.Change(r.t.Context(), admin(), r.site.ID, signup.Access{Version: r.now().Version, URL: r.wp.URL, User: user, Password: password}))
}

// now is the site as it is kept.
func (r *readBlog) now() epistle.Site {
	r.t.Helper()
	site, err := r.store.Site(r.t.Context(), r.site.ID)
	r.must(err)
	return site
}

// looks reads the site, which must go well.
func (r *readBlog) looks() {
	r.t.Helper()
	r.clock.Advance(5 * time.Minute)
	r.must(r.poller.Poll(r.t.Context(), r.site.ID))
	if site := r.now(); site.Problem != "" || !site.PolledAt.Equal(r.clock.Now()) {
		r.t.Fatalf("the site was not read: %q", site.Problem)
	}
}

// count is how many comments are in a state.
func (r *readBlog) count(state epistle.CommentState) int64 {
	r.t.Helper()
	counts, err := r.store.CommentCounts(r.t.Context())
	r.must(err)
	return counts[state]
}

func TestASiteIsReadPageByPage(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 250)
		r.looks()
		if n := r.count(epistle.CommentApproved); n != 250 {
			t.Fatalf("%d comments after the first look", n)
		}
		pages, err := h.store.Pages(t.Context())
		h.must(err)
		thread, err := h.store.Thread(t.Context(), pages[0].ID, 0, 300)
		h.must(err)
		if len(pages) != 1 || len(thread) != 250 || thread[249].Body != "Praying, number 250." || thread[0].PageTitle != "Winter & the river" || len(thread[0].PageDigest) != 64 {
			t.Errorf("%d pages, %d comments, the first %+v", len(pages), len(thread), thread[0].Comment)
		}
		if len(r.wp.Asked()) > 3+1+1 {
			t.Error("the first look asked for more than three pages, the post and a page to look again at")
		}
		r.wp.Write(251, 400)
		r.looks()
		if n := r.count(epistle.CommentApproved); n != 400 {
			t.Errorf("%d comments after the second look", n)
		}
		r.wp.Asked()
		r.looks()
		if asked := r.wp.Asked(); len(asked) != 2 {
			t.Errorf("a look at a site without news asked for %v", asked)
		}
	})
}

func TestReadingAndTheHookBringACommentOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Do(func(s *wptest.Site) {
			s.Comments = []wptest.Comment{{ID: 5, Name: "Miriam O&#8217;Hara", Email: "miriam@reader.example",
				Content: "Amen &amp; amen. I would like to receive the email updates.", Status: "hold", Date: h.clock.Now(), Ticked: true}}
		})
		r.tells(map[string]any{"optin": ticked, "post_url": r.wp.URL + "winter/"})
		r.looks()
		c := r.only(epistle.CommentPending)
		if c.Body != "Amen & amen. I would like to receive the email updates." {
			t.Errorf("the comment is %q", c.Body)
		}
		if mails := h.mails(); len(mails) != 1 {
			t.Errorf("%d mails for one ticked box", len(mails))
		}
	})
}

func TestATickedBoxThatWasRead(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 4)
		r.wp.Change(1, func(c *wptest.Comment) { c.Ticked = true })
		r.wp.Change(2, func(c *wptest.Comment) { c.Ticked, c.Status = true, "spam" })
		r.wp.Change(3, func(c *wptest.Comment) { c.Ticked, c.Date = true, h.clock.Now().Add(-30*24*time.Hour) })
		r.looks()
		mails := h.mails()
		if len(mails) != 1 || mails[0].To != "reader1@mail.example" {
			t.Errorf("mails: %+v", mails)
		}
		r.wp.Change(2, func(c *wptest.Comment) { c.Status = "approved" })
		r.looks()
		if mails := h.mails(); len(mails) != 1 || mails[0].To != "reader2@mail.example" {
			t.Errorf("once it is no spam, mails: %+v", mails)
		}
		r.looks()
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("mails again: %+v", mails)
		}
	})
}

func TestReadingFollowsEditsAndDeletions(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 250)
		r.looks()
		// The newest are followed at once.
		r.wp.Change(249, func(c *wptest.Comment) { c.Content = "Edited." })
		r.wp.Delete(250)
		r.wp.Delete(200)
		r.looks()
		if approved, trash := r.count(epistle.CommentApproved), r.count(epistle.CommentTrash); approved != 248 || trash != 2 {
			t.Errorf("%d approved, %d in the trash", approved, trash)
		}
		// All others in time.
		r.wp.Change(7, func(c *wptest.Comment) { c.Status = "trash" })
		r.wp.Delete(8)
		r.wp.Delete(130)
		for range 4 {
			r.looks()
		}
		if approved, trash := r.count(epistle.CommentApproved), r.count(epistle.CommentTrash); approved != 245 || trash != 5 {
			t.Errorf("%d approved, %d in the trash", approved, trash)
		}
		pages, err := h.store.Pages(t.Context())
		h.must(err)
		thread, err := h.store.Thread(t.Context(), pages[0].ID, 240, 20)
		h.must(err)
		if last := thread[len(thread)-1]; last.Body != "Edited." {
			t.Errorf("the last comment is %q", last.Body)
		}
	})
}

func TestNoCommentIsPassedOverWhenOthersVanish(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 250)
		vanished := false
		r.wp.Do(func(s *wptest.Site) {
			s.BeforePage = func(s *wptest.Site, page int) {
				if page == 2 && !vanished {
					vanished = true
					s.DeleteNow(3)
					s.DeleteNow(4)
				}
			}
		})
		r.looks()
		if n := r.count(epistle.CommentApproved); n != 250 && n != 248 {
			t.Errorf("%d comments", n)
		}
		for _, id := range []int64{101, 102, 103} {
			known, err := h.store.KnownSourceIDs(t.Context(), r.site.ID, id-1, 1)
			h.must(err)
			if len(known) == 0 || known[0] != id {
				t.Errorf("comment %d was passed over", id)
			}
		}
	})
}

func TestASiteThatCannotBeReadIsLeftAlone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 3)
		r.wp.Do(func(s *wptest.Site) { s.Status, s.RetryAfter = 503, "1200" })
		h.must(r.poller.Poll(t.Context(), r.site.ID))
		site := r.now()
		if site.Problem != "busy" || site.Failures != 1 || !site.PollAfter.Equal(h.clock.Now().Add(20*time.Minute)) {
			t.Errorf("after a failure: %+v", site)
		}
		r.wp.Asked()
		h.clock.Advance(10 * time.Minute)
		h.must(r.poller.Poll(t.Context(), r.site.ID))
		if asked := r.wp.Asked(); len(asked) != 0 {
			t.Errorf("a site that is busy was asked for %v", asked)
		}
		r.wp.Do(func(s *wptest.Site) { s.RetryAfter = "" })
		for range 12 {
			h.clock.Set(r.now().PollAfter)
			h.must(r.poller.Poll(t.Context(), r.site.ID))
		}
		if site := r.now(); site.PollAfter.Sub(h.clock.Now()) != 6*time.Hour {
			t.Errorf("after many failures the next look is in %v", site.PollAfter.Sub(h.clock.Now()))
		}
		r.wp.Do(func(s *wptest.Site) { s.Status = 0 })
		found, err := r.sites.Test(t.Context(), admin(), r.site.ID)
		h.must(err)
		if found.Problem != "" {
			t.Errorf("the test found %+v", found)
		}
		r.looks() // without waiting
		if n := r.count(epistle.CommentApproved); n != 3 {
			t.Errorf("%d comments", n)
		}
	})
}

func TestTheTestOfASite(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 3)
		good := signup.Finding{Answers: true, Authorized: true, MayModerate: true}
		for name, c := range map[string]struct {
			change func(s *wptest.Site)
			want   signup.Finding
		}{
			"all is well":         {func(*wptest.Site) {}, good},
			"plain links":         {func(s *wptest.Site) { s.Plain = true }, good},
			"a wrong password":    {func(s *wptest.Site) { s.Password = "another" }, signup.Finding{Answers: true, Problem: "password"}},
			"the header stripped": {func(s *wptest.Site) { s.Strips = true }, signup.Finding{Answers: true, Problem: "stripped"}},
			"no plugin to tell":   {func(s *wptest.Site) { s.Strips, s.Plugin = true, false }, signup.Finding{Answers: true, Problem: "authorization"}},
			"no moderator":        {func(s *wptest.Site) { s.MayModerate = false }, signup.Finding{Answers: true, Authorized: true, Problem: "not-moderator"}},
			"no WordPress":        {func(s *wptest.Site) { s.Page = "<h1>Parked</h1>" }, signup.Finding{Problem: "no-wordpress"}},
			"broken":              {func(s *wptest.Site) { s.Status = 500 }, signup.Finding{Problem: "refused"}},
		} {
			var before wptest.Site
			r.wp.Do(func(s *wptest.Site) {
				before.Plain, before.Password, before.Strips, before.Plugin, before.MayModerate = s.Plain, s.Password, s.Strips, s.Plugin, s.MayModerate
				c.change(s)
			})
			found, err := r.sites.Test(t.Context(), admin(), r.site.ID)
			h.must(err)
			if found != c.want {
				t.Errorf("%s: %+v, want %+v", name, found, c.want)
			}
			r.wp.Do(func(s *wptest.Site) {
				s.Plain, s.Password, s.Strips, s.Plugin, s.MayModerate, s.Page, s.Status = before.Plain, before.Password, before.Strips, before.Plugin, before.MayModerate, "", 0
			})
		}
		guarded := &signup.Sites{Store: h.store, Web: fetch.New(fetch.Options{}), Clock: h.clock.Now}
		found, err := guarded.Test(t.Context(), admin(), r.site.ID)
		h.must(err)
		if found.Problem != "insecure" {
			t.Errorf("without TLS, not excepted: %+v", found)
		}
	})
}

func TestConnectingASite(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		sites := &signup.Sites{Store: h.store, Clock: h.clock.Now}
		_, err := sites.Add(t.Context(), epistle.StaffActor(9, epistle.Editor), "blog", "https://blog.example")
		wantKind(t, err, epistle.Forbidden, "an editor")
		_, err = sites.Add(t.Context(), admin(), "My Blog", "blog.example")
		wantKind(t, err, epistle.Invalid, "no slug, no address")
		site, err := sites.Add(t.Context(), admin(), "blog", "HTTPS://Blog.example")
		h.must(err)
		if site.URL != "https://blog.example/" || len(site.Secret) < 40 {
			t.Errorf("connected as %+v", site)
		}
		_, err = sites.Add(t.Context(), admin(), "blog", "https://other.example/")
		wantKind(t, err, epistle.Conflict, "a slug that is taken")
		_, err = sites.Add(t.Context(), admin(), "other", "http://blog.example/")
		wantKind(t, err, epistle.Conflict, "an address that is taken")

		h.must(sites.Change(t.Context(), admin(), site.ID, signup.Access{Version: 1, URL: site.URL, User: "epistle", Password: "abcd efgh"}))
		h.must(sites.Change(t.Context(), admin(), site.ID, signup.Access{Version: 2, URL: site.URL, User: "epistle"}))
		kept, err := h.store.Site(t.Context(), site.ID)
		h.must(err)
		if kept.Password != "abcd efgh" {
			t.Error("the password was not kept")
		}
		wantKind(t, sites.Change(t.Context(), admin(), site.ID, signup.Access{Version: 2, URL: site.URL}), epistle.Conflict, "an old version")
		h.must(sites.Change(t.Context(), admin(), site.ID, signup.Access{Version: 3, URL: site.URL}))
		h.must(sites.NewSecret(t.Context(), admin(), site.ID, 4))
		both, err := h.store.Site(t.Context(), site.ID)
		h.must(err)
		if both.Password != "" || both.OldSecret != site.Secret || both.Secret == site.Secret {
			t.Errorf("after a new secret: %+v", both)
		}
		h.must(sites.DropOldSecret(t.Context(), admin(), site.ID, 5))
	})
}

func TestBothSecretsCountWhileTheyChange(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		h.must(r.sites.NewSecret(t.Context(), admin(), r.site.ID, r.now().Version))
		r.tells(nil) // signed with the old one
		r.site.Secret = r.now().Secret
		r.tells(map[string]any{"comment_id": 6})
		old := r.now().OldSecret
		h.must(r.sites.DropOldSecret(t.Context(), admin(), r.site.ID, r.now().Version))
		r.site.Secret = old
		wantKind(t, r.hook.Receive(t.Context(), "blog", r.message(r.told(nil))), epistle.Forbidden, "a secret that was dropped")
		if n := r.count(epistle.CommentPending); n != 2 {
			t.Errorf("%d comments", n)
		}
	})
}

// TestTheWaysMeet has the hook and the schedule bring the same comments at the
// same moment.
func TestTheWaysMeet(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 12)
		for id := int64(1); id <= 12; id++ {
			r.wp.Change(id, func(c *wptest.Comment) { c.Ticked = true })
		}
		var group errgroup.Group
		group.Go(func() error { return r.poller.Poll(t.Context(), r.site.ID) })
		group.Go(func() error { return r.poller.Poll(t.Context(), r.site.ID) })
		for id := 1; id <= 12; id++ {
			m := r.message(r.told(map[string]any{"comment_id": id, "post_url": r.wp.URL + "winter/", "status": "approved", "optin": ticked,
				"author_email": fmt.Sprintf("reader%d@mail.example", id)}))
			for range 2 {
				group.Go(func() error { return r.hook.Receive(t.Context(), "blog", m) })
			}
		}
		h.must(group.Wait())
		if n := r.count(epistle.CommentApproved); n != 12 {
			t.Errorf("%d comments of 12", n)
		}
		mails := map[epistle.Address]int{}
		for _, m := range h.mails() {
			mails[m.To]++
		}
		for to, n := range mails {
			if n != 1 {
				t.Errorf("%d mails to %s", n, to)
			}
		}
		if len(mails) != 12 {
			t.Errorf("mails to %d people of 12", len(mails))
		}
	})
}

// Without the hook, too, what changes at the site is followed within a day,
// however far back it stands.
func TestOlderCommentsAreLookedAtOnceADay(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.poller.LooksADay = 4
		r.wp.Write(1, 900)
		r.looks()
		r.wp.Change(5, func(c *wptest.Comment) { c.Content = "Edited, number 5." })
		r.wp.Change(250, func(c *wptest.Comment) { c.Status = "spam" })
		r.wp.Delete(420)
		for range r.poller.LooksADay {
			r.wp.Asked()
			r.looks()
			if asked := r.wp.Asked(); len(asked) > 1+3+1 {
				t.Errorf("a look asked %d times", len(asked))
			}
		}
		for state, want := range map[epistle.CommentState]int64{epistle.CommentApproved: 898, epistle.CommentSpam: 1, epistle.CommentTrash: 1} {
			if n := r.count(state); n != want {
				t.Errorf("%d comments are %s, want %d", n, state, want)
			}
		}
		pages, err := h.store.Pages(t.Context())
		h.must(err)
		thread, err := h.store.Thread(t.Context(), pages[0].ID, 0, 10)
		h.must(err)
		if thread[4].Body != "Edited, number 5." {
			t.Errorf("the fifth comment is %q", thread[4].Body)
		}
		r.poller.LooksADay = 1 // and a site is not stormed
		for r.now().Swept != 0 {
			r.looks()
		}
		r.wp.Asked()
		r.looks()
		if asked := r.wp.Asked(); len(asked) != 1+8 {
			t.Errorf("one look a day asked %d times", len(asked))
		}
	})
}

func TestALookThatWasCutOffGoesOn(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.poller.LooksADay = 2
		r.wp.Write(1, 450)
		r.looks()
		swept := r.now().Swept
		r.wp.Do(func(s *wptest.Site) { s.Status = 503 })
		h.clock.Advance(5 * time.Minute)
		h.must(r.poller.Poll(t.Context(), r.site.ID))
		if site := r.now(); site.Problem == "" || site.Swept != swept {
			t.Errorf("after a look that failed: %q, swept to %d instead of %d", site.Problem, site.Swept, swept)
		}
	})
}
