package public_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"epistle/internal/metrics"
	"epistle/internal/signup"
	"epistle/internal/storetest"
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

func TestMetricsAreForTheHouse(t *testing.T) {
	s, clock := storetest.SQLite(t)
	kernel := webtest.Kernel(t, clock.Now)
	m := metrics.New(s)
	m.Count("comment", signup.Outcomes)(signup.Trapped)
	server := httptest.NewServer(kernel.Handler(nil, public.Metrics{Kernel: kernel, Handler: m.Handler(), Token: "a-long-token"}))
	defer server.Close()
	for _, c := range []struct {
		header, value, host string
		status              int
	}{
		{status: http.StatusOK},
		{header: "Authorization", value: "Bearer a-long-token", host: "mail.example.org", status: http.StatusOK},
		{header: "Authorization", value: "Bearer another", status: http.StatusNotFound},
		{header: "X-Forwarded-For", value: "127.0.0.1", status: http.StatusNotFound},
		{host: "mail.example.org", status: http.StatusNotFound},
	} {
		r, err := http.NewRequest(http.MethodGet, server.URL+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			r.Header.Set(c.header, c.value)
		}
		if c.host != "" {
			r.Host = c.host
		}
		answer, err := http.DefaultClient.Do(r)
		status, body := webtest.Answer(t, answer, err)
		if status != c.status {
			t.Errorf("%+v gives %d", c, status)
		}
		if told := strings.Contains(body, `epistle_public_posts_total{form="comment",outcome="trapped"} 1`) && strings.Contains(body, "epistle_signups_closed 0"); told != (c.status == http.StatusOK) {
			t.Errorf("%+v shows %s", c, body)
		}
	}
}
