package render

import (
	"encoding/base64"
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"epistle/internal/epistle"
)

// maxWord is how many octets of text an encoded word holds: 45 are 60 in
// base64, and with "=?utf-8?b?" and "?=" 72 of the 75 that RFC 2047 allows.
const maxWord = 45

// encodeWords is RFC 2047: plain ASCII as it is, anything else as encoded
// words.
func encodeWords(s string) string {
	if isPlain(s) {
		return s
	}
	return string(appendWords(nil, s, " "))
}

// appendWords writes encoded words that break between characters. Base64 is
// shorter than the Q encoding for Korean, and safe in a display name whatever
// that holds.
func appendWords(dst []byte, s, separator string) []byte {
	for {
		n := min(maxWord, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		var word [maxWord]byte
		dst = append(dst, "=?utf-8?b?"...)
		dst = base64.StdEncoding.AppendEncode(dst, word[:copy(word[:], s[:n])])
		dst = append(dst, "?="...)
		if s = s[n:]; s == "" {
			return dst
		}
		dst = append(dst, separator...)
	}
}

// isPlain reports printable ASCII that nobody could take for an encoded word.
func isPlain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return !strings.Contains(s, "=?")
}

// encodeMailbox writes a mailbox as RFC 5322 and 2047 want it. net/mail leaves
// characters in the words of a display name that its readers stumble over.
func encodeMailbox(a mail.Address) string {
	return string(appendMailbox(nil, a.Name, a.Address, " "))
}

// appendMailbox is encodeMailbox with what stands between encoded words.
func appendMailbox(dst []byte, name, address, separator string) []byte {
	switch {
	case name == "":
	case isPlain(name):
		dst = append(dst, '"')
		for i := 0; i < len(name); i++ {
			if name[i] == '"' || name[i] == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, name[i])
		}
		dst = append(dst, `" `...)
	default:
		dst = append(appendWords(dst, name, separator), ' ')
	}
	dst = append(dst, '<')
	dst = append(dst, address...)
	return append(dst, '>')
}

// folded puts each encoded word on a line of its own.
const folded = "\r\n "

// personName is a reader's name as headers and greetings carry it: one line of
// no more characters than anybody may type.
func personName(name string) string {
	if isTidy(name) {
		return name
	}
	if name = line(name); utf8.RuneCountInString(name) > epistle.MaxName {
		name = string([]rune(name)[:epistle.MaxName])
	}
	return name
}

// isTidy reports a name that personName would leave as it is, as nearly all
// are.
func isTidy(name string) bool {
	count, before := 0, ' '
	for _, r := range name {
		if unicode.IsControl(r) || isTrick(r) || unicode.IsSpace(r) && (r != ' ' || before == ' ') {
			return false
		}
		before = r
		count++
	}
	return count <= epistle.MaxName && (count == 0 || before != ' ') && utf8.ValidString(name)
}
