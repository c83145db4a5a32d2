package store

import (
	"context"
	"sync"
)

// turn says who goes first when several wait for SQLite's one writer.
type turn int

const (
	ahead  turn = iota // people wait for it
	behind             // bulk work: sending, launching, importing
)

// gate lets one writer in at a time, people before bulk work.
type gate struct {
	mu      sync.Mutex
	changed *sync.Cond
	held    bool
	waiting int // of those who go ahead
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
	if t == ahead {
		g.waiting++
		defer func() { g.waiting-- }()
	}
	for g.held || t == behind && g.waiting > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		g.changed.Wait()
	}
	g.held = true
	return nil
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = false
	g.changed.Broadcast()
}
