package intent_test

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"epistle/internal/signup/intent"
)

// The 200 comments in testdata were written for these tests by the author of
// the rules; half of them ask for the updates. heldout.jsonl, a third of them, was
// written and committed before the first rule. The rules were then made with
// tuning.jsonl and with further sentences outside this repository, and only the two numbers of
// TestHeldOut were looked at until the rules were done (precision 1.000, recall
// 0.970; the one comment that was missed was mended after that). Rules that one
// person wrote and one person judged flatter themselves: a stranger's comments
// will do somewhat worse.

type sample struct {
	Asks    []intent.Ask // in tuning.jsonl
	Updates bool         // in heldout.jsonl
	Text    string
}

func readSamples(t *testing.T, name string) []sample {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []sample
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, s)
	}
	return all
}

func TestHeldOut(t *testing.T) {
	var right, wrong, missed float64
	for _, s := range readSamples(t, "heldout.jsonl") {
		switch asks := intent.Read(s.Text).Has(intent.Updates); {
		case asks && s.Updates:
			right++
		case asks:
			wrong++
		case s.Updates:
			missed++
		}
	}
	precision, recall := right/(right+wrong), right/(right+missed)
	t.Logf("precision %.3f, recall %.3f", precision, recall)
	if precision < 0.95 || recall < 0.9 {
		t.Errorf("precision %.3f (want 0.95 or more), recall %.3f (want 0.9 or more)", precision, recall)
	}
}

func TestTuning(t *testing.T) {
	for _, s := range readSamples(t, "tuning.jsonl") {
		if got := intent.Read(s.Text); !slices.Equal(got.Asks, s.Asks) {
			t.Errorf("%q asks for %v; the rules say %v", s.Text, s.Asks, got)
		}
	}
}

func TestTheWordsAreMarkedWhereTheyStand(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"평안하세요 🙏 저도 기도편지 받아 보고 싶어요. And please keep me posted!", "기도편지 받아 보고 싶어요|And please keep me posted"},
		{"Amen ?✝️? I’d LOVE to recieve your e-mail updates.", "I’d LOVE to recieve your e-mail updates"},
		{norm.NFD.String("주님의 평안! 소식지 신청합니다."), norm.NFD.String("소식지 신청합니다")},
		{"Ｐｌｅａｓｅ ｓｉｇｎ ｍｅ ｕｐ now", "Ｐｌｅａｓｅ ｓｉｇｎ ｍｅ ｕｐ"},
		{"How old is the church? Please pray for us.", "How old is the church?|Please pray for us"},
	} {
		var parts []string
		for _, s := range intent.Read(c.text).Spans {
			parts = append(parts, c.text[s.Start:s.End])
		}
		if got := strings.Join(parts, "|"); got != c.want {
			t.Errorf("in %q are marked %q, want %q", c.text, got, c.want)
		}
	}
}

func TestQuotesAndRefusals(t *testing.T) {
	for _, c := range []struct {
		text string
		asks bool
	}{
		{"> Please sign me up\nAmen to that.", false},
		{"<blockquote>Please sign me up</blockquote> Amen to that.", false},
		{"<blockquote>Amen to that.</blockquote> Please sign me up.", true},
		{"“Please add me to the list”, wrote my aunt in 2019.", false},
		{"「소식지를 받고 싶습니다」라고 쓰셨네요.", false},
		{"I want the “Prayer Partner Update” emails, please add me.", true},
		{"Please don't sign me up.", false},
		{"I don't know how to do this, but please sign me up.", true},
		{"소식지는 그만 보내 주세요", false},
		{"소식지를 받지 않습니다", false},
		{"그동안 받지 못했지만 이제 소식지를 받고 싶습니다", true},
	} {
		if got := intent.Read(c.text); got.Has(intent.Updates) != c.asks {
			t.Errorf("%q: %v", c.text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{"Please add me to the list", "> quoted\n\"one two three four five\" 구독 신청", "\xff\xfe please sign me up", "“", "a.b.c", "?✝️?", "\u1100\u1161\u11a8",
		strings.Repeat("can i ", 500) + "list", "성경을 받고 싶습니다. Could I get a Bible? https://a.example http://b.example", "id like it", "ﬁnd İ ẞ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := intent.Read(text)
		end := 0
		for _, s := range got.Spans {
			if s.Start < end || s.End <= s.Start || s.End > len(text) || !got.Has(s.Ask) {
				t.Fatalf("the spans %v of %q are out of order", got.Spans, text)
			}
			end = s.End
			if utf8.ValidString(text) && (!utf8.ValidString(text[:s.Start]) || !utf8.ValidString(text[:s.End])) {
				t.Fatalf("the span %v cuts a character of %q", s, text)
			}
		}
		if got.Score < 0 || got.Score > 1 || (got.Score > 0) != (len(got.Asks) > 0) {
			t.Fatalf("%+v contradicts itself", got)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	text := "Thank you for the update! I have been praying for the newcomers for years. How can I receive these each week? 저도 기도편지를 이메일로 받고 싶습니다. Please pray for my daughter, she lost her job."
	for b.Loop() {
		intent.Read(text)
	}
}
