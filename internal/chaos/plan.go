package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/storetest"
)

// plan is how many rounds of each kind are played on a database.
type plan map[string]map[string]int

var (
	usualPlan = plan{
		rig.SQLite:   {kindKill: 12, kindPower: 2, kindRelay: 2},
		rig.Postgres: {kindKill: 8, kindFreeze: 4, kindRestart: 4, kindPower: 4, kindRelay: 2},
	}
	fullPlan = plan{
		rig.SQLite:   {kindKill: 100, kindPower: 10, kindRelay: 10},
		rig.Postgres: {kindKill: 100, kindFreeze: 50, kindRestart: 20, kindPower: 20, kindRelay: 10},
	}
)

// order is that of the table.
var order = []string{kindKill, kindFreeze, kindRestart, kindPower, kindRelay}

// all plays everything that is wanted. It returns the rows that came about,
// also with an error.
func (o options) all(ctx context.Context, dir string) (rows []*row, err error) {
	for _, database := range o.databases {
		more, err := o.on(ctx, database, dir)
		rows = append(rows, more...)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", database, err)
		}
	}
	return rows, nil
}

// on plays what is wanted on one database.
func (o options) on(ctx context.Context, database, dir string) (rows []*row, err error) {
	var cluster *storetest.Cluster
	server := ""
	if database == rig.Postgres {
		if cluster, err = rig.StartPostgres(ctx, dir); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		server = cluster.URL
	}
	if o.wants(kindSlots) {
		r, err := o.slots(ctx, database, server)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	if len(o.kinds) == 1 && o.wants(kindSlots) {
		return rows, nil
	}
	o.say("%s: filling the database", database)
	a, err := newArena(ctx, o, database, filepath.Join(dir, database+"-site"), server)
	if err != nil {
		return nil, err
	}
	a.cluster = cluster
	defer func() { err = errors.Join(err, a.site.Close(ctx)) }()
	for _, kind := range order {
		rounds := o.plan[database][kind]
		if o.rounds > 0 {
			rounds = min(rounds, 1) * o.rounds
		}
		if rounds == 0 || !o.wants(kind) {
			continue
		}
		r := &row{DB: database, Kind: kind, Recipients: o.subscribers}
		rows = append(rows, r)
		if err := o.series(ctx, a, r, kinds(database)[kind], rounds); err != nil {
			return rows, fmt.Errorf("%s: %w", kind, err)
		}
	}
	if database == rig.SQLite && o.wants("planted") {
		return rows, o.planted(ctx, a, dir)
	}
	return rows, nil
}

// attempts is how often a fault may miss in a row.
const attempts = 10

// hit plays a round until its fault lands in the middle of the send.
func (a *arena) hit(ctx context.Context, o options, p play) (c count, err error) {
	for range attempts {
		c, err = a.round(ctx, p)
		if !errors.Is(err, errMissed) {
			break
		}
		o.say("%s %s: %v; once more", a.site.Database, p.name, err)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, err)
	}
	return c, err
}

// series plays rounds of one kind.
func (o options) series(ctx context.Context, a *arena, r *row, plays []play, rounds int) error {
	for n := range rounds {
		p := plays[n%len(plays)]
		began := time.Now()
		c, err := a.hit(ctx, o, p)
		if err != nil {
			return err
		}
		r.add(c, time.Since(began))
		o.say("%s %s, at %2.0f %%: lost %d, extra %d of %d allowed, uncertain %d (%.1f s)", r.DB, p.name, 100*c.at, c.lost, c.extra, c.bound, c.uncertain, time.Since(began).Seconds())
		for _, wrong := range c.wrong {
			o.say("  WRONG: %s", wrong)
		}
	}
	return nil
}
