package signup

import (
	"bytes"
	"context"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/text/encoding/korean"

	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/wordpress"
)

// PageLookStore keeps what pages were like.
type PageLookStore interface {
	PagesToLookAt(ctx context.Context, since time.Time, limit int) ([]epistle.Page, error)
	KeepPageLook(ctx context.Context, page epistle.ID, since, until time.Time, title, digest string) error
}

// PageLook looks at the pages under which people comment in our own thread, soon
// after they did: a page may change under its comments, and each keeps what it
// was called and a digest of its text. Sites with WordPress tell us themselves.
type PageLook struct {
	Store PageLookStore
	Web   wordpress.Getter
	Clock epistle.Clock
	Log   *slog.Logger
}

const (
	// lookWithin is how soon after a comment a look still says what its writer
	// saw.
	lookWithin = time.Hour
	// looksAtOnce bounds how many pages one run asks for.
	looksAtOnce = 20
)

// Run looks at every page that has new comments. A page that cannot be read is
// tried again while it is soon enough, and costs the others nothing. To run it
// again changes nothing.
func (l *PageLook) Run(ctx context.Context) error {
	now := l.Clock()
	since := now.Add(-lookWithin)
	pages, err := l.Store.PagesToLookAt(ctx, since, looksAtOnce)
	if err != nil {
		return err
	}
	for _, page := range pages {
		response, err := l.Web.Get(ctx, fetch.Request{URL: page.URL, Accept: "text/html"})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || response.Status != http.StatusOK || !isHTML(response.Header) {
			l.Log.InfoContext(ctx, "a page with comments cannot be looked at now", "page", page.ID, "error", err)
			continue
		}
		title, text := readPage(response.Body)
		if err := l.Store.KeepPageLook(ctx, page.ID, since, now, title, wordpress.Digest(text)); err != nil {
			return err
		}
	}
	return nil
}

func isHTML(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "text/html" || kind == "application/xhtml+xml")
}

// readPage is a page's title and the words that it shows, each run of spaces as
// one, so that neither its scripts nor its shape make it another text.
func readPage(body []byte) (title, text string) {
	if !utf8.Valid(body) {
		if decoded, err := korean.EUCKR.NewDecoder().Bytes(body); err == nil {
			body = decoded
		}
	}
	var words, name strings.Builder
	hidden, inTitle := 0, false
	tokens := html.NewTokenizer(bytes.NewReader(body))
	tokens.SetMaxBuf(1 << 20)
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			title, _ = epistle.ScrubLine(strings.Join(strings.Fields(name.String()), " "), epistle.MaxTitle)
			return title, strings.Join(strings.Fields(words.String()), " ")
		case html.TextToken:
			switch {
			case inTitle:
				name.WriteString(html.UnescapeString(string(tokens.Raw())))
			case hidden == 0:
				words.Write(tokens.Text())
				words.WriteByte(' ')
			}
		case html.StartTagToken, html.EndTagToken:
			tag, _ := tokens.TagName()
			opens := kind == html.StartTagToken
			switch atom.Lookup(tag) {
			case atom.Title:
				inTitle = opens && name.Len() == 0
			case atom.Script, atom.Style, atom.Noscript, atom.Template, atom.Svg:
				if opens {
					hidden++
				} else {
					hidden = max(0, hidden-1)
				}
			}
		}
	}
}
