package seal_test

import (
	"testing"
	"testing/quick"

	"epistle/internal/seal"
)

// A signer that has signed much gives the tokens that a fresh keyring gives.
func TestASignerGivesTheKeyringsTokens(t *testing.T) {
	key := seal.NewKey()
	keyring := func() *seal.Keyring {
		r, err := seal.NewKeyring(key)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	signer, memory := keyring().Signer(), []byte(nil)
	same := func(a, b uint32) bool {
		x, y := int64(a), int64(b)
		memory = signer.AppendLink(memory[:0], seal.ToLeave, x, y)
		if string(memory) != keyring().Link(seal.ToLeave, x, y) {
			return false
		}
		memory = signer.AppendLink(memory[:0], seal.ToConfirm, x)
		if string(memory) != keyring().Link(seal.ToConfirm, x) {
			return false
		}
		memory = signer.AppendBounceLocal(memory[:0], x, y)
		if string(memory) != keyring().BounceLocal(x, y) {
			return false
		}
		memory = signer.AppendMessageIDLocal(append(memory[:0], '<'), x, y)
		return string(memory) == "<"+keyring().MessageIDLocal(x, y)
	}
	if err := quick.Check(same, nil); err != nil {
		t.Error(err)
	}
}

// Tokens in mails that were sent must work for years: their form is fixed.
func TestTokensStayTheSame(t *testing.T) {
	key, err := seal.ParseKey("EPISTLE-AH6VD2-668JGR-33KRND-V73YNY-9FSJU3-EEW5MS-6AT9PG-GR4XKJ-XBY3T8-E3UA")
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, token := range map[string][2]string{
		"link":       {r.Link(seal.ToLeave, 901, 41), "AXWFBynmkVugIxtef07SHE8"},
		"bounce":     {r.BounceLocal(41, 17), "b+afrcsemlbjj6a5nkfy2lhmmmwq"},
		"Message-ID": {r.MessageIDLocal(41, 17), "afwsseiy2oaw647rzwti3ubstq"},
	} {
		if token[0] != token[1] {
			t.Errorf("%s: %s, was %s", what, token[0], token[1])
		}
	}
}

func BenchmarkSigner(b *testing.B) {
	s := newKeyring(b).Signer()
	memory := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		memory = s.AppendLink(memory[:0], seal.ToLeave, 123456, 41)
	}
}

func BenchmarkUnseal(b *testing.B) {
	r := newKeyring(b)
	place := seal.Place{Table: "subscriber", Column: "address", Row: 7}
	sealed, err := r.Seal(place, "grace@example.org")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Unseal(place, sealed); err != nil {
			b.Fatal(err)
		}
	}
}
