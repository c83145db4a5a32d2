package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"epistle/internal/bench/sink"
)

// measureSink says how fast the sink is: nothing that is measured against it
// can be faster.
func measureSink(ctx context.Context, out io.Writer) (err error) {
	const size, mails = 27_000, 60_000
	f, err := newFar(ctx, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, connections := range []int{10, 50} {
		if err := (sink.Load{Addr: f.addr, Connections: connections, Mails: mails, Size: size}).Send(ctx); err != nil {
			return err
		}
		own := rateOf(f.sink.Collect())
		source, err := measureSource(ctx, f, mails/2, connections, size)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "The sink alone at %d bytes and %d connections: %.0f/s from a generator that pipelines, %.0f/s from smtp-source -d\n",
			size, connections, own, source)
	}
	return nil
}
