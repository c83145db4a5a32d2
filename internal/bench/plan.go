package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/dkim"
)

// group is rows that share a size and a distance. Their runs are interleaved.
type group struct {
	Subscribers int
	Latency     int    // round trip to the relay, in ms
	DKIM        string // how mails are signed, a key of signings; "": not at all
	Connections []int
	Runs        int
}

// signings are the algorithms as the table names them.
var signings = map[string]string{rsa2048: dkim.RSA, ed25519: dkim.Ed25519}

const (
	rsa2048 = "rsa-2048"
	ed25519 = "ed25519"
)

// laneRate is a limit for every mail domain, far above what any of them gets:
// the limits are at work, and hold nobody up.
const laneRate = 1000

// plan is everything to be measured.
type plan struct {
	databases []string
	groups    []group
	limit     time.Duration // after it only the first run of each row is made; 0: no limit
}

const (
	usualRuns   = 5
	millionRuns = 3
)

// usualPlan takes less than 20 minutes, also on a slow machine, unless it is
// the full one. What is far away, or signed, takes as many mails as leave in
// a few seconds.
func usualPlan(full bool) plan {
	p := plan{limit: 16 * time.Minute, groups: []group{
		{Subscribers: 10_000, Connections: []int{10, 50}, Runs: usualRuns},
		{Subscribers: 100_000, Connections: []int{10, 50}, Runs: usualRuns},
		{Subscribers: 5_000, DKIM: rsa2048, Connections: []int{10, 50}, Runs: usualRuns},
		{Subscribers: 10_000, DKIM: ed25519, Connections: []int{10}, Runs: usualRuns},
		{Subscribers: 1_000, Latency: 50, Connections: []int{10}, Runs: usualRuns},
		{Subscribers: 4_000, Latency: 50, Connections: []int{50}, Runs: usualRuns},
	}}
	if full {
		p.limit = 0
		p.groups = append(p.groups, group{Subscribers: 1_000_000, Connections: []int{10, 50}, Runs: millionRuns})
	}
	return p
}

func quickPlan() plan {
	return plan{groups: []group{{Subscribers: 5_000, Connections: []int{10}, Runs: 1}}}
}

// measure returns the rows that came about, also with an error.
func (p plan) measure(ctx context.Context, b bench) (rows []row, err error) {
	for _, database := range p.databases {
		more, err := p.measureOn(ctx, b, database)
		rows = append(rows, more...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", database, err)
		}
	}
	return rows, nil
}

func (p plan) measureOn(ctx context.Context, b bench, database string) (rows []row, err error) {
	server := ""
	if database == rig.Postgres {
		cluster, err := rig.StartPostgres(ctx, b.dir)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		server = cluster.URL
	}
	for i, g := range p.groups {
		b.say("%s: %d subscribers, filling the database", database, g.Subscribers)
		began := time.Now()
		dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", database, i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return rows, err
		}
		site, err := rig.NewSite(ctx, rig.Options{Database: database, Server: server, Dir: dir, Binary: b.binary, Subscribers: g.Subscribers, LaneRate: laneRate, DKIM: signings[g.DKIM]})
		if err != nil {
			return rows, err
		}
		b.say("%s: filled in %.1f s", database, time.Since(began).Seconds())
		more, err := b.measureGroup(ctx, site, g)
		rows = append(rows, more...)
		if err := errors.Join(err, site.Close(ctx), os.RemoveAll(dir)); err != nil {
			return rows, err
		}
	}
	return rows, nil
}
