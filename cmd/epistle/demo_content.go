package main

import "epistle/internal/epistle"

// The sample ministry of the demo. Every person, place and page is invented.

var sampleMinistry = struct{ Name, PostalAddress epistle.Text }{
	Name:          epistle.Text{EN: "Lantern House", KO: "등불의집"},
	PostalAddress: epistle.Text{EN: "12 Donggyo-ro 3-gil, Mapo-gu, Seoul 04001, Korea", KO: "04001 서울특별시 마포구 동교로3길 12"},
}

var sampleNewsletter = epistle.Newsletter{
	Slug:  "prayer-partners",
	Title: epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
	Covers: epistle.Text{
		EN: "A letter from our team, prayer requests from North Korean believers and newcomers, and news that we have checked.",
		KO: "저희가 쓴 편지, 북한 성도와 탈북민의 기도제목, 직접 확인한 소식을 담습니다.",
	},
	Frequency:      epistle.Text{EN: "Once a week, on Thursday evening (Korea time).", KO: "매주 목요일 저녁에 한 번 보냅니다."},
	WordingVersion: 1,
	Sender: epistle.Mailbox{
		Name:    epistle.Text{EN: "Lantern House", KO: "등불의집"},
		Address: "update@lantern-house.example",
	},
	ReplyTo: epistle.Mailbox{
		Name:    epistle.Text{EN: "Hannah Seo, Lantern House", KO: "등불의집 서한나"},
		Address: "hannah@lantern-house.example",
	},
}

// The author writes, the editor approves.
var sampleStaff = []epistle.StaffMember{
	{Name: "Hannah Seo", Address: "author@lantern-house.example", Role: epistle.Author, Language: epistle.English},
	{Name: "Daniel Moon", Address: "editor@lantern-house.example", Role: epistle.Admin, Language: epistle.English},
}

var sampleProjects = []epistle.Project{
	{Slug: "first-year", Title: epistle.Text{EN: "The First Year", KO: "첫해 동행"}, PageURL: "https://lantern-house.example/the-first-year/"},
	{Slug: "pocket-gospels", Title: epistle.Text{EN: "Pocket Gospels", KO: "손안의 복음서"}, PageURL: "https://lantern-house.example/pocket-gospels/"},
	{Slug: "night-school", Title: epistle.Text{EN: "Night School", KO: "등불 야학"}, PageURL: "https://lantern-house.example/night-school/"},
}

var sampleLetter = epistle.Letter{
	Title: epistle.Text{EN: "A kitchen table in Incheon", KO: "인천의 식탁 하나"},
	Body: epistle.Text{
		EN: `Last Tuesday I carried two bags of winter cabbage up four flights of stairs to a small flat near the harbour. The woman who lives there came to the South eleven months ago. Let me call her **Mrs. J**.

She had never made kimchi with anyone but her mother, and her mother is still on the other side of the river. So three of our volunteers sat around her table, sleeves rolled up, and she taught *us*. When the last jar was closed she was quiet for a while. Then she said, "This is the first winter that smells right."

We did not give a lesson that evening. We prayed, briefly, and ate. But it reminded me how much of this work is done at kitchen tables:

- listening before speaking,
- staying longer than planned,
- and coming back when we said we would.

Thank you for sitting at these tables with us through your prayers. You are heard in more rooms than you know.

With thanks and hope,`,
		KO: `지난 화요일, 배추 두 포기를 들고 항구 근처 작은 집까지 네 층을 걸어 올라갔습니다. 그 집에는 열한 달 전에 남쪽에 온 분이 살고 계십니다. 여기서는 **정 자매(가명)**라고 부르겠습니다.

정 자매는 어머니 말고는 누구와도 김장을 해 본 적이 없다고 했습니다. 어머니는 아직 강 건너편에 계십니다. 그래서 저희 봉사자 세 사람이 소매를 걷고 둘러앉았고, 정 자매가 *저희를* 가르쳐 주었습니다. 마지막 통을 닫고 한참 말이 없더니 이렇게 말했습니다. "겨울 냄새가 제대로 나는 건 올해가 처음이에요."

그날 저녁에는 성경 공부를 하지 않았습니다. 짧게 기도하고 함께 밥을 먹었습니다. 그래도 이 사역의 많은 부분이 식탁에서 이루어진다는 것을 다시 배웠습니다.

- 말하기 전에 듣는 일,
- 예정보다 오래 머무는 일,
- 다시 오겠다고 한 날에 다시 가는 일.

기도로 이 식탁에 함께 앉아 주셔서 고맙습니다. 여러분의 기도는 생각보다 많은 방에 닿고 있습니다.

감사와 소망을 담아,`,
	},
	Signatures: []epistle.Text{
		{EN: "Hannah Seo", KO: "서한나 드림"},
		{EN: "and the Lantern House team", KO: "등불의집 식구 일동"},
	},
	State: epistle.Current,
}

// project is an index into sampleProjects, -1 for none.
var samplePrayers = []struct {
	project int
	prayer  epistle.Prayer
}{
	{0, epistle.Prayer{
		Headline: epistle.Text{EN: "For Mrs. J and her mother", KO: "정 자매와 어머니를 위해"},
		Body: epistle.Text{
			EN: "Mrs. J has not heard from her mother since spring. Pray that a safe word would reach her before the river freezes, and that she would not carry this winter alone.",
			KO: "정 자매는 봄 이후로 어머니 소식을 듣지 못했습니다. 강이 얼기 전에 안전하게 소식이 닿도록, 이 겨울을 혼자 견디지 않도록 기도해 주세요.",
		}}},
	{0, epistle.Prayer{
		Headline: epistle.Text{EN: "For newcomers looking for work", KO: "일자리를 찾는 탈북민들을 위해"},
		Body: epistle.Text{
			EN: "Five people whom we walk with finish their training this month. Pray for employers who are patient with an accent, and for the courage to try again after a refusal.",
			KO: "함께 걷는 다섯 분이 이번 달 직업 교육을 마칩니다. 말씨를 너그럽게 받아 주는 일터를 만나고, 거절당해도 다시 도전할 용기를 얻도록 기도해 주세요.",
		}}},
	{1, epistle.Prayer{
		Headline: epistle.Text{EN: "For those who carry the pocket Gospels", KO: "손안의 복음서를 전하는 이들을 위해"},
		Body: epistle.Text{
			EN: "The small Gospels travel by roads that we do not write about. Pray for the people on those roads: for cover, for wisdom, and for a place to rest.",
			KO: "작은 복음서는 저희가 적지 않는 길로 다닙니다. 그 길 위의 사람들을 지켜 주시고, 지혜와 쉴 곳을 주시도록 기도해 주세요.",
		}}},
	{2, epistle.Prayer{
		Headline: epistle.Text{EN: "For a night-school teacher", KO: "야학 선생님 한 분을 위해"},
		Body: epistle.Text{
			EN: "Fourteen students want to learn to read the Bible aloud and only one teacher is free on Mondays. Pray for a second pair of hands and a warm classroom.",
			KO: "열네 명이 성경을 소리 내어 읽고 싶어 하는데 월요일에 올 수 있는 선생님은 한 분뿐입니다. 함께할 손길과 따뜻한 교실을 주시도록 기도해 주세요.",
		}}},
	{-1, epistle.Prayer{
		Headline: epistle.Text{EN: "For a church meeting in silence", KO: "소리 없이 모이는 교회를 위해"},
		Body: epistle.Text{
			EN: "A handful of believers meet without singing, so that the neighbours hear nothing. Pray that what cannot be sung would still be known.",
			KO: "몇몇 성도가 이웃에게 들리지 않도록 찬송 없이 모입니다. 소리 내어 부르지 못하는 찬양도 온전히 드려지도록 기도해 주세요.",
		}}},
}

var sampleLinks = []epistle.Link{
	{
		URL: "https://news.harbour-post.example/2026/11/winter-heating-fund", Publisher: "Harbour Post", PublishedOn: "2026-11-19",
		Title:   epistle.Text{EN: "Incheon opens a winter heating fund for newcomers", KO: "인천시, 탈북민 가정을 위한 겨울 난방비 기금 마련"},
		Summary: epistle.Text{EN: "The city will pay part of the heating bill of families in their first three years. Thank God for it, and pray that those who need it hear of it.", KO: "정착 3년 이내 가정의 난방비 일부를 시에서 지원합니다. 감사드리며, 꼭 필요한 가정에 소식이 닿도록 기도해 주세요."},
		Note:    "Read on the paper's own site; the city's notice of the same day says the same.",
	},
	{
		URL: "https://www.river-watch.example/reports/crossings-autumn-2026", Publisher: "River Watch", PublishedOn: "2026-11-17",
		Title:   epistle.Text{EN: "Autumn report: fewer crossings, longer waits", KO: "가을 보고서: 강을 건너는 이는 줄고 기다림은 길어져"},
		Summary: epistle.Text{EN: "Researchers counted fewer people on the northern route and more who are stuck half-way. Pray for those who wait.", KO: "북쪽 길을 지나는 사람은 줄었지만 중간에 발이 묶인 사람은 늘었습니다. 기다리는 이들을 위해 기도해 주세요."},
		Note:    "Their own report; we know the editor.",
	},
	{
		URL: "https://www.mapo-herald.example/articles/night-school-ten-years", Publisher: "Mapo Herald", PublishedOn: "2026-11-14",
		Title:   epistle.Text{EN: "A night school turns ten", KO: "열 돌을 맞은 동네 야학"},
		Summary: epistle.Text{EN: "The local paper visited the classroom and let the students speak for themselves.", KO: "지역 신문이 교실을 찾아 학생들의 이야기를 들었습니다."},
		Note:    "We were there when the reporter came.",
	},
}

// waitingLink still needs a second person in the demo.
var waitingLink = epistle.Link{
	URL: "https://www.peninsula-review.example/2026/11/20/radio-hours", Publisher: "Peninsula Review", PublishedOn: "2026-11-20",
	Title:   epistle.Text{EN: "Short-wave hours to the North are cut again", KO: "대북 단파 방송 시간 또 줄어"},
	Summary: epistle.Text{EN: "Two stations will broadcast for one hour less a night from December.", KO: "12월부터 두 방송사가 하루 한 시간씩 방송을 줄입니다."},
	Note:    "Found in the morning reader. Please compare it with the stations' own pages.",
}

var sampleQuestions = []epistle.Question{
	{
		Text: epistle.Text{EN: "How can my church welcome someone from the North?", KO: "우리 교회는 탈북민을 어떻게 맞이하면 좋을까요?"},
		URL:  epistle.Text{EN: "https://lantern-house.example/answers/welcome/", KO: "https://lantern-house.example/ko/answers/welcome/"},
	},
	{
		Text: epistle.Text{EN: "Where do the pocket Gospels come from?", KO: "손안의 복음서는 어디에서 만들어지나요?"},
		URL:  epistle.Text{EN: "https://lantern-house.example/answers/pocket-gospels/", KO: "https://lantern-house.example/ko/answers/pocket-gospels/"},
	},
	{
		Text: epistle.Text{EN: "Why do you not print names and faces?", KO: "왜 이름과 얼굴을 싣지 않나요?"},
		URL:  epistle.Text{EN: "https://lantern-house.example/answers/names/", KO: "https://lantern-house.example/ko/answers/names/"},
	},
}

var sampleVideo = epistle.Video{
	Title: epistle.Text{EN: "Three minutes in the night school", KO: "야학에서 보낸 3분"},
	Body: epistle.Text{
		EN: "No faces, only hands and voices: the Monday class reads Psalm 121 aloud for the first time.",
		KO: "얼굴은 나오지 않습니다. 손과 목소리만 담았습니다. 월요일 반이 시편 121편을 처음으로 소리 내어 읽습니다.",
	},
	URL:   "https://lantern-house.example/video/night-school/",
	State: epistle.Current,
}

var samplePage = epistle.Page{
	URL:   "https://lantern-house.example/the-first-year/",
	Title: epistle.Text{EN: "The First Year", KO: "첫해 동행"},
}

// sampleComment is one in the thread; decided says what the moderators did.
type sampleComment struct {
	name, address, body string
	language            epistle.Language
	reply               string // the staff's answer, if there is one
	pending             bool   // left for the visitor of the demo to decide
}

var sampleComments = []sampleComment{
	{name: "Abel Norström", address: "abel.norstrom@fjordmail.example", language: epistle.English,
		body: "Praying for Mrs. J tonight, and for the ones who climb those stairs. 🙏"},
	{name: "오소망", address: "somang.oh@haetsal.example", language: epistle.Korean,
		body: "글을 읽으면서 저희 할머니 생각이 났습니다. 함께 기도하겠습니다."},
	{name: "Ruth Adeyemi", address: "ruth.adeyemi@lagosline.example", language: epistle.English,
		body:  "Does your team ever visit on the islands? My aunt's church on Jeju would love to help.",
		reply: "Thank you, Ruth! We go to Jeju twice a year. I will write to you this week so that we can meet your aunt. – Hannah"},
	{name: "Tomás Ibarra", address: "tomas.ibarra@sierranet.example", language: epistle.English,
		body: "Amén. The Lord keeps every door that nobody else can open."},
	{name: "Joanna Whitlock", address: "joanna.whitlock@millpond.example", language: epistle.English, pending: true,
		body: "I would love to receive your email updates so that our Wednesday group can pray with you. Also, do you need English tutors for the night school?"},
	{name: "백은결", address: "eungyeol.baek@dalbit.example", language: epistle.Korean, pending: true,
		body: "힘내세요! 기도하고 있습니다. ✝️"},
}

// sampleSubscribers are imported as confirmed, the way a ministry moves in:
// name, address, language.
var sampleSubscribers = []struct {
	name, address string
	language      epistle.Language
}{
	{"Adaeze Okonkwo", "adaeze@riverlight.example", "en"},
	{"Björn Hallqvist", "bjorn.h@norrsken.example", "en"},
	{"Caleb Winterbourne", "caleb.w@oldmill.example", "en"},
	{"Dorothea Lindqvist", "dorothea@norrsken.example", "en"},
	{"Ezekiel Marsh", "zeke.marsh@harborlane.example", "en"},
	{"Fiona MacAskill", "fiona.mac@skyemail.example", "en"},
	{"Gideon van Rensburg", "gideon@karoopost.example", "en"},
	{"Hyacinth Bellamy", "hyacinth.b@oldmill.example", "en"},
	{"Isidore Fontaine", "isidore@clairvue.example", "en"},
	{"Jemima Oyelaran", "jemima.o@riverlight.example", "en"},
	{"Keziah Trelawney", "keziah@cornishbay.example", "en"},
	{"Lazarus Papadakis", "lazarus.p@egeon.example", "en"},
	{"Magdalena Brzezińska", "magda.b@wislamail.example", "en"},
	{"Nehemiah Castellanos", "nehemiah@sierranet.example", "en"},
	{"Ottilie Steinbrecher", "ottilie@waldpost.example", "en"},
	{"Philippa Ashdown-Reyes", "pippa.reyes@millpond.example", "en"},
	{"Quentin Delacroix", "quentin@clairvue.example", "en"},
	{"Rosalind Achterberg", "rosalind.a@polderpost.example", "en"},
	{"Silas Nakamura", "silas.n@harborlane.example", "en"},
	{"Tabitha O'Rourke", "tabitha.orourke@skyemail.example", "en"},
	{"Uriah Bancroft", "uriah@oldmill.example", "en"},
	{"Verity Sandoval", "verity.s@sierranet.example", "en"},
	{"Winifred Ngata", "winifred@aotearoa-mail.example", "en"},
	{"Xanthe Kyriakou", "xanthe.k@egeon.example", "en"},
	{"", "prayer.chain@gracechapel.example", "en"},
	{"강누리", "nuri.kang@haetsal.example", "ko"},
	{"고운비", "unbi.ko@dalbit.example", "ko"},
	{"남궁슬기", "seulgi.ng@haetsal.example", "ko"},
	{"노아름", "areum.noh@dalbit.example", "ko"},
	{"도한결", "hangyeol.do@saebyeok.example", "ko"},
	{"류다솜", "dasom.ryu@haetsal.example", "ko"},
	{"마은별", "eunbyeol.ma@saebyeok.example", "ko"},
	{"문가온", "gaon.moon@dalbit.example", "ko"},
	{"반이든", "ideun.ban@haetsal.example", "ko"},
	{"사공찬미", "chanmi.sg@saebyeok.example", "ko"},
	{"선우예찬", "yechan.sw@dalbit.example", "ko"},
	{"신바름", "bareum.shin@haetsal.example", "ko"},
	{"안라온", "raon.ahn@saebyeok.example", "ko"},
	{"여름이", "reumi.yeo@dalbit.example", "ko"},
	{"연샘물", "saemmul.yeon@haetsal.example", "ko"},
	{"우진솔", "jinsol.woo@saebyeok.example", "ko"},
	{"제갈온유", "onyu.jegal@dalbit.example", "ko"},
	{"차미르", "mireu.cha@haetsal.example", "ko"},
	{"탁여울", "yeoul.tak@saebyeok.example", "ko"},
	{"하나린", "narin.ha@dalbit.example", "ko"},
	{"황보은총", "eunchong.hb@haetsal.example", "ko"},
}

// sampleLeft left by their own click, sampleSuppressed must not be mailed,
// samplePending never confirmed. All are among or beside the subscribers.
var (
	sampleLeft       = []string{"uriah@oldmill.example", "yeoul.tak@saebyeok.example"}
	sampleSuppressed = []string{"xanthe.k@egeon.example"}
	samplePending    = []struct {
		name, address string
		language      epistle.Language
	}{
		{"Yolanda Prendergast", "yolanda.p@millpond.example", "en"},
		{"한소담", "sodam.han@saebyeok.example", "ko"},
	}
)
