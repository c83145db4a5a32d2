package render

import (
	"bytes"
	"encoding/base64"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"unicode/utf8"

	"epistle/internal/epistle"
)

// maxWord is how many octets of text an encoded word holds: 45 are 60 in
// base64, and with "=?utf-8?b?" and "?=" 72 of the 75 that RFC 2047 allows.
const maxWord = 45

// encodeWords is RFC 2047: plain ASCII as it is, anything else as encoded
// words that break between characters. Base64 is shorter than the Q encoding
// for Korean, and safe in a display name whatever that holds.
func encodeWords(s string) string {
	if isPlain(s) {
		return s
	}
	var words []string
	for len(s) > 0 {
		n := min(maxWord, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, " ")
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
	switch {
	case a.Name == "":
		return "<" + a.Address + ">"
	case isPlain(a.Name):
		return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Address + ">"
	default:
		return encodeWords(a.Name) + " <" + a.Address + ">"
	}
}

// personName is a reader's name as headers and greetings carry it: one line of
// no more characters than anybody may type.
func personName(name string) string {
	if name = line(name); utf8.RuneCountInString(name) > epistle.MaxName {
		name = string([]rune(name)[:epistle.MaxName])
	}
	return name
}

// fold puts each encoded word on a line of its own.
func fold(value string) string { return strings.ReplaceAll(value, "?= =?", "?=\r\n =?") }

// quoted is the quoted-printable form of a part.
func quoted(s string) []byte {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // into memory
	_ = w.Close()
	return b.Bytes()
}
