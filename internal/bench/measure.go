package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/bench/sink"
	"epistle/internal/epistle"
)

// bench is what all measuring shares.
type bench struct {
	dir      string
	binary   string
	progress io.Writer
	until    time.Time // no run is begun after it but a row's first; zero: no limit
}

func (b bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

// sample is one run of the daemon and, just before it, of smtp-source.
type sample struct {
	bytes       float64 // of a mail
	rate        float64 // mails a second
	cpu         float64 // µs a mail
	first       float64 // ms from the click to the first mail
	peak        float64 // MiB
	sourceRate  float64 // of smtp-source
	sourceRatio float64
	signing     float64 // mails a second that signing alone allows; 0 if unsigned
}

// far is a relay to measure against: the sink, perhaps behind a delay line.
type far struct {
	sink *sink.Server
	addr string
	line *sink.DelayLine
}

func newFar(ctx context.Context, latency int) (far, error) {
	s, err := sink.Listen(ctx, sink.Options{Aside: rig.EditorAddress})
	if err != nil || latency == 0 {
		return far{sink: s, addr: addrOf(s)}, err
	}
	line, err := sink.NewDelayLine(ctx, s.Addr(), time.Duration(latency)*time.Millisecond)
	if err != nil {
		return far{}, errors.Join(err, s.Close())
	}
	return far{sink: s, addr: line.Addr(), line: line}, nil
}

func addrOf(s *sink.Server) string {
	if s == nil {
		return ""
	}
	return s.Addr()
}

func (f far) Close() error {
	if f.line == nil {
		return f.sink.Close()
	}
	return errors.Join(f.line.Close(), f.sink.Close())
}

// measureGroup interleaves the runs: each time smtp-source and then the daemon,
// for every number of connections, and once more.
func (b bench) measureGroup(ctx context.Context, site *rig.Site, g group) (_ []row, err error) {
	f, err := newFar(ctx, g.Latency)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := b.signIn(ctx, site, f); err != nil {
		return nil, err
	}
	samples := make([][]sample, len(g.Connections))
	size := 27_000 // the first guess at what smtp-source should send
	for n := range g.Runs {
		if n > 0 && !b.until.IsZero() && time.Now().After(b.until) {
			b.say("the time is up: these rows are of %d runs instead of %d", n, g.Runs)
			break
		}
		for i, connections := range g.Connections {
			taken, err := b.measureOnce(ctx, site, f, g, connections, size)
			if err != nil {
				return nil, fmt.Errorf("%d subscribers, %d connections, run %d: %w", g.Subscribers, connections, n+1, err)
			}
			samples[i], size = append(samples[i], taken), int(taken.bytes)
			b.say("%s %d × %d, %d ms, %s run %d: %.0f/s, %.1f µs, first %.0f ms, peak %.0f MiB; smtp-source %.0f/s", site.Database, g.Subscribers,
				connections, g.Latency, g.DKIM, n+1, taken.rate, taken.cpu, taken.first, taken.peak, taken.sourceRate)
		}
	}
	rows := make([]row, len(samples))
	for i, s := range samples {
		rows[i] = newRow(site.Database, g, g.Connections[i], s)
	}
	return rows, nil
}

// signIn runs a daemon for as long as that takes, and no longer.
func (b bench) signIn(ctx context.Context, site *rig.Site, f far) error {
	d, err := site.Start(ctx, f.addr, 1)
	if err != nil {
		return err
	}
	return errors.Join(site.SignIn(ctx, d), d.Stop())
}

func (b bench) measureOnce(ctx context.Context, site *rig.Site, f far, g group, connections, size int) (sample, error) {
	f.sink.Collect() // what may have trickled in is nobody's
	source, err := measureSource(ctx, f, sourceMails(g, connections), connections, size)
	if err != nil {
		return sample{}, err
	}
	signing := 0.0
	if g.DKIM != "" {
		if signing, err = rig.SigningAlone(ctx, signings[g.DKIM], size, time.Second); err != nil {
			return sample{}, err
		}
	}
	s, err := b.measureDaemon(ctx, site, f, connections)
	s.sourceRate, s.sourceRatio, s.signing = source, s.rate/source, signing
	return s, err
}

// measureDaemon sends one issue with a daemon of its own.
func (b bench) measureDaemon(ctx context.Context, site *rig.Site, f far, connections int) (_ sample, err error) {
	issue, err := site.NewIssue(ctx)
	if err != nil {
		return sample{}, err
	}
	d, err := site.Start(ctx, f.addr, connections)
	if err != nil {
		return sample{}, err
	}
	running := true
	defer func() {
		if running {
			err = errors.Join(err, d.Kill())
		}
	}()
	before, err := d.CPU()
	if err != nil {
		return sample{}, err
	}
	launched := time.Now()
	if err := d.Launch(ctx, issue); err != nil {
		return sample{}, err
	}
	if err := waitTaken(ctx, f.sink, d, int64(site.Subscribers)); err != nil {
		return sample{}, err
	}
	report, err := site.WaitSent(ctx, issue)
	if err != nil {
		return sample{}, err
	}
	after, err := d.CPU()
	if err != nil {
		return sample{}, err
	}
	peak, err := d.PeakMemory()
	if err != nil {
		return sample{}, err
	}
	running = false
	if err := d.Stop(); err != nil {
		return sample{}, err
	}
	r := f.sink.Collect()
	if err := judge(site, issue, report, r); err != nil {
		return sample{}, err
	}
	return sample{
		bytes: float64(r.Bytes) / float64(r.Count), rate: rateOf(r),
		cpu:   float64((after - before).Microseconds()) / float64(r.Count),
		first: float64(r.First.Sub(launched).Microseconds()) / 1000,
		peak:  float64(peak) / 1024,
	}, nil
}

// patience is how long nothing may come before a run is given up.
const patience = 90 * time.Second

// waitTaken returns when the sink has as many mails as there are readers. More
// than that are found by the tally, since the daemon is stopped before it.
func waitTaken(ctx context.Context, s *sink.Server, d *rig.Daemon, want int64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	taken, since := int64(0), time.Now()
	for {
		now := s.Taken()
		if now >= want {
			return nil
		}
		if now != taken {
			taken, since = now, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.Over():
			return d.Trouble("the daemon ended by itself")
		case <-tick.C:
		}
		if time.Since(since) > patience {
			return d.Trouble(fmt.Sprintf("%d mails of %d came, and for %v none more", now, want, patience))
		}
	}
}

// judge fails a run in which what was accepted and what was recorded differ, or
// anybody's mail is missing, doubled or somebody else's.
func judge(site *rig.Site, issue epistle.ID, report epistle.Report, r sink.Recording) error {
	t := site.Tally(issue, r)
	n := int64(site.Subscribers)
	switch {
	case t.Wrong > 0:
		return fmt.Errorf("%d mails are wrong; the first: %s", t.Wrong, t.Complaint)
	case t.Readers != site.Subscribers, t.Extra > 0, t.Repeated > 0:
		return fmt.Errorf("%d readers of %d got mail, %d mails were extra, %d Message-IDs came twice", t.Readers, n, t.Extra, t.Repeated)
	case report.Accepted != r.Count || report.Accepted != n:
		return fmt.Errorf("the daemon says that %d were accepted, and %d were recorded, of %d", report.Accepted, r.Count, n)
	}
	return nil
}

// rateOf is mails a second between the first and the last.
func rateOf(r sink.Recording) float64 {
	return float64(r.Count-1) / r.Last.Sub(r.First).Seconds()
}
