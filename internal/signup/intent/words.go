package intent

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// word is a word of the folded text, or a phrase that means one thing, and what
// it means.
type word struct {
	concept concept
	at      stretch
}

var (
	chunk       = regexp.MustCompile(`[^\s@,()<>;]+@[^\s@,()<>;]*[a-z0-9]|\bhttps?://\S+|[a-z0-9]+(?:'[a-z]+)*|[가-힣]+|[ㅏ-ㅣㄱ-ㅎ]+|[,:()/.!?~]|\n`)
	mailAddress = regexp.MustCompile(`^[^\s@]+@[^\s@]+$`)
)

// meanings is a lexicon by entry, and how long its longest entry is.
type meanings struct {
	of      map[string]concept
	longest int // words of English, letters of Korean
}

var (
	englishMeanings = lookup(english, func(entry string) int { return strings.Count(entry, " ") + 1 })
	koreanMeanings  = lookup(korean, utf8.RuneCountInString)
)

func lookup(lexicon map[string]string, length func(string) int) meanings {
	m := meanings{of: map[string]concept{}}
	for name, entries := range lexicon {
		for entry := range strings.SplitSeq(entries, ",") {
			entry = strings.Join(strings.Fields(entry), " ")
			if entry == "" {
				continue
			}
			if other, ok := m.of[entry]; ok && other != concepts[name] {
				panic("intent: " + entry + " means two things")
			}
			m.of[entry] = concepts[name]
			m.longest = max(m.longest, length(entry))
		}
	}
	return m
}

// words reads the words of a clause. Fillers, which mean nothing, are left out.
func words(text string, c stretch) []word {
	var list []word
	chunks := chunk.FindAllStringIndex(text[c.start:c.end], -1)
	for i := 0; i < len(chunks); {
		at := stretch{c.start + chunks[i][0], c.start + chunks[i][1]}
		used := 1
		switch first, _ := utf8.DecodeRuneInString(text[at.start:]); {
		case mailAddress.MatchString(text[at.start:at.end]):
			list = append(list, word{concepts["addr"], at})
		case first >= '가' && first <= '힣':
			var found []word
			found, used = koreanWords(text, c.start, chunks[i:])
			list = append(list, found...)
		case first >= 'a' && first <= 'z' || first >= '0' && first <= '9':
			var w word
			w, used = englishWord(text, c.start, chunks[i:])
			list = append(list, w)
		case first == ',' || first == ':':
			list = append(list, word{concepts["comma"], at})
		case first == '?':
			list = append(list, word{concepts["mark"], at})
		}
		i += used
	}
	return withoutFillers(list)
}

func withoutFillers(list []word) []word {
	kept := list[:0]
	for _, w := range list {
		if w.concept != concepts["filler"] {
			kept = append(kept, w)
		}
	}
	return kept
}

// englishWord is the longest phrase of the lexicon that begins here, and how
// many chunks it has.
func englishWord(text string, base int, chunks [][]int) (word, int) {
	phrase, best := "", word{concepts["word"], stretch{base + chunks[0][0], base + chunks[0][1]}}
	used := 1
	for n := 0; n < min(len(chunks), englishMeanings.longest); n++ {
		if n > 0 {
			if between := text[base+chunks[n-1][1] : base+chunks[n][0]]; between != " " && between != "-" {
				break
			}
			phrase += " "
		}
		phrase += text[base+chunks[n][0] : base+chunks[n][1]]
		if c, ok := englishMeanings.of[phrase]; ok {
			best, used = word{c, stretch{best.at.start, base + chunks[n][1]}}, n+1
		}
	}
	return best, used
}

// letter is a Korean syllable and where it stands.
type letter struct {
	r     rune
	at    stretch
	first bool // it begins a word
	chunk int
}

// koreanWords reads the stems of a run of Korean words. Spaces do not count, as
// people set them as they like, save where an entry asks for the beginning of a
// word ("_안") or for a whole one ("_이_"). A word without a known stem means nothing, unless it is the object.
func koreanWords(text string, base int, chunks [][]int) ([]word, int) {
	var letters []letter
	used := 0
	for i, m := range chunks {
		r, _ := utf8.DecodeRuneInString(text[base+m[0]:])
		if r < '가' || r > '힣' || i > 0 && strings.Trim(text[base+chunks[i-1][1]:base+m[0]], " ") != "" {
			break
		}
		for j, r := range text[base+m[0] : base+m[1]] {
			at := base + m[0] + j
			letters = append(letters, letter{r, stretch{at, at + utf8.RuneLen(r)}, j == 0, i})
		}
		used++
	}
	var list []word
	known := make([]bool, used)
	var passed []rune // what was passed over in this word since the last stem
	for i := 0; i < len(letters); {
		if letters[i].first {
			passed = passed[:0]
		}
		c, n := koreanStem(letters[i:])
		if n > 0 {
			if i > 0 && letters[i].first && strings.ContainsRune("주줘줄", letters[i].r) && !known[letters[i-1].chunk] && isConnective(letters[i-1].r) {
				list = append(list, word{concepts["kverb"], stretch{letters[i].at.start, letters[i].at.start}})
			}
			if isEnding(c) && isVerb(passed) && (len(list) == 0 || !takesEnding(list[len(list)-1].concept)) {
				list = append(list, word{concepts["kverb"], stretch{letters[i].at.start, letters[i].at.start}})
			}
			passed = passed[:0]
			for _, l := range letters[i : i+n] {
				known[l.chunk] = true
			}
			list = append(list, word{c, stretch{letters[i].at.start, letters[i+n-1].at.end}})
			i += n
			continue
		}
		passed = append(passed, letters[i].r)
		last := i+1 == len(letters) || letters[i+1].first
		if last && !known[letters[i].chunk] {
			m := chunks[letters[i].chunk]
			list = append(list, word{unknownKorean(letters[i].r), stretch{base + m[0], base + m[1]}})
		}
		i++
	}
	return list, used
}

// isEnding reports a wish that is only the ending of a verb.
func isEnding(c concept) bool {
	return c == concepts["kwant"] || c == concepts["kplease"] || c == concepts["kcan"] || c == concepts["kend"]
}

// takesEnding reports a verb of asking.
func takesEnding(c concept) bool {
	switch c {
	case concepts["get"], concepts["recv"], concepts["send"], concepts["enrol"], concepts["apply"], concepts["sub"], concepts["kwant"], concepts["kplease"], concepts["kcan"], concepts["email"], concepts["bymail"]:
		return true
	}
	return false
}

// isVerb reports whether letters that are no stem can be another verb, and not
// merely a particle.
func isVerb(passed []rune) bool {
	s := string(passed)
	return s != "" && !particles[s]
}

// isConnective reports the ending of a verb before 주다: 써, 고쳐, 만들어. Its
// vowel is one of these, and nothing closes it.
func isConnective(r rune) bool {
	const syllables, finals = 588, 28
	vowel := (r - '가') % syllables / finals
	return (r-'가')%finals == 0 && (vowel <= 6 || vowel == 9 || vowel == 14) // ㅏ to ㅕ, ㅘ, ㅝ
}

var particles = map[string]bool{"을": true, "를": true, "이": true, "가": true, "은": true, "는": true, "도": true, "만": true, "로": true, "으로": true, "에": true, "의": true, "들": true, "들을": true, "라도": true, "이라도": true, "좀": true, "과": true, "와": true, "랑": true, "요": true, "하": true}

func unknownKorean(last rune) concept {
	if last == '을' || last == '를' {
		return concepts["object"]
	}
	return concepts["word"]
}

// koreanStem is the longest stem that begins here, and its length in letters.
func koreanStem(letters []letter) (concept, int) {
	var best concept
	length := 0
	key := ""
	for n := 0; n < min(len(letters), koreanMeanings.longest); n++ {
		key += string(letters[n].r)
		if c, ok := koreanMeanings.of[key]; ok {
			best, length = c, n+1
		}
		if !letters[0].first {
			continue
		}
		if c, ok := koreanMeanings.of["_"+key]; ok {
			best, length = c, n+1
		}
		if c, ok := koreanMeanings.of["_"+key+"_"]; ok && (n+1 == len(letters) || letters[n+1].first) {
			best, length = c, n+1
		}
	}
	return best, length
}
