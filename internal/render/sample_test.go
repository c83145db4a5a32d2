package render

import (
	"io/fs"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/seal"
	"epistle/templates"
)

// A fixed key, so that the golden mails stay the same.
const sampleKey = "EPISTLE-AH6VD2-668JGR-33KRND-V73YNY-9FSJU3-EEW5MS-6AT9PG-GR4XKJ-XBY3T8-E3UA"

func sampleMinistry() Ministry {
	return Ministry{
		Name:          epistle.Text{EN: "Lantern Road Mission", KO: "등불길 선교회"},
		PostalAddress: epistle.Text{EN: "27 Hillside Lane, Mapo-gu, Seoul 04001, Korea", KO: "서울 마포구 언덕길 27 (우 04001)"},
		Contact:       "office@lantern.example",
		PublicURL:     "https://letters.lantern.example/",
		MailDomain:    "letters.lantern.example",
	}
}

func sampleCatalog(t testing.TB) *locale.Catalog {
	t.Helper()
	files, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

func sampleRenderer(t testing.TB, ministry Ministry) *Renderer {
	t.Helper()
	key, err := seal.ParseKey(sampleKey)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.NewKeyring(key)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(Options{Ministry: ministry, Catalog: sampleCatalog(t), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sampleNewsletter() epistle.Newsletter {
	return epistle.Newsletter{
		ID: 1, Slug: "prayer-letter", Zone: "Asia/Seoul",
		Title:   epistle.Text{EN: "The Thursday Letter", KO: "목요일의 편지"},
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Lantern Road Mission", KO: "등불길 선교회"}, Address: "letter@lantern.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Hannah Yoon", KO: "윤한나 간사"}, Address: "hannah@lantern.example"},
	}
}

var sampleDate = time.Date(2026, 11, 26, 11, 0, 3, 0, time.UTC)

func sampleIssue() epistle.Issue {
	return epistle.Issue{
		ID: 41, NewsletterID: 1, Number: 12, SendAt: time.Date(2026, 11, 26, 11, 0, 0, 0, time.UTC),
		Content: epistle.Content{
			Subject:   epistle.Text{EN: "The kitchen light was on again 🕯", KO: "부엌 불이 다시 켜졌습니다 🕯 이번 주에 함께 기도할 일들을 전해 드립니다"},
			Preheader: epistle.Text{EN: "Four new neighbours, a broken boiler, and a song that crossed a river.", KO: "새 이웃 네 분, 고장 난 보일러, 그리고 강을 건너온 노래 한 곡."},
			Sections: []epistle.Section{
				{Kind: epistle.LetterSection, Items: []epistle.Item{sampleLetter()}},
				{Kind: epistle.PrayersSection, Items: samplePrayers()},
				{Kind: epistle.NewsSection, Items: sampleNews()},
				{Kind: epistle.QuestionsSection, Items: sampleQuestions()},
				{Kind: epistle.VideoSection, Items: []epistle.Item{{
					Kind: epistle.VideoItem, ID: 71,
					Title: epistle.Text{EN: "Six minutes at the Wednesday table", KO: "수요일 식탁의 6분"},
					Body:  epistle.Text{EN: "No narrator, no music: only the sounds of a kitchen, and grace said in two accents.", KO: "해설도 음악도 없습니다. 부엌의 소리와, 두 가지 억양으로 드리는 식사 기도가 전부입니다."},
					URL:   epistle.Text{EN: "https://video.lantern.example/w/wednesday-table", KO: "https://video.lantern.example/w/wednesday-table"},
				}}},
			},
		},
	}
}

func sampleLetter() epistle.Item {
	return epistle.Item{
		Kind: epistle.LetterItem, ID: 31,
		Body: epistle.Text{
			EN: `On Wednesday evening the boiler in our kitchen gave up, an hour before forty people were due for supper. Mrs Bae laughed, put on her coat indoors, and said that she had cooked for her brothers **in colder rooms than this**.

So we ate with our coats on. Four neighbours were with us for the first time. One of them, a welder of about sixty, asked whether he might sing. It was a hymn that his grandmother hummed when she thought that no one was near; he had never known its words. Somebody at the far end of the table did.

> The light shines in the darkness,
> and the darkness hasn’t overcome it.

If you would like to help with the suppers from 3~5 or 10~12 March, there is [a page with what we need](https://lantern.example/suppers). Three small things would be a gift already:

- one warm coat, any size
- a jar of something you made yourself
- ten minutes of prayer at 18:30 on a Wednesday

Thank you for every line that you write back to us. We read them aloud.

Warmly in Christ,`,
			KO: `수요일 저녁, 마흔 분이 오시기 한 시간 전에 부엌 보일러가 멈췄습니다. 배 권사님은 웃으시며 방 안에서 외투를 꺼내 입으시고는, **"이보다 추운 방"**에서도 동생들 밥을 지었다고 하셨습니다.

그래서 저희는 외투를 입은 채 밥을 먹었습니다. 처음 오신 이웃이 네 분 계셨습니다. 예순쯤 되신 용접공 한 분이 노래를 불러도 되느냐고 물으셨습니다. 할머니가 곁에 아무도 없는 줄 아실 때면 흥얼거리시던 찬송이라고 하셨습니다. 가사는 평생 모르고 지내셨는데, 식탁 저쪽 끝에 그 가사를 아는 분이 계셨습니다.

> 빛이 어둠에 비치되
> 어둠이 깨닫지 못하더라

3~5월과 10~12월의 저녁 식사를 함께 섬기고 싶으시면 [필요한 것을 적어 둔 쪽](https://lantern.example/ko/suppers)을 보아 주세요. 작은 것 세 가지만으로도 큰 선물이 됩니다.

1. 따뜻한 외투 한 벌
2. 손수 담그신 반찬 한 병
3. 수요일 저녁 6시 30분, 10분의 기도

답장으로 보내 주시는 글은 모두 함께 소리 내어 읽습니다. 늘 고맙습니다.

그리스도 안에서,`,
		},
		Signatures: []epistle.Text{
			{EN: "Hannah Yoon and the kitchen team", KO: "윤한나와 부엌 식구들 드림"},
			{EN: "Pastor Elias Brandt", KO: "엘리아스 브란트 목사 드림"},
		},
	}
}

func samplePrayers() []epistle.Item {
	return []epistle.Item{
		{
			Kind: epistle.PrayerItem, ID: 51, Project: epistle.Text{EN: "The Wednesday Table", KO: "수요일 식탁"},
			Title: epistle.Text{EN: "For the four who came for the first time", KO: "처음 오신 네 분을 위하여"},
			Body:  epistle.Text{EN: "They went home late and said that they would think about coming again. Pray that the road there feels shorter next week, and that someone sits down beside them.", KO: "늦게 돌아가시며 다시 올지 생각해 보겠다고 하셨습니다. 다음 주에는 오시는 길이 더 가깝게 느껴지도록, 곁에 앉아 드릴 사람이 있도록 기도해 주세요."},
		},
		{
			Kind: epistle.PrayerItem, ID: 52, Project: epistle.Text{EN: "Radio Hour", KO: "라디오 한 시간"},
			Title: epistle.Text{EN: "For a voice on the short wave", KO: "단파 방송의 목소리를 위하여"},
			Body:  epistle.Text{EN: "Our oldest reader has lost her voice for a month now.\nPray for her throat, and for courage for the two students who read in her place.", KO: "가장 오래 낭독해 오신 분이 한 달째 목소리를 잃으셨습니다.\n목의 회복을 위해, 대신 낭독하는 두 학생에게 담대함을 주시도록 기도해 주세요."},
		},
	}
}

func sampleNews() []epistle.Item {
	return []epistle.Item{
		{
			Kind: epistle.LinkItem, ID: 61, Publisher: "Riverside Courier", Date: "2026-11-19",
			Title: epistle.Text{EN: "Border town opens its first evening school for newcomers", KO: "접경 마을, 새로 온 이웃을 위한 첫 야간 학교를 열다"},
			Body:  epistle.Text{EN: "Thirty seats, and ninety people who asked for one. The teachers are retired and unpaid.", KO: "자리는 서른 개인데 아흔 명이 신청했습니다. 가르치는 이들은 은퇴한 교사들로, 보수를 받지 않습니다."},
			URL:   epistle.Text{EN: "https://www.courier.example/2026/11/evening-school?idxno=20417", KO: "https://www.courier.example/2026/11/evening-school?idxno=20417"},
		},
		{
			Kind: epistle.LinkItem, ID: 62, Publisher: "한마을신문", Date: "2026-11-21",
			Title: epistle.Text{EN: "A choir made of three dialects", KO: "세 가지 사투리로 부르는 합창"},
			Body:  epistle.Text{EN: "The town's new choir sings the same song three ways, and lets the audience choose the last verse.", KO: "마을의 새 합창단이 같은 노래를 세 가지로 부르고, 마지막 절은 듣는 이들이 고르게 합니다."},
			URL:   epistle.Text{EN: "https://hanmaeul.example/news/3381", KO: "https://hanmaeul.example/news/3381"},
		},
	}
}

func sampleQuestions() []epistle.Item {
	return []epistle.Item{
		{
			Kind: epistle.QuestionItem, ID: 65,
			Title: epistle.Text{EN: "May I write to someone whom I pray for?", KO: "제가 기도하는 분께 편지를 써도 되나요?"},
			URL:   epistle.Text{EN: "https://lantern.example/answers/writing", KO: "https://lantern.example/ko/answers/writing"},
		},
		{
			Kind: epistle.QuestionItem, ID: 66,
			Title: epistle.Text{EN: "Why do you never show faces?", KO: "왜 얼굴 사진은 싣지 않나요?"},
			URL:   epistle.Text{EN: "https://lantern.example/answers/faces", KO: "https://lantern.example/ko/answers/faces"},
		},
	}
}

func sampleRecipient(l epistle.Language) Recipient {
	r := Recipient{SubscriberID: 900, SubscriptionID: 901, Seq: 17, Name: "Miriam Ayers", Address: "miriam@reader.example", Date: sampleDate}
	if l == epistle.Korean {
		r.Name, r.Address = "오은하", "eunha@reader.example"
	}
	return r
}
