package signup_test

import (
	"bytes"
	"strings"
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/wordpress"
	"epistle/internal/wordpress/wxrtest"
)

func TestAnExportIsImportedOnce(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var file bytes.Buffer
		want, err := wxrtest.Write(&file, wxrtest.Options{Comments: 1000, PerItem: 60})
		h.must(err)
		archive := &signup.Archive{Store: h.store, Clock: h.clock.Now}
		lines := 0
		how := signup.ArchiveImport{CommentBad: func(*wordpress.BadComment) { lines++ }}
		done, err := archive.Import(t.Context(), admin(), bytes.NewReader(file.Bytes()), how)
		h.must(err)
		first := signup.ArchiveImported{Items: want.Items, Comments: want.Comments, Added: want.Comments, Pings: want.Pings, Bad: want.Bad, Dropped: want.Dropped}
		if done != first || int64(lines) != want.Bad {
			t.Errorf("the first time %+v, %d lines\nwant           %+v", done, lines, first)
		}
		counts, err := h.store.CommentCounts(t.Context())
		h.must(err)
		if counts[epistle.CommentApproved] != want.Approved || counts[epistle.CommentPending] != want.Pending ||
			counts[epistle.CommentSpam] != want.Spam || counts[epistle.CommentTrash] != want.Trash {
			t.Errorf("comments: %v, want %+v", counts, want)
		}
		done, err = archive.Import(t.Context(), admin(), bytes.NewReader(file.Bytes()), how)
		h.must(err)
		second := first
		second.Added, second.Known = 0, want.Comments
		if done != second {
			t.Errorf("the second time %+v\nwant            %+v", done, second)
		}
		pages, err := h.store.Pages(t.Context())
		h.must(err)
		if int64(len(pages)) != want.Items || pages[0].Title.KO == "" {
			t.Errorf("%d pages for %d items, the first %+v", len(pages), want.Items, pages[0])
		}
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("%d mails because of an import", len(mails))
		}
		site, err := h.store.SiteByURL(t.Context(), "https://blog.example/")
		h.must(err)
		if site.Slug != "blog-example" || site.Secret != "" {
			t.Errorf("the site is %+v", site)
		}
	})
}

// oneComment is an export with one comment of the blog's, number 5.
func oneComment(day, words, meta string) string {
	return `<rss><channel><pubDate>` + day + `</pubDate><wp:wxr_version>1.2</wp:wxr_version><wp:base_blog_url>http://blog.example</wp:base_blog_url>
<item><title>Winter</title><link>https://blog.example/winter/</link><wp:post_id>2</wp:post_id><wp:comment><wp:comment_id>5</wp:comment_id>
<wp:comment_author>Miriam</wp:comment_author><wp:comment_author_email>miriam@reader.example</wp:comment_author_email>
<wp:comment_date_gmt>2026-11-22 08:59:00</wp:comment_date_gmt><wp:comment_content><![CDATA[` + words + `]]></wp:comment_content>
<wp:comment_approved>1</wp:comment_approved>` + meta + `</wp:comment></item></channel></rss>`
}

const tickedMeta = `<wp:commentmeta><wp:meta_key><![CDATA[_epistle_optin]]></wp:meta_key><wp:meta_value><![CDATA[a:3:{s:7:"checked";b:1;s:12:"text_version";i:1;s:4:"lang";s:2:"en";}]]></wp:meta_value></wp:commentmeta>`

func TestAnImportedCommentIsALead(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		archive := &signup.Archive{Store: h.store, Clock: h.clock.Now}
		take := func(file string) signup.ArchiveImported {
			t.Helper()
			done, err := archive.Import(t.Context(), admin(), strings.NewReader(file), signup.ArchiveImport{})
			h.must(err)
			return done
		}
		if done := take(oneComment("Sun, 22 Nov 2026 08:59:30 +0000", "Amen.", tickedMeta)); done.Added != 1 {
			t.Fatalf("imported %+v", done)
		}
		c := b.only(epistle.CommentApproved)
		if !c.WantsUpdates || c.Origin != epistle.FromArchive || c.Number != 1 {
			t.Errorf("the lead is %+v", c.Comment)
		}
		b.tells(map[string]any{"event": "edited", "content_raw": "Amen and amen.", "status": "approved", "author_name": "Miriam", "optin": ticked})
		if c := b.only(epistle.CommentApproved); c.Body != "Amen and amen." {
			t.Errorf("the edit did not follow: %q", c.Body)
		}
		if done := take(oneComment("Sun, 22 Nov 2026 08:59:30 +0000", "Amen.", "")); done.Known != 1 || done.Changed != 0 {
			t.Errorf("an old export changed what is newer: %+v", done)
		}
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("%d mails because of a lead", len(mails))
		}
	})
}

func TestAnImportNeverMails(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		b := newBlog(h)
		b.tells(map[string]any{"status": "spam", "optin": ticked, "author_name": "Miriam"}) // heard, but not mailed
		archive := &signup.Archive{Store: h.store, Clock: h.clock.Now}
		done, err := archive.Import(t.Context(), admin(), strings.NewReader(oneComment("Sun, 22 Nov 2026 09:30:00 +0000", "Amen.", tickedMeta)), signup.ArchiveImport{})
		h.must(err)
		if done.Changed != 1 {
			t.Errorf("a newer export changed %+v", done)
		}
		b.only(epistle.CommentApproved)
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("%d mails because of an import", len(mails))
		}
	})
}

func TestWhoMayImportComments(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		archive := &signup.Archive{Store: h.store, Clock: h.clock.Now}
		_, err := archive.Import(t.Context(), epistle.StaffActor(7, epistle.Editor), strings.NewReader(""), signup.ArchiveImport{})
		wantKind(t, err, epistle.Forbidden, "an editor")
		_, err = archive.Import(t.Context(), admin(), strings.NewReader("email,name\n"), signup.ArchiveImport{})
		wantKind(t, err, epistle.Invalid, "no export")
		_, err = archive.Import(t.Context(), admin(), strings.NewReader(oneComment("", "Amen.", "")), signup.ArchiveImport{Site: "nobody"})
		wantKind(t, err, epistle.Invalid, "no such site")
	})
}
