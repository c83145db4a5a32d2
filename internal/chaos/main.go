// Command chaos kills, freezes and starves the real daemon in the middle of its
// work, again and again, and counts what was lost and what was doubled at the
// far end. It fails if anything was lost, if more was doubled than promised, or
// if its counting overlooks a bug that it plants itself.
//
//	make chaos                       some thirteen minutes
//	FULL=1 make chaos                as many rounds as the promises are to be shown with
//	go run ./internal/chaos -h       one kind, one database, another binary
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"epistle/internal/bench/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

// options is what may be asked for.
type options struct {
	binary      string // the daemon's; "" builds it
	build       func(ctx context.Context, path string, flags ...string) error
	databases   []string
	kinds       []string // nil: all
	rounds      int      // of each; 0: the plan's
	plan        plan
	subscribers int
	connections int
	seed        uint64
	jsonTo      string
	progress    io.Writer
}

func parse(args []string, usage io.Writer) (options, error) {
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(usage)
	o := options{build: rig.Build, progress: usage}
	flags.StringVar(&o.binary, "daemon", "", "test this `binary` instead of building one")
	flags.StringVar(&o.jsonTo, "json", "chaos.jsonl", "write the rows as JSON lines to this `file`")
	flags.IntVar(&o.rounds, "rounds", 0, "how many rounds of each kind, instead of the plan's")
	flags.IntVar(&o.subscribers, "subscribers", 20_000, "how many subscribers get each issue")
	flags.IntVar(&o.connections, "connections", 10, "how many connections each daemon has to the relay")
	flags.Uint64Var(&o.seed, "seed", rand.Uint64(), "where the random instants come from")
	databases := flags.String("db", "sqlite,postgres", "which databases")
	kinds := flags.String("kind", "", "only these kinds: kill, freeze, restart, power, relay, planted, slots")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.plan = usualPlan
	if os.Getenv("FULL") == "1" {
		o.plan = fullPlan
	}
	o.databases = strings.Split(*databases, ",")
	for _, db := range o.databases {
		if db != rig.SQLite && db != rig.Postgres {
			return o, fmt.Errorf("%q is no database that we know", db)
		}
	}
	if *kinds != "" {
		o.kinds = strings.Split(*kinds, ",")
	}
	return o, nil
}

// wants reports whether a kind is to be played.
func (o options) wants(kind string) bool { return o.kinds == nil || slices.Contains(o.kinds, kind) }

func (o options) say(format string, args ...any) {
	fmt.Fprintf(o.progress, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

func run(ctx context.Context, args []string, stdout, progress io.Writer) (err error) {
	o, err := parse(args, progress)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "epistle-chaos-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := rig.CheckDisk(dir); err != nil {
		return err
	}
	if o.binary == "" {
		o.say("building the daemon")
		o.binary = filepath.Join(dir, "epistle")
		if err := o.build(ctx, o.binary); err != nil {
			return err
		}
	}
	fmt.Fprintf(stdout, "%d subscribers, %d connections a daemon, seed %d\n", o.subscribers, o.connections, o.seed)
	rows, err := o.all(ctx, dir)
	printTable(stdout, rows)
	return errors.Join(err, verdict(rows), writeJSON(o.jsonTo, rows))
}
