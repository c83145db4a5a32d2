package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/schedule"
)

// reminders are how long before its slot staff hear of an unapproved issue.
var reminders = []time.Duration{24 * time.Hour, 4 * time.Hour}

const (
	// remindGrace is how late a reminder is still worth sending.
	remindGrace = 2 * time.Hour
	// welcomeGrace keeps a late welcome within the same night.
	welcomeGrace = 4 * time.Hour
	// morningAt is when the staff hear what waits, and morningGrace until when a
	// late note is still of the morning.
	morningAt    = "30 7 * * *"
	morningGrace = 3 * time.Hour
)

// jobs is what the schedule runs. Each may be run again for the same slot after
// it stopped half way; what it calls does nothing twice.
func (a *app) jobs() []schedule.Job {
	jobs := []schedule.Job{
		{
			Name: "assemble",
			Series: a.weekly("assemble", func(n epistle.Newsletter, s *schedule.Series) {
				// An issue that begins late is better than none, until its slot.
				s.Offset, s.Grace = -n.AssembleLead, n.AssembleLead
			}),
			Run: func(ctx context.Context, s schedule.Series, slot epistle.Slot) error {
				_, err := a.issues.Assemble(ctx, epistle.SystemActor(), s.Subject, s.Occurrence(slot))
				return err
			},
		},
		{
			Name:   "launch",
			Series: a.weekly("launch", func(n epistle.Newsletter, s *schedule.Series) { s.Grace = n.Grace }),
			Run: func(ctx context.Context, s schedule.Series, slot epistle.Slot) error {
				return a.issues.AtSlot(ctx, s.Subject, s.Occurrence(slot))
			},
			Missed: func(ctx context.Context, s schedule.Series, slot epistle.Slot) error {
				return a.issues.Missed(ctx, s.Subject, s.Occurrence(slot))
			},
		},
		{
			Name:   "welcome",
			Series: a.daily("welcome", welcomeGrace),
			Run: func(ctx context.Context, s schedule.Series, slot epistle.Slot) error {
				return a.sending.Welcome(ctx, s.Subject, slot.At)
			},
		},
	}
	jobs = append(jobs, schedule.Job{Name: "poll", Series: a.polls, Run: func(ctx context.Context, s schedule.Series, _ epistle.Slot) error {
		return a.poller.Poll(ctx, s.Subject)
	}})
	if a.pageLook != nil {
		jobs = append(jobs, schedule.Job{Name: pageSeries, Series: a.everyDay(pageSeries, pollEvery, pollGrace), Run: func(ctx context.Context, _ schedule.Series, _ epistle.Slot) error {
			return a.pageLook.Run(ctx)
		}})
	}
	jobs = append(jobs, schedule.Job{Name: "sweep", Series: a.nightly("sweep"), Run: func(ctx context.Context, _ schedule.Series, _ epistle.Slot) error {
		return errors.Join(a.signup.Sweep(ctx), a.store.SweepSessions(ctx),
			a.store.SweepHookMessages(ctx, a.clock().Add(-keepHookMessages)), a.store.SweepSlots(ctx, pollSeries, a.clock().Add(-keepPollSlots)),
			a.store.SweepSlots(ctx, pageSeries, a.clock().Add(-keepPollSlots)))
	}})
	jobs = append(jobs, schedule.Job{Name: "care", Series: a.everyDay("care", careAt, 24*time.Hour), Run: func(ctx context.Context, _ schedule.Series, _ epistle.Slot) error {
		_, waiting := a.signup.Remind(ctx)
		_, consents := a.signup.RemindOfConsents(ctx)
		return errors.Join(waiting, consents)
	}})
	jobs = append(jobs, schedule.Job{Name: "morning", Series: a.everyDay("morning", morningAt, morningGrace), Run: func(ctx context.Context, _ schedule.Series, slot epistle.Slot) error {
		return a.morning.Tell(ctx, slot.At)
	}})
	for _, lead := range reminders {
		name := fmt.Sprintf("remind-%dh", int(lead.Hours()))
		jobs = append(jobs, schedule.Job{
			Name:   name,
			Series: a.weekly(name, func(_ epistle.Newsletter, s *schedule.Series) { s.Offset, s.Grace = -lead, remindGrace }),
			Run: func(ctx context.Context, s schedule.Series, slot epistle.Slot) error {
				return a.issues.Remind(ctx, s.Subject, s.Occurrence(slot), lead)
			},
		})
	}
	return jobs
}

const (
	pollEvery  = "*/5 * * * *"
	pollsADay  = 24 * 60 / 5
	pollSeries = "poll/"
	pageSeries = "pages"
	pollGrace  = 4 * time.Minute // then the next look is near
	// A message of a hook that is older would be refused for its age alone.
	keepHookMessages = 24 * time.Hour
	keepPollSlots    = 40 * 24 * time.Hour // longer than the schedule looks back
)

// polls is a series for each site whose comments are read.
func (a *app) polls(ctx context.Context) ([]schedule.Series, error) {
	sites, err := a.store.Sites(ctx)
	if err != nil {
		return nil, err
	}
	expression, err := schedule.Parse(pollEvery, "UTC")
	if err != nil {
		return nil, err
	}
	var all []schedule.Series
	for _, site := range sites {
		if site.ReadsComments() {
			all = append(all, schedule.Series{Key: fmt.Sprintf("%s%d", pollSeries, site.ID), Subject: site.ID, Expression: expression,
				Grace: pollGrace, Since: site.CreatedAt})
		}
	}
	return all, nil
}

// weekly is the series of every newsletter's schedule; set fills what differs.
func (a *app) weekly(name string, set func(epistle.Newsletter, *schedule.Series)) func(context.Context) ([]schedule.Series, error) {
	return a.seriesOf(name, func(n epistle.Newsletter) string { return n.Schedule }, set)
}

// daily is the series of every newsletter's welcome time.
func (a *app) daily(name string, grace time.Duration) func(context.Context) ([]schedule.Series, error) {
	return a.seriesOf(name, func(n epistle.Newsletter) string {
		at, err := time.Parse("15:04", n.WelcomeAt)
		if err != nil {
			return ""
		}
		return fmt.Sprintf("%d %d * * *", at.Minute(), at.Hour())
	}, func(_ epistle.Newsletter, s *schedule.Series) { s.Grace = grace })
}

// sweepAt is when nobody is about, in the ministry's zone.
const sweepAt = "17 4 * * *"

// careAt is a time of day at which people read their mail: then they are
// reminded of what they began and of what they agreed to.
const careAt = "30 10 * * *"

// nightly is everyDay for what is done while nobody is about.
func (a *app) nightly(name string) func(context.Context) ([]schedule.Series, error) {
	return a.everyDay(name, sweepAt, 24*time.Hour)
}

// everyDay is one series of the whole installation, in the ministry's zone. It
// counts from the daemon's first start.
func (a *app) everyDay(name, cron string, grace time.Duration) func(context.Context) ([]schedule.Series, error) {
	since := a.clock()
	return func(context.Context) ([]schedule.Series, error) {
		expression, err := schedule.Parse(cron, a.config.Ministry.Timezone)
		return []schedule.Series{{Key: name, Expression: expression, Grace: grace, Since: since}}, err
	}
}

// seriesOf lists a series for each newsletter. One whose expression cannot be
// read is logged and left out, so that it stops no other.
func (a *app) seriesOf(name string, expression func(epistle.Newsletter) string, set func(epistle.Newsletter, *schedule.Series)) func(context.Context) ([]schedule.Series, error) {
	return func(ctx context.Context) ([]schedule.Series, error) {
		newsletters, err := a.store.Newsletters(ctx)
		if err != nil {
			return nil, err
		}
		var all []schedule.Series
		for _, n := range newsletters {
			parsed, err := schedule.Parse(expression(n), n.Zone)
			if err != nil {
				a.log.ErrorContext(ctx, "a newsletter has no schedule that can be read", "newsletter", n.ID, "job", name, "error", err)
				continue
			}
			series := schedule.Series{Key: fmt.Sprintf("%s/%d", name, n.ID), Subject: n.ID, Expression: parsed, Since: n.CreatedAt}
			set(n, &series)
			all = append(all, series)
		}
		return all, nil
	}
}
