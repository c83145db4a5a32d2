package main

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMailsAreFitForAll inspects the HTML of every kind of mail, as the golden
// files of package render have it.
func TestMailsAreFitForAll(t *testing.T) {
	files, err := filepath.Glob("../../internal/render/testdata/*-*.eml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d golden mails, %v", len(files), err)
	}
	pages := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, pages[strings.Trim(r.URL.Path, "/")])
	}))
	t.Cleanup(server.Close)
	v := newVisitor(t, chromium(t), server.URL)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".eml")
		language := "en"
		if strings.Contains(name, "-ko") {
			language = "ko"
		}
		pages[name] = htmlOf(t, file)
		v.open("/" + name)
		v.inspectAsIs("mail-"+name, language)
	}
}

// htmlOf is the HTML of the mail in a file.
func htmlOf(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	for parts := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := parts.NextPart()
		if err != nil {
			t.Fatalf("%s has no HTML: %v", file, err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html, err := io.ReadAll(part) // NextPart undoes quoted-printable
			if err != nil {
				t.Fatal(err)
			}
			return string(html)
		}
	}
}
