package sending_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/storetest"
)

// journal is a log that a test reads while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) count(what string) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Count(j.text.String(), what)
}

// begun launches an issue to readers and returns when some have got it. A log
// tells what the service complains of.
func (p *press) begun(t *testing.T, readers, some int) (epistle.Issue, *journal) {
	t.Helper()
	p.subscribe(t, 1, readers)
	log := &journal{}
	service := p.service(t, p.store, sending.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	start(t, service)
	issue := p.approved(t, time.Time{})
	if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	p.waitMails(t, some)
	return issue, log
}

func (p *press) waitMails(t *testing.T, n int) {
	t.Helper()
	eventually(t, "more mails have come", func() bool { return len(p.relay.Messages()) >= n })
}

// slowly makes the relay take a moment for each mail, so that there is a middle.
func slowly(step smtptest.Step) smtptest.Action {
	if step.Stage == smtptest.Body {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-step.Done:
		}
	}
	return smtptest.Action{}
}

func TestWithoutItsDatabaseADaemonSendsNothingUntilItIsBack(t *testing.T) {
	clock := storetest.NewClock()
	line := storetest.NewLine(t, storetest.PostgresURL(t))
	p := newPress(t, storetest.Open(t, line.URL, clock.Now), clock, smtptest.Options{Script: slowly})
	issue, log := p.begun(t, 150, 30)
	line.Cut()
	failures := func() int { return log.count("record what was sent") }
	eventually(t, "the marks cannot be recorded", func() bool { return failures() > 0 })
	if err := p.store.Fit(t.Context()); epistle.KindOf(err) != epistle.Unavailable {
		t.Errorf("fit: %v", err)
	}
	// By now whatever was on its way has arrived.
	now := failures()
	eventually(t, "it is tried again", func() bool { return failures() > now+50 })
	before := len(p.relay.Messages())
	now = failures()
	eventually(t, "it is tried again", func() bool { return failures() > now+50 })
	if after := len(p.relay.Messages()); after != before || after == 150 {
		t.Errorf("%d mails when the database was gone, %d a while later", before, after)
	}
	line.Mend()
	p.waitState(t, issue.ID, epistle.IssueSent)
	if err := p.store.Fit(t.Context()); err != nil {
		t.Errorf("fit: %v", err)
	}
	p.wantEachOnce(t, 1, 150)
	if r := p.report(t, issue.ID); r.Accepted != 150 {
		t.Errorf("report: %+v", r)
	}
}

func TestADatabaseThatThrowsEverybodyOutCostsNoMail(t *testing.T) {
	clock, url := storetest.NewClock(), storetest.PostgresURL(t)
	p := newPress(t, storetest.Open(t, url, clock.Now), clock, smtptest.Options{Script: slowly})
	issue, _ := p.begun(t, 150, 20)
	server, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	for _, some := range []int{40, 60, 80, 100, 120} {
		if _, err := server.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
			t.Fatal(err)
		}
		p.waitMails(t, some)
	}
	eventually(t, "the issue is sent", func() bool {
		i, err := p.store.Issue(t.Context(), issue.ID)
		return err == nil && i.State == epistle.IssueSent
	})
	p.wantEachOnce(t, 1, 150)
}

// TestADatabaseThatGoesSilentHoldsNoMarkForLong: no connection breaks, nothing is
// answered any more. What the server had not heard by then it hears late.
func TestADatabaseThatGoesSilentHoldsNoMarkForLong(t *testing.T) {
	clock := storetest.NewClock()
	line := storetest.NewLine(t, storetest.PostgresURL(t))
	p := newPress(t, storetest.Open(t, line.URL, clock.Now), clock, smtptest.Options{Script: slowly})
	issue, log := p.begun(t, 150, 30)
	line.Stall()
	t.Cleanup(line.Mend) // nothing ends before it
	eventually(t, "a mark is given up, and tried again", func() bool { return log.count("record what was sent") > 1 })
	if n := len(p.relay.Messages()); n == 150 {
		t.Error("all was sent while no mark could be recorded")
	}
	line.Mend()
	p.waitState(t, issue.ID, epistle.IssueSent)
	p.wantEachOnce(t, 1, 150)
	if r := p.report(t, issue.ID); r.Accepted != 150 {
		t.Errorf("report: %+v", r)
	}
}
