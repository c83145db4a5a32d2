package sink

import (
	"bytes"
	"errors"
	"net"
)

// bufferSize holds a usual mail with the commands that follow it, and stays
// small enough for the processor's cache.
const bufferSize = 64 << 10

// firstBytes is how much is read of a mail that is then cut off.
const firstBytes = 4 << 10

// session is one conversation.
type session struct {
	server *Server
	conn   net.Conn
	in     []byte // in[r:w] was read from the connection and is not used up
	r, w   int
	out    []byte // replies that wait until nothing more can be answered at once
	from   []byte
	to     []byte
	record *record
}

func newSession(s *Server, conn net.Conn) *session {
	return &session{server: s, conn: conn, in: make([]byte, bufferSize), record: &record{digests: s.Digest}}
}

var (
	errLine = errors.New("a line is longer than the buffer")
	errBye  = errors.New("the client took its leave")
	errCut  = errors.New("the weather ended the session")
)

func (s *session) serve() {
	if err := s.answer(AtConnect, "220 sink ESMTP\r\n"); err != nil {
		_ = s.flush()
		return
	}
	for {
		line, err := s.line()
		if err != nil {
			return
		}
		if err := s.command(line); err != nil {
			_ = s.flush()
			return
		}
	}
}

func (s *session) reply(text string) { s.out = append(s.out, text...) }

func (s *session) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.out)
	s.out = s.out[:0]
	return err
}

// fill sends the replies that wait and reads more.
func (s *session) fill() error {
	if err := s.flush(); err != nil {
		return err
	}
	switch {
	case s.r == s.w:
		s.r, s.w = 0, 0
	case s.w > len(s.in)/2 && s.r > 0:
		s.w = copy(s.in, s.in[s.r:s.w])
		s.r = 0
	}
	if s.w == len(s.in) {
		return errLine
	}
	n, err := s.conn.Read(s.in[s.w:])
	s.w += n
	if n > 0 {
		return nil
	}
	return err
}

// line is the next command without its CRLF, good until the next call.
func (s *session) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(s.in[s.r:s.w], '\n'); i >= 0 {
			line := s.in[s.r : s.r+i]
			s.r += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

func (s *session) command(line []byte) error {
	var verb [4]byte
	copy(verb[:], line)
	for i := range verb {
		verb[i] &^= 0x20 // letters become capitals
	}
	switch string(verb[:]) {
	case "MAIL":
		s.from, s.to = append(s.from[:0], between(line)...), s.to[:0]
		return s.answer(AtMail, "250 2.1.0 Ok\r\n")
	case "RCPT":
		s.to = append(s.to[:0], between(line)...)
		return s.answer(AtRecipient, "250 2.1.5 Ok\r\n")
	case "DATA":
		if len(s.to) == 0 {
			s.reply("503 5.5.1 RCPT first\r\n")
			return nil
		}
		if err := s.answer(AtData, "354 Go on\r\n"); err != nil || len(s.to) == 0 {
			return err
		}
		err := s.mail()
		s.to = s.to[:0]
		return err
	case "EHLO":
		s.reply("250-sink\r\n")
		if !s.server.OneByOne {
			s.reply("250-PIPELINING\r\n")
		}
		s.reply("250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 52428800\r\n")
	case "HELO", "RSET", "NOOP":
		s.reply("250 2.0.0 Ok\r\n")
	case "QUIT":
		s.reply("221 2.0.0 Bye\r\n")
		return errBye
	default:
		s.reply("502 5.5.2 Unknown command\r\n")
	}
	return nil
}

func between(line []byte) []byte {
	_, rest, _ := bytes.Cut(line, []byte("<"))
	address, _, _ := bytes.Cut(rest, []byte(">"))
	return address
}

var (
	endOfMail   = []byte("\r\n.\r\n")
	endOfHeader = []byte("\r\n\r\n")
)

// mail reads to the final dot, records what came and answers. The line end of
// DATA counts as the mail's first, since a dot may follow it at once.
func (s *session) mail() error {
	s.r -= len("\r\n")
	s.in[s.r], s.in[s.r+1] = '\r', '\n' // also if the client sent a bare line feed
	if s.weather(InBody).HangUp {
		if s.flush() == nil && s.w-s.r <= len("\r\n") {
			_, _ = s.conn.Read(s.in[s.w:min(s.w+firstBytes, len(s.in))]) // some of it, and not the dot
		}
		return errCut
	}
	s.record.begin()
	var size int64    // of what was given up from the buffer
	searched := 0     // from s.r on
	headRead := false // the header was
	for {
		rest := s.in[s.r:s.w]
		if i := bytes.Index(rest[searched:], endOfMail); i >= 0 {
			end := searched + i + len("\r\n")
			if !headRead {
				s.record.header(rest[:end])
			}
			s.record.body(rest[:end])
			s.r += searched + i + len(endOfMail)
			return s.take(size + int64(end) - int64(len("\r\n")))
		}
		searched = max(0, len(rest)-len(endOfMail)+1)
		if len(rest) > len(s.in)/2 {
			if !headRead {
				s.record.header(rest)
				headRead = true
			}
			s.record.body(rest[:searched])
			s.r, size, searched = s.r+searched, size+int64(searched), 0
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// take records the mail that was read, unless the weather forbids it, and
// answers its final dot.
func (s *session) take(size int64) error {
	if f := s.weather(AtDot); f != (Fault{}) {
		return s.suffer(f)
	}
	if string(s.to) != s.server.Aside {
		s.record.mail(s.from, s.to, size)
		s.server.taken.Add(1)
	}
	return s.answer(AfterDot, "250 2.0.0 Taken\r\n")
}
