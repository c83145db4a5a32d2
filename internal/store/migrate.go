package store

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"epistle/internal/epistle"
)

// Migrate brings the schema of the database at url up to date and returns its
// version. Unavailable means that on SQLite a daemon is at work on it.
func Migrate(ctx context.Context, url string) (int64, error) {
	d, err := dialectOf(url)
	if err != nil {
		return 0, err
	}
	if err := d.prepare(); err != nil {
		return 0, err
	}
	return migrate(ctx, d, lockOf(d))
}

// migrate applies what is missing over a connection of its own, holding the
// lock if there is one. A schema newer than this program is refused. Each
// migration stands as a whole or not at all.
func migrate(ctx context.Context, d dialect, lock func() (*fileLock, error)) (version int64, err error) {
	db, name, files, options, err := d.openForMigration()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return 0, mapDriverError(ctx, d, err)
	}
	provider, err := goose.NewProvider(name, db.DB, files, options...)
	if err != nil {
		return 0, d.classify(err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, mapDriverError(ctx, d, err)
	}
	if current > target {
		return current, epistle.Errorf(epistle.Conflict, "database.newer", nil)
	}
	if current == target {
		return current, nil
	}
	held, err := lock()
	if err != nil {
		return current, err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	if _, err := provider.Up(ctx); err != nil {
		return current, mapDriverError(ctx, d, err)
	}
	return target, nil
}

// lockOf is how to keep daemons away from a database.
func lockOf(d dialect) func() (*fileLock, error) {
	return func() (*fileLock, error) {
		path := d.lockPath()
		if path == "" {
			return nil, nil //nolint:nilnil // nobody needs to be kept away
		}
		return acquireFileLock(path)
	}
}

// checked turns SQL files into migrations that end with a check of every
// reference, so that one which breaks some is undone. SQLite's own foreign keys
// are off meanwhile.
func checked(files fs.FS) (goose.ProviderOption, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []*goose.Migration
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		up, _, _ := strings.Cut(string(text), "-- +goose Down")
		all = append(all, goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, up); err != nil {
				return err
			}
			return references(ctx, tx)
		}}, nil))
	}
	return goose.WithGoMigrations(all...), nil
}

func references(ctx context.Context, tx *sql.Tx) error {
	var broken int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM pragma_foreign_key_check`).Scan(&broken); err != nil {
		return err
	}
	if broken > 0 {
		return epistle.Errorf(epistle.Internal, "database.references", nil).With("Count", broken)
	}
	return nil
}

// sessionLock keeps daemons that start together from migrating together.
func sessionLock() ([]goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
}
