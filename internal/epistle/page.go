package epistle

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// ParsePageURL reads the address of a web page and returns its canonical form,
// by which a page is found whichever way somebody came to it: http or https,
// lower-case ASCII host, no default port, no fragment, one way of escaping, and
// without the parameters that only say where a visitor came from. It refuses
// credentials, control characters and anything that is no web page. Canonical
// forms are their own canonical form. The error belongs to field.
func ParsePageURL(field, s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", InvalidField(field, "url.missing")
	}
	if len(s) > MaxURL || !utf8.ValidString(s) || strings.ContainsFunc(s, unsafeInURL) {
		return "", InvalidField(field, "url.invalid")
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Opaque != "" {
		return "", InvalidField(field, "url.invalid")
	}
	host, err := canonicalHost(u)
	if err != nil {
		return "", InvalidField(field, "url.invalid")
	}
	clean := url.URL{Scheme: u.Scheme, Host: host, RawQuery: canonicalQuery(u.RawQuery)}
	clean.Path, clean.RawPath = canonicalPath(u)
	if strings.ContainsFunc(clean.Path, unicode.IsControl) {
		return "", InvalidField(field, "url.invalid")
	}
	text := clean.String()
	if len(text) > MaxURL {
		return "", InvalidField(field, "url.invalid")
	}
	return text, nil
}

// PageURLVariants lists the canonical URLs that mean the same page as this one
// on nearly every site, itself first: with the other scheme, and with or
// without the slash at the end.
func PageURLVariants(canonical string) []string {
	u, err := url.Parse(canonical)
	if err != nil {
		return []string{canonical}
	}
	variants := []string{canonical}
	add := func(v url.URL) { variants = append(variants, v.String()) }
	other := *u
	other.Scheme = map[string]string{"http": "https", "https": "http"}[u.Scheme]
	add(other)
	if u.Path == "/" {
		return variants
	}
	for _, v := range []url.URL{*u, other} {
		if strings.HasSuffix(v.Path, "/") {
			v.Path, v.RawPath = strings.TrimSuffix(v.Path, "/"), strings.TrimSuffix(v.RawPath, "/")
		} else {
			v.Path += "/"
			if v.RawPath != "" {
				v.RawPath += "/"
			}
		}
		add(v)
	}
	return variants
}

func unsafeInURL(r rune) bool {
	return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' || isDirection(r) || isInvisible(r)
}

func canonicalHost(u *url.URL) (string, error) {
	ascii, err := idna.Lookup.ToASCII(u.Hostname())
	if err != nil {
		return "", err
	}
	ascii = strings.ToLower(strings.TrimSuffix(ascii, "."))
	if strings.Trim(ascii, "0123456789abcdefghijklmnopqrstuvwxyz-.") != "" || slices.Contains(strings.Split(ascii, "."), "") {
		return "", Errorf(Invalid, "url.invalid", nil)
	}
	// Some hosts have a form that would not be accepted when it is read again.
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return "", Errorf(Invalid, "url.invalid", err)
	}
	port := u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		return ascii, nil
	}
	return ascii + ":" + port, nil
}

// canonicalPath keeps an escaped slash apart from a real one and is otherwise
// the decoded path, which url.URL escapes in one way only.
func canonicalPath(u *url.URL) (decoded, raw string) {
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return u.Path, u.RawPath
	}
	p := norm.NFC.String(u.Path)
	if p == "" {
		return "/", ""
	}
	slash := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..")
	if p = path.Clean(p); slash && p != "/" {
		p += "/"
	}
	return p, ""
}

// travelling are the parameters that senders and social networks add.
var travelling = []string{"utm_", "fbclid", "gclid", "igshid", "mc_cid", "mc_eid", "replytocom"}

func canonicalQuery(raw string) string {
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" || isTravelling(pair) {
			continue
		}
		kept = append(kept, escapeRest(pair))
	}
	return strings.Join(kept, "&")
}

func isTravelling(pair string) bool {
	name, _, _ := strings.Cut(strings.ToLower(pair), "=")
	for _, t := range travelling {
		if name == t || strings.HasSuffix(t, "_") && strings.HasPrefix(name, t) {
			return true
		}
	}
	return false
}

// escapeRest escapes what a query may not hold as it is and leaves alone what
// is escaped already.
func escapeRest(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>`{}|^", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
