package render

import (
	"bytes"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"strings"
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// The oracle: go-mail's own rendering of the same issue for the same reader
// decodes to the same headers and parts.
func TestSpliceDecodesLikeGoMail(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	rnd := rand.New(rand.NewPCG(3, 4))
	e := compile(t, r, epistle.Korean, epistle.Full)
	for round := range 150 {
		rcpt := Recipient{
			SubscriberID: rnd.Int64N(1e6), SubscriptionID: rnd.Int64N(1e9), Seq: rnd.Int64N(1e6),
			Name: hostile(rnd), Address: "someone@reader.example", Date: sampleDate,
		}
		if round%10 == 0 {
			rcpt.Name = ""
		}
		v := values{
			greetingField: e.greet(rcpt.Name),
			leaveField:    r.Keys.Link(seal.ToLeave, rcpt.SubscriptionID, 41),
			preferField:   r.Keys.Link(seal.ToPrefer, rcpt.SubscriptionID, 41),
		}
		m := message(t, e, rcpt)
		got := parse(t, m.Body)
		oracle, err := compose(envelope{
			from: encodeMailbox(e.sender()), replyTo: encodeMailbox(e.replyTo()), to: encodeMailbox(addressOf(rcpt)),
			subject: e.subject, date: "Thu, 26 Nov 2026 11:00:03 +0000",
			messageID: r.Keys.MessageIDLocal(41, rcpt.Seq) + "@letters.lantern.example", boundary: "oracle",
			extra: map[string]string{
				"List-Id": e.listID(), "List-Unsubscribe": r.listUnsubscribe(v[leaveField]), "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
				"Precedence": "bulk", "Feedback-ID": e.feedbackID(epistle.BulkDelivery),
			},
		}, e.weekly.html.fill(v, escapeHTML), e.weekly.text.fill(v, escapeText))
		if err != nil {
			t.Fatal(err)
		}
		want := parse(t, oracle)
		if got.text != want.text || got.html != want.html {
			t.Fatalf("%q: a part differs from go-mail's", rcpt.Name)
		}
		for fields := want.header.Fields(); fields.Next(); {
			if key := fields.Key(); key != "Content-Type" && unfold(got.header.Get(key)) != unfold(fields.Value()) {
				t.Fatalf("%s: %q, go-mail says %q", key, got.header.Get(key), fields.Value())
			}
		}
		if got.header.Len() != want.header.Len() {
			t.Fatalf("%d headers, go-mail writes %d", got.header.Len(), want.header.Len())
		}
		wellFormed(t, m.Body)
		if bytes.Contains(m.Body, []byte(r.mark)) {
			t.Fatal("a stand-in was left")
		}
	}
}

func unfold(s string) string { return strings.Join(strings.Fields(s), " ") }

// Any text cut at any places into literals and values encodes to lines of at
// most 76 columns and decodes to itself.
func TestSpliceOfAnything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	alphabet := []string{"a", "=", " ", "\t", "\n", ".", "가", "🕯", "From ", "--", "long-word-without-spaces-", "\r\n", "\r", "é"}
	text := func(n int) string {
		var b strings.Builder
		for range rnd.IntN(n) {
			b.WriteString(alphabet[rnd.IntN(len(alphabet))])
		}
		return b.String()
	}
	for range 2000 {
		var s splice
		for range rnd.IntN(5) {
			s = append(s, piece{literal: text(60), field: greetingField})
		}
		s = append(s, piece{literal: text(60)})
		value := line(text(40))
		var v [256]string
		v[greetingField] = string(quoted(value))
		wire := s.encode().bytes(&v)
		for _, row := range strings.Split(string(wire), "\r\n") {
			if len(row) > 76 || strings.ContainsAny(row, "\r\n") {
				t.Fatalf("row %q of %q", row, s)
			}
		}
		got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(wire)))
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for _, p := range s {
			want.WriteString(crlf(p.literal))
			if p.field != noField {
				want.WriteString(value)
			}
		}
		if string(got) != want.String() {
			t.Fatalf("\n got %q\nwant %q\nwire %q", got, want.String(), wire)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	e := compile(b, sampleRenderer(b, sampleMinistry()), epistle.Korean, epistle.Full)
	rcpt := sampleRecipient(epistle.Korean)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Message(rcpt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	r := sampleRenderer(b, sampleMinistry())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Compile(sampleNewsletter(), sampleIssue(), epistle.Korean, epistle.Full); err != nil {
			b.Fatal(err)
		}
	}
}
