package relay

import (
	"bufio"
	"bytes"
)

// deadlineWriter sets a fresh deadline for each stretch of the body, so that a
// slow relay has time for every buffer and a stuck one does not hold us.
type deadlineWriter struct {
	conn  *Conn
	w     *bufio.Writer
	since int
}

// stretch is how much is written under one deadline.
const stretch = 32 << 10

func (d *deadlineWriter) write(p []byte) error {
	if d.since == 0 || d.since > stretch {
		d.conn.deadline(d.conn.timeouts.Block)
		d.since = 0
	}
	d.since += len(p)
	_, err := d.w.Write(p)
	return err
}

var (
	crlf  = []byte("\r\n")
	dot   = []byte(".")
	final = []byte(".\r\n")
)

// writeDotted writes the body dot-stuffed (RFC 5321, section 4.5.2) and the
// final dot. Every line ends with CRLF, whatever it ended with; a stray CR
// inside a line is dropped, since some servers take it for a line end and with
// it could be made to see a second message.
func writeDotted(w *deadlineWriter, body []byte) error {
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, crlf[1:])
		body = rest
		line = bytes.TrimSuffix(line, crlf[:1])
		if bytes.IndexByte(line, '\r') >= 0 {
			line = bytes.ReplaceAll(line, crlf[:1], nil)
		}
		if len(line) > 0 && line[0] == '.' {
			if err := w.write(dot); err != nil {
				return err
			}
		}
		if err := w.write(line); err != nil {
			return err
		}
		if err := w.write(crlf); err != nil {
			return err
		}
	}
	if err := w.write(final); err != nil {
		return err
	}
	w.conn.deadline(w.conn.timeouts.Block)
	return w.w.Flush()
}
