package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/mailbox"
	"epistle/internal/seal"
	"epistle/internal/web"
	"epistle/internal/web/public"
)

type demoCommand struct {
	Listen   string   `help:"${help_demo_listen}" default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Database string   `help:"${help_demo_database}" placeholder:"URL"`
	Exit     bool     `help:"${help_demo_exit}"`
	Site     []string `help:"${help_demo_site}" placeholder:"HOST"`
}

// run shows the whole program on loopback: a sample ministry on a throw-away
// database with a throw-away key, and a mailbox that takes every mail. It reads
// no settings, so that it can never touch a configured installation.
func (d demoCommand) run(ctx context.Context, p *program) (err error) {
	dir, err := os.MkdirTemp("", "epistle-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	demo, err := d.build(ctx, p, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, demo.app.Close()) }()
	sample, err := demo.seed(ctx)
	if err != nil {
		return fmt.Errorf("fill the demo: %w", err)
	}
	return demo.start(ctx, func(ctx context.Context) error {
		if d.Exit {
			return demo.sendAndCount(ctx, p, sample)
		}
		demo.printTour(p, sample)
		<-ctx.Done()
		return nil
	})
}

// demo is the app with its mailbox.
type demo struct {
	app   *app
	box   *mailbox.Box
	smtp  net.Listener
	clock *demoClock
}

// build makes the demo's app, not yet started, on an empty database.
func (d demoCommand) build(ctx context.Context, p *program, dir string) (*demo, error) {
	address := d.Listen
	if d.Exit {
		address = "127.0.0.1:0" // nobody needs to find it
	}
	listener, err := listen(ctx, address)
	if err != nil {
		return nil, err
	}
	smtp, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	clock := &demoClock{now: p.clock}
	box := mailbox.NewBox(clock.Now)
	settings := config.Default()
	settings.DataDir = dir
	settings.Database.URL = "sqlite:" + filepath.Join(dir, "epistle.db")
	if d.Database != "" {
		settings.Database.URL = d.Database
	}
	settings.Relays = []config.Relay{{URL: "smtp://" + smtp.Addr().String(), Connections: 4}}
	settings.Ministry.Name, settings.Ministry.Address = sampleMinistry.Name, sampleMinistry.PostalAddress
	settings.Ministry.Contact = sampleNewsletter.ReplyTo.Address
	settings.Comments.Sites = d.Site
	settings.Mail.Domain = sampleNewsletter.Sender.Address.Domain()
	a, err := newApp(ctx, settings, appOptions{
		Catalog: p.catalog, Clock: clock.Now, Log: p.log, Listener: listener, LeavePages: true,
		Keys: func(empty bool) (*seal.Keyring, error) {
			if !empty {
				return nil, epistle.Errorf(epistle.Conflict, "demo.not-empty", nil)
			}
			return seal.NewKeyring(seal.NewKey())
		},
		Areas: func(a *app) []web.Area { return []web.Area{public.Mailbox{Kernel: a.kernel, Box: box}} },
	})
	if err != nil {
		return nil, errors.Join(err, smtp.Close())
	}
	return &demo{app: a, box: box, smtp: smtp, clock: clock}, nil
}

// start runs the app and the mailbox until what is done, or ctx ends.
func (d *demo) start(ctx context.Context, what func(ctx context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	// The mailbox outlives the app, so that what is in flight is still taken.
	boxContext, stopBox := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return d.box.Serve(boxContext, d.smtp) })
	group.Go(func() error {
		defer stopBox()
		return d.app.Start(ctx)
	})
	group.Go(func() error {
		defer stop()
		return what(ctx)
	})
	return group.Wait()
}

// sendPatience is how long the sample issue may take to send.
const sendPatience = 2 * time.Minute

// sendAndCount approves the sample issue as its editor, sends it, waits until
// it is sent, and compares the mailbox with the people who were to get it.
func (d *demo) sendAndCount(ctx context.Context, p *program, s sample) error {
	ctx, cancel := context.WithTimeout(ctx, sendPatience)
	defer cancel()
	issue, err := d.app.store.Issue(ctx, s.issue)
	if err != nil {
		return err
	}
	eligible, err := d.app.store.CountAudience(ctx, issue.Audience())
	if err != nil {
		return err
	}
	if _, err := d.app.issues.Approve(ctx, s.editor.Actor(), issue.ID, issue.Version, issue.Digest()); err != nil {
		return err
	}
	if _, err := d.app.issues.SendNow(ctx, s.editor.Actor(), issue.ID); err != nil {
		return err
	}
	if err := d.waitSent(ctx, s.issue); err != nil {
		return err
	}
	recipients := map[string]bool{}
	for _, m := range d.box.Mails("") {
		if m.LeaveURL() != "" { // notices have none
			recipients[m.Recipient] = true
		}
	}
	p.say("demo.delivered", "Delivered", len(recipients), "Eligible", eligible)
	if int64(len(recipients)) != eligible {
		return epistle.Errorf(epistle.Unavailable, "demo.short", nil)
	}
	return nil
}

// waitSent polls until the issue is sent.
func (d *demo) waitSent(ctx context.Context, id epistle.ID) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		issue, err := d.app.store.Issue(ctx, id)
		if err != nil {
			return err
		}
		if issue.State == epistle.IssueSent {
			return nil
		}
		select {
		case <-ctx.Done():
			return epistle.Errorf(epistle.Unavailable, "demo.short", ctx.Err())
		case <-tick.C:
		}
	}
}

// printTour tells where to click, in order.
func (d *demo) printTour(p *program, s sample) {
	at := func(path string) string { return d.app.publicURL + path }
	p.say("demo.tour",
		"Comments", at("/comments?page="+samplePage.URL),
		"Mailbox", at("/mailbox"),
		"Desk", at("/desk/"),
		"Issue", at(fmt.Sprintf("/desk/issues/%d", s.issue)),
		"Author", string(s.author.Address), "AuthorPassword", s.authorPassword,
		"Editor", string(s.editor.Address), "EditorPassword", s.editorPassword)
}

// demoClock is the real clock, but for the seeding, which makes some things
// look as if they had happened days ago.
type demoClock struct {
	now    epistle.Clock
	offset atomic.Int64 // nanoseconds
}

func (c *demoClock) Now() time.Time { return c.now().Add(time.Duration(c.offset.Load())) }

// turnTo moves the clock to some time before or after the present.
func (c *demoClock) turnTo(fromPresent time.Duration) { c.offset.Store(int64(fromPresent)) }

// freshPassword is easy to copy and good for this demo only.
func freshPassword() string { return "demo-" + strings.ToLower(rand.Text()[:10]) }
