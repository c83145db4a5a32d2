// Command bench measures how fast the real daemon sends, beside Postfix's
// smtp-source against the same recording sink. It prints a table and writes it
// as JSON lines.
//
//	make bench                       less than 20 minutes
//	QUICK=1 make bench               one small row of each database
//	FULL=1 make bench                also a million subscribers
//	go run ./internal/bench -h       a single row, another binary, the sink alone
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
	"strconv"
	"strings"
	"syscall"
	"time"

	"epistle/internal/bench/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options is what may be asked for.
type options struct {
	plan   plan
	binary string // the daemon's; "" builds it
	jsonTo string
	sink   bool // measure only the sink
}

func parse(args []string, usage io.Writer) (options, error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(usage)
	binary := flags.String("daemon", "", "measure this `binary` instead of building one")
	jsonTo := flags.String("json", "bench.jsonl", "write the rows as JSON lines to this `file`")
	onlySink := flags.Bool("sink", false, "measure only how fast the sink is")
	databases := flags.String("db", "sqlite,postgres", "which databases")
	connections := flags.String("connections", "", "one row for each of these `numbers` of connections, of the size in -subscribers")
	subscribers := flags.Int("subscribers", 10000, "how many subscribers, with -connections")
	signing := flags.String("dkim", "", "sign with this `algorithm`, with -connections: "+rsa2048+" or "+ed25519)
	latency := flags.Int("latency", 0, "round trip in `ms`, with -connections")
	runs := flags.Int("runs", usualRuns, "how many runs, with -connections")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if *signing != "" && signings[*signing] == "" {
		return options{}, fmt.Errorf("%q is no algorithm that we know", *signing)
	}
	o := options{binary: *binary, jsonTo: *jsonTo, sink: *onlySink}
	switch {
	case *connections != "":
		g := group{Subscribers: *subscribers, Latency: *latency, DKIM: *signing, Runs: *runs}
		for field := range strings.SplitSeq(*connections, ",") {
			n, err := strconv.Atoi(field)
			if err != nil || n < 1 {
				return options{}, fmt.Errorf("%q is no number of connections", field)
			}
			g.Connections = append(g.Connections, n)
		}
		o.plan.groups = []group{g}
	case os.Getenv("QUICK") == "1":
		o.plan = quickPlan()
	default:
		o.plan = usualPlan(os.Getenv("FULL") == "1")
	}
	o.plan.databases = strings.Split(*databases, ",")
	for _, db := range o.plan.databases {
		if db != rig.SQLite && db != rig.Postgres {
			return options{}, fmt.Errorf("%q is no database that we know", db)
		}
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, progress io.Writer) (err error) {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "epistle-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := rig.CheckDisk(dir); err != nil {
		return err
	}
	fmt.Fprintln(stdout, describeMachine(ctx))
	if err := measureSink(ctx, stdout); err != nil || o.sink {
		return err
	}
	if o.binary == "" {
		o.binary = filepath.Join(dir, "epistle")
		if err := rig.Build(ctx, o.binary); err != nil {
			return err
		}
	}
	b := bench{dir: dir, binary: o.binary, progress: progress}
	if o.plan.limit > 0 {
		b.until = time.Now().Add(o.plan.limit)
	}
	rows, err := o.plan.measure(ctx, b)
	printTable(stdout, rows)
	printAcross(stdout, rows)
	return errors.Join(err, writeJSON(o.jsonTo, rows))
}
