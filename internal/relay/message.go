package relay

import (
	"bytes"
	"errors"
	"net"
	"os"
	"time"
)

// Envelope is who sends a message and who is to get it: addresses without
// angle brackets. An empty From is the null reverse-path (RFC 5321, section
// 4.5.5).
type Envelope struct{ From, To string }

// fits reports whether both addresses can stand in a command. Ours always can;
// this keeps a line break out of the conversation, whatever happens upstream.
func (e Envelope) fits() bool { return fits(e.From) && e.To != "" && fits(e.To) }

// maxPath is RFC 5321's, section 4.5.3.1.3, less the angle brackets.
const maxPath = 254

func fits(address string) bool {
	for i := range len(address) {
		if b := address[i]; b <= ' ' || b >= 0x7f || b == '<' || b == '>' {
			return false
		}
	}
	return len(address) <= maxPath
}

// Begin says MAIL, RCPT and DATA: in one write where the relay pipelines, else
// one by one. Accepted means that the relay waits for the body: then either
// Body or Close must follow. After any other outcome the connection is ready
// for the next message, or closed.
//
// sure is asked right before DATA is written, which is before anything is
// written when the three go together; its error closes the connection and is
// returned. nil is always sure. If End has announced this envelope, only the
// replies are read, and sure is not asked: who announces is sure.
func (c *Conn) Begin(e Envelope, sure func() error) (Outcome, error) {
	c.waited = 0
	o, err := c.begin(e, sure)
	o.Took = c.waited
	return o, err
}

func (c *Conn) begin(e Envelope, sure func() error) (Outcome, error) {
	switch {
	case c.Closed():
		return lost(AtMail, net.ErrClosed), nil
	case c.stand == announced && c.next == e:
		c.await(c.timeouts.Command)
		return c.answers(), nil
	case c.stand != idle:
		return c.giveUp(lost(AtMail, errMisuse)), nil
	case !e.fits():
		return unspeakable(), nil
	case c.r.Buffered() > 0:
		return c.giveUp(lost(AtMail, errOutOfTurn)), nil
	case !c.pipelines:
		return c.oneByOne(e, sure)
	}
	if err := c.ask(sure); err != nil {
		return Outcome{}, err
	}
	c.out = c.out[:0]
	if c.undone {
		c.out = append(c.out, "RSET\r\n"...)
	}
	c.out = e.appendTo(c.out)
	c.deadline(c.timeouts.Command)
	if _, err := c.write(c.out); err != nil {
		return c.giveUp(lost(AtMail, err)), nil
	}
	if c.undone {
		if o := c.hear(AtMail); o.Class != Accepted {
			return c.stumble(o, o.Err), nil
		}
		c.undone = false
	}
	return c.answers(), nil
}

// appendTo writes the envelope as a group of commands; DATA comes last, as
// RFC 2920, section 3.1, has it.
func (e Envelope) appendTo(b []byte) []byte {
	b = append(b, "MAIL FROM:<"...)
	b = append(b, e.From...)
	b = append(b, ">\r\nRCPT TO:<"...)
	b = append(b, e.To...)
	return append(b, ">\r\nDATA\r\n"...)
}

func (c *Conn) ask(sure func() error) error {
	if sure == nil {
		return nil
	}
	err := sure()
	if err != nil {
		_ = c.Close()
	}
	return err
}

// hear reads and judges the reply that is due at a stage.
func (c *Conn) hear(stage Stage) Outcome {
	var began time.Time
	if c.r.Buffered() == 0 {
		began = time.Now()
	}
	r, err := readReply(c.r)
	if !began.IsZero() {
		c.waited += time.Since(began)
	}
	if err != nil {
		return lost(stage, err)
	}
	return judge(stage, r)
}

// answers reads the replies to MAIL, RCPT and DATA that went out together.
func (c *Conn) answers() Outcome {
	c.undone = true
	o := c.hear(AtMail)
	if o.doubtful {
		return c.stumble(o, o.Err)
	}
	c.await(c.timeouts.Command)
	if o.Class != Accepted {
		if r, err := readReply(c.r); err != nil || !r.refuses() {
			return c.stumble(o, err) // it refuses MAIL and likes RCPT
		}
		return c.refused(o)
	}
	if o = c.hear(AtRcpt); o.doubtful {
		return c.stumble(o, o.Err)
	}
	c.await(c.timeouts.Data)
	if o.Class != Accepted {
		return c.refused(o)
	}
	if o = c.hear(AtData); o.doubtful {
		return c.stumble(o, o.Err)
	}
	return c.turn(o)
}

// refused reads the reply to a DATA that went out together with a MAIL or RCPT
// that was refused. The outcome is that of the refusal. A relay that asks for
// the body all the same gets an empty one, which it must refuse (RFC 2920,
// section 3.1); where it does not even know a sender, we hang up.
func (c *Conn) refused(o Outcome) Outcome {
	r, err := readReply(c.r)
	if err == nil && r.code == 354 && o.Stage == AtRcpt {
		c.deadline(c.timeouts.Command)
		if _, err = c.write(finalDot); err == nil {
			r, err = readReply(c.r)
		}
	}
	if err != nil || !r.refuses() {
		return c.stumble(o, err)
	}
	return c.turn(o)
}

// turn ends what the relay had to say: now it is ours to speak.
func (c *Conn) turn(o Outcome) Outcome {
	if c.r.Buffered() > 0 {
		if o.Class == Accepted {
			o = lost(o.Stage, errOutOfTurn)
		}
		return c.stumble(o, errOutOfTurn)
	}
	c.stand = idle
	if o.Class == Accepted {
		c.stand = open
	}
	return o
}

// stumble gives up a connection whose replies to commands sent together do not
// add up, err being what is wrong if it is not the reply of o. That the relay
// hung up or took its leave is no stumbling, nor that it never began to answer.
func (c *Conn) stumble(o Outcome, err error) Outcome {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.stumbled = o.Stage != AtMail || c.stand == announced
	case err == nil:
		c.stumbled = o.Code != 421
	default:
		c.stumbled = !isBroken(err)
	}
	return c.giveUp(o)
}

// oneByOne is Begin with a relay that takes one command at a time.
func (c *Conn) oneByOne(e Envelope, sure func() error) (Outcome, error) {
	if c.undone {
		if o := c.command(AtMail, c.timeouts.Command, "RSET", ""); o.Class != Accepted {
			return c.giveUp(o), nil
		}
	}
	c.undone = false
	o := c.command(AtMail, c.timeouts.Command, "MAIL FROM:", e.From)
	if o.Class != Accepted {
		return o, nil
	}
	c.undone = true
	if o = c.command(AtRcpt, c.timeouts.Command, "RCPT TO:", e.To); o.Class != Accepted {
		return o, nil
	}
	if err := c.ask(sure); err != nil {
		return Outcome{}, err
	}
	if o = c.command(AtData, c.timeouts.Data, "DATA", ""); o.Class == Accepted {
		c.stand = open
	}
	return o, nil
}

// command says one command, with a path if its verb ends with a colon, and
// hears its reply, which must be all that comes.
func (c *Conn) command(stage Stage, patience time.Duration, verb, path string) Outcome {
	c.out = append(c.out[:0], verb...)
	if verb[len(verb)-1] == ':' {
		c.out = append(c.out, '<')
		c.out = append(c.out, path...)
		c.out = append(c.out, '>')
	}
	c.out = append(c.out, "\r\n"...)
	c.deadline(patience)
	if _, err := c.write(c.out); err != nil {
		return c.giveUp(lost(stage, err))
	}
	o := c.hear(stage)
	if o.Class == Accepted && c.r.Buffered() > 0 {
		o = lost(stage, errOutOfTurn)
	}
	if o.doubtful || c.r.Buffered() > 0 {
		return c.giveUp(o)
	}
	return o
}

// stretch is how much of a body is written under one deadline.
const stretch = 256 << 10

var (
	lineEnd  = []byte("\r\n")
	finalDot = []byte(".\r\n")
)

// Body hands the message to the connection, in as many pieces as it comes: it
// is dot-stuffed, every line of it ends with CRLF, and the final dot is missing.
// Accepted means that it is on its way and that the relay will not deliver it
// before End: then either End or Close must follow. After any other outcome the
// connection is closed.
func (c *Conn) Body(pieces ...[]byte) Outcome {
	switch {
	case c.Closed():
		return lost(AtBody, net.ErrClosed)
	case c.stand != open, !endsLine(pieces):
		return c.giveUp(lost(AtBody, errMisuse))
	}
	size := 0
	c.batch = c.batch[:0]
	for _, piece := range pieces {
		for len(piece) > 0 {
			n := min(len(piece), stretch-size)
			c.batch, piece, size = append(c.batch, piece[:n]), piece[n:], size+n
			if size < stretch {
				continue
			}
			if err := c.writeStretch(); err != nil {
				return c.interrupted(err)
			}
			size = 0
		}
	}
	if err := c.writeStretch(); err != nil {
		return c.interrupted(err)
	}
	c.stand = told
	return Outcome{Class: Accepted, Stage: AtBody}
}

// Keep is Body for a message whose dot follows at once. Where it can, it keeps
// the body, and End writes it together with the dot: a relay that waits for the
// dot is woken once and not twice. The pieces must stay as they are until then.
func (c *Conn) Keep(pieces ...[]byte) Outcome {
	size := 0
	for _, piece := range pieces {
		size += len(piece)
	}
	if c.Closed() || c.secured || size > stretch || c.stand != open || !endsLine(pieces) {
		return c.Body(pieces...) // or its objections
	}
	c.batch, c.kept, c.keptAt, c.stand = append(c.batch[:0], pieces...), size, time.Now(), told
	return Outcome{Class: Accepted, Stage: AtBody}
}

func endsLine(pieces [][]byte) bool {
	return len(pieces) > 0 && bytes.HasSuffix(pieces[len(pieces)-1], lineEnd)
}

// writeStretch writes the batch under one deadline, and empties it.
func (c *Conn) writeStretch() error {
	c.deadline(c.timeouts.Block)
	_, err := c.writeBatch()
	return err
}

// interrupted is the outcome of a body that the relay did not hear out. Unless
// it just went silent, it may have said why.
func (c *Conn) interrupted(err error) Outcome {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.deadline(min(brief, c.timeouts.Command))
		if r, none := readReply(c.r); none == nil {
			return c.giveUp(judge(AtBody, r))
		}
	}
	return c.giveUp(lost(AtBody, err))
}

// End sends the final dot and returns what the relay made of the message, as
// soon as it says so. If no usable reply comes, the outcome is Uncertain and
// the connection is closed. If the dot certainly did not go out, or the relay
// hung up in a way which shows that it did not read it (see unread), the outcome
// is Temporary at AtBody, and the connection is closed as well.
//
// next, if it is not nil, is announced in the same write where the relay
// pipelines: Begin must come with it next, unless the connection is closed.
func (c *Conn) End(next *Envelope) Outcome {
	o := c.end(next)
	o.Took = c.waited
	return o
}

func (c *Conn) end(next *Envelope) Outcome {
	switch {
	case c.Closed():
		return lost(AtBody, net.ErrClosed)
	case c.stand != told:
		return c.giveUp(lost(AtBody, errMisuse))
	}
	if c.kept == 0 || time.Since(c.keptAt) > moment {
		if err := c.quiet(); err != nil {
			return c.interrupted(err)
		}
	}
	c.stand, c.undone = idle, false
	c.out = append(c.out[:0], finalDot...)
	if next != nil && c.pipelines && next.fits() {
		c.out = next.appendTo(c.out)
		c.stand, c.next = announced, *next
	}
	c.deadline(c.timeouts.Final)
	dotted := time.Now()
	if left, err := c.writeEnd(); err != nil {
		if left == len(c.out) {
			return c.interrupted(err)
		}
		return c.giveUp(c.unanswered(err, dotted))
	}
	o := c.hear(AtDot)
	if o.Class == Uncertain && o.Err != nil {
		o = c.unanswered(o.Err, dotted)
	}
	if o.doubtful || c.stand == idle && c.r.Buffered() > 0 {
		return c.giveUp(o)
	}
	return o
}

// moment is how long a body may be kept without asking, before its dot, whether
// the relay has spoken or hung up since it waits for it.
const moment = time.Millisecond

// unanswered is the outcome of a message whose dot went out at dotted and whose
// connection then ended.
func (c *Conn) unanswered(end error, dotted time.Time) Outcome {
	unread, guessed := c.unread(end, dotted)
	if !unread {
		return lost(AtDot, end)
	}
	o := lost(AtBody, end)
	o.Reset = guessed
	return o
}

// writeEnd writes the dot and what goes with it, after the body if that was
// kept. On an error, left is how many bytes from the dot on certainly did not go
// out.
func (c *Conn) writeEnd() (left int, err error) {
	if c.kept == 0 {
		return c.write(c.out)
	}
	_ = c.raw.SetWriteDeadline(time.Now().Add(c.timeouts.Block))
	c.batch = append(c.batch, c.out)
	all := int64(c.kept + len(c.out))
	c.kept = 0
	written, err := c.writeBatch()
	return int(min(int64(len(c.out)), all-written)), err
}

// Send gives one whole message to the relay: Begin, Body and End in one. body is
// not dot-stuffed, and its lines may end as they like.
func (c *Conn) Send(from, to string, body []byte) Outcome {
	o, _ := c.Begin(Envelope{from, to}, nil)
	if o.Class == Accepted {
		o = c.Body(Stuff(body))
	}
	if o.Class == Accepted {
		o = c.End(nil)
	}
	return o
}
