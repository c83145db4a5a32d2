package render

import (
	"bufio"
	"bytes"
	"html"
	"regexp"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The letter dialect is Markdown for people who have never heard of it. Line
// breaks stay. There is no HTML, no code, no image, no heading by underlining,
// no striking through; a numbered list begins with 1 (a date does not begin a
// list). What is not markup is text and shows as it was typed.
var dialect = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(listParser{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(paragraphParser{parser.NewParagraphParser()}, 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(emphasisParser{}, 500),
			util.Prioritized(extension.NewLinkifyParser(
				extension.WithLinkifyAllowedProtocols([]string{"http:", "https:"}),
				extension.WithLinkifyWWWRegexp(regexp.MustCompile(`[^\s\S]`)), // never: an address says its scheme
			), 999),
		),
		parser.WithASTTransformers(util.Prioritized(letterTransformer{}, 100)),
	)),
	goldmark.WithRenderer(renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(goldhtml.NewRenderer(goldhtml.WithHardWraps()), 1000),
	))),
)

// policy is what a letter may be made of, whatever the parser lets through.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "h3", "h4", "ul", "ol", "li", "blockquote")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	return p
}()

// LetterHTML turns a letter's Markdown into HTML that is safe to show: no
// attribute but the address of a link, nothing that runs or loads.
func (r *Renderer) LetterHTML(markdown string) (string, error) { return letterHTML(markdown) }

func letterHTML(markdown string) (string, error) {
	source := []byte(clean(markdown))
	var out bytes.Buffer
	if err := dialect.Renderer().Render(&out, source, parseLetter(source)); err != nil {
		return "", err
	}
	// Cleaned again: a character reference may have spelled out what clean
	// took away the first time.
	return policy.Sanitize(clean(out.String())), nil
}

func parseLetter(source []byte) ast.Node { return dialect.Parser().Parse(text.NewReader(source)) }

// listParser begins a numbered list at 1 only, and ends it before a number of
// four digits: that is a year.
type listParser struct{ parser.BlockParser }

var (
	numbered = regexp.MustCompile(`^ {0,3}(\d{1,9})[.)]`)
	yearLike = regexp.MustCompile(`^\s*\d{4,9}[.)]`)
)

func (p listParser) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	row, _ := reader.PeekLine()
	if m := numbered.FindSubmatch(row); m != nil && string(m[1]) != "1" {
		return nil, parser.NoChildren
	}
	return p.BlockParser.Open(parent, reader, pc)
}

func (p listParser) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	if row, _ := reader.PeekLine(); yearLike.Match(row) {
		return parser.Close
	}
	return p.BlockParser.Continue(node, reader, pc)
}

// paragraphParser takes indented lines too; there is no code for them to be,
// and they would be lost.
type paragraphParser struct{ parser.BlockParser }

func (paragraphParser) CanAcceptIndentedLine() bool { return true }

// letterTransformer makes images and untrustworthy links into the text that
// they show, and keeps headings below the mail's own.
type letterTransformer struct{}

func (letterTransformer) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	source := reader.Source()
	var unwrap []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image:
			unwrap = append(unwrap, n)
		case *ast.Link:
			if !isLinkURL(string(n.Destination)) {
				unwrap = append(unwrap, n)
			}
			n.Title = nil
		case *ast.AutoLink:
			if !isLinkURL(autoLinkURL(n, source)) {
				unwrap = append(unwrap, n)
			}
		case *ast.Heading:
			n.Level = min(max(n.Level+1, 3), 4)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range unwrap {
		parent := n.Parent()
		if link, ok := n.(*ast.AutoLink); ok {
			parent.InsertBefore(parent, n, ast.NewString(link.Label(source)))
		}
		for child := n.FirstChild(); child != nil; {
			next := child.NextSibling()
			parent.InsertBefore(parent, n, child)
			child = next
		}
		parent.RemoveChild(parent, n)
	}
}

func autoLinkURL(n *ast.AutoLink, source []byte) string {
	address := string(n.URL(source))
	if n.AutoLinkType == ast.AutoLinkEmail {
		return "mailto:" + address
	}
	return address
}

// literal is what a piece of Markdown text shows: character references and
// backslashes resolved exactly as in the HTML.
func literal(raw []byte) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	goldhtml.DefaultWriter.Write(w, raw)
	_ = w.Flush() // into memory
	return html.UnescapeString(b.String())
}
