package render

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"epistle/internal/epistle"
)

// isWebURL reports whether s is an absolute http or https address that may be
// linked from a mail.
func isWebURL(s string) bool {
	u, ok := parseURL(s)
	return ok && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil
}

// isLinkURL also takes mailto.
func isLinkURL(s string) bool {
	u, ok := parseURL(s)
	if ok && u.Scheme == "mailto" {
		_, err := epistle.ParseAddress(u.Opaque)
		return err == nil && u.RawQuery == ""
	}
	return isWebURL(s)
}

func parseURL(s string) (*url.URL, bool) {
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '\\' || unicode.IsControl(r) || isTrick(r) }) {
		return nil, false
	}
	u, err := url.Parse(s)
	return u, err == nil
}

// hostOf is the bare host of a link, as readers see where it goes: in ASCII, so
// that a lookalike cannot hide, and without "www.".
func hostOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Hostname())
	if ascii, err := idna.Punycode.ToASCII(host); err == nil {
		host = ascii
	}
	return strings.TrimPrefix(host, "www.")
}

// isTrick reports characters that make text read as something that it is not:
// direction overrides, and invisible ones other than those emoji are built of.
func isTrick(r rune) bool {
	switch r {
	case '\u200b', '\u2060', '\ufeff', '\u00ad', '\u180e', '\u061c', '\u2028', '\u2029':
		return true
	}
	return r >= '\u200e' && r <= '\u200f' || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// clean takes out what no text of a mail may hold: damaged encoding, control
// characters other than tab and line end, tricks. Line ends become \n.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) || isTrick(r):
			return -1
		}
		return r
	}, s)
}

// line is clean for a text that must stay on one line, headers above all.
func line(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// isWireAddress guards the envelope and the headers once more: whatever came
// through ParseAddress passes.
func isWireAddress(a epistle.Address) bool {
	local, domain, found := strings.Cut(string(a), "@")
	return found && local != "" && len(a) <= 254 && localBytes.haveAll(local) && isDomain(domain)
}

func isDomain(s string) bool {
	return s != "" && len(s) <= 253 && domainBytes.haveAll(s) && s[0] != '.' && s[len(s)-1] != '.' && s[0] != '-'
}

const lettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

var (
	localBytes  = bytesOf(lettersAndDigits + ".!#$%&'*+-/=?^_`{|}~")
	domainBytes = bytesOf(lettersAndDigits + "-.")
)

// byteSet has true for its members. Every mail asks; strings.Trim would make its
// set anew each time.
type byteSet [256]bool

func bytesOf(members string) (set byteSet) {
	for i := range len(members) {
		set[members[i]] = true
	}
	return set
}

// haveAll reports whether every byte of s is a member.
func (set *byteSet) haveAll(s string) bool {
	for i := range len(s) {
		if !set[s[i]] {
			return false
		}
	}
	return true
}
