package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"sync/atomic"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// Trouble says why there is no connection.
type Trouble string

const (
	Unreachable Trouble = "unreachable" // no route, no answer, or a refusal at the greeting
	BadTLS      Trouble = "tls"         // TLS was asked for and failed
	BadAuth     Trouble = "auth"        // the relay refuses our user and password
)

// DialError is a connection that did not come about. Its text names neither
// user nor password.
type DialError struct {
	Trouble Trouble
	Err     error
}

func (e *DialError) Error() string { return fmt.Sprintf("relay %s: %v", e.Trouble, e.Err) }
func (e *DialError) Unwrap() error { return e.Err }

// Dial connects and greets, with TLS and AUTH as the options say. Every error
// is a *DialError. Ending ctx ends the attempt.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	o.Timeouts = o.Timeouts.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.Timeouts.Dial)
	defer cancel()
	d := &dialer{options: o, tls: o.tlsConfig()}
	client, err := d.newClient()
	if err != nil {
		return nil, &DialError{Unreachable, err}
	}
	// go-mail forgets ctx once TCP stands, and leaves the connection open when
	// TLS or AUTH fails.
	stop := context.AfterFunc(ctx, d.hangUp)
	conversation, err := client.DialToSMTPClientWithContext(ctx)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err == nil && o.Security != Plain && !d.secured(conversation) {
		err = errors.New("the connection is not encrypted")
	}
	if err != nil {
		d.hangUp()
		return nil, &DialError{d.trouble(err), wordless(err)}
	}
	return newConn(d.conn(), conversation, o), nil
}

func (o Options) tlsConfig() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		config = o.TLS.Clone()
	}
	if config.ServerName == "" {
		config.ServerName = o.Host
	}
	return config
}

// dialer is one attempt to connect.
type dialer struct {
	options Options
	tls     *tls.Config
	held    chan net.Conn // holds the connection once TCP stands

	askedTLS, beganTLS atomic.Bool // of STARTTLS
}

func (d *dialer) newClient() (*mail.Client, error) {
	d.held = make(chan net.Conn, 1)
	o := d.options
	options := []mail.Option{
		mail.WithPort(o.Port),
		mail.WithTimeout(o.Timeouts.Dial),
		mail.WithoutSMTPUTF8(), // our addresses are ASCII
		mail.WithTLSConfig(d.tls),
		mail.WithDialContextFunc(d.dial),
		mail.WithHELO("localhost"),
	}
	if o.Hello != "" {
		options = append(options, mail.WithHELO(o.Hello))
	}
	switch o.Security {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Implicit:
		options = append(options, mail.WithSSL())
	default:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if o.User != "" {
		options = append(options, mail.WithUsername(o.User), mail.WithPassword(o.Password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	return mail.NewClient(o.Host, options...)
}

// dial connects, and does TLS at once where it is implicit. It replaces
// go-mail's own so that the connection can be closed and timed from outside.
func (d *dialer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var plain net.Dialer
	address := net.JoinHostPort(d.options.Host, strconv.Itoa(d.options.Port))
	raw, err := plain.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if d.options.Security != Implicit {
		d.held <- raw
		return watched{raw, d}, nil
	}
	secured := tls.Client(raw, d.tls)
	if err := secured.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	d.held <- secured
	return secured, nil
}

func (d *dialer) hangUp() {
	select {
	case conn := <-d.held:
		d.held <- conn
		_ = conn.Close()
	default:
	}
}

func (d *dialer) conn() net.Conn {
	conn := <-d.held
	d.held <- conn
	return conn
}

func (d *dialer) secured(c *smtp.Client) bool {
	if d.options.Security == Implicit {
		_, is := d.conn().(*tls.Conn)
		return is
	}
	state, err := c.GetTLSConnectionState()
	return err == nil && state.HandshakeComplete
}

// trouble sorts what go-mail says when it cannot connect. Its own objections,
// to a relay that does not offer what we need, have no types; what is neither a
// reply nor a broken connection is one of them.
func (d *dialer) trouble(err error) Trouble {
	var reply *textproto.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return BadTLS
	case errors.As(err, &reply):
		switch {
		case reply.Code == 530 || reply.Code == 534 || reply.Code == 535 || reply.Code == 538:
			return BadAuth
		case d.askedTLS.Load() && !d.beganTLS.Load():
			return BadTLS
		}
		return Unreachable
	case isBroken(err):
		return Unreachable
	case d.options.Security == StartTLS && !d.beganTLS.Load():
		return BadTLS
	case d.options.User != "":
		return BadAuth
	}
	return Unreachable
}

// isBroken reports a connection that broke, timed out or talked nonsense.
func isBroken(err error) bool {
	var network net.Error
	var nonsense textproto.ProtocolError
	for _, known := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return errors.As(err, &network) || errors.As(err, &nonsense)
}

// watched notes how far STARTTLS has come.
type watched struct {
	net.Conn
	dialer *dialer
}

func (w watched) Write(p []byte) (int, error) {
	if w.dialer.askedTLS.Load() {
		w.dialer.beganTLS.Store(true)
	}
	if bytes.HasPrefix(p, []byte("STARTTLS")) {
		w.dialer.askedTLS.Store(true)
	}
	return w.Conn.Write(p)
}
