package schedule

import (
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"epistle/internal/epistle"
)

// Expression is a cron expression in a zone. Make one with Parse.
type Expression struct {
	text     string
	schedule cron.Schedule
	zone     *time.Location
}

// Occurrence is one time that an expression names.
type Occurrence struct {
	Label string    // wall-clock time in the zone, "2026-11-26T20:00"
	At    time.Time // the instant, UTC
}

// labelLayout is the form of a label.
const labelLayout = "2006-01-02T15:04"

// earlyEnough before an instant, every wall time has passed that may fall on it:
// the widest gap of a clock is a day, and offsets reach 14 hours either way.
const earlyEnough = 54 * time.Hour

// maxExpression is longer than any expression with a purpose.
const maxExpression = 200

var parser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// Parse reads five cron fields (minute, hour, day of month, month, day of week)
// of wall-clock time in an IANA zone. Sunday is 0 or 7. A TZ= prefix, the
// @daily forms, and days that never come, such as 30 February, are refused. The
// error is Invalid, its field "schedule" or "zone".
//
// Where the clock changes, epistle.AtWall decides: what a gap skips fires when
// the gap ends, what comes twice fires the first time only.
// Several times that fall on one instant fire once, under the first label.
func Parse(expr, zone string) (Expression, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		return Expression{}, epistle.InvalidField("zone", "zone.unknown")
	}
	if len(expr) > maxExpression || strings.Contains(expr, "=") {
		return Expression{}, epistle.InvalidField("schedule", "schedule.invalid")
	}
	fields := strings.Fields(expr)
	if len(fields) != 5 {
		return Expression{}, epistle.InvalidField("schedule", "schedule.fields")
	}
	text := strings.Join(fields, " ")
	fields[4] = sundayAsZero(fields[4])
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return Expression{}, &epistle.Error{Kind: epistle.Invalid, Field: "schedule", Message: "schedule.invalid", Err: err}
	}
	e := Expression{text: text, schedule: parsed, zone: loc}
	// Any expression that ever fires does so within eight years, the longest
	// time between two leap days.
	if e.nextWall(time.Date(2096, 3, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Expression{}, epistle.InvalidField("schedule", "schedule.never")
	}
	return e, nil
}

// String is the expression and its zone.
func (e Expression) String() string { return e.text + " " + e.zone.String() }

// Zone is the zone of the expression.
func (e Expression) Zone() *time.Location { return e.zone }

// Next returns the n occurrences that follow after, in order, each later than
// the one before.
func (e Expression) Next(after time.Time, n int) []Occurrence {
	var next []Occurrence
	e.walk(after, func(o Occurrence) bool {
		next = append(next, o)
		return len(next) < n
	})
	return next
}

// Between returns the occurrences later than after and not later than until.
func (e Expression) Between(after, until time.Time) []Occurrence {
	var found []Occurrence
	e.walk(after, func(o Occurrence) bool {
		if o.At.After(until) {
			return false
		}
		found = append(found, o)
		return true
	})
	return found
}

// walk calls yield for every occurrence later than after, until it returns
// false.
func (e Expression) walk(after time.Time, yield func(Occurrence) bool) {
	// Cron counts in naive wall time, here as UTC, which has no gaps. Begin early
	// enough to know the first label of the instant that after may lie on.
	wall := after.Add(-earlyEnough).UTC()
	var last time.Time
	for {
		wall = e.nextWall(wall)
		if wall.IsZero() {
			return
		}
		at := epistle.AtWall(wall, e.zone)
		if at.Equal(last) {
			continue
		}
		last = at
		if at.After(after) && !yield(Occurrence{Label: wall.Format(labelLayout), At: at}) {
			return
		}
	}
}

// nextWall is the schedule's next naive wall time, zero if there is none. Cron
// gives up after five years; two leap days may lie eight apart.
func (e Expression) nextWall(wall time.Time) time.Time {
	for range 3 {
		if next := e.schedule.Next(wall); !next.IsZero() {
			return next
		}
		wall = wall.AddDate(4, 0, 0)
	}
	return time.Time{}
}

// sundayAsZero rewrites the day-of-week field so that Sunday may be 7, also as
// the end of a range: "5-7" and "fri-sun" become "5-6,0" in effect.
func sundayAsZero(field string) string {
	parts := strings.Split(field, ",")
	for i, part := range parts {
		parts[i] = sundayInPart(part)
	}
	return strings.Join(parts, ",")
}

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

func sundayInPart(part string) string {
	span, stepText, hasStep := strings.Cut(part, "/")
	first, last, isRange := strings.Cut(span, "-")
	if !isRange {
		if span == "7" {
			return "0"
		}
		return part
	}
	from, ok := dayNumber(first)
	isSunday := last == "7" || strings.EqualFold(last, "sun") && from > 0
	if !ok || !isSunday {
		return part
	}
	step := 1
	if hasStep {
		var err error
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return part // the parser says what is wrong
		}
	}
	var days []string
	for day := from; day <= 7; day += step {
		days = append(days, strconv.Itoa(day%7))
		if step > 7 {
			break
		}
	}
	return strings.Join(days, ",")
}

func dayNumber(s string) (int, bool) {
	for i, name := range dayNames {
		if strings.EqualFold(s, name) {
			return i, true
		}
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 0 && n <= 7
}
