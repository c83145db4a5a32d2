// Package wordpress knows how WordPress speaks of comments: in the messages of
// its hook, over its REST API, and in its export files. It reads and checks
// what is said and decides nothing about it.
package wordpress

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"epistle/internal/epistle"
)

// Comment is a comment as WordPress has it. Texts are as they are stored there:
// names with HTML's entities, the content with the few tags that readers may
// use.
type Comment struct {
	ID, Parent, Post int64
	PostURL          string
	PostTitle        string
	PostDigest       string // SHA-256 of the post's source, in hexadecimal
	Name             string
	Email            string
	IP               string
	Content          string
	Status           string
	Type             string
	Date             time.Time // zero when there is none that can be read
	OptIn            OptIn
}

// OptIn is the box for the updates under the comment form.
type OptIn struct {
	Checked     bool
	TextVersion int64
	Language    string
}

// IsComment tells what readers wrote from pings and what plugins keep as
// comments.
func (c Comment) IsComment() bool { return c.Type == "" || c.Type == "comment" }

// State is the comment's status in our words; false for one that means nothing
// to us. WordPress has different words for the same in its hooks, its API and
// its exports.
func (c Comment) State() (epistle.CommentState, bool) { return state(c.Status) }

func state(status string) (epistle.CommentState, bool) {
	switch strings.ToLower(strings.TrimSpace(status)) {
	case "approved", "approve", "1":
		return epistle.CommentApproved, true
	case "hold", "unapproved", "0", "pending":
		return epistle.CommentPending, true
	case "spam":
		return epistle.CommentSpam, true
	case "trash", "post-trashed":
		return epistle.CommentTrash, true
	}
	return "", false
}

// isGone reports a status that says the comment was deleted for good.
func isGone(status string) bool {
	s := strings.ToLower(strings.TrimSpace(status))
	return s == "delete" || s == "deleted"
}

// parseDate reads one of WordPress's dates, which are UTC in fields that end in
// _gmt and name no zone. WordPress writes zeros for none.
func parseDate(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1990 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Plain is the text of a title or a name: without tags, entities read.
func Plain(s string) string {
	return strings.Join(strings.Fields(PlainText(s)), " ")
}

// PlainText is the text of a comment: without tags, entities read, a link as
// its words and its address, and quotations as lines that begin with ">".
func PlainText(source string) string {
	if !strings.ContainsAny(source, "<&") {
		return source
	}
	var w textWriter
	tokens := html.NewTokenizer(strings.NewReader(source))
	tokens.SetMaxBuf(1 << 20)
	for {
		kind := tokens.Next()
		switch kind {
		case html.ErrorToken:
			return w.String()
		case html.TextToken:
			w.text(html.UnescapeString(string(tokens.Raw())))
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := tokens.TagName()
			w.open(string(name), href(tokens, more))
		case html.EndTagToken:
			name, _ := tokens.TagName()
			w.close(string(name))
		}
	}
}

func href(tokens *html.Tokenizer, more bool) string {
	found := ""
	for more {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		if string(key) == "href" {
			found = string(value)
		}
	}
	return found
}

// textWriter builds the text of some HTML.
type textWriter struct {
	b       strings.Builder
	quotes  int
	hidden  int // inside of script or style
	link    string
	linkAt  int
	newline bool
}

func (w *textWriter) String() string { return w.b.String() }

func (w *textWriter) text(s string) {
	if w.hidden > 0 {
		return
	}
	for line := range strings.SplitAfterSeq(s, "\n") {
		if line == "" {
			continue
		}
		w.prefix(line)
		w.b.WriteString(line)
		w.newline = strings.HasSuffix(line, "\n")
	}
}

// prefix marks the beginning of a line inside a quotation.
func (w *textWriter) prefix(line string) {
	if w.quotes > 0 && strings.TrimSpace(line) != "" && (w.newline || w.b.Len() == 0) {
		w.b.WriteString(strings.Repeat("> ", min(w.quotes, maxQuotes)))
	}
}

const maxQuotes = 5

func (w *textWriter) breakLine() {
	if w.b.Len() > 0 && !w.newline {
		w.b.WriteByte('\n')
		w.newline = true
	}
}

func (w *textWriter) open(tag, href string) {
	switch tag {
	case "br":
		w.b.WriteByte('\n')
		w.newline = true
	case "p", "div", "li", "tr":
		w.breakLine()
	case "blockquote":
		w.breakLine()
		w.quotes++
	case "script", "style":
		w.hidden++
	case "a":
		w.link, w.linkAt = href, w.b.Len()
	}
}

func (w *textWriter) close(tag string) {
	switch tag {
	case "p", "div", "li", "tr":
		w.breakLine()
	case "blockquote":
		w.breakLine()
		w.quotes = max(0, w.quotes-1)
	case "script", "style":
		w.hidden = max(0, w.hidden-1)
	case "a":
		if w.link != "" && !strings.Contains(w.b.String()[w.linkAt:], w.link) {
			w.b.WriteString(" (" + w.link + ")")
		}
		w.link = ""
	}
}

// number reads an integer that some plugin may have written as a text.
func number(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
