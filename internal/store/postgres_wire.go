package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lib/pq"
)

// A connection to PostgreSQL can die without a word: the machine at the other
// end is gone, or something between has forgotten it. By itself the driver would
// then wait for a reply for a quarter of an hour, whatever deadline the statement
// has, and a sender that cannot record a mark sends nothing.

const (
	// silence is how long the other machine may owe a sign of life.
	silence = 10 * time.Second
	// lastWord is how long a server may take to end a statement whose context has
	// ended, before its connection is given up.
	lastWord = time.Second
)

// connector makes the driver's connections, each with a dialer of its own.
type connector struct{ config pq.Config }

func newConnector(dsn string) (connector, error) {
	config, err := pq.NewConfig(dsn)
	return connector{config}, err
}

// Connect implements driver.Connector.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	once, err := pq.NewConnectorConfig(c.config.Clone())
	if err != nil {
		return nil, err
	}
	w := &wire{}
	once.Dialer(w)
	stop := context.AfterFunc(ctx, w.hangUp) // the driver forgets ctx once TCP stands
	conn, err := once.Connect(ctx)
	if !stop() {
		return nil, errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return nil, err
	}
	w.stands.Store(true)
	made, ok := conn.(driverConn)
	if !ok {
		return nil, errors.Join(errors.New("the driver's connections are not what they were"), conn.Close())
	}
	return guarded{made, w}, nil
}

// Driver implements driver.Connector.
func (connector) Driver() driver.Driver { return &pq.Driver{} }

// driverConn is what the driver's connections can do.
type driverConn interface {
	driver.Conn
	driver.QueryerContext
	driver.ExecerContext
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

// guarded lets a context end what the driver does not watch: the beginning and
// the end of a transaction.
type guarded struct {
	driverConn
	wire *wire
}

// BeginTx implements driver.ConnBeginTx.
func (g guarded) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	defer g.wire.watch(ctx)()
	tx, err := g.driverConn.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return guardedTx{tx, func() func() bool { return g.wire.watch(ctx) }}, nil
}

type guardedTx struct {
	driver.Tx
	watch func() (stop func() bool)
}

// Commit implements driver.Tx.
func (t guardedTx) Commit() error {
	defer t.watch()()
	return t.Tx.Commit()
}

// Rollback implements driver.Tx.
func (t guardedTx) Rollback() error {
	defer t.watch()()
	return t.Tx.Rollback()
}

// wire dials for one connection. Once that stands, the driver dials again only
// to have a statement cancelled whose context has ended.
type wire struct {
	conn   atomic.Pointer[heard]
	stands atomic.Bool
}

// watch gives the connection up when ctx has ended and the server owes a reply.
func (w *wire) watch(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, w.conn.Load().expectWord)
}

func (w *wire) hangUp() {
	if conn := w.conn.Load(); conn != nil {
		_ = conn.Close()
	}
}

// DialContext implements pq.DialerContext.
func (w *wire) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 2, Interval: silence / 4, Count: 2}, Control: control}
	if w.stands.Load() {
		w.conn.Load().expectWord()
		ctx, cancel := context.WithTimeout(ctx, lastWord)
		defer cancel()
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return hurried{conn}, conn.SetDeadline(time.Now().Add(lastWord))
	}
	raw, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := &heard{Conn: raw}
	w.conn.Store(conn)
	if ctx.Err() != nil { // it may have ended just before there was anything to hang up
		return nil, errors.Join(ctx.Err(), conn.Close())
	}
	return conn, nil
}

// Dial implements pq.Dialer; the driver prefers DialContext.
func (w *wire) Dial(network, address string) (net.Conn, error) {
	return w.DialContext(context.Background(), network, address)
}

// DialTimeout implements pq.Dialer; the driver prefers DialContext.
func (w *wire) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return w.DialContext(ctx, network, address)
}

// tcpUserTimeout is Linux's TCP_USER_TIMEOUT (tcp(7)), which the standard library
// does not name: how long, in ms, what was sent may stay without an answer of
// the other machine. Elsewhere keepalives alone must do.
const tcpUserTimeout = 0x12

func control(network, _ string, socket syscall.RawConn) (err error) {
	if runtime.GOOS != "linux" || !strings.HasPrefix(network, "tcp") {
		return nil
	}
	outer := socket.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silence/time.Millisecond))
	})
	if outer != nil {
		return outer
	}
	return err
}

// heard is a connection that knows whether a reply is overdue.
type heard struct {
	net.Conn
	waiting atomic.Bool
	words   atomic.Int64
}

// Read implements net.Conn.
func (h *heard) Read(p []byte) (int, error) {
	h.waiting.Store(true)
	n, err := h.Conn.Read(p)
	h.words.Add(1)
	h.waiting.Store(false)
	return n, err
}

// expectWord closes the connection if the reply that somebody waits for does not
// come soon.
func (h *heard) expectWord() {
	words := h.words.Load()
	time.AfterFunc(lastWord, func() {
		if h.waiting.Load() && h.words.Load() == words {
			_ = h.Close()
		}
	})
}

// hurried is a connection whose deadline the driver does not put off.
type hurried struct{ net.Conn }

// SetDeadline implements net.Conn.
func (hurried) SetDeadline(time.Time) error { return nil }
