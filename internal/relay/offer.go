package relay

import (
	"context"
	"errors"
	"net"
	"net/textproto"
	"strings"
)

// Send gives one whole message to the relay. body has CRLF line ends and is not
// dot-stuffed. The end of ctx hangs up.
func (c *Conn) Send(ctx context.Context, from, to string, body []byte) Outcome {
	defer c.closeWhenDone(ctx)()
	o, _ := c.Begin(Envelope{from, to}, nil)
	if o.Class == Accepted {
		o = c.Body(Stuff(body))
	}
	if o.Class == Accepted {
		o = c.End(nil)
	}
	return o
}

// Offer says MAIL and RCPT. Accepted means that the relay would take a message:
// then either Data or Close must follow. After any other outcome the
// connection is ready for the next message, or closed. An empty from is the
// null reverse-path.
func (c *Conn) Offer(ctx context.Context, from, to string) Outcome {
	if c.closed {
		return lost(AtMail, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	c.deadline(c.timeouts.Command)
	if err := c.client.Mail(path(from)); err != nil {
		return c.settle(judgeError(AtMail, err))
	}
	c.deadline(c.timeouts.Command)
	if err := c.client.Rcpt(path(to)); err != nil {
		return c.settle(judgeError(AtRcpt, err))
	}
	return Outcome{Class: Accepted, Stage: AtRcpt, Code: 250}
}

// Data says DATA. Accepted means that the relay waits for the body: then either
// Finish or Close must follow.
func (c *Conn) Data(ctx context.Context) Outcome {
	if c.closed {
		return lost(AtData, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	c.deadline(c.timeouts.Data)
	if err := c.data(); err != nil {
		return c.settle(judgeError(AtData, err))
	}
	return Outcome{Class: Accepted, Stage: AtData, Code: 354}
}

// Finish sends the body and the final dot and returns what the relay made of
// the message. If no usable reply comes after the dot, the outcome is
// Uncertain and the connection is closed.
func (c *Conn) Finish(ctx context.Context, body []byte) Outcome {
	if c.closed {
		return lost(AtBody, net.ErrClosed)
	}
	defer c.closeWhenDone(ctx)()
	c.stand = open
	o := c.Body(Stuff(body))
	if o.Class == Accepted {
		o = c.End(nil)
	}
	return o
}

// path is an address as MAIL and RCPT need it.
func path(address string) string { return "<" + address + ">" }

func (c *Conn) data() error {
	text := c.client.Text
	id, err := text.Cmd("DATA")
	if err != nil {
		return err
	}
	text.StartResponse(id)
	defer text.EndResponse(id)
	_, _, err = text.ReadResponse(354)
	return err
}

// closeWhenDone hangs up if ctx ends before the returned function is called.
func (c *Conn) closeWhenDone(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { _ = c.raw.Close() })
	return func() {
		if !stop() {
			c.closed = true
		}
	}
}

// settle keeps the connection usable after a refusal, or closes it.
func (c *Conn) settle(o Outcome) Outcome {
	if o.doubtful {
		_ = c.Close()
		return o
	}
	if o.Stage == AtRcpt || o.Stage == AtData {
		// The transaction that MAIL began is still open.
		c.deadline(c.timeouts.Command)
		if err := c.client.Reset(); err != nil {
			_ = c.Close()
		}
	}
	return o
}

func judgeError(stage Stage, err error) Outcome {
	var said *textproto.Error
	if !errors.As(err, &said) {
		return lost(stage, err)
	}
	r := reply{code: said.Code}
	for line := range strings.SplitSeq(said.Msg, "\n") {
		if r.status == "" {
			r.status = statusAt([]byte(line), said.Code)
		}
	}
	return judge(stage, r)
}
