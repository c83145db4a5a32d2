package intent

import (
	"regexp"
	"slices"
	"strings"
)

// The rules for what else comments ask for.

const (
	questionScore = 0.8
	bibleScore    = 0.85
	prayerScore   = 0.85
)

var (
	asksEnglish = regexp.MustCompile(`^\W*(?:(?:hi|hello|dear \S+|and|but|so|also|pastor \S+)[,\s]+)*(?:how (?:is|are|do|does|did|can|could|many|much|long|often|would|will)|what (?:is|are|do|does|did|can|happened|happens|kind|sort|time|about)|where|when|why|who|which|is there|are there|do you|does|did|can (?:i|we|you)|could (?:i|we|you)|may (?:i|we)|will you|would you)\b|\b(?:i am|i was|we are) (?:wondering|curious)\b|\b(?:i|we) wonder\b|\b(?:can|could) (?:someone|you|anyone) (?:tell|explain)\b`)
	asksKorean  = regexp.MustCompile(`(?:까|나|가|는지|은지|ㄴ지|는가|은가|지|죠|니|ㄹ까)요?\s*\?|(?:까요|나요|가요|습니까|ㅂ니까|입니까|은지요|는지요|을지요)[\s.!~]*$|궁금합니다|궁금해요|알고\s?싶(?:습|어)|여쭤|문의\s?(?:드|합)`)
)

// isQuestion reports whether a sentence asks something.
func isQuestion(text string, s stretch) bool {
	sentence := strings.TrimSpace(text[s.start:s.end])
	if strings.Contains(strings.TrimRight(sentence, "\"') "), "?") && strings.ContainsAny(sentence, "abcdefghijklmnopqrstuvwxyz") || asksKorean.MatchString(sentence) {
		return true
	}
	return strings.HasSuffix(sentence, "?") || asksEnglish.MatchString(sentence) && len(strings.Fields(sentence)) > 3
}

var (
	bibleEnglish = regexp.MustCompile(`\b(?:please|can|could|may|would|want|need|needs|wants|how|where|is there|are there|looking for|like|request|wish|hope)\b.{0,60}?\b(?:get|have|order|buy|send|receive|obtain|need|request|purchase|available|find|give|copy|copies|download|read|provide|mail|share|distribute|a|some|one of)\b.{0,40}?\b(?:bibles?|new testaments?|scriptures)\b|\bbibles?\b.{0,30}\b(?:please|for sale|be (?:sent|bought|ordered|available))\b|\b(?:need|needs|want|request|requesting|send|order|order for)\b.{0,25}\bbibles?\b`)
	bibleKorean  = regexp.MustCompile(`(?:성경|성서|쪽복음)[^.!?\n]{0,30}?(?:받고\s?싶|받을\s?수|구할|구하|구입|살\s?수|사고\s?싶|보내\s?(?:주|줘|달)|주세요|주실|주시|주문|신청|필요|얻|부탁|나눠|나누어|원합|원해|있을까|있나요|가능)`)
	bibleRefused = regexp.MustCompile(`\b(?:do|does|did|would) not (?:want|need)\b|\bthank(?:s| you) for\b|(?:주셔서|주신|받았|필요\s?없|읽을수록)`)
)

var bibles = strings.Fields(`bible testament scripture 성경 성서 쪽복음`)

// findBible adds a request for a Bible.
func findBible(l *findings, text string, c stretch) {
	clause := text[c.start:c.end]
	if !containsAny(clause, bibles) || bibleRefused.MatchString(clause) {
		return
	}
	for _, r := range []*regexp.Regexp{bibleEnglish, bibleKorean} {
		if m := r.FindStringIndex(clause); m != nil {
			l.add(Bible, stretch{c.start + m[0], wordEnd(text, c.start+m[1])}, bibleScore)
		}
	}
}

var (
	prayerEnglish = regexp.MustCompile(`\b(?:please|kindly|pls|could you|can you|would you|will you|ask you to|ask (?:that you|for)|asking (?:you to|for)|appreciate|covet|need|needs|request|requesting|join (?:me|us) in)\b.{0,40}?\b(?:pray|prayers?|praying|intercede|lift(?:ing)? up)\b(?: (?:for|with|over|that) .{0,60})?|(?:^|[,:.!] ?)(?:also )?pray (?:for|with|that) (?:my|me|us|our|him|her|them|these|this|the|a)\b.{0,60}|\b(?:keep|remember|hold|lift) (?:me|us|my|our|him|her|them)\b.{0,40}?\b(?:prayers?|pray|praying|lord|father)\b|\bprayer requests? ?:|\b(?:add|put) (?:me|us|my|our|him|her)\b.{0,40}?\b(?:to|in|on) your prayers?\b(?: list)?`)
	prayerKorean  = regexp.MustCompile(`(?:기도|중보)\s?(?:를|도|좀|로|를\s?좀)?\s?(?:부탁|해\s?주(?:세요|시|십|실|면|길)|해\s?줘|요청|바랍|필요|많이\s?해)`)
	prayerGiven   = regexp.MustCompile(`해\s?주셔서|해\s?주신|해\s?주시니|\b(?:thank(?:s| you)|grateful) (?:\S+ ){0,3}?for (?:\S+ ){0,3}pray|\b(?:prayer|email|mailing|your) (?:letter|list|e?mail|update|point|request|need|topic|news|partner|bulletin|guide|item)s?\b`)
)

var prayers = strings.Fields(`pray interced lift lord father 기도 중보`)

// findPrayer adds a request for prayer.
func trim(text string, s stretch) stretch {
	const marks = " \t\n,.:;!?\"'()~*-"
	for s.start < s.end && strings.IndexByte(marks, text[s.start]) >= 0 {
		s.start++
	}
	for s.start < s.end && strings.IndexByte(marks, text[s.end-1]) >= 0 {
		s.end--
	}
	return s
}

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

func findPrayer(l *findings, text string, c stretch) {
	clause := text[c.start:c.end]
	if !containsAny(clause, prayers) {
		return
	}
	for _, r := range []*regexp.Regexp{prayerEnglish, prayerKorean} {
		if m := r.FindStringIndex(clause); m != nil && !prayerGiven.MatchString(clause[m[0]:]) {
			l.add(Prayer, trim(text, stretch{c.start + m[0], wordEnd(text, c.start+m[1])}), prayerScore)
		}
	}
}

type sign struct {
	*regexp.Regexp
	score float64
}

// The signs of spam and what each is worth; they add up.
var spamSigns = []sign{
	{regexp.MustCompile(`https?://[^\s"'<>]+|\bwww\.[^\s"'<>]+`), 0.3},
	{regexp.MustCompile(`\b(?:casino|viagra|cialis|porn\w*|xxx|escorts?|slots?|betting|sportsbook|payday|backlinks?|seo|spell ?caster|love spell|forex|binary options?|replica (?:watches|bags)|onlyfans|hookups?|steroids|tramadol)\b|카지노|토토|바카라|도박|슬롯|홀덤|먹튀|야동|조건만남|출장\s?(?:안마|마사지|샵)|비아그라|시알리스|리딩방|수익\s?보장|작업\s?대출|당일\s?대출|소액\s?대출|급전`), 0.7},
	{regexp.MustCompile(`\b(?:crypto\w*|bitcoins?|invest|investors?|investments?|daily returns|loans?|weight loss|followers|marketing services|(?:website|web) traffic|web design|first page of google|guest posts?|coupon|discount|promo(?: code)?|giveaway|lottery|jackpot)\b|대출|코인|주식|부업|재테크|분양|홍보`), 0.35},
	{regexp.MustCompile(`\b(?:make|earn|earned|making|earning)\b.{0,20}(?:money|[$€£]\s?\d|\d+ ?(?:dollars|usd|a day|per day))|[$€£]\s?\d[\d,.]*\s?(?:a|per|every|/)\s?(?:day|week|hour|month)|\bwork from home\b|\bclick (?:here|this|the link)\b|\bget rich\b|\bserious relationship\b|\bfree trial\b|\bget your ex back\b|\b100% guaranteed\b|\bact now\b|\bget more (?:\S+ )?(?:followers|subscribers|traffic|visitors|likes|leads)\b`), 0.5},
	{regexp.MustCompile(`\b(?:whatsapp|telegram|wechat|kakao ?id|text)\b.{0,30}\+?\d[\d ()-]{6,}|텔레그램|카톡\s?(?:문의|상담|아이디)|카카오톡\s?(?:문의|상담)|추천\s?(?:인|코드)|가입\s?코드`), 0.5},
	{regexp.MustCompile(`\b(?:subscribe to|check out|visit|follow) (?:my|our) (?:\S+ )?(?:channel|site|website|blog|page|store|shop|profile|youtube|link)\b|\bcontact us for a quote\b|\bwe offer\b.{0,40}\bservices\b`), 0.45},
}

var mailed = regexp.MustCompile(`[^\s@]+@[^\s@]+`)

// findSpam adds the signs of spam in the whole text. A sign counts twice at
// most.
func findSpam(l *findings, text string) {
	text = mailed.ReplaceAllStringFunc(text, blank) // somebody may be called Seo
	for _, sign := range spamSigns {
		for _, m := range sign.FindAllStringIndex(text, 2) {
			l.add(Spam, stretch{m[0], m[1]}, sign.score)
		}
	}
}
