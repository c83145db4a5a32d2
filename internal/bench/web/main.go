// Command web measures the two public pages that everybody may ask for: a thread
// of 500 comments, and the sign-up form. It runs the real daemon over loopback
// HTTP, on SQLite and on a durable PostgreSQL of its own, while a relay takes
// the confirmation mails. Afterwards every sign-up that was answered must be
// there with its mail. It takes about a minute.
//
//	make bench-web
//	go run ./internal/bench/web -h
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/bench/sink"
	"epistle/internal/storetest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is what is to be measured.
type bench struct {
	databases []string
	binary    string // the daemon's; "" builds it
	seconds   int    // for which a thread is asked for
	signups   int64
}

// goals are requests a second at least, by database and then by what is asked.
var goals = map[string]map[string]float64{
	rig.SQLite:   {thread: 2000, signup: 1500},
	rig.Postgres: {thread: 2000, signup: 3000},
}

const (
	thread = "thread of 500, page"
	embed  = "thread of 500, embedded"
	signup = "sign-up"
)

// row is one figure.
type row struct {
	database, what string
	requests       int64
	took           time.Duration
	each           time.Duration // how long a visitor waited
	cpu            time.Duration // of the daemon, for all
	server         time.Duration // of PostgreSQL, for all
}

func (r row) rate() float64 { return float64(r.requests) / r.took.Seconds() }

func run(ctx context.Context, args []string, stdout, progress io.Writer) (err error) {
	flags := flag.NewFlagSet("bench/web", flag.ContinueOnError)
	flags.SetOutput(progress)
	databases := flags.String("db", rig.SQLite+","+rig.Postgres, "which databases")
	var b bench
	flags.StringVar(&b.binary, "daemon", "", "measure this `binary` instead of building one")
	flags.IntVar(&b.seconds, "seconds", 5, "how many `seconds` a thread is asked for")
	flags.Int64Var(&b.signups, "signups", 20_000, "how many `people` sign up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.databases = strings.Split(*databases, ",")
	dir, err := os.MkdirTemp("", "epistle-bench-web-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := rig.CheckDisk(dir); err != nil {
		return err
	}
	if b.binary == "" {
		b.binary = filepath.Join(dir, "epistle")
		if err := rig.Build(ctx, b.binary); err != nil {
			return err
		}
	}
	var rows []row
	for _, database := range b.databases {
		fmt.Fprintf(progress, "%s …\n", database)
		more, measureErr := b.measure(ctx, dir, database, progress)
		rows = append(rows, more...)
		if measureErr != nil {
			err = fmt.Errorf("%s: %w", database, measureErr)
			break
		}
	}
	printTable(stdout, rows)
	return err
}

func printTable(out io.Writer, rows []row) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, "| database\t| what\t| requests\t| requests/s\t| wait, mean\t| CPU µs/request: daemon\t| PostgreSQL\t| goal\t|")
	fmt.Fprintln(w, "|---\t|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---\t|")
	for _, r := range rows {
		goal := ""
		if least := goals[r.database][r.what]; least > 0 {
			goal = fmt.Sprintf("≥ %.0f/s: kept", least)
			if r.rate() < least {
				goal = fmt.Sprintf("≥ %.0f/s: MISSED", least)
			}
		}
		each := func(d time.Duration) string {
			if d == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f", float64(d.Microseconds())/float64(r.requests))
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %d\t| %.0f\t| %.1f ms\t| %s\t| %s\t| %s\t|\n", r.database, r.what, r.requests, r.rate(),
			float64(r.each.Microseconds())/1000, each(r.cpu), each(r.server), goal)
	}
	_ = w.Flush()
}

// measure has one daemon on one database answer everything.
func (b bench) measure(ctx context.Context, dir, database string, progress io.Writer) (rows []row, err error) {
	own := filepath.Join(dir, database)
	if err := os.Mkdir(own, 0o700); err != nil {
		return nil, err
	}
	o := rig.Options{Database: database, Dir: own, Binary: b.binary, Subscribers: 1000, Settings: []string{
		// The caps are another test's: here, all strangers come from one machine.
		"EPISTLE_SIGNUPS_BURST=1000000", "EPISTLE_SIGNUPS_PER_HOUR=1000000", "EPISTLE_SERVER_TRUSTED_PROXIES=127.0.0.1/32"}}
	var server *storetest.Cluster
	if database == rig.Postgres {
		if server, err = rig.StartPostgres(ctx, dir); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		o.Server = server.URL
	}
	site, err := rig.NewSite(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := site.FillThread(ctx, comments); err != nil {
		return nil, err
	}
	relay, err := sink.Listen(ctx, sink.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, relay.Close()) }()
	daemon, err := site.Start(ctx, relay.Addr(), 1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, daemon.Stop()) }()
	m := measuring{bench: b, site: site, daemon: daemon, server: server}
	for _, step := range []func(context.Context) (row, error){m.thread, m.embedded, m.signup} {
		r, err := step(ctx)
		if err != nil {
			return rows, errors.Join(err, daemon.Trouble(r.what))
		}
		rows = append(rows, r)
	}
	peak, err := daemon.PeakMemory()
	fmt.Fprintf(progress, "%s: %d confirmation mails went out while people signed up; the daemon took %d MiB at most\n", database, relay.Taken(), peak>>10)
	return rows, err
}
