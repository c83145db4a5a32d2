package epistle_test

import (
	"errors"
	"testing"
	"time"

	"epistle/internal/epistle"
)

func TestNextWelcome(t *testing.T) {
	tests := []struct {
		name, zone, at, now, want string
	}{
		{"tonight", "Asia/Seoul", "20:00", "2026-11-22T18:00:00+09:00", "2026-11-22T20:00:00+09:00"},
		{"a moment before", "Asia/Seoul", "20:00", "2026-11-22T19:59:59+09:00", "2026-11-22T20:00:00+09:00"},
		{"at the slot it is tomorrow", "Asia/Seoul", "20:00", "2026-11-22T20:00:00+09:00", "2026-11-23T20:00:00+09:00"},
		{"after midnight it is today", "Asia/Seoul", "20:00", "2026-11-23T00:00:01+09:00", "2026-11-23T20:00:00+09:00"},
		{"the day is the zone's, not UTC's", "Asia/Seoul", "08:00", "2026-11-22T23:30:00Z", "2026-11-24T08:00:00+09:00"},
		{"over the end of a month", "Asia/Seoul", "20:00", "2026-11-30T21:00:00+09:00", "2026-12-01T20:00:00+09:00"},
		{"spring forward, the wall time is missing", "America/New_York", "02:30", "2027-03-13T22:00:00-05:00", "2027-03-14T03:00:00-04:00"},
		{"spring forward, after it", "America/New_York", "02:30", "2027-03-14T03:00:00-04:00", "2027-03-15T02:30:00-04:00"},
		{"fall back, the first of two", "America/New_York", "01:30", "2026-10-31T22:00:00-04:00", "2026-11-01T01:30:00-04:00"},
		{"fall back, the second of two is no slot", "America/New_York", "01:30", "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"},
		{"the evening of a change", "Europe/Berlin", "20:00", "2027-03-28T01:30:00+01:00", "2027-03-28T20:00:00+02:00"},
		{"half an hour of summer time", "Australia/Lord_Howe", "02:15", "2026-10-03T23:00:00+10:30", "2026-10-04T02:30:00+11:00"},
		{"a day that was skipped", "Pacific/Apia", "20:00", "2011-12-29T21:00:00-10:00", "2011-12-31T00:00:00+14:00"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := epistle.Newsletter{Zone: test.zone, WelcomeAt: test.at}
			got, err := n.NextWelcome(moment(t, test.now))
			if err != nil || !got.Equal(moment(t, test.want)) {
				t.Errorf("got %v, error %v; want %s", got, err, test.want)
			}
		})
	}
}

// There is one welcome slot for each day of the zone's calendar, whatever the
// clocks do.
func TestNextWelcomeVisitsEveryDayOnce(t *testing.T) {
	for _, zone := range []string{"Asia/Seoul", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca"} {
		for _, wall := range []string{"00:00", "00:30", "01:30", "02:00", "02:30", "03:00", "20:00", "23:59"} {
			n := epistle.Newsletter{Zone: zone, WelcomeAt: wall}
			loc, err := n.Location()
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, 1, 1, 12, 0, 0, 0, loc)
			if at, err = n.NextWelcome(at); err != nil {
				t.Fatal(err)
			}
			for range 730 {
				next, err := n.NextWelcome(at)
				if err != nil {
					t.Fatal(err)
				}
				if gap := next.Sub(at); gap < 22*time.Hour || gap > 26*time.Hour {
					t.Fatalf("%s at %s: from %v to %v", zone, wall, at, next.In(loc))
				}
				at = next
			}
		}
	}
}

func TestNewsletterValidateNamesEveryField(t *testing.T) {
	var p epistle.Problems
	if err := (epistle.Newsletter{Slug: "Two Words", Zone: "Mars/Olympus", WelcomeAt: "8pm"}).Validate(); !errors.As(err, &p) {
		t.Fatalf("got %v, want problems", err)
	}
	fields := map[string]bool{}
	for _, e := range p {
		fields[e.Field] = true
	}
	for _, field := range []string{"slug", "title_en", "title_ko", "covers_en", "frequency_ko", "schedule", "zone", "welcome_at", "sender_address", "reply_to_address"} {
		if !fields[field] {
			t.Errorf("nothing is said about %s", field)
		}
	}
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
