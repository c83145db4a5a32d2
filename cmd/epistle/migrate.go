package main

import (
	"context"

	"epistle/internal/store"
)

type migrateCommand struct{}

// run brings the database's schema up to date, without the key.
func (migrateCommand) run(ctx context.Context, p *program) error {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	version, err := store.Migrate(ctx, c.Database.URL)
	if err != nil {
		return err
	}
	p.say("cli.migrate.done", "Version", version)
	return nil
}
