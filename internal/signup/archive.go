package signup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/wordpress"
)

// ArchiveStore is what an import of comments needs of the store.
type ArchiveStore interface {
	SiteBySlug(ctx context.Context, slug string) (epistle.Site, error)
	SiteByURL(ctx context.Context, canonical string) (epistle.Site, error)
	CreateSite(ctx context.Context, site epistle.Site, entry epistle.AuditEntry) (epistle.Site, error)
	TakeArrivals(ctx context.Context, site epistle.ID, list []epistle.Arrival) ([]epistle.Arrived, error)
}

// Archive imports the comments of a WordPress export. They are leads: nobody is
// mailed because of them, whatever was ticked.
type Archive struct {
	Store ArchiveStore
	Clock epistle.Clock
}

// ArchiveImport says how a file is imported.
type ArchiveImport struct {
	Site       string                      // the slug of the site that it comes from; "": as the file says
	CommentBad func(*wordpress.BadComment) // called for every comment that was left out; may be nil
}

// ArchiveImported counts what became of a file.
type ArchiveImported struct {
	Items    int64 // posts, pages and the like
	Comments int64 // of readers, that could be read
	Added    int64
	Changed  int64 // known, and changed at the site since
	Known    int64 // known already
	Pings    int64 // pings and what plugins keep as comments, left out
	Bad      int64 // left out because they cannot be read
	Dropped  int64 // control characters and the like that were left out of texts
}

// Import reads a file and keeps its comments batch by batch, in bounded memory.
// A comment that cannot be read is reported and left out; the others of its
// page are kept. It may be repeated, after a break too: the second time nothing
// is new. A site that is not known yet is added, without a hook or a password.
//
// It needs the permission ImportPeople. Invalid names the field "file" for what
// is no export of WordPress or ends in the middle (what came before is kept),
// and "site" for a site that is not known or that the file does not name.
func (v *Archive) Import(ctx context.Context, actor epistle.Actor, file io.Reader, how ArchiveImport) (ArchiveImported, error) {
	if err := actor.Require(epistle.ImportPeople); err != nil {
		return ArchiveImported{}, err
	}
	export, err := wordpress.OpenExport(file)
	if errors.Is(err, wordpress.ErrNoExport) {
		return ArchiveImported{}, &epistle.Error{Kind: epistle.Invalid, Field: "file", Message: "archive.file", Err: err}
	}
	if err != nil {
		return ArchiveImported{}, fmt.Errorf("read an export: %w", err)
	}
	site, err := v.site(ctx, actor, how.Site, export.Head.Home)
	if err != nil {
		return ArchiveImported{}, err
	}
	run := archiveRun{Archive: v, site: site, export: export, how: how}
	err = run.all(ctx)
	run.done.Items = export.Items()
	run.done.Dropped += export.Dropped()
	return run.done, err
}

// site finds the site of a file, or adds it.
func (v *Archive) site(ctx context.Context, actor epistle.Actor, slug, home string) (epistle.Site, error) {
	if slug != "" {
		site, err := v.Store.SiteBySlug(ctx, slug)
		if epistle.KindOf(err) == epistle.NotFound {
			err = epistle.InvalidField("site", "archive.site").With("Slug", slug)
		}
		return site, err
	}
	site := epistle.Site{URL: homeOf(home)}
	canonical, err := epistle.ParsePageURL("site", site.URL)
	if err != nil {
		return epistle.Site{}, epistle.InvalidField("site", "archive.which")
	}
	known, err := v.Store.SiteByURL(ctx, canonical)
	if epistle.KindOf(err) != epistle.NotFound {
		return known, err
	}
	base := slugOfHost(site.URL)
	for n := 1; ; n++ {
		site.Slug = base
		if n > 1 {
			site.Slug = fmt.Sprintf("%s-%d", base, n)
		}
		if err := site.Validate(); err != nil {
			return epistle.Site{}, epistle.InvalidField("site", "archive.which")
		}
		added, err := v.Store.CreateSite(ctx, site, epistle.AuditEntry{At: v.Clock(), Actor: actor, Action: "site.create", Subject: "site"})
		if epistle.KindOf(err) != epistle.Conflict || n == 100 {
			return added, err
		}
	}
}

// slugOfHost makes a short name of an address: "www.example.org" is
// "example-org".
func slugOfHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "site"
	}
	name := strings.TrimPrefix(u.Hostname(), "www.") + strings.TrimSuffix(u.Path, "/")
	name = strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(name)), "-")
	for strings.Contains(name, "--") {
		name = strings.ReplaceAll(name, "--", "-")
	}
	const short = 40
	name = strings.Trim(name[:min(len(name), short)], "-")
	if name == "" {
		return "site"
	}
	return name
}

// archiveRun is one import on its way.
type archiveRun struct {
	*Archive
	site   epistle.Site
	export *wordpress.Export
	how    ArchiveImport
	batch  []epistle.Arrival
	done   ArchiveImported
}

func (r *archiveRun) all(ctx context.Context) error {
	for {
		c, err := r.export.Next()
		var bad *wordpress.BadComment
		switch {
		case errors.As(err, &bad):
			r.leaveOut(bad)
			continue
		case errors.Is(err, io.EOF):
			return r.flush(ctx)
		case errors.Is(err, wordpress.ErrCutOff):
			if err := r.flush(ctx); err != nil {
				return err
			}
			return &epistle.Error{Kind: epistle.Invalid, Field: "file", Message: "archive.cut-off", Err: err}
		case err != nil:
			return errors.Join(fmt.Errorf("read an export: %w", err), r.flush(ctx))
		}
		a, left, ok := arrivalOf(r.site, c.Comment)
		if !ok {
			r.done.Pings++
			continue
		}
		r.done.Comments++
		r.done.Dropped += int64(left)
		a.Origin, a.At, a.WordingVersion = epistle.FromArchive, r.export.Head.At, 0
		if r.batch = append(r.batch, a); len(r.batch) == store.ArrivalBatch {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
}

func (r *archiveRun) leaveOut(bad *wordpress.BadComment) {
	r.done.Bad++
	if r.how.CommentBad != nil {
		r.how.CommentBad(bad)
	}
}

// flush keeps the batch.
func (r *archiveRun) flush(ctx context.Context) error {
	arrived, err := r.Store.TakeArrivals(ctx, r.site.ID, r.batch)
	if err != nil {
		return err
	}
	for _, a := range arrived {
		switch a.Outcome {
		case epistle.ArrivalNew:
			r.done.Added++
		case epistle.ArrivalChanged:
			r.done.Changed++
		default:
			r.done.Known++
		}
	}
	r.batch = r.batch[:0]
	return ctx.Err()
}
