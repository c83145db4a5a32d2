package signup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// outbox claims every notice that waits.
func outbox(t *testing.T, s *store.Store) []epistle.Notice {
	t.Helper()
	notices, err := s.ClaimNotices(t.Context(), "test", time.Hour, 100)
	if err != nil {
		t.Fatal(err)
	}
	return notices
}

// staff is a member who is there.
func (d *desk) staff(t *testing.T) epistle.Actor {
	t.Helper()
	all, err := d.store.Staff(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(all) > 0 {
		return all[0].Actor()
	}
	m := epistle.StaffMember{Address: "daniel@lantern.example", Name: "Daniel", Role: epistle.Author, Language: epistle.English}
	if m.ID, err = d.store.CreateStaff(t.Context(), epistle.SystemActor(), m, "", nil, nil); err != nil {
		t.Fatal(err)
	}
	return m.Actor()
}

// answered posts a comment, approves it and answers it.
func (d *desk) answered(t *testing.T, p signup.Post) epistle.ID {
	t.Helper()
	if _, err := d.Post(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	c := d.queue(t, epistle.CommentPending)[0]
	d.stamp = d.Stamp()
	d.clock.Advance(time.Minute)
	if _, err := d.Reply(t.Context(), d.staff(t), signup.Answer{To: c.ID, Seen: epistle.CommentPending, Name: "Daniel", Body: "Every second Sunday.\n\nCome and see."}); err != nil {
		t.Fatal(err)
	}
	return c.ID
}

func TestAnAnswerIsMailedToWhoWantsIt(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		quiet := d.written()
		d.answered(t, quiet)
		if mails := outbox(t, d.store); len(mails) != 0 {
			t.Fatalf("nobody asked for %v", mails)
		}
		p := d.written()
		p.Replies, p.Name, p.Body = true, "Zebulon Visitor", "When do you meet? Buy from zebulon.example!"
		id := d.answered(t, p)
		mails := outbox(t, d.store)
		if len(mails) != 1 || mails[0].Kind != epistle.NoticeReply || mails[0].To != "ingrid@example.org" {
			t.Fatalf("the mails are %v", mails)
		}
		data := mails[0].Data
		if data["answer"] != "Every second Sunday.\n\nCome and see." || data["page"] != "Welcome Table" {
			t.Errorf("the mail says %v", data)
		}
		for key, value := range data {
			if strings.Contains(strings.ToLower(value), "zebulon") {
				t.Errorf("the mail repeats what the visitor typed: %s=%s", key, value)
			}
		}
		token := strings.TrimPrefix(data["stop"], "/replies/")
		for range 2 {
			if err := d.StopReplies(t.Context(), token); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Reply(t.Context(), d.staff(t), signup.Answer{To: id, Seen: epistle.CommentApproved, Name: "Daniel", Body: "Again."}); err != nil {
			t.Fatal(err)
		}
		if mails := outbox(t, d.store); len(mails) != 0 {
			t.Errorf("a mail went out after they were stopped: %v", mails)
		}
		if err := d.StopReplies(t.Context(), "forged"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a forged link gives %v", err)
		}
		if err := d.StopReplies(t.Context(), d.store.Keys().Link(seal.ToLeave, id)); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a link for another purpose gives %v", err)
		}
	})
}

func TestAnAnswerIsNotMailedToWhoMustNotBeMailed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		h := newHouse(t, s, clock)
		done := h.subscribe("ingrid@example.org")
		h.must(h.service.Suppress(t.Context(), admin(), done.Subscriber.ID, "asked for it by phone"))
		d := open(t, s, clock)
		p := d.written()
		p.Replies = true
		d.answered(t, p)
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("mailed %v", mails)
		}
	})
}

func TestTheFloodSwitchClosesSignUpsOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx, admin := t.Context(), epistle.StaffActor(1, epistle.Admin)
		d := open(t, s, clock)
		n := withNewsletter(t, d)
		var counted []string
		service := signup.New(signup.Options{Store: s, Catalog: catalog(t), Keys: s.Keys(), Clock: clock.Now, Count: func(o string) { counted = append(counted, o) }})
		gate := signup.Gate{Store: s, Clock: clock.Now}
		if err := gate.Close(ctx, author()); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("an author closed sign-ups: %v", err)
		}
		for range 2 {
			if err := gate.Close(ctx, admin); err != nil {
				t.Fatal(err)
			}
		}
		request := signup.Request{NewsletterID: n.ID, Source: epistle.FromForm, Address: "new@example.org", Language: epistle.English}
		if err := service.Request(ctx, request); epistle.KindOf(err) != epistle.Unavailable {
			t.Errorf("a closed sign-up gives %v", err)
		}
		if mails := outbox(t, s); len(mails) != 0 {
			t.Errorf("a closed sign-up mailed %v", mails)
		}
		if _, err := d.Newsletter(ctx); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("the box is still offered: %v", err)
		}
		if _, err := d.Post(ctx, d.written()); err != nil {
			t.Errorf("a comment is refused: %v", err)
		}
		if err := gate.Open(ctx, admin); err != nil {
			t.Fatal(err)
		}
		if err := service.Request(ctx, request); err != nil {
			t.Fatal(err)
		}
		if mails := outbox(t, s); len(mails) != 1 {
			t.Errorf("an open sign-up mailed %v", mails)
		}
		if !slices.Equal(counted, []string{signup.Closed, signup.Taken}) {
			t.Errorf("counted %v", counted)
		}
	})
}

func TestTheMorningNote(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		n := withNewsletter(t, d)
		morning := signup.Morning{Store: d.store, Catalog: catalog(t), Zone: time.UTC}
		for _, m := range []epistle.StaffMember{{Address: "hana@lantern.example", Name: "Hana", Role: epistle.Author, Language: epistle.English},
			{Address: "minsu@lantern.example", Name: "Minsu", Role: epistle.Admin, Language: epistle.Korean}} {
			if _, err := d.store.CreateStaff(ctx, epistle.SystemActor(), m, "", nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := morning.Tell(ctx, d.clock.Now()); err != nil {
			t.Fatal(err)
		}
		if mails := outbox(t, d.store); len(mails) != 0 {
			t.Fatalf("nothing waits, and yet there is %v", mails)
		}
		p := d.written()
		p.Name, p.Address, p.Body = "Hidden Name", "hidden@example.org", "How many of you are there?"
		if _, err := d.Post(ctx, p); err != nil {
			t.Fatal(err)
		}
		d.clock.Advance(26 * time.Hour)
		service := signup.New(signup.Options{Store: d.store, Catalog: catalog(t), Keys: d.store.Keys(), Clock: d.clock.Now})
		for _, address := range []string{"one@example.org", "two@example.org"} {
			if err := service.Request(ctx, signup.Request{NewsletterID: n.ID, Source: epistle.FromComment, PageURL: arrivals, Address: address, Language: epistle.English}); err != nil {
				t.Fatal(err)
			}
		}
		outbox(t, d.store)
		slot := d.clock.Now()
		for range 2 {
			if err := morning.Tell(ctx, slot); err != nil {
				t.Fatal(err)
			}
		}
		mails := outbox(t, d.store)
		if len(mails) != 2 {
			t.Fatalf("two of the staff got %d mails", len(mails))
		}
		for _, m := range mails {
			report := m.Data["report"]
			want := []string{"2 × Welcome Table", "⚠ More than a day. A question: Welcome Table, since"}
			if m.Language == epistle.Korean {
				want = []string{"2명 × 환영의 식탁", "⚠ 하루가 지났습니다. 질문: 환영의 식탁"}
			}
			for _, w := range want {
				if !strings.Contains(report, w) {
					t.Errorf("the note in %s lacks %q:\n%s", m.Language, w, report)
				}
			}
			if strings.Contains(report, "@") || strings.Contains(report, "Hidden") {
				t.Errorf("the note tells who: %s", report)
			}
		}
	})
}

// What the note marks, and what it leaves out: a day is a day, what was answered
// does not wait, and what nobody has read waits however long ago it came.
func TestTheMorningNoteMarksWhatWaitedForADay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := t.Context()
		hana := epistle.StaffMember{Address: "hana@lantern.example", Name: "Hana", Role: epistle.Author, Language: epistle.English}
		var err error
		if hana.ID, err = d.store.CreateStaff(ctx, epistle.SystemActor(), hana, "", nil, nil); err != nil {
			t.Fatal(err)
		}
		morning := signup.Morning{Store: d.store, Catalog: catalog(t), Zone: time.UTC}
		asks := func(body string) epistle.ID {
			t.Helper()
			p := d.written()
			p.Body, p.Stamp = body, d.Stamp()
			d.clock.Advance(time.Minute)
			if _, err := d.Post(ctx, p); err != nil {
				t.Fatal(err)
			}
			return d.queue(t, epistle.CommentPending)[0].ID
		}
		note := func() string {
			t.Helper()
			if err := morning.Tell(ctx, d.clock.Now()); err != nil {
				t.Fatal(err)
			}
			report := ""
			for _, m := range outbox(t, d.store) {
				report += m.Data["report"]
				m.State = epistle.NoticeAccepted
				if err := d.store.SettleNotice(ctx, "test", m, 250, ""); err != nil {
					t.Fatal(err)
				}
			}
			return report
		}
		first := asks("When do you meet?")
		d.clock.Advance(23 * time.Hour)
		if report := note(); !strings.Contains(report, "A question") || strings.Contains(report, "More than a day") {
			t.Errorf("after 23 hours:\n%s", report)
		}
		d.clock.Advance(17 * time.Hour)
		asks("How can I get a Bible?")
		d.clock.Advance(time.Hour)
		if report := note(); strings.Count(report, "More than a day") != 1 || strings.Count(report, "since") != 2 {
			t.Errorf("after a day:\n%s", report)
		}
		if _, err := d.Reply(ctx, hana.Actor(), signup.Answer{To: first, Seen: epistle.CommentPending, Name: "Hana", Body: "On Sundays."}); err != nil {
			t.Fatal(err)
		}
		d.clock.Advance(20 * 24 * time.Hour)
		if report := note(); strings.Count(report, "since") != 1 || strings.Count(report, "More than a day") != 1 {
			t.Errorf("three weeks later, with one answered:\n%s", report)
		}
	})
}

func TestSeveralAreInvitedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var ids []epistle.ID
		for _, address := range []string{"one@example.org", "two@example.org"} {
			p := d.written()
			p.Address = address
			if _, err := d.Post(t.Context(), p); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range d.queue(t, epistle.CommentPending) {
			ids = append(ids, c.ID)
		}
		invited, err := d.InviteAll(t.Context(), author(), ids)
		if err != nil || invited != 2 || len(d.requests.invited) != 2 {
			t.Errorf("invited %d, %v, %v", invited, d.requests.invited, err)
		}
	})
}

func TestPlaceholdersOfBothLanguages(t *testing.T) {
	got := signup.Fill("Dear [name], [이름]님: [page] [글] [ministry] [단체] [other]", "[page]", "P", "M")
	if want := "Dear [page], [page]님: P P M M [other]"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
