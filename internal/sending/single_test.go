package sending_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/render"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func move(id epistle.ID, from, to epistle.IssueState) store.IssueMove {
	return store.IssueMove{ID: id, From: []epistle.IssueState{from}, To: to, Action: "issue.test"}
}

// wish changes a reader's preferences.
func (p *press) wish(t *testing.T, n int, change func(*epistle.Subscription)) {
	t.Helper()
	s := p.subscription(t, n)
	change(&s)
	err := p.store.SavePreferences(t.Context(), s.ID, epistle.English, s, epistle.Event{At: p.clock.Now(), Kind: epistle.EventPreferences, Way: epistle.ByPreferences})
	if err != nil {
		t.Fatal(err)
	}
}

// join confirms a reader by their own hand; their welcome is due at a time.
func (p *press) join(t *testing.T, n int, due time.Time) {
	t.Helper()
	var id epistle.ID
	_, err := p.store.OpenSignup(t.Context(), store.Opening{
		Signup: epistle.Signup{NewsletterID: p.newsletter.ID, Source: epistle.FromForm, State: epistle.SignupPending,
			Address: epistle.Address(address(n)), Language: epistle.English, Wording: "Yes.", WordingVersion: 1,
			CreatedAt: p.clock.Now(), ExpiresAt: p.clock.Now().Add(time.Hour)},
		Limit: epistle.MailLimit{Mails: 5, Within: time.Hour},
		Notice: func(signup epistle.ID) epistle.Notice {
			id = signup
			return epistle.Notice{Kind: epistle.NoticeResetPassword, To: "signup@example.org", Language: epistle.English, Data: map[string]string{"link": "/x"}}
		},
	})
	if err == nil {
		_, err = p.store.ConfirmSignup(t.Context(), id, store.Confirming{IP: "192.0.2.1", WelcomeAt: due})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// settled reports that no welcome is due for a reader any more.
func (p *press) settled(t *testing.T, n int) bool {
	t.Helper()
	return p.subscription(t, n).WelcomeAt.IsZero()
}

func TestNoticesGoOutAndAreTriedAgain(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		queue := func(key string, to epistle.Address) {
			t.Helper()
			if err := p.store.QueueNotice(t.Context(), epistle.Notice{Kind: epistle.NoticeResetPassword, Key: key, To: to,
				Language: epistle.English, Data: map[string]string{"link": "/desk/set-password/x"}}); err != nil {
				t.Fatal(err)
			}
		}
		queue("1", "well@example.org")
		queue("2", "later@example.org")
		queue("3", "nobody@example.org")
		refused := once(1, func(s smtptest.Step) bool { return s.Stage == smtptest.Rcpt && s.To == "later@example.org" }, smtptest.Action{Reply: "450 4.2.0 Later"})
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			if step.Stage == smtptest.Rcpt && step.To == "nobody@example.org" {
				return smtptest.Action{Reply: "550 5.1.1 No such user"}
			}
			return refused(step)
		})
		service := p.service(t, p.store, sending.Options{})
		stop := start(t, service)
		eventually(t, "the second is tried again", func() bool {
			p.clock.Advance(time.Minute)
			return len(p.relay.To("later@example.org")) == 1
		})
		stop()
		p.clock.Advance(time.Hour)
		if left, err := p.store.ClaimNotices(t.Context(), "test", time.Minute, 10); err != nil || len(left) != 0 {
			t.Errorf("%d notices are left, %v", len(left), err)
		}
		if len(p.relay.To("well@example.org")) != 1 || len(p.relay.To("later@example.org")) != 1 {
			t.Error("a notice did not come exactly once")
		}
	})
}

// A notice that was claimed already, behind another that takes its time, is
// dropped as well.
func TestANoticeIsDroppedWithItsReader(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 1)
		queue := func(kind epistle.NoticeKind, to string) {
			t.Helper()
			if err := p.store.QueueNotice(t.Context(), epistle.Notice{Kind: kind, Key: string(kind) + to, To: epistle.Address(to), Language: epistle.English,
				Data: map[string]string{"link": "/x", "newsletter": "Partner Letter", "covers": "Prayer.", "frequency": "Weekly."}}); err != nil {
				t.Fatal(err)
			}
		}
		queue(epistle.NoticeResetPassword, "staff@example.org")
		p.clock.Advance(time.Second)
		queue(epistle.NoticeAlready, address(1))
		p.clock.Advance(time.Second)
		queue(epistle.NoticeConfirm, "another@example.org")
		gate := smtptest.NewGate(smtptest.Body)
		p.relay.SetScript(gate.Script)
		start(t, p.service(t, p.store, sending.Options{}))
		gate.Wait(t)
		if err := p.store.Suppress(t.Context(), p.subscription(t, 1).SubscriberID, epistle.ByStaff, epistle.Event{At: p.clock.Now(), Way: epistle.ByDesk},
			epistle.AuditEntry{At: p.clock.Now(), Actor: p.editor}); err != nil {
			t.Fatal(err)
		}
		gate.Open()
		eventually(t, "the last notice is there", func() bool { return len(p.relay.To("another@example.org")) == 1 })
		if len(p.relay.To("staff@example.org")) != 1 || len(p.relay.To(address(1))) != 0 {
			t.Errorf("%d mails to staff, %d to who must not be mailed", len(p.relay.To("staff@example.org")), len(p.relay.To(address(1))))
		}
	})
}

func TestNoticesDoNotWaitForBulkMail(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	p.subscribe(t, 1, 20)
	gate := smtptest.NewGate(smtptest.Body)
	p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
		if strings.HasPrefix(step.To, "reader") {
			return gate.Script(step)
		}
		return smtptest.Action{}
	})
	service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 2}}})
	start(t, service)
	issue := launch(t, p, service)
	gate.Wait(t)
	gate.Wait(t)
	if err := p.store.QueueNotice(t.Context(), epistle.Notice{Kind: epistle.NoticeResetPassword, Key: "1", To: "staff@example.org",
		Language: epistle.Korean, Data: map[string]string{"link": "/desk/set-password/x"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the notice is there while bulk mail stands still", func() bool { return len(p.relay.To("staff@example.org")) == 1 })
	gate.Open()
	p.waitState(t, issue.ID, epistle.IssueSent)
}

func TestATestMailIsTheRealOne(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := newPress(t, s, clock, smtptest.Options{})
	service := p.service(t, p.store, sending.Options{})
	issue, _, err := p.store.CreateIssue(t.Context(), p.author, epistle.Issue{NewsletterID: p.newsletter.ID, Content: content("Draft")})
	if err != nil {
		t.Fatal(err)
	}
	if err := service.SendTest(t.Context(), p.author, issue.ID, epistle.English, "author@ministry.example.org"); err != nil {
		t.Fatal(err)
	}
	got := p.relay.To("author@ministry.example.org")
	if len(got) != 1 || !strings.Contains(string(got[0].Data), "Subject: [Test] Draft\r\n") || !strings.Contains(string(got[0].Data), "List-Unsubscribe") {
		t.Errorf("%d test mails, or not the real one", len(got))
	}
	if err := service.SendTest(t.Context(), p.author, issue.ID, epistle.English, "stranger@example.org"); epistle.KindOf(err) != epistle.Invalid {
		t.Errorf("a test to a stranger: %v", err)
	}
	p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
		if step.Stage == smtptest.Rcpt {
			return smtptest.Action{Reply: "550 5.7.1 No"}
		}
		return smtptest.Action{}
	})
	if err := service.SendTest(t.Context(), p.author, issue.ID, epistle.Korean, "author@ministry.example.org"); epistle.KindOf(err) != epistle.Unavailable {
		t.Errorf("a test that was refused: %v", err)
	}
}

// TestANoticeThatMayHaveArrivedIsNotSentForEver: the relay never has a word after
// the dot.
func TestANoticeThatMayHaveArrivedIsNotSentForEver(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			return smtptest.Action{HangUp: step.Stage == smtptest.Body}
		})
		p.notify(t, "one")
		log := &journal{}
		start(t, p.service(t, p.store, sending.Options{Log: slog.New(slog.NewTextHandler(log, nil))}))
		eventually(t, "it is given up", func() bool {
			p.clock.Advance(10 * time.Second)
			return log.count("a notice was not delivered") == 1
		})
		if n := len(p.relay.Messages()); n != 3 {
			t.Errorf("it was sent %d times", n)
		}
	})
}

// brokenIn makes no mail in one language.
type brokenIn struct {
	sending.Renderer
	language epistle.Language
}

func (b brokenIn) Compile(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (*render.Edition, error) {
	if l == b.language {
		return nil, errors.New("this edition is broken")
	}
	return b.Renderer.Compile(n, i, l, f)
}

// A mail that cannot be made comes between two that can: while the first is
// under way, nothing of it may be taken for the second.
func TestAMailThatCannotBeMadeLeavesTheOneUnderWayAlone(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		const readers = 40 // the odd ones read English
		p.subscribe(t, 1, readers)
		p.relay.SetScript(func(step smtptest.Step) smtptest.Action {
			var n int
			if _, err := fmt.Sscanf(step.To, "reader%03d@", &n); err == nil && n%4 == 1 && step.Stage == smtptest.Body {
				return smtptest.Action{Reply: "550 5.1.1 No such user"}
			}
			return smtptest.Action{}
		})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 1}}})
		service.Renderer = brokenIn{service.Renderer, epistle.Korean}
		start(t, service)
		issue := launch(t, p, service)
		p.waitState(t, issue.ID, epistle.IssueSent)
		got := p.copies()
		for n := 1; n <= readers; n++ {
			mails, reason := 0, epistle.SuppressionReason("")
			switch n % 4 {
			case 1:
				reason = epistle.AddressGone
			case 3:
				mails = 1
			}
			if got[address(n)] != mails {
				t.Errorf("reader %d got %d mails, want %d", n, got[address(n)], mails)
			}
			if suppressed, err := p.store.Suppression(t.Context(), epistle.Address(address(n))); err != nil || suppressed != reason {
				t.Errorf("reader %d is suppressed as %q, want %q (%v)", n, suppressed, reason, err)
			}
		}
	})
}
