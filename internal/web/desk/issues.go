package desk

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/render"
	"epistle/internal/store"
	"epistle/internal/web"
)

// IssueReader is what the pages of issues read.
type IssueReader interface {
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
	Issue(ctx context.Context, id epistle.ID) (epistle.Issue, error)
	Issues(ctx context.Context, f store.IssueFilter) ([]epistle.Issue, error)
	Ready(ctx context.Context, now time.Time) (epistle.Ready, error)
	AudienceByLanguage(ctx context.Context, rule epistle.AudienceRule) (map[epistle.Language]int64, error)
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
	Report(ctx context.Context, issueID epistle.ID) (epistle.Report, error)
}

// Previewer makes the mail that readers would get.
type Previewer interface {
	Preview(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (render.Preview, error)
}

// TestSender mails one edition to one person.
type TestSender interface {
	SendTest(ctx context.Context, actor epistle.Actor, issueID epistle.ID, l epistle.Language, to epistle.Address) error
}

// Issues are the pages of a newsletter's issues: the list, the composer, the
// preview and the report.
type Issues struct {
	Kernel  *web.Kernel
	Store   IssueReader
	Issues  *editorial.Issues
	Preview Previewer
	Tests   TestSender
	// Mail says in a sentence what is wrong with sending; nil if all is well.
	Mail func() error
	// Slots lists a newsletter's next slots after a moment.
	Slots func(n epistle.Newsletter, after time.Time, count int) ([]time.Time, error)
}

// contentBody bounds a posted issue: two long letters in Korean, escaped.
const contentBody = 4 << 20

// Routes are the pages.
func (p Issues) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/issues", epistle.ReadDesk, p.list),
		web.Desk("POST /desk/issues", epistle.WriteIssue, p.begin),
		web.Desk("GET /desk/issues/{id}", epistle.ReadDesk, p.show),
		web.Desk("POST /desk/issues/{id}", epistle.WriteIssue, p.save).MaxBody(contentBody),
		web.Desk("GET /desk/issues/{id}/preview", epistle.ReadDesk, p.preview),
		web.Desk("POST /desk/issues/{id}/preview", epistle.ReadDesk, p.previewTyped).MaxBody(contentBody),
		web.Desk("POST /desk/issues/{id}/test", epistle.TestSend, p.test),
		web.Desk("POST /desk/issues/{id}/approve", epistle.ApproveIssue, p.approve),
		web.Desk("POST /desk/issues/{id}/send", epistle.LaunchIssue, p.sendNow),
		web.Desk("POST /desk/issues/{id}/pause", epistle.StopIssue, p.pause),
		web.Desk("POST /desk/issues/{id}/resume", epistle.LaunchIssue, p.resume),
		web.Desk("POST /desk/issues/{id}/cancel", epistle.StopIssue, p.cancel),
		web.Desk("GET /desk/issues/{id}/report", epistle.ReadDesk, p.report),
	}
}

type issuesPage struct {
	Open     []issueRow
	Upcoming []slotRow
	Past     []issueRow
	MayWrite bool
	Extra    []epistle.Newsletter // for which an extra issue may be begun
}

// issueRow is an issue in a list.
type issueRow struct {
	Issue      epistle.Issue
	Newsletter epistle.Newsletter
	Badge      web.Badge
	Report     *epistle.Report
}

// slotRow is a slot that has no issue yet.
type slotRow struct {
	Newsletter epistle.Newsletter
	At         time.Time
	AssembleAt time.Time
	Value      string
}

// openStates are those of issues that somebody still has to do something with.
var openStates = []epistle.IssueState{epistle.IssueDraft, epistle.IssueHeld, epistle.IssueApproved,
	epistle.IssueLaunching, epistle.IssueSending, epistle.IssuePaused}

const (
	shownSlots   = 5
	shownPast    = 52
	countedPast  = 8 // past issues whose deliveries are counted in the list
	slotNumbered = 10
)

func (p Issues) list(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	newsletters, err := p.Store.Newsletters(ctx)
	if err != nil {
		return err
	}
	page := issuesPage{MayWrite: web.ActorFrom(ctx).May(epistle.WriteIssue), Extra: newsletters}
	byID := map[epistle.ID]epistle.Newsletter{}
	for _, n := range newsletters {
		byID[n.ID] = n
		slots, err := p.freeSlots(ctx, n)
		if err != nil {
			return err
		}
		page.Upcoming = append(page.Upcoming, slots...)
	}
	open, err := p.Store.Issues(ctx, store.IssueFilter{States: openStates})
	if err != nil {
		return err
	}
	if page.Open, err = p.rows(r, open, byID, len(open)); err != nil {
		return err
	}
	past, err := p.Store.Issues(ctx, store.IssueFilter{States: []epistle.IssueState{epistle.IssueSent, epistle.IssueCancelled}, Limit: shownPast})
	if err != nil {
		return err
	}
	if page.Past, err = p.rows(r, past, byID, countedPast); err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "desk/issues", page)
}

// rows prepares issues for a list; of the first few, deliveries are counted.
func (p Issues) rows(r *http.Request, issues []epistle.Issue, newsletters map[epistle.ID]epistle.Newsletter, counted int) ([]issueRow, error) {
	rows := make([]issueRow, len(issues))
	for i, issue := range issues {
		rows[i] = issueRow{Issue: issue, Newsletter: newsletters[issue.NewsletterID], Badge: p.badge(r, issue)}
		if issue.LaunchedAt.IsZero() || i >= counted {
			continue
		}
		report, err := p.Store.Report(r.Context(), issue.ID)
		if err != nil {
			return nil, err
		}
		rows[i].Report = &report
	}
	return rows, nil
}

// badge says in a word where an issue stands.
func (p Issues) badge(r *http.Request, issue epistle.Issue) web.Badge {
	tone := map[epistle.IssueState]string{
		epistle.IssueDraft: "wait", epistle.IssueHeld: "bad", epistle.IssueApproved: "good",
		epistle.IssueLaunching: "info", epistle.IssueSending: "info", epistle.IssuePaused: "wait", epistle.IssueSent: "good",
	}[issue.State]
	return web.Badge{Tone: tone, Label: p.Kernel.Words(r).T("issue.state." + string(issue.State))}
}

// freeSlots are the next slots for which there is no issue yet.
func (p Issues) freeSlots(ctx context.Context, n epistle.Newsletter) ([]slotRow, error) {
	now := p.Kernel.Now()
	slots, err := p.Slots(n, now, shownSlots)
	if err != nil {
		return nil, err
	}
	taken, err := p.Store.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, SlotFrom: &now})
	if err != nil {
		return nil, err
	}
	var free []slotRow
	for _, at := range slots {
		if !hasSlot(taken, at) {
			free = append(free, slotRow{Newsletter: n, At: at, AssembleAt: at.Add(-n.AssembleLead), Value: strconv.FormatInt(at.Unix(), slotNumbered)})
		}
	}
	return free, nil
}

func hasSlot(issues []epistle.Issue, at time.Time) bool {
	for _, issue := range issues {
		if issue.SendAt.Equal(at) {
			return true
		}
	}
	return false
}

// begin starts an issue: of one of the next slots, or an extra one.
func (p Issues) begin(w http.ResponseWriter, r *http.Request) error {
	ctx, form := r.Context(), web.FormOf(r)
	id, err := strconv.ParseInt(form.Value("newsletter"), 10, 64)
	if err != nil {
		return notHere()
	}
	newsletter, err := p.Store.Newsletter(ctx, id)
	if err != nil {
		return err
	}
	issue, err := p.beginFor(r, newsletter, form.Value("slot"))
	if err != nil {
		return err
	}
	p.Kernel.Flash(w, r, web.Good, "issue.begun")
	return web.Redirect(w, r, issuePath(issue.ID))
}

func (p Issues) beginFor(r *http.Request, n epistle.Newsletter, slot string) (epistle.Issue, error) {
	ctx := r.Context()
	if slot == "" {
		return p.Issues.Draft(ctx, web.ActorFrom(ctx), n.ID)
	}
	slots, err := p.freeSlots(ctx, n)
	if err != nil {
		return epistle.Issue{}, err
	}
	for _, free := range slots {
		if free.Value == slot {
			return p.Issues.Assemble(ctx, web.ActorFrom(ctx), n.ID, free.At)
		}
	}
	return epistle.Issue{}, epistle.Errorf(epistle.Conflict, "issue.slot-taken", nil)
}

func issuePath(id epistle.ID) string { return "/desk/issues/" + strconv.FormatInt(id, 10) }

func notHere() error { return epistle.Errorf(epistle.NotFound, "not-found", nil) }

// issueOf finds the issue of a request and its newsletter.
func (p Issues) issueOf(r *http.Request) (epistle.Issue, epistle.Newsletter, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return epistle.Issue{}, epistle.Newsletter{}, notHere()
	}
	issue, err := p.Store.Issue(r.Context(), id)
	if err != nil {
		return epistle.Issue{}, epistle.Newsletter{}, err
	}
	newsletter, err := p.Store.Newsletter(r.Context(), issue.NewsletterID)
	return issue, newsletter, err
}
