package main

import (
	"context"
	"math/rand/v2"
	"sync/atomic"

	"epistle/internal/bench/sink"
)

// weather is how a bad relay behaves. Sessions ask it at once.
type weather struct {
	oneByOne bool // no PIPELINING
	bad      atomic.Bool
	cut      atomic.Int64 // connections dropped so far
	seed     uint64
	asked    atomic.Uint64
}

// Of so many things the relay is asked, one goes wrong.
const (
	refusedGreetings  = 10
	refusedSenders    = 1000
	refusedRecipients = 40
	refusedTexts      = 500
	cutTexts          = 1000
	cutDots           = 1000
	lostReplies       = 500
)

// fault is the sink's Weather.
func (w *weather) fault(m sink.Moment) sink.Fault {
	if !w.bad.Load() {
		return sink.Fault{}
	}
	f := w.choose(m, rand.New(rand.NewPCG(w.seed, w.asked.Add(1))))
	if f.HangUp {
		w.cut.Add(1)
	}
	return f
}

func (w *weather) choose(m sink.Moment, random *rand.Rand) sink.Fault {
	oneIn := func(n int) bool { return random.IntN(n) == 0 }
	switch {
	case m == sink.AtConnect && oneIn(refusedGreetings):
		return sink.Fault{Reply: "421 4.3.2 Too busy", HangUp: true}
	case m == sink.AtMail && oneIn(refusedSenders):
		return sink.Fault{Reply: "421 4.3.2 Going down", HangUp: true}
	case m == sink.AtRecipient && oneIn(refusedRecipients):
		return sink.Fault{Reply: "450 4.2.1 Come back later"}
	case m == sink.InBody && oneIn(cutTexts):
		return sink.Fault{HangUp: true}
	case m == sink.AtDot && oneIn(refusedTexts):
		return sink.Fault{Reply: "451 4.3.0 Come back later"}
	case m == sink.AtDot && oneIn(cutDots):
		return sink.Fault{HangUp: true}
	case m == sink.AfterDot && oneIn(lostReplies):
		return sink.Fault{HangUp: true}
	}
	return sink.Fault{}
}

// relayPlays are rounds with a bad relay. Nothing is killed, so nothing may be
// doubled: a lost reply leaves a delivery uncertain.
func relayPlays(daemons int) []play {
	plays := []play{{name: "bad relay"}, {name: "bad relay without PIPELINING"}}
	for i := range plays {
		p := &plays[i]
		p.daemons, p.weather = daemons, &weather{oneByOne: i == 1}
		p.strike = func(_ context.Context, f *field) error {
			p.weather.seed = f.random.Uint64()
			p.weather.cut.Store(0)
			p.weather.bad.Store(true)
			return nil
		}
		p.mend = sendAgain
	}
	return plays
}

// sendAgain has what the weather put off sent in fair weather, without the
// hour until it is due.
func sendAgain(ctx context.Context, f *field) error {
	if err := f.site.WaitTried(ctx, f.issue); err != nil {
		return err
	}
	f.weather.bad.Store(false)
	if err := f.stop(); err != nil {
		return err
	}
	if err := f.site.MakeDue(ctx, f.issue); err != nil {
		return err
	}
	for n := range f.daemons {
		if err := f.start(ctx, n); err != nil {
			return err
		}
	}
	return f.waitSent(ctx)
}
