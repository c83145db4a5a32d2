package render

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"epistle/internal/dkim"
	"epistle/internal/epistle"
)

// sampleDKIM are keys of both algorithms, drawn once.
var sampleDKIM = sync.OnceValue(func() map[string]dkim.Key {
	keys := map[string]dkim.Key{}
	for _, algorithm := range []string{dkim.RSA, dkim.Ed25519} {
		k, err := dkim.Generate("weekly-"+algorithm, algorithm)
		if err != nil {
			panic(err)
		}
		keys[algorithm] = k
	}
	return keys
})

// signingRenderer makes mails signed with keys of the algorithms.
func signingRenderer(t testing.TB, algorithms ...string) *Renderer {
	t.Helper()
	var keys []dkim.Key
	for _, algorithm := range algorithms {
		keys = append(keys, sampleDKIM()[algorithm])
	}
	signer, err := dkim.New("lantern.example", keys...)
	if err != nil {
		t.Fatal(err)
	}
	r := sampleRenderer(t, sampleMinistry())
	r.Signer = signer
	return r
}

// verify checks every signature of a mail as go-msgauth does.
func verify(t testing.TB, body []byte, signatures int) {
	t.Helper()
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(body), &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		for _, k := range sampleDKIM() {
			if k.RecordName("lantern.example") == name {
				record, err := k.Record()
				return []string{record}, err
			}
		}
		return nil, errors.New("no such name")
	}})
	if err != nil || len(found) != signatures {
		t.Fatalf("%d signatures, %v", len(found), err)
	}
	for _, v := range found {
		if v.Err != nil {
			t.Fatalf("%v:\n%s", v.Err, body)
		}
		covered := strings.ToLower(strings.Join(v.HeaderKeys, " "))
		for _, name := range []string{"from from", "to", "subject", "date", "message-id", "reply-to", "list-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type"} {
			if !strings.Contains(" "+covered+" ", " "+name+" ") {
				t.Errorf("the signature does not cover %s: %s", name, covered)
			}
		}
	}
	wellFormed(t, body)
}

var algorithmSets = map[string][]string{"rsa": {dkim.RSA}, "ed25519": {dkim.Ed25519}, "both": {dkim.RSA, dkim.Ed25519}}

func TestMailsOfEveryKindAreSigned(t *testing.T) {
	for name, algorithms := range algorithmSets {
		t.Run(name, func(t *testing.T) {
			r, again := signingRenderer(t, algorithms...), signingRenderer(t, algorithms...)
			check := func(make func(r *Renderer) (Message, error)) {
				t.Helper()
				m, err := make(r)
				if err != nil {
					t.Fatal(err)
				}
				verify(t, m.Body, len(algorithms))
				parse(t, m.Body)
				if second, err := make(again); err != nil || !bytes.Equal(second.Body, m.Body) {
					t.Errorf("another attempt gave other bytes, %v", err)
				}
			}
			for _, l := range epistle.Languages {
				for _, f := range []epistle.Form{epistle.Full, epistle.Discreet} {
					for _, kind := range []epistle.DeliveryKind{epistle.BulkDelivery, epistle.WelcomeDelivery} {
						rcpt := sampleRecipient(l)
						rcpt.Kind = kind
						check(func(r *Renderer) (Message, error) { return compile(t, r, l, f).Message(rcpt) })
					}
				}
				check(func(r *Renderer) (Message, error) {
					return compile(t, r, l, epistle.Full).Test("office@lantern.example", sampleDate)
				})
				for kind := range noticeData {
					check(func(r *Renderer) (Message, error) { return r.Notice(sampleNotice(kind, l)) })
				}
			}
		})
	}
}

// Signatures hold for readers of all names, one scratch for all of them, and
// the mail beneath is the one that goes out unsigned.
func TestSignedWires(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	e := compile(t, signingRenderer(t, dkim.Ed25519, dkim.RSA), epistle.Korean, epistle.Full)
	unsigned := compile(t, sampleRenderer(t, sampleMinistry()), epistle.Korean, epistle.Full)
	var s Scratch
	for _, rcpt := range readers(t, rnd, 120) {
		w, err := e.Wire(&s, rcpt)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, w.Data(), 2)
		if m := message(t, unsigned, rcpt); !bytes.HasSuffix(w.Data(), m.Body) {
			t.Fatalf("%q: signing changed the mail", rcpt.Name)
		}
	}
}

// One edition and one signer serve many connections, each with its scratch.
func TestConnectionsShareAnEdition(t *testing.T) {
	e := compile(t, signingRenderer(t, dkim.Ed25519), epistle.English, epistle.Full)
	rcpts := readers(t, rand.New(rand.NewPCG(11, 12)), 40)
	var want [][]byte
	for _, rcpt := range rcpts {
		want = append(want, message(t, e, rcpt).Body)
	}
	var connections sync.WaitGroup
	for range 4 {
		connections.Go(func() {
			var s Scratch
			for i, rcpt := range rcpts {
				if w, err := e.Wire(&s, rcpt); err != nil || !bytes.Equal(w.Data(), want[i]) {
					t.Errorf("%q: another mail beside others, %v", rcpt.Name, err)
				}
			}
		})
	}
	connections.Wait()
}

func BenchmarkSignedWire(b *testing.B) {
	for name, algorithms := range algorithmSets {
		b.Run(name, func(b *testing.B) {
			e := compile(b, signingRenderer(b, algorithms...), epistle.Korean, epistle.Full)
			rcpt, s := sampleRecipient(epistle.Korean), new(Scratch)
			b.ReportAllocs()
			for b.Loop() {
				rcpt.Seq++
				if _, err := e.Wire(s, rcpt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
