package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"epistle/internal/epistle"
)

type serveCommand struct{}

// run is the daemon. Being asked to stop before everything has started is no
// failure.
func (c serveCommand) run(ctx context.Context, p *program) error {
	err := c.serve(ctx, p)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// serve binds its port before it touches the database, so that a second daemon
// by mistake does nothing.
func (serveCommand) serve(ctx context.Context, p *program) error {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	if err := c.Validate(); err != nil {
		return err
	}
	if _, err := presentKey(c); err != nil { // before a database is made for it
		return err
	}
	listener, err := listen(ctx, c.Server.Listen)
	if err != nil {
		return err
	}
	a, err := newApp(ctx, c, appOptions{Catalog: p.catalog, Clock: p.clock, FollowDatabase: true, Log: p.log,
		Keys: keysOrNew(c), Listener: listener})
	if err != nil {
		return err
	}
	err = p.announce(ctx, a)
	if err == nil {
		err = a.Start(ctx)
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // told to stop before it had quite begun
	}
	return errors.Join(err, a.Close())
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, epistle.Errorf(epistle.Unavailable, "cli.listen", err).With("Listen", address)
	}
	return listener, nil
}

// announce says where to go and what is still to be done.
func (p *program) announce(ctx context.Context, a *app) error {
	p.say("cli.serve.ready", "URL", a.publicURL, "Listen", a.listener.Addr().String())
	newsletters, err := a.store.Newsletters(ctx)
	if err != nil {
		return err
	}
	if len(newsletters) == 0 {
		p.say("cli.serve.empty")
	}
	confirmed, err := a.store.RecoveryConfirmedAt(ctx)
	if err != nil {
		return err
	}
	if confirmed.IsZero() {
		fmt.Fprintln(p.stdout)
		p.say("cli.recovery.hint", "URL", a.publicURL+"/desk/recovery")
	}
	return nil
}
