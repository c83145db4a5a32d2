package intent

import (
	"regexp"
	"strings"
)

// clause is a clause of the comment as concepts.
type clause struct {
	words   []word
	read    spelling // in which the patterns look
	plain   spelling // the same before anything was rewritten
	refused bool
}

func readClause(text string, c stretch) clause {
	var r clause
	r.words = words(text, c)
	r.plain = spell(r.words)
	r.read = r.plain
	for _, w := range rewritings {
		r.rewrite(w)
	}
	for _, no := range refusals {
		r.refused = r.refused || no.in(r.read)
	}
	return r
}

// rewrite replaces every match of a pattern by one word.
func (c *clause) rewrite(r rewriting) {
	found := r.pattern.find(c.read)
	if found == nil {
		return
	}
	var list []word
	done := 0
	for _, m := range found {
		list = append(list, c.words[done:m[0]]...)
		list = append(list, word{r.concept, stretch{c.words[m[0]].at.start, c.words[m[1]-1].at.end}})
		done = m[1]
	}
	c.words = append(list, c.words[done:]...)
	c.read = spell(c.words)
}

// find lists what in the clause the rules match.
func (c clause) find(l *findings, text string, rules []scored) {
	for _, r := range rules {
		for _, m := range r.find(c.read) {
			if m[0] < m[1] {
				l.add(Updates, stretch{c.words[m[0]].at.start, wordEnd(text, c.words[m[1]-1].at.end)}, r.score)
			}
		}
	}
}

// findRomanised adds what a clause asks for in Korean with Latin letters.
func findRomanised(l *findings, text string, c stretch) {
	clause := text[c.start:c.end]
	if at, asks := romanUpdates.FindStringIndex(clause), romanAsks.FindStringIndex(clause); at != nil && asks != nil && !romanRefusals.MatchString(clause) {
		l.add(Updates, stretch{c.start + min(at[0], asks[0]), c.start + max(at[1], asks[1])}, 0.7)
	}
}

// sentence is a sentence and its clauses.
type sentence struct {
	at      stretch
	parts   []stretch
	clauses []clause
}

func readSentences(text string) []sentence {
	var list []sentence
	for _, at := range sentences(text) {
		s := sentence{at: at, parts: clauses(text, at)}
		for _, c := range s.parts {
			s.clauses = append(s.clauses, readClause(text, c))
		}
		list = append(list, s)
	}
	return list
}

// anyClause reports whether a clause of the comment has a match.
func anyClause(comment []sentence, p matcher) bool {
	for _, s := range comment {
		for _, c := range s.clauses {
			if p.in(c.read) || p.in(c.plain) {
				return true
			}
		}
	}
	return false
}

// rulesFor are the rules that hold in a comment: what it speaks of decides what
// "please send them" refers to.
func rulesFor(comment []sentence) []scored {
	if anyClause(comment, leaving) {
		return nil
	}
	rules := asks
	if anyClause(comment, naming) {
		rules = concat(rules, references)
	}
	if anyClause(comment, calling) {
		rules = concat(rules, lapsed)
	}
	if anyClause(comment, signing) {
		rules = concat(rules, sentFor)
	}
	return rules
}

// findUpdates adds where a sentence asks for the updates.
func findUpdates(l *findings, text string, s sentence, rules []scored) {
	if anyClause([]sentence{s}, regrets) {
		return
	}
	for i, c := range s.clauses {
		if c.refused {
			continue
		}
		c.find(l, text, rules)
		findRomanised(l, text, s.parts[i])
	}
}

// findAddress adds an address that is given for no other reason.
func findAddress(l *findings, text string, comment []sentence) {
	if !anyClause(comment, interest) || anyClause(comment, elsewhere) {
		return
	}
	for _, s := range comment {
		for _, c := range s.clauses {
			if c.refused {
				return
			}
		}
	}
	for _, s := range comment {
		for _, c := range s.clauses {
			c.find(l, text, []scored{{offering, enough}})
		}
	}
}

// wordEnd is the end of the word at a place, so that a Korean ending is marked
// with its stem.
func wordEnd(text string, at int) int {
	for at < len(text) && !strings.ContainsRune(" \n.,!?~\"():;/", rune(text[at])) {
		at++
	}
	return at
}

// romanised is Korean in Latin letters, as people write it abroad.
var (
	romanUpdates  = regexp.MustCompile(`\b(?:gido ?(?:p|py)[eo]+n?y?e?o?n?ji|gido ?(?:pyeonji|pyunji|jemok|jemog|chemok)|so?sh?ik(?:ji)?|nyu?seu?lete?o|nyuseu ?reteo|newsletter|imeil|i-?meil|me-?il|email|updates?|meiling)\b`)
	romanAsks     = regexp.MustCompile(`\b(?:bat?go|batko|patgo|bad?a ?bogo|bada ?bol|badeul|pada ?pogo) ?(?:sip|ship|shi?p|su)\w*|\b(?:bonae|ponae|al?l?yeo|allyeo) ?(?:ju|jw|chu)\w*|\b(?:gudok|kudok)\b|\b(?:sh?incheong|shinchung|sinchong)\w*|\bbutak\w*`)
	romanRefusals = regexp.MustCompile(`\b(?:geuman|kuman|haeji|chwiso|anh?a?|an|sip(?:ji|chi))\b`)
)
