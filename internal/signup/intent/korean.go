package intent

import (
	"regexp"
	"strings"
)

// The rules for Korean. A space in a rule stands for a space or none, as people
// write it either way. A request is known by its stem, so that every degree of
// politeness is found: 받고 싶다, 받고 싶어요, 받고 싶습니다.

// korean compiles an expression.
func korean(alternatives ...string) *regexp.Regexp {
	return regexp.MustCompile(strings.ReplaceAll(anyOf(alternatives...), " ", `\s*`))
}

var (
	// koreanUpdates is what a newsletter and its parts are called.
	koreanUpdates = korean(`이 메일`, `메일링(?: 리스트| 서비스)?`, `(?:전자 )?메일`, `소식 지`, `소식 레터`, `소식`, `기도 (?:편지|제목|소식|카드|정보|수첩)`, `뉴스 레터`, `뉴스`, `업데이트`, `기도 동역자`, `회보`, `선교 편지`, `편지`, `월간지`, `월보`, `소책자 메일`, `알림`, `간행물`, `레터`,
		`명단`, `목록`, `리스트`, `새 글`, `구독`, `newsletters?`, `emails?`, `updates?`, `news`, `mailing list`, `list`)

	// koreanAsks is how somebody asks for them.
	koreanAsks = korean(
		`받 고 (?:싶|파|자 |시퍼|픈|싶)`, `받아 보 고 (?:싶|파|자)`, `받아 보 (?:았|면|길|기|려|겠|고 싶)`, `받아 봤으면`, `받아 볼 (?:수|게|래|방법|까)`, `받아 보자`, `받아 보 기 를?`, `받을 (?:수|게|래|방법|길|까)`, `받으려(?:면|고|는데|합)`, `받으면 (?:좋|감사|고맙|되|하)`, `받았으면`, `받기 (?:를|을)? (?:원|희망|바라|바랍)`, `받길 (?:원|희망|바라|바랍)`, `받(?:겠습|겠어|을게|을께)`, `받게 (?:해|되면)`, `받는 (?:방법|법|곳)`, `받고자`, `받아 보고자`, `받아야 하는지`, `받나요`,
		`수신 (?:신청|하고 싶|희망|원|부탁|을 원|을 희망)`, `접하고 싶`, `듣고 (?:싶|자)`, `들을 수 있`, `들었으면`, `알고 싶`, `함께하고 싶`,
		`(?:보내|부쳐|넣어|추가 해|올려|알려|전해|공유 해|나눠|나누어|포함 (?:해|시켜)|끼워|등록 해|가입 시켜|들려|띄워|발송 해|신청 해|남겨|적어|전달 해|써|챙겨) ?(?:주(?:세요|세용|십|시면|시기|시겠|시길|실|면|기|길|라|렴|시죠|시지|시고|시는지|시나|시려|셨으면|었으면|신다면|셔요|소서|심|나요)|줄 (?:수|래|까|지)|줘|달라|줬으면)`,
		`(?:추가|등록|발송|공유|포함|안내|전송|전달|연락) ?(?:도|좀|을|를)? ?(?:부탁|요청|바랍|가능|바라)`, `받아서? (?:함께|같이|매일|매주)? ?기도 ?(?:하고 싶|할게|하겠|하려)`, `보내 ?(?:달라|다오)`, `주세요`, `주십시오`, `주시면`, `주실 수`, `주시겠`, `주실래`, `부탁`,
		`신청 ?(?:을|도|은|이|요|하|합|할|해요|해 |드|방법|가능|서|부탁|원|희망|어디|어떻게|됩|되|안내|이요|입니다|이에요|링크|양식|$)`, `구독 ?(?:을|도|은|이|요|하|합|할|해요|해 주세|신청|방법|가능|부탁|원|희망|어디|어떻게|됩|되|링크|$)`, `가입 ?(?:하고|할|합|하려|신청|방법|부탁|원|희망|가능)`,
		`원합니다`, `원해요`, `희망합니다`, `희망해요`, `가능할까`, `가능한가`, `가능한지`, `있을까요`, `없을까요`, `있나요`, `있는지`, `되고 싶`, `참여하고 싶`,
	)

	// koreanAlone needs nothing beside it.
	koreanAlone = korean(
		`구독 (?:을|도|은|이)? ?(?:신청 ?(?:합|해요|할|하|이요|부탁|방법|원|은|을|$)|부탁|원합|원해|희망|하고 (?:싶|자|파)|할게|할께|할래|하겠|하려|할 수|하길|하기|가능|방법|은? ?어디|은? ?어떻게|이?요|해 주세|시켜|추가|합니다|해요)`,
		`(?:sign up|subscribe|join|add me) ?(?:을|를)? ?(?:하고 싶|하려|할게|할래|하면|부탁|할 수|신청|해 주|원)`,
		`(?:정기 ?구독|메일 ?구독|이메일 ?구독) ?(?:$|[^하중자했])`,
	)

	// koreanDone follows a request that is none: thanks, something past, a
	// refusal, or what somebody said.
	koreanDone = regexp.MustCompile(`^\S{0,6}?(?:(?:었|았|였)(?:습|어|다|네|지|는|고|던)|셔서|신\s|신데|시는\s|시니|셨|줘서|준\s|던\s|던데|지\s?(?:않|마|말|못)|지는?\s?않|진\s?않|(?:다|라|냐|자)고\s?(?:했|하셨|하시던|하던|말씀|그랬|들었|하신|한\s|적))`)
	// koreanPast is a request that was made before.
	koreanPast = korean(`(?:신청|구독|가입|등록) ?(?:을 )?(?:했|하고 (?:있|계)|하였|해서|한 |중|자|돼|되어|된|하셔|하신|하셨|했었|완료|취소|해지|철회|하는 (?:분|사람|중|친구)|하시는)`)

	koreanRefusals = korean(`그만`, `해지`, `취소`, `중단`, `중지`, `탈퇴`, `철회`, `수신 ?거부`, `거부`, `받지 (?:않|말|못)`, `받고 싶지`, `싶지 (?:는 )?않`, `보내지 (?:마|말|않)`, `(?:^|\s)안 (?:받|보내|주셔|오게|봐도)`, `원치 않`, `원하지 않`, `바라지 않`, `필요 (?:가 |는 )?(?:없|하지 않)`,
		`이미 (?:받|구독|신청|등록)`, `잘 받(?:고|았|아 보)`, `받고 (?:있|계)`, `받아 보고 (?:있|계)`, `빼 (?:주|줘)`, `삭제`, `제외`, `차단`, `끊어`, `사양`, `됐습니다`, `말아 ?주`, `마세요`, `마십시오`, `옵소서`, `주여`, `주님 ?,`, `지 않아도`, `지 않으셔도`, `안 하셔도`)

	// koreanOthers stand between what is asked for and another request.
	koreanOthers = korean(`읽고 `, `듣고 [^싶자]`, `보고 [^싶자]`, `받고 [^싶자]`, `성경`, `책`, `기도해`, `후원`, `봉사`, `수업`, `캠프`, `강의`, `선물`, `사진`, `영상`, `계좌`, `연락처`, `은혜`, `사랑`, `위로`, `감사`, `답장`, `전화`, `확인`, `수정`, `답변`, `검토`, `번역`, `연결`, `문의`)
	// koreanObject is something else that is asked for: 무엇을.
	koreanObject = regexp.MustCompile(`[가-힣]+[을를]\s`)
	koreanOwn    = korean(`저희?`, `제`, `나`, `우리`, `신청`, `구독`, `안내`, `발송`, `추가`, `연락`, `이름`, `주소`, `메일`, `글`, `있을`, `없을`, `받을`, `읽을`, `같을`, `좋을`, `싶을`, `했을`)
	koreanEnrols = korean(`^(?:추가|등록|넣어|올려|남)`)
	// koreanUndone is a refusal of long ago.
	koreanUndone = korean(`(?:취소|해지|중단|거부)(?:했|하였|됐|되|돼|한 )\S*`)
	koreanAgain  = korean(`다시|재 신청|이제`)
	// koreanTies are whose news somebody hopes for who asks for no newsletter.
	koreanTies = korean(`(?:아들|딸|어머니|아버지|엄마|아빠|부모님|가족|남편|아내|동생|오빠|언니|누나|형|친구|그분|그 ?사람|그 ?아이)의? ?$`)
	// koreanNews is news that is no newsletter.
	koreanNews = korean(`(?:합격|취업|결혼|출산|임신|완치|회복|응답|기쁜|좋은|복된|복음의|슬픈|안타까운) ?$`)
	koreanSite = korean(`(?:홈 ?페이지|웹 ?사이트|사이트|페이지|링크|번호|프로필|앱) ?(?:의|를|을|도)? ?$`)
	// koreanLate is a newsletter that does not come any more.
	koreanLate  = korean(`(?:안|못) (?:보내|와|오|옵|받|왔)\S*`)
	koreanHears = korean(`^(?:듣|들|알)`)
	koreanFree  = regexp.MustCompile(`^(?:\s*(?:다시|저도|나도|저희도|저희에게도|저에게도|제게도|제게|꼭|좀|계속|매주|매월|매달|혹시|그럼|앞으로|정기적으로|이메일로|메일로|부디|우리도|저희|저|네))*\s*$`)
	// koreanGood is good news that somebody shared, not news to be sent.
	koreanReach = 40 // runes between what is asked for and the request
)

// koreanAfter is what was asked for, said after the request.
var koreanAfter = regexp.MustCompile(`^[가-힣]*[,.~ ]+(?:소식지?|기도\s?편지|뉴스\s?레터|이?메일(?:링)?|명단|리스트)(?:이?요|을|를|도|로|에|에요|에다가?)*[\s.!]*$`)

// romanised is Korean in Latin letters, as people write it abroad.
var (
	romanUpdates  = regexp.MustCompile(`\b(?:gido ?(?:p|py)[eo]+n?y?e?o?n?ji|gido ?(?:pyeonji|pyunji|jemok|jemog|chemok)|so?sh?ik(?:ji)?|nyu?seu?lete?o|nyuseu ?reteo|newsletter|imeil|i-?meil|me-?il|email|updates?|meiling)\b`)
	romanAsks     = regexp.MustCompile(`\b(?:bat?go|batko|patgo|bad?a ?bogo|bada ?bol|badeul|pada ?pogo) ?(?:sip|ship|shi?p|su)\w*|\b(?:bonae|ponae|al?l?yeo|allyeo) ?(?:ju|jw|chu)\w*|\b(?:gudok|kudok)\b|\b(?:sh?incheong|shinchung|sinchong)\w*|\bbutak\w*`)
	romanRefusals = regexp.MustCompile(`\b(?:geuman|kuman|haeji|chwiso|anh?a?|an|sip(?:ji|chi))\b`)
)

// findKorean adds what a clause asks for in Korean.
func findKorean(l *findings, text string, c stretch) {
	clause := text[c.start:c.end]
	if at, asks := romanUpdates.FindStringIndex(clause), romanAsks.FindStringIndex(clause); at != nil && asks != nil && !romanRefusals.MatchString(clause) {
		l.add(Updates, stretch{c.start + min(at[0], asks[0]), c.start + max(at[1], asks[1])}, 0.7)
	}
	if !hasHangul(clause) {
		return
	}
	if koreanAgain.MatchString(clause) {
		clause = koreanUndone.ReplaceAllStringFunc(clause, blank)
	}
	if koreanRefusals.MatchString(clause) {
		return
	}
	for _, m := range koreanAlone.FindAllStringIndex(clause, -1) {
		if koreanPast.FindStringIndex(clause[m[0]:]) == nil && !koreanDone.MatchString(clause[m[1]:]) {
			l.add(Updates, stretch{c.start + m[0], wordEnd(text, c.start+m[1])}, 0.85)
		}
	}
	for _, m := range koreanAsks.FindAllStringIndex(clause, -1) {
		if koreanDone.MatchString(clause[m[1]:]) || isPast(clause[m[0]:]) {
			continue
		}
		if at, ok := askedFor(clause[:m[0]], clause[m[0]:m[1]]); ok {
			l.add(Updates, stretch{c.start + at, wordEnd(text, c.start+m[1])}, 0.8)
		} else if at, ok := again(text, c, m[0]); ok {
			l.add(Updates, stretch{c.start + at, wordEnd(text, c.start+m[1])}, 0.65)
		} else if after := koreanAfter.FindStringIndex(clause[m[1]:]); after != nil {
			l.add(Updates, stretch{c.start + m[0], c.start + m[1] + after[1]}, 0.7)
		}
	}
}

// isAboutElse reports whether something else is the object in a stretch.
func isAboutElse(s string) bool {
	for _, object := range koreanObject.FindAllString(s, -1) {
		if !koreanOwn.MatchString(object) && !koreanUpdates.MatchString(object) {
			return true
		}
	}
	return false
}

// again is a request for what the sentence before was about: "기도편지가
// 끊겼어요. 다시 보내 주세요."
func again(text string, c stretch, request int) (int, bool) {
	own := text[c.start : c.start+request]
	if !koreanFree.MatchString(own) {
		return 0, false
	}
	from := strings.LastIndexAny(strings.TrimRight(text[:c.start], " .!?~\n"), ".!?\n") + 1
	earlier := text[from:c.start]
	if koreanAgain.MatchString(text[c.start:c.end]) {
		earlier = koreanUndone.ReplaceAllStringFunc(earlier, blank)
	}
	earlier = koreanLate.ReplaceAllStringFunc(earlier, blank)
	if koreanOthers.MatchString(earlier) || koreanRefusals.MatchString(earlier) || !koreanUpdates.MatchString(earlier) {
		return 0, false
	}
	return request - len(strings.TrimLeft(own, " ")), true
}

func isPast(s string) bool {
	at := koreanPast.FindStringIndex(s)
	return at != nil && at[0] == 0
}

// askedFor finds the updates before a request, if nothing else is asked for
// between them.
func askedFor(before, request string) (int, bool) {
	found := koreanUpdates.FindAllStringIndex(before, -1)
	if found == nil {
		return 0, false
	}
	first, last := -1, found[len(found)-1]
	between := before[last[1]:]
	if koreanNews.MatchString(before[:last[0]]) || koreanSite.MatchString(before[:last[0]]) || strings.HasPrefix(between, "로 ") && isAboutElse(before[:last[0]]) {
		return 0, false
	}
	if koreanHears.MatchString(strings.TrimLeft(between, "을를이가도은는 ")+request) && koreanTies.MatchString(before[:last[0]]) || strings.Contains(between, "주소") && !koreanEnrols.MatchString(request) {
		return 0, false
	}
	if len([]rune(between)) > koreanReach || koreanOthers.MatchString(between) {
		return 0, false
	}
	if isAboutElse(strings.TrimLeft(between, "을를")) {
		return 0, false
	}
	for _, m := range found { // mark from the first of them on, within reach
		if len(before)-m[0] <= 3*koreanReach {
			first = m[0]
			break
		}
	}
	return max(first, 0), first >= 0
}

func hasHangul(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= '가' && r <= '힣' })
}

// wordEnd is the end of the word at a place, so that an ending is marked with
// its stem.
func wordEnd(text string, at int) int {
	for at < len(text) && !strings.ContainsRune(" \n.,!?~\"()", rune(text[at])) {
		at++
	}
	return at
}
