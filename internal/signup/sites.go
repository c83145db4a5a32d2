package signup

import (
	"context"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/wordpress"
)

// SiteStore is what the sites need of the store.
type SiteStore interface {
	Site(ctx context.Context, id epistle.ID) (epistle.Site, error)
	CreateSite(ctx context.Context, site epistle.Site, entry epistle.AuditEntry) (epistle.Site, error)
	UpdateSite(ctx context.Context, site epistle.Site, entry epistle.AuditEntry) error
	SitePollSoon(ctx context.Context, id epistle.ID) error
	RemoveSite(ctx context.Context, id epistle.ID, version int64, entry epistle.AuditEntry) (removed bool, err error)
}

// Sites keeps the list of the WordPress sites whose comments come here. All of
// it needs the permission ChangeSettings.
type Sites struct {
	Store SiteStore
	Web   wordpress.Getter
	Clock epistle.Clock
}

// Add connects a site. Its slug and URL are as they were typed; it gets a fresh
// secret for its hook. Problems belong to the fields "slug" and "url", as does
// the Conflict when they are taken.
func (v *Sites) Add(ctx context.Context, actor epistle.Actor, slug, url string) (epistle.Site, error) {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return epistle.Site{}, err
	}
	site := epistle.Site{Slug: strings.TrimSpace(slug), URL: homeOf(url), Secret: wordpress.NewSecret()}
	if err := site.Validate(); err != nil {
		return epistle.Site{}, err
	}
	return v.Store.CreateSite(ctx, site, v.entry(actor, "site.create"))
}

// homeOf is the address of a home page as it is kept: canonical, with a slash
// at the end. What is no address comes back as it is, for Validate to refuse.
func homeOf(typed string) string {
	canonical, err := epistle.ParsePageURL("url", strings.TrimSpace(typed))
	if err != nil {
		return strings.TrimSpace(typed)
	}
	if !strings.HasSuffix(canonical, "/") && !strings.Contains(canonical, "?") {
		canonical += "/"
	}
	return canonical
}

// Access is how a site's comments are read.
type Access struct {
	Version  int64 // of the site as it was seen
	URL      string
	User     string
	Password string // "": the one that is kept stays; without a user none is kept
}

// Change sets where a site is and how it is read. Problems belong to the fields
// "url", "user" and "password".
func (v *Sites) Change(ctx context.Context, actor epistle.Actor, id epistle.ID, a Access) error {
	return v.change(ctx, actor, id, a.Version, "site.change", func(site *epistle.Site) {
		site.URL, site.User = homeOf(a.URL), strings.TrimSpace(a.User)
		switch password := strings.TrimSpace(a.Password); {
		case site.User == "":
			site.Password = password // that it stands alone is for Validate to say
		case password != "":
			site.Password = password
		}
	})
}

// NewSecret gives a site's hook a fresh secret. The one before counts until
// DropOldSecret, so that no message is lost while the site changes over.
func (v *Sites) NewSecret(ctx context.Context, actor epistle.Actor, id epistle.ID, seen int64) error {
	return v.change(ctx, actor, id, seen, "site.new-secret", func(site *epistle.Site) {
		site.Secret, site.OldSecret = wordpress.NewSecret(), site.Secret
	})
}

// DropOldSecret ends the change to a new secret.
func (v *Sites) DropOldSecret(ctx context.Context, actor epistle.Actor, id epistle.ID, seen int64) error {
	return v.change(ctx, actor, id, seen, "site.drop-secret", func(site *epistle.Site) { site.OldSecret = "" })
}

// Disconnect ends all talk with a site: its hook is refused, it is read no more,
// and its secrets and its password are forgotten. The comments that came from
// it stay, with what is known of each, so that Reconnect doubles nothing. A site
// of which no comment is known is removed.
func (v *Sites) Disconnect(ctx context.Context, actor epistle.Actor, id epistle.ID, seen int64) (removed bool, err error) {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return false, err
	}
	if removed, err := v.Store.RemoveSite(ctx, id, seen, v.entry(actor, "site.remove")); err != nil || removed {
		return removed, err
	}
	return false, v.change(ctx, actor, id, seen, "site.disconnect", func(site *epistle.Site) {
		site.RetiredAt, site.Secret, site.OldSecret, site.User, site.Password = v.Clock(), "", "", "", ""
	})
}

// Reconnect takes a site back that was disconnected, with a fresh secret.
func (v *Sites) Reconnect(ctx context.Context, actor epistle.Actor, id epistle.ID, seen int64) error {
	return v.change(ctx, actor, id, seen, "site.reconnect", func(site *epistle.Site) {
		site.RetiredAt, site.Secret = time.Time{}, wordpress.NewSecret()
	})
}

func (v *Sites) change(ctx context.Context, actor epistle.Actor, id epistle.ID, seen int64, action string, set func(*epistle.Site)) error {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return err
	}
	site, err := v.Store.Site(ctx, id)
	if err != nil {
		return err
	}
	site.Version = seen
	if set(&site); !site.RetiredAt.IsZero() && (site.Secret != "" || site.Password != "") {
		return epistle.Errorf(epistle.Conflict, "site.disconnected", nil)
	}
	if err := site.Validate(); err != nil {
		return err
	}
	return v.Store.UpdateSite(ctx, site, v.entry(actor, action))
}

// Finding is what a test of a site found.
type Finding struct {
	Answers     bool   // it is a WordPress site, and its API answers
	Authorized  bool   // the name and the password arrive and are right
	MayModerate bool   // and their owner may read and moderate comments
	Problem     string // what is wrong, a key under "error.site."; "" for nothing
}

// Test tries to read a site's comments as the schedule does, and says how far
// it comes. When all is well, a site that was left alone is read again soon.
func (v *Sites) Test(ctx context.Context, actor epistle.Actor, id epistle.ID) (Finding, error) {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return Finding{}, err
	}
	site, err := v.Store.Site(ctx, id)
	if err != nil {
		return Finding{}, err
	}
	if !site.ReadsComments() {
		return Finding{Problem: "no-password"}, nil
	}
	rest := restOf(v.Web, site, v.Clock)
	me, err := rest.Me(ctx)
	found := Finding{Problem: problemOf(err)}
	switch found.Problem {
	case "":
		if err != nil {
			return Finding{}, err
		}
	case "authorization":
		found.Answers = true
		if arrives, err := rest.Arrives(ctx); err == nil && arrives {
			found.Problem = "password"
		} else if err == nil {
			found.Problem = "stripped"
		}
		return found, ctx.Err()
	case "password", "no-passwords", "not-moderator":
		found.Answers = true
		return found, nil
	default:
		return found, nil
	}
	found = Finding{Answers: true, Authorized: true, MayModerate: me.MayModerate}
	if !me.MayModerate {
		found.Problem = "not-moderator"
		return found, nil
	}
	if _, err = rest.Newest(ctx, 1); err != nil {
		found.MayModerate, found.Problem = false, problemOf(err)
		if found.Problem == "" {
			return Finding{}, err
		}
		return found, nil
	}
	return found, v.Store.SitePollSoon(ctx, id)
}

func (v *Sites) entry(actor epistle.Actor, action string) epistle.AuditEntry {
	return epistle.AuditEntry{At: v.Clock(), Actor: actor, Action: action, Subject: "site"}
}
