package signup_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"epistle/internal/signup"
)

func TestWordsThatAskForTheUpdates(t *testing.T) {
	for _, text := range []string{
		"I would like to receive email updates on your work with newcomers.",
		"I'd love to get your prayer letter! Blessings from Oslo.",
		"Please add me to your mailing list.",
		"Please sign me up. Thank you.",
		"Sign us up for the weekly newsletter",
		"How do I subscribe?",
		"Wonderful. Can I get updates by e-mail?",
		"Could you send me the prayer requests every week?",
		"keep me posted, dear friends",
		"I was wondering how to sign up for the email updates",
		"I don't want to miss anything, please add me to the prayer list.",
		"I don't know how to do this, but I want to receive the newsletter.",
		"Don't forget to send me the newsletter!",
		"Can't I get the newsletter by e-mail?",
		"I am interested in receiving your e-mail newsletter.",
		"이메일로 소식을 받고 싶습니다.",
		"저도 기도편지 받아 보고 싶어요",
		"기도 제목을 메일로 보내 주세요!",
		"소식지 구독 신청합니다.",
		"구독하고 싶은데 어떻게 하나요?",
		"매주 소식 받을 수 있을까요?",
		"뉴스레터 받기를 원합니다",
		"기도 동역자 명단에 추가해 주세요.",
		"수고가 많으십니다 메일로 기도제목 알려 주시면 함께 기도하겠습니다",
	} {
		got := signup.ReadIntent(text)
		if !got.Updates || got.Score == 0 || len(got.Spans) == 0 {
			t.Errorf("%q asks for the updates, and was not understood", text)
		}
	}
}

func TestWordsThatDoNotAsk(t *testing.T) {
	for _, text := range []string{
		"",
		"Amen, praying with you every day.",
		"Thank you for the update, it moved me.",
		"I do not want to receive emails.",
		"Please stop sending me the newsletter.",
		"I would like to unsubscribe from your mailing list.",
		"Please remove me from the list, I no longer want to get the emails.",
		"I already receive your weekly updates and love them.",
		"I don't wish to be added to the mailing list",
		"> I would like to receive email updates\nWhat she said moved me.",
		"As my aunt wrote, “I would like to receive email updates on the work”, and she got them.",
		"I love getting the newsletter!",
		"Does your team teach English to newcomers?",
		"Can I get a Bible for my neighbour?",
		"메일 그만 보내 주세요.",
		"소식지 구독을 해지하고 싶습니다.",
		"이메일은 받고 싶지 않습니다.",
		"소식지 잘 받고 있습니다. 감사합니다.",
		"보내 주신 기도편지 감사히 읽었습니다.",
		"기도하겠습니다. 힘내세요!",
		"하나님의 은혜가 함께하시길 바랍니다",
		"이메일 수신 거부 신청합니다",
	} {
		if got := signup.ReadIntent(text); got.Updates {
			t.Errorf("%q does not ask for the updates; the rules saw %q", text, cut(text, got.Spans))
		}
	}
}

func TestTheWordsAreMarkedWhereTheyStand(t *testing.T) {
	text := "평안하세요 🙏 저도 기도편지 받아 보고 싶어요. And please keep me posted! Please add me to your mailing list."
	got := cut(text, signup.ReadIntent(text).Spans)
	if want := "기도편지 받아 보고 싶어요|keep me posted|Please add me to your mailing list"; strings.Join(got, "|") != want {
		t.Errorf("marked %q, want %q", strings.Join(got, "|"), want)
	}
}

func cut(text string, spans []signup.Span) []string {
	var parts []string
	for _, s := range spans {
		parts = append(parts, text[s.Start:s.End])
	}
	return parts
}

func FuzzReadIntent(f *testing.F) {
	for _, s := range []string{"Please add me to the list", "> quoted\n\"one two three four five\" 구독 신청", "\xff\xfe please sign me up", "“", "a.b.c", strings.Repeat("can i ", 500) + "list"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := signup.ReadIntent(text)
		end := 0
		for _, s := range got.Spans {
			if s.Start < end || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("the spans %v of %q are out of order", got.Spans, text)
			}
			end = s.End
			if utf8.ValidString(text) && (!utf8.ValidString(text[:s.Start]) || !utf8.ValidString(text[:s.End])) {
				t.Fatalf("the span %v cuts a character of %q", s, text)
			}
		}
		if got.Updates != (len(got.Spans) > 0) || got.Updates != (got.Score > 0) || got.Score > 100 {
			t.Fatalf("%+v contradicts itself", got)
		}
	})
}
