// Command epistle is the mailing desk of a small ministry. This package is the
// only place that knows every part: it reads the settings, builds the parts
// from them, starts what runs, and stops it in order. One file a subcommand.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // zones, also on machines that have none
)

func main() {
	// Little memory is a promise: near so much, rubbish is collected more often.
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(80 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)))
}
