// Package epistle holds the nouns of the mailing desk and the rules that need
// nothing but the nouns themselves: types, validation, state machines, error
// kinds and who may do what. It does no input or output.
//
// Times are UTC. A zero time means "never" or "not yet".
package epistle

import "time"

// Clock tells the time. The whole program shares one, so that tests can move it.
type Clock func() time.Time

// ID names a row. The store hands ids out before it inserts, so that sealed
// values can be bound to the row they belong to. Zero means "none".
type ID = int64
