package relay

import (
	"syscall"
	"time"
)

const (
	Moment  = moment
	Stretch = stretch
)

// Quiet reports whether the relay has said nothing out of turn and not hung up.
func (c *Conn) Quiet() bool { return c.quiet() == nil }

// Unread is what the end of a connection says about the dot.
func (c *Conn) Unread(end error, dotted time.Time) bool {
	unread, _ := c.unread(end, dotted)
	return unread
}

// Narrow leaves little room for what the relay's system has not got, so that a
// write of more waits for it.
func (c *Conn) Narrow() {
	_ = c.socket.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, 4096) })
}
