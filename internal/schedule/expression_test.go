package schedule_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/schedule"
)

// firing is what the walk below finds, kept apart from the package's own type.
type firing struct {
	label string
	at    time.Time
}

// walkMinutes finds the firings by stepping through every minute of real time
// and reading the zone's wall clock: a wall time fires when the clock first
// shows it, or when the clock jumps over it.
func walkMinutes(zone *time.Location, from, until time.Time, matches func(wall time.Time) bool) []firing {
	var fired []firing
	naive := func(t time.Time) time.Time {
		l := t.In(zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	latest := naive(from.Add(-time.Minute)) // the latest wall time that has been shown
	for t := from; !t.After(until); t = t.Add(time.Minute) {
		wall, due := naive(t), ""
		for latest.Before(wall) {
			latest = latest.Add(time.Minute)
			if due == "" && matches(latest) {
				due = latest.Format("2006-01-02T15:04")
			}
		}
		if due != "" {
			fired = append(fired, firing{due, t})
		}
	}
	return fired
}

func TestOccurrencesAgreeWithAWalkThroughEveryMinute(t *testing.T) {
	at := func(hour, minute int, days ...time.Weekday) func(time.Time) bool {
		return func(w time.Time) bool {
			return w.Hour() == hour && w.Minute() == minute && (len(days) == 0 || slices.Contains(days, w.Weekday()))
		}
	}
	cases := []struct {
		zone, expr string
		matches    func(time.Time) bool
	}{
		{"America/New_York", "30 2 * * 0", at(2, 30, time.Sunday)},
		{"America/New_York", "30 1 * * 7", at(1, 30, time.Sunday)},
		{"America/New_York", "0 3 * * *", at(3, 0)},
		{"America/New_York", "*/20 1-3 * * 6-7", func(w time.Time) bool {
			return w.Minute()%20 == 0 && w.Hour() >= 1 && w.Hour() <= 3 && (w.Weekday() == time.Saturday || w.Weekday() == time.Sunday)
		}},
		{"Europe/Berlin", "15 2 * * *", at(2, 15)},
		{"Europe/Berlin", "0 2 * * sat-sun", at(2, 0, time.Saturday, time.Sunday)},
		{"Australia/Lord_Howe", "15 2 * * *", at(2, 15)},
		{"Australia/Lord_Howe", "45 1 * * *", at(1, 45)},
		{"Australia/Lord_Howe", "*/10 2 1-7 4,10 *", func(w time.Time) bool {
			return w.Minute()%10 == 0 && w.Hour() == 2 && w.Day() <= 7 && (w.Month() == 4 || w.Month() == 10)
		}},
		{"Asia/Seoul", "0 20 * * 4", at(20, 0, time.Thursday)},
		{"Asia/Seoul", "0 20 29 2 *", func(w time.Time) bool {
			return w.Hour() == 20 && w.Minute() == 0 && w.Day() == 29 && w.Month() == time.February
		}},
		{"Africa/Casablanca", "30 2 * * *", at(2, 30)},
		{"America/Havana", "0 0 * * *", at(0, 0)},
	}
	from := time.Date(2023, 12, 31, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(3, 2, 0)
	for _, c := range cases {
		t.Run(c.zone+" "+c.expr, func(t *testing.T) {
			t.Parallel()
			e, err := schedule.Parse(c.expr, c.zone)
			if err != nil {
				t.Fatal(err)
			}
			want := walkMinutes(e.Zone(), from, until, c.matches)
			var got []firing
			for _, o := range e.Between(from.Add(-time.Nanosecond), until) {
				got = append(got, firing{o.Label, o.At})
			}
			if len(want) == 0 || !slices.Equal(got, want) {
				i := 0
				for i < len(got) && i < len(want) && got[i] == want[i] {
					i++
				}
				t.Errorf("%d firings, want %d; they part at %v, want %v", len(got), len(want), got[min(i, len(got)):min(i+2, len(got))], want[min(i, len(want)):min(i+2, len(want))])
			}
			// One at a time gives the same as all at once.
			after := from.Add(-time.Nanosecond)
			for i := range min(len(want), 60) {
				next := e.Next(after, 1)
				if len(next) != 1 || next[0].Label != want[i].label {
					t.Fatalf("Next(%v): %v, want %v", after, next, want[i])
				}
				after = next[0].At
			}
		})
	}
}

func TestKnownChangesOfTheClock(t *testing.T) {
	for _, c := range []struct{ zone, expr, after, label, at string }{
		// The clock goes from 02:00 to 03:00 EDT: 02:30 fires at 03:00 EDT.
		{"America/New_York", "30 2 * * *", "2026-03-08T00:00:00-05:00", "2026-03-08T02:30", "2026-03-08T03:00:00-04:00"},
		// 01:30 comes twice; it fires in summer time.
		{"America/New_York", "30 1 * * *", "2026-11-01T00:00:00-04:00", "2026-11-01T01:30", "2026-11-01T01:30:00-04:00"},
		{"America/New_York", "30 1 * * *", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30", "2026-11-02T01:30:00-05:00"},
		{"Europe/Berlin", "30 2 * * 0", "2026-03-28T12:00:00+01:00", "2026-03-29T02:30", "2026-03-29T03:00:00+02:00"},
		// Lord Howe's clock moves by half an hour only.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03T12:00:00+10:30", "2026-10-04T02:15", "2026-10-04T02:30:00+11:00"},
		{"Asia/Seoul", "0 20 * * 4", "2026-11-22T18:00:00+09:00", "2026-11-26T20:00", "2026-11-26T20:00:00+09:00"},
		// Samoa had no 30 December 2011.
		{"Pacific/Apia", "0 20 30 * *", "2011-12-01T00:00:00-10:00", "2011-12-30T20:00", "2011-12-31T00:00:00+14:00"},
		// Leap days lie eight years apart around 2100.
		{"Asia/Seoul", "0 20 29 2 *", "2096-03-01T00:00:00+09:00", "2104-02-29T20:00", "2104-02-29T20:00:00+09:00"},
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		e, err := schedule.Parse(c.expr, c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if next := e.Next(after, 1); len(next) != 1 || next[0].Label != c.label || !next[0].At.Equal(at) {
			t.Errorf("%s in %s after %s: %v, want %s at %s", c.expr, c.zone, c.after, next, c.label, c.at)
		}
	}
}

func TestParseRefusesWhatWouldFail(t *testing.T) {
	for _, c := range []struct{ expr, zone, field, message string }{
		{"", "Asia/Seoul", "schedule", "schedule.fields"},
		{"0 20 * *", "Asia/Seoul", "schedule", "schedule.fields"},
		{"0 0 20 * * 4", "Asia/Seoul", "schedule", "schedule.fields"},
		{"@weekly", "Asia/Seoul", "schedule", "schedule.fields"},
		{"TZ=", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"TZ=UTC 0 20 * * 4", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"CRON_TZ=UTC 0 20 * * 4", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"60 20 * * 4", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"0 20 * * 8", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"0 20 * * 5-7/0", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"0 20 * * thursday", "Asia/Seoul", "schedule", "schedule.invalid"},
		{"0 20 30 2 *", "Asia/Seoul", "schedule", "schedule.never"},
		{"0 20 31 4,6 *", "Asia/Seoul", "schedule", "schedule.never"},
		{"0 20 * * 4", "Seoul", "zone", "zone.unknown"},
		{"0 20 * * 4", "", "zone", "zone.unknown"},
		{"0 20 * * 4", "Local", "zone", "zone.unknown"},
		{"0 20 * * 4", "../etc/passwd", "zone", "zone.unknown"},
		{strings.Repeat("0,", 200) + "0 20 * * 4", "Asia/Seoul", "schedule", "schedule.invalid"},
	} {
		_, err := schedule.Parse(c.expr, c.zone)
		var e *epistle.Error
		if !errors.As(err, &e) || e.Kind != epistle.Invalid || e.Field != c.field || e.Message != c.message {
			t.Errorf("Parse(%q, %q): %v, want %s at %s", c.expr, c.zone, err, c.message, c.field)
		}
	}
}

func TestSundayMayBeSeven(t *testing.T) {
	after := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) // a Sunday
	for expr, want := range map[string]string{
		"0 0 * * 7":         "Su",
		"0 0 * * 0,7":       "Su",
		"0 0 * * 5-7":       "Fr Sa Su",
		"0 0 * * fri-sun":   "Fr Sa Su",
		"0 0 * * 1-7/2":     "Mo We Fr Su",
		"0 0 * * 7,3":       "We Su",
		"0 0 * * 7/2":       "Su",
		"0 0 * * 2-7/99999": "Tu",
		"0 0 * * 0-7":       "Mo Tu We Th Fr Sa Su",
	} {
		e, err := schedule.Parse(expr, "UTC")
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		var days []string
		for _, o := range e.Between(after, after.AddDate(0, 0, 7)) {
			days = append(days, o.At.Weekday().String()[:2])
		}
		if got := strings.Join(days, " "); got != want {
			t.Errorf("%s: %s, want %s", expr, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"0 20 * * 4", "*/5 1-3,7 31 12 sun-sat", "TZ=", "30 2 29 2 7", "0 0 * * 1-7/3", "? ? ? ? ?"} {
		f.Add(seed, "America/New_York")
	}
	f.Fuzz(func(t *testing.T, expr, zone string) {
		e, err := schedule.Parse(expr, zone)
		if err != nil {
			if epistle.KindOf(err) != epistle.Invalid {
				t.Errorf("Parse(%q, %q): %v, want an invalid error", expr, zone, err)
			}
			return
		}
		after := time.Date(2026, 3, 7, 12, 0, 0, 0, time.UTC)
		for _, o := range e.Next(after, 3) {
			if !o.At.After(after) {
				t.Errorf("%q: occurrence %v is not after %v", expr, o, after)
			}
			after = o.At
		}
	})
}
