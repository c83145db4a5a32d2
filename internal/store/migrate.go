package store

import (
	"context"
	"errors"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"epistle/internal/epistle"
)

// Migrate brings the schema of the database at url up to date and returns its
// version.
func Migrate(ctx context.Context, url string) (int64, error) {
	d, err := dialectOf(url)
	if err != nil {
		return 0, err
	}
	if err := d.prepare(); err != nil {
		return 0, err
	}
	return migrateTo(ctx, d)
}

func migrate(ctx context.Context, d dialect) error {
	_, err := migrateTo(ctx, d)
	return err
}

// migrateTo applies what is missing over a connection of its own. A schema
// newer than this program is refused.
func migrateTo(ctx context.Context, d dialect) (version int64, err error) {
	db, name, files, options, err := d.openForMigration()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return 0, d.classify(err)
	}
	provider, err := goose.NewProvider(name, db.DB, files, options...)
	if err != nil {
		return 0, d.classify(err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return 0, d.classify(err)
	}
	if current > target {
		return current, epistle.Errorf(epistle.Conflict, "database.newer", nil)
	}
	if current == target {
		return current, nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return current, d.classify(err)
	}
	return target, d.afterMigration(ctx, db)
}

// sessionLock keeps daemons that start together from migrating together.
func sessionLock() ([]goose.ProviderOption, error) {
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	return []goose.ProviderOption{goose.WithSessionLocker(locker)}, nil
}
