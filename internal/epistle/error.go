package epistle

import (
	"errors"
	"fmt"
)

// Kind says what sort of failure an Error is. Pages, API and commands map it
// to a status in one place each.
type Kind int

const (
	Internal    Kind = iota // a defect or a broken machine; people get a reference
	Invalid                 // the input is wrong; Field says where
	NotFound                // no such thing, or not for this person
	Conflict                // somebody else changed it first, or it is in the wrong state
	Forbidden               // this actor may not do this
	Unavailable             // try again later: a lost database, a paused desk
	Limited                 // too often; try again in a while
)

func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not found"
	case Conflict:
		return "conflict"
	case Forbidden:
		return "forbidden"
	case Unavailable:
		return "unavailable"
	case Limited:
		return "limited"
	default:
		return "internal"
	}
}

// Error is a failure that people may be told about.
//
// Message is a key of the catalogue under "error." (for example
// "address.invalid"), so that the reader's language decides the sentence; Data
// fills its variables. Field names the form field or flag at fault, if one is.
// Err is the cause, for the log only. Neither Message nor Data nor Err ever
// carries an address, a name or a token.
type Error struct {
	Kind    Kind
	Field   string
	Message string
	Data    map[string]any
	Err     error
}

// Errorf makes an Error of a kind with a message key and an optional cause.
func Errorf(kind Kind, message string, cause error) *Error {
	return &Error{Kind: kind, Message: message, Err: cause}
}

// InvalidField makes an Invalid error that belongs beside one field.
func InvalidField(field, message string) *Error {
	return &Error{Kind: Invalid, Field: field, Message: message}
}

func (e *Error) Error() string {
	text := e.Kind.String() + ": " + e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// With returns a copy of e that carries one more variable for its sentence.
func (e *Error) With(name string, value any) *Error {
	next := *e
	next.Data = map[string]any{name: value}
	for k, v := range e.Data {
		next.Data[k] = v
	}
	return &next
}

// Problems collects what is wrong with a form, so that every field can show
// its message at once.
type Problems []*Error

// Add keeps err if it is a field's error; a nil err is ignored.
func (p *Problems) Add(err error) {
	var e *Error
	if errors.As(err, &e) {
		*p = append(*p, e)
	}
}

// Err returns nil when nothing is wrong, else p itself as an error.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

func (p Problems) Error() string { return p[0].Error() }

// Unwrap lets errors.As find the first problem.
func (p Problems) Unwrap() []error {
	all := make([]error, len(p))
	for i, e := range p {
		all[i] = e
	}
	return all
}

// KindOf says what kind err is; anything that is no Error is Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
