package render

import (
	"unicode"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// emphasisParser is CommonMark's, but a star may also open after and close
// before a Korean, Chinese or Japanese letter. In these scripts particles hang
// on words without a space, so that "**마크다운(Markdown)**을" would stay
// plain: the closing stars stand between punctuation and a letter.
type emphasisParser struct{}

func (emphasisParser) Trigger() []byte { return []byte{'*', '_'} }

func (emphasisParser) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	rest, segment := block.PeekLine()
	char, length := rest[0], 0
	for length < len(rest) && rest[length] == char {
		length++
	}
	after := ' '
	if length < len(rest) {
		after = util.ToRune(rest, length)
	}
	canOpen, canClose := flanking(char, before, after)
	node := parser.NewDelimiter(canOpen, canClose, length, char, emphasisProcessor{})
	node.Segment = segment.WithStop(segment.Start + length)
	block.Advance(length)
	pc.PushDelimiter(node)
	return node
}

// flanking is section 6.2 of the CommonMark specification, with letters of
// unspaced scripts on the far side counting like punctuation.
func flanking(char byte, before, after rune) (canOpen, canClose bool) {
	beforeSpace, afterSpace := util.IsSpaceRune(before), util.IsSpaceRune(after)
	beforePunct, afterPunct := util.IsPunctRune(before), util.IsPunctRune(after)
	left := !afterSpace && (!afterPunct || beforeSpace || beforePunct || isUnspaced(before) && char == '*')
	right := !beforeSpace && (!beforePunct || afterSpace || afterPunct || isUnspaced(after) && char == '*')
	if char == '_' {
		return left && (!right || beforePunct), right && (!left || afterPunct)
	}
	return left, right
}

func isUnspaced(r rune) bool {
	return unicode.In(r, unicode.Hangul, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

type emphasisProcessor struct{}

func (emphasisProcessor) IsDelimiter(b byte) bool { return b == '*' || b == '_' }
func (emphasisProcessor) CanOpenCloser(opener, closer *parser.Delimiter) bool {
	return opener.Char == closer.Char
}
func (emphasisProcessor) OnMatch(consumes int) ast.Node { return ast.NewEmphasis(consumes) }
