package main

import (
	"fmt"
	"io"
	"strings"
)

// The goals. Every row keeps the first two; which of the others it is judged by
// depends on what it measures.
const (
	firstGoal   = 1000.0 // ms at most, from the click to the first mail
	memoryGoal  = 150.0  // MiB at most
	cpuGoal     = 70.0   // µs a mail at most
	signingGoal = 0.75   // of what signing alone allows, at least, with RSA
	farGoal     = 400.0  // mails a second at least, at farLatency and farConnections
	flatGoal    = 1.10   // CPU a mail of a million subscribers to that of a hundred thousand, at most

	farLatency     = 50
	farConnections = 50
)

// ratioGoals is what the ratio to smtp-source must be at least, by connections.
var ratioGoals = map[int]float64{10: 0.9, 50: 1.3}

// goal is one comparison.
type goal struct {
	what        string
	value, want float64
	met         bool
}

func atLeast(what string, value, want float64) goal { return goal{what, value, want, value >= want} }
func atMost(what string, value, want float64) goal  { return goal{what, value, want, value <= want} }

// goals are those that a row is judged by.
func (r row) goals() []goal {
	all := []goal{atMost("first message", r.FirstMessageMS, firstGoal), atMost("memory", r.PeakRSSMiB, memoryGoal)}
	switch {
	case r.LatencyMS == farLatency && r.Connections == farConnections:
		all = append(all, atLeast("messages/s", r.MsgsPerS, farGoal))
	case r.LatencyMS > 0:
	case r.DKIM != nil && *r.DKIM == rsa2048:
		all = append(all, atLeast("of signing alone", r.MsgsPerS/r.signing, signingGoal))
	case r.DKIM == nil:
		all = append(all, atMost("CPU", r.CPUPerMsg, cpuGoal))
		if want, ok := ratioGoals[r.Connections]; ok {
			all = append(all, atLeast("ratio", r.RatioSMTPSource, want))
		}
	}
	return all
}

// verdict says which goals a row meets, and by how much it misses the others.
func (r row) verdict() string {
	var met, missed []string
	for _, g := range r.goals() {
		if g.met {
			met = append(met, g.what)
			continue
		}
		missed = append(missed, fmt.Sprintf("%s %.3g (goal %.3g)", g.what, g.value, g.want))
	}
	if len(missed) > 0 {
		return "MISSED: " + strings.Join(missed, ", ")
	}
	return "met: " + strings.Join(met, ", ")
}

// printAcross judges what shows only when rows are compared: that cost and
// memory do not grow with the list.
func printAcross(out io.Writer, rows []row) {
	const small, large, huge = 10_000, 100_000, 1_000_000
	find := func(like row, subscribers int) *row {
		for i, r := range rows {
			if r.DB == like.DB && r.Connections == like.Connections && r.LatencyMS == 0 && r.DKIM == nil && r.Subscribers == subscribers {
				return &rows[i]
			}
		}
		return nil
	}
	for _, r := range rows {
		if r.Subscribers != huge {
			continue
		}
		if other := find(r, large); other != nil {
			g := atMost("", r.CPUPerMsg/other.CPUPerMsg, flatGoal)
			fmt.Fprintf(out, "%s, %d connections: CPU a message at 1,000,000 is %.2f of that at 100,000 (goal: at most %.2f): %s\n", r.DB, r.Connections, g.value, g.want, word(g))
		}
		if other := find(r, small); other != nil {
			fmt.Fprintf(out, "%s, %d connections: peak memory %.0f MiB at 1,000,000, %.0f MiB at 10,000\n", r.DB, r.Connections, r.PeakRSSMiB, other.PeakRSSMiB)
		}
	}
}

func word(g goal) string {
	if g.met {
		return "met"
	}
	return "MISSED"
}
