package intent

import (
	"regexp"
	"slices"
	"strings"
)

// The rules for English. They read folded text: lower case, "i would" for
// "I'd", "not" for "n't", "email" for "e-mail".

// anyOf makes the alternatives of an expression.
func anyOf(rules ...string) string { return `(?:` + strings.Join(rules, "|") + `)` }

// rule compiles an expression that is made of parts.
func rule(parts ...string) *regexp.Regexp { return regexp.MustCompile(strings.Join(parts, "")) }

const (
	// gap are the words that may stand between a wish and what is wished for.
	gap      = `(?:(?:[\s,:("]+[^\s,:("]+){0,9}?[\s,:("]+)`
	shortGap = `(?:(?:[\s,]+[^\s,]+){0,3}?[\s,]+)`
	adverbs  = `(?:(?:also|really|very|much|so|too|just|still|please|kindly|perhaps|maybe|dearly|truly|definitely|certainly|greatly|possibly|now|then|gladly|sure|someday|only)\s+)*`
	someone  = `(?:i|we|one|(?:my|our)(?:\s+[a-z]+){1,2}?(?:\s+and\s+(?:i|me))?)`
	us       = `(?:me\b|us\b|my\b|our\b|myself\b|ourselves\b|(?:the |this )?(?:above|following|below) |this email|[^\s@]+@[^\s@]+\.[a-z]+)`
	byMail   = `(?:by|via|through|per|thru|over|in|to|on)\s+(?:my\s+|our\s+)?(?:e?mail|inbox)\b`
)

var (
	// kinds stand before a word that alone could be anything.
	kinds = `(?:prayer|pray|mailing|mail|email|distribution|newsletter|news|update|updates|subscriber|subscribers|subscription|ministry|weekly|monthly|quarterly|regular|partner|partners|supporter|supporters|circular|electronic|e|mission|missionary)`

	// theUpdates is what a newsletter is called.
	theUpdates = `(?:` + anyOf(
		kinds+`(?:\s+`+kinds+`)*\s+(?:list|lists|listing|letters?|emails?|mails?|updates?|news|points?|requests?|needs|topics|items|cards?|guides?|notes?|alerts?|notifications?|reports?|reminders?|messages?|digest|calendar|bulletins?|chain|partners?|group|publications?|diary|diaries|journals?|briefs?|briefings?|sheets?)`,
		`newsletters?`, `updates`, `mailings?`, `bulletins?`, `e-?news\b`, `enews`, `emails`, `digest`,
		`(?:your|the|this|that|a)\s+(?:list|lists)`, `prayer partners?`, `subscriptions?`, `emailed`, `notifications?`, `alerts`, `(?:regular|any|more|future|further|the|your|latest|some|all|ongoing|with|of|for)\s+(?:ministry\s+)?(?:news|update)`, `news\s+(?:of|about|from|on|by|via|as)`,
		`(?:these|your|the|those|such)\s+(?:\S+\s+)?(?:letters|emails|messages|reports)`, `an?\s+e?mail\s+(?:when|whenever|each|every|if|once|with|notification|alert)`,
	) + `\b|소식|기도\s?편지|뉴스\s?레터|메일)`

	// wish is somebody's own wish, or a question how it could come true.
	wish = anyOf(
		`(?:would|should|will)\s+`+adverbs+anyOf(
			`(?:like|love|prefer|enjoy|want|wish|ask|appreciate|welcome|value)`,
			`be\s+`+adverbs+`(?:most\s+)?(?:glad|happy|grateful|thankful|pleased|delighted|hono(?:u)?red|blessed|thrilled|interested|keen|eager|willing|obliged|appreciative|great|good|nice|wonderful|lovely|helpful|amazing|awesome|a\s+(?:great\s+)?(?:blessing|joy|privilege|hono(?:u)?r|help|encouragement))`,
			`(?:greatly\s+)?(?:bless|help|encourage)`, `it\s+be\s+(?:possible|ok|okay|alright|all\s+right)`,
		),
		`(?:want|wanted|wanting|wish|wishing|hope|hoping|need|looking|longing|asking|ask)\s+`+adverbs+`(?:for\s+\S+\s+)?to\b`,
		`am\s+`+adverbs+`(?:interested|keen|eager|anxious)`, `are\s+`+adverbs+`(?:interested|keen|eager|anxious)`, `(?:^|\bvery\s+|\bi\s+)interested\b`,
		`(?:can|could|may|might|shall|would)\s+`+adverbs+someone+`\b`,
		`(?:how|where|what)\s+(?:do|can|could|would|may|should|does|must|might|on\s+\S+\s+\S+\s+(?:do|can))\s+`+adverbs+someone+`\b`,
		`(?:how|where)\s+(?:on|in|at)\s+(?:\S+\s+){1,3}(?:do|can)\s+`+someone, `how\s+(?:does|can|do|would|could)\s+(?:one|you|people|someone|somebody|a\s+person|anyone|anybody)\s+(?:go\s+about)?`, `(?:procedure|process|steps?|instructions?|link|form|button|page|place)\s+(?:for|to)`,
		`(?:know|wonder|wondering|tell\s+me|tell\s+us|explain|show\s+me|idea|sure|see|find(?:\s+out)?|figure\s+out|advise|instructions\s+on|^|info\s+on|information\s+on)\s+(?:how|where)\s+(?:to|i\s+can|we\s+can|one\s+can|i\s+could|we\s+could|i\s+might)\b`,
		`is\s+there\s+`+`(?:a|any|some)\s+(?:way|chance|possibility|place|link|form)`, `is\s+it\s+(?:still\s+)?(?:possible|ok|okay|alright|too late)`, `(?:best|easiest|right|good|simplest)\s+way\s+(?:to|for)`, `(?:my|our)\s+(?:\S+\s+){0,3}?(?:wants|asks|wishes|hopes|needs)\s+to`, `(?:any|a)\s+(?:way|chance)\s+(?:that\s+)?(?:i|we|to|of)\b`, `(?:could|would|can)\s+it\s+be\s+possible`,
		`(?:^|[,.!]\s*)(?:love|like|want|happy|glad|eager|keen|hoping|wanting|wishing|hope|wish)\s+to\b`,
		`if\s+(?:i|we)\s+(?:can|could|might|may)`, `let\s+(?:me|us)`, `i\s+request`, `requesting`, `i\s+ask`,
	)

	// desire governs what is desired, without another verb.
	desire = anyOf(`would\s+`+adverbs+`(?:like|love|appreciate|welcome|value|enjoy|want)`, `be\s+`+adverbs+`(?:grateful|glad|thankful|happy)`, `(?:i|we)\s+`+adverbs+`(?:want|need|request)`, `want`, `requesting`, `(?:am|are|be|very|i)\s+`+adverbs+`interested`, `^\W*interested`)

	// getting is what one does with a newsletter that one has not yet.
	getting = anyOf(
		`(?:go\s+on|receiv(?:e|ing)|get(?:ting)?|have|having|hear(?:ing)?|obtain(?:ing)?|read(?:ing)?|find|access|follow|order|try)`,
		`be(?:ing)?\s+`+adverbs+`(?:sent|on|in|added|put|included|emailed|mailed|notified|informed|updated|kept|subscribed|signed|part|placed|enrolled|enroled|registered|back|given|among|alerted)`,
		`join(?:ing)?`, `subscrib(?:e|ing)`, `sign(?:ing)?\s*-?\s*up`, `opt(?:ing)?\s+in`, `regist(?:er|ering)`, `enrol\w*`, `stay(?:ing)?`, `keep\s+up`, `start\s+(?:getting|receiving)`, `begin\s+(?:getting|receiving)`,
		`ask(?:ing)?\s+for`, `becom(?:e|ing)`, `sent\s+to\s+(?:us|me)`, `put\s+back`, `added`, `put\s+(?:my|our)`, `add\s+(?:my|our)`, `leave\s+my`, `give\s+(?:you\s+)?my`,
	)

	englishWishes = []scored{
		{rule(`\b`, wish, shortGap, `?`, getting, `\b`, gap, theUpdates), 0.9},
		{rule(`\b`, desire, `\s+(?:(?:in|for|to\s+have|it\s+if|having|getting|to\s+get|the|your|any|some|more|all|regular|these|those|an?|english|korean|free|monthly|weekly|`, kinds, `)\s+){0,5}?`, theUpdates), 0.75},
		{rule(`\b`, wish, shortGap, `?(?:subscribe|subscribing|be subscribed|sign\s*-?\s*up|be signed up|signing up|opt in|be added to)(?:[\s,]+(?:too|as well|also|please|again|here|thank.*|thanks.*|but|however|though|although|because|by email|with you|for (?:this|these|that|it|email|yours?|all|everything|more)\b.*|to (?:this|these|that|it|yours?)\b.*))?\s*[^a-z]*$`), 0.85},
		{rule(`\b`, wish, shortGap, `?(?:be kept|be|stay|keep|staying|being|being kept|get|remain)\s+(?:more\s+|fully\s+|better\s+)?(?:up\s*-?\s*to\s*-?\s*date|updated|informed|posted|in the loop|abreast|apprised|notified|in the know)\b`), 0.8},
		{rule(`\b`, wish, shortGap, `?`, getting, `\s+(?:`, adverbs, `)(?:it|this|these|them|those|such|something|more|any|one|news|information|info|messages?|everything|word|from you|stuff)\b`, gap, `?(?:(?:by|via|through|per|thru|over) e?mail|(?:each|every) (?:week|month|time)|weekly|monthly|regularly|(?:in|to|into) (?:my|our) (?:inbox|email|mail\w*)|directly|from now on|on a regular basis|more often)\b`), 0.8},
		{rule(`\b`, wish, shortGap, `?`, getting, gap, `(?:in|to|into) (?:my|our) (?:e?mail )?(?:inbox|email|mail\w*)\b`), 0.7},
		{rule(`\b`, wish, shortGap, `?(?:follow|keep up|stay|hear|learn|know|get|receive|be)\b`, gap, `?`, byMail), 0.7},
		{rule(`\b`, wish, shortGap, `?(?:some\s+|more\s+|further\s+|regular\s+|any\s+)*(?:information|info|news|details|letters?)\b`, gap, `?`, byMail), 0.7},
		{rule(`\b`, wish, shortGap, `?(?:sign\s*-?\s*up|subscribe|register)\b`, gap, `?to\s+(?:hear|get|receive|follow|learn|know|stay)\b`), 0.75},
	}

	// englishReferences are wishes for what was named before: "If you have a
	// mailing list, I would love to be on it."
	englishReferences = []scored{
		{rule(`\b`, wish, shortGap, `?(?:receive|get|have|join|be (?:\S+ )?(?:on|added to|included in|part of|sent)|subscribe to|sign\s*-?\s*up for|be put on|sign\s*-?\s*up|subscribe)\s+(?:it|one|them|that|those|these|this|both|any|some)\b`), 0.7},
		{rule(`\bwould\s+`, adverbs, `(?:like|love|appreciate|welcome)\s+(?:it|one|that|them|those|these)\b`), 0.7},
		{rule(`(?:^|please\s+|kindly\s+|[,:]\s*)(?:do\s+)?(?:add|include|put|send|sign|subscribe|give|email)\s+(?:it\s+to\s+|them\s+to\s+)?(?:me|us|my)\b`), 0.7},
		{rule(`\b(?:send|pass|forward|mail|email)\s+(?:it|one|them|some|those|that)\s+(?:on\s+|over\s+|along\s+)?(?:to\s+(?:me|us)|(?:my|our)\s+way)\b`), 0.7},
	}

	// begun stands before a request in the imperative, so that "they send me
	// the letters" is none.
	begun = anyOf(`^[\s"*~_-]*`, `[,:]\s*`, `[!.?]\s*`, `\b(?:please|kindly|just|also|and|so|then|yes|hi|hello|amen|ok|okay|again|or|maybe|to you|happily|pastor \S+),?\s+`,
		`\b(?:could|can|would|will|may|so|do),?\s+(?:someone|somebody|anyone|you all|you guys|you|your team|u)\s+`+adverbs, `(?:^\s*|\bplease\s+)(?:do|could|can)\s+`, `\bso\s+(?:please\s+)?(?:do\s+)?`,
		`\byou\s+(?:can|could|would|might|will|to|please|are able to)\s+`+adverbs, `\bif\s+you\s+`+adverbs, `\bwhy\s+(?:do|would)\s+(?:not\s+you|you\s+not)\s+`, `\bmind\s+`, `\b(?:do\s+not|never)\s+(?:forget|hesitate)\s+to\s+`, `\bable\s+to\s+`, `\bfeel\s+free\s+to\s+`, `\bconsider\s+`) + adverbs

	giving = anyOf(`send(?:ing)?`, `email(?:ing)?`, `mail(?:ing)?`, `forward(?:ing)?`, `give`, `giving`, `add(?:ing)?`, `put(?:ting)?`, `sign(?:ing)?(?:\s+up)?`, `subscribe`, `subscribing`, `includ(?:e|ing)`, `enrol\w*`, `regist(?:er|ering)`,
		`keep(?:ing)?`, `count`, `get`, `let`, `notify(?:ing)?`, `inform(?:ing)?`, `share`, `sharing`, `pass`, `shoot`, `drop`, `plac(?:e|ing)`, `updat(?:e|ing)`, `alert`, `provid(?:e|ing)`, `supply`, `tell`, `note`, `take`, `write`, `list`, `set`, `connect`, `remember`, `hook`, `hit`)

	englishRequests = []scored{
		{rule(begun, giving, `\s+(?:out\s+|along\s+|down\s+|up\s+|on\s+|over\s+|back\s+)?(?:to\s+|with\s+)?`, us, gap, `?`, theUpdates), 0.9},
		{rule(begun, `(?:send|email|mail|forward|pass|share|get|deliver)`, gap, theUpdates, gap, `(?:(?:to|with)\s+`, us, `|(?:my|our) way\b)`), 0.9},
		{rule(begun, `(?:do\s+)?send\s+(?:me|us)\s+`, adverbs, `(?:the\s+|your\s+|any\s+|some\s+)?news\b`), 0.8},
		{rule(`\b(?:please\s+)?sign\s+(?:me|us|my \S+|our \S+)(?:\s+[a-z]+)?\s+(?:back\s+)?up\b`), 0.9},
		{rule(`\b(?:please\s+)?sign\s+up\s+(?:me|us)\b`), 0.9},
		{rule(begun, `(?:re-?)?subscribe\s+(?:me|us|my|our)\b`), 0.9},
		{rule(begun, `keep(?:ing)?\s+(?:me|us|my \S+|our \S+)\s+`, adverbs, `(?:posted|updated|informed|in the loop|up\s*-?\s*to\s*-?\s*date|abreast|apprised|in the know)\b`), 0.85},
		{rule(begun, `(?:add|put|place|include)\s+(?:me|us|(?:my|our|his|her|their|this)(?:\s+\S+){1,3}?)\s+(?:back\s+)?(?:down\s+)?(?:on|to|in|for|onto|into)`, gap, `(?:list|lists|mailings?|database|distribution|emails?|newsletters?|letters?|updates?|명단|리스트)\b`), 0.85},
		{rule(begun, `(?:add|include|put)\s+(?:me|us|(?:my|our)\s+(?:name|e?mail|address|email address|church|family|wife|husband))(?:\s+(?:too|as well|also|please|on|down|in|back|thanks|thank you|by hand|manually|again|there|here|if (?:possible|you can)|and my (?:wife|husband|family)))*\s*[^a-z]*$`), 0.7},
		{rule(begun, `update\s+(?:me|us)\s+(?:regularly|weekly|monthly|too|by email|with\b|`, byMail, `)`), 0.75},
		{rule(begun, `(?:keep|stay|be|get)\s+in\s+(?:touch|contact)\b`, gap, `?`, byMail), 0.7},
		{rule(begun, `(?:email|notify|inform|alert|update|let|tell|write|message)\s+(?:me|us)\s+(?:know\s+)?`, gap, `?(?:(?:when|whenever|if|as|each time|every time)\b.*\b(?:new|news|post|posts|update|updates|needs?|more|something)\b|(?:of|about)\s+(?:any\s+|all\s+|the\s+)?(?:new|news|future|updates|latest)\b)`), 0.75},
		{rule(begun, `(?:email|e-mail)\s+(?:me|us)\s*(?:at\s+\S+@\S+|,?\s*please|as well|too|regularly|every week|weekly)?\s*[^a-z]*$`), 0.65},
	}

	englishPhrases = []scored{
		{rule(`\b(?:give|leave|leaving|giving|sharing|here is|is)\s+(?:you\s+)?(?:my|our)\s+e?mail\b`, gap, `?(?:for|to get|to receive|so)\b`, gap, theUpdates), 0.75},
		{rule(`\byes,?\s+(?:please,?\s+)?(?:to|for)\s+`, `(?:\S+\s+){0,2}?`, theUpdates), 0.7},
		{rule(`\b(?:please|kindly|could\s+you|can\s+you|would\s+you|will\s+you),?\s+`, adverbs, `send\s+(?:out\s+)?(?:(?:the|your|any|some|more|regular|weekly|monthly|a|all|these|prayer)\s+){0,3}?`, theUpdates, `\W*$`), 0.65},
		{rule(theUpdates, `\s+(?:\S+\s+){0,3}?would\s+(?:also\s+|really\s+)?be\s+`, adverbs, `(?:great|wonderful|appreciated|lovely|nice|good|welcome|welcomed|helpful|fantastic|perfect|awesome|a blessing|a great blessing)`), 0.75},
		{rule(`\b(?:where|how|which|what|is there|cannot find|not find|not see)\b.{0,40}\b(?:sign\s*-?\s*up|subscription|subscribe|mailing list|newsletter)\s*(?:form|link|page|button|box|sheet)`), 0.75},
		{rule(`\bnot\s+(?:find|see|know|sure)\s+(?:out\s+)?(?:where|how)\s+(?:to\s+|i\s+can\s+)(?:subscribe|sign\s*-?\s*up)\b`), 0.75},
		{rule(`^[^a-z가-힣]*(?:(?:the|your|email|prayer|weekly|monthly|for|a|yes|hi|hello|more|some|any|regular|also)[\s,]+)*(?:newsletters?|updates|email updates?|prayer (?:letters?|updates?|emails?|points)|subscribe|subscription|mailing list|emails|sign up)[\s,]*(?:list\s*)?(?:please|me|thanks|thank you|thx)\b`), 0.8},
		{rule(`^[^a-z가-힣]*(?:please[\s,]+)?(?:subscribe|sign up|subscription|newsletter|updates|email updates)[^a-z가-힣]*(?:[^\s@]+@\S+\W*)?$`), 0.65},
		{rule(`\bplease,?\s+(?:the|your|a|weekly|monthly|some|more|any)?\s*(?:newsletters?|email updates?|updates by email|prayer (?:letters?|updates|emails))\b`), 0.75},
		{rule(`\b(?:do|does|is|are|have|has)\s+(?:you|there|your \S+|the \S+|your|this \S+)\s+(?:all\s+|guys\s+|folks\s+|still\s+|also\s+|ever\s+|currently\s+)*(?:have|had|got|offer|publish|run|send(?:\s+out)?|provide|do|put out|issue|keep|produce|mail|email|maintain)?\s*(?:out\s+)?(?:a|an|any|some|the|regular|your|kind of|some kind of|some sort of|any sort of|any kind of|weekly|monthly|email)\s+(?:(?:kind|sort|type)\s+of\s+(?:a\s+)?)?(?:`, kinds, `\s+)*(?:newsletters?|mailing list|email list|emails? updates?|updates by email|(?:prayer|news|email) (?:letter|list|updates?|bulletin|emails?)|distribution list|mailings|mailing|bulletin|digest|email)\b`), 0.7},
		{rule(`\bcount\s+(?:me|us)\s+in\b`, gap, `?`, theUpdates), 0.85},
		{rule(`\b(?:i|we)\s+(?:will|would like to|want to|can)\s+(?:take|get|receive|have|join|subscribe to)\s+(?:your|the|those|these|a|an)\s+(?:\S+\s+){0,2}?`, theUpdates), 0.75},
		{rule(`\b(?:join|become|be|being|becoming)\s+(?:(?:a|an|your|one of your|the|one of the|part of your|part of the)\s+)?(?:new\s+)?prayer (?:partner|team|supporter|network|chain|list)`), 0.65},
		{rule(`\b(?:for|re|about|regarding|to)\s+(?:the|your)\s+(?:`, kinds, `\s+)*(?:newsletter|mailing list|emails|updates|prayer letter)\b.*\S+@\S+\.\S+`), 0.7},
		{rule(`\b(?:want|need|wants|crave)\s+(?:to\s+get\s+)?(?:in\s+on\s+)?(?:the|your|those|these|all|more|regular|any|weekly|monthly)?\s*(?:`, kinds, `\s+)*(?:newsletters?|updates|emails|prayer (?:letter|emails?|list)|bulletin)\b`), 0.75},
		{rule(`\b(?:will|would)\s+appreciate\s+(?:any|the|your|all|regular|some|more|getting|receiving|having)?\s*(?:\S+\s+){0,2}?`, theUpdates), 0.8},
		{rule(`\bmind\s+(?:\S+\s+){0,1}?(?:getting|receiving|having|being (?:on|added))\b`, gap, theUpdates), 0.75},
	}
)

// reach is how far before a clause the updates may have been named, in bytes.
const reach = 120

// scored is a rule and how sure it is, from 0 to 1.
type scored struct {
	*regexp.Regexp
	score float64
}

var (
	// englishRefusals undo every wish of their clause.
	englishRefusals = rule(`\b`, anyOf(
		`unsubscribe\b`, `unsubscribing`, `no longer\s+(?:want|wish|need|like|desire|care|be|to|interested|require|receive)`, `(?:remove|delete|erase)\s+(?:me|us|my|our)`, `take\s+(?:me|us|my|our).{0,25}\boff\b`, `(?:be\s+taken|taken|get)\s+off\b`, `opt(?:ed|ing)?[\s-]?out`,
		`be removed`, `cancel`, `stop\s+(?:sending|the|these|those|mailing|emailing|all|my|your|getting|receiving|with|filling|spamming|with)`, `stop$`, `(?:quit|cease)\s+(?:sending|mailing|emailing)`,
		`(?:do|does|did|would|will|should|can|could)\s+not\s+(?:\S+\s+){0,1}?(?:send|email|mail|add|subscribe|contact|put|include|sign|want\s+(?:any|your|the|to|more|you|these|email)|wish|need|like|care|receive|get|have to send|require|join)`,
		`not\s+(?:interested|wish|to\s+be|be\s+(?:added|contacted|on|sent|put)|looking)`, `rather\s+not`, `prefer\s+not`, `not\s+(?:\S+\s+)?to\s+(?:receive|get|be|subscribe)`, `no\s+(?:interest|need|thank|more\s+(?:e?mails?|newsletters?|updates|letters?|mailings?))`, `without\s+(?:signing|subscribing|giving|having|being|getting|joining)`,
		`too\s+(?:many|much)`, `to\s+not\b`, `instead\s+of`, `already\s+(?:\S+\s+)?(?:on|get|getting|receive|receiving|signed|subscribed|subscribe|have|in)`, `unwanted`, `enough\s+e?mails?`,
	), `(?:\b|$)`)

	// englishExceptions look like refusals and are none.
	englishExceptions = rule(`\b`, anyOf(
		`(?:do|would|will)\s+not\s+(?:(?:want|wish|like)\s+to\s+)?(?:forget|hesitate|miss|mind|lose)`, `(?:do|did|could|can|does)\s+not\s+(?:know|see|find|understand|seem|remember|have)`,
		`(?:can|could|would|will|do)\s+not\s+(?:i|we|you)\b`, `why\s+(?:do|would)\s+(?:not\s+you|you\s+not)`, `never\s+(?:miss|heard|knew|saw|received|got)`, `(?:do|did|does|have|has|had)\s+not\s+(?:receive|received|get|got|gotten|heard|arrived?)`, `if\s+(?:you\s+)?not`, `not\s+only`, `(?:not\s+)?too\s+(?:much\s+)?(?:trouble|bother|work|to\s+ask|late)`, `whether\s+or\s+not`,
	), `\b`)

	namesUpdates = rule(`\b`, theUpdates)

	// denial close before a wish turns it round.
	denial = regexp.MustCompile(`\b(?:not|never|nobody|without|instead of|stop(?:ped)?|avoid|refuse[ds]?(?: to)?|thank(?:s| you)(?: so much| very much| all)? for)\s+(?:\S+\s+){0,3}$`)

	// others want, have and get things too, and do not ask for themselves.
	others   = regexp.MustCompile(`\b(?:you|they|he|she|people|who|everyone|everybody|someone|somebody|anyone|nobody|those|many|others|koreans|defectors|refugees|christians|believers|friends?|students|visitors)\s+(?:(?:who|always|all|also|only|often|both|really|still|just|that|say|said|says|tell|told)\s+){0,2}$`)
	ourOwn   = regexp.MustCompile(`\b(?:my|our)\s+(?:\S+\s+)?$`)
	governed = regexp.MustCompile(`^(?:would|should|will|want|wish|hope|need|like|looking|longing|asking|ask)`)

	// otherThings are got and sent too.
	otherThings = regexp.MustCompile(`\b(?:bibles?|scriptures|books?|tracts?|speakers?|visitors?|volunteers?|missionar(?:y|ies)|money|donations?|class(?:es)?|courses?|camp|conference|tour|trip|job|baptis\w+|grace|blessings?|holy|spirit|christ|jesus|salvation|god has|channel|youtube|facebook|instagram|podcast|(?:your|postal|street|mailing)\s+address|phone|visa|help|touch with|photos?|pictures?|map)\b`)
	andThen     = regexp.MustCompile(`(?:\band\b|&|\bplus\b|\bas well as\b|\balso\b|,|\bby\b|\bvia\b|\bof\b|\babout\b|\bfrom\b|\bto\b|\bon\b)`)
	mailAddress = regexp.MustCompile(`[^\s@]+@[^\s@]+`)
	// inbox is where somebody's own mail goes.
	theirMail = regexp.MustCompile(`\b(?:send|write|sent)\s+(?:you|them|him|her)\b|\b(?:your|his|her|their|our|my)\s+email\s*(?:address)?\W*$|\bemail\s+address|\bget(?:s)?\s+(?:the|this|your|some|good)?\s*news\s+out`)
)

// hints are letters of which every wish and request has some; looking for them
// is much cheaper than trying the rules.
var hints = strings.Fields(`updat newsl news mail list subscri sign lett bulletin posted inform loop add put includ enrol regist notif digest pray opt abreast alert
	direct week month date know publicat circular 소식 편지 뉴스`)

// referring are the words that stand for what was named before.
var referring = strings.Fields(`it one them that those these this both any some me us my`)

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}

// findEnglish adds what a clause asks for in English.
func findEnglish(l *findings, text string, c stretch) {
	clause := text[c.start:c.end]
	earlier := text[max(0, c.start-reach):c.start]
	hinted := containsAny(clause, hints)
	if !hinted && (!containsAny(clause, referring) || !containsAny(earlier, hints)) {
		return
	}
	bare := englishExceptions.ReplaceAllStringFunc(clause, blank)
	if englishRefusals.MatchString(bare) {
		return
	}
	for _, rules := range [][]scored{englishWishes, englishRequests, englishPhrases} {
		if !hinted {
			break
		}
		for _, r := range rules {
			for _, m := range matches(r.Regexp, clause) {
				if meant(clause, bare, m) && !forPrayer(text, clause[m.start:m.end]) {
					l.add(Updates, trim(text, stretch{c.start + m.start, c.start + m.end}), r.score)
				}
			}
		}
	}
	for _, r := range englishReferences {
		for _, m := range matches(r.Regexp, clause) {
			named := namesUpdates.MatchString(clause[:m.start]) || namesUpdates.MatchString(earlier) && !englishRefusals.MatchString(earlier)
			if named && meant(clause, bare, m) {
				l.add(Updates, trim(text, stretch{c.start + m.start, c.start + m.end}), r.score)
			}
		}
	}
}

// matches lists where an expression matches, also where matches overlap: the
// next is looked for from the next word on.
func matches(r *regexp.Regexp, text string) []stretch {
	const most = 8 // nobody asks more often in a clause
	var list []stretch
	for from := 0; len(list) < most; {
		m := r.FindStringIndex(text[from:])
		if m == nil || m[0] == m[1] {
			break
		}
		list = append(list, stretch{from + m[0], from + m[1]})
		next := strings.IndexAny(text[from+m[0]+1:from+m[1]], " ")
		if next < 0 || r.String()[0] == '^' {
			from += m[1]
		} else {
			from += m[0] + 1 + next
		}
		if from >= len(text) {
			break
		}
	}
	return list
}

// meant judges a match by what stands before and in it. bare is the clause
// without what only looks like a refusal.
func meant(clause, bare string, m stretch) bool {
	start := m.start + len(clause[m.start:m.end]) - len(strings.TrimLeft(clause[m.start:m.end], " ,.:!?\""))
	before, words := bare[:start], clause[start:m.end]
	before = before[lastPart(before):]
	if denial.MatchString(before) {
		return false
	}
	if at := others.FindStringIndex(before); at != nil && governed.MatchString(words) && !ourOwn.MatchString(before[:at[0]]) {
		return false
	}
	if theirMail.MatchString(words) {
		return false
	}
	if at := otherThings.FindAllStringIndex(mailAddress.ReplaceAllStringFunc(words, blank), -1); at != nil && !andThen.MatchString(words[at[len(at)-1][1]:]) {
		return false
	}
	return true
}

var (
	prayerList = regexp.MustCompile(`\b(?:add|put|place|include)\b.*\bprayer (?:list|chain|group)\b`)
	oneself    = regexp.MustCompile(`\b(?:me|us)\b`)
	trouble    = regexp.MustCompile(`\b(?:sick|ill|illness|cancer|surgery|operation|hospital|lost|suffer\w*|heal\w*|died|death|dying|needs? prayers?|unemployed|job|depress\w*|divorce|trouble\w*|pain|struggl\w*|diagnos\w*|widow\w*|grie\w+|accident|exam|jail|prison|court)\b`)
)

// forPrayer reports a wish to be prayed for: nobody is put on a prayer list to
// get mail who tells of a trouble, or speaks of somebody else.
func forPrayer(text, words string) bool {
	return prayerList.MatchString(words) && (!oneself.MatchString(words) || trouble.MatchString(text))
}

// part begins a part of a clause about which an earlier denial says nothing.
var part = regexp.MustCompile(`[,:.!]|\b(?:so|and|then|yet|or)\b`)

// lastPart is where the last part of a clause begins.
func lastPart(s string) int {
	at := part.FindAllStringIndex(s, -1)
	if at == nil {
		return 0
	}
	return at[len(at)-1][1]
}

// trim takes spaces and marks off the ends of a stretch.
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
