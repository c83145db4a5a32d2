package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/config"
	"epistle/internal/dkim"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/schedule"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/web"
)

// appOptions is what an app is built from besides the settings.
type appOptions struct {
	Catalog *locale.Catalog
	Clock   epistle.Clock
	Log     *slog.Logger
	// FollowDatabase corrects Clock to that of a shared database.
	FollowDatabase bool
	// Keys finds the key; see keysOf and keysOrNew.
	Keys func(empty bool) (*seal.Keyring, error)
	// Listener takes the requests; the app closes it.
	Listener net.Listener
	// LeavePages keeps the app from reading the pages under which people comment,
	// which are nowhere.
	LeavePages bool
	// Areas, if set, makes more pages than the usual ones once the rest is built.
	Areas func(*app) []web.Area
}

// app is every part of the daemon, built and connected, not yet started.
type app struct {
	config    config.Config
	publicURL string
	catalog   *locale.Catalog
	clock     epistle.Clock
	log       *slog.Logger
	listener  net.Listener
	signer    *dkim.Signer // nil: the relay signs
	store     *store.Store
	schedule  *schedule.Service
	verbs
	kernel  *web.Kernel
	handler http.Handler
}

// newApp opens the store and builds every part from plain values. Nothing runs
// yet, and nothing is left open when it fails. The caller closes the app.
func newApp(ctx context.Context, c config.Config, o appOptions) (_ *app, err error) {
	a := &app{config: c, publicURL: c.Server.PublicURL, catalog: o.Catalog, clock: o.Clock, log: o.Log, listener: o.Listener}
	if a.publicURL == "" {
		a.publicURL = "http://" + o.Listener.Addr().String()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.signer, err = dkimSigner(c.DKIM); err != nil { // before a database is made
		return nil, err
	}
	if a.store, err = store.Open(ctx, store.Options{URL: c.Database.URL, Keys: o.Keys, Clock: o.Clock,
		FollowDatabase: o.FollowDatabase, Alone: true, Log: o.Log}); err != nil {
		return nil, err
	}
	a.clock = a.store.Clock()
	if err := a.buildVerbs(ctx); err != nil {
		return nil, err
	}
	if o.LeavePages {
		a.pageLook = nil
	}
	a.schedule = schedule.New(schedule.Options{Store: a.store, Clock: a.clock, Log: a.log, Jobs: a.jobs(), Owner: ownerName()})
	return a, a.buildPages(o.Areas)
}

// stopDeadline is how long the daemon may take to stop. The parts drain within
// eight seconds; whatever is still at work then is cut off.
const (
	drainDeadline = 8 * time.Second
	stopDeadline  = 9500 * time.Millisecond
)

// Start runs every part until ctx ends or one of them fails. Then nothing new
// is taken, what is in flight is finished within stopDeadline, and it returns.
func (a *app) Start(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.serveHTTP(ctx) })
	group.Go(func() error { return a.sending.Start(ctx) })
	group.Go(func() error { return a.schedule.Start(ctx) })
	group.Go(func() error { return a.lists.Start(ctx) })
	finished := make(chan error, 1)
	go func() { finished <- group.Wait() }()
	select {
	case err := <-finished:
		return err
	case <-ctx.Done():
	}
	deadline := time.NewTimer(stopDeadline)
	defer deadline.Stop()
	select {
	case err := <-finished:
		return err
	case <-deadline.C:
		a.log.Error("stopping took too long, work was cut off")
		return epistle.Errorf(epistle.Unavailable, "cli.stop", nil)
	}
}

// serveHTTP answers requests until ctx ends, then lets open ones finish.
func (a *app) serveHTTP(ctx context.Context) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler:           a.handler,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		patience, done := context.WithTimeout(requests, drainDeadline)
		defer done()
		err := server.Shutdown(patience)
		if errors.Is(err, context.DeadlineExceeded) {
			cancel()
			err = server.Close()
		}
		stopped <- err
	})
	defer stop()
	if err := server.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

// Close closes the listener and the store. Call it once Start has returned.
func (a *app) Close() error {
	var err error
	if a.listener != nil {
		if closing := a.listener.Close(); !errors.Is(closing, net.ErrClosed) {
			err = closing
		}
	}
	if a.store != nil {
		err = errors.Join(err, a.store.Close())
	}
	return err
}

// ownerName names this daemon in leases: unique for each start.
func ownerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "epistle"
	}
	return host + "/" + rand.Text()
}
