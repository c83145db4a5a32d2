package render

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/templates"
)

// words is a text without its layout.
func words(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, "\n>", "\n")), " ")
}

func TestBothPartsHoldAllContent(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	tag := regexp.MustCompile(`<[^>]*>`)
	for _, l := range epistle.Languages {
		p := parse(t, message(t, compile(t, r, l, epistle.Full), sampleRecipient(l)).Body)
		text, shown := words(p.text), words(html.UnescapeString(tag.ReplaceAllString(strings.ReplaceAll(p.html, "<br>", " "), "")))
		want := []string{
			sampleNewsletter().Title.In(l), sampleMinistry().Name.In(l), sampleMinistry().PostalAddress.In(l), "office@lantern.example",
			sampleNewsletter().ReplyTo.Name.In(l), r.Catalog.In(l).T("mail.footer.leave"), r.Catalog.In(l).T("mail.footer.prefer"),
		}
		for _, s := range sampleIssue().Content.Sections {
			if s.Kind != epistle.LetterSection {
				want = append(want, r.Catalog.In(l).T("mail.section."+string(s.Kind)))
			}
			for _, i := range s.Items {
				want = append(want, i.Title.In(l), i.Project.In(l), i.Publisher)
				for _, signature := range i.Signatures {
					want = append(want, signature.In(l))
				}
				if i.Kind != epistle.LetterItem {
					want = append(want, words(i.Body.In(l)))
				}
				if address := i.URL.In(l); address != "" && (!strings.Contains(p.text, address) || !strings.Contains(p.html, `href="`+html.EscapeString(address)+`"`)) {
					t.Errorf("%s: a part lacks the link %s", l, address)
				}
			}
		}
		want = append(want, strings.Split(epistle.Text{
			EN: "in colder rooms than this|The light shines in the darkness,|one warm coat, any size|Warmly in Christ,|a page with what we need (https://lantern.example/suppers)",
			KO: "이보다 추운 방|빛이 어둠에 비치되|1. 따뜻한 외투 한 벌|그리스도 안에서,|필요한 것을 적어 둔 쪽 (https://lantern.example/ko/suppers)을",
		}.In(l), "|")...)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: the text part lacks %q", l, w)
			}
			if w, _, _ = strings.Cut(w, " (https"); !strings.Contains(shown, strings.TrimPrefix(w, "1. ")) {
				t.Errorf("%s: the HTML part lacks %q", l, w)
			}
		}
		for _, row := range strings.Split(p.text, "\r\n") {
			if textWidth(row) > columns && !strings.Contains(row, "://") {
				t.Errorf("%s: a row of %d columns: %s", l, textWidth(row), row)
			}
		}
	}
}

func TestMailsLoadNothing(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	var mails []string
	for _, l := range epistle.Languages {
		mails = append(mails, parse(t, message(t, compile(t, r, l, epistle.Full), sampleRecipient(l)).Body).html)
		for kind := range noticeData {
			m, err := r.Notice(sampleNotice(kind, l))
			if err != nil {
				t.Fatal(err)
			}
			mails = append(mails, parse(t, m.Body).html)
		}
	}
	loads := regexp.MustCompile(`(?i)<(?:img|script|iframe|link|object|video|audio|form|input|svg|base)\b|\bsrc\s*=|url\s*\(|@import|@font-face|\bon[a-z]+\s*=|javascript:`)
	size := regexp.MustCompile(`font-size:(\d+)px`)
	for _, m := range mails {
		if found := loads.FindString(m); found != "" {
			t.Errorf("a mail holds %q", found)
		}
		for _, table := range regexp.MustCompile(`<table[^>]*>`).FindAllString(m, -1) {
			if !strings.Contains(table, `role="presentation"`) {
				t.Errorf("a table for layout says nothing of it: %s", table)
			}
		}
		for _, must := range []string{`<html lang="`, `name="color-scheme" content="light dark"`, "prefers-color-scheme: dark", "max-width:600px"} {
			if !strings.Contains(m, must) {
				t.Errorf("a mail lacks %q", must)
			}
		}
		for _, found := range size.FindAllStringSubmatch(m, -1) {
			if px := found[1]; px != "1" && px < "16" {
				t.Errorf("text of %s px", px)
			}
		}
		if strings.Contains(m, "ZgotmplZ") || strings.Contains(m, "&lt;no value") {
			t.Error("a template printed nonsense")
		}
	}
}

func TestEveryStyleExists(t *testing.T) {
	used := map[string]bool{"inner-p": true}
	for _, look := range tagLooks {
		used[look[1]] = true
	}
	files, err := fs.Glob(templates.Email, "email/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		data, err := templates.Email.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`css "([^"]*)"`).FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
		}
	}
	if have, want := slices.Sorted(maps.Keys(styles)), slices.Sorted(maps.Keys(used)); !slices.Equal(have, want) {
		t.Errorf("styles\n have %q\n used %q", have, want)
	}
}

func TestEveryWordIsInBothLanguages(t *testing.T) {
	catalog := sampleCatalog(t)
	english, korean := catalog.Keys(epistle.English), catalog.Keys(epistle.Korean)
	ours := func(key string) bool { return strings.HasPrefix(key, "mail.") || strings.HasPrefix(key, "notice.") }
	for key := range english {
		if ours(key) && !korean[key] {
			t.Errorf("%s has no Korean", key)
		}
	}
	for key := range korean {
		if ours(key) && !english[key] {
			t.Errorf("%s has no English", key)
		}
	}
	for kind := range noticeData {
		for _, part := range []string{"subject", "heading", "body", "button"} {
			if key := "notice." + string(kind) + "." + part; !english[key] {
				t.Errorf("%s is missing", key)
			}
		}
	}
	for _, kind := range epistle.SectionKinds {
		if key := "mail.section." + string(kind); !english[key] {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestMissingPieces(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	n := sampleNewsletter()
	n.ReplyTo = epistle.Mailbox{}
	i := epistle.Issue{ID: 1, Content: epistle.Content{
		Subject: epistle.Text{EN: "Only English"},
		Sections: []epistle.Section{
			{Kind: epistle.PrayersSection},
			{Kind: epistle.NewsSection, Items: []epistle.Item{{Kind: epistle.LinkItem, Title: epistle.Text{EN: "No address"}, URL: epistle.Text{EN: "javascript:alert(1)"}, Date: "soon"}}},
		},
	}}
	e, err := r.Compile(n, i, epistle.Korean, epistle.Full)
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, message(t, e, sampleRecipient(epistle.Korean)).Body)
	if subject, _ := p.header.Subject(); subject != "Only English" {
		t.Errorf("subject %q", subject)
	}
	if strings.Contains(p.html, "함께 기도해 주세요") {
		t.Error("an empty section shows its heading")
	}
	if !strings.Contains(p.html, "No address") || strings.Contains(p.html+p.text, "javascript") || strings.Contains(p.text, "soon") {
		t.Error("a link that is none, or a day that is none, is shown")
	}
	if p.header.Has("Reply-To") || strings.Contains(p.text, "받아 읽는 사람") {
		t.Error("a Reply-To without an address")
	}
}

func TestPreview(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	preview := func(i epistle.Issue) Preview {
		p, err := r.Preview(sampleNewsletter(), i, epistle.English, epistle.Full)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	i := sampleIssue()
	p := preview(i)
	if len(p.Warnings) != 0 || p.Size > 40<<10 || p.Subject != i.Content.Subject.EN || p.Preheader != i.Content.Preheader.EN {
		t.Errorf("%v, %d octets, %q, %q", p.Warnings, p.Size, p.Subject, p.Preheader)
	}
	sent := parse(t, message(t, compile(t, r, epistle.English, epistle.Full), sampleRecipient(epistle.English)).Body)
	links := regexp.MustCompile(`/(u|preferences)/[\w-]+`)
	same := func(s string) string {
		return links.ReplaceAllString(strings.NewReplacer("\r\n", "\n", "Dear Miriam Ayers,", "Dear friend,").Replace(s), "/$1/x")
	}
	if strings.TrimSpace(same(p.HTML)) != strings.TrimSpace(same(sent.html)) || strings.TrimSpace(same(p.Text)) != strings.TrimSpace(same(sent.text)) {
		t.Error("the preview is not the mail")
	}
	i.Content.Sections[0].Items[0].Body.EN = strings.Repeat("A long paragraph of a long letter. ", 2100)
	if p := preview(i); !slices.Contains(p.Warnings, "mail.warning.size") {
		t.Errorf("%d octets: %v", p.Size, p.Warnings)
	}
	i.Content.Sections[0].Items[0].Body.EN = strings.Repeat("A long paragraph of a long letter. ", 3000)
	if p := preview(i); !slices.Contains(p.Warnings, "mail.warning.clipped") {
		t.Errorf("%d octets: %v", p.Size, p.Warnings)
	}
	i.Content.Subject = epistle.Text{}
	if p := preview(i); !slices.Contains(p.Warnings, "mail.warning.subject") {
		t.Error("no warning of an empty subject")
	}
	for _, key := range []string{"mail.warning.size", "mail.warning.clipped", "mail.warning.subject"} {
		if !r.Catalog.Keys(epistle.English)[key] {
			t.Errorf("%s has no words", key)
		}
	}
}

func TestNoticeHeaders(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	m, err := r.Notice(sampleNotice(epistle.NoticeConfirm, epistle.Korean))
	if err != nil {
		t.Fatal(err)
	}
	h := parse(t, m.Body).header
	if h.Get("Auto-Submitted") != "auto-generated" {
		t.Error("a notice does not say that it is generated")
	}
	for _, name := range []string{"List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "Feedback-Id"} {
		if h.Has(name) {
			t.Errorf("a notice has %s", name)
		}
	}
	if from := addresses(t, h, "From"); from[0].Name != "등불길 선교회" || from[0].Address != "office@lantern.example" || m.ReturnPath != "office@lantern.example" {
		t.Errorf("From %v, Return-Path %q", from, m.ReturnPath)
	}
	id, _ := h.MessageID()
	if issue, seq, err := r.Keys.ParseMessageIDLocal(strings.TrimSuffix(id, "@letters.lantern.example")); err != nil || issue != 0 || seq != 77 {
		t.Errorf("Message-ID %q", id)
	}
	again, err := sampleRenderer(t, sampleMinistry()).Notice(sampleNotice(epistle.NoticeConfirm, epistle.Korean))
	if err != nil || string(again.Body) != string(m.Body) {
		t.Error("another attempt gave other bytes")
	}
}

func TestNoticeNeedsItsData(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	for kind, keys := range noticeData {
		for _, key := range append([]string{"link"}, keys...) {
			n := sampleNotice(kind, epistle.English)
			delete(n.Data, key)
			if _, err := r.Notice(n); err == nil {
				t.Errorf("%s without %s was made", kind, key)
			}
		}
	}
	n := sampleNotice(epistle.NoticeHeld, epistle.English)
	n.Kind = "unheard-of"
	if _, err := r.Notice(n); err == nil {
		t.Error("an unknown kind was made")
	}
	n = sampleNotice(epistle.NoticeConfirm, epistle.English)
	n.Data["link"] = "javascript:alert(1)"
	if _, err := r.Notice(n); err == nil {
		t.Error("a script became a button")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for name, spoil := range map[string]func(*Ministry){
		"public URL":    func(m *Ministry) { m.PublicURL = "letters.example" },
		"mail domain":   func(m *Ministry) { m.MailDomain = "a b\r\nX: y" },
		"no domain":     func(m *Ministry) { m.MailDomain = "" },
		"bounce domain": func(m *Ministry) { m.BounceDomain = "b.example\n" },
		"mailto":        func(m *Ministry) { m.MailtoLeave = "x" },
		"contact":       func(m *Ministry) { m.Contact = "" },
	} {
		ministry := sampleMinistry()
		spoil(&ministry)
		if _, err := New(Options{Ministry: ministry}); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every kind that the nouns declare has its table row, and so its words and
// its golden mail.
func TestEveryKindOfNoticeIsKnown(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../epistle/delivery.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "NoticeKind" {
			found++
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			if _, known := noticeData[epistle.NoticeKind(value)]; !known {
				t.Errorf("the notice %q has no row", value)
			}
		}
		return true
	})
	if found < len(noticeData) {
		t.Errorf("%d kinds are declared, the table has %d", found, len(noticeData))
	}
}

// An issue that goes out before or after its slot has the day on which it went.
func TestTheDateIsTheDayOfTheLaunch(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	issue := sampleIssue()
	for launched, want := range map[time.Time]string{
		{}: "26 November 2026",
		time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC): "23 November 2026",
	} {
		issue.LaunchedAt = launched
		preview, err := r.Preview(sampleNewsletter(), issue, epistle.English, epistle.Full)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(preview.HTML, want) || !strings.Contains(preview.Text, want) {
			t.Errorf("launched at %v, the mail is not of %s", launched, want)
		}
	}
}
