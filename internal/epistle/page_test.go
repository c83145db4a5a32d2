package epistle_test

import (
	"slices"
	"strings"
	"testing"

	"epistle/internal/epistle"
)

func TestAPageIsFoundWhicheverWayItIsWritten(t *testing.T) {
	for in, want := range map[string]string{
		"https://Example.org":                                        "https://example.org/",
		"https://example.org:443/a/b#comments":                       "https://example.org/a/b",
		"http://example.org:80/":                                     "http://example.org/",
		"http://example.org:8080/x":                                  "http://example.org:8080/x",
		"https://example.org/a?utm_source=mail&p=7&fbclid=x":         "https://example.org/a?p=7",
		"https://example.org/news?idxno=12":                          "https://example.org/news?idxno=12",
		"https://example.org/a/../b/./c/":                            "https://example.org/b/c/",
		"https://example.org/기도":                                     "https://example.org/%EA%B8%B0%EB%8F%84",
		"https://example.org/%ea%b8%b0%eb%8f%84":                     "https://example.org/%EA%B8%B0%EB%8F%84",
		"https://example.org/\u1100\u1175\u1103\u1169":               "https://example.org/%EA%B8%B0%EB%8F%84",
		"https://한국.example/":                                        "https://xn--3e0b707e.example/",
		"  https://example.org/x  ":                                  "https://example.org/x",
		"https://example.org/x?q=\"><script>":                        "https://example.org/x?q=%22%3E%3Cscript%3E",
		"https://example.org/a%2Fb":                                  "https://example.org/a%2Fb",
		"https://example.org./trailing-dot":                          "https://example.org/trailing-dot",
		"https://example.org/x?replytocom=9&gclid=1&utm_campaign=aa": "https://example.org/x",
	} {
		got, err := epistle.ParsePageURL("page", in)
		if err != nil || got != want {
			t.Errorf("ParsePageURL(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestWhatIsNoPageIsRefused(t *testing.T) {
	for _, in := range []string{
		"", "   ", "example.org/x", "/x", "//example.org/x", "javascript:alert(1)", "data:text/html,x", "ftp://example.org/",
		"https://", "https://user:pass@example.org/", "https://user@example.org/", "https://example.org/a b", "https://example.org/\x00",
		"https://example.org/%00", "https://example.org/%0a", "https://example.org\\@evil.example/", "https://example.org/\u202egpj",
		"https://exam\u200bple.org/", "https://[::1]/", "https://[fe80::1%25eth0]/", "mailto:a@example.org", "https:example.org",
		"https://example.org/" + strings.Repeat("x", 2001), "https://example.org/\xff",
	} {
		if got, err := epistle.ParsePageURL("page", in); err == nil {
			t.Errorf("ParsePageURL(%q) = %q, want an error", in, got)
		}
	}
}

func TestPageURLVariants(t *testing.T) {
	got := epistle.PageURLVariants("https://example.org/a")
	want := []string{"https://example.org/a", "http://example.org/a", "https://example.org/a/", "http://example.org/a/"}
	if !slices.Equal(got, want) {
		t.Errorf("variants: %q, want %q", got, want)
	}
	if got := epistle.PageURLVariants("https://example.org/"); len(got) != 2 {
		t.Errorf("variants of a home page: %q", got)
	}
}

func FuzzParsePageURL(f *testing.F) {
	for _, s := range []string{"https://example.org/a?b=c#d", "http://한국.example:80/%ea%b8%b0/../x", "https://e.org/%2F?%zz=\"", "https://e/..", "http://a.b?&&utm_x=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := epistle.ParsePageURL("page", s)
		if err != nil {
			return
		}
		if twice, err := epistle.ParsePageURL("page", once); err != nil || twice != once {
			t.Errorf("%q became %q, and that %q (%v)", s, once, twice, err)
		}
		if strings.ContainsAny(once, "\"<>\r\n ") {
			t.Errorf("%q became the unsafe %q", s, once)
		}
		for _, v := range epistle.PageURLVariants(once) {
			if got, err := epistle.ParsePageURL("page", v); err != nil || got != v {
				t.Errorf("the variant %q of %q is not canonical: %q, %v", v, once, got, err)
			}
		}
	})
}
