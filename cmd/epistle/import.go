package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/schollz/progressbar/v3"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// importCommand brings in data from files.
type importCommand struct {
	Subscribers importSubscribersCommand `cmd:"" help:"${help_import_subscribers}"`
	Comments    importCommentsCommand    `cmd:"" help:"${help_import_comments}"`
}

type importSubscribersCommand struct {
	File       string `arg:"" help:"${help_import_file}"`
	Newsletter string `help:"${help_import_newsletter}" placeholder:"SLUG"`
	Confirmed  bool   `help:"${help_import_confirmed}"`
	Source     string `help:"${help_import_source}" placeholder:"TEXT"`
	Language   string `help:"${help_import_language}"`
	DryRun     bool   `help:"${help_import_dry_run}"`
}

// importMemory is how much memory of its own an import tries to keep within, in
// bytes: in a dry run, a million addresses that were seen are some twenty million.
const importMemory = 56 << 20

// run imports a CSV file and says what became of its rows. Rows that are wrong
// are told by their line, never by what stands in them.
func (cmd *importSubscribersCommand) run(ctx context.Context, p *program) error {
	language := epistle.Language("")
	if cmd.Language != "" {
		var err error
		if language, err = epistle.ParseLanguage(cmd.Language); err != nil {
			return err
		}
	}
	file, err := os.Open(cmd.File)
	if err != nil {
		return epistle.Errorf(epistle.Invalid, "cli.import.file", err).With("Path", cmd.File)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return epistle.Errorf(epistle.Invalid, "cli.import.file", err).With("Path", cmd.File)
	}
	debug.SetMemoryLimit(importMemory)
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error {
		newsletter, err := chooseNewsletter(ctx, s, cmd.Newsletter)
		if err != nil {
			return err
		}
		verb := signup.New(signup.Options{Store: s, Catalog: p.catalog, Keys: s.Keys(), Clock: p.clock, Log: p.log, NextSlot: nextSlot})
		bar := p.progress(file)
		how := signup.Import{
			NewsletterID: newsletter.ID, Mode: signup.AskEach, Source: cmd.Source, Language: language, DryRun: cmd.DryRun,
			RowError: func(e signup.RowError) {
				_ = bar.Clear() // a bar that cannot be drawn must not stop the import
				fmt.Fprintln(p.stderr, p.words.T("cli.import.row", "Line", e.Line, "Problem", p.words.Error(e.Err)))
			},
		}
		if cmd.Confirmed {
			how.Mode = signup.Vouched
		}
		read := progressbar.NewReader(file, bar)
		done, err := verb.Import(ctx, epistle.SystemActor(), &read, how)
		_ = bar.Finish()
		if err == nil || done.Rows > 0 {
			p.sayImported(done, how)
		}
		return err
	})
}

func (p *program) sayImported(done signup.Imported, how signup.Import) {
	key := "cli.import.asked"
	if how.Mode == signup.Vouched {
		key = "cli.import.added"
	}
	if how.DryRun {
		p.say("cli.import.dry-run")
	}
	p.say(key, "Rows", done.Rows, "Added", done.Added, "Already", done.Already,
		"Left", done.LeftKept, "Suppressed", done.SuppressedKept, "Errors", done.Errors)
}

// chooseNewsletter finds a newsletter by its slug, or the only one there is.
func chooseNewsletter(ctx context.Context, s *store.Store, slug string) (epistle.Newsletter, error) {
	if slug != "" {
		n, err := s.NewsletterBySlug(ctx, slug)
		if epistle.KindOf(err) == epistle.NotFound {
			return n, epistle.InvalidField("newsletter", "cli.import.newsletter").With("Slug", slug)
		}
		return n, err
	}
	all, err := s.Newsletters(ctx)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	if len(all) != 1 {
		return epistle.Newsletter{}, epistle.InvalidField("newsletter", "cli.import.which")
	}
	return all[0], nil
}

// progress is a bar for reading a file, drawn only for a person at a terminal.
func (p *program) progress(file *os.File) *progressbar.ProgressBar {
	size := int64(-1)
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	out := io.Discard
	if isTerminal(p.stderr) {
		out = p.stderr
	}
	return progressbar.NewOptions64(size, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(p.words.T("cli.import.progress")),
		progressbar.OptionShowBytes(true), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(isTerminal(p.stderr)))
}
