package editorial

import (
	"context"
	"log/slog"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/store"
)

// IssueStore is how Issues keeps what it works on.
type IssueStore interface {
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
	Issue(ctx context.Context, id epistle.ID) (epistle.Issue, error)
	IssueAt(ctx context.Context, newsletterID epistle.ID, sendAt time.Time) (epistle.Issue, error)
	Issues(ctx context.Context, f store.IssueFilter) ([]epistle.Issue, error)
	CreateIssue(ctx context.Context, by epistle.Actor, i epistle.Issue) (epistle.Issue, bool, error)
	SaveIssue(ctx context.Context, by epistle.Actor, id epistle.ID, version int64, c epistle.Content) (epistle.Issue, error)
	ApproveIssue(ctx context.Context, by epistle.Actor, a store.IssueApproval) (epistle.Issue, error)
	MoveIssue(ctx context.Context, by epistle.Actor, m store.IssueMove) (epistle.Issue, error)
	CountAudience(ctx context.Context, rule epistle.AudienceRule) (int64, error)
	AudienceByLanguage(ctx context.Context, rule epistle.AudienceRule) (map[epistle.Language]int64, error)
	AudienceChanges(ctx context.Context, rule epistle.AudienceRule, since time.Time, limit int64) (int64, error)
	HasAudience(ctx context.Context, rule epistle.AudienceRule) (bool, error)
}

// PoolReader is what Issues reads of the pool.
type PoolReader interface {
	Ready(ctx context.Context, now time.Time) (epistle.Ready, error)
	Letter(ctx context.Context, id epistle.ID) (epistle.Letter, error)
	Prayer(ctx context.Context, id epistle.ID) (epistle.Prayer, error)
	Link(ctx context.Context, id epistle.ID) (epistle.Link, error)
	Question(ctx context.Context, id epistle.ID) (epistle.Question, error)
	Video(ctx context.Context, id epistle.ID) (epistle.Video, error)
}

// StaffNotices is how Issues tells staff.
type StaffNotices interface {
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
	QueueNotice(ctx context.Context, n epistle.Notice) error
}

// Launcher sets an issue going and stops it; package sending is one.
type Launcher interface {
	// Launch takes approved issues only and does nothing twice: a second call
	// is a Conflict.
	Launch(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error
	Pause(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error
	Resume(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error
	Cancel(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error
}

// IssuesOptions says what Issues needs.
type IssuesOptions struct {
	Store    IssueStore
	Pool     PoolReader
	Notices  StaffNotices
	Launcher Launcher
	// MailSize renders an issue in a language and returns the bytes of its HTML.
	MailSize func(n epistle.Newsletter, i epistle.Issue, l epistle.Language) (int, error)
	Catalog  *locale.Catalog
	Clock    epistle.Clock
	Log      *slog.Logger
}

// Issues is the policy of issues: what goes into one, who may approve it, and
// what happens at its slot. It is safe for concurrent use.
type Issues struct {
	IssuesOptions
}

// NewIssues makes Issues.
func NewIssues(o IssuesOptions) *Issues { return &Issues{o} }

// The reasons for which an issue waits; each is a key under "held.".
const (
	HeldUnapproved = "unapproved" // nobody had approved it at its slot
	HeldAudience   = "audience"   // the audience had changed by more than was approved
	HeldLate       = "late"       // approved, but only after the grace period
	HeldLaunch     = "launch"     // the launch itself failed
)

// SecondPersonDelay is how long somebody waits before approving what they
// edited themselves, where solo mode allows that at all.
const SecondPersonDelay = time.Hour

// tolerance is how far an audience may drift between approval and launch.
func tolerance(audience int64) int64 { return max(50, (audience+4)/5) }

func conflict(key string) *epistle.Error { return epistle.Errorf(epistle.Conflict, key, nil) }
