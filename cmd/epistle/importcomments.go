package main

import (
	"context"
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/wordpress"
)

type importCommentsCommand struct {
	File string `arg:"" help:"${help_import_comments_file}"`
	Site string `help:"${help_import_comments_site}" placeholder:"NAME"`
}

// run imports a WordPress export and says what became of its comments. Those
// that cannot be read are told by their line, never by what stands in them.
func (cmd *importCommentsCommand) run(ctx context.Context, p *program) error {
	file, err := os.Open(cmd.File)
	if err != nil {
		return epistle.Errorf(epistle.Invalid, "cli.import.file", err).With("Path", cmd.File)
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err != nil || info.IsDir() {
		return epistle.Errorf(epistle.Invalid, "cli.import.file", err).With("Path", cmd.File)
	}
	return p.withStore(ctx, func(_ config.Config, s *store.Store) error {
		verb := &signup.Archive{Store: s, Clock: p.clock}
		bar := p.progress(file)
		read := progressbar.NewReader(file, bar)
		done, err := verb.Import(ctx, epistle.SystemActor(), &read, signup.ArchiveImport{
			Site: cmd.Site,
			CommentBad: func(bad *wordpress.BadComment) {
				_ = bar.Clear() // a bar that cannot be drawn must not stop the import
				problem := epistle.Errorf(epistle.Invalid, "wxr."+string(bad.Why), nil)
				fmt.Fprintln(p.stderr, p.words.T("cli.import.comment", "Line", bad.Line, "Problem", p.words.Error(problem)))
			},
		})
		_ = bar.Finish()
		if err == nil || done.Comments > 0 {
			p.say("cli.import.comments", "Comments", done.Comments, "Items", done.Items, "Added", done.Added, "Known", done.Known,
				"Changed", done.Changed, "Pings", done.Pings, "Bad", done.Bad, "Dropped", done.Dropped)
		}
		return err
	})
}
