package signup

import (
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

const (
	quickest = 2 * time.Second // nobody fills a form in less
	stalest  = 24 * time.Hour

	formQuick = "form.quick"
	formStale = "form.stale"
)

// Stamps mark public forms with the time when they were shown, signed, so that
// programs which post at once, or post an old form again and again, are told
// from people.
type Stamps struct {
	keys  *seal.Keyring
	clock epistle.Clock
}

// NewStamps makes stamps with a keyring.
func NewStamps(keys *seal.Keyring, clock epistle.Clock) Stamps { return Stamps{keys, clock} }

// New is the value for the hidden field of a form that is shown now.
func (s Stamps) New() string { return s.keys.Link(seal.ToPost, s.clock().Unix()) }

// Check refuses a form that came back too quickly or too late, or with no
// stamp of ours. The page then shows the form again, with a new stamp and what
// was typed.
func (s Stamps) Check(stamp string) error {
	numbers, err := s.keys.ParseLink(seal.ToPost, stamp)
	if err != nil || len(numbers) != 1 {
		return epistle.Errorf(epistle.Invalid, formStale, nil)
	}
	age := s.clock().Sub(time.Unix(numbers[0], 0))
	switch {
	case age < quickest:
		return epistle.Errorf(epistle.Invalid, formQuick, nil)
	case age > stalest:
		return epistle.Errorf(epistle.Invalid, formStale, nil)
	}
	return nil
}
