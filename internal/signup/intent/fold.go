package intent

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// stretch is a part of the folded text, in bytes.
type stretch struct{ start, end int }

// folded is a text in the form in which the rules read it.
type folded struct {
	text string
	at   []int // at[i] is where in the source byte i came from; one more for the end
}

// source is the stretch of the source that a stretch of the folded text came
// from.
func (f folded) source(ask Ask, s stretch) Span {
	end := s.end
	for end < len(f.text) && f.at[end] == f.at[s.end-1] { // half of what became of one character
		end++
	}
	return Span{Ask: ask, Start: f.at[s.start], End: f.at[end]}
}

// fold writes a text in one way: NFKC, lower case, one sort of quotation mark,
// apostrophe, dash and space; without what cannot be seen; pictures, and the
// question marks that a database of three-byte characters made of them, as
// spaces. Then the words, see writeOut.
func fold(text string) folded {
	var w folder
	var it norm.Iter
	it.InitString(norm.NFKC, text)
	for !it.Done() {
		at := it.Pos()
		for _, r := range string(it.Next()) {
			w.add(r, at)
		}
	}
	return w.done(len(text)).respell(hyphened, func(string) string { return "email" }).
		respell(apartLetter, func(string) string { return "newsletter" }).respell(latinWord, writeOut).
		respell(bareWould, func(s string) string { return "i would" + s[2:] })
}

type folder struct {
	b    strings.Builder
	at   []int
	last rune
}

func (w *folder) add(r rune, at int) {
	switch {
	case r == '\n' || r == '\t' && w.last == '\n':
	case unicode.IsSpace(r), r == utf8.RuneError:
		r = ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		return
	case strings.ContainsRune("’‘ʼ`´′", r):
		r = '\''
	case strings.ContainsRune("“”„«»″", r):
		r = '"'
	case unicode.Is(unicode.Pd, r):
		r = '-'
	case unicode.In(r, unicode.So, unicode.Sk, unicode.Co):
		r = ' '
	case r == '?' && !unicode.IsLetter(w.last) && !unicode.IsDigit(w.last) && !strings.ContainsRune("?!.)\"'~", w.last):
		r = ' ' // nobody begins with a question mark: it was an emoji
	case r == '。':
		r = '.'
	default:
		r = unicode.ToLower(r)
	}
	w.last = r
	w.b.WriteRune(r)
	for range utf8.RuneLen(r) {
		w.at = append(w.at, at)
	}
}

func (w *folder) done(end int) folded { return folded{w.b.String(), append(w.at, end)} }

var (
	hyphened    = regexp.MustCompile(`\be ?- ?mail|\be mail`)
	apartLetter = regexp.MustCompile(`\bnews[- ]?l[ea]t+[ea]r|\bnewslet+er\b`)
	bareWould   = regexp.MustCompile(`\bid (?:like|love|be|also|really|appreciate|subscribe|sign|join|want|prefer|enjoy|read|gladly|happily|welcome)\b`)
	latinWord   = regexp.MustCompile(`[a-z]+(?:'[a-z]+)*`)
)

// respell replaces every match of what by its spelling; all of a changed word comes from
// where the word began.
func (f folded) respell(what *regexp.Regexp, spelling func(string) string) folded {
	var b strings.Builder
	at := make([]int, 0, len(f.at))
	done := 0
	for _, m := range what.FindAllStringIndex(f.text, -1) {
		word := f.text[m[0]:m[1]]
		other := spelling(word)
		if other == word {
			continue
		}
		b.WriteString(f.text[done:m[0]])
		at = append(at, f.at[done:m[0]]...)
		b.WriteString(other)
		for range len(other) {
			at = append(at, f.at[m[0]])
		}
		done = m[1]
	}
	b.WriteString(f.text[done:])
	return folded{b.String(), append(at, f.at[done:]...)}
}

// short are words that people write in other ways.
var short = map[string]string{
	"you're": "you are", "you'd": "you would", "he'd": "he would", "she'd": "she would", "they'd": "they would", "youre": "you are", "lemme": "let me", "gimme": "give me", "hmu": "let me know", "pls": "please", "wood": "would", "wud": "would", "wold": "would", "wuld": "would", "wolud": "would", "emal": "email", "emails": "emails", "emaile": "email", "mial": "mail", "woud": "would", "woould": "would", "ya": "you", "plz": "please", "plse": "please", "plis": "please", "u": "you", "ur": "your", "yr": "your",
	"wanna": "want to", "wld": "would", "cld": "could", "can't": "can not", "cant": "can not", "cannot": "can not",
	"won't": "will not", "dont": "do not", "didnt": "did not", "doesnt": "does not", "wouldnt": "would not", "couldnt": "could not",
	"wont": "will not", "im": "i am", "i'm": "i am", "ive": "i have", "i've": "i have", "we're": "we are", "we've": "we have",
	"i'd": "i would", "we'd": "we would", "it'd": "it would", "that'd": "that would", "i'll": "i will", "we'll": "we will", "signup": "sign up",
	"luv": "love", "there's": "there is", "where's": "where is", "let's": "let us", "thats": "that is",
}

// writeOut writes a word out: contractions, abbreviations, and the slips of the
// key in the words that matter here.
func writeOut(word string) string {
	if s, ok := short[word]; ok {
		return s
	}
	if verb, ok := strings.CutSuffix(word, "n't"); ok {
		return verb + " not"
	}
	return mend(word)
}

var (
	// mended are the words that slips of the key are mended to.
	mended = strings.Fields(`receive receiving received subscribe subscribed subscribing subscription newsletter newsletters
		update updates please interested unsubscribe weekly monthly regular regularly prayer prayers mailing mailings bulletin bulletins
		letter letters include included including informed inform notified notify notification notifications information address
		request requests register registered appreciate forward possible grateful`)

	// swapped are words that are too short to be told from others by a letter;
	// only letters that changed places or were doubled are mended.
	swapped = strings.Fields(`email emails send would could should posted list join kindly sign report reports`)

	// known are words that are no slips, and no words of the lexicon.
	known = wordSet(`receiver receiver's deceive relieve believe reprieve subscribes subscribers unsubscribed
		updated upstate uploads upload pleased pleas player players playing prayed praye preyer layer sailing failing railing wailing nailing tailing hailing bailing jailing mauling
		interesting interests weakly weeks months regulars irregular preyed lettered lettuce latter litter better litters latters lesser later setter
		informer informal informs notifies notable inclusive includes addressed addresses requested requesting registers registrar appreciates appreciation
		forwards forwarder froward possibly impossible ungrateful gratefully uniformed informant bulleting sing lists silt slit signs world`)
)

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// mend returns the word that was meant, if one of ours was missed by a letter,
// or by two in a long one.
func mend(word string) string {
	if _, ours := englishMeanings.of[word]; ours || known[word] || len(word) < 4 {
		return word
	}
	for _, w := range swapped {
		if sameLetters(word, w) {
			return w
		}
	}
	if len(word) < 5 {
		return word
	}
	best, least := word, 3
	for _, w := range mended {
		allowed := 1
		if len(w) >= 9 {
			allowed = 2
		}
		if w[0] != word[0] || len(w)-len(word) > allowed || len(word)-len(w) > allowed {
			continue
		}
		if d := slips(word, w); d <= allowed && d < least {
			best, least = w, d
		}
	}
	return best
}

// sameLetters reports whether a word begins as another and has its letters, be
// it that two changed places or that one was doubled.
func sameLetters(word, w string) bool {
	return word[0] == w[0] && (len(word) == len(w) || len(word) == len(w)+1 && undouble(word) == undouble(w)) && slips(word, w) == 1 &&
		(len(word) != len(w) || sorted(word) == sorted(w))
}

func sorted(word string) string {
	b := []byte(word)
	slices.Sort(b)
	return string(b)
}

func undouble(word string) string { return string(slices.Compact([]byte(word))) }

// slips counts the letters that are missing, too many, wrong or swapped with
// their neighbour (optimal string alignment), for ASCII words.
func slips(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		now := make([]int, len(b)+1)
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		before, last = last, now
	}
	return last[len(b)]
}
