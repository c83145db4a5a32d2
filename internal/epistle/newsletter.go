package epistle

import (
	"net/url"
	"strings"
	"time"
)

// NextWelcome is the next welcome slot: the wall time WelcomeAt in the
// newsletter's zone, strictly after now; see AtWall for the days on which clocks
// change. There is exactly one slot a day.
func (n Newsletter) NextWelcome(now time.Time) (time.Time, error) {
	loc, err := n.Location()
	if err != nil {
		return time.Time{}, err
	}
	wall, err := time.Parse(wallClock, n.WelcomeAt)
	if err != nil {
		return time.Time{}, InvalidField("welcome_at", "welcome.time")
	}
	year, month, day := now.In(loc).Date()
	for {
		at := AtWall(time.Date(year, month, day, wall.Hour(), wall.Minute(), 0, 0, time.UTC), loc)
		if at.After(now) {
			return at, nil
		}
		day++
	}
}

const wallClock = "15:04"

// A gap or an overlap of the clock is at most a day (the Pacific islands that
// crossed the date line); offsets reach 14 hours.
const (
	widestGap    = 24 * time.Hour
	widestOffset = 15 * time.Hour
)

// AtWall finds the instant, UTC, of a wall time (given as if it were UTC) in a
// zone: the first one if the zone has it twice, the end of the gap if it has it
// never. time.Date promises neither.
func AtWall(wall time.Time, zone *time.Location) time.Time {
	// Walk the stretches of constant offset around the wall time.
	for t := wall.Add(-widestGap - widestOffset).In(zone); ; {
		_, seconds := t.Zone()
		at := wall.Add(-time.Duration(seconds) * time.Second)
		begin, end := t.ZoneBounds()
		switch {
		case !begin.IsZero() && at.Before(begin):
			// Later than the stretch before and earlier than this one: a gap.
			return begin.UTC()
		case end.IsZero() || at.Before(end):
			return at
		}
		t = end.In(zone)
	}
}

// Validate reports everything that is wrong with a newsletter as Problems, and
// nil if nothing is. The schedule's own syntax belongs to package schedule.
func (n Newsletter) Validate() error {
	var p Problems
	if !isSlug(n.Slug) {
		p.Add(InvalidField("slug", "slug"))
	}
	for field, text := range map[string]Text{"title": n.Title, "covers": n.Covers, "frequency": n.Frequency, "sender_name": n.Sender.Name} {
		for _, l := range Languages {
			if !text.Has(l) {
				p.Add(InvalidField(field+"_"+string(l), "text.missing"))
			}
		}
	}
	if n.Schedule == "" {
		p.Add(InvalidField("schedule", "text.missing"))
	}
	if _, err := n.Location(); err != nil || n.Zone == "" || n.Zone == "Local" {
		p.Add(InvalidField("zone", "zone.unknown"))
	}
	if _, err := time.Parse(wallClock, n.WelcomeAt); err != nil {
		p.Add(InvalidField("welcome_at", "welcome.time"))
	}
	if n.AssembleLead < 0 {
		p.Add(InvalidField("assemble_lead", "duration.negative"))
	}
	if n.Grace < 0 {
		p.Add(InvalidField("grace", "duration.negative"))
	}
	if n.Sender.Address == "" {
		p.Add(InvalidField("sender_address", "address.missing"))
	}
	if n.ReplyTo.Address == "" {
		p.Add(InvalidField("reply_to_address", "address.missing"))
	}
	return p.Err()
}

// isSlug reports a name fit for an address of a page: lower-case letters,
// digits and inner hyphens, 1 to 64 of them.
func isSlug(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "-") == s && url.PathEscape(s) == s &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
