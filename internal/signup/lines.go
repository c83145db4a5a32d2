package signup

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/korean"
	utf16 "golang.org/x/text/encoding/unicode"

	"epistle/internal/epistle"
)

// fileLine is a line that was read, or why it could not be.
type fileLine struct {
	text   string
	number int
	err    error
}

// maxLine is how long a line may be, in bytes.
const maxLine = 64 << 10

// lineReader reads lines of bounded length with their numbers.
type lineReader struct {
	source *bufio.Reader
	number int
	again  []fileLine
	line   []byte // the one that is being read
}

func (r *lineReader) next() (string, int, error) {
	if len(r.again) > 0 {
		l := r.again[0]
		r.again = r.again[1:]
		return l.text, l.number, l.err
	}
	line, long := r.line[:0], false
	r.number++
	for {
		part, err := r.source.ReadSlice('\n')
		if long = long || len(line)+len(part) > maxLine; !long {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && (len(line) > 0 || long):
		case err != nil:
			return "", r.number, err
		}
		break
	}
	if long {
		return "", r.number, epistle.Errorf(epistle.Invalid, "signup.row-long", nil)
	}
	r.line = line
	text, err := lineText(bytes.TrimRight(line, "\r\n"))
	return text, r.number, err
}

// lineText reads a line as UTF-8, or as CP949 (Korean Windows) if it is not.
// The bytes of CP949's characters are never line ends, quotes or separators, so
// lines can be told apart before.
func lineText(line []byte) (string, error) {
	if bytes.IndexByte(line, 0) >= 0 {
		return "", epistle.Errorf(epistle.Invalid, "text.encoding", nil)
	}
	if utf8.Valid(line) {
		return string(line), nil
	}
	text, err := korean.EUCKR.NewDecoder().Bytes(line) // this is CP949, by the Encoding Standard
	if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
		return "", epistle.Errorf(epistle.Invalid, "text.encoding", err)
	}
	return string(text), nil
}

// decoded strips a byte order mark and turns UTF-16 into UTF-8; without a mark,
// UTF-16 shows itself by the empty halves of its first letters.
func decoded(r *bufio.Reader) (*bufio.Reader, error) {
	start, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	wide := func(e utf16.Endianness) (*bufio.Reader, error) {
		return bufio.NewReaderSize(utf16.UTF16(e, utf16.UseBOM).NewDecoder().Reader(r), 64<<10), nil
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xef, 0xbb, 0xbf}):
		_, err := r.Discard(3)
		return r, err
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}):
		return wide(utf16.LittleEndian)
	case bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return wide(utf16.BigEndian)
	case len(start) == 4 && start[1] == 0 && start[3] == 0 && start[0] != 0:
		return wide(utf16.LittleEndian)
	case len(start) == 4 && start[0] == 0 && start[2] == 0 && start[1] != 0:
		return wide(utf16.BigEndian)
	}
	return r, nil
}
