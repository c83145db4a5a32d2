package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bug is a fault planted into a copy of the daemon, to see that the counting
// finds it. The copy is made while building; nothing of it is in the product.
type bug struct {
	name  string
	file  string // within the package internal/store
	old   string // stands there once
	new   string
	found func(c count) bool
}

// They are in how a daemon picks up the ranges of one that is gone: it misses the
// right place by two, in one direction or the other, or in what was noted of it.
var bugs = []bug{
	{name: "loses", file: "share.go",
		old: "\t\tadopted = append(adopted, ranges...)\n",
		new: "\t\tfor i, r := range ranges {\n\t\t\tranges[i].Done = min(r.Done+2, r.Last)\n\t\t}\n" +
			"\t\tadopted = append(adopted, ranges...)\n",
		found: func(c count) bool { return c.lost > 0 }},
	{name: "doubles", file: "share.go",
		old: "\t\tadopted = append(adopted, ranges...)\n",
		new: "\t\tfor i, r := range ranges {\n\t\t\tranges[i].Done = max(r.Done-2, r.First-1)\n\t\t}\n" +
			"\t\tadopted = append(adopted, ranges...)\n",
		found: func(c count) bool { return c.extra > c.bound }},
	{name: "misreads", file: "journal.go",
		old:   "\t\t\tranges[i].Done = n.Done\n",
		new:   "\t\t\tranges[i].Done = min(n.Done+2, r.Last)\n",
		found: func(c count) bool { return c.lost > 0 }},
}

// plant builds a daemon with a bug into dir and returns its path.
func (b bug) plant(ctx context.Context, o options, dir string) (string, error) {
	folder, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", "epistle/internal/store").Output()
	if err != nil {
		return "", fmt.Errorf("find the source: %w", err)
	}
	original := filepath.Join(strings.TrimSpace(string(folder)), b.file)
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	if n := bytes.Count(text, []byte(b.old)); n != 1 {
		return "", fmt.Errorf("the bug that %s cannot be planted: %s has %d times the text %q; adapt internal/chaos/planted.go to the source", b.name, b.file, n, b.old)
	}
	patched := filepath.Join(dir, b.name+".go")
	if err := os.WriteFile(patched, bytes.Replace(text, []byte(b.old), []byte(b.new), 1), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: patched}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, b.name+".json")
	if err := os.WriteFile(list, overlay, 0o600); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "epistle-that-"+b.name)
	return binary, o.build(ctx, binary, "-overlay", list)
}

// sightings is in how many rounds at most a bug must show.
const sightings = 3

// planted reports an error unless the counting finds every bug.
func (o options) planted(ctx context.Context, a *arena, dir string) error {
	right := a.site.Binary
	defer func() { a.site.Binary = right }()
	for _, b := range bugs {
		o.say("building a daemon with a bug that %s", b.name)
		binary, err := b.plant(ctx, o, dir)
		if err != nil {
			return err
		}
		a.site.Binary = binary
		if err := o.find(ctx, a, b); err != nil {
			return err
		}
	}
	return nil
}

func (o options) find(ctx context.Context, a *arena, b bug) error {
	for range sightings {
		c, err := a.hit(ctx, o, killed())
		if err != nil {
			return err
		}
		if b.found(c) {
			o.say("the planted bug that %s was found: lost %d, extra %d of %d allowed", b.name, c.lost, c.extra, c.bound)
			return nil
		}
	}
	return fmt.Errorf("the counting did not find the planted bug that %s", b.name)
}
