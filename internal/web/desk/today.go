package desk

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/schedule"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Today is the desk's first page: what waits, and where each newsletter's next
// issue stands.
type Today struct {
	Kernel *web.Kernel
	Store  TodayStore
	Issues IssueJudge
	// Mail says in a sentence why no mail goes out at the moment; nil if it does.
	Mail func() error
}

// TodayStore is what the page reads.
type TodayStore interface {
	Today(ctx context.Context, me epistle.ID) (store.Today, error)
	MovementSince(ctx context.Context, newsletterID epistle.ID, since time.Time) (store.Movement, error)
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	Issues(ctx context.Context, f store.IssueFilter) ([]epistle.Issue, error)
	CountAudience(ctx context.Context, rule epistle.AudienceRule) (int64, error)
	Ready(ctx context.Context, now time.Time) (epistle.Ready, error)
	SignupsClosed(ctx context.Context) (time.Time, error)
}

// IssueJudge says what an issue lacks and who may approve it.
type IssueJudge interface {
	Check(ctx context.Context, issue epistle.Issue) ([]editorial.Finding, error)
	SecondPerson(actor epistle.Actor, n epistle.Newsletter, i epistle.Issue) error
}

// Routes is the area's table.
func (t Today) Routes() []web.Route {
	return []web.Route{web.Desk("GET /desk/{$}", epistle.ReadDesk, t.show)}
}

type todayPage struct {
	Now     time.Time
	Trouble string // why no mail goes out; "" when it does
	Passing bool   // the trouble ends by itself
	Closed  struct {
		Since time.Time // when sign-ups were closed; zero while they are open
		May   bool      // open them again
	}
	Name    string
	Part    string // of the day, a key under "today.hello."
	Queue   []queueLine
	Pending store.Waiting // sign-ups that wait for their own confirmation
	Weeks   []week
}

// queueLine is a kind of thing that waits for this member.
type queueLine struct {
	Key, Icon, Path string
	store.Waiting
}

// week is where a newsletter stands.
type week struct {
	Newsletter epistle.Newsletter
	Issue      epistle.Issue // its next one; ID 0 while there is none
	Last       epistle.Issue // the last one sent; ID 0 if none was
	SlotAt     time.Time     // when the next one goes out; zero if only by hand
	AssembleAt time.Time     // when it will be put together, while there is none
	Until      time.Duration
	Ready      epistle.Ready // what it would be put together from
	Findings   []editorial.Finding
	Steps      []step
	Next       nextAction
	Readers    int64
	Movement   store.Movement
}

type step struct {
	Key   string // under "today.step."
	State string // "done", "now", "bad" or ""
}

// nextAction is the one thing to do next; its words are "today.next.KEY" and
// "today.next.KEY.button".
type nextAction struct {
	Key, Link string
	Calm      bool // nothing needs to be done
}

func (t Today) show(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	member, _ := web.StaffFrom(ctx)
	waiting, err := t.Store.Today(ctx, member.ID)
	if err != nil {
		return err
	}
	now := t.Kernel.Now()
	page := todayPage{Now: now, Name: member.Name, Part: partOfDay(now.In(t.Kernel.Location())), Queue: queueFor(member.Actor(), waiting), Pending: waiting.Signups}
	if err := t.Mail(); err != nil {
		page.Trouble, page.Passing = t.Kernel.Words(r).Error(err), passes(err)
	}
	if page.Closed.Since, err = t.Store.SignupsClosed(ctx); err != nil {
		return err
	}
	page.Closed.May = member.Actor().May(epistle.ChangeSettings)
	newsletters, err := t.Store.Newsletters(ctx)
	if err != nil {
		return err
	}
	for _, n := range newsletters {
		week, err := t.week(ctx, member.Actor(), n, now)
		if err != nil {
			return err
		}
		page.Weeks = append(page.Weeks, week)
	}
	return t.Kernel.Render(w, r, "desk/today", page)
}

// passes reports whether what is wrong with the mail ends by itself.
func passes(err error) bool {
	var known *epistle.Error
	return errors.As(err, &known) && known.Message == "relay.quota"
}

func partOfDay(local time.Time) string {
	switch hour := local.Hour(); {
	case hour < 5:
		return "night"
	case hour < 12:
		return "morning"
	case hour < 18:
		return "afternoon"
	}
	return "evening"
}

// queueFor lists what waits and this member can do something about.
func queueFor(actor epistle.Actor, t store.Today) []queueLine {
	lines := []queueLine{{"comments", "speech", "/desk/comments", t.Comments}}
	if actor.May(epistle.ConfirmLink) {
		lines = append(lines, queueLine{"links", "link", "/desk/links", t.Links})
	}
	lines = append(lines, queueLine{"prayers", "candle", "/desk/prayers", t.Prayers})
	return slices.DeleteFunc(lines, func(l queueLine) bool { return l.Count == 0 })
}

// unfinished are the states of an issue that is on its way.
var unfinished = []epistle.IssueState{epistle.IssueDraft, epistle.IssueHeld, epistle.IssueApproved,
	epistle.IssueLaunching, epistle.IssueSending, epistle.IssuePaused}

const recently = 7 * 24 * time.Hour

func (t Today) week(ctx context.Context, actor epistle.Actor, n epistle.Newsletter, now time.Time) (week, error) {
	w := week{Newsletter: n}
	open, err := t.Store.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, States: unfinished})
	if err != nil {
		return week{}, err
	}
	w.Issue = mostUrgent(open)
	last, err := t.Store.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, States: []epistle.IssueState{epistle.IssueSent}, Limit: 1})
	if err != nil {
		return week{}, err
	}
	if len(last) > 0 {
		w.Last = last[0]
	}
	if w.Readers, err = t.Store.CountAudience(ctx, epistle.Issue{NewsletterID: n.ID}.Audience()); err != nil {
		return week{}, err
	}
	if w.Movement, err = t.Store.MovementSince(ctx, n.ID, now.Add(-recently)); err != nil {
		return week{}, err
	}
	if w.Issue.ID == 0 {
		return t.beforeAssembly(ctx, w, now)
	}
	w.SlotAt = w.Issue.SendAt
	w.Until = w.SlotAt.Sub(now)
	if w.Findings, err = t.Issues.Check(ctx, w.Issue); err != nil {
		return week{}, err
	}
	w.Next = nextFor(actor, w, t.Issues.SecondPerson(actor, n, w.Issue) == nil)
	w.Steps = stepsOf(w)
	return w, nil
}

// beforeAssembly fills a week that has no issue yet.
func (t Today) beforeAssembly(ctx context.Context, w week, now time.Time) (_ week, err error) {
	if w.Ready, err = t.Store.Ready(ctx, now); err != nil {
		return week{}, err
	}
	if w.SlotAt, err = t.nextSlot(ctx, w.Newsletter, now); err != nil {
		return week{}, err
	}
	if !w.SlotAt.IsZero() {
		w.AssembleAt = w.SlotAt.Add(-w.Newsletter.AssembleLead)
		w.Until = w.SlotAt.Sub(now)
	}
	w.Next = nextAction{Key: "gathering", Link: "/desk/issues", Calm: true}
	if len(w.Ready.Letters) == 0 {
		w.Next = nextAction{Key: "letter", Link: "/desk/letters"}
	}
	w.Steps = stepsOf(w)
	return w, nil
}

// slotsAhead is how many slots may have been served ahead of time.
const slotsAhead = 20

// nextSlot is the next slot that no issue has; one that was sent early has
// its issue. Zero when the schedule names none.
func (t Today) nextSlot(ctx context.Context, n epistle.Newsletter, now time.Time) (time.Time, error) {
	expression, err := schedule.Parse(n.Schedule, n.Zone)
	if err != nil {
		return time.Time{}, nil //nolint:nilerr // the settings page tells what is wrong with it
	}
	served, err := t.Store.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, SlotFrom: &now})
	if err != nil {
		return time.Time{}, err
	}
	for _, occurrence := range expression.Next(now, slotsAhead) {
		if !slices.ContainsFunc(served, func(i epistle.Issue) bool { return i.SendAt.Equal(occurrence.At) }) {
			return occurrence.At, nil
		}
	}
	return time.Time{}, nil
}

// mostUrgent is the issue that somebody should look at first: one that is
// going out, else the one whose slot comes first, else the oldest.
func mostUrgent(open []epistle.Issue) epistle.Issue {
	rank := func(i epistle.Issue) int {
		switch i.State {
		case epistle.IssuePaused:
			return 0
		case epistle.IssueLaunching, epistle.IssueSending:
			return 1
		case epistle.IssueHeld:
			return 2
		}
		return 3
	}
	if len(open) == 0 {
		return epistle.Issue{}
	}
	return slices.MinFunc(open, func(a, b epistle.Issue) int {
		switch {
		case rank(a) != rank(b):
			return rank(a) - rank(b)
		case a.SendAt.IsZero() != b.SendAt.IsZero():
			if a.SendAt.IsZero() {
				return 1
			}
			return -1
		}
		if c := a.SendAt.Compare(b.SendAt); c != 0 {
			return c
		}
		return int(a.Number - b.Number)
	})
}

// nextFor decides the one thing to do next about an issue.
func nextFor(actor epistle.Actor, w week, mayBeSecond bool) nextAction {
	link := "/desk/issues/" + strconv.FormatInt(w.Issue.ID, 10)
	switch w.Issue.State {
	case epistle.IssueLaunching, epistle.IssueSending:
		return nextAction{Key: "sending", Link: link + "/report", Calm: true}
	case epistle.IssuePaused:
		return nextAction{Key: "paused", Link: link}
	case epistle.IssueApproved:
		return nextAction{Key: "approved", Link: link, Calm: true}
	}
	if w.Issue.State == epistle.IssueHeld && w.Issue.IsApproved() {
		return nextAction{Key: "send", Link: link}
	}
	switch {
	case editorial.Stopped(w.Findings):
		return nextAction{Key: "finish", Link: link}
	case actor.May(epistle.ApproveIssue) && mayBeSecond:
		return nextAction{Key: "approve", Link: link}
	}
	return nextAction{Key: "ask", Link: link, Calm: true}
}

// stepsOf draws the way of an issue: gathered, written, approved, sent.
func stepsOf(w week) []step {
	done := 0
	switch {
	case w.Issue.ID == 0:
	case w.Issue.State == epistle.IssueLaunching || w.Issue.State == epistle.IssueSending || w.Issue.State == epistle.IssueApproved || w.Issue.IsApproved():
		done = 3
	case !editorial.Stopped(w.Findings):
		done = 2
	default:
		done = 1
	}
	steps := []step{{Key: "gathered"}, {Key: "written"}, {Key: "approved"}, {Key: "sent"}}
	for i := range steps {
		switch {
		case i < done:
			steps[i].State = "done"
		case i == done && (w.Issue.State == epistle.IssueHeld || w.Issue.State == epistle.IssuePaused):
			steps[i].State = "bad"
		case i == done:
			steps[i].State = "now"
		}
	}
	return steps
}
