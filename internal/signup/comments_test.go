package signup_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

const arrivals = "https://lantern.example/arrivals"

// requests records what comments ask of the sign-ups.
type requests struct {
	mu      sync.Mutex
	asked   []signup.Request
	invited []epistle.ID
	err     error
}

func (r *requests) Wording(n epistle.Newsletter, l epistle.Language) string {
	return n.Title.In(l) + " " + string(l)
}

func (r *requests) Request(_ context.Context, q signup.Request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, q)
	return r.err
}

func (r *requests) Invite(_ context.Context, _ epistle.Actor, id epistle.ID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.invited = append(r.invited, id)
	return r.err
}

type desk struct {
	*signup.Comments
	store    *store.Store
	clock    *storetest.Clock
	requests *requests
	page     epistle.Page
	stamp    string
}

func open(t *testing.T, s *store.Store, clock *storetest.Clock) *desk {
	t.Helper()
	d := &desk{store: s, clock: clock, requests: &requests{}}
	d.Comments = signup.NewComments(signup.CommentOptions{Store: s, Requests: d.requests,
		Stamps: signup.NewStamps(s.Keys(), clock.Now), Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler), Sites: []string{"blog.lantern.example"}})
	pages := signup.NewPages(s, clock.Now)
	var err error
	d.page, err = pages.Add(t.Context(), author(), epistle.Page{URL: arrivals, Title: epistle.Text{EN: "Welcome Table", KO: "환영의 식탁"}})
	if err != nil {
		t.Fatal(err)
	}
	d.stamp = d.Stamp()
	clock.Advance(20 * time.Second)
	return d
}

func author() epistle.Actor { return epistle.StaffActor(1, epistle.Author) }

func (d *desk) written() signup.Post {
	return signup.Post{PageURL: arrivals, Name: "Ingrid Solberg", Address: "ingrid@example.org",
		Body: "Our small group prays for this on Tuesdays.", Language: epistle.English, Stamp: d.stamp, IP: "192.0.2.7"}
}

func (d *desk) queue(t *testing.T, state epistle.CommentState) []store.CommentInContext {
	t.Helper()
	list, err := d.store.CommentQueue(t.Context(), store.CommentFilter{State: state, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func each(t *testing.T, test func(t *testing.T, d *desk)) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) { test(t, open(t, s, clock)) })
}

func withNewsletter(t *testing.T, d *desk) epistle.Newsletter {
	t.Helper()
	n, err := d.store.CreateNewsletter(t.Context(), epistle.Newsletter{Slug: "update", Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers: epistle.Text{EN: "All of our work.", KO: "저희의 모든 사역을 전합니다."}, Frequency: epistle.Text{EN: "Weekly.", KO: "매주 보냅니다."},
		WordingVersion: 1, Schedule: "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", AssembleLead: 48 * time.Hour, Grace: 24 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern House", KO: "등불의 집"}, Address: "update@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hana", KO: "하나"}, Address: "hana@lantern.example"},
	}, epistle.AuditEntry{Actor: epistle.SystemActor(), Action: "newsletter.create", Subject: "newsletter"})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestACommentIsHeldUntilSomeoneApprovesIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		if _, err := d.Post(t.Context(), d.written()); err != nil {
			t.Fatal(err)
		}
		pending := d.queue(t, epistle.CommentPending)
		if len(pending) != 1 || pending[0].Name != "Ingrid Solberg" || pending[0].Address != "ingrid@example.org" || pending[0].Page != d.page {
			t.Fatalf("the moderators see %+v", pending)
		}
		if thread, err := d.store.Thread(t.Context(), d.page.ID, 0, 10); err != nil || len(thread) != 0 {
			t.Fatalf("a held comment is shown: %v, %v", thread, err)
		}
		id := pending[0].ID
		if err := d.Approve(t.Context(), epistle.ReaderActor(), id, epistle.CommentPending); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("a reader approved: %v", err)
		}
		if err := d.Approve(t.Context(), author(), id, epistle.CommentPending); err != nil {
			t.Fatal(err)
		}
		if err := d.Spam(t.Context(), author(), id, epistle.CommentPending); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a second moderator, who still saw it waiting, moved it: %v", err)
		}
		thread, err := d.store.Thread(t.Context(), d.page.ID, 0, 10)
		if err != nil || len(thread) != 1 || thread[0].Number != 1 {
			t.Fatalf("after approval: %+v, %v", thread, err)
		}
		trail, err := d.store.AuditTrail(t.Context(), "comment", id, 10)
		if err != nil || len(trail) != 1 || trail[0].Action != "comment.approve" || trail[0].Actor.StaffID != 1 {
			t.Errorf("the audit trail: %+v, %v", trail, err)
		}
		if len(d.requests.asked) != 0 {
			t.Error("an unticked box led to a sign-up")
		}
	})
}

func TestATickedBoxMakesOneSignup(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		newsletter := withNewsletter(t, d)
		ticked := d.written()
		ticked.Updates, ticked.Body = true, "저희 구역에서 함께 기도합니다."
		if _, err := d.Post(t.Context(), ticked); epistle.KindOf(err) != epistle.Invalid {
			t.Fatalf("a box beside words of another version: %v, want invalid", err)
		}
		ticked.Version = newsletter.WordingVersion
		for range 3 { // two more clicks
			receipt, err := d.Post(t.Context(), ticked)
			if err != nil || !receipt.Asked || receipt.Failed {
				t.Fatalf("%+v, %v", receipt, err)
			}
		}
		pending := d.queue(t, epistle.CommentPending)
		if len(pending) != 1 || !pending[0].WantsUpdates {
			t.Fatalf("comments: %+v", pending)
		}
		want := []signup.Request{{NewsletterID: newsletter.ID, Source: epistle.FromComment, Address: "ingrid@example.org", Name: "Ingrid Solberg",
			Language: epistle.Korean, PageURL: arrivals, CommentID: pending[0].ID,
			Wording: "Prayer Partner Update en", IP: "192.0.2.7"}}
		if !slices.Equal(d.requests.asked, want) {
			t.Errorf("asked for %+v, want %+v", d.requests.asked, want)
		}
	})
}

func TestTheCommentStaysWhenTheSignupFails(t *testing.T) {
	s, clock := storetest.SQLite(t)
	d := open(t, s, clock)
	newsletter := withNewsletter(t, d)
	d.requests.err = epistle.Errorf(epistle.Limited, "too-many", nil)
	ticked := d.written()
	ticked.Updates, ticked.Version = true, newsletter.WordingVersion
	receipt, err := d.Post(t.Context(), ticked)
	if err != nil || receipt.Asked || !receipt.Failed {
		t.Errorf("%+v, %v", receipt, err)
	}
	if len(d.queue(t, epistle.CommentPending)) != 1 {
		t.Error("the comment was lost with its sign-up")
	}
	// Once there is room again, the same form asks again.
	d.requests.err = nil
	clock.Advance(10 * time.Minute)
	if receipt, err := d.Post(t.Context(), ticked); err != nil || !receipt.Asked || len(d.requests.asked) != 2 {
		t.Errorf("%+v, %v, asked %d times", receipt, err, len(d.requests.asked))
	}
}

func TestEverythingThatIsWrongComesBackAtOnce(t *testing.T) {
	s, clock := storetest.SQLite(t)
	d := open(t, s, clock)
	for name, c := range map[string]struct {
		change func(*signup.Post)
		fields string
	}{
		"nothing filled in":    {func(p *signup.Post) { p.Name, p.Address, p.Body = "", " ", "\n" }, "name email comment"},
		"invalid UTF-8":        {func(p *signup.Post) { p.Name, p.Body = "Ra\xffchel", "\xc3\x28" }, "name comment"},
		"control characters":   {func(p *signup.Post) { p.Name, p.Body = "Ra\x00chel", "hi\x1b[31m" }, "name comment"},
		"a line in the name":   {func(p *signup.Post) { p.Name = "Ra\u2028chel" }, ""},
		"direction overrides":  {func(p *signup.Post) { p.Name, p.Body = "Rachel\u202e", "a\u2066b" }, "name comment"},
		"zero width":           {func(p *signup.Post) { p.Name = "Ra\u200bchel" }, "name"},
		"a header in the mail": {func(p *signup.Post) { p.Address = "a@example.org\r\nBcc: b@example.org" }, "email"},
		"too long":             {func(p *signup.Post) { p.Name, p.Body = strings.Repeat("n", 101), strings.Repeat("한", 4001) }, "name comment"},
		"the longest":          {func(p *signup.Post) { p.Name, p.Body = strings.Repeat("n", 100), strings.Repeat("한", 4000) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := d.written()
			p.IP, p.Address = "", name[:1]+p.Address
			c.change(&p)
			_, err := d.Post(t.Context(), p)
			var problems epistle.Problems
			errors.As(err, &problems)
			var fields []string
			for _, e := range problems {
				fields = append(fields, e.Field)
			}
			if got := strings.Join(fields, " "); got != c.fields || (err == nil) != (c.fields == "") {
				t.Errorf("problems with %q (%v), want %q", got, err, c.fields)
			}
		})
	}
}

func TestWhatPeopleWriteIsKeptAsTheyWroteIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for i, body := range []string{
			"<script>alert(1)</script><b>bold</b> & \"quotes\"",
			"Praying! 🙏✝️ 👨‍👩‍👧‍👦 🏴󠁧󠁢󠁳󠁣󠁴󠁿",
			"שלום לכם — سلام عليكم",
			"주님의 평안이\n함께하시길 빕니다.\n\n한 줄 더",
			"https://evil.example/?a=1&b=2",
		} {
			p := d.written()
			p.Body, p.Name, p.IP, p.Address = body, "김하늘 🕊️", "", string(rune('a'+i))+"@example.org"
			if _, err := d.Post(t.Context(), p); err != nil {
				t.Fatalf("%q: %v", body, err)
			}
			if got := d.queue(t, epistle.CommentPending)[0]; got.Body != body || got.Name != p.Name {
				t.Errorf("%q came back as %q by %q", body, got.Body, got.Name)
			}
		}
	})
}

func TestProgramsAreTurnedAway(t *testing.T) {
	s, clock := storetest.SQLite(t)
	d := open(t, s, clock)
	trapped := d.written()
	trapped.Trap, trapped.Updates = "https://pills.example", true
	if receipt, err := d.Post(t.Context(), trapped); err != nil || !receipt.Asked {
		t.Errorf("who fell into the trap must believe that it worked: %+v, %v", receipt, err)
	}
	for name, stamp := range map[string]string{"none": "", "forged": strings.Repeat("A", 40), "new": d.Stamp(), "another purpose's": s.Keys().Link('u', 1)} {
		p := d.written()
		p.Stamp = stamp
		if _, err := d.Post(t.Context(), p); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("stamp %s: %v, want invalid", name, err)
		}
	}
	clock.Advance(25 * time.Hour)
	if _, err := d.Post(t.Context(), d.written()); epistle.KindOf(err) != epistle.Invalid {
		t.Errorf("a form of yesterday: %v, want invalid", err)
	}
	if n := len(d.queue(t, epistle.CommentPending)); n != 0 || len(d.requests.asked) != 0 {
		t.Errorf("%d comments and %d sign-ups came of it", n, len(d.requests.asked))
	}
}

func TestFloodsAreCapped(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		flood := func(times int, change func(i int, p *signup.Post)) (taken int) {
			for i := range times {
				p := d.written()
				p.Body = strings.Repeat("x", i+1)
				change(i, &p)
				_, err := d.Post(t.Context(), p)
				switch {
				case err == nil:
					taken++
				case epistle.KindOf(err) != epistle.Limited:
					t.Fatal(err)
				}
			}
			return taken
		}
		if n := flood(20, func(i int, p *signup.Post) {
			p.Address = string(rune('a'+i)) + "@example.org"
			p.IP = "2001:db8:0:1::" + string(rune('a'+i%6)) // one household
		}); n != 6 {
			t.Errorf("one network posted %d in ten minutes, want 6", n)
		}
		if n := flood(30, func(i int, p *signup.Post) { p.IP = "198.51.100." + strconv.Itoa(i) }); n != 12 {
			t.Errorf("one address posted %d in a day, want 12", n)
		}
		d.clock.Advance(11 * time.Minute)
		p := d.written()
		p.IP, p.Address = "2001:db8:0:1::a", "later@example.org"
		if _, err := d.Post(t.Context(), p); err != nil {
			t.Errorf("after a while the network may post again: %v", err)
		}
	})
}

func TestOnlyPagesOfTheMinistryAreMade(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for _, url := range []string{"https://elsewhere.example/x", "https://lantern.example/other", "", "javascript:alert(1)", "https://blog.lantern.example.evil.example/"} {
			p := d.written()
			p.PageURL = url
			if _, err := d.Post(t.Context(), p); epistle.KindOf(err) != epistle.NotFound {
				t.Errorf("a comment under %q: %v, want not found", url, err)
			}
		}
		if _, err := d.Page(t.Context(), "https://blog.lantern.example/2026/11/news?utm_source=x"); err != nil {
			t.Fatal(err)
		}
		if pages, err := d.store.Pages(t.Context()); err != nil || len(pages) != 1 {
			t.Fatalf("looking made a page: %d, %v", len(pages), err)
		}
		for i := range 40 {
			p := d.written()
			p.PageURL, p.IP, p.Address = "https://blog.lantern.example/"+strings.Repeat("y", i+1), "198.51.100."+strconv.Itoa(i), string(rune('a'+i%26))+strings.Repeat("b", i/26)+"@example.org"
			if _, err := d.Post(t.Context(), p); err != nil && epistle.KindOf(err) != epistle.Limited {
				t.Fatal(err)
			}
		}
		if pages, err := d.store.Pages(t.Context()); err != nil || len(pages) != 31 {
			t.Errorf("strangers made %d pages in a day, want 30 (%v)", len(pages)-1, err)
		}
	})
}

func TestRepliesHaveOneLevel(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		say := func(body string, to epistle.ID) epistle.ID {
			p := d.written()
			p.Body, p.ReplyTo, p.IP = body, to, ""
			if _, err := d.Post(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			d.clock.Advance(time.Second)
			id := d.queue(t, epistle.CommentPending)[0].ID
			if err := d.Approve(t.Context(), author(), id, epistle.CommentPending); err != nil {
				t.Fatal(err)
			}
			return id
		}
		first := say("One", 0)
		second := say("Two", first)
		say("Three", second) // to a reply: goes beside it
		say("Four", 0)
		thread, err := d.store.Thread(t.Context(), d.page.ID, 0, 10)
		if err != nil || len(thread) != 2 || len(thread[0].Replies) != 2 || thread[0].Replies[1].Body != "Three" || thread[1].Number != 2 {
			t.Fatalf("the thread: %+v, %v", thread, err)
		}
		if thread[0].Replies[0].Number != 0 {
			t.Error("a reply has a number")
		}
		p := d.written()
		p.Body, p.ReplyTo = "To nobody", 987654
		if _, err := d.Post(t.Context(), p); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a reply to nobody: %v, want not found", err)
		}
		if err := d.Trash(t.Context(), author(), first, epistle.CommentApproved); err != nil {
			t.Fatal(err)
		}
		p.ReplyTo = first
		if _, err := d.Post(t.Context(), p); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a reply to what was put away: %v, want not found", err)
		}
	})
}

func TestBulkDecisionsLeaveWhatOthersMoved(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for i := range 3 {
			p := d.written()
			p.Body = strings.Repeat("z", i+1)
			if _, err := d.Post(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		var ids []epistle.ID
		for _, c := range d.queue(t, epistle.CommentPending) {
			ids = append(ids, c.ID)
		}
		if err := d.Approve(t.Context(), author(), ids[1], epistle.CommentPending); err != nil {
			t.Fatal(err)
		}
		moved, err := d.DecideAll(t.Context(), author(), append(ids, 999999), epistle.CommentPending, epistle.CommentSpam)
		if err != nil || moved != 2 {
			t.Errorf("moved %d, %v; want 2", moved, err)
		}
		if n := len(d.queue(t, epistle.CommentApproved)); n != 1 {
			t.Errorf("%d comments are approved, want the one that another moderator approved", n)
		}
		if _, err := d.DecideAll(t.Context(), author(), ids, epistle.CommentPending, "gone"); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("a state that is none: %v", err)
		}
	})
}

func FuzzPostCleaning(f *testing.F) {
	for _, s := range []string{"Amen", "\xff", "a\r\nb", "\u1100\u1161", "<b>", "\u202e", "👨‍👩‍👧", "  \t ", strings.Repeat("é", 3999)} {
		f.Add(s, s)
	}
	s, clock := storetest.SQLite(f)
	page, err := s.CreatePage(context.Background(), epistle.Page{URL: arrivals}, epistle.AuditEntry{})
	if err != nil {
		f.Fatal(err)
	}
	comments := signup.NewComments(signup.CommentOptions{Store: s, Requests: &requests{}, Stamps: signup.NewStamps(s.Keys(), clock.Now),
		Clock: clock.Now, Log: slog.New(slog.DiscardHandler)})
	n := 0
	f.Fuzz(func(t *testing.T, name, body string) {
		n++
		stamp := comments.Stamp()
		clock.Advance(10 * time.Second)
		_, err := comments.Post(context.Background(), signup.Post{PageURL: arrivals, Name: name, Body: body,
			Address: "fuzz" + strconv.Itoa(n) + "@example.org", Stamp: stamp, IP: fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)})
		if err != nil {
			if kind := epistle.KindOf(err); kind != epistle.Invalid {
				t.Fatal(err)
			}
			return
		}
		list, err := s.CommentQueue(context.Background(), store.CommentFilter{State: epistle.CommentPending, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		got := list[0]
		for _, text := range []string{got.Name, got.Body} {
			if !utf8.ValidString(text) || !norm.NFC.IsNormalString(text) || text == "" || strings.ContainsAny(text, "\r\x00\u202e\u2066\u200b") {
				t.Fatalf("%q was kept of %q and %q", text, name, body)
			}
		}
		if got.PageID != page.ID || strings.ContainsAny(got.Name, "\n\t") {
			t.Fatalf("kept %+v", got)
		}
	})
}
