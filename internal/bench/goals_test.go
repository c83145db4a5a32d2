package main

import (
	"strings"
	"testing"
)

func TestARowIsJudgedByItsOwnGoals(t *testing.T) {
	rsa := rsa2048
	good := row{Connections: 10, FirstMessageMS: 900, PeakRSSMiB: 140, CPUPerMsg: 60, RatioSMTPSource: 0.9, MsgsPerS: 11_000}
	for name, c := range map[string]struct {
		change func(r *row)
		missed string // "" for none
	}{
		"all met":               {func(*row) {}, ""},
		"slow to begin":         {func(r *row) { r.FirstMessageMS = 1200 }, "first message"},
		"memory":                {func(r *row) { r.PeakRSSMiB = 151 }, "memory"},
		"cost":                  {func(r *row) { r.CPUPerMsg = 70.1 }, "CPU"},
		"ratio at 10":           {func(r *row) { r.RatioSMTPSource = 0.899 }, "ratio"},
		"ratio at 50":           {func(r *row) { r.Connections = 50 }, "ratio"},
		"far, few connections":  {func(r *row) { r.LatencyMS, r.RatioSMTPSource = 50, 0.1 }, ""},
		"far, many connections": {func(r *row) { r.LatencyMS, r.Connections, r.MsgsPerS = 50, 50, 399 }, "messages/s"},
		"signed": {func(r *row) {
			r.DKIM, r.CPUPerMsg, r.RatioSMTPSource, r.MsgsPerS, r.signing = &rsa, 600, 0.1, 1300, 1600
		}, ""},
		"signed slowly": {func(r *row) { r.DKIM, r.MsgsPerS, r.signing = &rsa, 1100, 1600 }, "of signing alone"},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			c.change(&r)
			verdict := r.verdict()
			if c.missed == "" && !strings.HasPrefix(verdict, "met: ") || c.missed != "" && !strings.HasPrefix(verdict, "MISSED: "+c.missed+" ") {
				t.Errorf("%q, want missed: %q", verdict, c.missed)
			}
		})
	}
}

func TestCostIsComparedWithAShorterList(t *testing.T) {
	rows := []row{{DB: "sqlite", Connections: 10, Subscribers: 100_000, CPUPerMsg: 50}, {DB: "sqlite", Connections: 10, Subscribers: 1_000_000, CPUPerMsg: 54}}
	var out strings.Builder
	printAcross(&out, rows)
	if !strings.HasSuffix(out.String(), ": met\n") {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	rows[1].CPUPerMsg = 56
	printAcross(&out, rows)
	if !strings.HasSuffix(out.String(), ": MISSED\n") {
		t.Errorf("%q", out.String())
	}
}
