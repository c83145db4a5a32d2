// Package webtest helps to test pages through the kernel.
package webtest

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/web"
	"epistle/templates"
)

// Catalog is the whole catalogue.
func Catalog(t testing.TB) *locale.Catalog {
	t.Helper()
	files, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// Kernel is a kernel as the program makes it, on http://localhost.
func Kernel(t testing.TB, clock epistle.Clock) *web.Kernel {
	t.Helper()
	return KernelWith(t, clock, func(*web.Options) {})
}

// KernelWith is Kernel with changed options.
func KernelWith(t testing.TB, clock epistle.Clock, change func(*web.Options)) *web.Kernel {
	t.Helper()
	files, err := fs.Sub(templates.Web, "web")
	if err != nil {
		t.Fatal(err)
	}
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	o := web.Options{
		Catalog: Catalog(t), Templates: files, PublicURL: "http://localhost", Location: seoul, Clock: clock,
		Ministry: epistle.Text{EN: "Lantern House", KO: "등불의 집"},
		Hash:     func(kind, value string) []byte { h := sha256.Sum256([]byte(kind + "\x00" + value)); return h[:] },
		Log:      slog.New(slog.DiscardHandler),
	}
	change(&o)
	k, err := web.New(o)
	if err != nil {
		t.Fatalf("make the kernel: %v", err)
	}
	return k
}

// SignedIn is a guard that has everybody signed in as m.
func SignedIn(m epistle.StaffMember) web.Guard { return guard{m} }

type guard struct{ member epistle.StaffMember }

func (g guard) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.member.ID != 0 {
			r = r.WithContext(web.WithStaff(r.Context(), g.member))
		}
		next.ServeHTTP(w, r)
	})
}

// Nobody is a guard under which nobody is signed in.
func Nobody() web.Guard { return guard{} }

// Page executes a page's template in every language, as an administrator sees
// it, and fails on an error or on a key that the catalogue lacks. It returns
// the HTML by language.
func Page(t testing.TB, k *web.Kernel, name string, data any) map[epistle.Language]string {
	t.Helper()
	pages := map[epistle.Language]string{}
	for _, l := range epistle.Languages {
		r := httptest.NewRequest(http.MethodGet, "/desk/", nil)
		member := epistle.StaffMember{ID: 1, Name: "Hana", Role: epistle.Admin, Language: l}
		r = r.WithContext(web.WithStaff(r.Context(), member))
		w := httptest.NewRecorder()
		if err := k.Render(w, r, name, data); err != nil {
			t.Fatalf("%s in %s: %v", name, l, err)
		}
		pages[l] = w.Body.String()
		NoMissingWords(t, pages[l])
	}
	return pages
}

// Answer reads what a request was answered with: the status and the page, which
// must lack no words.
func Answer(t testing.TB, r *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	NoMissingWords(t, string(body))
	return r.StatusCode, string(body)
}

// NoMissingWords fails when a page shows a key instead of its message.
func NoMissingWords(t testing.TB, html string) {
	t.Helper()
	for rest := html; ; {
		i := strings.IndexByte(rest, '[')
		if i < 0 {
			return
		}
		rest = rest[i+1:]
		end := strings.IndexByte(rest, ']')
		if end <= 0 || end > 60 {
			continue
		}
		key := rest[:end]
		if strings.Contains(key, ".") && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == "" {
			t.Errorf("the catalogue has no %q", key)
		}
	}
}
