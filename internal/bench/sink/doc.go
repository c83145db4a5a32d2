// Package sink is an SMTP server for measuring: it takes every mail as fast as
// it comes and records what tells whether each person got their own mail once.
//
// It reads a connection through one buffer, looks for the final dot in the
// stream without undoing the dot-stuffing, and gathers its replies as long as
// pipelined commands wait (RFC 2920). What a mail needs beyond its record is
// not allocated. A mail is recorded before its reply, so that a copy whose
// reply is lost counts too.
//
// DelayLine stands for a relay that is far away.
package sink
