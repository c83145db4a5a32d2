package smtptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

func (c *session) reset() { c.from, c.to, c.begun, c.wanted = "", "", false, false }

func (c *session) mail(rest string) error {
	if c.begun {
		return c.reply("503 5.5.1 One at a time")
	}
	c.from, c.to = between(rest), ""
	if c.server.options.User != "" && !c.known {
		return c.reply("530 5.7.0 Authentication required")
	}
	err := c.answer(Mail, "250 2.1.0 Ok")
	c.begun = err == nil
	return err
}

func (c *session) rcpt(rest string) error {
	if !c.begun {
		return c.reply("503 5.5.1 MAIL first")
	}
	c.to = between(rest)
	err := c.answer(Rcpt, "250 2.1.5 Ok")
	c.wanted = err == nil
	return err
}

func (c *session) data() error {
	switch {
	case c.wanted:
	case !c.begun:
		return c.reply("503 5.5.1 MAIL first")
	case !c.server.options.Careless:
		return c.reply("554 5.5.1 No valid recipients")
	}
	const friendly = "354 Go on"
	action := c.ask(Data)
	if action.After == 0 && action.When == nil {
		if err := c.act(action, friendly); err != nil {
			return err
		}
		return c.body()
	}
	if err := c.reply(friendly); err != nil {
		return err
	}
	return c.bodyUntil(action)
}

func (c *session) body() error { return c.taken(readDotted(c.text.R)) }

// bodyUntil reads a part of the body, or waits, then acts. If the action leaves the
// conversation alive, the rest is read too.
func (c *session) bodyUntil(a Action) error {
	if a.When != nil {
		select {
		case <-a.When:
		case <-c.server.done:
			return errOver
		}
	}
	head := make([]byte, a.After)
	if _, err := io.ReadFull(c.text.R, head); err != nil {
		return errOver
	}
	if a.Silence {
		<-c.server.done // and reads nothing, so that the sender has to stop
		return errOver
	}
	if err := c.act(a, "451 4.3.0 In the midst"); err != nil && !isRefusal(err) {
		return err
	}
	line, err := c.text.R.ReadBytes('\n')
	if err != nil {
		return errOver
	}
	var data []byte
	for line := range bytes.SplitAfterSeq(append(head, line...), []byte("\n")) {
		data = append(data, bytes.TrimPrefix(line, []byte("."))...)
	}
	rest, err := readDotted(c.text.R)
	return c.taken(append(data, rest...), err)
}

// taken records what came and answers the dot.
func (c *session) taken(data []byte, err error) error {
	if err != nil {
		return errOver
	}
	m := &Message{From: c.from, To: c.to, Data: data, Conn: c.number}
	friendly := "250 2.0.0 Taken"
	if !c.wanted {
		m.To, friendly = "", "554 5.5.1 No valid recipients"
	}
	c.server.record(m)
	action := c.ask(Body)
	if action.refuses(friendly) {
		c.server.noteRefusal(m)
	}
	err = c.act(action, friendly)
	c.messages++
	c.reset()
	return err
}

func between(s string) string {
	_, s, _ = strings.Cut(s, "<")
	s, _, _ = strings.Cut(s, ">")
	return s
}

// readDotted reads to the lone dot and keeps line ends as they are on the wire.
func readDotted(r *bufio.Reader) ([]byte, error) {
	var data []byte
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("a line is longer than any line of a mail may be: %w", err)
		}
		if err != nil {
			return nil, err
		}
		if string(line) == ".\r\n" {
			return data, nil
		}
		if line[0] == '.' {
			line = line[1:]
		}
		data = append(data, line...)
	}
}
