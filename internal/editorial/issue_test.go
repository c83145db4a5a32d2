package editorial_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/templates"
)

// office is a small ministry at work: a real store and catalogue, and a
// launcher that keeps the rule that only approved issues start, once.
type office struct {
	*editorial.Issues
	store      *store.Store
	clock      *storetest.Clock
	newsletter epistle.Newsletter
	slot       time.Time
	readers    *audience
	launcher   *launcher
	staff      *roster
}

var (
	author  = epistle.StaffActor(101, epistle.Author)
	editor  = epistle.StaffActor(102, epistle.Editor)
	deputy  = epistle.StaffActor(103, epistle.Editor)
	staffed = []epistle.StaffMember{
		{ID: 101, Address: "author@example.org", Role: epistle.Author, Language: epistle.English},
		{ID: 102, Address: "editor@example.org", Role: epistle.Editor, Language: epistle.English},
		{ID: 103, Address: "deputy@example.org", Role: epistle.Editor, Language: epistle.Korean},
		{ID: 104, Address: "gone@example.org", Role: epistle.Admin, Language: epistle.English, DisabledAt: time.Unix(1, 0)},
	}
)

// audience stands in for the subscribers: this many read each language.
type audience struct {
	*store.Store
	mu     sync.Mutex
	counts map[epistle.Language]int64
	// meanwhile, if set, happens once while somebody counts.
	meanwhile func()
}

func (a *audience) set(en, ko int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts = map[epistle.Language]int64{epistle.English: en, epistle.Korean: ko}
}

func (a *audience) CountAudience(context.Context, epistle.AudienceRule) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if act := a.meanwhile; act != nil {
		a.meanwhile = nil
		act()
	}
	return a.counts[epistle.English] + a.counts[epistle.Korean], nil
}

func (a *audience) AudienceByLanguage(context.Context, epistle.AudienceRule) (map[epistle.Language]int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.counts, nil
}

func (a *audience) HasAudience(ctx context.Context, r epistle.AudienceRule) (bool, error) {
	n, err := a.CountAudience(ctx, r)
	return n > 0, err
}

// AudienceChanges makes every launch count anew.
func (a *audience) AudienceChanges(_ context.Context, _ epistle.AudienceRule, _ time.Time, limit int64) (int64, error) {
	return limit, nil
}

type roster struct {
	*store.Store
	members []epistle.StaffMember
}

func (r *roster) Staff(context.Context) ([]epistle.StaffMember, error) { return r.members, nil }

type launcher struct {
	store    *store.Store
	mu       sync.Mutex
	launched []epistle.ID
	broken   error
}

func (l *launcher) Launch(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil {
		return l.broken
	}
	if err := actor.Require(epistle.LaunchIssue); err != nil {
		return err
	}
	_, err := l.store.MoveIssue(ctx, actor, store.IssueMove{ID: id, From: []epistle.IssueState{epistle.IssueApproved},
		To: epistle.IssueLaunching, Action: "issue.launch"})
	if err == nil {
		l.launched = append(l.launched, id)
	}
	return err
}

func (l *launcher) move(ctx context.Context, actor epistle.Actor, id epistle.ID, to epistle.IssueState) error {
	_, err := l.store.MoveIssue(ctx, actor, store.IssueMove{ID: id, To: to, Action: "issue.move",
		From: []epistle.IssueState{epistle.IssueLaunching, epistle.IssueSending, epistle.IssuePaused}})
	return err
}

func (l *launcher) Pause(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return l.move(ctx, actor, id, epistle.IssuePaused)
}

func (l *launcher) Resume(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return l.move(ctx, actor, id, epistle.IssueSending)
}

func (l *launcher) Cancel(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	return l.move(ctx, actor, id, epistle.IssueCancelled)
}

func (l *launcher) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.launched)
}

// eachOffice runs a test on an office over each database.
func eachOffice(t *testing.T, test func(t *testing.T, o *office)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) { test(t, newOffice(t, s, clock)) })
}

func newOffice(t *testing.T, s *store.Store, clock *storetest.Clock) *office {
	t.Helper()
	files, err := fs.Sub(templates.Locales, "locales")
	must(t, err)
	catalog, err := locale.Load(files)
	must(t, err)
	o := &office{store: s, clock: clock, slot: clock.Now().Add(48 * time.Hour),
		readers: &audience{Store: s}, launcher: &launcher{store: s}, staff: &roster{Store: s, members: staffed}}
	o.readers.set(30, 12)
	o.newsletter, err = s.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "update", Schedule: "0 20 * * 4", Zone: "Asia/Seoul",
		WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 6 * time.Hour,
		Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"}}, o.entry())
	must(t, err)
	o.Issues = editorial.NewIssues(editorial.IssuesOptions{Store: o.readers, Pool: s, Notices: o.staff, Launcher: o.launcher,
		MailSize: func(epistle.Newsletter, epistle.Issue, epistle.Language) (int, error) { return 20_000, nil },
		Catalog:  catalog, Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
	o.fillPool(t)
	return o
}

func (o *office) entry() epistle.AuditEntry {
	return epistle.AuditEntry{At: o.clock.Now(), Actor: epistle.SystemActor(), Action: "sample"}
}

func (o *office) fillPool(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	_, err := o.store.CreateLetter(ctx, epistle.Letter{Title: epistle.Text{EN: "A lamp in the window", KO: "창가의 등불"},
		Body:       epistle.Text{EN: "Dear friends, thank you.", KO: "사랑하는 여러분, 감사합니다."},
		Signatures: []epistle.Text{{EN: "Hannah", KO: "한나"}}, State: epistle.Current}, o.entry())
	must(t, err)
	for _, headline := range []string{"For the winter kitchen", "For the study group"} {
		_, err := o.store.CreatePrayer(ctx, epistle.Prayer{Headline: epistle.Text{EN: headline, KO: "기도"},
			Body: epistle.Text{EN: "Pray.", KO: "기도해 주세요."}, State: epistle.Current}, o.entry())
		must(t, err)
	}
	for day, state := range map[string]epistle.LinkState{"2026-11-20": epistle.LinkConfirmed, "2026-11-21": epistle.LinkConfirmed, "2026-11-22": epistle.LinkSubmitted} {
		_, err := o.store.CreateLink(ctx, epistle.Link{URL: "https://news.example.org/" + day, Title: epistle.Text{EN: "News of " + day, KO: "소식"},
			Summary: epistle.Text{EN: "A summary.", KO: "요약"}, Publisher: "Example News", PublishedOn: day, State: state}, o.entry())
		must(t, err)
	}
}

func (o *office) assembled(t *testing.T) epistle.Issue {
	t.Helper()
	issue, err := o.Assemble(t.Context(), epistle.SystemActor(), o.newsletter.ID, o.slot)
	must(t, err)
	return issue
}

func (o *office) edited(t *testing.T, by epistle.Actor, subject string) epistle.Issue {
	t.Helper()
	issue := o.assembled(t)
	content := issue.Content
	content.Subject.EN = subject
	issue, err := o.Edit(t.Context(), by, issue.ID, issue.Version, editorial.Rewrite(content))
	must(t, err)
	return issue
}

func (o *office) approved(t *testing.T) epistle.Issue {
	t.Helper()
	issue := o.edited(t, author, "Hello")
	issue, err := o.Approve(t.Context(), editor, issue.ID, issue.Version, issue.Digest())
	must(t, err)
	if !issue.IsApproved() {
		t.Fatal("the issue is not approved")
	}
	return issue
}

func (o *office) now(t *testing.T, id epistle.ID) epistle.Issue {
	t.Helper()
	issue, err := o.store.Issue(t.Context(), id)
	must(t, err)
	return issue
}

// noticesOf counts the queued notices of a kind.
func (o *office) noticesOf(t *testing.T, kind epistle.NoticeKind) int {
	t.Helper()
	all, err := o.store.ClaimNotices(t.Context(), "test", time.Millisecond, 100)
	must(t, err)
	o.clock.Advance(2 * time.Millisecond)
	count := 0
	for _, n := range all {
		if n.Kind == kind {
			count++
			if n.Data["slot"] == "" || n.Data["link"] == "" || n.Data["newsletter"] == "" {
				t.Errorf("a notice lacks something: %v", n.Data)
			}
		}
	}
	return count
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError checks an error's kind and message.
func wantError(t *testing.T, what string, err error, kind epistle.Kind, message string) {
	t.Helper()
	var e *epistle.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Message != message {
		t.Errorf("%s: %v, want %s: %s", what, err, kind, message)
	}
}

func keysOf(found []editorial.Finding) map[string]editorial.Severity {
	keys := map[string]editorial.Severity{}
	for _, f := range found {
		keys[f.Key] = f.Severity
	}
	return keys
}
