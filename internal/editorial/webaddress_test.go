package editorial_test

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
)

func TestWebAddressesAreCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"https://news.example.org/story":                                             "https://news.example.org/story",
		"  https://news.example.org  ":                                               "https://news.example.org/",
		"news.example.org/story":                                                     "https://news.example.org/story",
		"HTTP://News.Example.ORG:80/A/b":                                             "http://news.example.org/A/b",
		"https://news.example.org:443/":                                              "https://news.example.org/",
		"https://news.example.org./a":                                                "https://news.example.org/a",
		"https://news.example.org/a#part":                                            "https://news.example.org/a",
		"https://news.example.org/a#:~:text=word":                                    "https://news.example.org/a",
		"https://news.example.org/a?idxno=12":                                        "https://news.example.org/a?idxno=12",
		"https://news.example.org/a?utm_source=x&idxno=12&fbclid=y":                  "https://news.example.org/a?idxno=12",
		"https://news.example.org/a?UTM_Source=x":                                    "https://news.example.org/a",
		"https://news.example.org/a?%75tm_source=x":                                  "https://news.example.org/a",
		"https://news.example.org/a?gclid=1&&b=&c":                                   "https://news.example.org/a?b=&c",
		"https://news.example.org/a?":                                                "https://news.example.org/a",
		"https://news.example.org?id=1":                                              "https://news.example.org/?id=1",
		"https://news.example.org/a/../b/./c/":                                       "https://news.example.org/b/c/",
		"https://news.example.org/a/%2e%2e/b":                                        "https://news.example.org/b",
		"https://news.example.org/a/..":                                              "https://news.example.org/",
		"https://news.example.org/a%2fb":                                             "https://news.example.org/a%2Fb",
		"https://news.example.org/100%":                                              "https://news.example.org/100%25",
		"https://news.example.org/기사?제목=가&id=2":                                      "https://news.example.org/%EA%B8%B0%EC%82%AC?%EC%A0%9C%EB%AA%A9=%EA%B0%80&id=2",
		"https://통일.kr/소식":                                                           "https://xn--pu5bz0q.kr/%EC%86%8C%EC%8B%9D",
		"https://xn--pu5bz0q.kr/":                                                    "https://xn--pu5bz0q.kr/",
		"https://www.youtube.com/watch?v=abc&si=who":                                 "https://www.youtube.com/watch?v=abc",
		"https://youtu.be/abc?si=who&t=30":                                           "https://youtu.be/abc?t=30",
		"https://news.example.org/a?si=kept":                                         "https://news.example.org/a?si=kept",
		"https://news.example.org/a\"><script>":                                      "https://news.example.org/a%22%3E%3Cscript%3E",
		"https://news.example.org/view?u=https://other.example.org/?utm_source=kept": "https://news.example.org/view?u=https://other.example.org/?utm_source=kept",
	} {
		got, err := editorial.ParseWebAddress("url", in)
		if err != nil || got.URL != want {
			t.Errorf("%s\n gave %s, error %v\nwant %s", in, got.URL, err, want)
		}
	}
}

func TestWebAddressesThatAreRefused(t *testing.T) {
	for in, key := range map[string]string{
		"":                                       "link.url.missing",
		"ftp://news.example.org/":                "link.url.scheme",
		"javascript:alert(1)":                    "link.url.scheme",
		"data:text/html,x":                       "link.url.scheme",
		"mailto:a@example.org":                   "link.url.scheme",
		"//news.example.org/a":                   "link.url.scheme",
		"just words":                             "link.url.characters",
		"story":                                  "link.url.scheme",
		"https://good.example.org@bad.example":   "link.url.user",
		"https://a:b@news.example.org/":          "link.url.user",
		"https://good.example.org\\@bad.example": "link.url.characters",
		"https://news.example.org/a b":           "link.url.characters",
		"https://news.example.org/\x00":          "link.url.characters",
		"https://news.exam\u200bple.org/":        "link.url.characters",
		"https://news.example.org/\u202egnp":     "link.url.characters",
		"https://exa\ufe0fmple.org/":             "link.url.host",
		"https://news.example.org:8080/":         "link.url.port",
		"http://news.example.org:443/":           "link.url.port",
		"https://[::1]/":                         "link.url.host",
		"https://[fe80::1%25eth0]/":              "link.url.host",
		"https://127.0.0.1/":                     "link.url.ip",
		"https://192.168.1.10:443/":              "link.url.ip",
		"https://127.1/":                         "link.url.ip",
		"https://1.2.3.0x7f/":                    "link.url.ip",
		"https://2130706433/":                    "link.url.host",
		"https://localhost/":                     "link.url.host",
		"https://printer.local/":                 "link.url.host",
		"https://www.%65xample.org/":             "link.url.host",
		"https://co.kr/":                         "link.url.host",
		"https://-a.example.org/":                "link.url.host",
		"https://a..example.org/":                "link.url.host",
		"https://ex_ample.org/":                  "link.url.host",
		"https:///a":                             "link.url.host",
		"https://":                               "link.url.host",
		"https://news.example.org/\xff":          "link.url.characters",
		"https://news.example.org/" + strings.Repeat("a", 2000): "link.url.long",
	} {
		_, err := editorial.ParseWebAddress("url", in)
		var e *epistle.Error
		if !errors.As(err, &e) || e.Message != key || e.Field != "url" {
			t.Errorf("%q gave %v, want %s", in, err, key)
		}
	}
}

func TestAHostIsTakenApartForPeople(t *testing.T) {
	for in, want := range map[string][4]string{ // host, ascii, subhost, domain
		"https://www.example.co.kr/":             {"www.example.co.kr", "www.example.co.kr", "www.", "example.co.kr"},
		"https://paper.example.org.bad.example/": {"paper.example.org.bad.example", "paper.example.org.bad.example", "paper.example.org.", "bad.example"},
		"https://news.통일.kr/":                    {"news.통일.kr", "news.xn--pu5bz0q.kr", "news.", "통일.kr"},
		"https://paper.free.kro.kr/":             {"paper.free.kro.kr", "paper.free.kro.kr", "paper.", "free.kro.kr"},
	} {
		a, err := editorial.ParseWebAddress("url", in)
		if got := [4]string{a.Host, a.ASCII, a.Subhost, a.Domain}; err != nil || got != want {
			t.Errorf("%s gave %q, error %v; want %q", in, got, err, want)
		}
	}
}

func TestVariantsBeginWithTheAddressItself(t *testing.T) {
	a, err := editorial.ParseWebAddress("url", "http://www.example.org/a/")
	if err != nil {
		t.Fatal(err)
	}
	variants := a.Variants()
	if variants[0] != a.URL {
		t.Errorf("the first variant is %s", variants[0])
	}
	for _, want := range []string{"https://example.org/a", "https://www.example.org/a/", "http://example.org/a/"} {
		if !slices.Contains(variants, want) {
			t.Errorf("%s is not among %q", want, variants)
		}
	}
}

func FuzzParseWebAddress(f *testing.F) {
	for _, seed := range []string{"https://news.example.org/a?utm_source=x&id=2#y", "통일.kr/소식", "http://a@b:99/%2e%2e/", "https://1.2.3.4",
		"https://example.org/%zz?%zz&=&utm_", "https://ex\u00adample.org", "https://xn--a.example", "HTTPS://EXAMPLE.org.:443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := editorial.ParseWebAddress("url", s)
		if err != nil {
			var e *epistle.Error
			if !errors.As(err, &e) || e.Field != "url" {
				t.Fatalf("%q: %v is no error of the field", s, err)
			}
			return
		}
		again, err := editorial.ParseWebAddress("url", a.URL)
		if err != nil || again != a {
			t.Fatalf("%q gave %+v, which gave %+v, error %v", s, a, again, err)
		}
		u, err := url.Parse(a.URL)
		if err != nil || u.Host != a.ASCII || u.User != nil || u.Fragment != "" || u.Port() != "" {
			t.Fatalf("%q gave %q, which the standard library reads as %+v, error %v", s, a.URL, u, err)
		}
		if strings.ContainsFunc(a.URL, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^{|}`+"`", r) }) {
			t.Fatalf("%q gave %q", s, a.URL)
		}
		if a.Subhost+a.Domain != a.Host {
			t.Fatalf("%q: %q and %q do not make %q", s, a.Subhost, a.Domain, a.Host)
		}
		for key := range u.Query() {
			if strings.HasPrefix(strings.ToLower(key), "utm_") {
				t.Fatalf("%q kept the parameter %q", s, key)
			}
		}
	})
}
