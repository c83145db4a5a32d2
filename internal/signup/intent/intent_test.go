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

// The comments in testdata were written for these tests by the authors of the
// rules. unseen.jsonl was measured once, and no rule was made with it; nor with
// heldout.jsonl, though its misses were read on the way. tuning.jsonl and
// written.jsonl are what the rules were made with. Each set of written.jsonl
// was measured once before anybody looked at what went wrong; the first
// figures, in the order of the sets (0 was never measured so):
//
//	set        1    2    3    4    5    6    7    8    9   10   11   12   13   14
//	precision .98  .82  .97  .83  .88  .95  .90  .93  .93  .85  .97  .94  .88  .94
//	recall    .68  .67  .81  .74  .81  .96  .85  .91  .97  .86  .94  .94  .92  .98
//
// (set 1 with the rules of before.) unseen.jsonl had .98 and .98 with its first
// 114 comments, which were written between sets 13 and 14, and made no mistake
// with the next 58, written after 14 and plainer; its last 120, by somebody who
// had seen neither the rules nor the sets, had .951 and .967. Many comments of the sets that
// ask for nothing are made to look as if they did, and many that ask do so in a
// roundabout way; a stranger's may still do worse.

type sample struct {
	Asks    []intent.Ask // in tuning.jsonl
	Updates bool         // in the others
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

func TestUpdatesAreFound(t *testing.T) {
	for _, c := range []struct {
		name              string
		precision, recall float64
	}{
		{"heldout.jsonl", 0.95, 0.9},
		{"unseen.jsonl", 0.95, 0.9},
		{"written.jsonl", 0.97, 0.95},
	} {
		var right, wrong, missed float64
		for _, s := range readSamples(t, c.name) {
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
		t.Logf("%s: precision %.3f, recall %.3f", c.name, precision, recall)
		if precision < c.precision || recall < c.recall {
			t.Errorf("%s: precision %.3f (want %.2f or more), recall %.3f (want %.2f or more)", c.name, precision, c.precision, recall, c.recall)
		}
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
		{"평안하세요 🙏 저도 기도편지 받아 보고 싶어요. And please keep me posted!", "저도 기도편지 받아 보고 싶어요|please keep me posted"},
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
		{"He told me: 'please put my name on the list for the letter'. I did not.", false},
		{"'소식 좀 전해 주세요'라는 말이 마음에 남네요.", false},
		{"I was about to ask for the newsletter, but never mind!", false},
		{"I love your newsletter. Unsubscribe.", false},
		{"Please stop the fundraising letters, but do send me the newsletter.", true},
		{"카톡 말고 메일로 소식 받고 싶어요", true},
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
