package wordpress

import (
	"bufio"
	"bytes"
	"errors"
	"html"
	"regexp"
	"strings"
)

// tag is a start or an end tag.
type tag struct {
	full, prefix, name string
	end, closed        bool // </x>, <x/>
	line               int
}

// next reads on to the next tag. Comments, instructions and sections of
// character data between tags are passed over.
func (e *Export) next() (tag, error) {
	if e.ahead != nil {
		t := *e.ahead
		e.ahead = nil
		return t, nil
	}
	for {
		if err := e.until('<'); err != nil {
			return tag{}, err
		}
		line := e.line
		text, err := e.markup()
		if err != nil {
			return tag{}, err
		}
		if t, ok := tagOf(text); ok {
			t.line = line
			return t, nil
		}
	}
}

// markup reads from after "<" to after ">". Of what is longer than any tag, only
// the beginning is kept.
func (e *Export) markup() (string, error) {
	end := []byte(">")
	if first, err := e.tags.Peek(1); err == nil && (first[0] == '!' || first[0] == '?') {
		for opening, closing := range map[string]string{"!--": "-->", "![CDATA[": "]]>", "?": "?>"} {
			if peeked, err := e.tags.Peek(len(opening)); err == nil && string(peeked) == opening {
				end = []byte(closing)
			}
		}
	}
	const keep = 4096
	var text, last []byte
	for {
		part, err := e.tags.ReadSlice('>')
		e.count(part)
		if len(text) < keep {
			text = append(text, part[:min(len(part), keep-len(text))]...)
		}
		last = append(last, part[max(0, len(part)-len(end)):]...)
		last = last[max(0, len(last)-len(end)):]
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		if bytes.Equal(last, end) {
			return string(text), nil
		}
	}
}

// until reads to after a byte.
func (e *Export) until(b byte) error {
	for {
		part, err := e.tags.ReadSlice(b)
		e.count(part)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func (e *Export) count(part []byte) { e.line += bytes.Count(part, []byte{'\n'}) }

var tagPattern = regexp.MustCompile(`^(/?)((?:([A-Za-z_][\w.-]*):)?([A-Za-z_][\w.-]*))(?:\s[^<]*?)?(/?)>$`)

// tagOf reads what stood after "<".
func tagOf(text string) (tag, bool) {
	found := tagPattern.FindStringSubmatch(text)
	if found == nil {
		return tag{}, false
	}
	return tag{end: found[1] != "", full: found[2], prefix: found[3], name: found[4], closed: found[5] != ""}, true
}

// skipTo reads on to an end tag.
func (e *Export) skipTo(name string) error {
	for {
		t, err := e.next()
		if err != nil || t.end && t.name == name {
			return err
		}
	}
}

// startsCDATA reports whether character data begins here.
func (e *Export) startsCDATA() bool {
	for n := 1; n <= 64; n++ {
		peeked, err := e.tags.Peek(n + len("![CDATA[") - 1)
		if err != nil {
			return false
		}
		switch peeked[n-1] {
		case ' ', '\t', '\r', '\n':
			continue
		}
		full, err := e.tags.Peek(n - 1 + len("<![CDATA["))
		return err == nil && string(full[n-1:]) == "<![CDATA["
	}
	return false
}

// leaf reads the text of an element up to its end tag. Inside character data
// only "]]>" and the end tag together are the end: what people typed may look
// like either. A *BadComment tells that the text is too long, or that it ran
// into another comment; then that one's tag is ahead.
func (e *Export) leaf(t tag, limit int) (string, error) {
	if t.closed {
		return "", nil
	}
	cdata := e.startsCDATA()
	closing := "</" + t.full + ">"
	text := e.scratch[:0]
	defer func() { e.scratch = text }()
	long, afterEnd := false, false // the last part was an end tag of WordPress's own
	for {
		part, err := e.tags.ReadSlice('>')
		e.count(part)
		if len(text)+len(part) > limit {
			long = true
			text = append(text[:0], part[max(0, len(part)-keepTail):]...)
		} else {
			text = append(text, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return "", err
		}
		if value, ended := endOf(text, closing, cdata); ended {
			if long {
				return "", &BadComment{Line: e.line, Why: TooLong}
			}
			return value, nil
		}
		t, own := ownTag(part)
		if own && afterEnd && (t.name == "comment" && !t.end || t.name == "item" && t.end) {
			t.line = e.line
			e.ahead = &t
			return "", &BadComment{Line: e.line, Why: NotClosed}
		}
		afterEnd = own && t.end
	}
}

// ownTag reads a part that is nothing but a tag with a prefix, or the end of an
// item.
func ownTag(part []byte) (tag, bool) {
	part = bytes.TrimSpace(part)
	if len(part) < 2 || len(part) > 100 || part[0] != '<' || !bytes.Contains(part, []byte(":")) && string(part) != "</item>" {
		return tag{}, false
	}
	return tagOf(string(part[1:]))
}

// keepTail is how much of a text that is too long is kept to find its end.
const keepTail = 256

// endOf reports whether text ends with the end tag of its element, and its value
// then.
func endOf(text []byte, closing string, cdata bool) (string, bool) {
	body, found := bytes.CutSuffix(text, []byte(closing))
	if !found {
		return "", false
	}
	if !cdata {
		return html.UnescapeString(string(body)), true
	}
	body, found = bytes.CutSuffix(bytes.TrimRight(body, " \t\r\n"), []byte("]]>"))
	if !found {
		return "", false
	}
	body = bytes.TrimPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("<![CDATA["))
	// Where a text held "]]>", it was cut in two sections there.
	return strings.ReplaceAll(string(body), "]]]]><![CDATA[>", "]]>"), true
}
