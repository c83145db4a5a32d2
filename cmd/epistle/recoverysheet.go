package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

type recoverySheetCommand struct{}

// run prints the recovery sheet in both languages. It opens the database first:
// a sheet with a key that does not fit would be worse than none.
func (recoverySheetCommand) run(ctx context.Context, p *program) error {
	return p.withStore(ctx, func(c config.Config, s *store.Store) error {
		p.printSheet(c, s.Keys().Key())
		return nil
	})
}

func (p *program) printSheet(c config.Config, k seal.Key) {
	key := strings.Split(k.String(), "-")
	for i, l := range epistle.Languages {
		words := p.catalog.In(l)
		if i > 0 {
			fmt.Fprintln(p.stdout, "\n"+strings.Repeat("-", 72)+"\n")
		}
		fmt.Fprintln(p.stdout, words.T("cli.sheet.title", "Ministry", words.Pick(c.Ministry.Name)))
		fmt.Fprintln(p.stdout, words.T("cli.sheet.date", "Date", words.Date(p.clock().In(location(c)))))
		fmt.Fprintln(p.stdout)
		fmt.Fprintln(p.stdout, words.T("cli.sheet.what"))
		fmt.Fprintln(p.stdout)
		for line := range chunks(key, 4) {
			fmt.Fprintln(p.stdout, "    "+line)
		}
		fmt.Fprintln(p.stdout)
		fmt.Fprintln(p.stdout, words.T("cli.sheet.how", "Path", absolute(keyFile(c)), "Variable", config.Variable("seal.key")))
	}
}

// chunks joins the groups of a key into lines of n groups that read as one key
// when they are typed one after another.
func chunks(groups []string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for len(groups) > 0 {
			k := min(n, len(groups))
			line := strings.Join(groups[:k], "-")
			if groups = groups[k:]; len(groups) > 0 {
				line += "-"
			}
			if !yield(line) {
				return
			}
		}
	}
}

// absolute is a path that means the same on paper; p itself if that is unknown.
func absolute(p string) string {
	full, err := filepath.Abs(p)
	if err != nil {
		return p
	}
	return full
}
