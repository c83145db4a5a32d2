package render

import (
	"bytes"
	"mime"
	"mime/quotedprintable"
)

// encodeWords is RFC 2047: ASCII as it is, anything else as encoded words of
// at most 75 octets that break between characters. Base64 is the shorter for
// Korean.
func encodeWords(s string) string { return mime.BEncoding.Encode("utf-8", s) }

// quoted is the quoted-printable form of a part.
func quoted(s string) []byte {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // into memory
	_ = w.Close()
	return b.Bytes()
}
