package render

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLetterDialect(t *testing.T) {
	cases := []struct{ name, markdown, html, text string }{
		{"a line break stays", "하나\n둘", "<p>하나<br>\n둘</p>", "하나\n둘"},
		{"paragraphs", "one\n\n\n\ntwo", "<p>one</p>\n<p>two</p>", "one\n\ntwo"},
		{"bold beside a particle", "**마크다운(Markdown)**을 씁니다", "<p><strong>마크다운(Markdown)</strong>을 씁니다</p>", "*마크다운(Markdown)*을 씁니다"},
		{"bold with quotes beside a particle", "주님은 **“사랑”**이라고", "<p>주님은 <strong>“사랑”</strong>이라고</p>", "주님은 *“사랑”*이라고"},
		{"bold with quotes after a particle", "그는**\"믿음\"**을", "<p>그는<strong>&#34;믿음&#34;</strong>을</p>", "그는*\"믿음\"*을"},
		{"bold between letters", "기**도제**목", "<p>기<strong>도제</strong>목</p>", "기*도제*목"},
		{"bold that ends with a full stop", "**기도합니다.**그리고", "<p><strong>기도합니다.</strong>그리고</p>", "*기도합니다.*그리고"},
		{"two bolds in a line", "**가(A)**와 **나(B)**를", "<p><strong>가(A)</strong>와 <strong>나(B)</strong>를</p>", "*가(A)*와 *나(B)*를"},
		{"emphasis", "*천천히* and _slowly_ and snake_case_name", "<p><em>천천히</em> and <em>slowly</em> and snake_case_name</p>", "_천천히_ and _slowly_ and snake_case_name"},
		{"stars with spaces are stars", "2 * 3 * 4 ** 5", "<p>2 * 3 * 4 ** 5</p>", "2 * 3 * 4 ** 5"},
		{"a range is not struck through", "3~5월, 10~12월 모임", "<p>3~5월, 10~12월 모임</p>", "3~5월, 10~12월 모임"},
		{"two tildes neither", "~~no~~", "<p>~~no~~</p>", "~~no~~"},
		{"a date is no list", "2026. 11. 21. 서울에서", "<p>2026. 11. 21. 서울에서</p>", "2026. 11. 21. 서울에서"},
		{"a day is no list", "21. 토요일", "<p>21. 토요일</p>", "21. 토요일"},
		{"a date after a list", "1. 하나\n2. 둘\n\n2026. 11. 21.", "<ol>\n<li>하나</li>\n<li>둘</li>\n</ol>\n<p>2026. 11. 21.</p>", "1. 하나\n2. 둘\n\n2026. 11. 21."},
		{"a list begins at one", "1. 하나\n2. 둘", "<ol>\n<li>하나</li>\n<li>둘</li>\n</ol>", "1. 하나\n2. 둘"},
		{"bullets", "- one\n- two\n  more\n    - inner", "<ul>\n<li>one</li>\n<li>two<br>\nmore\n<ul>\n<li>inner</li>\n</ul>\n</li>\n</ul>", "• one\n• two\n  more\n  • inner"},
		{"a loose list", "- one\n\n- two", "<ul>\n<li>\n<p>one</p>\n</li>\n<li>\n<p>two</p>\n</li>\n</ul>", "• one\n\n• two"},
		{"a name above dashes stays a name", "홍길동 드림\n---\n추신", "<p>홍길동 드림</p>\n<hr>\n<p>추신</p>", "홍길동 드림\n\n* * *\n\n추신"},
		{"a name above an equals sign too", "Hannah\n===", "<p>Hannah<br>\n===</p>", "Hannah\n==="},
		{"indentation is no code", "    들여쓰기\n\n\tand a tab", "<p>들여쓰기</p>\n<p>and a tab</p>", "들여쓰기\n\nand a tab"},
		{"deep indentation loses nothing", "- a\n\n          b\n\n> \t\tc\n\n        - d", "<ul>\n<li>\n<p>a</p>\n<p>b</p>\n</li>\n</ul>\n<blockquote>\n<p>c</p>\n</blockquote>\n<p>- d</p>", "• a\n\n  b\n\n> c\n\n- d"},
		{"backticks are backticks", "`x` and\n```\ny\n```", "<p>`x` and<br>\n```<br>\ny<br>\n```</p>", "`x` and\n```\ny\n```"},
		{"headings", "# 큰 제목\n## 제목\n### 작은 제목\n#해시", "<h3>큰 제목</h3>\n<h3>제목</h3>\n<h4>작은 제목</h4>\n<p>#해시</p>", "큰 제목\n-------\n\n제목\n----\n\n작은 제목\n---------\n\n#해시"},
		{"a quotation", "> 첫째\n> 둘째", "<blockquote>\n<p>첫째<br>\n둘째</p>\n</blockquote>", "> 첫째\n> 둘째"},
		{"HTML shows as text", "<b>bold</b> & <script>alert(1)</script>", "<p>&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>", "<b>bold</b> & <script>alert(1)</script>"},
		{"less and greater", "a<b and c>d", "<p>a&lt;b and c&gt;d</p>", "a<b and c>d"},
		{"a link", "[여기](https://example.org/a?b=1&c=2)를", `<p><a href="https://example.org/a?b=1&amp;c=2">여기</a>를</p>`, "여기 (https://example.org/a?b=1&c=2)를"},
		{"a mail link", "[쓰기](mailto:a@example.org)", `<p><a href="mailto:a@example.org">쓰기</a></p>`, "쓰기 (a@example.org)"},
		{"a script link is text", "[x](javascript:alert(1))", "<p>x</p>", "x"},
		{"a spelled-out script link is text", "[x](java&#115;cript:alert)", "<p>x</p>", "x"},
		{"a data link is text", "[x](data:text/html,hi)", "<p>x</p>", "x"},
		{"a relative link is text", "[x](/desk)", "<p>x</p>", "x"},
		{"a link without scheme is text", "[x](//evil.example)", "<p>x</p>", "x"},
		{"a link with a user is text", "[x](https://bank.example@evil.example/)", "<p>x</p>", "x"},
		{"a bare address", "https://example.org/가 아니라 https://example.org/a.", `<p><a href="https://example.org/">https://example.org/</a>가 아니라 <a href="https://example.org/a">https://example.org/a</a>.</p>`, "https://example.org/가 아니라 https://example.org/a."},
		{"an address in brackets", "<https://example.org/x>", `<p><a href="https://example.org/x">https://example.org/x</a></p>`, "https://example.org/x"},
		{"an odd scheme in brackets is text", "<tel:123>", "<p>tel:123</p>", "tel:123"},
		{"an image is its description", "![**사진** 설명](https://t.example/1.gif)", "<p><strong>사진</strong> 설명</p>", "*사진* 설명"},
		{"a linked image too", "[![a](https://t.example/1.gif)](javascript:x)", "<p>a</p>", "a"},
		{"references define nothing", "[a]: https://example.org\n\n[a]", `<p>[a]: <a href="https://example.org">https://example.org</a></p>` + "\n<p>[a]</p>", "[a]: https://example.org\n\n[a]"},
		{"entities", "&copy; &amp; &lt;b&gt; \\*x\\*", "<p>© &amp; &lt;b&gt; *x*</p>", "© & <b> *x*"},
		{"direction tricks go", "a\u202eb&#x202e;c&#8203;d", "<p>abcd</p>", "abcd"},
		{"control characters go", "a\x00b\x07c\x1b", "<p>abc</p>", "abc"},
		{"emoji with joiners stay", "👩‍👩‍👧 ✝️", "<p>👩‍👩‍👧 ✝️</p>", "👩‍👩‍👧 ✝️"},
		{"empty", "", "", ""},
	}
	r := sampleRenderer(t, sampleMinistry())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			html, err := r.LetterHTML(c.markdown)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(html); got != c.html {
				t.Errorf("HTML\n got %q\nwant %q", got, c.html)
			}
			if got := letterText(c.markdown); got != c.text {
				t.Errorf("text\n got %q\nwant %q", got, c.text)
			}
		})
	}
}

func TestTextWraps(t *testing.T) {
	long := strings.Repeat("주님의 은혜가 여러분과 함께하시기를 기도합니다. ", 6) + "https://example.org/" + strings.Repeat("long/", 20) + " 끝"
	for _, markdown := range []string{long, "- " + long, "> " + long, "1. " + long, "# " + long, strings.Repeat("가", 90), strings.Repeat("가", 20) + " " + strings.Repeat("나", 40)} {
		for _, row := range strings.Split(letterText(markdown), "\n") {
			if textWidth(row) > columns && !strings.Contains(row, "://") {
				t.Errorf("%d columns: %s", textWidth(row), row)
			}
		}
	}
	if got := letterText("- " + long); !strings.Contains(got, "\n  ") {
		t.Errorf("a list item does not hang: %q", got)
	}
	if got := letterText("> " + long); strings.Count(got, "\n") != strings.Count(got, "\n> ") {
		t.Errorf("a quotation loses its mark: %q", got)
	}
	if got := strings.Join(strings.Fields(letterText(long)), " "); got != strings.TrimSpace(long) {
		t.Errorf("wrapping changed the words: %q", got)
	}
}

// Letters are written by staff, but pasted from anywhere.
func FuzzLetter(f *testing.F) {
	for _, seed := range []string{
		"**마크다운(Markdown)**을", "1. a\n2026. 11. 21.", "<script>x</script>", "[a](javascript:alert(1))", "[a](https://x.example \"t\")",
		"![i](https://x.example/i.png)", "<https://x.example/\" onclick=1>", "> - 1. > x", "&#x6a;avascript:", "a\u202e\x00\r\n\r", "***a** b*", "<style>*{}</style>",
		"https://x.example/?a=<b>", "[x](<https://x.example/ onload=a>)", "# h\n---\n***", "\xff\xfe", "mailto:a@b.example", "- \n- \n\n\n1.\n",
		strings.Repeat("> ", 60) + "deep", strings.Repeat("*a ", 60),
	} {
		f.Add(seed)
	}
	r := sampleRenderer(f, sampleMinistry())
	shape := regexp.MustCompile(`^(?:[^<>]|</?(?:p|strong|em|h3|h4|ul|ol|li|blockquote|a)>|<(?:br|hr)/?>|<a href="(?:https?://|mailto:)[^"<>]*">)*$`)
	f.Fuzz(func(t *testing.T, markdown string) {
		html, err := r.LetterHTML(markdown)
		if err != nil {
			t.Fatal(err)
		}
		// Whatever is not one of these tags, attributes and schemes fails: no
		// script, no style, no handler, no other address can be there.
		if !shape.MatchString(html) {
			t.Errorf("unsafe HTML %q", html)
		}
		if !utf8.ValidString(html) {
			t.Errorf("damaged HTML %q", html)
		}
		text := letterText(markdown)
		if !utf8.ValidString(text) {
			t.Errorf("damaged text %q", text)
		}
		for _, c := range text {
			if c != '\n' && c != '\t' && unicode.IsControl(c) || isTrick(c) {
				t.Errorf("text holds %U", c)
			}
		}
	})
}

// Nothing that staff typed may be lost: every word of a letter is in both
// renderings.
func FuzzLetterKeepsWords(f *testing.F) {
	for _, seed := range []string{"    a\n\tb", "- a\n\n          b", "1. a\n 2) b\n        c", "# a #\n> b\n- > c", "a\n===\n- - b", "* a\n+ b\n1) c", "```\na\n```", "<a>\nb\n</a>\n<!-- c -->"} {
		f.Add(seed)
	}
	word := regexp.MustCompile(`\b[a-z]{2,}\b`)
	f.Fuzz(func(t *testing.T, markdown string) {
		if strings.ContainsAny(markdown, "&\\[]") || !utf8.ValidString(markdown) {
			return // references and link addresses do not show as they are typed
		}
		html, err := letterHTML(markdown)
		if err != nil {
			t.Fatal(err)
		}
		text := letterText(markdown)
		for _, w := range word.FindAllString(clean(markdown), -1) {
			if !strings.Contains(html, w) || !strings.Contains(text, w) {
				t.Errorf("%q is lost\nHTML %q\ntext %q", w, html, text)
			}
		}
	})
}
