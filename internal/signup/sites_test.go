package signup_test

import (
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/wordpress/wptest"
)

func TestADisconnectedSiteSaysNothingMore(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		r := newReadBlog(h)
		r.wp.Write(1, 2)
		r.looks()
		signed := r.message(r.told(map[string]any{"comment_id": 3}))
		_, err := r.sites.Disconnect(t.Context(), h.member(epistle.Editor), r.site.ID, r.now().Version)
		wantKind(t, err, epistle.Forbidden, "an editor")
		_, err = r.sites.Disconnect(t.Context(), admin(), r.site.ID, r.now().Version-1)
		wantKind(t, err, epistle.Conflict, "an old version")
		if removed, err := r.sites.Disconnect(t.Context(), admin(), r.site.ID, r.now().Version); err != nil || removed {
			t.Fatalf("removed %v, error %v", removed, err)
		}
		if site := r.now(); site.RetiredAt.IsZero() || site.Secret+site.OldSecret+site.User+site.Password != "" {
			t.Errorf("the site is kept as %+v", site)
		}
		wantKind(t, r.hook.Receive(t.Context(), "blog", signed), epistle.NotFound, "its hook")
		r.wp.Asked()
		h.must(r.poller.Poll(t.Context(), r.site.ID))
		if asked := r.wp.Asked(); len(asked) != 0 {
			t.Errorf("it was asked for %v", asked)
		}
		wantKind(t, r.sites.NewSecret(t.Context(), admin(), r.site.ID, r.now().Version), epistle.Conflict, "a new secret")
		wantKind(t, r.sites.Change(t.Context(), admin(), r.site.ID, signup.Access{Version: r.now().Version, URL: r.wp.URL, User: r.wp.User, Password: r.wp.Password}),
			epistle.Conflict, "a password")
		if n := r.count(epistle.CommentApproved); n != 2 {
			t.Errorf("%d comments are left", n)
		}

		h.must(r.sites.Reconnect(t.Context(), admin(), r.site.ID, r.now().Version))
		if now := r.now(); now.Secret == "" || now.Secret == r.site.Secret {
			t.Error("it has no fresh secret")
		}
		wantKind(t, r.hook.Receive(t.Context(), "blog", signed), epistle.Forbidden, "a message with the old secret")
		r.access(r.wp.User, r.wp.Password)
		r.wp.Change(1, func(c *wptest.Comment) { c.Content = "Edited meanwhile." })
		r.wp.Write(3, 3)
		r.looks()
		if n := r.count(epistle.CommentApproved); n != 3 {
			t.Errorf("%d comments, connected again", n)
		}
	})
}

func TestASiteWithoutCommentsIsRemoved(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		sites := &signup.Sites{Store: h.store, Clock: h.clock.Now}
		site, err := sites.Add(t.Context(), admin(), "bolg", "https://blog.example")
		h.must(err)
		if removed, err := sites.Disconnect(t.Context(), admin(), site.ID, site.Version); err != nil || !removed {
			t.Fatalf("removed %v, error %v", removed, err)
		}
		if _, err := sites.Add(t.Context(), admin(), "blog", "https://blog.example"); err != nil {
			t.Errorf("its address is not free again: %v", err)
		}
		trail, err := h.store.AuditTrail(t.Context(), "site", site.ID, 10)
		if err != nil || len(trail) != 2 || trail[0].Action != "site.remove" {
			t.Errorf("the audit says %+v, error %v", trail, err)
		}
	})
}
