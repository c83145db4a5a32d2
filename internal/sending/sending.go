// Package sending launches approved issues and mails them, and everything else
// that leaves by the relay. It owns the promises about mail:
//
// No mail is lost and none doubled. Launch writes one delivery row a person, in
// chunks, while sending has already begun. Each daemon that sends an issue has
// a share of it: a row with the ranges of sequence numbers that its connections
// are at, under a lease that every mark renews. A connection sends its range in
// order. What is done is a number a range, and all of them are written to the
// database by one goroutine, the marker. The rules that make a kill cost at most one copy a
// connection:
//
//  1. A range is sent from only after the commit that says who has it.
//  2. The final dot of a message goes out only when all before it in its range
//     stands: committed by the marker, or, on SQLite, noted by its connection in
//     the journal beside the database, which the end of the process does not undo.
//     So of each range only the message after the last mark or note can be in
//     doubt. At leisure the body goes ahead of the dot; when messages follow each
//     other fast, both go together.
//  3. What was not simply accepted (deferred, failed, skipped, uncertain) is
//     written in the transaction of the mark that passes it. A note is made only
//     of messages simply accepted, when all others up to there are committed.
//  4. Taking over deletes the share whose lease has run out, and opens its
//     ranges in another share, in one transaction. The former owner's marks
//     then meet no row, and it stops.
//  5. A mark that fails for the database's sake is repeated until it is known
//     to be there; until then nothing more is sent but what may be noted, at most
//     eight messages a connection.
//  6. Notes are written into the shares when the next daemon starts, and by the
//     transaction that opens the next share. A loss of power may undo them: eight
//     messages a connection whose mark is being committed, and eight noted since.
//
// A delivery that went as it should is not written again: that it was accepted
// follows from where the ranges are. Message-ID and Date come from the row and
// the launch, so that a copy is recognised as one.
//
// Nobody is mailed after leaving: each connection asks about the rest of its
// range (who has left, paused or is suppressed, whether the issue is still to
// be sent) whenever its last answer is older than a fraction of a second, and
// says DATA only on a fresh one.
//
// A notice whose person is erased or suppressed meanwhile is dropped; that too is
// asked right before DATA.
//
// Deferred deliveries, welcomes and notices are claimed row by row, by any
// daemon, each over a connection of its own, so that none waits for bulk mail or
// for another.
//
// Limits hold for all daemons together: token buckets, breakers and quotas are
// rows in the database, debited in parts. A lane that is full, or whose domain
// refuses for the time being, holds no connection up: its mail is put off to a
// moment that is debited for it. One whose domain takes its mail slowly has a part
// of the connections as long as others want them. For the rate of a relay, or of
// all, a connection waits. When the quotas of a day are used up, issues rest until
// the next.
// Notices count, and wait for nothing.
package sending

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/render"
	"epistle/internal/store"
)

// Options says what a service sends with.
type Options struct {
	Store    Store
	Renderer Renderer
	Catalog  *locale.Catalog
	Clock    epistle.Clock
	Log      *slog.Logger
	Relays   []Relay // in order of preference; at least one
	Limits   Limits
	Zone     *time.Location // whose calendar the daily quotas follow; nil: UTC
}

// Store is what the service needs of the database; *store.Store has it.
type Store interface {
	IssueStore
	ShareStore
	DueStore
	NoticeStore
	WelcomeStore
	PaceStore
}

// IssueStore is how issues are read and moved.
type IssueStore interface {
	Issue(ctx context.Context, id epistle.ID) (epistle.Issue, error)
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
	LaunchIssue(ctx context.Context, by epistle.Actor, id epistle.ID) (epistle.Issue, error)
	ResumeIssue(ctx context.Context, by epistle.Actor, id epistle.ID) (epistle.Issue, error)
	MoveIssue(ctx context.Context, by epistle.Actor, m store.IssueMove) (epistle.Issue, error)
	StopIssue(ctx context.Context, id epistle.ID, reason string) (bool, error)
	StopForRefusals(ctx context.Context, id epistle.ID) (bool, error)
	FinishIssue(ctx context.Context, id epistle.ID) (bool, error)
	StaffMember(ctx context.Context, id epistle.ID) (epistle.StaffMember, error)
}

// ShareStore is what a run works with.
type ShareStore interface {
	Tasks(ctx context.Context) ([]store.Task, error)
	OpenShare(ctx context.Context, issueID epistle.ID, owner string, lease time.Duration) (store.Share, error)
	MarkShare(ctx context.Context, m store.Mark) (given []store.Range, err error)
	CloseShare(ctx context.Context, issueID epistle.ID, number, step int64, open []store.Range) error
	LaunchChunk(ctx context.Context, l store.Launch, size int) (store.Progress, error)
	LaunchedBetween(ctx context.Context, newsletterID epistle.ID, from, until time.Time) (int64, error)
	ReadRange(ctx context.Context, issueID epistle.ID, first, last int64) ([]store.Recipient, store.Check, error)
	CheckRange(ctx context.Context, issueID epistle.ID, first, last int64) (store.Check, error)
}

// DueStore is how single deliveries are claimed and settled.
type DueStore interface {
	ClaimDue(ctx context.Context, kind epistle.DeliveryKind, lease time.Duration, limit int) ([]store.Recipient, error)
	KeepDue(ctx context.Context, claimed []store.Recipient, lease time.Duration) error
	CheckDue(ctx context.Context, claimed store.Recipient) (store.Check, error)
	BeginDue(ctx context.Context, claimed store.Recipient) error
	SettleDue(ctx context.Context, claimed store.Recipient, r store.Result) error
}

// NoticeStore is the outbox.
type NoticeStore interface {
	ClaimNotices(ctx context.Context, owner string, lease time.Duration, limit int) ([]epistle.Notice, error)
	NoticeStands(ctx context.Context, owner string, id epistle.ID) (bool, error)
	KeepNotices(ctx context.Context, owner string, lease time.Duration) error
	SettleNotice(ctx context.Context, owner string, n epistle.Notice, code int, status string) error
}

// WelcomeStore is how welcomes are queued.
type WelcomeStore interface {
	Welcomes(ctx context.Context, slot store.WelcomeSlot) (store.WelcomeRound, error)
}

// Renderer makes the mails; *render.Renderer does.
type Renderer interface {
	Compile(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (*render.Edition, error)
	Notice(n epistle.Notice) (render.Message, error)
}

// Service sends. Make one with New; Start does the work. The other methods may
// be called whether or not it runs, and in another process.
type Service struct {
	Options
	owner   string
	gateway *gateway
	pace    *pace
	bulk    signal // something may be there for an owner to do
	single  signal // a delivery may be due
	welcome signal // a welcome may be
	outbox  signal // a notice may be waiting

	unsettled atomic.Int64 // outcomes of due deliveries that could not be recorded at first
	tuning
}

// tuning is what tests set otherwise.
type tuning struct {
	wait      waiter
	poll      time.Duration // how often the loops look by themselves
	lease     time.Duration // of a share, renewed three times within it
	grace     time.Duration // what is in flight has this long when Start ends
	rangeSize int64
	chunkSize int           // of a launch; SQLite keeps the marks waiting meanwhile, for a few milliseconds
	freshness time.Duration // how old a check may be before it is repeated
}

// No DATA begins on a check older than promised, even if the database took that
// long to answer. Checks are repeated earlier, to leave room.
const (
	promised       = 500 * time.Millisecond
	usualFreshness = 300 * time.Millisecond
)

// New makes a service.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	name := make([]byte, 8)
	rand.Read(name) // never fails
	s := &Service{
		Options: o, owner: hex.EncodeToString(name), pace: newPace(o.Store, o.Clock, o.Log, o.Limits),
		bulk: newSignal(), single: newSignal(), welcome: newSignal(), outbox: newSignal(),
		tuning: tuning{wait: wait, poll: time.Second, lease: 5 * time.Second, grace: 7 * time.Second, rangeSize: 250, chunkSize: 1000,
			freshness: usualFreshness},
	}
	s.gateway = newGateway(o, func(ctx context.Context, d time.Duration, wake <-chan struct{}) error { return s.wait(ctx, d, wake) })
	s.pace.part = max(1, s.gateway.connections()/4)
	return s
}

// Start drains notices, single deliveries and issues until ctx ends. Then it
// takes no more, finishes what is in flight within seven seconds, and returns;
// a message that still waits for its final reply by then is uncertain. A lost
// database or relay does not end it: it goes on when they are back.
func (s *Service) Start(ctx context.Context) error {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	over := make(chan struct{})
	defer close(over)
	stop := context.AfterFunc(ctx, func() {
		if s.wait(hard, s.grace, over) == nil {
			cut()
		}
	})
	defer stop()
	var group errgroup.Group
	for _, loop := range []func(ctx, hard context.Context){s.sendNotices, s.sendWelcomes, s.sendRetries, s.sendIssues, s.watchLanes} {
		group.Go(func() error { loop(ctx, hard); return nil })
	}
	for _, r := range s.gateway.routes {
		group.Go(func() error { s.gateway.tend(ctx, r); return nil })
	}
	err := group.Wait()
	settling, cancel := context.WithTimeout(hard, commitTime)
	defer cancel()
	s.gateway.settle(settling)
	return err
}

// Health is nil, or says in a sentence for staff why nothing goes out, or that
// something is wrong though mail still goes out.
func (s *Service) Health() error { return s.gateway.health() }

// watchLanes learns what other daemons find out about mail domains, and tidies
// up after the limits.
func (s *Service) watchLanes(ctx, _ context.Context) {
	var tidied time.Time
	for ctx.Err() == nil {
		if err := s.pace.look(ctx); err != nil {
			s.failed(ctx, "look after the mail domains", err)
			continue
		}
		if now := s.Clock(); now.Sub(tidied) > tidyEvery {
			if err := s.Store.ForgetBuckets(ctx, now.Add(-tidyEvery)); err != nil {
				s.failed(ctx, "forget old limits", err)
				continue
			}
			tidied = now
		}
		_ = s.wait(ctx, s.poll, nil) // the loop sees that ctx ended
	}
}

const tidyEvery = time.Hour

// failed logs what went wrong in a loop, without a word about whom it was for,
// and waits before the next attempt. Ending ctx is not worth a line.
func (s *Service) failed(ctx context.Context, doing string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.Log.Error("sending: "+doing, "error", err)
	_ = s.wait(ctx, s.poll, nil) // the caller sees that ctx ended
}

// signal wakes one sleeper, at once or when it next lies down.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// waiter waits for a while, or until woken; the error is ctx's.
type waiter func(ctx context.Context, d time.Duration, wake <-chan struct{}) error

func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-wake:
	}
	return nil
}
