package epistle_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"epistle/internal/epistle"
)

func TestParseAddress(t *testing.T) {
	long := strings.Repeat("a", 65)
	for _, c := range []struct{ in, want, key string }{
		{"grace@example.org", "grace@example.org", ""},
		{"  Grace.Lee+news@Example.ORG ", "Grace.Lee+news@example.org", ""},
		{"o'neill@example.org", "o'neill@example.org", ""},
		{"minji@한국교회.kr", "minji@xn--9d0b4b661o28a.kr", ""},
		{"", "", "address.missing"},
		{"grace.example.org", "", "address.no-at"},
		{"grace@@example.org", "", "address.local"},
		{".grace@example.org", "", "address.local"},
		{"gra ce@example.org", "", "address.local"},
		{"grace\r\nBcc:x@example.org", "", "address.local"},
		{`"grace"@example.org`, "", "address.local"},
		{"은혜@example.org", "", "address.local"},
		{"grace@localhost", "", "address.domain"},
		{"grace@exa mple.org", "", "address.domain"},
		{"grace@exam\u200bple.org", "", "address.domain"},
		{"grace@-example.org", "", "address.domain"},
		{"grace@[127.0.0.1]", "", "address.domain"},
		{"grace@127.0.0.1", "", "address.domain"},
		{"grace@example..org", "", "address.domain"},
		{"Grace <grace@example.org>", "", "address.local"},
		{long + "@example.org", "", "address.long"},
	} {
		got, err := epistle.ParseAddress(c.in)
		var e *epistle.Error
		switch {
		case c.key == "" && (err != nil || string(got) != c.want):
			t.Errorf("%q: got %q, %v; want %q", c.in, string(got), err, c.want)
		case c.key != "" && (!errors.As(err, &e) || e.Message != c.key || e.Field != "email"):
			t.Errorf("%q: got %q, %v; want the error %s", c.in, string(got), err, c.key)
		}
	}
}

func TestAnAddressHidesItselfFromLogs(t *testing.T) {
	a := epistle.Address("grace@example.org")
	if text := a.String(); strings.Contains(text, "grace") {
		t.Errorf("String shows the address: %s", text)
	}
	if got := a.Masked(); got != "g•••@example.org" {
		t.Errorf("masked: %s", got)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"grace@example.org", "a@b.c", "x@xn--3e0bu2g1rh4kfe1k.kr", "\x00@\x00", "a@ß.de"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := epistle.ParseAddress(s)
		if err != nil {
			return
		}
		for i := range len(a) {
			if a[i] <= ' ' || a[i] >= 0x7f || a[i] == '<' || a[i] == '>' || a[i] == ',' {
				t.Fatalf("%q gave an address that the wire cannot carry: %q", s, string(a))
			}
		}
		again, err := epistle.ParseAddress(string(a))
		if err != nil || again != a {
			t.Fatalf("%q is not stable: %q, then %q, %v", s, string(a), string(again), err)
		}
	})
}

func TestCleanLineKeepsPeoplesNames(t *testing.T) {
	for in, want := range map[string]string{
		"  김 민지  ":      "김 민지",
		"김민지":           "김민지", // NFD, as some phones send it
		"👨‍👩‍👧 family":  "👨‍👩‍👧 family",
		"محمد":          "محمد",
		"Ana\tMaría":    "Ana María",
		"🏴󠁧󠁢󠁳󠁣󠁴󠁿 Fiona": "🏴󠁧󠁢󠁳󠁣󠁴󠁿 Fiona",
	} {
		if got, err := epistle.CleanLine("name", in, epistle.MaxName); err != nil || got != want {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"Jo\u202enna", "Jo\u200bnna", "Jo\x00", "bad\xff", strings.Repeat("가", epistle.MaxName+1)} {
		if got, err := epistle.CleanLine("name", in, epistle.MaxName); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("%q was taken as %q, %v", in, got, err)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	for _, seed := range []string{"Amen!\r\nPraying.", "\u202eabc", "한글", "a\u200db", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := epistle.CleanText("comment", s, epistle.MaxComment)
		if err != nil {
			return
		}
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > epistle.MaxComment {
			t.Fatalf("%q gave %q", s, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Fatalf("%q kept the control character %U", s, r)
			}
		}
		if again, err := epistle.CleanText("comment", got, epistle.MaxComment); err != nil || again != got {
			t.Fatalf("%q is not stable: %q, then %q, %v", s, got, again, err)
		}
	})
}

func TestPermissionTable(t *testing.T) {
	staff := func(r epistle.Role) epistle.Actor { return epistle.StaffActor(1, r) }
	for _, c := range []struct {
		who   epistle.Actor
		what  epistle.Permission
		allow bool
	}{
		{staff(epistle.Author), epistle.Moderate, true},
		{staff(epistle.Author), epistle.ApproveIssue, false},
		{staff(epistle.Author), epistle.ConfirmLink, false},
		{staff(epistle.Editor), epistle.ApproveIssue, true},
		{staff(epistle.Editor), epistle.Moderate, true},
		{staff(epistle.Editor), epistle.ManageStaff, false},
		{staff(epistle.Admin), epistle.ManageStaff, true},
		{staff("unknown"), epistle.ReadDesk, false},
		{epistle.SystemActor(), epistle.LaunchIssue, true},
		{epistle.SystemActor(), epistle.ApproveIssue, false},
		{epistle.SystemActor(), epistle.ConfirmLink, false},
		{epistle.ReaderActor(), epistle.ReadDesk, false},
	} {
		if got := c.who.May(c.what); got != c.allow {
			t.Errorf("%s %s may %s: %v, want %v", c.who.Kind, c.who.Role, c.what, got, c.allow)
		}
		if err := c.who.Require(c.what); (err == nil) != c.allow {
			t.Errorf("%s %s requires %s: %v", c.who.Kind, c.who.Role, c.what, err)
		}
	}
}

func TestAnyChangeOfContentVoidsTheApproval(t *testing.T) {
	issue := epistle.Issue{ID: 1, NewsletterID: 2, Content: epistle.Content{
		Subject: epistle.Text{EN: "This week", KO: "이번 주"},
		Sections: []epistle.Section{{Kind: epistle.PrayersSection, Items: []epistle.Item{
			{Kind: epistle.PrayerItem, ID: 5, Title: epistle.Text{EN: "Pray for winter"}},
			{Kind: epistle.PrayerItem, ID: 6, Title: epistle.Text{EN: "Pray for travel"}},
		}}},
	}}
	issue.Approval = epistle.Approval{By: 9, Digest: issue.Digest()}
	if !issue.IsApproved() {
		t.Fatal("an approval of the present content does not count")
	}
	for name, change := range map[string]func(*epistle.Issue){
		"subject":     func(i *epistle.Issue) { i.Content.Subject.KO += "." },
		"item's text": func(i *epistle.Issue) { i.Content.Sections[0].Items[0].Title.EN = "x" },
		"order":       func(i *epistle.Issue) { s := i.Content.Sections[0].Items; s[0], s[1] = s[1], s[0] },
		"audience":    func(i *epistle.Issue) { i.NewsletterID = 3 },
	} {
		copied := issue
		items := append([]epistle.Item(nil), issue.Content.Sections[0].Items...)
		copied.Content.Sections = []epistle.Section{{Kind: epistle.PrayersSection, Items: items}}
		change(&copied)
		if copied.IsApproved() {
			t.Errorf("the approval survived a change of the %s", name)
		}
	}
}
