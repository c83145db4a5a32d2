package render

import "bytes"

// lineRoom is how much of a line of quoted-printable may be used: 76 octets
// less one for the sign of a soft break (RFC 2045, 6.7).
const lineRoom = 75

// quoted is the quoted-printable form of a text.
func quoted(s string) []byte { return appendQuoted(nil, []byte(s)) }

// appendQuoted writes a text as quoted-printable from column 0; every \n, with
// or without \r before it, is a line end. No line begins with a dot or with
// "From ": these are encoded, as RFC 2049, 3 advises, so a message keeps its
// bytes, and a signature its worth, whatever it passes, and it is the same
// before and after dot-stuffing.
func appendQuoted(dst, text []byte) []byte {
	column := 0
	for i, c := range text {
		if c == '\r' {
			continue
		}
		if c == '\n' {
			dst = append(dst, '\r', '\n')
			column = 0
			continue
		}
		width := 3
		if isLiteral(c, text[i+1:]) {
			width = 1
		}
		if column+width > lineRoom {
			dst = append(dst, softBreak...)
			column = 0
		}
		if column == 0 && (c == '.' || bytes.HasPrefix(text[i:], fromLine)) {
			width = 3
		}
		column += width
		if width == 1 {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

var fromLine = []byte("From ")

const hexDigits = "0123456789ABCDEF"

// isLiteral reports an octet that may stand for itself; space only where it
// does not end a line.
func isLiteral(c byte, after []byte) bool {
	if c == ' ' || c == '\t' {
		return len(after) > 0 && after[0] != '\r' && after[0] != '\n'
	}
	return c > ' ' && c <= '~' && c != '='
}
