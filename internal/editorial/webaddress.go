package editorial

import (
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"epistle/internal/epistle"
)

// WebAddress is the address of a page that readers are sent to, taken apart so
// that a person can judge it.
type WebAddress struct {
	URL     string // cleaned, ASCII
	Secure  bool   // https
	Host    string // as people read it: example.org, 통일.example
	ASCII   string // as the network reads it; differs from Host for a name in other letters
	Domain  string // the registrable part of Host: whoever owns it owns the page
	Subhost string // what of Host stands before Domain, with its last dot
	Rest    string // of the URL, after the host: path and query
}

// ParseWebAddress cleans and judges an address that readers will be sent to. It
// takes http and https to a public host name: no user info, no IP address in
// any spelling, no port but the scheme's own, no invisible or control
// characters, no backslash. An address without a scheme is read as https. Known
// tracking parameters and the fragment are removed; other parameters stay as
// they are, since many sites name their articles by one. The result is its own
// result. The error belongs to field.
func ParseWebAddress(field, s string) (WebAddress, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return WebAddress{}, epistle.InvalidField(field, "link.url.missing")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, neverInURL) {
		return WebAddress{}, epistle.InvalidField(field, "link.url.characters")
	}
	scheme, authority, path, query, err := splitURL(field, s)
	if err != nil {
		return WebAddress{}, err
	}
	if strings.Contains(authority, "@") {
		return WebAddress{}, epistle.InvalidField(field, "link.url.user")
	}
	name, err := withoutPort(field, scheme, authority)
	if err != nil {
		return WebAddress{}, err
	}
	a, err := parseHost(field, name)
	if err != nil {
		return WebAddress{}, err
	}
	a.Secure = scheme == "https"
	a.Rest = cleanPath(path)
	if query = cleanQuery(a.ASCII, query); query != "" {
		a.Rest += "?" + query
	}
	a.URL = scheme + "://" + a.ASCII + a.Rest
	if len(a.URL) > epistle.MaxURL {
		return WebAddress{}, epistle.InvalidField(field, "link.url.long").With("Max", epistle.MaxURL)
	}
	if _, err := url.Parse(a.URL); err != nil {
		return WebAddress{}, epistle.InvalidField(field, "link.url.characters")
	}
	return a, nil
}

// Variants lists the addresses that nearly always lead to the same page, this
// one first: the other scheme, with and without www, with and without a slash
// at the end.
func (a WebAddress) Variants() []string {
	hosts := []string{a.ASCII, "www." + a.ASCII}
	if bare, found := strings.CutPrefix(a.ASCII, "www."); found {
		hosts[1] = bare
	}
	rests := []string{a.Rest}
	switch path, query, _ := strings.Cut(a.Rest, "?"); {
	case path == "/":
	case query != "": // a query makes the slash before it part of the name
	case strings.HasSuffix(path, "/"):
		rests = append(rests, strings.TrimSuffix(path, "/"))
	default:
		rests = append(rests, path+"/")
	}
	schemes := []string{"https://", "http://"}
	if !a.Secure {
		slices.Reverse(schemes)
	}
	var all []string
	for _, scheme := range schemes {
		for _, host := range hosts {
			for _, rest := range rests {
				all = append(all, scheme+host+rest)
			}
		}
	}
	return all
}

// splitURL takes the text apart as browsers do, not as the standard library
// does: nothing is decoded, so nothing can hide behind an encoding.
func splitURL(field, s string) (scheme, authority, path, query string, err error) {
	s, _, _ = strings.Cut(s, "#")
	scheme, rest, found := strings.Cut(s, "://")
	if !found || strings.ContainsAny(scheme, "/?") {
		// "example.org/news", as people type it, but not "javascript:…".
		if before, _, _ := strings.Cut(s, "/"); strings.ContainsAny(before, ":?") || !strings.Contains(before, ".") {
			return "", "", "", "", epistle.InvalidField(field, "link.url.scheme")
		}
		scheme, rest = "https", s
	}
	scheme = strings.ToLower(scheme)
	if scheme != "http" && scheme != "https" {
		return "", "", "", "", epistle.InvalidField(field, "link.url.scheme")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	authority = rest[:end]
	path, query, _ = strings.Cut(rest[end:], "?")
	return scheme, authority, path, query, nil
}

func withoutPort(field, scheme, authority string) (string, error) {
	if strings.ContainsAny(authority, "[]%") {
		return "", epistle.InvalidField(field, "link.url.host")
	}
	name, port, found := strings.Cut(authority, ":")
	if found && port != "" && (scheme != "http" || port != "80") && (scheme != "https" || port != "443") {
		return "", epistle.InvalidField(field, "link.url.port")
	}
	return name, nil
}

// privateZones are the last labels of names that only mean something inside a
// network, or nothing at all.
var privateZones = []string{"localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "onion", "arpa", "invalid"}

// freeZones hand out names to anybody under them, and the public suffix list
// does not know them.
var freeZones = []string{"kro.kr", "p-e.kr", "o-r.kr", "n-e.kr", "r-e.kr"}

func parseHost(field, name string) (WebAddress, error) {
	bad := epistle.InvalidField(field, "link.url.host")
	if strings.ContainsFunc(name, func(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }) {
		return WebAddress{}, bad // IDNA drops them silently
	}
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil {
		return WebAddress{}, bad
	}
	ascii = strings.ToLower(ascii)
	labels := strings.Split(ascii, ".")
	if len(labels) < 2 || len(ascii) > 253 {
		return WebAddress{}, bad
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(label, "0123456789abcdefghijklmnopqrstuvwxyz-") != "" {
			return WebAddress{}, bad
		}
	}
	// Browsers read a name whose last label is a number, in any base, as an
	// IP address. No top-level domain has a digit but the encoded ones.
	last := labels[len(labels)-1]
	if strings.ContainsAny(last, "0123456789") && !strings.HasPrefix(last, "xn--") {
		return WebAddress{}, epistle.InvalidField(field, "link.url.ip")
	}
	if slices.Contains(privateZones, last) {
		return WebAddress{}, bad
	}
	domain, err := registrable(ascii)
	if err != nil {
		return WebAddress{}, bad // a bare public suffix, such as co.kr
	}
	a := WebAddress{ASCII: ascii}
	if a.Host, err = idna.Lookup.ToUnicode(ascii); err != nil {
		return WebAddress{}, bad
	}
	if again, err := idna.Lookup.ToASCII(a.Host); err != nil || again != ascii {
		return WebAddress{}, bad
	}
	// The domain is the last labels of the host in either writing.
	keep := strings.Count(domain, ".") + 1
	parts := strings.Split(a.Host, ".")
	a.Domain = strings.Join(parts[len(parts)-keep:], ".")
	a.Subhost = strings.TrimSuffix(a.Host, a.Domain)
	return a, nil
}

func registrable(host string) (string, error) {
	for _, zone := range freeZones {
		rest, found := strings.CutSuffix(host, "."+zone)
		if found {
			return rest[strings.LastIndexByte(rest, '.')+1:] + "." + zone, nil
		}
	}
	return publicsuffix.EffectiveTLDPlusOne(host)
}

// neverInURL reports what no honest address holds: controls, spaces, the
// backslash (browsers read it as a slash), and characters that hide or reorder
// others.
func neverInURL(r rune) bool {
	return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// cleanPath removes dot segments and escapes what a path may not hold; what is
// escaped stays so, since %2F is not a slash.
func cleanPath(path string) string {
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, escapeURL(segment))
			continue
		}
		if last {
			kept = append(kept, "") // "/a/." is "/a/"
		}
	}
	return "/" + strings.Join(kept, "/")
}

// trackers are the parameters that tell a site who sent the link and where it
// was seen. Some of them name the person who shared it.
var trackers = []string{"fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "ysclid", "twclid", "ttclid",
	"li_fat_id", "igshid", "igsh", "mc_cid", "mc_eid", "mkt_tok", "_hsenc", "_hsmi", "hsctatracking", "vero_id", "oly_anon_id", "oly_enc_id",
	"wickedid", "_openstat", "s_kwcid", "epik", "rb_clickid", "__twitter_impression", "ref_src", "napm", "n_media", "n_query", "n_rank",
	"n_ad_group", "n_ad", "n_keyword_id", "n_keyword", "n_campaign_type"}

// trackerPrefixes begin whole families of them.
var trackerPrefixes = []string{"utm_", "pk_", "mtm_", "hsa_"}

// sharedBy are the parameters by which one site marks who shared a page, though
// elsewhere the same names mean something else.
var sharedBy = map[string][]string{
	"youtube.com": {"si", "feature", "pp"},
	"youtu.be":    {"si", "feature"},
	"spotify.com": {"si"},
}

func cleanQuery(host, query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if pair != "" && !isTracker(host, pair) {
			kept = append(kept, escapeURL(pair))
		}
	}
	return strings.Join(kept, "&")
}

func isTracker(host, pair string) bool {
	name, _, _ := strings.Cut(pair, "=")
	if decoded, err := url.QueryUnescape(name); err == nil {
		name = decoded
	}
	name = strings.ToLower(name)
	if slices.Contains(trackers, name) {
		return true
	}
	for _, prefix := range trackerPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	for site, names := range sharedBy {
		if (host == site || strings.HasSuffix(host, "."+site)) && slices.Contains(names, name) {
			return true
		}
	}
	return false
}

// escapeURL escapes what an address may not hold as it is, and leaves alone
// what is escaped already.
func escapeURL(s string) string {
	const allowed = "-._~!$&'()*+,;=:@/?"
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(allowed, c) >= 0:
			b.WriteByte(c)
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b.WriteString(strings.ToUpper(s[i : i+3]))
			i += 2
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
