// Command measure imports generated WordPress exports with the real program, on
// SQLite and on a PostgreSQL server of its own, twice each, and fails unless
// every count is exact, the second time nothing is new, and the memory stays
// flat. make test-wxr runs it.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/seal"
	"epistle/internal/wordpress/wxrtest"
)

func main() {
	comments := flag.Int("comments", 100_000, "comments with every trap")
	large := flag.Int("large", 300, "MiB of a file whose posts are long")
	memory := flag.Int64("memory", 150, "MiB that the program may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *comments, *large, *memory); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trial is one file and the program that imports it.
type trial struct {
	dir, program string
	path         string // of the file
	size         int64
	want         wxrtest.Counts
	memory       int64 // MiB
}

func run(ctx context.Context, comments, large int, memory int64) (err error) {
	dir, err := os.MkdirTemp("", "wxr-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := trial{dir: dir, program: filepath.Join(dir, "epistle"), memory: memory}
	if err := rig.BuildQuickly(ctx, t.program); err != nil {
		return err
	}
	server, err := rig.StartPostgres(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	const perItem = 50
	for _, f := range []struct {
		name    string
		options wxrtest.Options
	}{
		{"traps", wxrtest.Options{Comments: comments}},
		{"large", wxrtest.Options{Comments: large * perItem, PerItem: perItem, Filler: 1 << 20}},
	} {
		if err := t.write(f.name, f.options); err != nil {
			return err
		}
		database, err := rig.CreateDatabase(ctx, server.URL, f.name)
		if err != nil {
			return err
		}
		sqlite := filepath.Join(dir, f.name+".db")
		for _, on := range []struct{ kind, url, driver, source string }{
			{rig.SQLite, "sqlite:" + sqlite, "sqlite", sqlite},
			{rig.Postgres, database, "postgres", database},
		} {
			if err := t.importTwice(ctx, f.name+" on "+on.kind, on.url, on.driver, on.source); err != nil {
				return fmt.Errorf("%s on %s: %w", f.name, on.kind, err)
			}
		}
	}
	return nil
}

// write makes the file.
func (t *trial) write(name string, o wxrtest.Options) error {
	t.path = filepath.Join(t.dir, name+".xml")
	file, err := os.Create(t.path)
	if err != nil {
		return err
	}
	t.want, err = wxrtest.Write(file, o)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	info, err := os.Stat(t.path)
	if err == nil {
		t.size = info.Size() >> 20
	}
	return err
}

func (t *trial) importTwice(ctx context.Context, title, url, driver, source string) error {
	env := append(os.Environ(), "EPISTLE_DATA_DIR="+filepath.Join(t.dir, "data"), "EPISTLE_DATABASE_URL="+url, "EPISTLE_SEAL_KEY="+seal.NewKey().String())
	migrate := exec.CommandContext(ctx, t.program, "migrate")
	migrate.Env, migrate.Dir, migrate.Stderr = env, t.dir, os.Stderr
	if err := migrate.Run(); err != nil {
		return err
	}
	w := t.want
	for _, expected := range [][]int64{
		{w.Comments, w.Items, w.Comments, 0, 0, w.Pings, w.Bad, w.Dropped},
		{w.Comments, w.Items, 0, w.Comments, 0, w.Pings, w.Bad, w.Dropped},
	} {
		if err := t.once(ctx, title, env, expected); err != nil {
			return err
		}
		if err := t.look(ctx, driver, source); err != nil {
			return err
		}
	}
	return nil
}

// once imports the file and checks what the program says of it.
func (t *trial) once(ctx context.Context, title string, env []string, expected []int64) error {
	cmd := exec.CommandContext(ctx, t.program, "import", "comments", t.path)
	cmd.Env, cmd.Dir = env, t.dir
	began := time.Now()
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("import: %w: %s", err, exit.Stderr)
	}
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("no figures about the process")
	}
	peak := usage.Maxrss >> 10
	fmt.Printf("%s: %d MiB, %d comments in %.1f s (%.0f a second, %.0f MiB a second), at most %d MiB of memory\n", title, t.size, t.want.Comments,
		took, float64(t.want.Comments)/took, float64(t.size)/took, peak)
	if got := numbers(string(out)); fmt.Sprint(got) != fmt.Sprint(expected) {
		return fmt.Errorf("counted %v, want %v", got, expected)
	}
	if peak > t.memory {
		return fmt.Errorf("%d MiB of memory, at most %d", peak, t.memory)
	}
	return nil
}

// look counts what stands in the database.
func (t *trial) look(ctx context.Context, driver, source string) (err error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var got wxrtest.Counts
	err = db.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(parent_id), COUNT(CASE WHEN state = 'approved' THEN 1 END), COUNT(CASE WHEN state = 'pending' THEN 1 END),
		COUNT(CASE WHEN state = 'spam' THEN 1 END), COUNT(CASE WHEN state = 'trash' THEN 1 END) FROM comment`).
		Scan(&got.Comments, &got.Replies, &got.Approved, &got.Pending, &got.Spam, &got.Trash)
	if err != nil {
		return err
	}
	want := t.want
	want.Items, want.Pings, want.Bad, want.Dropped = 0, 0, 0, 0 // the program's words tell
	if got != want {
		return fmt.Errorf("the database holds %+v, want %+v", got, want)
	}
	return nil
}

var digits = regexp.MustCompile(`\d+`)

func numbers(text string) []int64 {
	var all []int64
	for _, d := range digits.FindAllString(text, -1) {
		n, err := strconv.ParseInt(d, 10, 64)
		if err == nil {
			all = append(all, n)
		}
	}
	return all
}
