package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Daemon is a running `epistle serve`.
type Daemon struct {
	site *Site
	base string // its pages
	cmd  *exec.Cmd
	log  *os.File
	over chan struct{} // closed when the process has ended
	err  error         // how; read it after over
}

// readyWithin is how long a daemon may take to answer.
const readyWithin = time.Minute

// Start runs the daemon against a relay and waits until it is ready. It sends
// as fast as it can.
func (s *Site) Start(ctx context.Context, relay string, connections int) (*Daemon, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.Dir, fmt.Sprintf("daemon-%d", s.daemons.Add(1)))
	settings := filepath.Join(dir, "epistle.toml") // empty, so that no other file is read
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(settings, nil, 0o600)); err != nil {
		return nil, err
	}
	signing, err := s.signingSettings(dir)
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	d := &Daemon{site: s, base: "http://" + listen, over: make(chan struct{})}
	d.cmd = exec.Command(s.Binary, "--config", settings, "serve") //nolint:noctx // it is stopped in order, by Stop
	d.cmd.Dir = dir
	d.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "EPISTLE_") }),
		"EPISTLE_DATA_DIR="+dir, "EPISTLE_DATABASE_URL="+s.url, "EPISTLE_SEAL_KEY="+s.key.String(),
		// One public address, whichever daemon makes a mail and whatever its port.
		"EPISTLE_SERVER_LISTEN="+listen, "EPISTLE_SERVER_PUBLIC_URL=https://"+mailDomain,
		"EPISTLE_RELAY_URL=smtp://"+relay, fmt.Sprintf("EPISTLE_RELAY_CONNECTIONS=%d", connections), "EPISTLE_RELAY_RATE=0",
		fmt.Sprintf("EPISTLE_LIMITS_LANE_RATE=%d", s.LaneRate),
		"EPISTLE_MINISTRY_NAME=Bench Mission", "EPISTLE_MINISTRY_ADDRESS=1 Bench Road", "EPISTLE_MINISTRY_CONTACT=office@bench.example.org",
		"EPISTLE_MAIL_DOMAIN="+mailDomain, "EPISTLE_MAIL_BOUNCE_DOMAIN="+bounceDomain, "EPISTLE_LOG_LEVEL=info")
	d.cmd.Env = append(append(d.cmd.Env, signing...), s.Settings...)
	if d.log, err = os.Create(filepath.Join(dir, "daemon.log")); err != nil {
		return nil, err
	}
	d.cmd.Stdout, d.cmd.Stderr = d.log, d.log
	if err := d.cmd.Start(); err != nil {
		return nil, errors.Join(err, d.log.Close())
	}
	go func() {
		d.err = d.cmd.Wait()
		close(d.over)
	}()
	if err := d.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, d.Kill())
	}
	return d, nil
}

const (
	mailDomain   = "bench.example.org"
	bounceDomain = "bounce." + mailDomain
)

// WaitReady returns once the daemon answers that it is ready.
func (d *Daemon) WaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		if response, err := get(ctx, d.base+"/readyz"); err == nil && response == http.StatusOK {
			return nil
		}
		select {
		case <-d.over:
			return d.Trouble("the daemon ended before it was ready")
		default:
		}
		if err := sleep(ctx, 10*time.Millisecond); err != nil {
			return d.Trouble("the daemon does not answer")
		}
	}
}

// PID is the process's number.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Over is closed when the process has ended by itself or was stopped.
func (d *Daemon) Over() <-chan struct{} { return d.over }

// stopWithin is more than the daemon itself takes at most.
const stopWithin = 15 * time.Second

// Stop asks the daemon to end in order and waits for it.
func (d *Daemon) Stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return errors.Join(err, d.Kill())
	}
	timer := time.NewTimer(stopWithin)
	defer timer.Stop()
	select {
	case <-d.over:
	case <-timer.C:
		return errors.Join(d.Trouble("the daemon does not stop"), d.Kill())
	}
	return errors.Join(d.err, d.log.Close())
}

// Freeze stops the daemon's time at this instant, until Thaw.
func (d *Daemon) Freeze() error { return d.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen daemon go on.
func (d *Daemon) Thaw() error { return d.cmd.Process.Signal(syscall.SIGCONT) }

// Kill ends the daemon at this instant.
func (d *Daemon) Kill() error {
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-d.over
	return d.log.Close()
}

// Trouble is an error with the end of the daemon's log.
func (d *Daemon) Trouble(what string) error {
	const most = 2000
	text, err := os.ReadFile(d.log.Name())
	if err != nil {
		return errors.Join(errors.New(what), err)
	}
	return fmt.Errorf("%s; its log ends with:\n%s", what, text[max(0, len(text)-most):])
}
