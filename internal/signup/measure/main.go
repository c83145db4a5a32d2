// Command measure imports a list of subscribers with the real program into an
// empty database, on SQLite and on PostgreSQL with their default durability: a
// dry run, then twice in earnest. It prints how fast that went and how much memory it took, and
// fails unless every count is exact, the second time nobody is new, and the
// goals are met. make bench-import runs it.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// goals are what an import must reach.
type goals struct {
	rate   float64 // rows a second
	memory int64   // MiB, resident
}

func main() {
	rows := flag.Int("rows", 1_000_000, "rows of the list")
	database := flag.String("db", "", "only sqlite or postgres")
	rate := flag.Float64("rate", 25_000, "rows a second that the first import must reach")
	memory := flag.Int64("memory", 150, "MiB that the program may take")
	limit := flag.Duration("limit", 15*time.Minute, "when to give up")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, *limit)
	err := run(ctx, *rows, *database, goals{*rate, *memory})
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rows int, only string, g goals) (err error) {
	dir, err := os.MkdirTemp("", "epistle-import-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := errors.Join(rig.CheckDisk(dir), os.Chmod(dir, 0o755)); err != nil { // PostgreSQL runs as another user
		return err
	}
	m := measuring{dir: dir, program: filepath.Join(dir, "epistle"), list: filepath.Join(dir, "list.csv"), rows: rows, goals: g}
	if err := rig.Build(ctx, m.program); err != nil {
		return err
	}
	if err := writeList(m.list, rows); err != nil {
		return err
	}
	var missed error
	for _, database := range []string{rig.SQLite, rig.Postgres} {
		if only == "" || only == database {
			missed = errors.Join(missed, m.on(ctx, database))
		}
	}
	return missed
}

// writeList makes a list of people, every other one with a Korean name.
func writeList(path string, rows int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	fmt.Fprintln(w, "email,name,language")
	for n := range rows {
		name, language := fmt.Sprint("Partner No ", n), "en"
		if n%2 == 1 {
			name, language = fmt.Sprint("김은혜 ", n), "ko"
		}
		fmt.Fprintf(w, "partner.%d@mail%d.example.org,%s,%s\n", n, n%997, name, language)
	}
	return errors.Join(w.Flush(), file.Close())
}

type measuring struct {
	dir, program, list string
	rows               int
	goals              goals
}

// on imports the list into a database of its own.
func (m measuring) on(ctx context.Context, database string) (err error) {
	home := filepath.Join(m.dir, database)
	if err := os.Mkdir(home, 0o755); err != nil {
		return err
	}
	url := "sqlite:" + filepath.Join(home, "epistle.db")
	if database == rig.Postgres {
		var cluster *storetest.Cluster
		if cluster, err = rig.StartPostgres(ctx, home); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		url = cluster.URL
	}
	key := seal.NewKey()
	if err := prepare(ctx, url, key); err != nil {
		return err
	}
	env := append(os.Environ(), "EPISTLE_DATA_DIR="+home, "EPISTLE_DATABASE_URL="+url, "EPISTLE_SEAL_KEY="+key.String())
	first, again := []int64{int64(m.rows), int64(m.rows), 0, 0, 0, 0}, []int64{int64(m.rows), 0, int64(m.rows), 0, 0, 0}
	dry, err := m.importing(ctx, database+", dry run", env, first, "--dry-run")
	if err != nil {
		return err
	}
	taken, err := m.importing(ctx, database+", new", env, first)
	if err != nil {
		return err
	}
	repeated, err := m.importing(ctx, database+", again", env, again)
	if err != nil {
		return err
	}
	if rate := float64(m.rows) / taken.time.Seconds(); rate < m.goals.rate {
		err = fmt.Errorf("%s: %.0f rows a second, at least %.0f", database, rate, m.goals.rate)
	}
	if peak := max(dry.peak, taken.peak, repeated.peak); peak > m.goals.memory {
		err = errors.Join(err, fmt.Errorf("%s: %d MiB of memory, at most %d", database, peak, m.goals.memory))
	}
	return err
}

// prepare makes the database with a newsletter.
func prepare(ctx context.Context, url string, key seal.Key) (err error) {
	st, err := store.Open(ctx, store.Options{URL: url, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
		Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	_, err = st.CreateNewsletter(ctx, epistle.Newsletter{Slug: "update", Title: epistle.Text{EN: "Update", KO: "소식"},
		Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00"}, epistle.AuditEntry{At: time.Now(), Actor: epistle.SystemActor()})
	return err
}

// usage is what an import took.
type usage struct {
	time time.Duration
	peak int64 // MiB of resident memory
}

// importing runs the program and compares what it counted.
func (m measuring) importing(ctx context.Context, what string, env []string, want []int64, flags ...string) (usage, error) {
	args := append([]string{"import", "subscribers", m.list, "--newsletter", "update", "--confirmed", "--source", "our old list, consent by form since 2019"}, flags...)
	cmd := exec.CommandContext(ctx, m.program, args...)
	cmd.Env, cmd.Dir = env, m.dir
	began := time.Now()
	out, err := cmd.Output()
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", what, err, out)
	}
	u := usage{time: time.Since(began)}
	system, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return u, errors.New("no figures about the process")
	}
	u.peak = system.Maxrss >> 10
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Printf("%-18s %8d rows in %6.1f s: %6.0f a second, %5.1f µs of processor each, at most %d MiB of memory\n", what, m.rows,
		u.time.Seconds(), float64(m.rows)/u.time.Seconds(), float64(cpu.Microseconds())/float64(m.rows), u.peak)
	if got := numbers(string(out)); fmt.Sprint(got) != fmt.Sprint(want) {
		return u, fmt.Errorf("%s: counted %v, want %v", what, got, want)
	}
	return u, nil
}

var digits = regexp.MustCompile(`\d+`)

func numbers(text string) []int64 {
	var all []int64
	for _, d := range digits.FindAllString(text, -1) {
		if n, err := strconv.ParseInt(d, 10, 64); err == nil {
			all = append(all, n)
		}
	}
	return all
}
