package store

import (
	"context"
	"slices"
	"sync"
)

// turn says who goes first when several wait for SQLite's one writer.
type turn int

const (
	people turn = iota // people wait for it
	marks              // mails wait for it: marks, limits, what is due
	bulk               // launching, importing
	allTurns
)

// gate lets one writer in at a time: in the order of their turns, and within a
// turn in the order in which they came.
type gate struct {
	mu    sync.Mutex
	held  bool
	lines [allTurns][]chan struct{} // those who wait; closed to let them in
}

func newGate() *gate { return &gate{} }

// enter returns nil once the caller is in, who then must leave, or else the
// error of ctx.
func (g *gate) enter(ctx context.Context, t turn) error {
	g.mu.Lock()
	if !g.held {
		g.held = true
		g.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	g.lines[t] = append(g.lines[t], mine)
	g.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		g.giveUp(t, mine)
		return ctx.Err()
	}
}

// giveUp takes back a place in a line, or the turn that has just come.
func (g *gate) giveUp(t turn, mine chan struct{}) {
	g.mu.Lock()
	at := slices.Index(g.lines[t], mine)
	if at >= 0 {
		g.lines[t] = slices.Delete(g.lines[t], at, at+1)
	}
	g.mu.Unlock()
	if at < 0 {
		g.leave()
	}
}

// leave hands over to whoever is next.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for t, line := range g.lines {
		if len(line) > 0 {
			g.lines[t] = line[1:]
			close(line[0])
			return
		}
	}
	g.held = false
}
