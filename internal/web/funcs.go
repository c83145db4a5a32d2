package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"epistle/internal/locale"
)

// inZone shows times from the store (UTC) in the ministry's zone; a time that
// was put into a named zone stays there.
func (k *Kernel) inZone(format func(time.Time) string) func(time.Time) string {
	return func(t time.Time) string {
		if name := t.Location().String(); name == "UTC" || name == "" { // "" is a bare offset, from a mail's header
			t = t.In(k.options.Location)
		}
		return format(t)
	}
}

// ago is how long ago something was, in the largest unit: "3 hours ago".
func (k *Kernel) ago(words *locale.Words) func(time.Time) string {
	return func(t time.Time) string {
		passed := k.options.Clock().Sub(t)
		switch {
		case passed < time.Minute:
			return words.T("web.ago.now")
		case passed < time.Hour:
			return words.T("web.ago.minutes", "Count", int(passed/time.Minute))
		case passed < 24*time.Hour:
			return words.T("web.ago.hours", "Count", int(passed/time.Hour))
		case passed < 30*24*time.Hour:
			return words.T("web.ago.days", "Count", int(passed/(24*time.Hour)))
		}
		return words.Date(t.In(k.options.Location))
	}
}

func zone(name string, t time.Time) (time.Time, error) {
	location, err := time.LoadLocation(name)
	if err != nil {
		return t, err
	}
	return t.In(location), nil
}

// number writes a count with separators: 12,345.
func number(n any) string {
	digits := fmt.Sprint(n)
	negative := strings.HasPrefix(digits, "-")
	digits = strings.TrimPrefix(digits, "-")
	if _, err := strconv.ParseUint(digits, 10, 64); err != nil {
		return fmt.Sprint(n)
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	if negative {
		return "-" + b.String()
	}
	return b.String()
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict needs names and values")
	}
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}
