package signup

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a stretch of a text, in bytes: text[Start:End].
type Span struct{ Start, End int }

// Intent is what the words of a comment ask for. It is a hint for the
// moderator and never subscribes anybody by itself.
type Intent struct {
	Updates bool   // the author asks for the e-mail updates
	Score   int    // 0 to 100: how sure the rules are
	Spans   []Span // the words that say so, in order, not overlapping
}

// The scores of the two sorts of rules: a phrase that can hardly mean anything
// else, and a request that stands near the thing that is asked for.
const (
	phraseScore  = 90
	requestScore = 75
)

// ReadIntent judges a comment by rules, sentence by sentence, in English and
// Korean. text is in NFC, as epistle.CleanText leaves it; any other text is
// safe but finds less. What is quoted says nothing about the author, and a
// sentence that refuses or tells of updates which already come asks for
// nothing.
func ReadIntent(text string) Intent {
	var intent Intent
	plain := blankQuotes(text)
	for _, s := range sentences(plain) {
		spans, score := asksForUpdates(plain[s.Start:s.End])
		for _, span := range spans {
			intent.Spans = append(intent.Spans, Span{s.Start + span.Start, s.Start + span.End})
		}
		intent.Score = max(intent.Score, score)
	}
	intent.Updates = len(intent.Spans) > 0
	return intent
}

// anyCase makes the rules of a list into one expression.
func anyCase(rules ...string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)` + strings.Join(rules, "|"))
}

const (
	wish    = `(?:(?:would|'d|’d|should)\s+(?:really\s+|also\s+|very much\s+)?(?:like|love)\s+to|want(?:ed)?\s+to|wish\s+to|hope\s+to|interested\s+in|can(?:['’]?t)?\s+(?:i|we)|could\s+(?:i|we)|may\s+(?:i|we)|how\s+(?:do|can|could|would|may)\s+(?:i|we)|is\s+there\s+a\s+way\s+to|wondering\s+(?:how|if|whether)(?:\s+(?:i|we)\s+(?:can|could))?(?:\s+to)?)`
	request = `(?:please|kindly|could\s+you|can\s+you|would\s+you|will\s+you)`
	updates = `(?:(?:e-?\s?mail|prayer|ministry|weekly|monthly|regular)\s+)*(?:e-?mails?|updates?|newsletters?|news\s?letters?|bulletins?|(?:prayer|mailing|mail|e-?mail)\s+(?:list|letters?|requests?|points?|news)|list|mailings?)\b`
	near    = `[^.!?\n]{0,60}?\b`
)

var englishPhrases = anyCase(
	`(?:\b(?:please|kindly)\s+)?\b(?:sign|put|add|include|subscribe)\s+(?:me|us|my\s+(?:husband|wife|family|church))\b(?:\s+up\b)?`+near+updates,
	`\b(?:please|kindly)\s+(?:sign|add)\s+(?:me|us)(?:\s+up)?\b`,
	`\bsign\s+(?:me|us)\s+up\b`,
	wish+`\s+(?:be\s+)?(?:subscribed?|subscribing|sign(?:ed|ing)?\s+up|join(?:ing)?|be\s+(?:added|put)(?:\s+on)?)\b`+near+updates,
	wish+`\s+(?:subscribe|sign\s+up)\b`,
	`\bkeep\s+(?:me|us)\s+(?:posted|updated|informed|in\s+the\s+loop)\b`,
)

var englishRequests = anyCase(
	wish+`\s+(?:please\s+)?(?:receiv(?:e|ing)|get(?:ting)?|have|hear|see|be\s+(?:sent|on|added\s+to)|being\s+on)\b`+near+updates,
	request+`\s+(?:send|e-?mail|mail|forward|give)\s+(?:me|us)\b`+near+updates,
	`\bsend\s+(?:me|us)\b`+near+updates,
	request+`\s+(?:e-?mail|mail|update)\s+(?:me|us)\b`,
)

var englishRefusals = anyCase(
	`\bunsubscrib`, `\bno\s+longer\b`, `\bstop\b`, `\bcancel`, `\bremove\s+(?:me|us|my)\b`, `\btake\s+(?:me|us)\s+off\b`, `\bopt(?:ed)?[\s-]?out\b`,
	`\b(?:do|does|did|would|will|can|could|should)(?:n['’]?t|\s+not)\b`, `\bnot\s+(?:want|wish|like|interested|to\s+be)\b`, `\bnever\b`, `\bwithout\s+(?:signing|subscribing)\b`,
	`\balready\s+(?:signed|subscribed|receiv\w*|get(?:ting)?|on|have)\b`, `\btoo\s+many\b`,
)

// englishExceptions look like refusals and are none.
var englishExceptions = anyCase(
	`\b(?:do(?:n['’]?t|\s+not)|would(?:n['’]?t|\s+not))\s+(?:want\s+to\s+|wish\s+to\s+)?(?:forget|hesitate|miss|mind)\b`,
	`\b(?:do(?:n['’]?t|\s+not)|did(?:n['’]?t|\s+not))\s+(?:know|see|find|understand)\b`,
	`\b(?:can|could|would|will|do)(?:n['’]?t)\s+(?:i|we|you)\b`, `\bnever\s+(?:miss|heard)\b`,
)

const (
	koreanUpdates = `(?:이\s?메일|메일링|메일|소식지|소식|기도\s?편지|기도\s?제목|뉴스\s?레터|업데이트|기도\s?동역자)`
	koreanNear    = `[^.!?。\n]{0,40}?`
)

var koreanPhrases = anyCase(
	`(?:구독|소식지)[^.!?。\n]{0,10}?(?:신청|하고\s?싶|원합니다|희망)(?:[가-힣]+)?`,
	koreanUpdates+koreanNear+`(?:받고\s?싶|받아\s?보고\s?싶|받아\s?보길|받기를?\s?(?:원|희망|바)|받았으면|받으려면|구독|신청)(?:[가-힣]+)?`,
	`(?:명단|목록|리스트)에?\s?(?:저도|저를|제\s?이름을?)?\s?(?:추가|넣어|올려|등록)(?:[가-힣]+)?(?:\s?주[가-힣]+)?`,
)

var koreanRequests = anyCase(
	koreanUpdates + koreanNear + `(?:받을\s?수|받아\s?볼\s?수|보내\s?주|보내\s?달라|전해\s?주|알려\s?주|부탁)(?:[가-힣]+)?`,
)

var koreanRefusals = anyCase(
	`그만`, `해지`, `취소`, `중단`, `탈퇴`, `수신\s?거부`, `받지\s?않`, `받고\s?싶지`, `보내지\s?(?:마|말|않)`, `안\s?(?:받|보내)`, `싶지\s?않`, `원치\s?않`, `원하지\s?않`, `필요\s?없`,
	`이미\s?(?:받|구독|신청)`, `잘\s?받(?:고|았|습)`, `받고\s?있`, `보내\s?주(?:셔서|신|시는)`, `빼\s?주`, `삭제`,
)

func asksForUpdates(sentence string) ([]Span, int) {
	english := !englishRefusals.MatchString(englishExceptions.ReplaceAllString(sentence, " "))
	korean := !koreanRefusals.MatchString(sentence)
	var spans []Span
	score := 0
	try := func(allowed bool, rules *regexp.Regexp, worth int) {
		if !allowed {
			return
		}
		for _, at := range rules.FindAllStringIndex(sentence, -1) {
			spans = append(spans, Span{at[0], at[1]})
			score = max(score, worth)
		}
	}
	try(english, englishPhrases, phraseScore)
	try(english, englishRequests, requestScore)
	try(korean, koreanPhrases, phraseScore)
	try(korean, koreanRequests, requestScore)
	return merged(spans), score
}

// merged sorts spans and joins those that overlap or touch.
func merged(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return a.Start - b.Start })
	var out []Span
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// sentences cuts a text at line ends and at the marks that end a sentence. A
// full stop inside a word (an address, "e.g.") ends nothing.
func sentences(text string) []Span {
	var list []Span
	start := 0
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		if r == utf8.RuneError {
			continue
		}
		last := end == len(text) || text[end] == ' ' || text[end] == '\n' || text[end] == '\t'
		if r == '\n' || r == '。' || last && (r == '.' || r == '!' || r == '?') {
			list = append(list, Span{start, end})
			start = end
		}
	}
	return append(list, Span{start, len(text)})
}

// quoteWords is how many words between quotation marks make a quotation; fewer
// are a title or a word set apart.
const quoteWords = 5

var quotation = regexp.MustCompile(`"[^"\n]*"|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」|『[^』\n]*』`)

// blankQuotes replaces quoted lines ("> …") and quotations with spaces of the
// same length, so that spans stay in place.
func blankQuotes(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimLeft(line, " \t"), ">") {
			body := strings.TrimSuffix(line, "\n")
			lines[i] = strings.Repeat(" ", len(body)) + line[len(body):]
		}
	}
	return quotation.ReplaceAllStringFunc(strings.Join(lines, ""), func(q string) string {
		if len(strings.Fields(q)) < quoteWords {
			return q
		}
		return strings.Repeat(" ", len(q))
	})
}
