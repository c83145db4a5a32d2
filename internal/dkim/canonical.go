package dkim

import (
	"bytes"
	"crypto/sha256"
	"fmt"
)

// canonicalHeader appends the signed fields of a header, relaxed (RFC 6376,
// 3.4.2), each with its line end, in the order of h=. A field that is not there
// adds nothing.
func canonicalHeader(dst, head []byte) ([]byte, error) {
	var at [len(signed)][]byte
	for len(head) > 0 {
		field := head[:fieldEnd(head)]
		head = head[len(field):]
		i := signedAs(field)
		if i < 0 {
			continue
		}
		if at[i] != nil {
			return nil, fmt.Errorf("dkim: the message has more than one %s", signed[i])
		}
		at[i] = field
	}
	if at[0] == nil {
		return nil, fmt.Errorf("dkim: the message has no %s", signed[0])
	}
	for _, field := range at {
		if field != nil {
			dst = append(appendRelaxed(dst, field), "\r\n"...)
		}
	}
	return dst, nil
}

// fieldEnd is where the first field ends: at the first line end that no white
// space follows.
func fieldEnd(head []byte) int {
	end := 0
	for {
		n := bytes.IndexByte(head[end:], '\n')
		if n < 0 {
			return len(head)
		}
		end += n + 1
		if end == len(head) || head[end] != ' ' && head[end] != '\t' {
			return end
		}
	}
}

// signedAs is a field's place among the signed ones, -1 if it has none.
func signedAs(field []byte) int {
	colon := bytes.IndexByte(field, ':')
	if colon < 0 {
		return -1
	}
	name := bytes.TrimRight(field[:colon], " \t")
	for i, s := range signed {
		if len(s) == len(name) && bytes.EqualFold(name, []byte(s)) {
			return i
		}
	}
	return -1
}

// appendRelaxed appends a header field on one line without its end: the name
// in small letters, white space as single spaces, none around the value.
func appendRelaxed(dst, field []byte) []byte {
	name, value, _ := bytes.Cut(field, []byte(":"))
	for _, c := range bytes.TrimRight(name, " \t") {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	dst = append(dst, ':')
	start, space := len(dst), false
	for _, c := range value {
		switch c {
		case '\r', '\n': // what follows a line end within a field is white space
		case ' ', '\t':
			space = true
		default:
			if space && len(dst) > start {
				dst = append(dst, ' ')
			}
			space = false
			dst = append(dst, c)
		}
	}
	return dst
}

// bodyHash is the hash of a body, simple (RFC 6376, 3.4.3): all but the empty
// lines at its end.
func bodyHash(body []byte) [sha256.Size]byte {
	for bytes.HasSuffix(body, []byte("\r\n\r\n")) {
		body = body[:len(body)-2]
	}
	if len(body) == 0 {
		body = []byte("\r\n")
	}
	return sha256.Sum256(body)
}
