// Package smtptest is an SMTP server for tests: it records every message with
// its envelope, and a script decides what it answers, when it hangs up and
// when it says nothing at all.
//
// It speaks plainly what RFC 5321 asks of a server and no more. A message is
// recorded when its final dot has come, before the reply, so that a copy whose
// reply is lost is counted too.
package smtptest

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// Stage is a point of the conversation at which a script may act.
type Stage string

const (
	Connect  Stage = "connect"
	Hello    Stage = "hello"
	StartTLS Stage = "starttls"
	Auth     Stage = "auth"
	Mail     Stage = "mail"
	Rcpt     Stage = "rcpt"
	Data     Stage = "data"
	Body     Stage = "body" // the dot has come
)

// Step is where a conversation stands.
type Step struct {
	Stage   Stage
	Conn    int // counts connections from 1
	Message int // counts the connection's messages from 1
	From    string
	To      string
	// Done is closed when the server stops; a script that
	// waits must watch it.
	Done <-chan struct{}
}

// Action is what a script wants done; the zero Action is a friendly answer.
type Action struct {
	Reply   string // instead of the friendly one; "\r\n" between the lines of several
	HangUp  bool   // close at once, without a reply
	Reset   bool   // as HangUp, but reset the connection, whatever was read
	Silence bool   // never reply, keep the connection open
	Leave   bool   // close after the reply
	// After is for the stage Data: the body is asked for, and the action
	// follows in the midst of it, after so many bytes; a Reply comes unasked
	// then. 0 acts at once.
	After int
	// When, if it is not nil, is for the stage Data, too: the body is asked for,
	// and the action follows when this is closed, whatever has come.
	When <-chan struct{}
}

// Message is one that came through to its final dot.
type Message struct {
	From, To string
	Data     []byte // CRLF line ends, dots unstuffed
	Conn     int
	Refused  bool // the reply was a refusal; else it was friendly, or never came
}

// Options says what a server offers.
type Options struct {
	TLS      *tls.Config // offered as STARTTLS
	Implicit bool        // TLS from the first byte
	User     string      // AUTH PLAIN is offered, and asked for
	Password string
	Script   func(Step) Action

	Pipelining     bool // is offered (RFC 2920)
	NoneOverTLS    bool // but after STARTTLS no more
	Together       bool // replies to commands that came together go out together
	Careless       bool // asks for a body though there is no recipient, and refuses that
	ForgetsTheRest bool // what came together with a command is thrown away, whatever was offered
}

// Server listens on loopback until the test ends.
type Server struct {
	options  Options
	listener net.Listener
	done     chan struct{}
	group    sync.WaitGroup

	mu       sync.Mutex
	script   func(Step) Action
	conns    map[net.Conn]bool
	dials    int
	messages []*Message
}

// Start listens on a free port of 127.0.0.1. The server is stopped, and its
// goroutines have ended, before the test is over.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if o.Implicit {
		listener = tls.NewListener(listener, o.TLS)
	}
	s := &Server{options: o, listener: listener, done: make(chan struct{}), script: o.Script, conns: map[net.Conn]bool{}}
	s.group.Go(s.accept)
	t.Cleanup(s.stop)
	return s
}

// Addr is host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Port is where it listens.
func (s *Server) Port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// URL is the address for relay.Parse.
func (s *Server) URL() string { return "smtp://" + s.Addr() }

// SetScript changes the script for everything that comes.
func (s *Server) SetScript(script func(Step) Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Messages returns what has come, in the order of the final dots.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Message, len(s.messages))
	for i, m := range s.messages {
		all[i] = *m
	}
	return all
}

// To returns the messages for one recipient.
func (s *Server) To(address string) []Message {
	var some []Message
	for _, m := range s.Messages() {
		if m.To == address {
			some = append(some, m)
		}
	}
	return some
}

// Dials is how many connections were made.
func (s *Server) Dials() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dials
}

// Open is how many connections there are at the moment.
func (s *Server) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// HangUpAll closes every connection, as a crash of the server would.
func (s *Server) HangUpAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

func (s *Server) stop() {
	close(s.done)
	_ = s.listener.Close()
	s.HangUpAll()
	s.group.Wait()
}

func (s *Server) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.dials++
		s.conns[conn] = true
		c := &session{server: s, conn: conn, number: s.dials}
		s.mu.Unlock()
		s.group.Go(func() {
			c.serve()
			s.mu.Lock()
			delete(s.conns, conn)
			s.mu.Unlock()
			_ = conn.Close()
		})
	}
}

func (s *Server) record(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, m)
}

func (s *Server) noteRefusal(m *Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.Refused = true
}

// session is one conversation.
type session struct {
	server   *Server
	conn     net.Conn
	text     *textproto.Conn
	number   int
	messages int
	secured  bool
	known    bool
	from, to string
	begun    bool // MAIL was taken
	wanted   bool // and RCPT
}

// errOver ends a conversation.
var errOver = errors.New("the conversation is over")

func (c *session) serve() {
	c.secured = c.server.options.Implicit
	c.text = textproto.NewConn(c.conn)
	if c.answer(Connect, "220 test ESMTP") != nil {
		return
	}
	for {
		if c.server.options.ForgetsTheRest {
			_, _ = c.text.R.Discard(c.text.R.Buffered())
		}
		line, err := c.text.ReadLine()
		if err != nil {
			return
		}
		if err := c.command(line); err != nil {
			return
		}
	}
}

// answer asks the script, then replies.
func (c *session) answer(stage Stage, friendly string) error {
	return c.act(c.ask(stage), friendly)
}

func (c *session) ask(stage Stage) Action {
	c.server.mu.Lock()
	script := c.server.script
	c.server.mu.Unlock()
	if script == nil {
		return Action{}
	}
	return script(Step{Stage: stage, Conn: c.number, Message: c.messages + 1, From: c.from, To: c.to, Done: c.server.done})
}

// says is the reply of an action.
func (a Action) says(friendly string) string {
	if a.Reply != "" {
		return a.Reply
	}
	return friendly
}

// refuses reports whether the reply of an action is a refusal.
func (a Action) refuses(friendly string) bool {
	return !a.HangUp && !a.Reset && !a.Silence && a.says(friendly)[0] >= '4'
}

func (c *session) act(a Action, friendly string) error {
	switch {
	case a.HangUp, a.Reset:
		_ = c.text.W.Flush() // what was said before goes out
		if a.Reset {
			Reset(c.conn)
		}
		return errOver
	case a.Silence:
		_ = c.text.W.Flush()
		_, _ = io.Copy(io.Discard, c.conn) // until the client hangs up
		return errOver
	}
	err := c.reply(a.says(friendly))
	if a.refuses(friendly) {
		err = errors.Join(err, errRefused)
	}
	if a.Leave {
		err = errors.Join(err, c.text.W.Flush(), errOver)
	}
	return err
}

// Reset closes a connection, and that of its TLS, as a system does that throws
// bytes away unread.
func Reset(conn net.Conn) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// errRefused is a refusal. Alone it does not end the conversation.
var errRefused = errors.New("refused")

// reply says something, but holds it back as long as more commands wait if all
// shall go out together.
func (c *session) reply(text string) error {
	if _, err := c.text.W.WriteString(text + "\r\n"); err != nil {
		return err
	}
	if c.server.options.Together && c.text.R.Buffered() > 0 {
		return nil
	}
	return c.text.W.Flush()
}

func (c *session) command(line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	err := c.handle(strings.ToUpper(verb), rest)
	if isRefusal(err) {
		return nil
	}
	return err
}

// isRefusal reports a refusal after which the conversation goes on.
func isRefusal(err error) bool { return errors.Is(err, errRefused) && !errors.Is(err, errOver) }

func (c *session) handle(verb, rest string) error {
	switch verb {
	case "EHLO", "HELO":
		return c.answer(Hello, c.greeting())
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		return c.auth(rest)
	case "MAIL":
		return c.mail(rest)
	case "RCPT":
		return c.rcpt(rest)
	case "DATA":
		return c.data()
	case "RSET":
		c.reset()
		return c.reply("250 2.0.0 Ok")
	case "NOOP":
		return c.reply("250 2.0.0 Ok")
	case "QUIT":
		_ = c.reply("221 2.0.0 Bye")
		return errOver
	}
	return c.reply("502 5.5.2 Unknown command")
}

func (c *session) greeting() string {
	lines := []string{"250-test", "250-8BITMIME", "250-ENHANCEDSTATUSCODES"}
	if c.server.options.TLS != nil && !c.secured {
		lines = append(lines, "250-STARTTLS")
	}
	if c.server.options.User != "" {
		lines = append(lines, "250-AUTH PLAIN")
	}
	if o := c.server.options; o.Pipelining && (!c.secured || !o.NoneOverTLS) {
		lines = append(lines, "250-PIPELINING")
	}
	return strings.Join(append(lines, "250 SIZE 52428800"), "\r\n")
}

func (c *session) startTLS() error {
	if err := c.answer(StartTLS, "220 Ready"); err != nil {
		return err
	}
	secured := tls.Server(c.conn, c.server.options.TLS)
	if err := secured.Handshake(); err != nil {
		return errOver
	}
	c.conn, c.text, c.secured = secured, textproto.NewConn(secured), true
	return nil
}

func (c *session) auth(rest string) error {
	_, initial, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(initial)
	o := c.server.options
	if err != nil || string(plain) != fmt.Sprintf("\x00%s\x00%s", o.User, o.Password) {
		return c.answer(Auth, "535 5.7.8 Wrong user or password")
	}
	c.known = true
	return c.answer(Auth, "235 2.7.0 Welcome")
}
