package epistle

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of what people may type, in characters.
const (
	MaxName    = 100
	MaxComment = 4000
	MaxTitle   = 200
	MaxBody    = 50000
	MaxURL     = 2000
)

// CleanLine normalises a one-line text (NFC, outer space trimmed, inner runs of
// space folded) and refuses control characters, line breaks, direction
// overrides and invisible characters. Emoji, with their joiners, and Hangul
// survive. max counts characters; the error belongs to field.
func CleanLine(field, s string, max int) (string, error) {
	if !utf8.ValidString(s) {
		return "", InvalidField(field, "text.encoding")
	}
	s = strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	for _, r := range s {
		if unicode.IsControl(r) || isDirection(r) || isHidden(r) {
			return "", InvalidField(field, "text.invisible")
		}
	}
	if utf8.RuneCountInString(s) > max {
		return "", InvalidField(field, "text.long").With("Max", max)
	}
	return s, nil
}

// CleanText normalises a text of several lines: NFC, line ends to \n, outer
// space trimmed. Control characters other than tab and line end, and direction
// overrides, are refused; zero-width characters other than the emoji joiner
// are too.
func CleanText(field, s string, max int) (string, error) {
	if !utf8.ValidString(s) {
		return "", InvalidField(field, "text.encoding")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	s = strings.TrimSpace(norm.NFC.String(s))
	for _, r := range s {
		if r == '\n' || r == '\t' {
			continue
		}
		if unicode.IsControl(r) || isDirection(r) || isHidden(r) {
			return "", InvalidField(field, "text.invisible")
		}
	}
	if utf8.RuneCountInString(s) > max {
		return "", InvalidField(field, "text.long").With("Max", max)
	}
	return s, nil
}

// HasHangul reports whether a text has Korean letters.
func HasHangul(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) >= 0
}

// ScrubLine is CleanLine for what comes from another program and must not be
// lost: what CleanLine refuses is left out, and what is too long is cut. It
// returns how many characters it left out.
func ScrubLine(s string, max int) (string, int) {
	s, left := scrub(s, false)
	return cut(strings.Join(strings.Fields(s), " "), max), left
}

// ScrubText is CleanText for what comes from another program; see ScrubLine.
func ScrubText(s string, max int) (string, int) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s, left := scrub(strings.ReplaceAll(s, "\r", "\n"), true)
	return cut(strings.TrimSpace(s), max), left
}

func scrub(s string, lines bool) (string, int) {
	left := 0
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			if lines {
				return r
			}
			return ' '
		case r == utf8.RuneError || unicode.IsControl(r) || isDirection(r) || isHidden(r):
			left++
			return -1
		}
		return r
	}, s)
	return norm.NFC.String(s), left
}

// cut shortens a text to max characters.
func cut(s string, max int) string {
	if utf8.RuneCountInString(s) <= max {
		return s
	}
	n := 0
	for i := range s {
		if n == max-1 {
			return strings.TrimSpace(s[:i]) + "…"
		}
		n++
	}
	return s
}

const zeroWidthJoiner = '\u200d' // holds family and flag emoji together

// isDirection reports the characters that reorder text around them (Unicode
// bidirectional embeddings, overrides and isolates); they can make a name or
// an address read as something else. Right-to-left letters need none of them.
func isDirection(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\u200e' || r == '\u200f' || r == '\u061c'
}

// isInvisible reports characters that take no place and carry no meaning in
// names and addresses, the tag characters among them.
func isInvisible(r rune) bool {
	switch r {
	case '\u200b', '\u200c', zeroWidthJoiner, '\u2060', '\ufeff', '\u00ad', '\u115f', '\u1160', '\u3164', '\uffa0', '\u180e':
		return true
	}
	return r >= 0xe0000 && r <= 0xe007f
}

// isHidden reports what CleanLine and CleanText refuse: invisible characters
// but for those that emoji are built with (the joiner, and the tags of
// flags such as Scotland's).
func isHidden(r rune) bool {
	return isInvisible(r) && r != zeroWidthJoiner && (r < 0xe0020 || r > 0xe007f)
}
