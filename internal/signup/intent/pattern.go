package intent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A pattern is an expression over concepts instead of letters. Its elements are
// separated by spaces:
//
//	name     one word of that concept, or a whole phrase that has that name
//	a|b      either
//	name?    perhaps
//	~3       up to three words that lead nowhere else (see hard)
//	=3       up to three words that neither lead elsewhere nor begin a new wish
//	+3       up to three words between a Korean verb and its ending
//	*3       up to three words of any kind
//	^ $      the beginning and the end of the clause
//
// Concepts are written as one byte each, so that a pattern is compiled to an
// ordinary regular expression and takes linear time.

// concept is what a word means here, as a byte of ASCII.
type concept byte

const firstConcept = 1

// concepts numbers the concepts of the lexica in the order of their names.
var (
	concepts     = numberConcepts()
	conceptNames []string
)

func numberConcepts() map[string]concept {
	for _, lexicon := range []map[string]string{english, korean} {
		for name := range lexicon {
			conceptNames = append(conceptNames, name)
		}
	}
	conceptNames = append(conceptNames, bareConcepts...)
	slices.Sort(conceptNames)
	conceptNames = slices.Compact(conceptNames)
	if len(conceptNames) > 127-firstConcept {
		panic("intent: too many concepts")
	}
	numbers := map[string]concept{}
	for i, name := range conceptNames {
		numbers[name] = concept(firstConcept + i)
	}
	return numbers
}

// class is an expression for one word of any of the concepts.
func class(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		c, ok := concepts[name]
		if !ok {
			panic("intent: no concept " + name)
		}
		fmt.Fprintf(&b, `\x%02x`, byte(c))
	}
	return "[" + b.String() + "]"
}

// except is an expression for one word of any concept but these.
func except(names ...string) string { return "[^" + strings.TrimPrefix(class(names...), "[") }

// matcher is a compiled pattern.
type matcher struct {
	expression *regexp.Regexp
	needs      []set // of each of these the clause has a concept, or it cannot match
}

// pattern compiles a pattern.
func pattern(source string) matcher {
	return matcher{regexp.MustCompile(expression(source)), needs(source)}
}

// find lists where the pattern matches.
func (m matcher) find(s spelling) [][]int {
	if !m.possible(s) {
		return nil
	}
	return m.expression.FindAllStringIndex(s.letters, -1)
}

// in reports whether the pattern matches somewhere.
func (m matcher) in(s spelling) bool {
	return m.possible(s) && m.expression.MatchString(s.letters)
}

// possible is false for most patterns and clauses, and much cheaper than to try.
func (m matcher) possible(s spelling) bool {
	return !slices.ContainsFunc(m.needs, func(n set) bool { return !n.meets(s.has) })
}

// spelling is a clause as concepts, a byte for each word.
type spelling struct {
	letters string
	has     set
}

func spell(words []word) spelling {
	var s spelling
	letters := make([]byte, len(words))
	for i, w := range words {
		letters[i] = byte(w.concept)
		s.has.add(w.concept)
	}
	s.letters = string(letters)
	return s
}

// set is a set of concepts.
type set [2]uint64

func (s *set) add(c concept)   { s[c/64] |= 1 << (c % 64) }
func (s *set) join(o set)      { s[0] |= o[0]; s[1] |= o[1] }
func (s set) meets(o set) bool { return s[0]&o[0]|s[1]&o[1] != 0 }

// needs are the concepts without which a pattern cannot match, a set for each
// element that must be there.
func needs(source string) []set {
	var all []set
	for _, element := range strings.Fields(source) {
		if strings.ContainsAny(element, "~=+*?^$") {
			continue
		}
		var either set
		always := true
		for _, name := range strings.Split(element, "|") {
			s := needsOf(name)
			always = always && s != set{}
			either.join(s)
		}
		if always {
			all = append(all, either)
		}
	}
	return all
}

// needsOf is what a name needs; the empty set if it may match without anything.
func needsOf(name string) set {
	var s set
	phrase, ok := phrases[name]
	if !ok {
		s.add(concepts[name])
		return s
	}
	for alternative := range strings.SplitSeq(phrase, ",") {
		first := needs(alternative)
		if len(first) == 0 {
			return set{}
		}
		s.join(first[0])
	}
	return s
}

func expression(source string) string {
	var b strings.Builder
	for _, element := range strings.Fields(source) {
		switch element[0] {
		case '~':
			b.WriteString(except(hard...) + "{0," + element[1:] + "}?")
		case '=':
			b.WriteString(except(slices.Concat(hard, frames)...) + "{0," + element[1:] + "}?")
		case '+':
			b.WriteString(except("else", "doing", "gone", "other", "kstop") + "{0," + element[1:] + "}?")
		case '*':
			b.WriteString(`[\x00-\x7f]{0,` + element[1:] + "}?")
		default:
			name, perhaps := strings.CutSuffix(element, "?")
			var either []string
			for _, alternative := range strings.Split(name, "|") {
				either = append(either, part(alternative))
			}
			b.WriteString("(?:" + strings.Join(either, "|") + ")")
			if perhaps {
				b.WriteString("?")
			}
		}
	}
	return b.String()
}

// part is the expression for a name.
func part(name string) string {
	if name == "^" || name == "$" {
		return name
	}
	if phrase, ok := phrases[name]; ok {
		return expressions(phrase)
	}
	return class(name)
}

// expressions makes the alternatives of a phrase, which are separated by
// commas.
func expressions(phrase string) string {
	var either []string
	for alternative := range strings.SplitSeq(phrase, ",") {
		either = append(either, expression(alternative))
	}
	return "(?:" + strings.Join(either, "|") + ")"
}
