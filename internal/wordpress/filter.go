package wordpress

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// filter passes on the characters that XML allows and counts the rest: control
// characters, noncharacters and bytes that are no UTF-8. Exports hold them,
// since WordPress writes out what its database has.
type filter struct {
	from    io.Reader
	raw     []byte // read, not looked at yet
	clean   []byte // ready to be passed on
	buffer  []byte
	dropped int64
	err     error
}

const filterChunk = 64 << 10

func newFilter(from io.Reader) *filter {
	return &filter{from: from, buffer: make([]byte, filterChunk+utf8.UTFMax)}
}

func (f *filter) Read(p []byte) (int, error) {
	for len(f.clean) == 0 {
		if f.err != nil && len(f.raw) == 0 {
			return 0, f.err
		}
		f.fill()
	}
	n := copy(p, f.clean)
	f.clean = f.clean[n:]
	return n, nil
}

// fill reads a chunk and cleans it, but for a character that is not complete.
func (f *filter) fill() {
	n := copy(f.buffer, f.raw)
	if f.err == nil {
		var read int
		read, f.err = f.from.Read(f.buffer[n : n+filterChunk])
		n += read
	}
	chunk := f.buffer[:n]
	whole := n
	if f.err == nil {
		whole = n - incomplete(chunk)
	}
	f.raw = chunk[whole:]
	chunk = chunk[:whole]
	if isClean(chunk) {
		f.clean = chunk
		return
	}
	out := make([]byte, 0, len(chunk))
	for i := 0; i < len(chunk); {
		r, size := utf8.DecodeRune(chunk[i:])
		if r == utf8.RuneError && size == 1 || !allowed(r) {
			f.dropped++
		} else {
			out = append(out, chunk[i:i+size]...)
		}
		i += size
	}
	f.clean = out
	f.raw = append([]byte(nil), f.raw...)
}

// incomplete is how many bytes at the end begin a character whose rest is yet
// to come.
func incomplete(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if last := b[len(b)-n]; utf8.RuneStart(last) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// allowed tells XML's characters (XML 1.0, section 2.2).
func allowed(r rune) bool {
	return r >= ' ' && r != 0xfffe && r != 0xffff || r == '\t' || r == '\n' || r == '\r'
}

func isClean(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' {
			return false
		}
	}
	return utf8.Valid(b) && !bytes.Contains(b, []byte("\xef\xbf\xbe")) && !bytes.Contains(b, []byte("\xef\xbf\xbf"))
}
