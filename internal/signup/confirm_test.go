package signup_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestConfirmKeepsTheEvidence(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		asked := h.clock.Now()
		h.request("Grace@Example.org")
		link := h.confirmLink()
		h.clock.Advance(3 * time.Hour)
		done, err := h.service.Confirm(t.Context(), link, "198.51.100.9")
		h.must(err)
		if done.Subscriber.Address != "Grace@example.org" || done.Subscriber.Name != "Grace Kim" || done.Subscriber.Language != epistle.English {
			t.Errorf("the subscriber is %q, %q, %s", string(done.Subscriber.Address), done.Subscriber.Name, done.Subscriber.Language)
		}
		consents, err := h.store.Consents(t.Context(), done.Subscriber.ID)
		if err != nil || len(consents) != 1 {
			t.Fatalf("%d consents, error %v; want 1", len(consents), err)
		}
		c := consents[0]
		want := epistle.Consent{ID: c.ID, SubscriberID: done.Subscriber.ID, NewsletterID: h.update.ID, SignupID: c.SignupID, Source: epistle.FromForm,
			AskedAt: asked, GivenAt: h.clock.Now(), PageURL: "https://lantern.example/subscribe",
			Wording: h.service.Wording(h.update, epistle.English), WordingVersion: 1, Language: epistle.English, IP: "198.51.100.9"}
		if c != want || c.SignupID == 0 {
			t.Errorf("the consent is\n%+v, want\n%+v", c, want)
		}
		if got := h.events(done.Subscriber.ID); !slices.Equal(got, []string{"confirmed by page"}) {
			t.Errorf("the events are %v", got)
		}
		if h.audience() != 1 {
			t.Error("the new subscriber would not be mailed")
		}
	})
}

func TestConfirmMayBeRepeated(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("grace@example.org")
		link := h.confirmLink()
		var all sync.WaitGroup
		subscriptions := make([]epistle.Subscription, 6)
		for i := range subscriptions {
			all.Go(func() {
				done, err := h.service.Confirm(t.Context(), link, "198.51.100.9")
				if err != nil {
					t.Errorf("confirm %d: %v", i, err)
				}
				subscriptions[i] = done.Subscription
			})
		}
		all.Wait()
		for _, sub := range subscriptions {
			if sub != subscriptions[0] || sub.ID == 0 {
				t.Errorf("confirmations differ: %+v and %+v", sub, subscriptions[0])
			}
		}
		consents, err := h.store.Consents(t.Context(), subscriptions[0].SubscriberID)
		if err != nil || len(consents) != 1 {
			t.Errorf("%d consents, error %v; want 1", len(consents), err)
		}
	})
}

func TestLookupChangesNothing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("grace@example.org")
		link := h.confirmLink()
		for range 3 {
			waiting, err := h.service.Lookup(t.Context(), link)
			if err != nil || waiting.Signup.State != epistle.SignupPending || waiting.Newsletter.ID != h.update.ID {
				t.Fatalf("the sign-up is %s, error %v", waiting.Signup.State, err)
			}
		}
		if h.audience() != 0 {
			t.Error("looking at the link confirmed it")
		}
	})
}

func TestFirstUpdate(t *testing.T) {
	seoul := time.FixedZone("KST", 9*60*60)
	sunday := func(hour, minute int) time.Time { return time.Date(2026, 11, 22, hour, minute, 0, 0, seoul) }
	tests := []struct {
		name        string
		now, nextAt time.Time
		want        time.Time
	}{
		{"before the slot it is tonight", sunday(18, 0), time.Time{}, sunday(20, 0)},
		{"at the slot it is tomorrow", sunday(20, 0), time.Time{}, sunday(20, 0).AddDate(0, 0, 1)},
		{"after the slot it is tomorrow", sunday(23, 59), time.Time{}, sunday(20, 0).AddDate(0, 0, 1)},
		{"the issue comes first", sunday(18, 0), sunday(19, 0), sunday(19, 0)},
		{"the issue comes at the same time", sunday(18, 0), sunday(20, 0), sunday(20, 0)},
		{"the issue comes another day", sunday(18, 0), sunday(19, 0).AddDate(0, 0, 4), sunday(20, 0)},
		{"tomorrow morning's issue is before tomorrow's slot", sunday(21, 0), sunday(7, 0).AddDate(0, 0, 1), sunday(7, 0).AddDate(0, 0, 1)},
	}
	eachHouse(t, func(t *testing.T, h *house) {
		storetest.SentIssue(t, h.store, h.clock.Now, h.update.ID)
		for i, test := range tests {
			h.clock.Set(test.now.Add(-time.Minute))
			h.request(string(rune('a'+i)) + "@example.org")
			link := h.confirmLink()
			h.clock.Set(test.now)
			h.nextAt = test.nextAt
			done, err := h.service.Confirm(t.Context(), link, "")
			if err != nil || !done.FirstUpdateAt.Equal(test.want) {
				t.Errorf("%s: %v, error %v; want %v", test.name, done.FirstUpdateAt.In(seoul), err, test.want)
			}
		}
	})
}

// With nothing yet to welcome with, the first update is the next issue.
func TestTheFirstUpdateIsTheNextIssueUntilOneWasSent(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		if done := h.subscribe("ann@example.org"); !done.FirstUpdateAt.IsZero() {
			t.Errorf("without a schedule: %v", done.FirstUpdateAt)
		}
		h.nextAt = h.clock.Now().Add(4 * 24 * time.Hour)
		if done := h.subscribe("ben@example.org"); !done.FirstUpdateAt.Equal(h.nextAt) {
			t.Errorf("got %v, want the next issue's slot %v", done.FirstUpdateAt, h.nextAt)
		}
	})
}

// An approved issue later in the evening takes the place of the welcome.
func TestTheFirstUpdateIsALaterIssueOnceThatIsApproved(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		storetest.SentIssue(t, h.store, h.clock.Now, h.update.ID)
		h.nextAt = h.clock.Now().Add(4 * time.Hour) // 22:00; the welcome is at 20:00
		issue, _, err := h.store.CreateIssue(t.Context(), epistle.SystemActor(), epistle.Issue{NewsletterID: h.update.ID, SendAt: h.nextAt,
			Content: epistle.Content{Subject: epistle.Text{EN: "News", KO: "소식"}}})
		h.must(err)
		if done := h.subscribe("ann@example.org"); !done.FirstUpdateAt.Equal(h.clock.Now().Add(2 * time.Hour)) {
			t.Errorf("with a draft for tonight: %v", done.FirstUpdateAt)
		}
		_, err = h.store.ApproveIssue(t.Context(), epistle.StaffActor(8, epistle.Editor), store.IssueApproval{IssueID: issue.ID, Version: issue.Version,
			From: epistle.IssueDraft, To: epistle.IssueApproved, Approval: epistle.Approval{By: 8, At: h.clock.Now(), Digest: issue.Digest()}})
		h.must(err)
		if done := h.subscribe("ben@example.org"); !done.FirstUpdateAt.Equal(h.nextAt) {
			t.Errorf("with an approved issue tonight: %v", done.FirstUpdateAt)
		}
	})
}

func TestTheFirstUpdateKeepsToTheNewslettersZone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.update.Zone, h.update.WelcomeAt = "America/New_York", "02:30"
		var err error
		h.update, err = h.store.UpdateNewsletter(t.Context(), h.update, epistle.AuditEntry{At: h.clock.Now(), Actor: admin()})
		h.must(err)
		storetest.SentIssue(t, h.store, h.clock.Now, h.update.ID)
		for now, want := range map[string]string{
			"2027-03-14T06:00:00Z": "2027-03-14T07:00:00Z", // the night when 02:30 is missing: as the gap ends
			"2027-11-07T05:00:00Z": "2027-11-07T07:30:00Z", // the night that is an hour longer
			"2027-07-01T12:00:00Z": "2027-07-02T06:30:00Z",
		} {
			at, err := time.Parse(time.RFC3339, now)
			h.must(err)
			h.clock.Set(at)
			done := h.subscribe(now[:10] + "@example.org")
			if got := done.FirstUpdateAt.Format(time.RFC3339); got != want {
				t.Errorf("confirmed at %s: %s, want %s", now, got, want)
			}
		}
	})
}

func TestAnExpiredLinkOffersToAskAgain(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("grace@example.org")
		link := h.confirmLink()
		h.clock.Advance(epistle.SignupLifetime)
		waiting, err := h.service.Lookup(t.Context(), link)
		if err != nil || waiting.Signup.State != epistle.SignupExpired {
			t.Fatalf("after fourteen days the sign-up is %s, error %v", waiting.Signup.State, err)
		}
		_, err = h.service.Confirm(t.Context(), link, "")
		wantKind(t, err, epistle.Conflict, "confirming an expired link")
		h.must(h.service.Sweep(t.Context()))
		h.must(h.service.AskAgain(t.Context(), link, "203.0.113.7"))
		fresh := h.confirmLink()
		if fresh == link {
			t.Error("the new link is the old one")
		}
		if _, err := h.service.Confirm(t.Context(), fresh, ""); err != nil {
			t.Errorf("the new link: %v", err)
		}
	})
}

func TestAskingAgainKeepsWhatStaffNoted(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		member, err := h.store.CreateStaff(t.Context(), admin(), epistle.StaffMember{Address: "esther@lantern.example", Name: "Esther",
			Role: epistle.Author, Language: epistle.English}, "", nil, nil)
		h.must(err)
		h.must(h.service.AddByHand(t.Context(), epistle.StaffActor(member, epistle.Author), signup.ByHand{NewsletterID: h.update.ID,
			Address: "grace@example.org", Language: epistle.English, Evidence: "card after the service"}))
		link := h.confirmLink()
		h.clock.Advance(epistle.SignupLifetime)
		h.must(h.service.AskAgain(t.Context(), link, "203.0.113.7"))
		done, err := h.service.Confirm(t.Context(), h.confirmLink(), "203.0.113.7")
		h.must(err)
		consents, err := h.store.Consents(t.Context(), done.Subscriber.ID)
		h.must(err)
		if c := consents[0]; c.Source != epistle.FromHand || c.Evidence != "card after the service" || c.StaffID != member {
			t.Errorf("the consent came by %s, from staff %d, with the note %q", c.Source, c.StaffID, c.Evidence)
		}
	})
}

func TestTheSweepForgetsWhoNeverConfirmed(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.request("grace@example.org")
		link := h.confirmLink()
		h.clock.Advance(epistle.SignupLifetime + 31*24*time.Hour)
		h.must(h.service.Sweep(t.Context()))
		waiting, err := h.service.Lookup(t.Context(), link)
		if err != nil || waiting.Signup.Address != "" || waiting.Signup.Name != "" || waiting.Signup.IP != "" {
			t.Errorf("personal data is still there, error %v", err)
		}
		wantKind(t, h.service.AskAgain(t.Context(), link, ""), epistle.NotFound, "asking again for nobody")
	})
}

func TestLeftAndSuppressedComeBackByTheirOwnConfirmation(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		storetest.SentIssue(t, h.store, h.clock.Now, h.update.ID)
		left := h.subscribe("left@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(left.Subscription, 0), epistle.ByOneClick, ""))
		h.clock.Advance(8 * 24 * time.Hour)
		back := h.subscribe("left@example.org")
		if back.Subscription.ID != left.Subscription.ID || back.Subscription.State != epistle.Confirmed || !back.Subscription.LeftAt.IsZero() || back.FirstUpdateAt.IsZero() {
			t.Errorf("who left came back as %+v", back.Subscription)
		}
		other := h.newsletter("other")
		for _, reason := range []epistle.SuppressionReason{epistle.AddressGone, epistle.Complained} {
			address := string(reason) + "@example.org"
			person := h.subscribe(address)
			first := h.update
			h.update = other
			second := h.subscribe(address)
			h.update = first
			h.must(h.store.Suppress(t.Context(), person.Subscriber.ID, reason, epistle.Event{At: h.clock.Now(), Way: epistle.ByReply},
				epistle.AuditEntry{At: h.clock.Now(), Actor: admin()}))
			h.clock.Advance(8 * 24 * time.Hour)
			back := h.subscribe(address)
			if got, err := h.store.Suppression(t.Context(), back.Subscriber.Address); err != nil || got != "" {
				t.Errorf("%s: still suppressed as %q, error %v", reason, got, err)
			}
			if got := h.events(back.Subscriber.ID); !slices.Contains(got, "lifted by page") {
				t.Errorf("%s: the history does not tell that the suppression ended: %v", reason, got)
			}
			want := epistle.Confirmed
			if reason == epistle.Complained {
				want = epistle.Left // of what they complained about, only what they asked for comes back
			}
			if got := h.state(second.Subscription); got != want {
				t.Errorf("%s: the other newsletter is %s, want %s", reason, got, want)
			}
		}
	})
}

func TestStaffSuppressionStandsAgainstAnEarlierLink(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		person := h.subscribe("grace@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(person.Subscription, 0), epistle.ByPage, ""))
		h.clock.Advance(25 * time.Hour)
		h.request("grace@example.org")
		link := h.confirmLink()
		h.must(h.service.Suppress(t.Context(), admin(), person.Subscriber.ID, "a court asked for it"))
		_, err := h.service.Confirm(t.Context(), link, "")
		wantKind(t, err, epistle.Conflict, "confirming against staff")
		if h.audience() != 0 || h.state(person.Subscription) != epistle.Left {
			t.Error("a suppressed person is subscribed")
		}
	})
}

func TestForgedAndForeignTokensAreNotFound(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		done := h.subscribe("grace@example.org")
		keys := h.store.Keys()
		stranger, err := seal.NewKeyring(seal.NewKey())
		h.must(err)
		tokens := map[string]string{
			"nothing":           "",
			"noise":             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
			"another key":       stranger.Link(seal.ToLeave, done.Subscription.ID, 0),
			"another purpose":   keys.Link(seal.ToSetPass, done.Subscription.ID, 0),
			"a row that is not": keys.Link(seal.ToLeave, 1<<40, 0),
			"too few numbers":   keys.Link(seal.ToLeave, done.Subscription.ID),
			"another door":      keys.Link(seal.ToConfirm, done.Subscription.ID),
		}
		for name, token := range tokens {
			_, err := h.service.Lookup(t.Context(), token)
			if name != "another door" {
				wantKind(t, err, epistle.NotFound, "confirm with "+name)
			}
			_, err = h.service.LeaveLookup(t.Context(), token)
			wantKind(t, err, epistle.NotFound, "look with "+name)
			_, err = h.service.Preferences(t.Context(), token)
			wantKind(t, err, epistle.NotFound, "preferences with "+name)
			wantKind(t, h.service.Leave(t.Context(), token, epistle.ByPage, ""), epistle.NotFound, "leave with "+name)
			wantKind(t, h.service.LeaveAll(t.Context(), token, epistle.ByPage), epistle.NotFound, "leave all with "+name)
			wantKind(t, h.service.Undo(t.Context(), token), epistle.NotFound, "undo with "+name)
		}
		if h.state(done.Subscription) != epistle.Confirmed {
			t.Error("one of them worked")
		}
	})
}
