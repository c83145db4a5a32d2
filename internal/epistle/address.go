package epistle

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Address is an e-mail address as the wire needs it: an ASCII local part and a
// domain in its ASCII (punycode) form, lower-cased. Make one with ParseAddress.
type Address string

// The limits of RFC 5321, section 4.5.3.1; a path of 256 octets includes its
// two angle brackets.
const (
	maxLocal   = 64
	maxAddress = 254
)

// ParseAddress reads what someone typed. It accepts a dot-atom local part
// (RFC 5322, section 3.2.3) and a domain with at least two labels, in Unicode or
// ASCII (IDNA 2008). It refuses quoted local parts, address literals, display
// names, comments, and anything with a control character or a space inside.
// The error's field is "email".
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(norm.NFC.String(s))
	if s == "" {
		return "", InvalidField("email", "address.missing")
	}
	local, domain, found := cutAt(s)
	if !found {
		return "", InvalidField("email", "address.no-at")
	}
	if !isDotAtom(local) {
		return "", InvalidField("email", "address.local")
	}
	ascii, err := asciiDomain(domain)
	if err != nil {
		return "", InvalidField("email", "address.domain")
	}
	if len(local) > maxLocal || len(local)+1+len(ascii) > maxAddress {
		return "", InvalidField("email", "address.long")
	}
	return Address(local + "@" + ascii), nil
}

// Canonical is the form by which an address is found and counted once:
// all lower case. Mail goes to the address as it was given.
func (a Address) Canonical() string { return strings.ToLower(string(a)) }

// Domain is the ASCII domain.
func (a Address) Domain() string {
	_, domain, _ := cutAt(string(a))
	return domain
}

// Display is the address as people read it, its domain in Unicode.
func (a Address) Display() string {
	local, domain, found := cutAt(string(a))
	if !found {
		return string(a)
	}
	if u, err := idna.Lookup.ToUnicode(domain); err == nil {
		domain = u
	}
	return local + "@" + domain
}

// Masked shows enough for its owner to recognise it and too little for others:
// the first letter, dots, and the domain.
func (a Address) Masked() string {
	local, domain, found := cutAt(a.Display())
	if !found || local == "" {
		return "•••"
	}
	return local[:1] + "•••@" + domain
}

// String hides the address, so that a stray %v in a log cannot show it.
func (a Address) String() string { return "[address]" }

// cutAt splits at the last @.
func cutAt(s string) (local, domain string, found bool) {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func isDotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune(".!#$%&'*+-/=?^_`{|}~", rune(c)) {
			return false
		}
	}
	return true
}

func asciiDomain(domain string) (string, error) {
	// idna.Lookup silently drops zero-width and default-ignorable characters;
	// an address that only looks like another one is refused instead.
	if !utf8.ValidString(domain) {
		return "", Errorf(Invalid, "address.domain", nil)
	}
	for _, r := range domain {
		if isInvisible(r) {
			return "", Errorf(Invalid, "address.domain", nil)
		}
	}
	ascii, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", err
	}
	ascii = strings.ToLower(ascii)
	// What came out must itself be a domain, or the address would be refused
	// when it is read again.
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return "", Errorf(Invalid, "address.domain", err)
	}
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 || len(ascii) > 253 {
		return "", Errorf(Invalid, "address.domain", nil)
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return "", Errorf(Invalid, "address.domain", nil)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "", Errorf(Invalid, "address.domain", nil) // an IP address is no domain
	}
	return ascii, nil
}
