package render

import (
	"bytes"
	"math/rand/v2"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-message/mail"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

func compile(t testing.TB, r *Renderer, l epistle.Language, f epistle.Form) *Edition {
	t.Helper()
	e, err := r.Compile(sampleNewsletter(), sampleIssue(), l, f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func message(t testing.TB, e *Edition, rcpt Recipient) Message {
	t.Helper()
	m, err := e.Message(rcpt)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func addresses(t testing.TB, h mail.Header, name string) []*mail.Address {
	t.Helper()
	list, err := h.AddressList(name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

func TestIssueHeaders(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	rcpt := sampleRecipient(epistle.Korean)
	m := message(t, compile(t, r, epistle.Korean, epistle.Full), rcpt)
	h := parse(t, m.Body).header

	subject, err := h.Subject()
	if err != nil || subject != sampleIssue().Content.Subject.KO {
		t.Errorf("subject %q, %v", subject, err)
	}
	if from := addresses(t, h, "From"); len(from) != 1 || from[0].Name != "등불길 선교회" || from[0].Address != "letter@lantern.example" {
		t.Errorf("From %v", from)
	}
	if to := addresses(t, h, "To"); len(to) != 1 || to[0].Name != "오은하" || to[0].Address != "eunha@reader.example" {
		t.Errorf("To %v", to)
	}
	if reply := addresses(t, h, "Reply-To"); len(reply) != 1 || reply[0].Name != "윤한나 간사" || reply[0].Address != "hannah@lantern.example" {
		t.Errorf("Reply-To %v", reply)
	}
	if date, err := h.Date(); err != nil || !date.Equal(sampleDate) {
		t.Errorf("date %v, %v", date, err)
	}
	id, _ := h.MessageID()
	local, domain, _ := strings.Cut(id, "@")
	if issue, seq, err := r.Keys.ParseMessageIDLocal(local); err != nil || issue != 41 || seq != 17 || domain != "letters.lantern.example" {
		t.Errorf("Message-ID %q: %d %d %v", id, issue, seq, err)
	}
	for name, want := range map[string]string{
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"List-Id":               "<prayer-letter.letters.lantern.example>",
		"Precedence":            "bulk",
		"Feedback-Id":           "41:ko:weekly:epistle",
		"Mime-Version":          "1.0",
		"Auto-Submitted":        "",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	token, found := strings.CutPrefix(h.Get("List-Unsubscribe"), "<https://letters.lantern.example/u/")
	token, closed := strings.CutSuffix(token, ">")
	if numbers, err := r.Keys.ParseLink(seal.ToLeave, token); !found || !closed || err != nil || !slices.Equal(numbers, []int64{901, 41}) {
		t.Errorf("List-Unsubscribe %q: %v %v", h.Get("List-Unsubscribe"), numbers, err)
	}
	if m.ReturnPath != "letter@lantern.example" || m.To != rcpt.Address {
		t.Errorf("envelope %q to %q", m.ReturnPath, string(m.To))
	}
}

func TestOptionalAddresses(t *testing.T) {
	ministry := sampleMinistry()
	ministry.BounceDomain, ministry.MailtoLeave = "bounce.lantern.example", "leave@lantern.example"
	r := sampleRenderer(t, ministry)
	m := message(t, compile(t, r, epistle.English, epistle.Full), sampleRecipient(epistle.English))
	local, domain, _ := strings.Cut(m.ReturnPath, "@")
	if issue, seq, err := r.Keys.ParseBounceLocal(local); err != nil || issue != 41 || seq != 17 || domain != "bounce.lantern.example" {
		t.Errorf("Return-Path %q", m.ReturnPath)
	}
	h := parse(t, m.Body).header
	uris := strings.Split(h.Get("List-Unsubscribe"), ", ")
	if len(uris) != 2 || !strings.HasPrefix(uris[0], "<https://") || !strings.HasPrefix(uris[1], "<mailto:leave@lantern.example?subject=") {
		t.Errorf("List-Unsubscribe %q", uris)
	}
}

func TestLinksOfTheReader(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	p := parse(t, message(t, compile(t, r, epistle.English, epistle.Full), sampleRecipient(epistle.English)).Body)
	for _, part := range []string{p.text, p.html} {
		for prefix, purpose := range map[string]seal.Purpose{"/u/": seal.ToLeave, "/preferences/": seal.ToPrefer} {
			_, rest, found := strings.Cut(part, "https://letters.lantern.example"+prefix)
			end := strings.IndexAny(rest, "\"\r\n ")
			if !found || end < 0 {
				t.Fatalf("no %s link", prefix)
			}
			if numbers, err := r.Keys.ParseLink(purpose, rest[:end]); err != nil || !slices.Equal(numbers, []int64{901, 41}) {
				t.Errorf("%s: %v %v", prefix, numbers, err)
			}
		}
		if !strings.Contains(part, "Dear Miriam Ayers,") {
			t.Error("no greeting by name")
		}
		if strings.Contains(part, r.mark) {
			t.Error("a stand-in was not filled")
		}
	}
	rcpt := sampleRecipient(epistle.English)
	rcpt.Name = ""
	if p := parse(t, message(t, compile(t, r, epistle.English, epistle.Full), rcpt).Body); !strings.Contains(p.text, "Dear friend,") {
		t.Error("no greeting without a name")
	}
}

func TestDiscreet(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	for _, l := range epistle.Languages {
		m := message(t, compile(t, r, l, epistle.Discreet), sampleRecipient(l))
		p := parse(t, m.Body)
		subject, _ := p.header.Subject()
		shown := []string{subject, addresses(t, p.header, "From")[0].Name, addresses(t, p.header, "Reply-To")[0].Name, p.header.Get("List-Id"), p.header.Get("Feedback-Id")}
		head, _, _ := strings.Cut(p.html, "<h1") // title and preheader, which a phone shows while it is locked
		shown = append(shown, head)
		i, n, ministry := sampleIssue(), sampleNewsletter(), sampleMinistry()
		for _, telling := range []string{
			i.Content.Subject.In(l), i.Content.Preheader.In(l), n.Title.In(l), n.Slug, ministry.Name.In(l), n.ReplyTo.Name.In(l),
			"Wednesday Table", "수요일 식탁", "pray", "기도", "mission", "선교",
		} {
			for _, s := range shown {
				if strings.Contains(strings.ToLower(s), strings.ToLower(telling)) {
					t.Errorf("%s: %q tells %q", l, s, telling)
				}
			}
		}
		if !strings.Contains(p.html, i.Content.Sections[1].Items[0].Title.In(l)) {
			t.Error("the discreet form lost its content")
		}
	}
}

func TestSameBytesEveryTime(t *testing.T) {
	rcpt := sampleRecipient(epistle.Korean)
	first := message(t, compile(t, sampleRenderer(t, sampleMinistry()), epistle.Korean, epistle.Full), rcpt)
	for range 20 {
		again := message(t, compile(t, sampleRenderer(t, sampleMinistry()), epistle.Korean, epistle.Full), rcpt)
		if !bytes.Equal(first.Body, again.Body) {
			t.Fatal("another attempt, in another process, gave other bytes")
		}
	}
	rcpt.Seq++
	if other := message(t, compile(t, sampleRenderer(t, sampleMinistry()), epistle.Korean, epistle.Full), rcpt); bytes.Equal(first.Body, other.Body) {
		t.Error("another recipient has the same bytes")
	}
}

// hostile strings try to end a header, begin another, or end the body.
func hostile(rnd *rand.Rand) string {
	bits := []string{"\r\nBcc: x@evil.example", "\n", "\r", "\x00", "\r\n\r\n", "\r\n.\r\n", "김은혜", "O'Hara", `"quoted"`, "<b>", "a@b.example", ",", ";", ":", "(c)", "\\", "=?utf-8?q?x?=", "✝️", "👩‍👩‍👧", "\u202e", "\u2028", "\xff", "Content-Type: text/html", " ", "  ", "Zoë", strings.Repeat("가", 30), strings.Repeat("x", 90), "{{.Name}}", "%0d%0a", "--", "\t"}
	var b strings.Builder
	for range 1 + rnd.IntN(5) {
		b.WriteString(bits[rnd.IntN(len(bits))])
	}
	return b.String()
}

func TestNothingInjects(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	rnd := rand.New(rand.NewPCG(1, 2))
	allowed := []string{"Content-Type", "Date", "Feedback-Id", "From", "List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Message-Id", "Mime-Version", "Precedence", "Reply-To", "Subject", "To"}
	for range 150 {
		n, i, rcpt := sampleNewsletter(), sampleIssue(), sampleRecipient(epistle.English)
		n.Title.EN, n.Sender.Name.EN, n.ReplyTo.Name.EN, n.Slug = hostile(rnd), hostile(rnd), hostile(rnd), hostile(rnd)
		i.Content.Subject.EN, i.Content.Preheader.EN = hostile(rnd), hostile(rnd)
		i.Content.Sections[1].Heading.EN = hostile(rnd)
		i.Content.Sections[1].Items[0].Title.EN, i.Content.Sections[1].Items[0].Body.EN = hostile(rnd), hostile(rnd)
		i.Content.Sections[2].Items[0].URL.EN, i.Content.Sections[2].Items[0].Publisher = "https://x.example/"+hostile(rnd), hostile(rnd)
		rcpt.Name = hostile(rnd)
		e, err := r.Compile(n, i, epistle.English, epistle.Full)
		if err != nil {
			t.Fatal(err)
		}
		m := message(t, e, rcpt)
		wellFormed(t, m.Body)
		p := parse(t, m.Body)
		if _, err := p.header.AddressList("To"); err != nil {
			t.Fatalf("%q: %q", rcpt.Name, p.header.Values("To"))
		}
		var names []string
		for fields := p.header.Fields(); fields.Next(); {
			names = append(names, textproto.CanonicalMIMEHeaderKey(fields.Key()))
		}
		slices.Sort(names)
		if !slices.Equal(names, allowed) {
			t.Fatalf("headers %q", names)
		}
		if to := addresses(t, p.header, "To"); len(to) != 1 || to[0].Address != string(rcpt.Address) || to[0].Name != personName(rcpt.Name) {
			t.Fatalf("name %q: To %v", rcpt.Name, to)
		}
		if subject, err := p.header.Subject(); err != nil || subject != e.subject || line(i.Content.Subject.EN) != "" && subject != line(i.Content.Subject.EN) {
			t.Fatalf("subject %q became %q, %v", i.Content.Subject.EN, subject, err)
		}
		if !utf8.ValidString(p.text) || !utf8.ValidString(p.html) || strings.Contains(p.html, "<b>") {
			t.Fatal("the body is damaged")
		}
		if t.Failed() {
			t.FailNow()
		}
	}
}

func TestRefusesBadAddresses(t *testing.T) {
	e := compile(t, sampleRenderer(t, sampleMinistry()), epistle.English, epistle.Full)
	for _, a := range []epistle.Address{"", "x", "a@b\r\nBcc: c@d.example", "a b@c.example", "<a@b.example>", "a@b.example>", "a@", "@b.example", "가@b.example", "a@b@c.example"} {
		rcpt := sampleRecipient(epistle.English)
		rcpt.Address = a
		if _, err := e.Message(rcpt); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("%q: %v", string(a), err)
		}
		if _, err := e.Test(a, sampleDate); epistle.KindOf(err) != epistle.Invalid {
			t.Errorf("test to %q: %v", string(a), err)
		}
	}
	rcpt := sampleRecipient(epistle.English)
	rcpt.Date = time.Time{}
	if _, err := e.Message(rcpt); err == nil {
		t.Error("a message without a date")
	}
}

func TestTestMessage(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	e := compile(t, r, epistle.Korean, epistle.Full)
	m, err := e.Test("office@lantern.example", sampleDate)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, m.Body)
	p := parse(t, m.Body)
	if subject, _ := p.header.Subject(); !strings.HasPrefix(subject, "[시험] 부엌 불이") {
		t.Errorf("subject %q", subject)
	}
	for _, name := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-Id"} {
		if p.header.Has(name) {
			t.Errorf("a test has %s", name)
		}
	}
	if !strings.Contains(p.text, "시험 메일") || !strings.Contains(p.html, "시험 메일") {
		t.Error("a test does not say that it is one")
	}
}
