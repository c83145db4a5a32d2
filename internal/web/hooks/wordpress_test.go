package hooks_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/hooks"
	"epistle/internal/web/webtest"
	"epistle/internal/wordpress"
)

// busy turns no ticked box into a request.
type busy struct{ signup.Requests }

func (busy) Request(context.Context, signup.Request) error {
	return epistle.Errorf(epistle.Limited, "signup.too-many", nil)
}

func TestTheHookAnswersWithAStatusAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		site, err := s.CreateSite(t.Context(), epistle.Site{Slug: "blog", URL: "https://blog.example/", Secret: wordpress.NewSecret()},
			epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "weekly"}, epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()}); err != nil {
			t.Fatal(err)
		}
		kernel := webtest.Kernel(t, clock.Now)
		arrivals := signup.NewArrivals(signup.ArrivalOptions{Store: s, Requests: busy{}, Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
		server := httptest.NewServer(kernel.Handler(nil, hooks.WordPress{Kernel: kernel, Hook: &signup.Hook{Store: s, Arrivals: arrivals, Clock: clock.Now}}))
		t.Cleanup(server.Close)
		post := func(slug, id, body string, change func(h http.Header)) int {
			t.Helper()
			m := wordpress.Message{ID: id, Timestamp: strconv.FormatInt(clock.Now().Unix(), 10), Body: []byte(body)}
			signature, err := m.Sign(site.Secret)
			if err != nil {
				t.Fatal(err)
			}
			r, err := http.NewRequest(http.MethodPost, server.URL+"/hooks/wordpress/"+slug, bytes.NewReader(m.Body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // whatever it says, every byte counts
			r.Header.Set("Origin", "https://blog.example")
			r.Header.Set(wordpress.HeaderID, m.ID)
			r.Header.Set(wordpress.HeaderTimestamp, m.Timestamp)
			r.Header.Set(wordpress.HeaderSignature, signature)
			if change != nil {
				change(r.Header)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if answer, err := io.ReadAll(response.Body); err != nil || len(answer) > 0 && response.StatusCode != http.StatusTooManyRequests {
				t.Errorf("the answer says %q, %v", answer, err)
			}
			return response.StatusCode
		}
		const known = `{"v":1,"event":"created","comment_id":5,"post_id":2,"post_url":"https://blog.example/w/","author_name":"A","author_email":"a@b.example","content_raw":"Amen.","status":"approved","type":"comment"}`
		ticked := strings.Replace(strings.Replace(known, `"comment_id":5`, `"comment_id":6`, 1), `"v":1`, `"v":1,"optin":{"checked":true}`, 1)
		for _, c := range []struct {
			what, slug, body string
			change           func(h http.Header)
			want             int
		}{
			{"a comment", "blog", known, nil, http.StatusNoContent},
			{"the same again", "blog", known, nil, http.StatusNoContent},
			{"a ping", "blog", strings.Replace(known, `"type":"comment"`, `"type":"pingback"`, 1), nil, http.StatusNoContent},
			{"another site", "nobody", known, nil, http.StatusNotFound},
			{"not signed", "blog", known, func(h http.Header) { h.Del(wordpress.HeaderSignature) }, http.StatusUnauthorized},
			{"no time", "blog", known, func(h http.Header) { h.Del(wordpress.HeaderTimestamp) }, http.StatusUnauthorized},
			{"no sense", "blog", `{"comment_id":"x"}`, nil, http.StatusBadRequest},
			{"too large", "blog", `{"v":1,"x":"` + strings.Repeat("x", 600<<10) + `"}`, nil, http.StatusRequestEntityTooLarge},
			{"later please", "blog", ticked, nil, http.StatusServiceUnavailable},
		} {
			if got := post(c.slug, "msg_"+strings.ReplaceAll(c.what, " ", "_"), c.body, c.change); got != c.want {
				t.Errorf("%s: %d, want %d", c.what, got, c.want)
			}
		}
		// What was to come later is asked for again under the same id.
		arrivals.Requests = taken{}
		if got := post("blog", "msg_later_please", ticked, nil); got != http.StatusNoContent {
			t.Errorf("sent again: %d", got)
		}
		counts, err := s.CommentCounts(t.Context())
		if err != nil || counts[epistle.CommentApproved] != 2 {
			t.Errorf("comments: %v, %v", counts, err)
		}
		clock.Advance(time.Hour)
		flood := 0
		for flood < 1000 && post("blog", "msg_flood", known, nil) != http.StatusTooManyRequests {
			flood++
		}
		if flood < 100 || flood == 1000 {
			t.Errorf("%d messages were let through at once", flood)
		}
	})
}

// taken takes every request.
type taken struct{ signup.Requests }

func (taken) Request(context.Context, signup.Request) error { return nil }
