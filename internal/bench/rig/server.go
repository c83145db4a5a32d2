package rig

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	_ "github.com/lib/pq" // the driver

	"epistle/internal/storetest"
)

// The two databases.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// tmpfs is the file system that forgets: what is committed to it costs nothing
// and proves nothing.
const tmpfs = 0x01021994

// CheckDisk refuses a folder in memory.
func CheckDisk(dir string) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return err
	}
	if fs.Type == tmpfs {
		return fmt.Errorf("%s is in memory, where commits cost nothing: set TMPDIR to a folder on a disk", dir)
	}
	return nil
}

// StartPostgres runs a server of its own in a folder, with PostgreSQL's default
// durability, until it is stopped.
func StartPostgres(ctx context.Context, dir string) (*storetest.Cluster, error) {
	if err := os.Chmod(dir, 0o755); err != nil { // the server may run as another user
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	return storetest.StartCluster(context.WithoutCancel(ctx), filepath.Join(dir, "postgres"), port)
}

// CreateDatabase makes an empty database on a server and returns its address.
func CreateDatabase(ctx context.Context, server, name string) (string, error) {
	if err := order(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// dropDatabase deletes a database with everything in it.
func dropDatabase(ctx context.Context, server, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	return order(ctx, server, "DROP DATABASE "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
}

// order has a server do something.
func order(ctx context.Context, server, command string) (err error) {
	db, err := sql.Open("postgres", server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, command)
	return err
}

// freePort finds a loopback port that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
