package signup_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
)

func TestLeavingIsIdempotentAndKeepsIssueWayTimeAndReason(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		token := h.leaveToken(done.Subscription, 42)
		at := h.clock.Now()
		for range 3 {
			h.must(h.service.Leave(t.Context(), token, epistle.ByOneClick, ""))
			h.clock.Advance(time.Minute)
		}
		h.must(h.service.Leave(t.Context(), token, epistle.ByPage, "Too often."))
		h.must(h.service.Leave(t.Context(), token, epistle.ByPage, "Another reason."))
		events, err := h.store.Events(t.Context(), done.Subscriber.ID, 10)
		h.must(err)
		want := epistle.Event{ID: events[0].ID, At: at, Kind: epistle.EventLeft, Way: epistle.ByOneClick,
			SubscriberID: done.Subscriber.ID, NewsletterID: h.update.ID, IssueID: 42, Reason: "Too often."}
		if len(events) != 2 || events[0] != want {
			t.Errorf("the events are %+v, want first %+v", events, want)
		}
		if h.audience() != 0 {
			t.Error("who left would still be mailed")
		}
		if n, err := h.store.CountLeft(t.Context(), 42); err != nil || n != 1 {
			t.Errorf("the issue's report counts %d left, error %v; want 1", n, err)
		}
		if sub, _ := h.store.Subscription(t.Context(), done.Subscription.ID); !sub.WelcomeAt.IsZero() {
			t.Error("a welcome is still due")
		}
	})
}

func TestLookingAtTheLinkUnsubscribesNobody(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		at, err := h.service.LeaveLookup(t.Context(), h.leaveToken(done.Subscription, 42))
		if err != nil || at.IssueID != 42 || at.Newsletter.ID != h.update.ID || at.Subscriber.Address != "grace@example.org" {
			t.Errorf("the link stands for %+v, error %v", at.IssueID, err)
		}
		if h.state(done.Subscription) != epistle.Confirmed {
			t.Error("looking unsubscribed")
		}
	})
}

func TestUndoBringsBackWhatTheLinkEnded(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		first := h.subscribe("grace@example.org")
		update := h.update
		h.update = h.newsletter("friends")
		second := h.subscribe("grace@example.org")
		h.update = h.newsletter("third")
		third := h.subscribe("grace@example.org")
		h.update = update

		elsewhere := h.leaveToken(third.Subscription, 0)
		h.must(h.service.Leave(t.Context(), elsewhere, epistle.ByPage, ""))
		token := h.leaveToken(first.Subscription, 42)
		h.must(h.service.LeaveAll(t.Context(), token, epistle.ByPage))
		for _, c := range []signup.Confirmation{first, second, third} {
			if h.state(c.Subscription) != epistle.Left {
				t.Errorf("newsletter %d is still subscribed after leaving all", c.Subscription.NewsletterID)
			}
		}
		h.must(h.service.Undo(t.Context(), token))
		got := []epistle.SubscriptionState{h.state(first.Subscription), h.state(second.Subscription), h.state(third.Subscription)}
		if !slices.Equal(got, []epistle.SubscriptionState{epistle.Confirmed, epistle.Confirmed, epistle.Left}) {
			t.Errorf("after undo: %v", got)
		}
		if n, err := h.store.CountLeft(t.Context(), 42); err != nil || n != 0 {
			t.Errorf("the issue's report counts %d left after undo, error %v", n, err)
		}
		wantKind(t, h.service.Undo(t.Context(), token), epistle.Conflict, "undo twice")
	})
}

func TestUndoIsOnlyForThoseWhoLeftByThatLinkLately(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		token, other := h.leaveToken(done.Subscription, 42), h.leaveToken(done.Subscription, 41)
		h.must(h.service.Leave(t.Context(), token, epistle.ByPage, ""))
		wantKind(t, h.service.Undo(t.Context(), other), epistle.Conflict, "undo by another issue's link")
		h.clock.Advance(signup.UndoWithin + time.Second)
		wantKind(t, h.service.Undo(t.Context(), token), epistle.Conflict, "undo a day later")

		byStaff := h.subscribe("ruth@example.org")
		h.must(h.service.LeaveOnBehalf(t.Context(), admin(), byStaff.Subscription.ID, "She rang us up."))
		wantKind(t, h.service.Undo(t.Context(), h.leaveToken(byStaff.Subscription, 0)), epistle.Conflict, "undo what staff did")

		gone := h.subscribe("naomi@example.org")
		token = h.leaveToken(gone.Subscription, 42)
		h.must(h.service.Leave(t.Context(), token, epistle.ByPage, ""))
		h.must(h.service.Suppress(t.Context(), admin(), gone.Subscriber.ID, "a safety matter"))
		wantKind(t, h.service.Undo(t.Context(), token), epistle.Conflict, "undo against a suppression")
		if h.audience() != 0 {
			t.Error("somebody is mailed again")
		}
	})
}

func TestAReasonThatIsTooLongIsRefused(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		err := h.service.Leave(t.Context(), h.leaveToken(done.Subscription, 0), epistle.ByPage, strings.Repeat("아", 2000))
		wantKind(t, err, epistle.Invalid, "two thousand letters")
	})
}

func TestPreferencesAndPauses(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		token := h.store.Keys().Link(seal.ToPrefer, done.Subscription.ID, 0)
		wishes := signup.Wishes{Language: epistle.Korean, Pace: epistle.Monthly, Form: epistle.Discreet, Pause: signup.PauseMonth}
		h.must(h.service.SavePreferences(t.Context(), token, wishes))
		at, err := h.service.Preferences(t.Context(), token)
		h.must(err)
		until := time.Date(2026, 12, 22, 9, 0, 0, 0, time.UTC) // the same time of day in Seoul, a month on
		if at.Subscriber.Language != epistle.Korean || at.Subscription.Pace != epistle.Monthly || at.Subscription.Form != epistle.Discreet || !at.Subscription.PausedUntil.Equal(until) {
			t.Errorf("the wishes were kept as %+v, %s", at.Subscription, at.Subscriber.Language)
		}
		if h.audience() != 0 {
			t.Error("who pauses would be mailed")
		}
		h.clock.Set(until)
		if h.audience() != 1 {
			t.Error("the pause does not end")
		}
		wishes.Pause = signup.NoPause
		h.must(h.service.SavePreferences(t.Context(), token, wishes))
		wishes.Pause, wishes.Pace = "forever", "hourly"
		wantKind(t, h.service.SavePreferences(t.Context(), token, wishes), epistle.Invalid, "wishes that there are not")
		h.must(h.service.Leave(t.Context(), h.leaveToken(done.Subscription, 0), epistle.ByPage, ""))
		wishes = signup.Wishes{Language: epistle.English, Pace: epistle.Weekly, Form: epistle.Full}
		wantKind(t, h.service.SavePreferences(t.Context(), token, wishes), epistle.Conflict, "preferences of who left")
	})
}

// Nobody who left, or must not be mailed, is brought back by anybody but
// themselves.
func TestNobodyIsResurrected(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		left := h.subscribe("left@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(left.Subscription, 0), epistle.ByPage, ""))
		states := map[string]epistle.Subscription{"left": left.Subscription}
		for _, reason := range []epistle.SuppressionReason{epistle.AddressGone, epistle.Complained, epistle.Erased, epistle.ByStaff} {
			person := h.subscribe(string(reason) + "@example.org")
			h.must(h.store.Suppress(t.Context(), person.Subscriber.ID, reason, epistle.Event{At: h.clock.Now(), Way: epistle.ByReply},
				epistle.AuditEntry{At: h.clock.Now(), Actor: admin()}))
			states[string(reason)] = person.Subscription
		}
		h.clock.Advance(30 * 24 * time.Hour)
		var file strings.Builder
		file.WriteString("email,name\n")
		for name := range states {
			file.WriteString(strings.ToUpper(name) + "@EXAMPLE.org,Somebody\n")
		}
		for _, mode := range []signup.ImportMode{signup.Vouched, signup.AskEach} {
			done, err := h.service.Import(t.Context(), admin(), strings.NewReader(file.String()),
				signup.Import{NewsletterID: h.update.ID, Mode: mode, Source: "an old list"})
			if want := (signup.Imported{Rows: 5, LeftKept: 1, SuppressedKept: 4}); err != nil || done != want {
				t.Errorf("mode %d: %+v, error %v; want %+v", mode, done, err, want)
			}
		}
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("the import mailed %d of them", len(mails))
		}
		for name := range states {
			err := h.service.AddByHand(t.Context(), admin(), signup.ByHand{NewsletterID: h.update.ID, Address: name + "@example.org",
				Language: epistle.English, Evidence: "they asked"})
			if name == "left" {
				h.must(err) // and only a confirmation mail goes out
			} else {
				wantKind(t, err, epistle.Conflict, "by hand: "+name)
			}
		}
		if mails := h.mails(); len(mails) != 1 || mails[0].Kind != epistle.NoticeConfirm || mails[0].To != "left@example.org" {
			t.Errorf("by hand, the mails are %+v", mails)
		}
		if h.audience() != 0 || h.state(left.Subscription) != epistle.Left {
			t.Errorf("%d people would be mailed, want none", h.audience())
		}
	})
}

func TestStaffCannotLiftWhatWasNotTheirs(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for _, reason := range []epistle.SuppressionReason{epistle.AddressGone, epistle.Complained, epistle.Erased} {
			person := h.subscribe(string(reason) + "@example.org").Subscriber
			h.must(h.store.Suppress(t.Context(), person.ID, reason, epistle.Event{At: h.clock.Now(), Way: epistle.ByReply},
				epistle.AuditEntry{At: h.clock.Now(), Actor: admin()}))
			for range 2 {
				h.must(h.service.Suppress(t.Context(), admin(), person.ID, "to be safe"))
			}
			if now, err := h.store.Suppression(t.Context(), person.Address); err != nil || now != epistle.ByStaff {
				t.Errorf("%s, then staff: suppressed as %q, error %v", reason, now, err)
			}
			h.must(h.service.Lift(t.Context(), admin(), person.ID, "a slip"))
			if now, err := h.store.Suppression(t.Context(), person.Address); err != nil || now != reason {
				t.Errorf("after staff took theirs back, %s is %q, error %v", reason, now, err)
			}
			wantKind(t, h.service.Lift(t.Context(), admin(), person.ID, "again"), epistle.Conflict, "lifting "+string(reason))
		}
		if h.audience() != 0 {
			t.Errorf("%d people would be mailed, want none", h.audience())
		}
	})
}

func TestWhoeverLeftEverythingIsNotImportedElsewhere(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		gone := h.subscribe("gone@example.org")
		h.must(h.service.LeaveAll(t.Context(), h.leaveToken(gone.Subscription, 0), epistle.ByPage))
		other := h.newsletter("other")
		for _, mode := range []signup.ImportMode{signup.Vouched, signup.AskEach} {
			done, err := h.service.Import(t.Context(), admin(), strings.NewReader("email\ngone@example.org\n"),
				signup.Import{NewsletterID: other.ID, Mode: mode, Source: "an old list"})
			if want := (signup.Imported{Rows: 1, LeftKept: 1}); err != nil || done != want {
				t.Errorf("mode %d: %+v, error %v; want %+v", mode, done, err, want)
			}
		}
		if mails := h.mails(); len(mails) != 0 {
			t.Errorf("the import mailed %d", len(mails))
		}
		// Who still gets one newsletter may be vouched for another.
		stays := h.subscribe("stays@example.org")
		done, err := h.service.Import(t.Context(), admin(), strings.NewReader("email\nstays@example.org\n"),
			signup.Import{NewsletterID: other.ID, Mode: signup.Vouched, Source: "an old list"})
		if err != nil || done.Added != 1 || h.state(stays.Subscription) != epistle.Confirmed {
			t.Errorf("somebody who never left: %+v, error %v", done, err)
		}
	})
}

func TestOnlyThoseWhoMayChangePeople(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		reader, author := epistle.ReaderActor(), epistle.StaffActor(1, epistle.Author)
		_, importing := h.service.Import(t.Context(), author, strings.NewReader("email\n"), signup.Import{NewsletterID: h.update.ID})
		for what, err := range map[string]error{
			"suppress": h.service.Suppress(t.Context(), reader, done.Subscriber.ID, "note"),
			"lift":     h.service.Lift(t.Context(), reader, done.Subscriber.ID, "note"),
			"leave":    h.service.LeaveOnBehalf(t.Context(), reader, done.Subscription.ID, "note"),
			"by hand":  h.service.AddByHand(t.Context(), reader, signup.ByHand{NewsletterID: h.update.ID, Address: "a@example.org", Language: "en", Evidence: "x"}),
			"invite":   h.service.Invite(t.Context(), reader, 1),
			"import":   importing,
		} {
			wantKind(t, err, epistle.Forbidden, what)
		}
	})
}
