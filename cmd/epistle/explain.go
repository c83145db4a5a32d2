package main

import (
	"context"
	"encoding/json"
	"io"
	"os"

	"epistle/internal/epistle"
	"epistle/internal/signup/intent"
)

// explainCommand says what the program makes of something, as JSON lines and
// without a database.
type explainCommand struct {
	Comment explainCommentCommand `cmd:"" help:"${help_explain_comment}"`
}

type explainCommentCommand struct {
	Files []string `arg:"" optional:"" name:"FILE" help:"${help_explain_files}"`
}

// maxExplained is how much of a file is read, in bytes.
const maxExplained = 1 << 20

// commentExplained is a line of what explain comment prints.
type commentExplained struct {
	File  string          `json:"file,omitempty"`
	Asks  []intent.Ask    `json:"asks"`  // updates, question, bible, prayer, spam
	Score float64         `json:"score"` // 0 to 1, of the surest of them
	Spans []spanExplained `json:"spans"`
}

// spanExplained marks words; start and end count bytes of the UTF-8 text.
type spanExplained struct {
	Ask   intent.Ask `json:"ask"`
	Start int        `json:"start"`
	End   int        `json:"end"`
	Text  string     `json:"text"`
}

func (c explainCommentCommand) run(_ context.Context, p *program) error {
	lines := json.NewEncoder(p.stdout)
	lines.SetEscapeHTML(false)
	if len(c.Files) == 0 {
		text, err := io.ReadAll(io.LimitReader(p.stdin, maxExplained))
		if err != nil {
			return err
		}
		return lines.Encode(explainComment("", string(text)))
	}
	for _, name := range c.Files {
		text, err := readExplained(name)
		if err != nil {
			return epistle.Errorf(epistle.NotFound, "cli.explain.file", err).With("Path", name)
		}
		if err := lines.Encode(explainComment(name, string(text))); err != nil {
			return err
		}
	}
	return nil
}

func readExplained(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return io.ReadAll(io.LimitReader(f, maxExplained))
}

func explainComment(file, text string) commentExplained {
	read := intent.Read(text)
	line := commentExplained{File: file, Asks: append([]intent.Ask{}, read.Asks...), Score: read.Score, Spans: []spanExplained{}}
	for _, s := range read.Spans {
		line.Spans = append(line.Spans, spanExplained{s.Ask, s.Start, s.End, text[s.Start:s.End]})
	}
	return line
}
