package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/templates"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// commandLine is everything that may be typed.
type commandLine struct {
	Config string `help:"${help_config}" placeholder:"FILE"`

	Init          initCommand          `cmd:"" help:"${help_init}"`
	Serve         serveCommand         `cmd:"" help:"${help_serve}"`
	Demo          demoCommand          `cmd:"" help:"${help_demo}"`
	Migrate       migrateCommand       `cmd:"" help:"${help_migrate}"`
	Staff         staffCommand         `cmd:"" help:"${help_staff}"`
	Import        importCommand        `cmd:"" help:"${help_import}"`
	Export        exportCommand        `cmd:"" help:"${help_export}"`
	Explain       explainCommand       `cmd:"" help:"${help_explain}"`
	Key           keyCommand           `cmd:"" help:"${help_key}"`
	Dkim          dkimCommand          `cmd:"" help:"${help_dkim}"`
	RecoverySheet recoverySheetCommand `cmd:"" help:"${help_recovery_sheet}"`
	Healthcheck   healthcheckCommand   `cmd:"" help:"${help_healthcheck}"`
	Version       versionCommand       `cmd:"" help:"${help_version}"`
}

// command is one subcommand; kong fills its flags.
type command interface {
	run(ctx context.Context, p *program) error
}

// program is one run of the program: what it was given and what every
// subcommand needs.
type program struct {
	env        []string
	stdin      *bufio.Reader
	stdinFile  *os.File // for passwords that are not echoed; nil when input is no file
	stdout     io.Writer
	stderr     io.Writer
	clock      epistle.Clock
	catalog    *locale.Catalog
	words      *locale.Words
	log        *slog.Logger
	configPath string
	lookupTXT  func(ctx context.Context, name string) ([]string, error) // DNS
	answers    bool                                                     // stdin holds a person's answers though it is no terminal, in tests
}

// usageError is a command line that kong refused. Its text is kong's own.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is the whole program: it does what args say and returns nil, or tells
// stderr in a plain sentence what went wrong and returns the error. Ending ctx
// stops it in order.
func run(ctx context.Context, args, env []string, stdout, stderr io.Writer) error {
	catalog, err := loadCatalog()
	if err != nil {
		return err
	}
	p := &program{env: env, stdin: bufio.NewReader(os.Stdin), stdinFile: os.Stdin, stdout: stdout, stderr: stderr, lookupTXT: net.DefaultResolver.LookupTXT,
		clock: func() time.Time { return time.Now().UTC() }, catalog: catalog, words: catalog.In(epistle.English)}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) error {
	p.log = newLog(p.stderr, slog.LevelInfo)
	err := p.dispatch(ctx, args)
	p.report(err)
	return err
}

func (p *program) dispatch(ctx context.Context, args []string) error {
	var line commandLine
	left := false // kong has printed help and wants to leave
	parser, err := kong.New(&line, kong.Name("epistle"), kong.Description(p.words.T("cli.help")), kong.UsageOnError(),
		kong.Writers(p.stdout, p.stderr), kong.Exit(func(int) { left = true }), p.helpTexts())
	if err != nil {
		return err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	for _, arg := range args {
		if !utf8.ValidString(arg) { // kong would go on with other letters in its place
			return epistle.Errorf(epistle.Invalid, "text.encoding", nil)
		}
	}
	parsed, err := parser.Parse(args)
	if left {
		return nil
	}
	if err != nil {
		return usageError{err}
	}
	p.configPath = line.Config
	chosen, ok := parsed.Selected().Target.Addr().Interface().(command)
	if !ok {
		return fmt.Errorf("the subcommand %s does nothing", parsed.Command())
	}
	return chosen.run(ctx, p)
}

// helpTexts hands the catalogue's "cli.help.…" to kong's ${help_…}.
func (p *program) helpTexts() kong.Vars {
	vars := kong.Vars{}
	for key := range p.catalog.Keys(epistle.English) {
		if name, found := strings.CutPrefix(key, "cli.help."); found {
			vars["help_"+strings.NewReplacer(".", "_", "-", "_").Replace(name)] = p.words.T(key)
		}
	}
	return vars
}

// loadConfig reads the settings and sets the log's level.
func (p *program) loadConfig() (config.Config, error) {
	c, err := config.Load(p.configPath, p.env)
	if err == nil {
		p.log = newLog(p.stderr, c.Log.Level)
	}
	return c, err
}

// say prints a line of the catalogue.
func (p *program) say(key string, pairs ...any) {
	fmt.Fprintln(p.stdout, p.words.T(key, pairs...))
}

// report tells what went wrong: a sentence for people, the cause for the log.
func (p *program) report(err error) {
	var usage usageError
	var problems epistle.Problems
	var known *epistle.Error
	switch {
	case err == nil:
	case errors.As(err, &usage):
		fmt.Fprintln(p.stderr, p.words.T("cli.usage", "Problem", usage.Error()))
	case errors.As(err, &problems):
		for _, problem := range problems {
			fmt.Fprintln(p.stderr, p.words.Error(problem))
		}
	case errors.As(err, &known) && known.Kind != epistle.Internal:
		if known.Kind == epistle.Unavailable && known.Err != nil {
			p.log.Debug("cannot go on", "error", err)
		}
		fmt.Fprintln(p.stderr, p.words.Error(err))
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(p.stderr, p.words.T("cli.stopped"))
	default:
		p.log.Error("failed", "error", err)
		fmt.Fprintln(p.stderr, p.words.T("cli.failed"))
	}
}

// exitCode is the process's exit code for what run returned.
func exitCode(err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage), epistle.KindOf(err) == epistle.Invalid:
		return exitUsage
	}
	return exitFailed
}

// isTerminal reports whether something is written to, or read from, a person.
func isTerminal(v any) bool {
	f, ok := v.(*os.File)
	return ok && f != nil && term.IsTerminal(int(f.Fd()))
}

func loadCatalog() (*locale.Catalog, error) {
	files, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		return nil, err
	}
	return locale.Load(files)
}
