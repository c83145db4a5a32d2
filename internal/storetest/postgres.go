package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq" // the driver
)

// URLVariable names the environment variable with the address of a PostgreSQL
// server whose user may create databases. The Makefile sets it to one private
// cluster for all packages. On a server of yours a database stays for each
// schema that was tested, epistle_schema_….
const URLVariable = "EPISTLE_TEST_POSTGRES"

var databases atomic.Int64

// PostgresURL makes an empty database on the test server and drops it after the
// test. Without a server the test fails and says how to get one.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return createDatabase(t, serverURL(t), "template1")
}

func serverURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv(URLVariable)
	if server == "" {
		t.Fatalf("no PostgreSQL for the tests: run them with 'make test', which starts one, or set %s", URLVariable)
	}
	return server
}

// createDatabase copies a database for one test.
func createDatabase(t testing.TB, server, template string) string {
	t.Helper()
	name := fmt.Sprintf("t_%d_%d", os.Getpid(), databases.Add(1))
	db, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatalf("open the test server: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("create a database on the test server: %v", err)
	}
	t.Cleanup(func() {
		if _, err := db.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the database: %v", err)
		}
	})
	at, err := databaseURL(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// databaseURL is where another database of a server is.
func databaseURL(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", fmt.Errorf("%s is no URL", URLVariable) // the cause shows its password
	}
	u.Path = "/" + name
	return u.String(), nil
}

// Cluster is a private PostgreSQL server in a directory of its own, listening
// on a Unix socket and on a loopback port.
type Cluster struct {
	URL     string
	dir     string
	command func() *exec.Cmd // makes the server's process
	run     *exec.Cmd
}

// StartCluster makes a cluster in dir, which must be empty or absent, and waits
// until it answers. PostgreSQL refuses to run as root, so root runs it as the
// user "postgres" or "nobody". Settings are the server's own, "name=value".
func StartCluster(ctx context.Context, dir string, port int, settings ...string) (*Cluster, error) {
	bin, err := serverBinaries()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return nil, err
		}
	}
	as := func(name string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir = dir
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := as("initdb", "-D", data, "-U", "epistle", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	c := &Cluster{dir: dir, URL: fmt.Sprintf("postgres://epistle@127.0.0.1:%d/postgres?sslmode=disable", port),
		command: func() *exec.Cmd {
			args := []string{"-D", data, "-k", dir, "-h", "127.0.0.1", "-p", strconv.Itoa(port), "-c", "max_connections=200"}
			for _, s := range settings {
				args = append(args, "-c", s)
			}
			return as("postgres", args...)
		}}
	return c, c.start(ctx)
}

func (c *Cluster) start(ctx context.Context) error {
	server := c.command()
	server.Cancel = func() error { return server.Process.Signal(syscall.SIGINT) }
	server.WaitDelay = 10 * time.Second
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		return err
	}
	c.run = server
	return c.waitReady(ctx)
}

// PID is the number of the server's first process, the parent of the others.
func (c *Cluster) PID() int { return c.run.Process.Pid }

// Stop ends the server (fast shutdown) and waits for it.
func (c *Cluster) Stop() error {
	if err := c.run.Process.Signal(syscall.SIGINT); err != nil {
		return err
	}
	return c.run.Wait()
}

// Crash ends the server as a crash would, and Restart ends it in order but at
// once; both start it again and wait until it answers. They are what
// "pg_ctl restart" does in its modes immediate and fast.
func (c *Cluster) Crash(ctx context.Context) error { return c.again(ctx, syscall.SIGQUIT) }

// Restart: see Crash.
func (c *Cluster) Restart(ctx context.Context) error { return c.again(ctx, syscall.SIGINT) }

func (c *Cluster) again(ctx context.Context, end syscall.Signal) error {
	if err := c.run.Process.Signal(end); err != nil {
		return err
	}
	_ = c.run.Wait() // after a crash it has a bad word for it
	return c.start(ctx)
}

func (c *Cluster) waitReady(ctx context.Context) error {
	db, err := sql.Open("postgres", c.URL)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(c.dir, "log"))
			return fmt.Errorf("the test server does not answer: %w: %s", err, log)
		case <-tick.C:
		}
	}
}

// serverBinaries finds the directory of initdb and postgres, the newest version
// first, where Debian and others put it.
func serverBinaries() (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/initdb", "/usr/local/pgsql/bin/initdb", "/usr/pgsql-*/bin/initdb", "/opt/homebrew/bin/initdb"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return filepath.Dir(found[len(found)-1]), nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", fmt.Errorf("the PostgreSQL server programs are not installed: run 'make tools' (Debian: apt install postgresql)")
}

// unprivileged is whom to run the server as; nil means ourselves.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr != nil || gidErr != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, fmt.Errorf("PostgreSQL refuses to run as root, and neither %s exists here", strings.Join([]string{"postgres", "nobody"}, " nor "))
}
