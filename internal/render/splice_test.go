package render

import (
	"bufio"
	"bytes"
	"io"
	"math/rand/v2"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// The oracle: go-mail's own rendering of the same issue for the same reader
// decodes to the same headers and parts.
func TestSpliceDecodesLikeGoMail(t *testing.T) {
	r := sampleRenderer(t, sampleMinistry())
	rnd := rand.New(rand.NewPCG(3, 4))
	e := compile(t, r, epistle.Korean, epistle.Full)
	for _, rcpt := range readers(t, rnd, 150) {
		v := values{
			greetingField: e.greet(rcpt.Name),
			leaveField:    r.Keys.Link(seal.ToLeave, rcpt.SubscriptionID, 41),
			preferField:   r.Keys.Link(seal.ToPrefer, rcpt.SubscriptionID, 41),
		}
		m := message(t, e, rcpt)
		got := parse(t, m.Body)
		oracle, err := compose(envelope{
			from: encodeMailbox(e.sender()), replyTo: encodeMailbox(e.replyTo()), to: encodeMailbox(mail.Address{Name: personName(rcpt.Name), Address: string(rcpt.Address)}),
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

// readers are n people with names and addresses of all sorts.
func readers(t testing.TB, rnd *rand.Rand, n int) []Recipient {
	t.Helper()
	names := []string{
		"", "김은혜", "남궁 다니엘", "Miriam Ayers", "Seán O'Hara", `Grace "Gracie" Lim`, "👩‍👩‍👧 박씨네", "🕯", "Smith & Sons <tools>", "From Here",
		"...", ". dot", "=3D=", "=?utf-8?b?zq==?=", strings.Repeat(".", 100), strings.Repeat("가", 100), strings.Repeat("x", 73) + ".y", strings.Repeat("y.", 50), strings.Repeat("From ", 20),
	}
	addresses := []string{
		"someone@reader.example", strings.Repeat("l", 64) + "@reader.example", "o'hara+letters@reader.example",
		"grace@한마을.example", "grace@xn--bj0bj06e.example", "g@" + strings.Repeat("long-label.", 20) + "example", "!#$%&*-/=?^_{|}~@reader.example",
	}
	var all []Recipient
	for i := range n {
		rcpt := Recipient{SubscriberID: rnd.Int64N(1e6), SubscriptionID: rnd.Int64N(1e9), Seq: rnd.Int64N(1e12), Date: sampleDate}
		if rcpt.Name = hostile(rnd); i%2 == 0 {
			rcpt.Name = names[i/2%len(names)]
		}
		address, err := epistle.ParseAddress(addresses[rnd.IntN(len(addresses))])
		if err != nil {
			t.Fatal(err)
		}
		rcpt.Address = address
		all = append(all, rcpt)
	}
	return all
}

// A scratch that made other mails before makes the bytes that Message makes,
// and a relay that takes the dots away is left with them.
func TestWireIsTheMessage(t *testing.T) {
	ministry := sampleMinistry()
	ministry.BounceDomain, ministry.MailtoLeave = "bounce.lantern.example", "leave@lantern.example"
	r := sampleRenderer(t, ministry)
	rnd := rand.New(rand.NewPCG(7, 8))
	var editions []*Edition
	for _, l := range epistle.Languages {
		editions = append(editions, compile(t, r, l, epistle.Full), compile(t, r, l, epistle.Discreet))
	}
	var s Scratch
	for i, rcpt := range readers(t, rnd, 200) {
		e := editions[i%len(editions)]
		rcpt.Kind = epistle.DeliveryKind(rnd.IntN(2))
		w, err := e.Wire(&s, rcpt)
		if err != nil {
			t.Fatal(err)
		}
		m := message(t, e, rcpt)
		if w.ReturnPath != m.ReturnPath || w.To != string(m.To) || !bytes.Equal(w.Data(), m.Body) {
			t.Fatalf("%q: the scratch made another mail", rcpt.Name)
		}
		taken, err := io.ReadAll(textproto.NewReader(bufio.NewReader(io.MultiReader(bytes.NewReader(w.Data()), strings.NewReader(".\r\n")))).DotReader())
		if err != nil || !bytes.Equal(taken, bytes.ReplaceAll(m.Body, []byte("\r\n"), []byte("\n"))) {
			t.Fatalf("%q: a relay reads another mail, %v", rcpt.Name, err)
		}
		wellFormed(t, w.Data())
	}
}

func TestWireRefuses(t *testing.T) {
	e := compile(t, sampleRenderer(t, sampleMinistry()), epistle.English, epistle.Full)
	var s Scratch
	for what, spoil := range map[string]func(*Recipient){
		"an address with a line end": func(r *Recipient) { r.Address = "a@b\r\nBcc: c@d.example" },
		"no date":                    func(r *Recipient) { r.Date = time.Time{} },
		"an unknown kind":            func(r *Recipient) { r.Kind = 9 },
	} {
		rcpt := sampleRecipient(epistle.English)
		spoil(&rcpt)
		if w, err := e.Wire(&s, rcpt); err == nil || w.Pieces != nil {
			t.Errorf("%s passed", what)
		}
		if _, err := e.Wire(&s, sampleRecipient(epistle.English)); err != nil {
			t.Errorf("after %s: %v", what, err)
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
		var v [fieldLimit][]byte
		v[greetingField] = quoted(value)
		wire := s.encode().append(nil, &v)
		for _, row := range strings.Split(string(wire), "\r\n") {
			if len(row) > 76 || strings.ContainsAny(row, "\r\n") {
				t.Fatalf("row %q of %q", row, s)
			}
			if strings.HasPrefix(row, ".") || strings.HasPrefix(row, "From ") {
				t.Fatalf("row %q of %q needs care on its way", row, s)
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

func BenchmarkWire(b *testing.B) {
	ministry := sampleMinistry()
	ministry.BounceDomain, ministry.MailtoLeave = "bounce.lantern.example", "leave@lantern.example"
	e := compile(b, sampleRenderer(b, ministry), epistle.Korean, epistle.Full)
	rcpt, s := sampleRecipient(epistle.Korean), new(Scratch)
	w, err := e.Wire(s, rcpt)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(w.Data())))
	b.ReportAllocs()
	for b.Loop() {
		rcpt.Seq++
		if _, err := e.Wire(s, rcpt); err != nil {
			b.Fatal(err)
		}
	}
}
