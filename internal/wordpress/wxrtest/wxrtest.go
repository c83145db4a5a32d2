// Package wxrtest writes WordPress exports for tests and measurements: of any
// size, with every trap that such files are known to hold, and with exact
// counts of what is in them.
package wxrtest

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Options says what to write.
type Options struct {
	Comments int  // that can be read, of readers
	PerItem  int  // comments an item; 100
	Filler   int  // bytes of each item's content, to make a file large
	Clean    bool // without traps
}

// Counts is what a file holds.
type Counts struct {
	Items, Comments, Pings, Bad int64
	Dropped                     int64 // characters that no XML may have
	Approved, Pending           int64
	Spam, Trash                 int64
	Replies                     int64 // below the top level
}

// Write writes an export. Two files with the same options are the same.
func Write(to io.Writer, o Options) (Counts, error) {
	if o.PerItem == 0 {
		o.PerItem = 100
	}
	w := &writer{Writer: bufio.NewWriterSize(to, 1<<20), o: o}
	w.head()
	for w.counts.Comments < int64(o.Comments) {
		w.item()
	}
	w.text("</channel>\n</rss>\n")
	return w.counts, w.Flush()
}

type writer struct {
	*bufio.Writer
	o      Options
	counts Counts
	id     int64
	wp     string // the prefix in this part of the file
}

func (w *writer) text(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	_, _ = w.WriteString(format) // Flush tells
}

func (w *writer) head() {
	w.wp = "wp"
	w.text(`<?xml version="1.0" encoding="UTF-8" ?>
<!-- This is a WordPress eXtended RSS file. It contains <item> and <wp:comment>. -->
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
	xmlns:wp="http://wordpress.org/export/1.2/" xmlns:old="http://wordpress.org/export/1.0/">
<channel>
	<title>Winter notes &amp; prayers</title>
	<link>https://blog.example</link>
	<pubDate>Sun, 01 Nov 2026 03:00:00 +0000</pubDate>
	<wp:wxr_version>1.2</wp:wxr_version>
	<wp:base_site_url>https://blog.example</wp:base_site_url>
	<wp:base_blog_url>https://blog.example</wp:base_blog_url>
	<image><url>https://blog.example/icon.png</url><link>https://elsewhere.example</link></image>
	<wp:author><wp:author_login><![CDATA[boss]]></wp:author_login></wp:author>
`)
}

// item writes one post with its comments, and every trap once.
func (w *writer) item() {
	n := w.counts.Items
	w.counts.Items++
	w.wp = "wp"
	if n%3 == 2 && !w.o.Clean { // the version of a namespace varies
		w.wp = "old"
	}
	w.text(`	<item>
		<title><![CDATA[Winter %d 겨울 소식]]></title>
		<link>https://blog.example/winter-%d/</link>
		<description></description>
		<content:encoded><![CDATA[`, n, n)
	w.filler()
	w.text(`]]></content:encoded>
		<excerpt:encoded><![CDATA[]]></excerpt:encoded>
		<%[1]s:post_id>%[2]d</%[1]s:post_id>
		<%[1]s:post_type><![CDATA[post]]></%[1]s:post_type>
		<%[1]s:status><![CDATA[publish]]></%[1]s:status>
		<category domain="category" nicename="news"><![CDATA[News > all <item>]]></category>
		<%[1]s:postmeta><%[1]s:meta_key><![CDATA[_x]]></%[1]s:meta_key><%[1]s:meta_value><![CDATA[<wp:comment>]]></%[1]s:meta_value></%[1]s:postmeta>
`, w.wp, n+1)
	if !w.o.Clean {
		w.traps()
	}
	for i := 0; i < w.o.PerItem && w.counts.Comments < int64(w.o.Comments); i++ {
		w.usual(i)
	}
	w.text("\t</item>\n")
}

const fillerLine = "<p>It is cold by the river, and the ice is <b>thick</b>. 강가는 춥고 얼음은 두껍습니다. &amp; so on.</p>\n"

func (w *writer) filler() {
	for n := 0; n < w.o.Filler; n += len(fillerLine) {
		w.text(fillerLine)
	}
}

// comment is one comment's fields, each already as it stands in the file.
type comment struct {
	id, parent             int64
	name, email, date, gmt string
	content, approved      string
	kind                   string
	raw                    string // instead of all that
}

func (w *writer) write(c comment) {
	if c.raw != "" {
		w.text(strings.ReplaceAll(c.raw, "wp:", w.wp+":"))
		return
	}
	w.text(`		<%[1]s:comment>
			<%[1]s:comment_id>%[2]d</%[1]s:comment_id>
			<%[1]s:comment_author><![CDATA[%[3]s]]></%[1]s:comment_author>
			<%[1]s:comment_author_email><![CDATA[%[4]s]]></%[1]s:comment_author_email>
			<%[1]s:comment_author_IP><![CDATA[203.0.113.%[5]d]]></%[1]s:comment_author_IP>
			<%[1]s:comment_date><![CDATA[%[6]s]]></%[1]s:comment_date>
			<%[1]s:comment_date_gmt><![CDATA[%[7]s]]></%[1]s:comment_date_gmt>
			<%[1]s:comment_content><![CDATA[%[8]s]]></%[1]s:comment_content>
			<%[1]s:comment_approved><![CDATA[%[9]s]]></%[1]s:comment_approved>
			<%[1]s:comment_type><![CDATA[%[10]s]]></%[1]s:comment_type>
			<%[1]s:comment_parent>%[11]d</%[1]s:comment_parent>
			<%[1]s:comment_user_id>0</%[1]s:comment_user_id>
		</%[1]s:comment>
`, w.wp, c.id, c.name, c.email, c.id%250, c.date, c.gmt, c.content, c.approved, c.kind, c.parent)
}

// reader is a comment of a reader's that can be read.
func (w *writer) reader(content, approved string) comment {
	w.id++
	w.counts.Comments++
	switch approved {
	case "1":
		w.counts.Approved++
	case "0":
		w.counts.Pending++
	case "spam":
		w.counts.Spam++
	case "trash":
		w.counts.Trash++
	}
	return comment{id: w.id, name: fmt.Sprintf("Reader %d", w.id), email: fmt.Sprintf("reader%d@mail.example", w.id),
		date: "2020-03-04 18:51:00", gmt: "2020-03-04 09:51:00", content: fmt.Sprintf("%s (%d)", content, w.id), approved: approved, kind: "comment"}
}

var usualWords = []string{"Praying for you all.", "아멘! 기도합니다.", "Amen &amp; amen", "I would like to receive email updates on the ministry.",
	"<blockquote>please add me</blockquote> Is this still true?", "Thank you\n\nfor the <a href=\"https://bible.example\" rel=\"nofollow\">Bibles</a>"}

var usualStates = []string{"1", "1", "1", "0", "1", "spam", "1", "trash"}

func (w *writer) usual(i int) {
	c := w.reader(usualWords[i%len(usualWords)], usualStates[i%len(usualStates)])
	if i%5 == 4 {
		c.parent = c.id - 1
		w.counts.Replies++
	}
	w.write(c)
}

// traps writes what real files hold, once an item.
func (w *writer) traps() {
	damaged := w.reader("An emoji damaged by a small charset: ?✝️?", "1")
	w.write(damaged)
	control := w.reader("A bell\a, a null\x00 and &#x8; escaped\x0b", "1")
	w.counts.Dropped += 3 + 1 // the escaped one goes with the words
	w.write(control)
	bytes := w.reader("Half a character: \xed\x95", "1")
	w.counts.Dropped += 2 // bytes
	bytes.name = "Reader \xff"
	w.counts.Dropped++
	w.write(bytes)
	split := w.reader("Code: if (a[b[0]]]]><![CDATA[>0) and more", "1")
	w.write(split)
	unsplit := w.reader("Code: a[b[0]]>0 &amp; <b>so on", "1")
	w.write(unsplit)
	tags := w.reader("I typed </wp:comment> and </item> and <wp:comment_id>9</wp:comment_id>", "1")
	w.write(tags)
	zero := w.reader("Waiting since nobody knows when", "0")
	zero.gmt = "0000-00-00 00:00:00"
	w.write(zero)
	nobody := w.reader("No name, no address", "1")
	nobody.name, nobody.email = "", "not an address"
	w.write(nobody)
	old := w.reader("Before comments had a type", "post-trashed")
	w.counts.Trash++
	old.kind = ""
	w.write(old)
	orphan := w.reader("A reply to what is gone", "1")
	orphan.parent = 4_000_000_000 + orphan.id
	w.write(orphan)

	w.id++
	w.counts.Pings++
	w.write(comment{id: w.id, name: "Another blog", content: "[...] winter [...]", approved: "1", kind: "pingback", gmt: "2020-03-04 09:51:00"})
	w.counts.Bad += 4
	w.write(comment{raw: "\t\t<wp:comment>\n\t\t\t<wp:comment_content><![CDATA[no number]]></wp:comment_content>\n\t\t\t<wp:comment_approved>1</wp:comment_approved>\n\t\t</wp:comment>\n"})
	w.write(comment{raw: "\t\t<wp:comment>\n\t\t\t<wp:comment_id>77</wp:comment_id>\n\t\t\t<wp:comment_content><![CDATA[never closed</wp:comment_content>\n\t\t</wp:comment>\n"})
	w.write(comment{raw: "\t\t<wp:comment>\n\t\t\t<wp:comment_id>78</wp:comment_id>\n\t\t\t<wp:comment_content>a <b>bad & wild</wp:comment_content>\n\t\t\t<wp:comment_approved>maybe</wp:comment_approved>\n\t\t</wp:comment>\n"})
	w.write(comment{raw: "\t\t<wp:comment>\n\t\t\t<wp:comment_id>79</wp:comment_id>\n\t\t\t<wp:comment_content><![CDATA[the end is missing]]></wp:comment_content>\n"})
}
