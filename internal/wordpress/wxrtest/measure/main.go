// Command measure imports generated WordPress exports with the real program,
// twice each, and fails unless every count is exact, the second time nothing is
// new, and the memory stays flat. make test-wxr runs it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"epistle/internal/seal"
	"epistle/internal/wordpress/wxrtest"
)

func main() {
	comments := flag.Int("comments", 100_000, "comments with every trap")
	large := flag.Int("large", 300, "MiB of a file whose posts are long")
	memory := flag.Int64("memory", 150, "MiB that the program may take")
	flag.Parse()
	if err := run(*comments, *large, *memory); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(comments, large int, memory int64) (err error) {
	dir, err := os.MkdirTemp("", "wxr-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program := filepath.Join(dir, "epistle")
	build := exec.Command("go", "build", "-o", program, "./cmd/epistle") //nolint:noctx // a moment
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	const perItem = 50
	for _, f := range []struct {
		name    string
		options wxrtest.Options
	}{
		{"traps", wxrtest.Options{Comments: comments}},
		{"large", wxrtest.Options{Comments: large * perItem, PerItem: perItem, Filler: 1 << 20}},
	} {
		if err := importTwice(dir, program, f.name, f.options, memory); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

func importTwice(dir, program, name string, o wxrtest.Options, memory int64) error {
	path := filepath.Join(dir, name+".xml")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	want, err := wxrtest.Write(file, o)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	home := filepath.Join(dir, name)
	env := append(os.Environ(), "EPISTLE_DATA_DIR="+home, "EPISTLE_DATABASE_URL=sqlite:"+filepath.Join(home, "epistle.db"), "EPISTLE_SEAL_KEY="+seal.NewKey().String())
	migrate := exec.Command(program, "migrate") //nolint:noctx // a moment
	migrate.Env, migrate.Dir, migrate.Stderr = env, dir, os.Stderr
	if err := migrate.Run(); err != nil {
		return err
	}
	for _, expected := range [][]int64{
		{want.Comments, want.Items, want.Comments, 0, 0, want.Pings, want.Bad, want.Dropped},
		{want.Comments, want.Items, 0, want.Comments, 0, want.Pings, want.Bad, want.Dropped},
	} {
		cmd := exec.Command(program, "import", "comments", path) //nolint:noctx // it ends by itself
		cmd.Env, cmd.Dir = env, dir
		began := time.Now()
		out, err := cmd.Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("import: %w: %s", err, exit.Stderr)
		}
		if err != nil {
			return err
		}
		took := time.Since(began)
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return errors.New("no figures about the process")
		}
		peak := usage.Maxrss >> 10
		fmt.Printf("%s: %d MiB, %d comments in %.1f s (%.0f a second, %.0f MiB a second), at most %d MiB of memory\n", name, info.Size()>>20, want.Comments,
			took.Seconds(), float64(want.Comments)/took.Seconds(), float64(info.Size()>>20)/took.Seconds(), peak)
		if got := numbers(string(out)); fmt.Sprint(got) != fmt.Sprint(expected) {
			return fmt.Errorf("counted %v, want %v", got, expected)
		}
		if peak > memory {
			return fmt.Errorf("%d MiB of memory, at most %d", peak, memory)
		}
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
