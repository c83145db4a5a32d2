package intent

// The rules say how concepts follow each other; what words a concept has is
// told in english.go and korean.go, and what is done to the concepts before in
// rewritings.go. English puts the wish before its object, Korean after it; the
// two share their concepts, as many people mix them.

// scored is a rule and how sure it is, from 0 to 1.
type scored struct {
	matcher
	score float64
}

func compile(score float64, patterns ...string) []scored {
	var list []scored
	for _, p := range patterns {
		list = append(list, scored{pattern(p), score})
	}
	return list
}

func patterns(sources ...string) []matcher {
	var list []matcher
	for _, p := range sources {
		list = append(list, pattern(p))
	}
	return list
}

func concat(lists ...[]scored) []scored {
	var all []scored
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// asks are how somebody asks for the updates: first in English (a wish, a
// bidding or a question, then what is done, then what is sent), then in Korean
// (what is sent, what is done, the ending that asks).
var asks = concat(
	compile(0.9,
		`self? please? asked`, `frame ~6 get ~6 thing|partner`, `frame ~4 be ~2 sent|enrolled ~6 thing`, `frame ~4 sub`,
		`bidding ~3 sending ~3 whose ~6 thing`,
	),
	compile(0.85,
		`self? please? keepme`, `self? please? enrolme`, `wish ~6 posted|keepme`, `asking ~6 be|keep|get ~2 posted`,
		`frame ~6 be|get|join ~1 up? on|onto ~4 list|paper|praylist`, `wish|asking ~6 join|enrol ~4 partner|praylist|paper|list`,
		`wish|asking ~6 be ~3 partner`, `would join ~3 partner|praylist|paper|list`, `free do? sending me|kin|my ~5 paper|news|update`,
	),
	compile(0.75,
		`please ~1 sent me ~5 thing`, `frame ~4 get email ~1 whenif`, `bidding ~3 send|email ~2 me ~3 name`, `craving =3 sub`,
		`be you ~2 send ~4 paper|news`, `trysub ~3 thing|$|mark|comma`, `so them? self can? ~1 get|hear ~3 thing`, `bysend me ~4 thing`,
		`would ~3 nice ~6 have|get ~4 thing`, `nice|poss ~1 cond self ~2 sub|join|get|have`, `me ~3 send $`, `want|hope ~4 partner`,
		`bidding ~2 send me email ~1 whenif`, `whenif there be ~2 paper|list|bymail|news`, `can ~2 thing ~3 get|come|sent|avail`,
		`paper|news|update|points ~6 would be =1 nice|like`, `let me onto ~2 list|paper|praylist`,
		`bidding ~5 sending ~4 whenif ~5 news|fresh|more|paper|update`, `wish ~1 my name ~1 on|onto`,
		`would ~3 nice youdo ~2 sent|send|email ~3 them|thing`, `how be ~2 sub`,
		`wish ~2 know ~2 whenif ~4 share|send|fresh|more|paper|update|news`, `bidding ~2 send|email ~6 often|bymail`,
		`shift|enrol me ~2 sub|paper|partner|subbed`, `bidding ~1 use ~6 thing`, `to join ~3 list|paper|partner`,
		`frame ~3 have ~6 enrolled|sent`, `asking ~3 hear|know ~5 fresh|whenif`, `let me|kin be? have|get ~4 thing|them|often`,
		`mayi|want|hope|poss ~2 have =4 thing`, `bidding ~1 paper ~3 to whose`, `let them ~1 get`, `do you have ~5 often`,
		`craving =3 paper|news|points`, `wish ~3 hear ~4 news|paper`, `want|like ~2 have ~4 thing`, `wish ~3 have ~4 sent`,
		`frame ~4 get ~7 regular`, `frame ~4 hear|know ~7 often|bymail`, `bidding ~3 send|email ~3 whose ~6 regular`,
		`bidding ~3 share ~3 whose ~6 often|bymail`, `bidding ~2 send|email ~5 paper|news`,
		`bidding ~2 enrol|shift ~4 onto|on|to ~3 paper|list`, `let me know ~7 fresh|news|paper|regular|points`,
		`notify me ~8 fresh|news|paper|whenif|regular|more`, `do ~4 have|send|share|email ~4 paper`,
		`do you|kin ~3 send|share|email ~3 news|update|regular`, `be there ~3 paper|list|sub`, `have you ~2 paper`,
		`be ~4 paper|news|update|more|them ~3 avail ~3 regular`, `be paper ~2 avail`, `do|can ~3 get ~2 bymail`,
		`paper|news|update|points =6 would =3 nice|like`, `paper|news|email|update would ~2 nice|like|notify`, `yes ~2 to ~3 thing`,
		`^ =2 paper|news ~1 please`, `please =2 paper`, `word ~4 sub poss`, `would sub`, `^ please? sub comma? please|addr|gives|$`,
		`^ please? paper comma? addr|gives|$`,
	),
	compile(0.65,
		`do|be you ~2 paper`, `can other|them|more ~1 be ~1 sent`, `be self ~2 on|enrolled|onto ~2 list|paper`,
		`addr|gives ~8 paper|news|update`, `poss ~5 list|partner|paper`, `yes ~1 prep ~2 thing`, `notify me $|please`,
		`whatof ~3 sub|paper|email|bymail`, `wish|mayi ~2 get ~1 them $|mark|comma`, `^ =2 sub ~6 please`, `^ =2 paper ~6 please`,
		`bymail would be =1 nice`, `want|mayi ~10 paper|bymail|list`, `please|youdo ~4 whose|sending|enrol|shift|get ~8 paper|bymail|list`,
		`bidding ~3 on|onto ~3 list|paper`, `please ~3 sub`, `would ~2 like ~10 paper|bymail|list`,
		`paper|list|news ~6 mayi|youdo|please ~8 get|sent|send|sub|join|email|enrol`, `poss ~2 email ~1 whenif`, `want =1 email`,
		`nomiss ~4 them|more|fresh|thing`, `get me ~3 thing`, `hope ~3 comma ~1 paper`, `self would ~2 get ~4 thing`, `want ~2 get $|comma`,
		`paper|list|news|update ~1 self can|would ~2 get|join|have|sub|hear`, `asking ~4 gives`, `you got|have ~2 email|paper|list *8 mark`,
		`to be|keep ~1 posted`, `bymail please`, `craving =3 more|points ~2 regular`, `be there ~3 sub`, `frame ~5 follow`,
		`wish ~3 get ~2 more`, `wish ~2 hear|know ~2 more ~2 prep ~1 you|your`,
		`bidding ~3 send|email ~2 whose ~3 more`, `wish ~1 keep ~1 hear|get|know`,
		`free send|email me ~1 whenif ~6 fresh|news|more|paper|them`, `let me know ~1 whenif ~3 more`, `be there ~3 bymail`,
		`asking ~4 keep|share|send my ~1 email|mailaddr`, `free sending me ~5 more ~3 regular`, `free sending me ~5 regular`,
		`asking ~3 hear ~4 paper`, `paper|news *3 gives|addr`, `^ paper mark`,
		`^ paper sub mark`, `bidding email me $|mark`, `have|got ~2 paper mark`,
	),

	compile(0.85,
		`ksent|partner ~5 get|recv +5 kasks`, `ksent|partner ~5 send ~3 kplease|kcan|khow`, `ksent|partner ~5 enrol|apply ~3 kasks`,
		`ksent|mailaddr ~3 apply ~2 kend|kasks|$`, `sub ~2 apply? kend|kasks`, `paper|bymail apply $`,
	),
	compile(0.75,
		`ksent ~2 khow ~2 get|recv|send|apply|sub|enrol`, `ksent ~3 nomiss`, `ksent ~5 kbid`, `partner|paper ~3 kjoin`,
		`self|me|ksent ~4 krecv`, `sub ~3 broken|klate`, `ksent ~2 kplease|kwant`, `paper|sub ~3 kcan`, `sub ~3 khow`, `paper ~1 khow $`,
		`often ~4 get|recv +3 kasks`, `often|me ~4 send ~2 kplease|kcan`, `partner ~3 kasks|kend`,
	),
	compile(0.65,
		`paper ~2 klate`, `ksent ~8 kplease|kwant`, `self|me ~2 enrol ~1 kplease`, `self ~1 apply $|mark`, `get|recv ~1 kwant ~1 apply`,
		`recv +2 kasks`, `^ apply kend|kasks $`, `self|me ~2 get|recv +2 kasks`, `self ~2 send ~1 kplease`, `self ~1 apply ~1 kend|kasks`,
	),
)

// references ask for what was named elsewhere in the comment.
var references = compile(0.7,
	`bidding ~2 shift ~2 them`, `self ~1 kplease`, `can other|them ~1 come|be|get ~2 sent|bymail`, `can them be ~1 sent`, `^ ~3 self $`,
	`craving =2 them ~2 me|my|too|$`, `bidding ~2 send|email ~5 to me|addr|gives`, `frame ~2 be ~1 on|enrolled them?`,
	`how do self $|mark`, `mayi $|mark`, `^ ~4 krecv`, `frame ~3 get|have|sent|enrolled|join ~2 them|too`,
	`frame ~3 get|sent|enrolled|join $|mark`, `bidding ~1 sending me ~3 too|$|mark`, `bidding ~1 sending me ~2 them`,
	`please sending ~2 them`, `let me onto ~3 list|paper|praylist`, `late ~3 more`, `sub ~6 shift me`,
	`bidding ~1 send|email me? ~3 addr`, `free sending me ~3 them|too|addr|$`, `bidding ~2 enrol ~3 them|too|on`,
	`craving|mayi =2 them|too $`, `frame ~3 copy`, `whatof me`, `can them be`, `youdo do? them ~3 me`, `^ me ~1 too|please`,
	`me too please?`, `yes ~1 please`, `would like to? be? $`, `email would be ~1 nice`, `^ ~6 get +3 kasks`,
	`^ ~6 send|enrol ~1 kplease|kcan`, `^ ~3 apply ~1 kend|kasks|$`,
)

// lapsed tell of updates that do not come any more, in a comment that calls for
// an answer.
var lapsed = compile(0.65, `late ~5 paper|news|email|list`, `paper|news|email ~4 late`)

// sentFor ask for what somebody has signed up for and does not get.
var sentFor = compile(0.65, `^ ~6 late|klate`)

// offering is an address that somebody gives, interest is what makes it an
// ask, and elsewhere is what else it may be given for.
var (
	offering  = pattern(`gives|addr`)
	interest  = pattern(`want|hope|please|pray|kwant|kplease|yes|too|like|paper|news|update|list|email`)
	elsewhere = pattern(`else|doing|mark|gone|object|kverb|said|other|why|how|late|got|stop`)
	calling   = pattern(`mark|please|youdo|mayi|want|addr|gives`)
	signing   = pattern(`sub|ksigned|subbed|apply`)
	naming    = pattern(`paper|news|update|sub|subbed|email|bymail|list|addr|points|ksigned|klate|mailaddr`)
)

// refusals undo every ask of their clause.
var refusals = patterns(
	`stop`, `get|want|enrol|shift *3 off`, `not think`,
	`not =2 want|hope|like|let|sending|enrol|enrolme|asked|sub|posted|keepme|sent|enrolled|join|paper|notify|mayi`, `not to get|be|join|have`,
	`not be posted|sent|enrolled`,
	`no =2 paper|bymail|email|news|want|more|thanks|sub`,
	`already *3 khad|ksigned|apply|get|got|have|sub|enrolled|enrolme|list|paper|sent|join|posted|enrol|on`, `kstop`,
)

// regrets take back what the sentence asked for, leaving what the comment did.
var (
	regrets = pattern(`regret`)
	leaving = pattern(`^ please? stop ~2 $`)
)
