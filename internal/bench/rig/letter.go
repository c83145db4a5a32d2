package rig

import (
	"strings"
	"time"

	"epistle/internal/epistle"
)

func sampleNewsletter() epistle.Newsletter {
	return epistle.Newsletter{
		Slug: "measured", Title: epistle.Text{EN: "The Measured Letter", KO: "재는 편지"},
		Covers:    epistle.Text{EN: "News and prayer.", KO: "소식과 기도."},
		Frequency: epistle.Text{EN: "Weekly.", KO: "매주."},
		Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00", Grace: 12 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Bench Mission", KO: "벤치 선교회"}, Address: "letters@bench.example.org"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "The office", KO: "사무실"}, Address: "office@bench.example.org"},
	}
}

// The letter's length makes a mail of some 27 KB in either language, HTML and
// text together.
const (
	englishParagraphs = 25
	koreanParagraphs  = 9
)

const (
	englishParagraph = "The bus came late again this week, and the children waited under the roof of the market with their bags on their knees. " +
		"Nobody complained. An older woman shared **warm chestnuts**, and before the driver arrived they had learned two songs. " +
		"Please pray for the road over the pass, for the driver's tired back, and for the school that opens in March."
	koreanParagraph = "버스는 늦게 왔고, 아이들은 가방을 무릎에 올려놓고 시장 처마 밑에서 기다렸습니다. " +
		"할머니 한 분이 **따뜻한 군밤**을 나누어 주셨고, 기사님이 오기 전에 아이들은 노래 두 곡을 배웠습니다. " +
		"고갯길과 기사님의 건강, 그리고 삼월에 문을 여는 학교를 위해 기도해 주세요."
)

func sampleContent() epistle.Content {
	repeat := func(s string, n int) string { return strings.TrimSpace(strings.Repeat(s+"\n\n", n)) }
	return epistle.Content{
		Subject:   epistle.Text{EN: "Two songs before the bus", KO: "버스가 오기 전에 배운 노래 두 곡"},
		Preheader: epistle.Text{EN: "Chestnuts, a mountain road, and a school.", KO: "군밤과 고갯길, 그리고 학교."},
		Sections: []epistle.Section{{Kind: epistle.LetterSection, Items: []epistle.Item{{Kind: epistle.LetterItem,
			Body:       epistle.Text{EN: repeat(englishParagraph, englishParagraphs), KO: repeat(koreanParagraph, koreanParagraphs)},
			Signatures: []epistle.Text{{EN: "The whole office", KO: "사무실 식구 일동"}}}}}},
	}
}
