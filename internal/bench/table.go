package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is what came of one line of the plan: the median of each figure.
type row struct {
	DB              string  `json:"db"`
	Subscribers     int     `json:"subscribers"`
	DKIM            *string `json:"dkim"` // the algorithm; null for none
	LatencyMS       int     `json:"latency_ms"`
	Connections     int     `json:"connections"`
	Bytes           int     `json:"bytes"`
	MsgsPerS        float64 `json:"msgs_per_s"`
	CPUPerMsg       float64 `json:"cpu_us_per_msg"`
	FirstMessageMS  float64 `json:"first_message_ms"`
	PeakRSSMiB      float64 `json:"peak_rss_mib"`
	RatioSMTPSource float64 `json:"ratio_smtp_source"`
	source          float64 // smtp-source's mails a second
	signing         float64 // mails a second that signing alone allows
}

func newRow(database string, g group, connections int, samples []sample) row {
	middle := func(of func(sample) float64, digits int) float64 {
		all := make([]float64, len(samples))
		for i, s := range samples {
			all[i] = of(s)
		}
		scale := math.Pow10(digits)
		return math.Round(median(all)*scale) / scale
	}
	var algorithm *string
	if g.DKIM != "" {
		algorithm = &g.DKIM
	}
	return row{
		DB: database, Subscribers: g.Subscribers, DKIM: algorithm, LatencyMS: g.Latency, Connections: connections,
		Bytes:           int(middle(func(s sample) float64 { return s.bytes }, 0)),
		MsgsPerS:        middle(func(s sample) float64 { return s.rate }, 1),
		CPUPerMsg:       middle(func(s sample) float64 { return s.cpu }, 1),
		FirstMessageMS:  middle(func(s sample) float64 { return s.first }, 1),
		PeakRSSMiB:      middle(func(s sample) float64 { return s.peak }, 1),
		RatioSMTPSource: middle(func(s sample) float64 { return s.sourceRatio }, 3),
		source:          middle(func(s sample) float64 { return s.sourceRate }, 0),
		signing:         middle(func(s sample) float64 { return s.signing }, 0),
	}
}

// median is the middle value, or the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return math.NaN()
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// printTable prints Markdown that is also easy to read as it is.
func printTable(out io.Writer, rows []row) {
	if len(rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w)
	fmt.Fprintln(w, "| database\t| subscribers\t| connections\t| round trip\t| DKIM\t| bytes\t| messages/s\t| CPU µs/message\t| first message\t| peak memory\t| smtp-source/s\t| ratio\t| signing alone/s\t| goals\t|")
	fmt.Fprintln(w, "|---\t|---:\t|---:\t|---:\t|---\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---:\t|---\t|")
	for _, r := range rows {
		dkim, alone := "none", ""
		if r.DKIM != nil {
			dkim, alone = *r.DKIM, fmt.Sprintf("%.0f", r.signing)
		}
		fmt.Fprintf(w, "| %s\t| %d\t| %d\t| %d ms\t| %s\t| %d\t| %.0f\t| %.1f\t| %.0f ms\t| %.0f MiB\t| %.0f\t| %.2f\t| %s\t| %s\t|\n", r.DB, r.Subscribers, r.Connections,
			r.LatencyMS, dkim, r.Bytes, r.MsgsPerS, r.CPUPerMsg, r.FirstMessageMS, r.PeakRSSMiB, r.source, r.RatioSMTPSource, alone, r.verdict())
	}
	_ = w.Flush() // to a person
}

func writeJSON(path string, rows []row) (err error) {
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

// describeMachine is the line without which figures mean nothing.
func describeMachine(ctx context.Context) string {
	cpu := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, found := bytes.Cut(text, []byte("model name")); found {
			name, _, _ := bytes.Cut(rest, []byte("\n"))
			cpu = strings.TrimLeft(string(name), " \t:")
		}
	}
	commit := "an unknown commit"
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	return fmt.Sprintf("%s, %d cores of %s, %s, %s", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), cpu, runtime.Version(), commit)
}
