package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"
)

// row is what came of one kind of round on one database.
type row struct {
	DB           string `json:"db"`
	Kind         string `json:"kind"`
	Rounds       int    `json:"rounds"`
	Recipients   int    `json:"recipients"` // of each round
	Lost         int    `json:"lost"`
	Extra        int    `json:"extra"`
	MaxExtra     int    `json:"max_extra_per_round"`
	Connections  int    `json:"connections"` // that the fault cut: the bound on extra copies a round
	SlotsDoubled int    `json:"slots_doubled"`
	SlotsMissed  int    `json:"slots_missed"`

	uncertain int
	wrong     int // rounds that were not fine
	took      time.Duration
}

func (r *row) add(c count, took time.Duration) {
	r.Rounds++
	r.Lost += c.lost
	r.Extra += c.extra
	r.MaxExtra = max(r.MaxExtra, c.extra)
	r.Connections = max(r.Connections, c.bound)
	r.uncertain += c.uncertain
	if !c.fine() {
		r.wrong++
	}
	r.took += took
}

// fine reports whether all promises were kept.
func (r *row) fine() bool {
	return r.wrong == 0 && r.SlotsDoubled == 0 && r.SlotsMissed == 0
}

// verdict is an error if any row is not fine.
func verdict(rows []*row) (err error) {
	for _, r := range rows {
		if !r.fine() {
			err = errors.Join(err, fmt.Errorf("%s %s: a promise was broken", r.DB, r.Kind))
		}
	}
	return err
}

// printTable prints Markdown that is also easy to read as it is, and how long
// the full plan would take.
func printTable(out io.Writer, rows []*row) {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| database\t| fault\t| rounds\t| recipients each\t| lost\t| extra\t| most in a round\t| allowed\t| uncertain\t| kept\t|")
	fmt.Fprintln(w, "|---\t|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---\t|")
	var full time.Duration
	for _, r := range rows {
		kept := "yes"
		if !r.fine() {
			kept = "NO"
		}
		fmt.Fprintf(w, "| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %d\t| %s\t|\n",
			r.DB, r.Kind, r.Rounds, r.Recipients, r.Lost, r.Extra, r.MaxExtra, r.Connections, r.uncertain, kept)
		switch {
		case r.Kind == kindSlots:
			full += r.took
		case r.Rounds > 0:
			full += r.took / time.Duration(r.Rounds) * time.Duration(fullPlan[r.DB][r.Kind])
		}
	}
	_ = w.Flush() // to a person
	fmt.Fprintf(out, "\nThe rounds of FULL=1 in these kinds take some %.0f minutes here.\n", full.Minutes())
}

func writeJSON(path string, rows []*row) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := json.NewEncoder(f)
	for _, r := range rows {
		if err := lines.Encode(r); err != nil {
			return err
		}
	}
	return nil
}
