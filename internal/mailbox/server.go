package mailbox

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// maxMail bounds one mail; ours stay far below.
const maxMail = 5 << 20

// Serve answers SMTP on the listener until ctx ends. Give it a loopback
// listener: it takes mail for anyone from anyone.
func (b *Box) Serve(ctx context.Context, l net.Listener) error {
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{box: b}, nil
	}))
	server.Domain = "mailbox.localhost"
	server.MaxMessageBytes = maxMail
	server.MaxRecipients = 1
	server.ReadTimeout = time.Minute
	server.WriteTimeout = time.Minute
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

// session is one SMTP conversation.
type session struct {
	box       *Box
	from      string
	recipient string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.recipient = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	source, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.box.add(s.from, s.recipient, source)
	return nil
}

func (s *session) Reset() { s.from, s.recipient = "", "" }

func (s *session) Logout() error { return nil }
