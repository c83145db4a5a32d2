// Package intent finds what a comment asks for by rules, not by a model: in
// English and Korean, sentence by sentence. What it finds is a hint for the
// staff, with the words that led to it; it never subscribes anybody.
//
// A text is read in steps. It is folded (fold.go): one form of every letter,
// lower case, contractions written out, common slips of the key mended. What is
// quoted is blanked (quote.go), because it says nothing about the author. It is
// cut into sentences and clauses (clause.go), within which a refusal holds. Each
// clause becomes a row of concepts (words.go; english.go and korean.go say what
// words a concept has): a wish, a bidding, getting, sending, the newsletter, by
// mail, a refusal. Concepts that belong together are joined, and what only looks
// like an ask is taken away (rewritings.go). Then patterns over concepts
// (pattern.go) find who asks for the updates (rules.go, updates.go); what else a
// comment asks for has rules of its own (other.go). Every step keeps track of
// where its words came from, so that the spans fit the text as it was given.
package intent

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Ask is something that comments ask for.
type Ask string

// The asks, in the order in which a Reading lists them.
const (
	Updates  Ask = "updates"  // to get the newsletter
	Question Ask = "question" // an answer
	Bible    Ask = "bible"    // a Bible
	Prayer   Ask = "prayer"   // prayer for somebody
	Spam     Ask = "spam"     // nothing that the staff should answer
)

// Asks lists them all.
var Asks = []Ask{Updates, Question, Bible, Prayer, Spam}

// Span is a stretch of the text, in bytes of its UTF-8: text[Start:End].
type Span struct {
	Ask   Ask
	Start int
	End   int
}

// Reading is what a comment asks for.
type Reading struct {
	Asks  []Ask   // in the order of Asks, each once; empty if it asks for nothing
	Score float64 // 0 to 1: how sure the rules are of the surest of them
	Spans []Span  // the words that say so, in order, not overlapping
}

// Has reports whether the comment asks for something.
func (r Reading) Has(a Ask) bool { return slices.Contains(r.Asks, a) }

// enough is the score from which on something counts as asked for.
const enough = 0.6

// maxText is how much of a text is read, in bytes; no comment is longer.
const maxText = 32 << 10

// Read judges a comment. Any text is safe, also one that is not UTF-8. The
// spans fit the text as it was given, normalised or not.
func Read(text string) Reading {
	found := findings{}
	f := fold(text[:min(len(text), maxText)])
	f.text = blankQuotes(f.text)
	comment := readSentences(f.text)
	rules := rulesFor(comment)
	for _, s := range comment {
		found.read(f.text, s, rules)
	}
	findSpam(&found, f.text)
	if len(found) == 0 {
		findAddress(&found, f.text, comment)
	}
	return found.reading(f)
}

// finding is a match of a rule in the folded text.
type finding struct {
	ask   Ask
	at    stretch
	score float64
}

type findings []finding

func (l *findings) add(ask Ask, at stretch, score float64) {
	*l = append(*l, finding{ask, at, score})
}

// read applies the rules to a sentence.
func (l *findings) read(text string, s sentence, rules []scored) {
	answered := len(*l)
	findUpdates(l, text, s, rules)
	for _, c := range s.parts {
		findBible(l, text, c)
		findPrayer(l, text, c)
	}
	for _, f := range (*l)[answered:] {
		if f.ask == Updates || f.ask == Prayer {
			return // the question is how to get them
		}
	}
	if isQuestion(text, s.at) {
		l.add(Question, stretch{s.at.end - len(strings.TrimLeft(text[s.at.start:s.at.end], " \n")), s.at.end}, questionScore)
	}
}

// reading sums up: what is likely spam asks for nothing else.
func (l findings) reading(f folded) Reading {
	var r Reading
	scores := map[Ask]float64{}
	for _, x := range l {
		scores[x.ask] = combine(x.ask, scores[x.ask], x.score)
	}
	if scores[Spam] >= enough {
		scores = map[Ask]float64{Spam: scores[Spam]}
	}
	for _, a := range Asks {
		if scores[a] >= enough {
			r.Asks = append(r.Asks, a)
			r.Score = max(r.Score, math.Round(scores[a]*100)/100)
		}
	}
	for _, x := range l {
		if r.Has(x.ask) {
			r.Spans = append(r.Spans, f.source(x.ask, x.at))
		}
	}
	r.Spans = apart(r.Spans)
	return r
}

// combine takes the surest word for an ask; the signs of spam add up.
func combine(ask Ask, a, b float64) float64 {
	if ask == Spam {
		return min(a+b, 1)
	}
	return max(a, b)
}

// apart sorts spans, joins those of one ask that overlap or touch, and where
// two asks share words gives them to the one that began first; a question
// yields to everything, since it covers the whole sentence.
func apart(spans []Span) []Span {
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(a.Start-b.Start, slices.Index(Asks, a.Ask)-slices.Index(Asks, b.Ask))
	})
	var out []Span
	for _, s := range spans {
		if s.Ask == Question && slices.ContainsFunc(spans, func(o Span) bool { return o.Ask != Question && o.Start < s.End && s.Start < o.End }) {
			continue
		}
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			if s.Ask == out[n-1].Ask {
				out[n-1].End = max(out[n-1].End, s.End)
				continue
			}
			s.Start = out[n-1].End
		}
		if s.Start < s.End {
			out = append(out, s)
		}
	}
	return out
}
