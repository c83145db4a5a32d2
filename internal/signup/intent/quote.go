package intent

import (
	"regexp"
	"strings"
)

// quoteWords is how many words between quotation marks make a quotation; fewer
// are a title or a word set apart, unless somebody is said to have said them.
const quoteWords = 5

// sayingLength is how far from a quotation the word stands that somebody said
// it, in bytes.
const sayingLength = 40

var (
	quotedMarkup = regexp.MustCompile(`(?s)<blockquote.*?(?:</blockquote>|$)|\[quote.*?(?:\[/quote\]|$)`)
	quotation    = regexp.MustCompile(`"[^"\n]*"|「[^」\n]*」|『[^』\n]*』|《[^》\n]*》|(?:^|[\s(,:])'[^'\n]{12,}?'(?:[\s).,!?]|$)|'[^'\n]{6,}?'(?:이?라|하고|라며|라던|라면서|하던|하시던|하며|란\s)`)
	saidBefore   = regexp.MustCompile(`(?:said|says|wrote|writes|asked|asks|told (?:me|us)|commented|replied|prayed|put it|words?|quote|:)[,:]?\s*$`)
	saidHere     = regexp.MustCompile(`'(?:이?라|하고|라며|란\s)$|\s[가-힣]*(?:요|다|까|오|래|줘)[.!?~^\s]*"$`)
	saidAfter    = regexp.MustCompile(`^\s*is (?:what|how)\b|^[\s,]*(?:(?:he|she|they|someone|my \w+|the \w+|\w+) )?(?:said|says|wrote|writes|asked|asks|commented|replied|begged|cried|laughed)\b|^\s*(?:이?라고|하고|라는|이라는|고\s|라며|라던|라면서|란\s|하길래|하시|하더|하는)`)
)

// blankQuotes replaces quoted lines ("> …"), quoted markup and quotations with
// spaces of the same length, so that everything else stays in its place.
func blankQuotes(text string) string {
	text = quotedMarkup.ReplaceAllStringFunc(text, blank)
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if quoted := strings.TrimLeft(line, " \t"); strings.HasPrefix(quoted, ">") || strings.HasPrefix(quoted, "|") {
			lines[i] = blank(line)
		}
	}
	text = strings.Join(lines, "")
	var b strings.Builder
	done := 0
	for _, m := range quotation.FindAllStringIndex(text, -1) {
		b.WriteString(text[done:m[0]])
		done = m[1]
		q := text[m[0]:m[1]]
		if len(strings.Fields(q)) >= quoteWords || saidHere.MatchString(q) || saidBefore.MatchString(text[max(0, m[0]-sayingLength):m[0]]) || saidAfter.MatchString(text[m[1]:min(len(text), m[1]+sayingLength)]) {
			q = blank(q)
		}
		b.WriteString(q)
	}
	return b.String() + text[done:]
}

// blank is as many spaces as s has bytes; line ends stay.
func blank(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return string(b)
}
