package public_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"strings"
	"testing"
	"time"

	"epistle/internal/mailbox"
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

func TestMailboxShowsAMailAsHTMLTextAndSource(t *testing.T) {
	clock := func() time.Time { return time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC) }
	box := mailbox.NewBox(clock)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = box.Serve(t.Context(), l) }()
	source := strings.ReplaceAll(`From: <desk@example.org>
To: Minji <minji@example.org>
Subject: Winter <b>news</b>
Date: Thu, 26 Nov 2026 20:00:00 +0900
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=b

--b
Content-Type: text/plain; charset=utf-8

Dear Minji, in text
--b
Content-Type: text/html; charset=utf-8

<html><head></head><body>Dear Minji, in HTML</body></html>
--b--
`, "\n", "\r\n")
	if err := smtp.SendMail(l.Addr().String(), nil, "desk@example.org", []string{"minji@example.org"}, []byte(source)); err != nil {
		t.Fatal(err)
	}
	kernel := webtest.Kernel(t, clock)
	handler := kernel.Handler(nil, public.Mailbox{Kernel: kernel, Box: box})
	for path, want := range map[string]string{
		"/mailbox":             "Winter &lt;b&gt;news&lt;/b&gt;",
		"/mailbox?q=minji":     "Minji &lt;minji@example.org&gt;",
		"/mailbox?q=nobody":    "No mail fits.",
		"/mailbox?lang=ko":     "데모 우편함",
		"/mailbox/1":           `src="/mailbox/1/html"`,
		"/mailbox/1?view=text": "Dear Minji, in text",
		"/mailbox/1/html":      `<base target="_top">`,
		"/mailbox/1/source":    "Content-Type: multipart/alternative",
	} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), want) {
			t.Errorf("GET %s: %d, without %q", path, w.Code, want)
		}
		webtest.NoMissingWords(t, w.Body.String())
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/mailbox/2", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a mail that is not there: %d", w.Code)
	}
}
