package desk

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// Settings is where administrators change what a newsletter is. What belongs to
// the machine (relay, addresses, key) is in the settings file, not here.
type Settings struct {
	Kernel      *web.Kernel
	Store       SettingsReader
	Newsletters *editorial.Newsletters
	Gate        signup.Gate
	// Slots lists a newsletter's next slots after a moment.
	Slots func(n epistle.Newsletter, after time.Time, count int) ([]time.Time, error)
}

// SettingsReader is what the pages read.
type SettingsReader interface {
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
}

// Routes is the area's table.
func (s Settings) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/settings", epistle.ChangeSettings, s.list),
		web.Desk("POST /desk/settings/flood", epistle.ChangeSettings, s.flood),
		web.Desk("GET /desk/settings/newsletters/{id}", epistle.ChangeSettings, s.show),
		web.Desk("POST /desk/settings/newsletters/{id}", epistle.ChangeSettings, s.change),
	}
}

type newsletterLine struct {
	epistle.Newsletter
	Next []time.Time
}

type settingsPage struct {
	Newsletters []newsletterLine
	Closed      time.Time // the flood switch; zero while it is off
}

func (s Settings) list(w http.ResponseWriter, r *http.Request) error {
	all, err := s.Store.Newsletters(r.Context())
	if err != nil {
		return err
	}
	var page settingsPage
	for _, n := range all {
		next, err := s.Slots(n, s.Kernel.Now(), 1)
		if err != nil {
			next = nil // its own page says what is wrong with the schedule
		}
		page.Newsletters = append(page.Newsletters, newsletterLine{n, next})
	}
	if page.Closed, err = s.Gate.Closed(r.Context()); err != nil {
		return err
	}
	return s.Kernel.Render(w, r, "desk/settings", page)
}

// flood turns the flood switch.
func (s Settings) flood(w http.ResponseWriter, r *http.Request) error {
	actor, turn, done := web.ActorFrom(r.Context()), s.Gate.Open, "settings.flood.done.open"
	if r.PostFormValue("do") == "close" {
		turn, done = s.Gate.Close, "settings.flood.done.close"
	}
	if err := turn(r.Context(), actor); err != nil {
		return err
	}
	s.Kernel.Flash(w, r, web.Good, done)
	return web.Redirect(w, r, "/desk/settings")
}

type newsletterPage struct {
	Form       *web.Form
	Newsletter epistle.Newsletter
	Days       []web.Option
	Next       []time.Time
}

func (s Settings) target(r *http.Request) (epistle.Newsletter, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return epistle.Newsletter{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return s.Store.Newsletter(r.Context(), id)
}

func (s Settings) show(w http.ResponseWriter, r *http.Request) error {
	n, err := s.target(r)
	if err != nil {
		return err
	}
	return s.page(w, r, n, formOfNewsletter(n))
}

func (s Settings) page(w http.ResponseWriter, r *http.Request, n epistle.Newsletter, form *web.Form) error {
	words := s.Kernel.Words(r)
	var days []web.Option
	for _, day := range []string{"1", "2", "3", "4", "5", "6", "0"} {
		days = append(days, web.Option{Value: day, Label: words.T("settings.day." + day)})
	}
	days = append(days, web.Option{Value: otherRhythm, Label: words.T("settings.day.other")})
	next, err := s.Slots(n, s.Kernel.Now(), shownSlots)
	if err != nil {
		next = nil // the form says what is wrong with the schedule
	}
	return s.Kernel.Render(w, r, "desk/newsletter", newsletterPage{form, n, days, next})
}

func (s Settings) change(w http.ResponseWriter, r *http.Request) error {
	present, err := s.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	n, err := newsletterOf(present, form)
	if err == nil {
		_, err = s.Newsletters.Update(r.Context(), web.ActorFrom(r.Context()), n)
	}
	if err := s.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return s.page(w, r, present, form)
	}
	s.Kernel.Flash(w, r, web.Good, "settings.saved")
	return web.Redirect(w, r, "/desk/settings")
}

// otherRhythm is the choice of a schedule that is not simply weekly.
const otherRhythm = "other"

// formOfNewsletter shows a weekly schedule as a day and a time.
func formOfNewsletter(n epistle.Newsletter) *web.Form {
	form := web.NewForm(
		"version", strconv.FormatInt(n.Version, 10),
		"zone", n.Zone, "welcome_at", n.WelcomeAt,
		"assemble_lead", strconv.Itoa(int(n.AssembleLead.Hours())), "grace", strconv.Itoa(int(n.Grace.Hours())),
		"sender_address", string(n.Sender.Address), "reply_to_address", string(n.ReplyTo.Address),
	)
	form.SetText("title", n.Title)
	form.SetText("covers", n.Covers)
	form.SetText("frequency", n.Frequency)
	form.SetText("sender_name", n.Sender.Name)
	form.SetText("reply_to_name", n.ReplyTo.Name)
	if n.Consent.Separate {
		form.Set("separate_consent", "yes")
	}
	if n.Consent.Renewed {
		form.Set("renew_consent", "yes")
	}
	if n.SoloMode {
		form.Set("solo", "yes")
	}
	if n.Hold {
		form.Set("hold", "yes")
	}
	day, clock, ok := weeklyOf(n.Schedule)
	if !ok {
		day, clock = otherRhythm, "20:00" // the browser wants a time, though it does not count
		form.Set("schedule", n.Schedule)
	}
	form.Set("day", day)
	form.Set("time", clock)
	return form
}

// weeklyOf reads a schedule that names one weekday and one time.
func weeklyOf(schedule string) (day, clock string, ok bool) {
	fields := strings.Fields(schedule)
	if len(fields) != 5 || fields[2] != "*" || fields[3] != "*" || len(fields[4]) != 1 {
		return "", "", false
	}
	minute, err := strconv.Atoi(fields[0])
	if err != nil {
		return "", "", false
	}
	hour, err := strconv.Atoi(fields[1])
	if err != nil || fields[4] < "0" || fields[4] > "7" {
		return "", "", false
	}
	if fields[4] == "7" {
		fields[4] = "0"
	}
	return fields[4], fmt.Sprintf("%02d:%02d", hour, minute), true
}

// newsletterOf is the newsletter as the form would have it.
func newsletterOf(n epistle.Newsletter, form *web.Form) (epistle.Newsletter, error) {
	var problems epistle.Problems
	number := func(field string) int {
		value, err := strconv.Atoi(strings.TrimSpace(form.Value(field)))
		if err != nil || value < 0 || value > maxHours {
			problems.Add(epistle.InvalidField(field, "settings.hours").With("Max", maxHours))
		}
		return value
	}
	address := func(field string) epistle.Address {
		a, err := epistle.ParseAddress(form.Value(field))
		if err != nil {
			problems.Add(atField(err, field))
		}
		return a
	}
	n.Version, _ = strconv.ParseInt(form.Value("version"), 10, 64) // what is no number is no current version
	n.Title, n.Covers, n.Frequency = form.Text("title"), form.Text("covers"), form.Text("frequency")
	n.Zone, n.WelcomeAt = strings.TrimSpace(form.Value("zone")), form.Value("welcome_at")
	n.AssembleLead = time.Duration(number("assemble_lead")) * time.Hour
	n.Grace = time.Duration(number("grace")) * time.Hour
	n.Sender = epistle.Mailbox{Name: form.Text("sender_name"), Address: address("sender_address")}
	n.ReplyTo = epistle.Mailbox{Name: form.Text("reply_to_name"), Address: address("reply_to_address")}
	n.SoloMode, n.Hold = form.Has("solo", "yes"), form.Has("hold", "yes")
	n.Consent = epistle.ConsentRules{Separate: form.Has("separate_consent", "yes"), Renewed: form.Has("renew_consent", "yes")}
	n.Schedule = strings.TrimSpace(form.Value("schedule"))
	if day := form.Value("day"); day != otherRhythm {
		at, err := time.Parse("15:04", form.Value("time"))
		if err != nil {
			problems.Add(epistle.InvalidField("time", "settings.time"))
		}
		n.Schedule = fmt.Sprintf("%d %d * * %s", at.Minute(), at.Hour(), day)
	}
	return n, problems.Err()
}

// maxHours bounds the lead and the grace: a week.
const maxHours = 7 * 24

// atField moves an error to another field of the form.
func atField(err error, field string) error {
	e, ok := err.(*epistle.Error) //nolint:errorlint // ParseAddress returns it itself
	if !ok {
		return err
	}
	next := *e
	next.Field = field
	return &next
}
