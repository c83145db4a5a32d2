// Package fetch is the one way by which the program reads from the web. What it
// is told to read may have been typed by a stranger, so it never lets itself be
// led into the house: every address is checked at the moment of connecting,
// after the name was looked up, and again at every redirect. Bodies, time and
// redirects are bounded, the proxy variables of the environment do not count,
// and neither an error nor the log names an address or carries a credential.
package fetch

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Options is what a Client is made of. Zero values mean the defaults.
type Options struct {
	// Allow lists exact "host:port" pairs that may be read although their
	// addresses are refused otherwise: a blog on the same machine. The host is as
	// it stands in the URL.
	Allow        []string
	MaxBody      int64         // bytes, after decompression; 8 MiB
	Timeout      time.Duration // of one request with all its redirects; 30 s
	MaxRedirects int           // 5
	UserAgent    string        // "Epistle"
	TLS          *tls.Config   // for tests with a certificate of their own
}

// Client reads from the web. It is safe for concurrent use.
type Client struct {
	options   Options
	transport *http.Transport
}

// New makes a client.
func New(o Options) *Client {
	if o.MaxBody == 0 {
		o.MaxBody = 8 << 20
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxRedirects == 0 {
		o.MaxRedirects = 5
	}
	if o.UserAgent == "" {
		o.UserAgent = "Epistle"
	}
	o.Allow = slices.Clone(o.Allow)
	for i, a := range o.Allow {
		o.Allow[i] = strings.ToLower(a)
	}
	c := &Client{options: o}
	c.transport = &http.Transport{
		Proxy:                  nil, // a proxy would look up names for us, unchecked
		DialContext:            c.dial,
		TLSClientConfig:        o.TLS,
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConns:           16,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
	}
	return c
}

// Close ends the connections that wait for another request.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Request is one page to read.
type Request struct {
	URL string
	// User and Password are sent as HTTP Basic credentials, and only to the origin
	// (scheme, host, port) of URL. Then a redirect to any other origin is an
	// error, and so is an address without TLS that Options.Allow does not name.
	User, Password string
	Accept         string // of the media type; "" for anything
}

// Response is what came back, with any status.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // decompressed, whole
	URL    string // the last of the chain
	Chain  []Hop  // every request that was made, the first one first
}

// Hop is one request of a chain of redirects.
type Hop struct {
	URL    string
	Status int
	IP     netip.Addr // that answered
}

// Get reads a page, following redirects. The error is an *Error, or ctx's own.
func (c *Client) Get(ctx context.Context, r Request) (*Response, error) {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	response, err := c.follow(ctx, r)
	switch {
	case err == nil:
		return response, nil
	case parent.Err() != nil:
		return nil, parent.Err()
	case ctx.Err() != nil:
		return nil, &Error{Reason: TimedOut}
	}
	return nil, known(err)
}

func (c *Client) follow(ctx context.Context, r Request) (*Response, error) {
	first, err := c.parse(r.URL)
	if err != nil {
		return nil, err
	}
	if r.Password != "" && first.Scheme != "https" && !c.excepted(hostPort(first)) {
		return nil, &Error{Reason: Insecure}
	}
	var chain []Hop
	for at := first; ; {
		response, ip, err := c.once(ctx, at, r)
		if err != nil {
			return nil, err
		}
		chain = append(chain, Hop{URL: at.String(), Status: response.Status, IP: ip})
		next := response.Header.Get("Location")
		if !isRedirect(response.Status) || next == "" {
			response.URL, response.Chain = at.String(), chain
			return response, nil
		}
		if len(chain) > c.options.MaxRedirects {
			return nil, &Error{Reason: TooManyRedirects}
		}
		to, err := at.Parse(next)
		if err != nil {
			return nil, &Error{Reason: BadURL}
		}
		if at, err = c.parse(to.String()); err != nil {
			return nil, err
		}
		if r.Password != "" && (at.Scheme != first.Scheme || hostPort(at) != hostPort(first)) {
			return nil, &Error{Reason: LedAway}
		}
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// once makes one request and reads its answer. What a redirect says besides
// where to go is not read.
func (c *Client) once(ctx context.Context, at *url.URL, r Request) (*Response, netip.Addr, error) {
	var ip netip.Addr
	request, err := http.NewRequestWithContext(withIP(ctx, &ip), http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, ip, &Error{Reason: BadURL}
	}
	request.Header.Set("User-Agent", c.options.UserAgent)
	if r.Accept != "" {
		request.Header.Set("Accept", r.Accept)
	}
	if r.Password != "" {
		request.SetBasicAuth(r.User, r.Password)
	}
	answer, err := c.transport.RoundTrip(request)
	if err != nil {
		return nil, ip, err
	}
	defer func() { _ = answer.Body.Close() }()
	response := &Response{Status: answer.StatusCode, Header: answer.Header}
	if isRedirect(answer.StatusCode) && answer.Header.Get("Location") != "" {
		return response, ip, nil
	}
	response.Body, err = io.ReadAll(io.LimitReader(answer.Body, c.options.MaxBody+1))
	if err != nil {
		return nil, ip, err
	}
	if int64(len(response.Body)) > c.options.MaxBody {
		return nil, ip, &Error{Reason: TooLarge}
	}
	return response, ip, nil
}

// parse reads the URL of one hop.
func (c *Client) parse(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, &Error{Reason: BadURL}
	}
	u.Fragment = ""
	return u, nil
}

// hostPort is the host as it stands in a URL, and its port in digits.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return strings.ToLower(net.JoinHostPort(u.Hostname(), port))
}

func (c *Client) excepted(hostPort string) bool {
	return slices.Contains(c.options.Allow, strings.ToLower(hostPort))
}

type ipKey struct{}

func withIP(ctx context.Context, ip *netip.Addr) context.Context {
	return context.WithValue(ctx, ipKey{}, ip)
}

// dial connects to an address of the host that may be connected to. The check
// stands in Control, which sees the very address that the system is about to
// connect to: there is no time between check and use in which a name could
// change its mind.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	excepted := c.excepted(address)
	dialer := net.Dialer{Timeout: 10 * time.Second, Control: func(_, resolved string, _ syscall.RawConn) error {
		if excepted {
			return nil
		}
		at, err := netip.ParseAddrPort(resolved)
		if err != nil || !Public(at.Addr()) {
			return &Error{Reason: Refused}
		}
		return nil
	}}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Reason says why nothing was read.
type Reason string

const (
	BadURL           Reason = "bad url"            // no http or https address of a host
	Refused          Reason = "address refused"    // the host is inside the house, or no public address at all
	Insecure         Reason = "no tls"             // a password would have travelled in the clear
	LedAway          Reason = "led away"           // a redirect would have carried a password elsewhere
	TooManyRedirects Reason = "too many redirects" //
	TooLarge         Reason = "too large"          //
	TimedOut         Reason = "timed out"          //
	NoSuchHost       Reason = "no such host"       //
	Untrusted        Reason = "untrusted"          // TLS failed: the certificate, or no TLS there
	Unreachable      Reason = "unreachable"        // anything else on the way
)

// Error is why nothing was read. It names no address.
type Error struct {
	Reason Reason
	cause  string
}

func (e *Error) Error() string {
	if e.cause == "" {
		return "fetch: " + string(e.Reason)
	}
	return "fetch: " + string(e.Reason) + ": " + e.cause
}

// ReasonOf is the reason of an error of Get; "" if it is none of this package's.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// known makes an Error of what the network says, without the addresses in it.
func known(err error) error {
	var ours *Error
	var dns *net.DNSError
	var errno syscall.Errno
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &dns):
		return &Error{Reason: NoSuchHost}
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert):
		return &Error{Reason: Untrusted}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Error{Reason: TimedOut}
	case errors.As(err, &errno):
		return &Error{Reason: Unreachable, cause: errno.Error()}
	}
	return &Error{Reason: Unreachable, cause: fmt.Sprintf("%T", err)}
}
