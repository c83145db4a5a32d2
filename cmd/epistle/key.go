package main

import (
	"context"
	"fmt"

	"epistle/internal/seal"
)

// keyCommand holds what is done with keys.
type keyCommand struct {
	New keyNewCommand `cmd:"" help:"${help_key_new}"`
}

type keyNewCommand struct{}

// run prints a fresh key and keeps nothing: it is for a PostgreSQL database that
// is still empty.
func (keyNewCommand) run(_ context.Context, p *program) error {
	fmt.Fprintln(p.stdout, seal.NewKey())
	return nil
}
