package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
)

// sourceMails is how many mails smtp-source sends, so that it takes a few
// seconds.
func sourceMails(g group, connections int) int {
	if g.Latency > 0 {
		return 15 * connections
	}
	return min(g.Subscribers, 25_000)
}

// measureSource lets Postfix's smtp-source send over connections that stay
// open, and returns its mails a second by the sink's clock.
func measureSource(ctx context.Context, f far, mails, connections, size int) (float64, error) {
	path, err := sourcePath()
	if err != nil {
		return 0, err
	}
	out, err := exec.CommandContext(ctx, path, "-d", "-s", strconv.Itoa(connections), "-m", strconv.Itoa(mails), "-l", strconv.Itoa(size),
		"-M", "source.example.org", "-f", "load@source.example.org", "-t", "reader@sink.example.org", "inet:"+f.addr).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("smtp-source: %w: %s", err, out)
	}
	r := f.sink.Collect()
	if r.Count != int64(mails) {
		return 0, fmt.Errorf("smtp-source sent %d mails and %d were recorded", mails, r.Count)
	}
	if each := r.Bytes / r.Count; each < int64(size)*95/100 || each > int64(size)*105/100 {
		return 0, fmt.Errorf("smtp-source's mails have %d bytes and not %d, so that nothing can be compared", each, size)
	}
	return rateOf(r), nil
}

func sourcePath() (string, error) {
	for _, name := range []string{"smtp-source", "/usr/sbin/smtp-source"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no smtp-source: 'make bench' installs it (Debian: the package postfix)")
}
