package sending_test

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/relay"
	"epistle/internal/render"
	"epistle/internal/sending"
	"epistle/internal/smtptest"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/templates"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// press is a ministry with a newsletter, an editor and a relay.
type press struct {
	store      *store.Store
	clock      *storetest.Clock
	relay      *smtptest.Server
	newsletter epistle.Newsletter
	author     epistle.Actor
	editor     epistle.Actor
}

// newPress sets up a ministry on a store, with a relay that pipelines, as nearly
// all do.
func newPress(t *testing.T, s *store.Store, clock *storetest.Clock, o smtptest.Options) *press {
	t.Helper()
	o.Pipelining = true
	p := &press{store: s, clock: clock, relay: smtptest.Start(t, o)}
	var err error
	p.newsletter, err = s.CreateNewsletter(t.Context(), epistle.Newsletter{
		Slug: "partners", Title: epistle.Text{EN: "Partner Letter", KO: "동역 편지"},
		Covers: epistle.Text{EN: "Prayer and news.", KO: "기도와 소식."}, Frequency: epistle.Text{EN: "Weekly.", KO: "매주."},
		Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", Grace: 12 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Ministry", KO: "사역"}, Address: "letters@ministry.example.org"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Office", KO: "사무실"}, Address: "office@ministry.example.org"},
	}, epistle.AuditEntry{Actor: epistle.SystemActor(), At: clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	p.author = p.hire(t, "author@ministry.example.org", epistle.Author)
	p.editor = p.hire(t, "editor@ministry.example.org", epistle.Editor)
	return p
}

func (p *press) hire(t *testing.T, address epistle.Address, role epistle.Role) epistle.Actor {
	t.Helper()
	id, err := p.store.CreateStaff(t.Context(), epistle.SystemActor(),
		epistle.StaffMember{Address: address, Name: "Staff", Role: role, Language: epistle.English}, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return epistle.StaffActor(id, role)
}

// eachPress runs a test on both databases.
func eachPress(t *testing.T, test func(t *testing.T, p *press)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		test(t, newPress(t, s, clock, smtptest.Options{}))
	})
}

func address(n int) string { return fmt.Sprintf("reader%03d@example.org", n) }

// subscribe confirms readers first to last.
func (p *press) subscribe(t *testing.T, first, last int) {
	t.Helper()
	var people []epistle.Signup
	for n := first; n <= last; n++ {
		language := epistle.English
		if n%2 == 0 {
			language = epistle.Korean
		}
		people = append(people, epistle.Signup{NewsletterID: p.newsletter.ID, Source: epistle.FromImport, State: epistle.SignupConfirmed,
			Name: fmt.Sprintf("Reader %d", n), Address: epistle.Address(address(n)), Language: language,
			Wording: "Yes.", WordingVersion: 1, CreatedAt: p.clock.Now(), ConfirmedAt: p.clock.Now()})
	}
	if _, err := p.store.ImportConfirmed(t.Context(), p.newsletter.ID, people); err != nil {
		t.Fatal(err)
	}
}

// subscription finds a reader's.
func (p *press) subscription(t *testing.T, n int) epistle.Subscription {
	t.Helper()
	person, err := p.store.SubscriberByAddress(t.Context(), epistle.Address(address(n)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.store.Subscriptions(t.Context(), person.ID)
	if err != nil || len(all) != 1 {
		t.Fatalf("subscriptions of a reader: %d, %v", len(all), err)
	}
	return all[0]
}

func (p *press) leave(t *testing.T, n int, issue epistle.ID) {
	t.Helper()
	if err := p.store.Leave(context.WithoutCancel(t.Context()), p.subscription(t, n).ID,
		epistle.Event{At: p.clock.Now(), Way: epistle.ByOneClick, IssueID: issue}); err != nil {
		t.Error(err)
	}
}

func content(subject string) epistle.Content {
	return epistle.Content{
		Subject:   epistle.Text{EN: subject, KO: subject + " 편지"},
		Preheader: epistle.Text{EN: "In short", KO: "요약"},
		Sections: []epistle.Section{{Kind: epistle.LetterSection, Items: []epistle.Item{{Kind: epistle.LetterItem,
			Body: epistle.Text{EN: "Dear friends,\n\nthank you.", KO: "사랑하는 여러분,\n\n감사합니다."}}}}},
	}
}

// approved makes an issue that may be launched.
func (p *press) approved(t *testing.T, sendAt time.Time) epistle.Issue {
	t.Helper()
	issue, _, err := p.store.CreateIssue(t.Context(), p.author, epistle.Issue{NewsletterID: p.newsletter.ID, SendAt: sendAt, Content: content("News")})
	if err != nil {
		t.Fatal(err)
	}
	return p.approve(t, issue, epistle.IssueApproved)
}

func (p *press) approve(t *testing.T, issue epistle.Issue, to epistle.IssueState) epistle.Issue {
	t.Helper()
	issue, err := p.store.ApproveIssue(t.Context(), p.editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version, From: issue.State, To: to,
		Approval: epistle.Approval{By: p.editor.StaffID, At: p.clock.Now(), Digest: issue.Digest()}})
	if err != nil {
		t.Fatal(err)
	}
	return issue
}

// usual makes everything small and quick: a check before every DATA, and no
// long waits for a relay that is away.
var usual = sending.Tuning{Poll: 20 * time.Millisecond, Grace: 300 * time.Millisecond, RangeSize: 7, ChunkSize: 10, Wait: impatient}

func impatient(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	switch {
	case d == 10*time.Second: // between renewals of claims, which write
		d = 50 * time.Millisecond
	case d >= time.Second:
		d = 2 * time.Millisecond
	}
	return sending.Wait(ctx, d, wake)
}

// service makes a sending service on a store, which may be a wrapped one.
func (p *press) service(t *testing.T, s sending.Store, o sending.Options) *sending.Service {
	t.Helper()
	words, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	o.Catalog, err = locale.Load(words)
	if err != nil {
		t.Fatal(err)
	}
	o.Renderer, err = render.New(render.Options{Catalog: o.Catalog, Keys: p.store.Keys(), Ministry: render.Ministry{
		Name: epistle.Text{EN: "Ministry", KO: "사역"}, PostalAddress: epistle.Text{EN: "1 Road", KO: "길 1"},
		Contact: "office@ministry.example.org", PublicURL: "https://ministry.example.org", MailDomain: "ministry.example.org"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Relays) == 0 {
		o.Relays = []sending.Relay{{}}
	}
	if o.Relays[0].Host == "" {
		if o.Relays[0].Options, err = relay.Parse(p.relay.URL()); err != nil {
			t.Fatal(err)
		}
	}
	o.Store, o.Clock = s, p.clock.Now
	service := sending.New(o)
	service.Tune(usual)
	return service
}

// start runs a service until stop is called, or the test ends.
func start(t *testing.T, s *sending.Service) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Start(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("the service ended with %v", err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually returns once ok does; what is to become true must become so soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("it never came to pass: %s", what)
		case <-tick.C:
		}
	}
}

func (p *press) state(t *testing.T, id epistle.ID) epistle.IssueState {
	t.Helper()
	issue, err := p.store.Issue(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return issue.State
}

func (p *press) waitState(t *testing.T, id epistle.ID, want epistle.IssueState) {
	t.Helper()
	eventually(t, "the issue is "+string(want), func() bool { return p.state(t, id) == want })
}

func (p *press) report(t *testing.T, id epistle.ID) epistle.Report {
	t.Helper()
	r, err := p.store.Report(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var messageID = regexp.MustCompile(`(?mi)^Message-ID: *(\S+)`)
var dateHeader = regexp.MustCompile(`(?mi)^Date: *(.*)\r$`)

func header(t *testing.T, pattern *regexp.Regexp, m smtptest.Message) string {
	t.Helper()
	found := pattern.FindSubmatch(m.Data)
	if found == nil {
		t.Fatalf("a message has no %s:\n%.300s", pattern, m.Data)
	}
	return string(found[1])
}

// copies counts the issue's mails that each reader may have got. Notices to
// staff and mails that were refused are left out.
func (p *press) copies() map[string]int {
	count := map[string]int{}
	for _, m := range p.relay.Messages() {
		if !m.Refused && strings.HasPrefix(m.To, "reader") {
			count[m.To]++
		}
	}
	return count
}

// wantEachOnce fails unless readers first to last got exactly one mail, and
// nobody else got any.
func (p *press) wantEachOnce(t *testing.T, first, last int) {
	t.Helper()
	got := p.copies()
	for n := first; n <= last; n++ {
		if got[address(n)] != 1 {
			t.Errorf("reader %d got %d mails, want 1", n, got[address(n)])
		}
		delete(got, address(n))
	}
	if len(got) > 0 {
		t.Errorf("%d people got mail who should not have", len(got))
	}
}
