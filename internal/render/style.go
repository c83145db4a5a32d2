package render

import (
	"html/template"
	"regexp"
	"strings"

	"epistle/internal/epistle"
)

// The look of the mails. Mail clients want every style on its element, so the
// templates ask for them by name; classes are there for the dark colours only.
// Colours are those of the pages, warm greys and one deep green, none of them
// pure black or white: clients that turn colours round by force then keep the
// contrast.
var styles = map[string]string{
	"body":    "margin:0;padding:0;width:100%;background-color:#f6f4ee;-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%;word-break:keep-all;overflow-wrap:break-word",
	"hidden":  "display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;overflow:hidden;mso-hide:all;color:#f6f4ee",
	"outer":   "width:100%;background-color:#f6f4ee",
	"inner":   "width:100%;max-width:600px;margin:0 auto",
	"gutter":  "padding:0 8px",
	"masthd":  "padding:40px 16px 24px;text-align:center",
	"title":   "margin:0;font-size:26px;line-height:1.3;font-weight:bold;color:#1c5b49",
	"date":    "margin:8px 0 0;font-size:16px;line-height:1.5;color:#5a5f5c",
	"card":    "padding:28px 22px 22px;background-color:#fffefb;border:1px solid #e0dcd0;border-radius:6px",
	"greet":   "margin:0 0 18px;font-size:18px;line-height:1.65;color:#23282a",
	"welcome": "margin:0 0 22px;padding:12px 16px;font-size:16px;line-height:1.6;color:#414846;background-color:#f0eee6;border-radius:4px",
	"section": "padding:20px 0 0",
	"h2":      "margin:0 0 16px;padding:28px 0 0;border-top:1px solid #e0dcd0;font-size:22px;line-height:1.35;font-weight:bold;color:#1c5b49",
	"h3":      "margin:0 0 6px;font-size:18px;line-height:1.45;font-weight:bold;color:#23282a",
	"h4":      "margin:0 0 6px;font-size:17px;line-height:1.45;font-weight:bold;color:#23282a",
	"p":       "margin:0 0 16px;font-size:17px;line-height:1.65;color:#23282a",
	"inner-p": "margin:4px 0;font-size:17px;line-height:1.65;color:#23282a",
	"tight":   "margin:0 0 10px;font-size:17px;line-height:1.6;color:#23282a",
	"title2":  "margin:0 0 14px;font-size:22px;line-height:1.35;font-weight:bold;color:#1c5b49",
	"head1":   "margin:0 0 16px;font-size:22px;line-height:1.4;font-weight:bold;color:#23282a",
	"btnbox":  "margin:6px 0 14px",
	"list":    "margin:0 0 16px;padding:0 0 0 24px;font-size:17px;line-height:1.65;color:#23282a",
	"li":      "margin:0 0 6px;color:#23282a",
	"quote":   "margin:0 0 18px;padding:1px 0 1px 18px;border-left:3px solid #a9c4b8;color:#414846",
	"hr":      "margin:24px auto;width:72px;border:0;border-top:1px solid #a9c4b8;height:0",
	"sign":    "margin:0;font-size:18px;line-height:1.6;font-style:italic;color:#23282a",
	"signko":  "margin:0;font-size:18px;line-height:1.6;color:#23282a",
	"signs":   "padding:2px 0 14px",
	"item":    "padding:0 0 6px",
	"row":     "padding:0 0 4px",
	"label":   "margin:0 0 2px;font-size:16px;line-height:1.5;color:#1c5b49",
	"soft":    "margin:0 0 6px;font-size:16px;line-height:1.5;color:#5a5f5c",
	// The padding of links makes them as high as a thumb; within a line it moves nothing.
	"link":    "color:#1c5b49;text-decoration:underline;padding:12px 0",
	"host":    "color:#5a5f5c;text-decoration:underline;padding:12px 0",
	"button":  "display:inline-block;padding:13px 26px;font-size:17px;line-height:1.3;font-weight:bold;color:#fbfaf5;text-decoration:none;border-radius:5px",
	"quiet":   "display:inline-block;padding:12px 25px;font-size:17px;line-height:1.3;font-weight:bold;color:#23282a;text-decoration:none;border:1px solid #8d897c;border-radius:5px",
	"btncell": "background-color:#1c5b49;border-radius:5px",
	"footer":  "padding:26px 20px 44px",
	"foot":    "margin:0 0 10px;font-size:16px;line-height:1.6;color:#5a5f5c;text-align:center",
	"raw":     "margin:0 0 16px;font-size:16px;line-height:1.5;color:#5a5f5c;word-break:break-all",
}

var (
	serif = map[epistle.Language]string{
		epistle.English: "Georgia,'Iowan Old Style','Times New Roman',serif",
		epistle.Korean:  "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR','Noto Sans CJK KR',sans-serif",
	}
	sans = map[epistle.Language]string{
		epistle.English: "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif",
		epistle.Korean:  "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR','Noto Sans CJK KR',sans-serif",
	}
)

// htmlFuncs are what the HTML templates may call. css "a" "b" gives the named
// styles; serif and sans the fonts of a language; styled puts styles on the
// bare tags of a letter.
var htmlFuncs = template.FuncMap{
	"css": func(names ...string) (template.CSS, error) {
		var all []string
		for _, name := range names {
			all = append(all, styles[name])
		}
		return template.CSS(strings.Join(all, ";")), nil
	},
	"dict": func(pairs ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i].(string)] = pairs[i+1]
		}
		return m
	},
	"lines": func(s string) template.HTML {
		return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(s), "\n", "<br>"))
	},
	"serif":  func(l epistle.Language) template.CSS { return template.CSS("font-family:" + serif[l]) },
	"sans":   func(l epistle.Language) template.CSS { return template.CSS("font-family:" + sans[l]) },
	"styled": styled,
}

// bareTag matches what policy lets through and nothing else: tags without
// attributes, but for the address of a link.
var bareTag = regexp.MustCompile(`<(/?)([a-z0-9]+)((?: href="[^"]*")?)/?>`)

// tagLooks are the class and the style of each tag.
var tagLooks = map[string][2]string{
	"p":          {"ink", "p"},
	"h3":         {"ink", "h3"},
	"h4":         {"ink", "h4"},
	"ul":         {"ink", "list"},
	"ol":         {"ink", "list"},
	"li":         {"ink", "li"},
	"blockquote": {"ink rule", "quote"},
	"hr":         {"rule", "hr"},
	"a":          {"accent", "link"},
}

// styled puts class and style on the bare tags of a letter. Paragraphs inside
// a quotation or a list stand closer.
func styled(h template.HTML) template.HTML {
	depth := 0
	return template.HTML(bareTag.ReplaceAllStringFunc(string(h), func(tag string) string {
		m := bareTag.FindStringSubmatch(tag)
		closing, name := m[1] != "", m[2]
		if name == "blockquote" || name == "li" {
			if closing {
				depth--
			} else {
				depth++
			}
		}
		look, known := tagLooks[name]
		if closing || !known {
			return tag
		}
		if name == "p" && depth > 0 {
			look[1] = "inner-p"
		}
		return `<` + name + m[3] + ` class="` + look[0] + `" style="` + styles[look[1]] + `">`
	}))
}
