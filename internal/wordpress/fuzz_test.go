package wordpress_test

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"epistle/internal/fetch"
	"epistle/internal/wordpress"
)

// FuzzVerify: whatever stands in the headers, only what the site signed within
// the last minutes is taken.
func FuzzVerify(f *testing.F) {
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	now := time.Unix(1614265330, 0)
	f.Add("msg_1", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte(`{"test": 2432232314}`))
	f.Add("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", []byte(`{"test": 2432232314}`))
	f.Add("", "+1614265330", "v1 v1, v1,= v1a,AAAA ,", []byte{})
	f.Add("a.b", "-9223372036854775808", "v1,\x00", []byte("\xff"))
	f.Fuzz(func(t *testing.T, id, timestamp, signature string, body []byte) {
		m := wordpress.Message{ID: id, Timestamp: timestamp, Signature: signature, Body: body}
		sent, err := m.Verify(now, secret)
		if err != nil {
			return
		}
		want, signErr := m.Sign(secret)
		if signErr != nil || !strings.Contains(signature, strings.TrimRight(strings.TrimPrefix(want, "v1,"), "=")) {
			t.Errorf("%q was taken, signed is %q, error %v", signature, want, signErr)
		}
		if sent.Sub(now).Abs() > wordpress.Window || id == "" {
			t.Errorf("a message %q of %v was taken", id, sent)
		}
	})
}

// saying answers every request alike.
type saying fetch.Response

func (s saying) Get(context.Context, fetch.Request) (*fetch.Response, error) {
	r := fetch.Response(s)
	return &r, nil
}

var postRoute = regexp.MustCompile(`^([a-z0-9_-]+/[0-9]+)?$`)

// FuzzREST: whatever a site answers, reading it ends, and asks for nothing
// beyond its own API.
func FuzzREST(f *testing.F) {
	f.Add(200, "application/json", "3", "Sun, 01 Nov 2026 03:00:00 GMT", []byte(`[{"id":5,"post":2,"content":{"raw":"Amen."},"meta":[],"status":"hold",
		"link":"https://blog.example/w/comment-page-2/#comment-5","_links":{"up":[{"href":"https://blog.example/wp-json/wp/v2/posts/2"}]}}]`))
	f.Add(200, "application/json; charset=UTF-8", "-1", "", []byte(`[{"id":-5,"meta":{"_epistle_optin":{"checked":"1","text_version":"x"}},"link":"https://[::1",
		"_links":{"up":[{"href":"https://evil.example/wp/v2/../../x/1?rest_route=/wp/v2/posts/%32"}]}}]`))
	f.Add(401, "application/json", "99999999999999999999", "x", []byte(`{"code":"rest_not_logged_in"}`))
	f.Add(503, "text/html", "", "", []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, kind, total, date string, body []byte) {
		header := http.Header{"Content-Type": {kind}, "X-Wp-Totalpages": {total}, "X-Wp-Total": {total}, "Date": {date}, "Retry-After": {total}}
		now := time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)
		r := &wordpress.REST{Getter: saying{Status: status, Header: header, Body: body}, Home: "https://blog.example/", Clock: func() time.Time { return now }}
		page, err := r.Newest(t.Context(), 1)
		if err == nil {
			if off := page.AsOf.Sub(now).Abs(); off > wordpress.Window+time.Second {
				t.Errorf("a list as of %v", page.AsOf)
			}
			for _, c := range page.Comments {
				if !postRoute.MatchString(c.PostRoute) {
					t.Errorf("the post is asked for at %q", c.PostRoute)
				}
			}
		}
		if _, err := r.Post(t.Context(), "posts/"+strconv.Itoa(status)); err == nil && status != http.StatusOK {
			t.Errorf("a post was read from an answer with %d", status)
		}
		if me, err := r.Me(t.Context()); err == nil && me.MayModerate && !strings.Contains(string(body), "true") {
			t.Error("anybody may moderate")
		}
		_, _ = r.IsGone(t.Context(), 1) // errors as well as answers may come of it
	})
}
