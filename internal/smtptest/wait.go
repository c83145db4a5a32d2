package smtptest

import (
	"sync"
	"testing"
	"time"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// Gate holds replies at one stage until the test lets them go.
type Gate struct {
	stage   Stage
	arrived chan Step
	release chan Action
	opened  chan struct{}
	once    sync.Once
}

// NewGate makes a gate for a stage; its Script goes into the server.
func NewGate(stage Stage) *Gate {
	return &Gate{stage: stage, arrived: make(chan Step, 1000), release: make(chan Action), opened: make(chan struct{})}
}

// Script holds every reply of the gate's stage.
func (g *Gate) Script(step Step) Action {
	if step.Stage != g.stage {
		return Action{}
	}
	g.arrived <- step
	select {
	case a := <-g.release:
		return a
	case <-g.opened:
		return Action{}
	case <-step.Done:
		return Action{HangUp: true}
	}
}

// Wait returns the next step that has come to the gate.
func (g *Gate) Wait(t testing.TB) Step {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case step := <-g.arrived:
		return step
	case <-timer.C:
		t.Fatalf("nothing came to %s", g.stage)
		return Step{}
	}
}

// Release lets one reply go as an action says.
func (g *Gate) Release(a Action) { g.release <- a }

// Open lets everything through from now on.
func (g *Gate) Open() { g.once.Do(func() { close(g.opened) }) }
