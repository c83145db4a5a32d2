package render

import (
	"html"
	"strings"
)

// field is a place in a mail that differs from reader to reader. The templates
// print its stand-in, split finds it again.
type field byte

const (
	noField       field = 0
	greetingField field = 'g'
	leaveField    field = 'u' // token of the unsubscribe link
	preferField   field = 'p' // token of the preferences link
)

// piece is a literal and the field that follows it.
type piece struct {
	literal string
	field   field
}

// splice is one decoded part of a mail, split at its fields.
type splice []piece

// standIn is what a template prints for a field. Letters and digits only: no
// escaping changes it. It begins with a secret of the process, so that no
// content can imitate it.
func (r *Renderer) standIn(f field) string { return r.mark + string(rune(f)) }

func (r *Renderer) split(s string) splice {
	var parts splice
	for {
		before, after, found := strings.Cut(s, r.mark)
		if !found || after == "" {
			return append(parts, piece{literal: s})
		}
		parts = append(parts, piece{literal: before, field: field(after[0])})
		s = after[1:]
	}
}

// fill joins the literals with the values of one reader.
func (s splice) fill(values map[field]string, escape func(string) string) string {
	var b strings.Builder
	for _, p := range s {
		b.WriteString(p.literal)
		if p.field != noField {
			b.WriteString(escape(values[p.field]))
		}
	}
	return b.String()
}

func escapeHTML(s string) string { return html.EscapeString(s) }
func escapeText(s string) string { return s }
