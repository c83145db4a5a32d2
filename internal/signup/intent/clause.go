package intent

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// sentences cuts a text at line ends and at the marks that end a sentence. A
// full stop inside a word (an address, a number) ends nothing. Each sentence
// includes its mark.
func sentences(text string) []stretch {
	var list []stretch
	start := 0
	cut := func(end int) {
		if strings.TrimSpace(text[start:end]) != "" {
			list = append(list, stretch{start, end})
		}
		start = end
	}
	for i, r := range text {
		end := i + utf8.RuneLen(r)
		last := end == len(text) || strings.IndexByte(" \n\")'.!?~", text[end]) >= 0
		if r == '\n' || r == ';' || last && (r == '.' || r == '!' || r == '?') {
			cut(end)
		}
	}
	cut(len(text))
	return list
}

// turn is where a sentence turns to something else, so that a refusal before
// it does not hold after it.
var turn = regexp.MustCompile(`,? but\b|\bhowever\b|\balthough\b|\bthough\b|\bbecause\b| - |[()]|(?:는데|은데|인데|지만|으나|니까)요?[\s,]|하지만|그런데|그러나|(,\s)(?:(?:so|and|then|now|also) )*(?:please [a-z]|pls [a-z]|kindly|could|can|may|might|would you|will you|how|where|do you|is there|sign|add|put|subscribe|send|keep|i would|we would|i want|we want|i wish|we wish|i need|we need|i hope|let me|let us|he|she|they|because|since)\b`)

// longest is how long a clause may be, in bytes; one that is longer is no
// clause, and is cut so that the rules take no time over it.
const longest = 300

// clauses cuts a sentence where it turns.
func clauses(text string, s stretch) []stretch {
	var list []stretch
	start := s.start
	for _, m := range turn.FindAllStringSubmatchIndex(text[s.start:s.end], -1) {
		end := m[1]
		if m[2] >= 0 { // what follows the comma begins the next clause
			end = m[3]
		}
		list = append(list, stretch{start, s.start + end})
		start = s.start + end
	}
	if start < s.end {
		list = append(list, stretch{start, s.end})
	}
	return brief(text, list)
}

// brief cuts what is too long at spaces.
func brief(text string, list []stretch) []stretch {
	var out []stretch
	for _, c := range list {
		for c.end-c.start > longest {
			at := c.start + longest
			if space := strings.LastIndexByte(text[c.start:at], ' '); space > 0 {
				at = c.start + space + 1
			}
			for !utf8.RuneStart(text[at]) {
				at--
			}
			out = append(out, stretch{c.start, at})
			c.start = at
		}
		out = append(out, c)
	}
	return out
}
