package relay

// Quiet reports whether the relay has said nothing out of turn and not hung up.
func (c *Conn) Quiet() bool { return c.quiet() == nil }
