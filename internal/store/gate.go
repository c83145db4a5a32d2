package store

import (
	"context"
	"sync"
)

// turn says who goes first when several wait for SQLite's one writer.
type turn int

const (
	people turn = iota // people wait for it
	marks              // every connection that sends waits for it
	bulk               // launching, importing
	allTurns
)

// gate lets one writer in at a time, in the order of their turns.
type gate struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    bool
	waiting [allTurns]int
}

func newGate() *gate {
	g := &gate{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

func (g *gate) enter(ctx context.Context, t turn) error {
	stop := context.AfterFunc(ctx, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.changed.Broadcast()
	})
	defer stop()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting[t]++
	defer func() { g.waiting[t]-- }()
	for g.held || g.isBefore(t) {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.changed.Wait()
	}
	g.held = true
	return nil
}

// isBefore reports whether somebody waits who goes before a turn.
func (g *gate) isBefore(t turn) bool {
	for _, waiting := range g.waiting[:t] {
		if waiting > 0 {
			return true
		}
	}
	return false
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	g.changed.Broadcast()
}
