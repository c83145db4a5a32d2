package years

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What should fire is found without anything that the schedule uses: by looking
// at the wall clock of a zone in every minute.

// firing is one slot as it should be.
type firing struct {
	label string // wall time, "2026-11-26T20:00"
	at    time.Time
}

// walk finds the firings of each of several expressions by stepping through
// every minute from the first to the last: a wall time fires when the clock
// first shows it, or when the clock jumps over it.
func walk(zone *time.Location, expressions []string, from, until time.Time) [][]firing {
	all := make([]wanted, len(expressions))
	for i, fields := range expressions {
		all[i] = wantedOf(fields)
	}
	naive := func(t time.Time) time.Time {
		l := t.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	fired := make([][]firing, len(all))
	latest := naive(from.Add(-time.Minute)) // the latest wall time that was shown
	for t := from; !t.After(until); t = t.Add(time.Minute) {
		wall, before := naive(t), latest
		for i, w := range all {
			latest = before
			for due := false; latest.Before(wall) && !due; {
				latest = latest.Add(time.Minute)
				if due = w.match(latest); due {
					fired[i] = append(fired[i], firing{latest.Format("2006-01-02T15:04"), t})
				}
			}
		}
		if latest = before; wall.After(before) {
			latest = wall
		}
	}
	return fired
}

// wanted are the values that each of five cron fields allows.
type wanted struct {
	values  [5]map[int]bool
	anyDate [2]bool // whether day of month and day of week are "*"
}

// wantedOf reads lists of numbers and "*", which is all that is needed here.
func wantedOf(fields string) wanted {
	var w wanted
	for i, field := range strings.Fields(fields) {
		w.values[i] = map[int]bool{}
		for part := range strings.SplitSeq(field, ",") {
			n, err := strconv.Atoi(part)
			if err == nil {
				w.values[i][n] = true
				continue
			}
			for n := range 60 {
				w.values[i][n] = true
			}
			switch i {
			case 2:
				w.anyDate[0] = true
			case 4:
				w.anyDate[1] = true
			}
		}
	}
	return w
}

// match follows cron: when both the day of the month and that of the week are
// given, either will do.
func (w wanted) match(wall time.Time) bool {
	if !w.values[0][wall.Minute()] || !w.values[1][wall.Hour()] || !w.values[3][int(wall.Month())] {
		return false
	}
	date, weekday := w.values[2][wall.Day()], w.values[4][int(wall.Weekday())]
	if w.anyDate[0] || w.anyDate[1] {
		return date && weekday
	}
	return date || weekday
}

// ordered are the instants of slots, the earliest first.
func ordered(slots map[string]time.Time) []time.Time {
	return slices.SortedFunc(maps.Values(slots), time.Time.Compare)
}
