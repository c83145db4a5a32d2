package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/quick"

	"epistle/internal/seal"
)

func newKeyring(t testing.TB) *seal.Keyring {
	t.Helper()
	r, err := seal.NewKeyring(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestASealedValueOpensOnlyInItsPlaceAndWithItsKey(t *testing.T) {
	ours, theirs := newKeyring(t), newKeyring(t)
	place := seal.Place{Table: "subscriber", Column: "address", Row: 7}
	sealed, err := ours.Seal(place, "grace@example.org")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("grace")) {
		t.Error("the sealed value shows its content")
	}
	if got, err := ours.Unseal(place, sealed); err != nil || got != "grace@example.org" {
		t.Errorf("unseal: %q, %v", got, err)
	}
	for name, elsewhere := range map[string]seal.Place{
		"another row":    {Table: "subscriber", Column: "address", Row: 8},
		"another column": {Table: "subscriber", Column: "name", Row: 7},
		"another table":  {Table: "staff", Column: "address", Row: 7},
	} {
		if _, err := ours.Unseal(elsewhere, sealed); err == nil {
			t.Errorf("the value opened in %s", name)
		}
	}
	if _, err := theirs.Unseal(place, sealed); err == nil {
		t.Error("the value opened with another key")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := ours.Unseal(place, sealed); err == nil {
		t.Error("a changed value opened")
	}
}

func TestSealingTwiceLooksDifferent(t *testing.T) {
	r := newKeyring(t)
	place := seal.Place{Table: "subscriber", Column: "address", Row: 7}
	one, _ := r.Seal(place, "grace@example.org")
	two, _ := r.Seal(place, "grace@example.org")
	if bytes.Equal(one, two) {
		t.Error("equal values are recognisable by their sealed form")
	}
}

func TestKeyTextSurvivesPaperAndCatchesSlips(t *testing.T) {
	key := seal.NewKey()
	text := key.String()
	onPaper := strings.ToLower(strings.ReplaceAll(text, "-", " - "))
	back, err := seal.ParseKey("  " + onPaper + "\n")
	if err != nil || back != key {
		t.Fatalf("the key did not come back from its text: %v", err)
	}
	slips := 0
	for i := len("EPISTLE-"); i < len(text); i++ {
		if text[i] == '-' {
			continue
		}
		other := byte('A')
		if text[i] == 'A' {
			other = 'B'
		}
		if _, err := seal.ParseKey(text[:i] + string(other) + text[i+1:]); err == nil {
			t.Errorf("a slip at letter %d was not noticed", i)
		}
		slips++
	}
	if slips < 50 {
		t.Fatalf("only %d letters were tried", slips)
	}
}

// The 36 bytes of a key fill 57 letters and three bits of the 58th: four last
// letters decode to the same bytes, and only one of them is the key's own.
func TestKeyTextHasOnlyOneLastLetter(t *testing.T) {
	const letters = "ABCDEFGHJKMNPQRSTUVWXYZ123456789"
	key := seal.NewKey()
	text := key.String()
	head, last := text[:len(text)-1], text[len(text)-1]
	for _, letter := range letters {
		back, err := seal.ParseKey(head + string(letter))
		if byte(letter) == last {
			if err != nil || back != key {
				t.Errorf("the key's own last letter %c was refused: %v", letter, err)
			}
			continue
		}
		if !errors.Is(err, seal.ErrKeyText) {
			t.Errorf("the last letter %c in place of %c was taken: %v", letter, last, err)
		}
	}
}

func TestTokensCarryTheirNumbers(t *testing.T) {
	r := newKeyring(t)
	roundTrip := func(a, b uint32) bool {
		numbers, err := r.ParseLink(seal.ToLeave, r.Link(seal.ToLeave, int64(a), int64(b)))
		if err != nil || len(numbers) != 2 || numbers[0] != int64(a) || numbers[1] != int64(b) {
			return false
		}
		issue, seq, err := r.ParseBounceLocal(strings.ToUpper(r.BounceLocal(int64(a), int64(b))))
		if err != nil || issue != int64(a) || seq != int64(b) {
			return false
		}
		issue, seq, err = r.ParseMessageIDLocal(r.MessageIDLocal(int64(a), int64(b)))
		return err == nil && issue == int64(a) && seq == int64(b)
	}
	if err := quick.Check(roundTrip, nil); err != nil {
		t.Error(err)
	}
}

func TestATokenWorksForItsPurposeAndKeyOnly(t *testing.T) {
	r, other := newKeyring(t), newKeyring(t)
	token := r.Link(seal.ToLeave, 12, 3)
	if _, err := r.ParseLink(seal.ToPrefer, token); err == nil {
		t.Error("an unsubscribe token opened preferences")
	}
	if _, err := other.ParseLink(seal.ToLeave, token); err == nil {
		t.Error("a token of another key was accepted")
	}
	if len(token) > 40 {
		t.Errorf("the token has %d characters; links should stay short", len(token))
	}
}

func FuzzParseLink(f *testing.F) {
	r := newKeyring(f)
	good := r.Link(seal.ToLeave, 12, 3)
	f.Add(good)
	f.Add("")
	f.Add(good + "A")
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := r.ParseLink(seal.ToLeave, token); err == nil && token != good {
			t.Errorf("a forged token was accepted: %q", token)
		}
		_, _, _ = r.ParseBounceLocal(token)
		_, _, _ = r.ParseMessageIDLocal(token)
		_, _ = seal.ParseKey(token)
	})
}

func BenchmarkSealAndIndex(b *testing.B) {
	r := newKeyring(b)
	place := seal.Place{Table: "subscriber", Column: "address", Row: 7}
	for b.Loop() {
		_, _ = r.Seal(place, "grace@example.org")
		_ = r.Index("address", "grace@example.org")
	}
}
