package signup_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/storetest"
)

// member is an author who is on record.
func (h *house) member(role epistle.Role) epistle.Actor {
	h.t.Helper()
	id, err := h.store.CreateStaff(h.t.Context(), admin(), epistle.StaffMember{Address: epistle.Address(role) + "@lantern.example", Name: "Esther",
		Role: role, Language: epistle.English}, "no password", nil, nil)
	h.must(err)
	return epistle.StaffActor(id, role)
}

// comment is one that somebody left under a page of lantern.example.
func (h *house) comment(address, body string) epistle.ID {
	h.t.Helper()
	page, err := h.store.FindOrCreatePage(h.t.Context(), "https://lantern.example/table")
	h.must(err)
	posted, err := h.store.PostComment(h.t.Context(), epistle.Comment{PageID: page.ID, Name: "Grace Kim", Address: epistle.Address(address), Body: body,
		Language: epistle.English, IP: "203.0.113.9", State: epistle.CommentPending})
	h.must(err)
	return posted.ID
}

const asksInWords = "Thank you for this! I would like to receive email updates on the ministry."

func wantConflict(t *testing.T, err error, message string) {
	t.Helper()
	var e *epistle.Error
	if !errors.As(err, &e) || e.Kind != epistle.Conflict || e.Message != message {
		t.Errorf("got %v, want a conflict %q", err, message)
	}
}

func TestSignUpNowIsAnActOfStaffWhereAnAdminAllowedIt(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		storetest.SentIssue(t, h.store, h.clock.Now, h.update.ID)
		author, chief := h.member(epistle.Author), h.member(epistle.Admin)
		id := h.comment("grace@example.org", asksInWords)
		_, err := h.service.SignUpNow(t.Context(), author, id)
		wantConflict(t, err, "signup.now.site")
		wantKind(t, h.service.AllowNow(t.Context(), author, "lantern.example"), epistle.Forbidden, "an author allows it")
		wantKind(t, h.service.AllowNow(t.Context(), chief, "elsewhere.example"), epistle.NotFound, "a site without comments")
		h.must(h.service.AllowNow(t.Context(), chief, "lantern.example"))
		_, err = h.service.SignUpNow(t.Context(), author, h.comment("ruth@example.org", "Amen, praying for this."))
		wantConflict(t, err, "signup.now.words")
		if h.audience() != 0 || len(h.mails()) != 0 {
			t.Fatal("somebody was signed up all the same")
		}

		done, err := h.service.SignUpNow(t.Context(), author, id)
		h.must(err)
		if !done.FirstUpdateAt.Equal(done.Subscription.WelcomeAt) || h.audience() != 1 {
			t.Errorf("the first update comes %v, %d are subscribed", done.FirstUpdateAt, h.audience())
		}
		consents, err := h.store.Consents(t.Context(), done.Subscriber.ID)
		h.must(err)
		if len(consents) != 1 || consents[0].Source != epistle.FromComment || consents[0].Evidence != asksInWords || consents[0].StaffID != author.StaffID ||
			consents[0].PageURL != "https://lantern.example/table" || consents[0].IP != "203.0.113.9" || consents[0].Wording != "" {
			t.Errorf("the consent is %+v", consents)
		}
		if got := h.events(done.Subscriber.ID); !slices.Equal(got, []string{"confirmed by desk"}) {
			t.Errorf("the events are %v", got)
		}
		mails := h.mails()
		if len(mails) != 1 || mails[0].Kind != epistle.NoticeSignedUp || !strings.Contains(mails[0].Data["first"], "20:00 Korea time") {
			t.Errorf("the first mail is %+v", mails)
		}
		_, err = h.service.SignUpNow(t.Context(), author, id)
		wantConflict(t, err, "signup.already")
		trail, err := h.store.AuditTrail(t.Context(), "signup", consents[0].SignupID, 10)
		if err != nil || len(trail) != 1 || trail[0].Action != "signup.now" || trail[0].Actor.StaffID != author.StaffID {
			t.Errorf("the audit says %+v, error %v", trail, err)
		}
	})
}

func TestSignUpNowBringsNobodyBackAndRespectsASeparateConsent(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		author := h.member(epistle.Author)
		h.comment("x@example.org", "x")
		h.must(h.service.AllowNow(t.Context(), admin(), "lantern.example"))
		left := h.subscribe("left@example.org")
		h.must(h.service.Leave(t.Context(), h.leaveToken(left.Subscription, 0), epistle.ByPage, ""))
		_, err := h.service.SignUpNow(t.Context(), author, h.comment("left@example.org", asksInWords))
		wantConflict(t, err, "signup.left-asks")
		staff := h.subscribe("staff@example.org")
		h.must(h.service.Suppress(t.Context(), author, staff.Subscriber.ID, "asked by phone"))
		_, err = h.service.SignUpNow(t.Context(), author, h.comment("staff@example.org", asksInWords))
		wantConflict(t, err, "signup.not-mailed")

		h.update.Consent.Separate = true
		h.update, err = h.store.UpdateNewsletter(t.Context(), h.update, epistle.AuditEntry{At: h.clock.Now(), Actor: admin()})
		h.must(err)
		id := h.comment("grace@example.org", asksInWords)
		_, err = h.service.SignUpNow(t.Context(), author, id)
		wantConflict(t, err, "signup.now.separate")
		offered, err := h.service.NowOffered(t.Context(), author)
		h.must(err)
		comment, err := h.store.Comment(t.Context(), id)
		h.must(err)
		if offered(comment, "https://lantern.example/table") {
			t.Error("it is offered though the newsletter asks for a separate consent")
		}
		_, err = h.service.Import(t.Context(), admin(), strings.NewReader("email\na@example.org\n"), signup.Import{NewsletterID: h.update.ID, Mode: signup.Vouched, Source: "cards"})
		wantKind(t, err, epistle.Invalid, "importing people as confirmed")

		h.mails()
		h.request("ruth@example.org")
		link := h.confirmLink()
		_, err = h.service.Confirm(t.Context(), link, "")
		wantKind(t, err, epistle.Invalid, "confirming without the separate tick")
		done, err := h.service.ConfirmSeparately(t.Context(), link, "203.0.113.8")
		h.must(err)
		consents, err := h.store.Consents(t.Context(), done.Subscriber.ID)
		if err != nil || len(consents) != 1 || consents[0].BeliefWording != h.service.BeliefWording(epistle.English) || consents[0].BeliefWording == "" {
			t.Errorf("the consent is %+v, error %v", consents, err)
		}
	})
}

func TestWhoSaysNotMeIsGoneAndStaysGone(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		author := h.member(epistle.Author)
		id := h.comment("grace@example.org", asksInWords)
		h.must(h.service.AllowNow(t.Context(), admin(), "lantern.example"))
		done, err := h.service.SignUpNow(t.Context(), author, id)
		h.must(err)
		token := strings.TrimPrefix(h.mails()[0].Data["link"], "/not-me/")
		waiting, err := h.service.Refusal(t.Context(), token)
		if err != nil || waiting.Signup.State != epistle.SignupConfirmed || h.audience() != 1 {
			t.Fatalf("looking at the link: %s, error %v", waiting.Signup.State, err)
		}
		for range 2 { // it may be repeated
			h.must(h.service.Refuse(t.Context(), token))
		}
		wantKind(t, h.service.Refuse(t.Context(), h.store.Keys().Link(seal.ToConfirm, waiting.Signup.ID)), epistle.NotFound, "a token of another purpose")
		if _, err := h.store.Subscriber(t.Context(), done.Subscriber.ID); epistle.KindOf(err) != epistle.NotFound || h.audience() != 0 {
			t.Errorf("they are still here: %v", err)
		}
		waiting, err = h.service.Refusal(t.Context(), token)
		if err != nil || waiting.Signup.State != epistle.SignupRefused || waiting.Signup.Address != "" || waiting.Signup.RefusedAt.IsZero() {
			t.Errorf("the sign-up is %+v, error %v", waiting.Signup, err)
		}
		if got, err := h.store.Suppression(t.Context(), "grace@example.org"); err != nil || got != epistle.NotThem {
			t.Errorf("the suppression is %q, error %v", got, err)
		}
		wantConflict(t, h.service.Invite(t.Context(), author, id), "signup.not-mailed")
		if imported, _ := h.importing("email\ngrace@example.org\n", signup.Import{Mode: signup.Vouched, Source: "cards"}); imported.SuppressedKept != 1 {
			t.Errorf("an import gave %+v", imported)
		}
		refused, err := h.store.CountSignups(t.Context(), epistle.SignupRefused)
		if err != nil || refused != 1 {
			t.Errorf("%d are refused, error %v", refused, err)
		}
		// Their own confirmation alone brings them back.
		h.clock.Advance(8 * 24 * time.Hour)
		back := h.subscribe("grace@example.org")
		if back.Subscription.State != epistle.Confirmed || h.audience() != 1 {
			t.Error("they cannot come back themselves")
		}
	})
}

func TestRefusingFromTheConfirmationMailKeepsOtherNewsletters(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		friends := h.newsletter("friends")
		h.request("new@example.org")
		link := h.confirmLink()
		h.must(h.service.RefuseWaiting(t.Context(), link))
		_, err := h.service.Confirm(t.Context(), link, "")
		wantKind(t, err, epistle.Conflict, "confirming what was refused")

		known := h.subscribe("known@example.org")
		form := h.form("known@example.org")
		form.NewsletterID = friends.ID
		h.must(h.service.Request(t.Context(), form))
		h.must(h.service.RefuseWaiting(t.Context(), h.confirmLink()))
		if h.state(known.Subscription) != epistle.Confirmed {
			t.Error("refusing one newsletter ended another")
		}
	})
}
