package relay

import (
	"bufio"
	"errors"
	"fmt"
)

// reply is what a relay answered, as far as it matters here. Its words are not
// kept: they may repeat an address.
type reply struct {
	code   int    // 200 to 599; 0 when none came
	status string // the first enhanced status code (RFC 3463) that agrees with code
}

// refuses reports a refusal after which the relay stays.
func (r reply) refuses() bool { return r.code >= 400 && r.code != 421 }

// The limits of a reply. RFC 5321, section 4.5.3.1.5, allows lines of 512
// octets; real relays exceed that.
const (
	maxReplyLine  = 4096 // with its line end; the size of textproto's buffer
	maxReplyLines = 100
)

// errMalformed is an answer that is no SMTP reply. After it nothing that comes
// on the connection can be matched to a command.
var errMalformed = errors.New("the relay's answer was malformed")

// readReply reads one reply (RFC 5321, section 4.2), of one line or several,
// and not a byte more. It accepts a bare LF as a line end and a code without
// text. A usual reply costs no allocation.
func readReply(r *bufio.Reader) (reply, error) {
	var whole reply
	for range maxReplyLines {
		line, err := readReplyLine(r)
		if err != nil {
			return reply{}, err
		}
		code, last := codeOf(line)
		if code == 0 || whole.code != 0 && code != whole.code {
			return reply{}, errMalformed
		}
		whole.code = code
		if whole.status == "" && len(line) > 4 {
			whole.status = statusAt(line[4:], code)
		}
		if last {
			return whole, nil
		}
	}
	return reply{}, fmt.Errorf("%w: more than %d lines", errMalformed, maxReplyLines)
}

// readReplyLine returns a line without its end, good until the next is read.
func readReplyLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) || len(line) > maxReplyLine {
		return nil, fmt.Errorf("%w: a line of more than %d bytes", errMalformed, maxReplyLine)
	}
	if err != nil {
		return nil, err
	}
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, nil
}

// codeOf reads the code of a line and whether it is the reply's last line; the
// code is 0 if there is none.
func codeOf(line []byte) (code int, last bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	switch {
	case len(line) == 3 || line[3] == ' ':
		return code, true
	case line[3] == '-':
		return code, false
	}
	return 0, false
}

// usualStatus has the codes that come all the time, so that finding one does
// not cost an allocation.
var usualStatus = map[string]string{}

func init() {
	for _, status := range []string{"2.0.0", "2.1.0", "2.1.5", "2.5.0", "2.6.0", "2.7.0", "4.2.0", "4.2.1", "4.2.2", "4.3.0", "4.3.2",
		"4.4.2", "4.7.0", "4.7.1", "5.1.1", "5.1.2", "5.2.1", "5.2.2", "5.5.1", "5.7.1"} {
		usualStatus[status] = status
	}
}

// statusAt is the enhanced status code at the start of a line's text, if it
// agrees with the reply code. It ends at a space or with the line.
func statusAt(text []byte, code int) string {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t') {
		text = text[1:]
	}
	if len(text) < len("5.1.1") || int(text[0]-'0') != code/100 {
		return ""
	}
	end := 1
	for range 2 {
		if end == len(text) || text[end] != '.' {
			return ""
		}
		end++
		digits := 0
		for end < len(text) && isDigit(text[end]) {
			end, digits = end+1, digits+1
		}
		if digits == 0 || digits > 3 {
			return ""
		}
	}
	if end < len(text) && text[end] != ' ' && text[end] != '\t' {
		return ""
	}
	if known, ok := usualStatus[string(text[:end])]; ok {
		return known
	}
	return string(text[:end])
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
