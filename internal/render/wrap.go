package render

import (
	"strings"
	"text/template"
	"unicode"

	"golang.org/x/text/width"
)

// columns is where the text part wraps.
const columns = 72

// cells is how many columns a rune takes in a text mail.
func cells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

func textWidth(s string) int {
	n := 0
	for _, r := range s {
		n += cells(r)
	}
	return n
}

// wrap breaks every line of s at spaces so that none is wider than 72 columns
// with first before the first line and rest before the others. A word wider
// than that stays whole when it is an address or in a spaced script, and is
// cut between wide characters when it is not.
func wrap(s, first, rest string) string {
	var b strings.Builder
	prefix := first
	for i, row := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(wrapLine(row, prefix, rest))
		prefix = rest
	}
	return b.String()
}

func wrapLine(row, first, rest string) string {
	var b strings.Builder
	b.WriteString(first)
	used, room := textWidth(first), false
	for _, word := range strings.Fields(row) {
		w := textWidth(word)
		if room && used+1+w > columns {
			b.WriteByte('\n')
			b.WriteString(rest)
			used, room = textWidth(rest), false
		}
		if room {
			b.WriteByte(' ')
			used++
		}
		if used+w > columns && !strings.Contains(word, "://") {
			word, w = cutWide(word, rest, used)
			used = 0
		}
		b.WriteString(word)
		used += w
		room = true
	}
	return strings.TrimRight(b.String(), " ")
}

// cutWide breaks a word between wide characters, beginning at column used. It
// also returns the width of the last line.
func cutWide(word, rest string, used int) (string, int) {
	var b strings.Builder
	for _, r := range word {
		w := cells(r)
		if w == 2 && used+w > columns {
			b.WriteByte('\n')
			b.WriteString(rest)
			used = textWidth(rest)
		}
		b.WriteRune(r)
		used += w
	}
	return b.String(), used
}

// textFuncs are what the text templates may call.
var textFuncs = template.FuncMap{
	"wrap": func(s string) string { return wrap(s, "", "") },
	"hang": func(first, s string) string { return wrap(s, first, strings.Repeat(" ", textWidth(first))) },
	"join": func(title, project string) string {
		if title == "" || project == "" {
			return title + project
		}
		return title + " (" + project + ")"
	},
	"under": func(s, with string) string {
		return s + "\n" + strings.Repeat(with, min(textWidth(s), columns))
	},
}
