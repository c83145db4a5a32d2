package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/store"
)

// openStore opens the database of an existing installation for a command that
// may run beside the daemon.
func (p *program) openStore(ctx context.Context, c config.Config) (*store.Store, error) {
	if path, ok := sqlitePath(c.Database.URL); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, epistle.Errorf(epistle.NotFound, "cli.not-installed", nil)
		}
	}
	return store.Open(ctx, store.Options{URL: c.Database.URL, Keys: keysOf(c), Clock: p.clock, Log: p.log})
}

// withStore runs fn on the database of an existing installation.
func (p *program) withStore(ctx context.Context, fn func(c config.Config, s *store.Store) error) error {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	s, err := p.openStore(ctx, c)
	if err != nil {
		return err
	}
	return errors.Join(fn(c, s), s.Close())
}

// sqlitePath is the file of a SQLite database.
func sqlitePath(url string) (string, bool) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	return strings.TrimPrefix(path, "//"), ok
}

// location is the ministry's zone; the settings were checked.
func location(c config.Config) *time.Location {
	zone, err := time.LoadLocation(c.Ministry.Timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}
