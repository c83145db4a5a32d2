package relay

import "time"

// Quiet reports whether the relay has said nothing out of turn and not hung up.
func (c *Conn) Quiet() bool { return c.quiet() == nil }

// Unread is what the end of a connection says about the dot.
func (c *Conn) Unread(end error, dotted time.Time) bool {
	unread, _ := c.unread(end, dotted)
	return unread
}
