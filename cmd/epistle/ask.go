package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"epistle/internal/account"
	"epistle/internal/epistle"
)

// question is something that a flag may answer, else a person at the terminal.
type question struct {
	flag     string // "--ministry"
	key      string // its words are "cli.ask.KEY"
	answer   *string
	initial  string
	optional bool
	check    func(string) error // nil: anything goes
}

// ask fills the answers that no flag gave. At a terminal it asks, again until
// the answer is right; elsewhere a missing answer takes its initial value, and
// is wrong usage when it has none.
func (p *program) ask(ctx context.Context, questions []question) error {
	var problems epistle.Problems
	for _, q := range questions {
		if *q.answer == "" && p.interactive() {
			if err := p.askOne(ctx, q); err != nil {
				return err
			}
			continue
		}
		if *q.answer == "" {
			*q.answer = q.initial
		}
		if *q.answer == "" && !q.optional {
			problems.Add(epistle.InvalidField(q.key, "cli.flag.needed").With("Flag", q.flag))
			continue
		}
		problems.Add(q.problem(p))
	}
	return problems.Err()
}

// problem checks the answer and puts the flag's name before what is wrong.
func (q question) problem(p *program) error {
	if *q.answer == "" || q.check == nil {
		return nil
	}
	err := q.check(*q.answer)
	if err == nil {
		return nil
	}
	return epistle.InvalidField(q.key, "cli.flag.wrong").With("Flag", q.flag).With("Problem", p.words.Error(err))
}

func (p *program) askOne(ctx context.Context, q question) error {
	for ctx.Err() == nil {
		prompt := p.words.T("cli.ask." + q.key)
		if q.initial != "" {
			prompt += " [" + q.initial + "]"
		}
		fmt.Fprint(p.stdout, prompt+": ")
		line, err := p.stdin.ReadString('\n')
		if err != nil && line == "" {
			return epistle.Errorf(epistle.Invalid, "cli.input-ended", err)
		}
		text := strings.TrimSpace(line)
		if text == "" {
			text = q.initial
		}
		if text == "" && !q.optional {
			p.say("cli.ask.again")
			continue
		}
		*q.answer = text
		if text == "" || q.check == nil {
			return nil
		}
		if err := q.check(text); err != nil {
			fmt.Fprintln(p.stdout, "  "+p.words.Error(err))
			continue
		}
		return nil
	}
	return ctx.Err()
}

// interactive reports whether a person is there to be asked.
func (p *program) interactive() bool { return p.answers || isTerminal(p.stdinFile) }

// password reads a new password: from a file ("-" is standard input), else
// twice from the terminal, unseen. It is "" when there is neither.
func (p *program) password(ctx context.Context, file string, own ...string) (string, error) {
	switch {
	case file == "-":
		return firstLine(p.stdin)
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", epistle.Errorf(epistle.Invalid, "cli.password.file", err)
		}
		defer func() { _ = f.Close() }()
		return firstLine(bufio.NewReader(f))
	case !p.interactive():
		return "", nil
	}
	for ctx.Err() == nil {
		first, err := p.hidden("cli.ask.password")
		if err != nil || first == "" {
			return "", err
		}
		if err := account.CheckPassword(first, own...); err != nil {
			fmt.Fprintln(p.stdout, "  "+p.words.Error(err))
			continue
		}
		second, err := p.hidden("cli.ask.password-again")
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		p.say("cli.ask.password-differs")
	}
	return "", ctx.Err()
}

// hidden reads a line that the terminal does not show.
func (p *program) hidden(key string) (string, error) {
	fmt.Fprint(p.stdout, p.words.T(key)+": ")
	if p.answers {
		return firstLine(p.stdin)
	}
	typed, err := term.ReadPassword(int(p.stdinFile.Fd()))
	fmt.Fprintln(p.stdout)
	if err != nil {
		return "", epistle.Errorf(epistle.Invalid, "cli.input-ended", err)
	}
	return string(typed), nil
}

func firstLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", epistle.Errorf(epistle.Invalid, "cli.password.file", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
