package sending_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/relay"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/storetest"
)

func optionsOf(t *testing.T, url string) relay.Options {
	t.Helper()
	o, err := relay.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (p *press) notify(t *testing.T, key string) {
	t.Helper()
	if err := p.store.QueueNotice(t.Context(), epistle.Notice{Kind: epistle.NoticeResetPassword, Key: key, To: "staff@notices.example.com",
		Language: epistle.English, Data: map[string]string{"link": "/x"}}); err != nil {
		t.Fatal(err)
	}
}

func healthIs(s *sending.Service, want string) func() bool {
	return func() bool {
		err := s.Health()
		if want == "" {
			return err == nil
		}
		return err != nil && strings.Contains(err.Error(), want)
	}
}

func TestAQuotaHoldsOverRestartsUntilMidnight(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		zone, err := time.LoadLocation("Asia/Seoul")
		if err != nil {
			t.Fatal(err)
		}
		const readers, quota = 25, 10
		p.subscribeAt(t, "some.example.com", 1, readers)
		options := func() sending.Options {
			return sending.Options{Relays: []sending.Relay{{Connections: 3, Quota: sending.Quota{Daily: quota}}}, Zone: zone}
		}
		service := p.service(t, p.store, options())
		stop := start(t, service)
		p.notify(t, "first") // counts
		eventually(t, "the notice is there", func() bool { return acceptedAt(p.relay, "notices.example.com") == 1 })
		issue := launch(t, p, service)
		reached := func(n int) func() bool {
			return func() bool { return acceptedAt(p.relay, "some.example.com") == n }
		}
		eventually(t, "the quota is used up", reached(quota-1))
		eventually(t, "health says so", healthIs(service, "relay.quota"))
		p.notify(t, "second") // goes all the same
		eventually(t, "the notice is there", func() bool { return acceptedAt(p.relay, "notices.example.com") == 2 })
		stop()
		if got := p.report(t, issue.ID); got.Accepted != quota-1 || got.Queued != readers-quota+1 || got.Deferred+got.Failed+got.Uncertain != 0 {
			t.Errorf("report at the end of the quota: %+v", got)
		}
		service = p.service(t, p.store, options())
		stop = start(t, service)
		eventually(t, "health says so after a restart", healthIs(service, "relay.quota"))
		midnight := time.Date(2026, 11, 23, 0, 0, 0, 0, zone)
		p.clock.Set(midnight.Add(-time.Second))
		eventually(t, "health still says so", healthIs(service, "relay.quota"))
		if !reached(quota - 1)() {
			t.Error("mail went beyond the quota")
		}
		p.clock.Set(midnight)
		eventually(t, "the next day's quota is used up", reached(2*quota-1))
		eventually(t, "health says so", healthIs(service, "relay.quota"))
		p.clock.Advance(24 * time.Hour)
		p.waitState(t, issue.ID, epistle.IssueSent)
		eventually(t, "all is well", healthIs(service, ""))
		stop()
		wantOnceAt(t, "some.example.com", 1, readers, p.relay)
	})
}

func TestAWarmUpDoublesADay(t *testing.T) {
	from := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	warm := sending.Quota{From: from, First: 50, Daily: 1000}
	for day, want := range map[int]int64{-3: 50, 0: 50, 1: 100, 4: 800, 5: 1000, 29: 1000, 30: 1000, 400: 1000} {
		if got, limited := warm.On(from.AddDate(0, 0, day)); !limited || got != want {
			t.Errorf("on day %d %d (%v), want %d", day, got, limited, want)
		}
	}
	warm.Daily = 0
	if got, limited := warm.On(from.AddDate(0, 0, 29)); !limited || got != 50<<29 {
		t.Errorf("on day 29 without a quota: %d, %v", got, limited)
	}
	if got, limited := warm.On(from.AddDate(0, 0, 30)); limited {
		t.Errorf("a warm-up ends after a month, but on day 30 the limit is %d", got)
	}
	if got, limited := (sending.Quota{}).On(from); limited {
		t.Errorf("no quota is a limit of %d", got)
	}
	// The date is that of the zone, not of UTC.
	seoul := time.FixedZone("KST", 9*3600)
	if got, _ := warm.On(time.Date(2026, 11, 23, 1, 0, 0, 0, seoul)); got != 100 {
		t.Errorf("at one in the night in Seoul it is %d, want 100", got)
	}
}

func TestAnotherRelayTakesOverAndGivesBack(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 60
		p.subscribeAt(t, "some.example.com", 1, readers)
		var down atomic.Bool
		down.Store(true)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Connect && down.Load() {
				return smtptest.Action{Reply: "554 No service", Leave: true}
			}
			return smtptest.Action{}
		})
		resumed := make(chan struct{})
		other := smtptest.Start(t, smtptest.Options{})
		other.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Body && step.Message == 8 { // of a connection
				down.Store(false)
				<-resumed
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 4}, {Connections: 2, Options: optionsOf(t, other.URL())}}})
		start(t, service)
		issue := launch(t, p, service)
		eventually(t, "health says which one fails", healthIs(service, "relay.other-unreachable"))
		// While the second relay takes its time, the first is found to be back; then
		// nobody goes on with the second.
		eventually(t, "the first relay is back", func() bool { return !down.Load() })
		p.notify(t, "try")
		eventually(t, "health is good", healthIs(service, ""))
		before := acceptedAt(other, "some.example.com")
		close(resumed)
		p.waitState(t, issue.ID, epistle.IssueSent)
		wantOnceAt(t, "some.example.com", 1, readers, p.relay, other)
		if after := acceptedAt(other, "some.example.com"); after > before+4 || acceptedAt(p.relay, "some.example.com") < 20 {
			t.Errorf("the second relay took %d mails before the first was back and %d after it", before, after-before)
		}
	})
}

func TestARelayThatRefusesOurPasswordIsNotStormed(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{User: "us", Password: "right"})
	other := smtptest.Start(t, smtptest.Options{})
	wrong := optionsOf(t, p.relay.URL())
	wrong.User, wrong.Password = "us", "wrong"
	p.subscribeAt(t, "some.example.com", 1, 40)
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 8, Options: wrong}, {Connections: 3, Options: optionsOf(t, other.URL())}}})
	tuning := usual
	tuning.Wait = func(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
		if d >= time.Minute { // before the password is tried again
			<-ctx.Done()
			return ctx.Err()
		}
		return impatient(ctx, d, wake)
	}
	service.Tune(tuning)
	start(t, service)
	issue := launch(t, p, service)
	p.waitState(t, issue.ID, epistle.IssueSent)
	wantOnceAt(t, "some.example.com", 1, 40, other)
	if !healthIs(service, "relay.other-auth")() {
		t.Errorf("health: %v", service.Health())
	}
	if n := p.relay.Dials(); n != 1 {
		t.Errorf("the relay that refuses us was dialled %d times", n)
	}
}

func TestTheNextRelayTakesWhatIsBeyondAQuota(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribeAt(t, "some.example.com", 1, 30)
		other := smtptest.Start(t, smtptest.Options{})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{
			{Connections: 3, Quota: sending.Quota{First: 12, From: p.clock.Now()}},
			{Connections: 3, Options: optionsOf(t, other.URL())}}})
		start(t, service)
		issue := launch(t, p, service)
		p.waitState(t, issue.ID, epistle.IssueSent)
		wantOnceAt(t, "some.example.com", 1, 30, p.relay, other)
		if n := acceptedAt(p.relay, "some.example.com"); n != 12 {
			t.Errorf("the first relay took %d mails of a quota of 12", n)
		}
		if err := service.Health(); err != nil {
			t.Errorf("health while there is a relay: %v", err)
		}
	})
}

func TestTooManyRefusalsPauseTheIssue(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 400
		p.subscribeAt(t, "some.example.com", 1, readers)
		// One in fifteen is refused for good: more than 5 %.
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			var n int
			if step.Stage == smtptest.Rcpt {
				if _, err := fmt.Sscanf(step.To, "reader%03d@some.example.com", &n); err == nil && n%15 == 0 {
					return smtptest.Action{Reply: "550 5.1.1 No such user"}
				}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
		start(t, service)
		issue := launch(t, p, service)
		p.waitState(t, issue.ID, epistle.IssuePaused)
		paused, err := p.store.Issue(t.Context(), issue.ID)
		if err != nil || paused.HeldReason != "refusals" {
			t.Fatalf("paused for %q, %v", paused.HeldReason, err)
		}
		eventually(t, "the editor is told", func() bool { return len(p.relay.To("editor@ministry.example.org")) == 1 })
		if text := string(p.relay.To("editor@ministry.example.org")[0].Data); !strings.Contains(text, "refused for good") {
			t.Errorf("the notice does not say why:\n%s", text)
		}
		if got := p.report(t, issue.ID); got.Accepted+got.Failed < 100 || got.Accepted+got.Failed > 200 {
			t.Errorf("paused after %+v", got)
		}
		// Staff go on: only what comes after counts, and again 100 at least.
		before := p.report(t, issue.ID)
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssuePaused)
		after := p.report(t, issue.ID)
		const underWay = 10 // when it was paused
		if n := after.Accepted + after.Failed - before.Accepted - before.Failed; n < 100-underWay || n > 200 {
			t.Errorf("paused again after %d more", n)
		}
		p.relay.SetScript(nil)
		if err := service.Resume(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
	})
}

func TestFewRefusalsDoNotPauseTheIssue(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribeAt(t, "some.example.com", 1, 160)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			var n int
			if step.Stage == smtptest.Rcpt {
				// Many among the first, one in twenty in the end.
				if _, err := fmt.Sscanf(step.To, "reader%03d@", &n); err == nil && n <= 8 {
					return smtptest.Action{Reply: "550 5.1.1 No such user"}
				}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
		start(t, service)
		issue := launch(t, p, service)
		p.waitState(t, issue.ID, epistle.IssueSent)
		if got := p.report(t, issue.ID); got.Failed != 8 || got.Accepted != 152 {
			t.Errorf("report: %+v", got)
		}
	})
}

// TestARelayThatTakesFewerConnectionsIsNotStormed: what goes well over two does
// not mean that a third is welcome.
func TestARelayThatTakesFewerConnectionsIsNotStormed(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 150
		p.subscribeAt(t, "some.example.com", 1, readers)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Connect && p.relay.Open() > 2 {
				return smtptest.Action{Reply: "421 4.7.0 Too many connections from you", Leave: true}
			}
			return slowly(step)
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 6}}})
		var pauses atomic.Int64 // before it is dialled again
		tuning := usual
		tuning.Wait = func(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
			if d == time.Minute {
				pauses.Add(1)
			}
			return impatient(ctx, d, wake)
		}
		service.Tune(tuning)
		start(t, service)
		launch(t, p, service)
		eventually(t, "all have theirs", func() bool { return acceptedAt(p.relay, "some.example.com") == readers })
		// Pauses are shorter at first, and again when a new connection takes mail; but
		// nothing is dialled for each mail.
		if n := int64(p.relay.Dials()) - pauses.Load(); n > readers/2 {
			t.Errorf("%d more connections were made than there were pauses", n)
		}
		if err := service.Health(); err != nil {
			t.Errorf("health while mail flows: %v", err)
		}
	})
}

func TestAQuotaHoldsOverTwoDaemons(t *testing.T) {
	clock := storetest.NewClock()
	p := newPress(t, storetest.Open(t, storetest.PostgresURL(t), clock.Now), clock, smtptest.Options{})
	const readers, quota = 60, 20
	p.subscribeAt(t, "some.example.com", 1, readers)
	var services []*sending.Service
	for range 2 {
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3, Quota: sending.Quota{First: quota, From: clock.Now()}}}})
		start(t, service)
		services = append(services, service)
	}
	issue := launch(t, p, services[0])
	for _, service := range services {
		eventually(t, "health says that the quota is used up", healthIs(service, "relay.quota"))
	}
	eventually(t, "the last is recorded", func() bool { return p.report(t, issue.ID).Accepted == quota })
	if n := acceptedAt(p.relay, "some.example.com"); n != quota {
		t.Errorf("%d mails went out on the first day of a warm-up of %d", n, quota)
	}
	clock.Advance(24 * time.Hour)
	p.waitState(t, issue.ID, epistle.IssueSent)
	wantOnceAt(t, "some.example.com", 1, readers, p.relay)
}
