package desk

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/desk/issues/4?x=1", "//evil.example/desk/", "/desk/\\\\evil", "https://evil.example/desk/", "/desk/../../x", "/desk/\t/x", "%2f%2fevil", "/desk/sign-out"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := safeNext(next)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(got, "/desk/") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q", next, got)
		}
	})
}
