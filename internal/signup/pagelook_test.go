package signup_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"

	"epistle/internal/epistle"
	"epistle/internal/fetch"
	"epistle/internal/signup"
)

// paper is a page of the ministry's on a site of its own.
type paper struct {
	*house
	look *signup.PageLook
	url  string

	mu     sync.Mutex
	body   string
	status int
	asked  int
}

func newPaper(h *house) *paper {
	p := &paper{house: h, status: http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.asked++
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(p.status)
		_, _ = w.Write([]byte(p.body))
	}))
	h.t.Cleanup(server.Close)
	web := fetch.New(fetch.Options{Allow: []string{strings.TrimPrefix(server.URL, "http://")}})
	h.t.Cleanup(web.Close)
	p.url = server.URL + "/garden"
	p.look = &signup.PageLook{Store: h.store, Web: web, Clock: h.clock.Now, Log: slog.New(slog.DiscardHandler)}
	return p
}

func (p *paper) says(status int, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status, p.body = status, body
}

// looks runs the job, and returns how often the page was asked for.
func (p *paper) looks() int {
	p.t.Helper()
	p.must(p.look.Run(p.t.Context()))
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = 0
	return asked
}

func (p *paper) comments(n int) epistle.ID {
	p.t.Helper()
	page, err := p.store.FindOrCreatePage(p.t.Context(), p.url)
	p.must(err)
	posted, err := p.store.PostComment(p.t.Context(), epistle.Comment{PageID: page.ID, Name: "Grace", Address: "grace@example.org",
		Body: fmt.Sprintf("Comment %d.", n), Language: epistle.English, IP: "203.0.113.9"})
	p.must(err)
	p.clock.Advance(time.Minute)
	return posted.ID
}

func (p *paper) comment(id epistle.ID) epistle.Comment {
	p.t.Helper()
	c, err := p.store.Comment(p.t.Context(), id)
	p.must(err)
	return c
}

func TestAPageOfOurThreadIsKeptAsItWas(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		p := newPaper(h)
		p.says(http.StatusOK, `<html><head><title>The garden &amp; us</title><script>let n = 1</script></head><body><p>It is  winter.</p></body>`)
		first := p.comments(1)
		if asked := p.looks(); asked != 1 {
			t.Fatalf("asked %d times", asked)
		}
		was := p.comment(first)
		if was.PageTitle != "The garden & us" || len(was.PageDigest) != 64 {
			t.Fatalf("kept %q, %q", was.PageTitle, was.PageDigest)
		}
		if page, err := h.store.PageByURL(t.Context(), p.url); err != nil || !page.Title.IsZero() {
			t.Errorf("the page itself is called %v now, error %v: only staff give titles", page.Title, err)
		}
		if asked := p.looks(); asked != 0 {
			t.Errorf("asked again %d times, without a new comment", asked)
		}
		// Neither its scripts nor its shape make a page another one.
		p.says(http.StatusOK, "<html><head><title>The garden &amp; us</title><script>let n = 2</script></head><body>\n<main><p>It is winter.</p></main></body>")
		second := p.comments(2)
		p.looks()
		p.says(http.StatusOK, `<title>The garden</title><p>It is spring.</p>`)
		third := p.comments(3)
		p.looks()
		if p.comment(second).PageDigest != was.PageDigest || p.comment(third).PageDigest == was.PageDigest || p.comment(first).PageDigest != was.PageDigest {
			t.Errorf("the digests are %s, %s, %s", p.comment(first).PageDigest, p.comment(second).PageDigest, p.comment(third).PageDigest)
		}
		if got := p.comment(third).PageTitle; got != "The garden" {
			t.Errorf("the third stands under %q", got)
		}
	})
}

func TestAPageThatCannotBeReadIsTriedForAnHour(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		p := newPaper(h)
		p.says(http.StatusNotFound, "<title>Not found</title>")
		id := p.comments(1)
		for range 3 {
			if asked := p.looks(); asked != 1 || p.comment(id).PageDigest != "" {
				t.Fatalf("asked %d times, kept %q", asked, p.comment(id).PageDigest)
			}
		}
		korean, err := korean.EUCKR.NewEncoder().String("<title>겨울 소식</title><p>춥습니다.</p>")
		h.must(err)
		p.says(http.StatusOK, korean)
		p.looks()
		if c := p.comment(id); c.PageTitle != "겨울 소식" || c.PageDigest == "" {
			t.Errorf("kept %q, %q", c.PageTitle, c.PageDigest)
		}
		p.says(http.StatusInternalServerError, "")
		p.comments(2)
		h.clock.Advance(time.Hour)
		if asked := p.looks(); asked != 0 {
			t.Errorf("an hour later it is asked %d times", asked)
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add([]byte("<title>A &amp; B</title><script>x</script><p>one  two"))
	f.Add([]byte("<title><title>\xb0\xdc</title></svg><svg><style></p>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		title, text := signup.ReadPage(body)
		if n := utf8.RuneCountInString(title); n > epistle.MaxTitle || strings.ContainsAny(title, "\n\x00") {
			t.Errorf("a title of %d characters: %q", n, title)
		}
		if text != strings.Join(strings.Fields(text), " ") {
			t.Errorf("the spaces of %q are not as one", text)
		}
	})
}
