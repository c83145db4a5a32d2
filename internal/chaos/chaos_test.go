package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"epistle/internal/bench/rig"
	"epistle/internal/storetest"
)

// This is 'make chaos' in short: a few rounds over a small list.

var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "epistle-chaos-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "epistle")
	return path, rig.BuildQuickly(context.Background(), path)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// testLog is where progress goes.
type testLog struct{ t *testing.T }

func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}

func testArena(t *testing.T, database string) (options, *arena) {
	t.Helper()
	server := ""
	if database == rig.Postgres {
		server = storetest.PostgresURL(t)
	}
	return arenaOn(t, database, server)
}

func arenaOn(t *testing.T, database, server string) (options, *arena) {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	o := options{binary: binary, build: rig.BuildQuickly, subscribers: 2000, connections: 4, seed: rand.Uint64(), progress: testLog{t}}
	t.Logf("seed %d", o.seed)
	a, err := newArena(t.Context(), o, database, filepath.Join(t.TempDir(), "site"), server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.site.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return o, a
}

func wantKept(t *testing.T, o options, a *arena, rounds int, plays ...play) {
	t.Helper()
	r := row{DB: a.site.Database}
	if err := o.series(t.Context(), a, &r, plays, rounds); err != nil {
		t.Fatal(err)
	}
	if !r.fine() {
		t.Errorf("a promise was broken: %+v", r)
	}
}

func TestAKilledDaemonLosesNothingAndTheCountingFindsWhatDoes(t *testing.T) {
	t.Parallel()
	o, a := testArena(t, rig.SQLite)
	wantKept(t, o, a, 4, killed(), notesLost(), killed().held(), notesLost().held())
	if err := o.planted(t.Context(), a, t.TempDir()); err != nil {
		t.Error(err)
	}
}

func TestAKilledDaemonIsReplacedOnPostgreSQL(t *testing.T) {
	t.Parallel()
	o, a := testArena(t, rig.Postgres)
	wantKept(t, o, a, 2, killed(), killedBesideAnother())
}

func TestAFrozenDaemonIsReplacedAndFencedOut(t *testing.T) {
	t.Parallel()
	o, a := testArena(t, rig.Postgres)
	wantKept(t, o, a, 1, frozen())
}

func TestAPowerFailureLosesNothing(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "epistle-chaos-test-") // the server may run as another user, whom TempDir's parent keeps out
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := rig.StartPostgres(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cluster.Stop(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	o, a := arenaOn(t, rig.Postgres, cluster.URL)
	a.cluster = cluster
	wantKept(t, o, a, 3, powerLost(), powerLost().held(), databaseCrashed())
}

func TestABadRelayDoublesNothing(t *testing.T) {
	t.Parallel()
	o, a := testArena(t, rig.SQLite)
	wantKept(t, o, a, 1, relayPlays(1)...)
}

func TestABugThatCannotBePlantedSaysSo(t *testing.T) {
	b := bugs[0]
	b.old = "what stands nowhere"
	if _, err := b.plant(t.Context(), options{}, t.TempDir()); err == nil {
		t.Error("a text that is not there was replaced")
	}
}

func TestEveryFaultOfTheCountIsSeen(t *testing.T) {
	fine := func() *row { return &row{} }
	if err := verdict([]*row{fine(), fine()}); err != nil {
		t.Errorf("without a fault: %v", err)
	}
	for i, spoil := range []func(r *row){
		func(r *row) { r.add(count{lost: 1}, 0) },
		func(r *row) { r.add(count{extra: 3, bound: 3}, 0); r.add(count{extra: 1}, 0) },
		func(r *row) { r.add(count{extra: 4, bound: 3}, 0) },
		func(r *row) { r.add(count{wrong: []string{"copies differ"}}, 0) },
		func(r *row) { r.SlotsDoubled++ },
		func(r *row) { r.SlotsMissed++ },
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := fine()
			spoil(r)
			if verdict([]*row{fine(), r}) == nil {
				t.Errorf("%+v passed", r)
			}
		})
	}
}
