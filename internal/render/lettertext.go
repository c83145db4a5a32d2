package render

import (
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// letterText is the text rendering of a letter, made from the same tree as its
// HTML: blocks with a blank line between them, wrapped at 72 columns, links as
// "text (address)".
func letterText(markdown string) string {
	source := []byte(clean(markdown))
	w := textWriter{source: source}
	w.blocks(parseLetter(source), "", "")
	return clean(strings.Join(w.out, "\n"))
}

// deepest is the column beyond which quotations and lists indent no further.
const deepest = columns / 2

type textWriter struct {
	source []byte
	out    []string
}

// blocks writes the children of n, with first before the first line of all and
// rest before the others.
func (w *textWriter) blocks(n ast.Node, first, rest string) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if child.PreviousSibling() != nil && !isTight(n) {
			w.out = append(w.out, strings.TrimRight(rest, " "))
		}
		w.block(child, first, rest)
		first = rest
	}
}

// isTight reports a list, or an item of one, whose parts follow each other
// without blank lines.
func isTight(n ast.Node) bool {
	if item, ok := n.(*ast.ListItem); ok && item.Parent() != nil {
		n = item.Parent()
	}
	list, ok := n.(*ast.List)
	return ok && list.IsTight
}

func (w *textWriter) block(n ast.Node, first, rest string) {
	switch n := n.(type) {
	case *ast.List:
		number := n.Start
		for item := n.FirstChild(); item != nil; item = item.NextSibling() {
			if item.PreviousSibling() != nil && !n.IsTight {
				w.out = append(w.out, strings.TrimRight(rest, " "))
			}
			marker := "• "
			if n.IsOrdered() {
				marker = fmt.Sprintf("%d. ", number)
				number++
			}
			if item.FirstChild() == nil {
				w.out = append(w.out, first+strings.TrimRight(marker, " "))
			}
			hang := strings.Repeat(" ", textWidth(marker))
			if textWidth(rest) > deepest {
				hang = ""
			}
			w.blocks(item, first+marker, rest+hang)
			first = rest
		}
	case *ast.Blockquote:
		if textWidth(rest) > deepest {
			w.blocks(n, first, rest)
			return
		}
		w.blocks(n, first+"> ", rest+"> ")
	case *ast.ThematicBreak:
		w.out = append(w.out, first+"* * *")
	case *ast.Heading:
		title := w.inline(n)
		under := strings.Repeat("-", max(0, min(textWidth(title), columns-textWidth(rest))))
		w.out = append(w.out, wrap(title, first, rest), rest+under)
	default:
		w.out = append(w.out, wrap(w.inline(n), first, rest))
	}
}

// inline is the text of a block's inline content; "\n" is a line break.
func (w *textWriter) inline(n ast.Node) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		switch c := child.(type) {
		case *ast.Text:
			b.WriteString(literal(c.Segment.Value(w.source)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.String:
			b.WriteString(literal(c.Value))
		case *ast.Emphasis:
			mark := "_"
			if c.Level == 2 {
				mark = "*"
			}
			b.WriteString(mark + w.inline(c) + mark)
		case *ast.Link:
			b.WriteString(linkText(w.inline(c), string(c.Destination)))
		case *ast.AutoLink:
			b.WriteString(string(c.Label(w.source)))
		default:
			b.WriteString(w.inline(c))
		}
	}
	return b.String()
}

// linkText is "text (address)", or the address alone where the text says no
// more than it.
func linkText(label, address string) string {
	address = strings.TrimPrefix(address, "mailto:")
	label = strings.TrimSpace(label)
	if label == "" || label == address || "https://"+label == address || "http://"+label == address {
		return address
	}
	return label + " (" + address + ")"
}
