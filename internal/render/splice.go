package render

import (
	"bytes"
	"html"
	"strings"
)

// field is a place in a mail that differs from reader to reader. Templates and
// headers print its stand-in; split finds it again.
type field byte

const (
	noField       field = 0
	greetingField field = 'g'
	leaveField    field = 'u' // token of the unsubscribe link
	preferField   field = 'p' // token of the preferences link

	// Fields of the frame, the message around the two parts.
	dateField  field = 'd'
	toField    field = 'o'
	idField    field = 'm' // left side of the Message-ID
	textField  field = 't' // where the text part goes
	htmlField  field = 'h' // where the HTML part goes
	plainField field = 'G' // the greeting in the text part

	fieldLimit = 128
)

// piece is a literal and the field that follows it.
type piece struct {
	literal string
	field   field
}

// splice is a text split at its fields.
type splice []piece

// standIn is what stands for a field until it is filled: letters and digits
// only, so that no escaping changes it, and short enough that no folding breaks
// it. It begins with a secret of the process, so that no content can imitate
// it.
func (r *Renderer) standIn(f field) string { return r.mark + string(rune(f)) }

func (r *Renderer) split(s string) splice {
	var parts splice
	for {
		before, after, found := strings.Cut(s, r.mark)
		if !found || after == "" || after[0] >= fieldLimit {
			return append(parts, piece{literal: s})
		}
		parts = append(parts, piece{literal: before, field: field(after[0])})
		s = after[1:]
	}
}

// values are what one reader's mail has in its fields.
type values map[field]string

// fill joins the literals with the values, each escaped.
func (s splice) fill(v values, escape func(string) string) string {
	var b strings.Builder
	for _, p := range s {
		b.WriteString(p.literal)
		if p.field != noField {
			b.WriteString(escape(v[p.field]))
		}
	}
	return b.String()
}

func escapeHTML(s string) string { return html.EscapeString(s) }
func escapeText(s string) string { return s }

// softBreak ends a line of quoted-printable that goes on.
const softBreak = "=\r\n"

// encode makes a decoded part into quoted-printable whose fields take values
// that are encoded on their own: each piece begins at column 0 and ends with a
// soft break, so whatever the lengths, no line grows over 76 columns.
func (s splice) encode() splice {
	encoded := make(splice, len(s))
	afterField := false
	for i, p := range s {
		var b bytes.Buffer
		if afterField {
			b.WriteString(softBreak)
		}
		b.Write(quoted(crlf(p.literal)))
		afterField = p.field != noField
		if afterField && b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
			b.WriteString(softBreak)
		}
		encoded[i] = piece{literal: b.String(), field: p.field}
	}
	return encoded
}

// put replaces a field of a frame by a whole part.
func (s splice) put(f field, part splice) splice {
	var out splice
	for _, p := range s {
		if p.field != f {
			out = append(out, p)
			continue
		}
		out = append(out, piece{literal: p.literal + part[0].literal, field: part[0].field})
		out = append(out, part[1:]...)
	}
	return out
}

// rename gives a field another name, where the same value is written in two
// ways.
func (s splice) rename(from, to field) splice {
	out := append(splice(nil), s...)
	for i := range out {
		if out[i].field == from {
			out[i].field = to
		}
	}
	return out
}

// append joins literals and values as they are.
func (s splice) append(dst []byte, v *[fieldLimit][]byte) []byte {
	for _, p := range s {
		dst = append(dst, p.literal...)
		dst = append(dst, v[p.field]...)
	}
	return dst
}

// frame is a splice whose long literals need not be copied: they are the same
// memory in every message.
type frame []stretch

// stretch is a short run, to be joined, and the long literal that follows it.
type stretch struct {
	run    splice
	shared []byte
}

// worthSharing is from which length on a literal is cheaper to point at than to copy.
const worthSharing = 1 << 10

func (s splice) frame() frame {
	all := frame{stretch{}}
	for _, p := range s {
		last := &all[len(all)-1]
		if len(p.literal) < worthSharing {
			last.run = append(last.run, p)
			continue
		}
		last.shared = []byte(p.literal)
		all = append(all, stretch{run: splice{{field: p.field}}})
	}
	return all
}

// append joins everything.
func (f frame) append(dst []byte, v *[fieldLimit][]byte) []byte {
	for _, s := range f {
		dst = append(s.run.append(dst, v), s.shared...)
	}
	return dst
}

// pieces is the message in pieces; what must be joined is appended to memory.
func (f frame) pieces(pieces [][]byte, memory []byte, v *[fieldLimit][]byte) ([][]byte, []byte) {
	for _, s := range f {
		start := len(memory)
		memory = s.run.append(memory, v)
		for _, piece := range [...][]byte{memory[start:], s.shared} {
			if len(piece) > 0 {
				pieces = append(pieces, piece)
			}
		}
	}
	return pieces, memory
}
