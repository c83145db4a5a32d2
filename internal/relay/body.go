package relay

import "bytes"

// Stuff returns a body as Body wants it: dot-stuffed (RFC 5321, section 4.5.2),
// every line ended with CRLF, whatever it ended with. A stray CR inside a line
// is dropped, since some servers take it for a line end and with it could be
// made to see a second message. Of an empty body nothing is left to send.
func Stuff(body []byte) []byte {
	data := make([]byte, 0, len(body)+len(body)/50+2)
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, lineEnd[1:])
		body = rest
		line = bytes.TrimLeft(line, "\r")
		if len(line) > 0 && line[0] == '.' {
			data = append(data, '.')
		}
		for len(line) > 0 {
			part, rest, _ := bytes.Cut(line, lineEnd[:1])
			data, line = append(data, part...), rest
		}
		data = append(data, lineEnd...)
	}
	return data
}
