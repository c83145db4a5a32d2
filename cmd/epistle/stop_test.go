package main

import (
	"bufio"
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/smtptest"
)

// launched makes the sample ministry in dir with its issue approved and
// launched, but nothing sent yet, and returns the environment of a daemon for
// it and how many are to get the issue.
func launched(t *testing.T, dir string) (env []string, eligible int64) {
	t.Helper()
	catalog, err := loadCatalog()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{clock: func() time.Time { return time.Now().UTC() }, catalog: catalog, words: catalog.In(epistle.English), log: newLog(&bytes.Buffer{}, 0)}
	d, err := (demoCommand{Listen: "127.0.0.1:0"}).build(t.Context(), p, dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.seed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	issue, err := d.app.store.Issue(t.Context(), s.issue)
	if err != nil {
		t.Fatal(err)
	}
	if eligible, err = d.app.store.CountAudience(t.Context(), issue.Audience()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.issues.Approve(t.Context(), s.editor.Actor(), issue.ID, issue.Version, issue.Digest()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.app.issues.SendNow(t.Context(), s.editor.Actor(), issue.ID); err != nil {
		t.Fatal(err)
	}
	key := d.app.store.Keys().Key().String()
	if err := d.smtp.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.app.Close(); err != nil {
		t.Fatal(err)
	}
	return ministry("EPISTLE_DATABASE_URL=sqlite:"+filepath.Join(dir, "epistle.db"), "EPISTLE_SEAL_KEY="+key, "EPISTLE_RELAY_RATE=0"), eligible
}

// process is the built program as a daemon.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	log *bytes.Buffer
}

func startProcess(t *testing.T, env []string) *process {
	t.Helper()
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	p := &process{t: t, cmd: exec.CommandContext(ctx, path, "serve"), log: &bytes.Buffer{}}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = t.TempDir(), env, p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !bufio.NewScanner(out).Scan() {
		t.Fatalf("the daemon said nothing: %s", p.log)
	}
	return p
}

// stop asks the process to end and waits for it.
func (p *process) stop() {
	p.t.Helper()
	begun := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the daemon ended with %v\n%s", err, p.log)
	}
	if took := time.Since(begun); took > 10*time.Second {
		p.t.Errorf("stopping took %v", took)
	}
}

func TestSIGTERMInTheMiddleOfASendLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	for to, copies := range sendInTwoParts(t) {
		if copies != 1 {
			t.Errorf("%d copies went to one person (%d bytes of address)", copies, len(to))
		}
	}
}

// sendInTwoParts stops a daemon in the middle of a send and lets another finish
// it. It returns how many copies came in for each of those who were to get one.
func sendInTwoParts(t *testing.T) map[string]int {
	t.Helper()
	env, eligible := launched(t, t.TempDir())
	const midway, mute = 10, 12
	var bodies atomic.Int64
	mid := make(chan struct{})
	relay := smtptest.Start(t, smtptest.Options{Script: func(s smtptest.Step) smtptest.Action {
		if s.Stage != smtptest.Body {
			return smtptest.Action{}
		}
		switch n := bodies.Add(1); {
		case n == midway:
			close(mid)
		case n == mute:
			return smtptest.Action{Silence: true} // its outcome can never be known
		case n > midway:
			select { // slow enough for the signal to come in between
			case <-s.Done:
			case <-time.After(200 * time.Millisecond):
			}
		}
		return smtptest.Action{}
	}})
	env = append(env, "EPISTLE_RELAY_URL="+relay.URL())
	first := startProcess(t, env)
	<-mid
	first.stop()
	relay.SetScript(nil)
	if sent := updates(relay); len(sent) == 0 || int64(len(sent)) >= eligible {
		t.Fatalf("%d of %d went out before the stop: this proves nothing", len(sent), eligible)
	}
	second := startProcess(t, env)
	waitFor(t, "the rest to be sent", func() bool { return int64(len(updates(relay))) == eligible })
	second.stop()
	return updates(relay)
}

// updates counts the copies of the weekly mail that came in, by recipient.
func updates(relay *smtptest.Server) map[string]int {
	copies := map[string]int{}
	for _, m := range relay.Messages() {
		if bytes.Contains(m.Data, []byte("List-Unsubscribe:")) {
			copies[m.To]++
		}
	}
	return copies
}

// waitFor waits until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-deadline:
			t.Fatalf("in vain for %s", what)
		case <-tick.C:
		}
	}
}
