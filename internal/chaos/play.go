package main

import (
	"context"
	"errors"

	"epistle/internal/bench/rig"
)

// play is one sort of round.
type play struct {
	name    string
	daemons int
	struck  int      // how many of them the fault hits
	copies  int      // how many each of their connections may cost; 0: one
	hold    bool     // what may have arrived is not sent again: no copy may come, and some deliveries may be uncertain
	weather *weather // of the relay; nil: fair
	strike  func(ctx context.Context, f *field) error
	mend    func(ctx context.Context, f *field) error // until the issue is sent
}

// The kinds of fault.
const (
	kindKill    = "kill"
	kindFreeze  = "freeze"
	kindRestart = "restart"
	kindPower   = "power"
	kindRelay   = "relay"
)

// kinds are what can befall a daemon on a database; the rounds of a kind take
// turns among its plays.
func kinds(database string) map[string][]play {
	if database == rig.SQLite {
		return map[string][]play{
			kindKill:  {killed(), killed(), killed().held()},
			kindPower: {notesLost(), notesLost().held()},
			kindRelay: relayPlays(1),
		}
	}
	return map[string][]play{
		kindKill:    {killed(), killedBesideAnother(), killed().held()},
		kindFreeze:  {frozen(), frozen(), frozen().held()},
		kindRestart: {databaseCrashed(), databaseRestarted(), databaseCrashed().held()},
		kindPower:   {powerLost(), powerLost().held()},
		kindRelay:   relayPlays(2),
	}
}

// killed is kill -9 of the only daemon, after which another one is started.
func killed() play {
	return play{name: "kill -9, another is started", daemons: 1, struck: 1,
		strike: killVictim,
		mend: func(ctx context.Context, f *field) error {
			if err := f.start(ctx, f.victim); err != nil {
				return err
			}
			return f.waitSent(ctx)
		}}
}

// held is the same with a newsletter that rather misses a mail than sends it
// twice. Every mark waits for the disk then, so a fault leaves no more than one
// delivery a connection in doubt.
func (p play) held() play {
	p.name, p.hold, p.copies = p.name+" in hold mode", true, 0
	return p
}

// killedBesideAnother is kill -9 of one of two daemons; the other takes over.
func killedBesideAnother() play {
	return play{name: "kill -9 of one of two", daemons: 2, struck: 1, strike: killVictim, mend: waitSent}
}

func killVictim(_ context.Context, f *field) error {
	d := f.daemons[f.victim]
	f.daemons[f.victim] = nil
	err := d.Kill()
	f.at = f.share() // it may have come far since the instant was chosen
	return err
}

func waitSent(ctx context.Context, f *field) error { return f.waitSent(ctx) }

// frozen is SIGSTOP of one of two daemons until the other has taken over and
// sent everything; then the first goes on as if nothing had been.
func frozen() play {
	return play{name: "SIGSTOP of one of two, past its lease", daemons: 2, struck: 1,
		strike: func(_ context.Context, f *field) error { return f.daemons[f.victim].Freeze() },
		mend: func(ctx context.Context, f *field) error {
			err := f.waitSent(ctx)
			if thawing := f.daemons[f.victim].Thaw(); err != nil || thawing != nil {
				return errors.Join(err, thawing)
			}
			return f.daemons[f.victim].WaitReady(ctx)
		}}
}

// databaseCrashed and databaseRestarted take PostgreSQL away from two daemons
// and give it back.
func databaseCrashed() play {
	return play{name: "PostgreSQL crashes", daemons: 2, struck: 2, mend: waitSent,
		strike: func(ctx context.Context, f *field) error { return f.cluster.Crash(ctx) }}
}

func databaseRestarted() play {
	return play{name: "PostgreSQL is restarted", daemons: 2, struck: 2, mend: waitSent,
		strike: func(ctx context.Context, f *field) error { return f.cluster.Restart(ctx) }}
}

// powerLost takes PostgreSQL and the only daemon away at the same moment, so
// that neither has time to finish what it is at, and brings back what the disk
// has.
func powerLost() play {
	return play{name: "the power fails", daemons: 1, struck: 1, copies: marksToDisk,
		strike: func(ctx context.Context, f *field) error {
			crashed := make(chan error, 1)
			go func() { crashed <- f.cluster.Crash(ctx) }()
			return errors.Join(killVictim(ctx, f), <-crashed)
		},
		mend: killed().mend}
}

// marksToDisk is how many marks there are to one that waits for the disk: the
// sender's promise.
const marksToDisk = 8

// notesLost is what a loss of power may do to SQLite's daemon: it ends, and what
// its connections noted is gone. That is played by deleting the notes. Every mark
// waits for the disk there, and stands: a disk that forgets what it had said was
// written cannot be played here.
func notesLost() play {
	return play{name: "the power fails, notes are lost", daemons: 1, struck: 1, copies: notesUndone,
		strike: func(ctx context.Context, f *field) error {
			return errors.Join(killVictim(ctx, f), f.site.LoseNotes())
		},
		mend: killed().mend}
}

// notesUndone is how many messages of a connection are noted at most whose mark
// is not committed: the sender's promise.
const notesUndone = 16
