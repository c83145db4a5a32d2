package storetest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Line is a network connection to the test server that a test can cut, or stall.
type Line struct {
	URL string // of the database, by this line

	far      string
	listener net.Listener
	group    sync.WaitGroup

	mu    sync.Mutex
	cut   bool
	stall chan struct{} // closed when what is held back may go on; nil: nothing is
	conns map[net.Conn]bool
}

// NewLine makes a line to a PostgreSQL database.
func NewLine(t testing.TB, database string) *Line {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal("the database's address is no URL")
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &Line{far: u.Host, listener: listener, conns: map[net.Conn]bool{}}
	u.Host = listener.Addr().String()
	l.URL = u.String()
	l.group.Go(l.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		l.Cut()
		l.group.Wait()
	})
	return l
}

// Cut ends every connection and lets no new one through.
func (l *Line) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	l.flow()
	for c := range l.conns {
		_ = c.Close()
	}
}

// Stall holds everything back, and closes nothing: as far as either end can
// tell, the other one is there and silent.
func (l *Line) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stall == nil {
		l.stall = make(chan struct{})
	}
}

// Mend lets connections through again, and what was held back.
func (l *Line) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
	l.flow()
}

// flow ends a stall. The mutex is held.
func (l *Line) flow() {
	if l.stall != nil {
		close(l.stall)
		l.stall = nil
	}
}

// holdBack waits as long as the line is stalled.
func (l *Line) holdBack() {
	l.mu.Lock()
	stall := l.stall
	l.mu.Unlock()
	if stall != nil {
		<-stall
	}
}

func (l *Line) accept() {
	for {
		near, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.group.Go(func() { l.carry(near) })
		}
	}
}

// carry passes bytes both ways until either end closes or the line is cut.
func (l *Line) carry(near net.Conn) {
	defer func() { _ = near.Close() }()
	far, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.far)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !l.keep(near, far) {
		return
	}
	defer l.forget(near, far)
	var back sync.WaitGroup
	back.Go(func() {
		l.pass(near, far)
		_ = near.Close()
	})
	l.pass(far, near)
	_ = far.Close()
	back.Wait()
}

func (l *Line) pass(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.holdBack()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// keep notes connections to be cut; false if the line is cut already.
func (l *Line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.conns[c] = true
	}
	return !l.cut
}

func (l *Line) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		delete(l.conns, c)
	}
}
