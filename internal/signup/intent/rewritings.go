package intent

// phrases are the parts of which the patterns are made, each with its
// alternatives.
var phrases = map[string]string{
	"thing":    `paper,news,update,list,praylist,points`,                                                                // what is sent
	"craving":  `want,would ~2 like`,                                                                                    // somebody wants it
	"wish":     `want,hope,would ~2 like,would ~3 nice,^ like to`,                                                       // somebody wants to
	"asking":   `mayi,poss,how ~4 self,how to,how do,how would,how can,find how`,                                        // somebody asks for a way
	"frame":    `want,hope,would ~2 like,would ~3 nice,^ like to,mayi,poss,how ~4 self,how to,how do,how can,how would`, // either
	"bidding":  `please,youdo,want you,hope you,would ~2 like you,would ~2 like to? have you`,                           // somebody is asked to do it
	"sending":  `send,share,email`,
	"regular":  `often,bymail,addr,gives`,                   // how it is to come
	"whose":    `me,my,addr,to me,kin,to addr,my kin,gives`, // to whom
	"enrolled": `added,subbed`,
	"free":     `^,comma,and,so,yes,please,word,too,but,youdo,would,self,hope,thanks`,
	"ksent":    `paper,news,update,email,bymail,sub,list,praylist`, // what is sent, in Korean order
	"whenif":   `when,cond`,
	"kasks":    `kwant,kplease,kcan,khow`,
}

// rewriting replaces what a pattern matches by one concept.
type rewriting struct {
	pattern matcher
	concept concept
}

func becomes(name string, patterns ...string) []rewriting {
	var list []rewriting
	for _, p := range patterns {
		list = append(list, rewriting{pattern(p), concepts[name]})
	}
	return list
}

// rewritings are made one after the other before anything is asked: first what
// takes several words is put together, then what only looks like an ask is
// taken away.
var rewritings = flatten(
	becomes("paper", `email|often|pray|partner|paper|praylist email|often|pray|paper? list|update|news`, `often|partner|pray email|paper`,
		`paper list|paper|news|update`, `news list`, `update|news email`),
	becomes("paper", `more|them|how you|youdo ~1 sending prep?`, `more|how goes prep?`),
	becomes("gives", `my email|mailaddr be|comma? addr`, `email|mailaddr comma|be? addr`, `be my email|mailaddr`, `email|get me on|prep addr`,
		`addr be my email|mailaddr`, `my addr`, `keep my ~1 email|mailaddr`, `keep email|mailaddr`),
	becomes("want", `my ~3 wants`, `kin|me|self wants`),
	becomes("more", `how you want`),
	becomes("want", `said me to`),
	becomes("gives", `update my ~1 email|mailaddr ~2 addr?`),
	becomes("list", `whoever ~1 pray`),
	becomes("word", `comma whoever *7 comma`),
	becomes("list", `whoever ~1 get ~3 thing`, `other whoever ~1 get ~3 thing`),
	becomes("gone", `your email|mailaddr`, `onto|to your? pray`, `your pray`),
	becomes("want", `would ~2 thanks`),
	becomes("gone", `would|do you like|hope|want`, `whenif? you want|like|hope`, `you would like`, `how ~1 can you`, `cond? you do not get|got`,
		`cond you get`, `please|youdo|mayi hear|keep ~1 paper|news`, `why ~4 have|send|share|email|get|update|paper|news`),
	becomes("want", `would not please|miss`),
	becomes("gone", `would ~1 sub whenif ~3 not`),
	becomes("word", `whenif not`),
	becomes("late", `have not ~1 have|got|get|hear|sent`),
	becomes("youdo", `not miss to`),
	becomes("gone", `want|hope|like to word`),
	becomes("trysub", `can not get|word? to? ~2 sub|poss|list`, `not get poss ~1 sub`),
	becomes("nomiss", `not let me miss`),
	becomes("nomiss", `want|hope|please ~4 not miss`, `not want|like to? miss`, `would ~1 word to miss`, `so them? self|do|would ~1 not miss`),
	becomes("mayi", `can ~1 not? self`, `can not? my ~2 kin`, `would|do not self`, `can my`),
	becomes("youdo", `can|would|do not you please?`, `can|would you ~1 please?`, `why not you?`, `whenif you can|would please?`,
		`you can please?`, `whenif you be nice|poss|like`),
	becomes("youdo", `cond you`),
	becomes("gone", `you would`),
	becomes("word", `not ~1 find|know|hear|have`, `there be no ~1 sub|poss|paper|list`, `hear no`, `no poss|word|how`, `not ~1 no`),
	becomes("late", `be not ~1 sub|enrolled|on|list`, `do|have|be self? not get|got|avail`, `^ not get|got`, `not ~1 got`),
	becomes("gone", `you|other do|have ~1 not get|got`),
	becomes("gone", `while want|hope|like`, `how ~1 do you get|know`),
	becomes("gone", `you|other|whoever =1 enrol|send|share|email|notify|let|keep|sub|shift me`,
		`other|whoever ~2 trysub|late|want|hope|would|can|get|sub|join|sent|enrolled`, `said ~3 to sub|enrol|get|join`,
		`wants to? be? posted|get|sub|enrolled|join`, `said ~2 poss|how`),
	becomes("gone", `thanks prep? ~1 enrol|send|share|email|keep|let|notify|get|got|enrolled|sent|know|hear ~4 thing`,
		`thanks prep? enrol|send|share|email|keep|let|notify|get|got|enrolled|sent|know ~1 me?`, `thanks =4 thing`),
	becomes("keepme", `keep my|addr? me|kin|addr ~3 posted|up|follow|subbed|enrolled|on`, `keep|get posted`, `update bymail`,
		`update my ~1 sub`, `update me ~6 regular`, `please update me`, `keep|get|be update`),
	becomes("gone", `youdo|please|to|mayi|would|not update`),
	becomes("enrolme", `enrol me|kin up|on?`, `sub|shift me|kin up`, `enrol|sub up? me`, `enrol up me|kin`,
		`enrol my ~2 kin|mailaddr|email|addr up?`, `enrol my|them name up?`, `enrol addr|gives up?`, `sub my ~2 kin|mailaddr|email`,
		`count me onto|and|enrolled|on`, `count my ~4 onto`, `count onto me`, `enrol|sub word and me up?`,
		`shift me|my|them|addr ~3 on|onto ~3 list|paper`),
	becomes("gone", `trysub to ~1 word`),
	becomes("gone", `mailaddr send`),
	becomes("gone", `else ~2 sub|apply`, `object|else ~1 sub|apply|get|recv|send|krecv`),
	becomes("gone", `enrolme onto? posted`, `object|else =2 bymail|email`),
	becomes("asked", `enrolme ~6 thing|partner`, `enrol|shift ~3 on|onto|to ~3 paper|list`),
	becomes("gone", `enrolme =6 else|doing|pray|gone`, `sub|join to? =4 else|doing`, `sub to my`, `join me`, `follow ~3 else`,
		`sending whose ~3 more ~5 else|doing`, `let me know ~5 fresh? ~3 else|doing`, `let me know ~1 whenif you|self want|can`,
		`notify me ~5 else|doing`, `email me whenif you|self want|can|be`),
)

func flatten(lists ...[]rewriting) []rewriting {
	var all []rewriting
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
