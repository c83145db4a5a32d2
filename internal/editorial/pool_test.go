package editorial_test

import (
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"testing"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func eachPool(t *testing.T, test func(t *testing.T, p *editorial.Pool, o *office)) {
	t.Helper()
	eachOffice(t, func(t *testing.T, o *office) {
		test(t, editorial.NewPool(o.store, o.clock.Now, slog.New(slog.DiscardHandler)), o)
	})
}

func text(s string) epistle.Text { return epistle.Text{EN: s, KO: s + " (우리말)"} }

func sampleLink() epistle.Link {
	return epistle.Link{URL: "https://paper.example.org/view?idxno=12&utm_source=mail#top", Title: text("A harvest"),
		Summary: text("In our words."), Publisher: "The Paper", PublishedOn: "2026-11-20", Note: "The paper's own reporter."}
}

func submit(t *testing.T, p *editorial.Pool, o *office, by epistle.Actor) epistle.Link {
	t.Helper()
	id, err := p.SubmitLink(t.Context(), by, sampleLink())
	must(t, err)
	return linkNow(t, o, id)
}

func linkNow(t *testing.T, o *office, id epistle.ID) epistle.Link {
	t.Helper()
	l, err := o.store.Link(t.Context(), id)
	must(t, err)
	return l
}

func (o *office) setSolo(t *testing.T, solo bool) {
	t.Helper()
	o.newsletter.SoloMode = solo
	var err error
	o.newsletter, err = o.store.UpdateNewsletter(t.Context(), o.newsletter, o.entry())
	must(t, err)
}

func TestALinkIsConfirmedByASecondPerson(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		l := submit(t, p, o, editor)
		if l.URL != "https://paper.example.org/view?idxno=12" || l.State != epistle.LinkSubmitted || l.SubmittedBy != editor.StaffID {
			t.Fatalf("the link was kept as %+v", l)
		}
		wantError(t, "the submitter", p.ConfirmLink(ctx, editor, l.ID, l.Version), epistle.Forbidden, "link.own")
		wantError(t, "an author", p.ConfirmLink(ctx, author, l.ID, l.Version), epistle.Forbidden, "link.role")
		wantError(t, "the program", p.ConfirmLink(ctx, epistle.SystemActor(), l.ID, l.Version), epistle.Forbidden, "link.role")
		wantError(t, "an old version", p.ConfirmLink(ctx, deputy, l.ID, l.Version-1), epistle.Conflict, "changed-meanwhile")
		must(t, p.ConfirmLink(ctx, deputy, l.ID, l.Version))
		l = linkNow(t, o, l.ID)
		if l.State != epistle.LinkConfirmed || l.Solo || l.DecidedBy != deputy.StaffID || !l.DecidedAt.Equal(o.clock.Now()) {
			t.Errorf("after the confirmation: %+v", l)
		}
		wantError(t, "a second time", p.ConfirmLink(ctx, deputy, l.ID, l.Version), epistle.Conflict, "link.decided")
	})
}

func TestSoloModeLetsTheSubmitterConfirmAfterAnHour(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		o.setSolo(t, true)
		l := submit(t, p, o, editor)
		o.clock.Advance(editorial.SoloDelay - time.Second)
		wantError(t, "too early", p.ConfirmLink(ctx, editor, l.ID, l.Version), epistle.Forbidden, "link.own.wait")
		o.clock.Advance(time.Second)
		must(t, p.ConfirmLink(ctx, editor, l.ID, l.Version))
		if l = linkNow(t, o, l.ID); !l.Solo || l.State != epistle.LinkConfirmed {
			t.Errorf("after a solo confirmation: %+v", l)
		}
		trail, err := o.store.AuditTrail(ctx, "link", l.ID, 1)
		must(t, err)
		if trail[0].Action != "link.confirm" || trail[0].Detail != "solo" || trail[0].Actor.StaffID != editor.StaffID {
			t.Errorf("the audit says %+v", trail[0])
		}
	})
}

func TestOneStrictNewsletterAsksForASecondPerson(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		o.setSolo(t, true)
		strict := o.newsletter
		strict.Slug, strict.SoloMode = "strict", false
		_, err := o.store.CreateNewsletter(t.Context(), strict, o.entry())
		must(t, err)
		l := submit(t, p, o, editor)
		o.clock.Advance(2 * editorial.SoloDelay)
		wantError(t, "the submitter", p.ConfirmLink(t.Context(), editor, l.ID, l.Version), epistle.Forbidden, "link.own")
	})
}

func TestAnEditReturnsALinkToSubmitted(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		for what, change := range map[string]func(l *epistle.Link){
			"the address":   func(l *epistle.Link) { l.URL = "https://paper.example.org/other" },
			"the title":     func(l *epistle.Link) { l.Title.KO = "다른 제목" },
			"the publisher": func(l *epistle.Link) { l.Publisher = "Another Paper" },
			"the date":      func(l *epistle.Link) { l.PublishedOn = "2026-11-19" },
		} {
			first := sampleLink()
			first.URL = "https://paper.example.org/" + url.PathEscape(what)
			id, err := p.SubmitLink(ctx, author, first)
			must(t, err)
			must(t, p.ConfirmLink(ctx, editor, id, 1))
			o.clock.Advance(time.Minute)
			l := linkNow(t, o, id)
			change(&l)
			must(t, p.UpdateLink(ctx, editor, l))
			l = linkNow(t, o, id)
			if l.State != epistle.LinkSubmitted || l.SubmittedBy != editor.StaffID || !l.SubmittedAt.Equal(o.clock.Now()) || l.DecidedBy != 0 {
				t.Errorf("after an edit of %s: %+v", what, l)
			}
			wantError(t, what+": who edited it", p.ConfirmLink(ctx, editor, id, l.Version), epistle.Forbidden, "link.own")
			must(t, p.ConfirmLink(ctx, deputy, id, l.Version))
		}
	})
}

func TestOurOwnWordsKeepALinkConfirmed(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		l := submit(t, p, o, author)
		must(t, p.ConfirmLink(ctx, editor, l.ID, l.Version))
		l = linkNow(t, o, l.ID)
		l.Summary.EN, l.Note = "Better words.", "A better note."
		must(t, p.UpdateLink(ctx, author, l))
		if l = linkNow(t, o, l.ID); l.State != epistle.LinkConfirmed || l.Summary.EN != "Better words." {
			t.Errorf("after the edit: %+v", l)
		}
	})
}

func TestDuplicatesAreFoundHoweverTheyAreWritten(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		first := submit(t, p, o, author)
		for _, address := range []string{first.URL, "http://www.paper.example.org/view?idxno=12", "PAPER.example.org/view?fbclid=x&idxno=12#y"} {
			again := sampleLink()
			again.URL = address
			_, err := p.SubmitLink(ctx, editor, again)
			var e *epistle.Error
			if !errors.As(err, &e) || e.Message != "link.duplicate" || e.Field != "url" || e.Data["ID"] != first.ID {
				t.Errorf("%s: %v, want a duplicate of %d", address, err, first.ID)
			}
		}
		other := sampleLink()
		other.URL = "https://paper.example.org/view?idxno=13"
		id, err := p.SubmitLink(ctx, editor, other)
		must(t, err)
		moved := linkNow(t, o, id)
		moved.URL = first.URL
		if err := p.UpdateLink(ctx, editor, moved); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("an edit to a URL that is taken: %v", err)
		}
	})
}

func TestALinkIsRejectedWithAReasonAndMayComeBack(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		l := submit(t, p, o, author)
		wantError(t, "an author", p.RejectLink(ctx, author, l.ID, l.Version, "no"), epistle.Forbidden, "forbidden")
		wantError(t, "no reason", p.RejectLink(ctx, editor, l.ID, l.Version, " "), epistle.Invalid, "link.reason.missing")
		must(t, p.RejectLink(ctx, editor, l.ID, l.Version, "A copy of another site."))
		l = linkNow(t, o, l.ID)
		if l.State != epistle.LinkRejected || l.Reason != "A copy of another site." || l.Note != sampleLink().Note {
			t.Errorf("after the rejection: %+v", l)
		}
		wantError(t, "an edit", p.UpdateLink(ctx, author, l), epistle.Conflict, "link.closed")
		must(t, p.ResubmitLink(ctx, deputy, l.ID, l.Version))
		l = linkNow(t, o, l.ID)
		if l.State != epistle.LinkSubmitted || l.SubmittedBy != deputy.StaffID || l.Reason != "" {
			t.Errorf("after it came back: %+v", l)
		}
		wantError(t, "who brought it back", p.ConfirmLink(ctx, deputy, l.ID, l.Version), epistle.Forbidden, "link.own")
	})
}

func TestFormsOfLinksSayAllThatIsWrong(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		bad := epistle.Link{URL: "https://127.0.0.1/", PublishedOn: "2026-11-31", Title: epistle.Text{KO: "\u202e제목"}}
		_, err := p.SubmitLink(t.Context(), author, bad)
		var problems epistle.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("got %v, want problems", err)
		}
		got := map[string]string{}
		for _, e := range problems {
			got[e.Field] = e.Message
		}
		for field, want := range map[string]string{"url": "link.url.ip", "published_on": "link.date.invalid", "publisher": "link.publisher.missing", "title_ko": "text.invisible"} {
			if got[field] != want {
				t.Errorf("%s: %q, want %q", field, got[field], want)
			}
		}
		future := sampleLink()
		future.PublishedOn = "2026-11-24" // the clock stands at the 22nd
		_, err = p.SubmitLink(t.Context(), author, future)
		wantError(t, "a date to come", err, epistle.Invalid, "link.date.future")
	})
}

func TestWithdrawingHoldsIssuesInEveryState(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		ready, err := o.store.Ready(ctx, o.clock.Now())
		must(t, err)
		prayer := ready.Prayers[0].ID
		before, want := map[epistle.ID]epistle.Issue{}, map[epistle.ID]epistle.IssueState{}
		for from, to := range map[epistle.IssueState]epistle.IssueState{
			epistle.IssueDraft: epistle.IssueDraft, epistle.IssueHeld: epistle.IssueHeld, epistle.IssueApproved: epistle.IssueHeld,
			epistle.IssueLaunching: epistle.IssuePaused, epistle.IssueSending: epistle.IssuePaused, epistle.IssuePaused: epistle.IssuePaused,
			epistle.IssueSent: epistle.IssueSent, epistle.IssueCancelled: epistle.IssueCancelled,
		} {
			issue := o.approvedWith(t, prayer)
			if from != epistle.IssueApproved {
				_, err := o.store.MoveIssue(ctx, epistle.SystemActor(), store.IssueMove{ID: issue.ID,
					From: []epistle.IssueState{epistle.IssueApproved}, To: from, Action: "issue.move"})
				must(t, err)
			}
			before[issue.ID], want[issue.ID] = o.now(t, issue.ID), to
		}
		without := o.approvedWith(t, ready.Prayers[1].ID)
		held, err := p.Withdraw(ctx, author, epistle.PrayerItem, prayer)
		must(t, err)
		if len(held) != 6 || !o.now(t, without.ID).IsApproved() {
			t.Errorf("held %v; want the six that show it and are not done", held)
		}
		for id, state := range want {
			after := o.now(t, id)
			if after.State != state {
				t.Errorf("%s became %s, want %s", before[id].State, after.State, state)
			}
			if !slices.Contains(held, id) {
				if after.HeldReason != "" || after.Version != before[id].Version {
					t.Errorf("%s: a finished issue was touched: %+v", before[id].State, after)
				}
				continue
			}
			if after.HeldReason != store.HeldForWithdrawal || after.IsApproved() || after.Version == before[id].Version {
				t.Errorf("%s: the issue is %+v", before[id].State, after)
			}
			_, err := o.store.ApproveIssue(ctx, editor, store.IssueApproval{IssueID: id, Version: after.Version,
				From: after.State, To: epistle.IssueApproved, Approval: epistle.Approval{By: editor.StaffID, Digest: after.Digest()}})
			wantError(t, "an approval of what was withdrawn", err, epistle.Conflict, "issue.withdrawn")
			trail, err := o.store.AuditTrail(ctx, "issue", id, 1)
			must(t, err)
			if trail[0].Action != "issue.withdrawal" || trail[0].Actor.StaffID != author.StaffID {
				t.Errorf("the issue's audit says %+v", trail[0])
			}
		}
	})
}

// approvedWith is an approved issue by hand that shows one prayer.
func (o *office) approvedWith(t *testing.T, prayer epistle.ID) epistle.Issue {
	t.Helper()
	ctx := t.Context()
	issue, err := o.Draft(ctx, author, o.newsletter.ID)
	must(t, err)
	content := issue.Content
	content.Subject = text("Hello")
	issue, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(content), editorial.Add(epistle.PrayerItem, prayer))
	must(t, err)
	issue, err = o.Approve(ctx, editor, issue.ID, issue.Version, issue.Digest())
	must(t, err)
	return issue
}

func TestRejectingAChangedLinkHoldsIssuesThatTookItIn(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		issue := o.approved(t)
		l := linkNow(t, o, issue.Content.Sections[2].Items[0].ID)
		l.Title.EN = "Changed"
		must(t, p.UpdateLink(ctx, author, l))
		l = linkNow(t, o, l.ID)
		must(t, p.RejectLink(ctx, editor, l.ID, l.Version, "It is gone."))
		if after := o.now(t, issue.ID); after.State != epistle.IssueHeld || after.HeldReason != store.HeldForWithdrawal {
			t.Errorf("the issue is %s because of %q", after.State, after.HeldReason)
		}
	})
}

func TestItemsMoveBetweenTheirStates(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		id, err := p.CreatePrayer(ctx, author, epistle.Prayer{Headline: text("Rain"), Body: text("Pray for rain."), ExpiresAt: o.clock.Now().Add(time.Hour)})
		must(t, err)
		state := func() epistle.Prayer {
			r, err := o.store.Prayer(ctx, id)
			must(t, err)
			return r
		}
		if got := state().State; got != epistle.Drafted {
			t.Fatalf("a new prayer is %s", got)
		}
		must(t, p.MakeCurrent(ctx, author, epistle.PrayerItem, id, state().Version))
		must(t, p.MakeCurrent(ctx, author, epistle.PrayerItem, id, 0)) // pressed twice
		o.clock.Advance(2 * time.Hour)
		if got := state().State; got != epistle.Expired {
			t.Errorf("after its time it is %s", got)
		}
		wantError(t, "an expired prayer", p.MakeCurrent(ctx, author, epistle.PrayerItem, id, state().Version), epistle.Conflict, "pool.expired")
		later := state()
		later.ExpiresAt = o.clock.Now().Add(-time.Minute)
		wantError(t, "a time that has passed", p.UpdatePrayer(ctx, author, later), epistle.Invalid, "prayer.expires.past")
		later.ExpiresAt = time.Time{}
		must(t, p.UpdatePrayer(ctx, author, later))
		if got := state().State; got != epistle.Current {
			t.Errorf("renewed, it is %s", got)
		}
		wantError(t, "an old version", p.Answered(ctx, author, id, later.Version), epistle.Conflict, "changed-meanwhile")
		must(t, p.Answered(ctx, author, id, state().Version))
		_, err = p.Withdraw(ctx, author, epistle.PrayerItem, id)
		must(t, err)
		wantError(t, "a withdrawn prayer", p.MakeCurrent(ctx, author, epistle.PrayerItem, id, state().Version), epistle.Conflict, "pool.withdrawn")
		wantError(t, "an edit of it", p.UpdatePrayer(ctx, author, state()), epistle.Conflict, "pool.withdrawn")
		must(t, p.ToDraft(ctx, author, epistle.PrayerItem, id, state().Version))
		if got := state().State; got != epistle.Drafted {
			t.Errorf("brought back, it is %s", got)
		}
	})
}

func TestLettersAndVideosAreMailedOnce(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		issue := o.approved(t)
		letter := issue.Content.Sections[0].Items[0].ID
		_, err := o.SendNow(ctx, editor, issue.ID)
		must(t, err)
		l, err := o.store.Letter(ctx, letter)
		must(t, err)
		if l.State != epistle.Used {
			t.Errorf("after the launch the letter is %s", l.State)
		}
		wantError(t, "an edit", p.UpdateLetter(ctx, author, l), epistle.Conflict, "pool.used")
		wantError(t, "using it again", p.MakeCurrent(ctx, author, epistle.LetterItem, letter, l.Version), epistle.Conflict, "pool.used")
		ready, err := o.store.Ready(ctx, o.clock.Now())
		must(t, err)
		if len(ready.Letters) != 0 || len(ready.Links) != 0 || len(ready.Prayers) == 0 {
			t.Errorf("ready after the launch: %d letters, %d links, %d prayers", len(ready.Letters), len(ready.Links), len(ready.Prayers))
		}
	})
}

func TestAnUpdateByAnOldVersionLosesNothing(t *testing.T) {
	eachPool(t, func(t *testing.T, p *editorial.Pool, o *office) {
		ctx := t.Context()
		id, err := p.CreateLetter(ctx, author, epistle.Letter{Title: text("Autumn"), Body: text("Dear friends"), Signatures: []epistle.Text{text("Hana"), {}}})
		must(t, err)
		mine, err := o.store.Letter(ctx, id)
		must(t, err)
		if len(mine.Signatures) != 1 {
			t.Errorf("signatures: %+v", mine.Signatures)
		}
		theirs := mine
		theirs.Body.EN = "Dear brothers and sisters"
		must(t, p.UpdateLetter(ctx, editor, theirs))
		mine.Body.EN = "Hello"
		wantError(t, "the slower one", p.UpdateLetter(ctx, author, mine), epistle.Conflict, "changed-meanwhile")
		now, err := o.store.Letter(ctx, id)
		must(t, err)
		if now.Body.EN != "Dear brothers and sisters" {
			t.Errorf("the letter says %q", now.Body.EN)
		}
	})
}

func TestThePermissionTableIsObeyed(t *testing.T) {
	s, clock := storetest.SQLite(t)
	p := editorial.NewPool(s, clock.Now, slog.New(slog.DiscardHandler))
	ctx, reader := t.Context(), epistle.ReaderActor()
	for what, act := range map[string]func() error{
		"create a letter":   func() error { _, err := p.CreateLetter(ctx, reader, epistle.Letter{Body: text("x")}); return err },
		"update a letter":   func() error { return p.UpdateLetter(ctx, reader, epistle.Letter{Body: text("x")}) },
		"create a prayer":   func() error { _, err := p.CreatePrayer(ctx, reader, epistle.Prayer{Headline: text("x")}); return err },
		"update a prayer":   func() error { return p.UpdatePrayer(ctx, reader, epistle.Prayer{}) },
		"create a question": func() error { _, err := p.CreateQuestion(ctx, reader, epistle.Question{}); return err },
		"update a question": func() error { return p.UpdateQuestion(ctx, reader, epistle.Question{}) },
		"create a video":    func() error { _, err := p.CreateVideo(ctx, reader, epistle.Video{}); return err },
		"update a video":    func() error { return p.UpdateVideo(ctx, reader, epistle.Video{}) },
		"submit a link":     func() error { _, err := p.SubmitLink(ctx, reader, sampleLink()); return err },
		"update a link":     func() error { return p.UpdateLink(ctx, reader, sampleLink()) },
		"reject a link":     func() error { return p.RejectLink(ctx, reader, 1, 1, "x") },
		"resubmit a link":   func() error { return p.ResubmitLink(ctx, reader, 1, 1) },
		"make current":      func() error { return p.MakeCurrent(ctx, reader, epistle.PrayerItem, 1, 1) },
		"back to draft":     func() error { return p.ToDraft(ctx, reader, epistle.PrayerItem, 1, 1) },
		"answered":          func() error { return p.Answered(ctx, reader, 1, 1) },
		"withdraw":          func() error { _, err := p.Withdraw(ctx, reader, epistle.PrayerItem, 1); return err },
	} {
		if err := act(); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("a reader may %s: %v", what, err)
		}
	}
}

func TestWhatALanguageLacks(t *testing.T) {
	for name, c := range map[string]struct {
		texts []epistle.Text
		want  []epistle.Language
	}{
		"both":      {[]epistle.Text{text("A"), text("B")}, nil},
		"nothing":   {[]epistle.Text{{}, {}}, nil},
		"no Korean": {[]epistle.Text{{EN: "A"}}, []epistle.Language{epistle.Korean}},
		"mixed":     {[]epistle.Text{{EN: "A"}, {KO: "나"}}, []epistle.Language{epistle.English, epistle.Korean}},
	} {
		if got := editorial.Lacking(c.texts...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
