package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"epistle/internal/epistle"
)

type healthcheckCommand struct{}

// run asks the daemon on this machine whether it is alive, for containers whose
// image holds nothing but this program.
func (healthcheckCommand) run(ctx context.Context, p *program) error {
	c, err := p.loadConfig()
	if err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(c.Server.Listen)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "cli.health", err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		return epistle.Errorf(epistle.Unavailable, "cli.health", err)
	}
	fmt.Fprintln(p.stdout, "ok")
	return nil
}
