package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/chaos/years"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

const kindSlots = "slots"

// The ten years that the slots of a schedule are run through.
var (
	slotsFrom  = time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC)
	slotsUntil = slotsFrom.AddDate(10, 0, 0)
)

// memory is where Linux keeps files that need not last.
const memory = "/dev/shm"

// slots runs the schedule of several daemons through ten years in twelve zones,
// on a database of its own. Nothing crashes in them, so what is committed need
// not reach a disk, which would take most of the time.
func (o options) slots(ctx context.Context, database, server string) (_ *row, err error) {
	parent := memory
	if _, err := os.Stat(memory); err != nil {
		parent = "" // the usual place
	}
	dir, err := os.MkdirTemp(parent, "epistle-slots-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	url, key := "sqlite:"+filepath.Join(dir, "epistle.db"), seal.NewKey()
	if database == rig.Postgres {
		if url, err = rig.CreateDatabase(ctx, server, "slots"); err != nil {
			return nil, err
		}
		url += "&synchronous_commit=off"
	}
	o.say("%s: the slots of ten years", database)
	began := time.Now()
	outcome, err := years.Run(ctx, years.Options{From: slotsFrom, Until: slotsUntil, Seed: o.seed, Log: slog.New(slog.NewTextHandler(o.progress, &slog.HandlerOptions{Level: slog.LevelError})),
		Open: func(clock epistle.Clock) (*store.Store, error) {
			return store.Open(ctx, store.Options{URL: url, Clock: clock, Log: slog.New(slog.DiscardHandler),
				Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) }})
		}})
	if err != nil {
		return nil, err
	}
	r := &row{DB: database, Kind: kindSlots, Rounds: 1, SlotsDoubled: outcome.Doubled, SlotsMissed: outcome.Missed, took: time.Since(began)}
	o.say("%s: of %d slots %d doubled, %d missed (%.0f s)", database, outcome.Slots, outcome.Doubled, outcome.Missed, r.took.Seconds())
	if outcome.First != "" {
		o.say("  WRONG: %s", outcome.First)
	}
	return r, nil
}
