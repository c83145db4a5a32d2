package epistle

import (
	"net/url"
	"strings"
	"time"
)

// NextWelcome is the next welcome slot: the wall time WelcomeAt in the
// newsletter's zone, strictly after now. On the one day a year on which that
// wall time does not exist it comes an hour later by the clock; where it exists
// twice, the first one counts. So there is exactly one slot a day.
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
		at := AtWall(year, month, day, wall.Hour(), wall.Minute(), loc)
		if at.After(now) {
			return at, nil
		}
		day++
	}
}

const wallClock = "15:04"

// AtWall places a wall time in a zone, in UTC. A wall time inside a gap (clocks
// go forward) is moved on by the length of the gap; one that exists twice
// (clocks go back) is the first of the two. time.Date promises neither.
func AtWall(year int, month time.Month, day, hour, minute int, loc *time.Location) time.Time {
	naive := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
	// Zone rules change at most once within two days, so the offsets a day
	// before and a day after are the only two that can apply.
	_, before := naive.AddDate(0, 0, -1).In(loc).Zone()
	_, after := naive.AddDate(0, 0, 1).In(loc).Zone()
	first := naive.Add(-time.Duration(max(before, after)) * time.Second)
	second := naive.Add(-time.Duration(min(before, after)) * time.Second)
	for _, at := range []time.Time{first, second} {
		if _, offset := at.In(loc).Zone(); at.Add(time.Duration(offset) * time.Second).Equal(naive) {
			return at
		}
	}
	return naive.Add(-time.Duration(before) * time.Second)
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
