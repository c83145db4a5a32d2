package account_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

const goodPassword = "four small lanterns"

func service(s *store.Store, clock *storetest.Clock) *account.Service {
	return account.New(account.Options{Store: s, Clock: clock.Now, Log: slog.New(slog.DiscardHandler),
		Hash: func(kind, value string) []byte { h := sha256.Sum256([]byte(kind + value)); return h[:] },
		URL:  func(path string) string { return "https://mail.example.org" + path }})
}

func add(t *testing.T, s *account.Service, address, role string) epistle.StaffMember {
	t.Helper()
	id, err := s.AddWithPassword(t.Context(), epistle.SystemActor(), account.NewMember{Address: address, Name: "Hana 하나", Role: role, Language: "ko"}, goodPassword)
	if err != nil {
		t.Fatalf("add %s: %v", role, err)
	}
	m, err := s.Find(t.Context(), epistle.SystemActor(), address)
	if err != nil || m.ID != id {
		t.Fatalf("find: %v %v", m.ID, err)
	}
	return m
}

// linkOf takes the latest queued notice of a kind and returns its token.
func linkOf(t *testing.T, s *store.Store, kind epistle.NoticeKind) string {
	t.Helper()
	notices, err := s.ClaimNotices(t.Context(), "test", time.Minute, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notices {
		n.State = epistle.NoticeAccepted
		if err := s.SettleNotice(t.Context(), "test", n, 250, "2.0.0"); err != nil {
			t.Fatal(err)
		}
		if n.Kind == kind {
			return strings.TrimPrefix(n.Data["link"], "https://mail.example.org/desk/set-password/")
		}
	}
	return ""
}

func message(err error) string {
	var e *epistle.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

func TestSignIn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := service(s, clock)
		m := add(t, a, "hana@example.org", "editor")
		in, err := a.SignIn(t.Context(), " HANA@example.org ", goodPassword, "here")
		if err != nil || in.Member.ID != m.ID || in.Member.Name != "Hana 하나" {
			t.Fatalf("signed in as %+v, %v", in.Member.ID, err)
		}
		if _, err := a.Current(t.Context(), m.ID, in.Stamp); err != nil {
			t.Fatalf("the session is over at once: %v", err)
		}
		wrong := map[string]string{"hana@example.org": "four small lantern", "nobody@example.org": goodPassword}
		for address, password := range wrong {
			if _, err := a.SignIn(t.Context(), address, password, "here"); message(err) != "account.sign-in" {
				t.Errorf("%v", err)
			}
		}
		trail, err := s.AuditTrail(t.Context(), "staff", m.ID, 10)
		if err != nil || len(trail) != 2 || trail[0].Action != "staff.sign-in" {
			t.Errorf("audit %+v, %v", trail, err)
		}
	})
}

func TestManyTriesAreLimited(t *testing.T) {
	s, clock := storetest.SQLite(t)
	a := service(s, clock)
	for i := range 40 {
		_, err := a.SignIn(t.Context(), "someone@example.org", "wrong wrong wrong", "here")
		if epistle.KindOf(err) == epistle.Limited {
			if i < 10 {
				t.Fatalf("limited after %d tries", i)
			}
			clock.Advance(time.Hour)
			if _, err := a.SignIn(t.Context(), "someone@example.org", "wrong wrong wrong", "here"); epistle.KindOf(err) == epistle.Limited {
				t.Fatal("still limited after an hour")
			}
			return
		}
	}
	t.Fatal("forty tries in a row were answered")
}

func TestGuessingFromOnePlaceShutsNobodyOut(t *testing.T) {
	s, clock := storetest.SQLite(t)
	a := service(s, clock)
	m := add(t, a, "hana@example.org", "editor")
	for range 200 {
		if _, err := a.SignIn(t.Context(), "hana@example.org", strings.Repeat("wrong", 200), "elsewhere"); err == nil {
			t.Fatal("a wrong password was taken")
		}
		clock.Advance(time.Second)
	}
	if _, err := a.SignIn(t.Context(), "hana@example.org", goodPassword, "at home"); err != nil {
		t.Errorf("the member cannot sign in: %v", err)
	}
	if _, err := a.ChangePassword(t.Context(), m.Actor(), goodPassword, "seven quiet rivers"); err != nil {
		t.Errorf("the member cannot change the password: %v", err)
	}
}

func TestGuessingFromManyPlacesIsLimited(t *testing.T) {
	s, clock := storetest.SQLite(t)
	a := service(s, clock)
	for i := range 100 {
		_, err := a.SignIn(t.Context(), "hana@example.org", strings.Repeat("wrong", 200), fmt.Sprint("place ", i))
		if epistle.KindOf(err) == epistle.Limited {
			return
		}
	}
	t.Error("a hundred places guessed at one password at once")
}

func TestPasswordChangeAndDisablingEndAccess(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := service(s, clock)
		admin := add(t, a, "admin@example.org", "admin")
		m := add(t, a, "author@example.org", "author")
		in, err := a.SignIn(t.Context(), "author@example.org", goodPassword, "here")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SaveSession(t.Context(), "hash", m.ID, []byte("x"), clock.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.ChangePassword(t.Context(), m.Actor(), "not this one, no", "seven quiet rivers"); message(err) != "account.password.wrong" {
			t.Fatalf("a wrong present password: %v", err)
		}
		changed, err := a.ChangePassword(t.Context(), m.Actor(), goodPassword, "seven quiet rivers")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Current(t.Context(), m.ID, in.Stamp); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("the old session goes on: %v", err)
		}
		if _, found, _ := s.Session(t.Context(), "hash"); found {
			t.Error("the old session is still kept")
		}
		if _, err := a.Current(t.Context(), m.ID, changed.Stamp); err != nil {
			t.Errorf("the session that changed it ended: %v", err)
		}
		m, _ = a.Find(t.Context(), admin.Actor(), "author@example.org")
		if err := a.Disable(t.Context(), admin.Actor(), m.ID, m.Version); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Current(t.Context(), m.ID, changed.Stamp); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a disabled member's session goes on: %v", err)
		}
		if _, err := a.SignIn(t.Context(), "author@example.org", "seven quiet rivers", "here"); message(err) != "account.sign-in" {
			t.Errorf("a disabled member signs in: %v", err)
		}
	})
}

func TestForgottenPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := service(s, clock)
		add(t, a, "hana@example.org", "author")
		if err := a.Forgot(t.Context(), "stranger@example.org"); err != nil {
			t.Fatalf("a stranger is told: %v", err)
		}
		if token := linkOf(t, s, epistle.NoticeResetPassword); token != "" {
			t.Fatal("a stranger gets a link")
		}
		if err := a.Forgot(t.Context(), "hana@example.org"); err != nil {
			t.Fatal(err)
		}
		token := linkOf(t, s, epistle.NoticeResetPassword)
		if token == "" {
			t.Fatal("no link was queued")
		}
		if _, err := a.SetPassword(t.Context(), token, "short"); message(err) != "account.password.short" {
			t.Fatalf("a short password: %v", err)
		}
		if _, err := a.SetPassword(t.Context(), token, "seven quiet rivers"); err != nil {
			t.Fatal(err)
		}
		if _, err := a.SetPassword(t.Context(), token, "eight quiet rivers"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("the link works twice: %v", err)
		}
		if _, err := a.SignIn(t.Context(), "hana@example.org", "seven quiet rivers", "here"); err != nil {
			t.Errorf("the new password does not work: %v", err)
		}
		if err := a.Forgot(t.Context(), "hana@example.org"); err != nil {
			t.Fatal(err)
		}
		late := linkOf(t, s, epistle.NoticeResetPassword)
		clock.Advance(account.ResetLifetime)
		if _, err := a.LookupLink(t.Context(), late); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("the link works after an hour: %v", err)
		}
	})
}

func TestAddingStaff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := service(s, clock)
		admin := add(t, a, "admin@example.org", "admin")
		_, err := a.Add(t.Context(), admin.Actor(), account.NewMember{Address: "no", Name: " ", Role: "king", Language: "xx"})
		var problems epistle.Problems
		if !errors.As(err, &problems) || len(problems) != 4 {
			t.Fatalf("four mistakes gave %v", err)
		}
		n := account.NewMember{Address: "new@example.org", Name: "Minji", Role: "author", Language: "ko"}
		id, err := a.Add(t.Context(), admin.Actor(), n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Add(t.Context(), admin.Actor(), n); message(err) != "staff.exists" {
			t.Errorf("twice: %v", err)
		}
		token := linkOf(t, s, epistle.NoticeStaffWelcome)
		in, err := a.SetPassword(t.Context(), token, goodPassword)
		if err != nil || in.Member.ID != id {
			t.Fatalf("the welcome link: %v", err)
		}
		if _, err := a.Add(t.Context(), in.Member.Actor(), n); epistle.KindOf(err) != epistle.Forbidden {
			t.Errorf("an author adds staff: %v", err)
		}
	})
}

func TestSomebodyCanAlwaysManageTheStaff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		a := service(s, clock)
		first, second := add(t, a, "one@example.org", "admin"), add(t, a, "two@example.org", "admin")
		if err := a.Disable(t.Context(), first.Actor(), first.ID, first.Version); message(err) != "staff.self" {
			t.Errorf("an admin shuts himself out: %v", err)
		}
		if err := a.SetRole(t.Context(), first.Actor(), second.ID, second.Version, "author"); err != nil {
			t.Fatal(err)
		}
		if err := a.SetRole(t.Context(), first.Actor(), second.ID, second.Version, "editor"); message(err) != "changed-meanwhile" {
			t.Errorf("an old version is taken: %v", err)
		}
		if err := a.Disable(t.Context(), epistle.SystemActor(), first.ID, first.Version); message(err) != "staff.last-admin" {
			t.Errorf("the last admin is gone: %v", err)
		}
		members, err := a.List(context.Background(), first.Actor())
		if err != nil || len(members) != 2 {
			t.Fatalf("%d members, %v", len(members), err)
		}
	})
}

func TestCheckPassword(t *testing.T) {
	cases := map[string]string{
		"eleven char":                  "account.password.short",
		"비밀번호는 길어야 합니다요":               "",
		"password1234":                 "account.password.obvious",
		"Password!2026":                "account.password.obvious",
		"passwordpassword":             "account.password.obvious",
		"aaaaaaaaaaaaaa":               "account.password.obvious",
		"123456789012":                 "account.password.obvious",
		"abcdefghijklm":                "account.password.obvious",
		"abababababab":                 "account.password.obvious",
		"Hana Kim 1234567":             "account.password.obvious",
		"four small lanterns":          "",
		"7$kQ2!vTz9@pLm":               "",
		strings.Repeat("lantern ", 40): "text.long",
		"bad \xff bytes in it":         "text.encoding",
	}
	for password, want := range cases {
		if got := message(account.CheckPassword(password, "Hana Kim")); got != want {
			t.Errorf("%q: %q, want %q", password, got, want)
		}
	}
}
