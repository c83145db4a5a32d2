package web

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
)

// page returns a template set, ready to execute its layout. It is parsed when
// it is first asked for: all pages in all languages take 30 MB, and a daemon
// that only sends shows none.
type page func() (*template.Template, error)

// findPages makes a template set for each page and language: the layout of
// its folder, all partials, and the page's own blocks.
func (k *Kernel) findPages() (map[epistle.Language]map[string]page, error) {
	all := map[epistle.Language]map[string]page{}
	for _, l := range epistle.Languages {
		all[l] = map[string]page{}
		funcs, err := k.funcs(k.options.Catalog.In(l))
		if err != nil {
			return nil, err
		}
		for _, folder := range []string{"desk", "public"} {
			files, err := fs.Glob(k.options.Templates, folder+"/*.html")
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				name := folder + "/" + strings.TrimSuffix(path.Base(file), ".html")
				all[l][name] = sync.OnceValues(func() (*template.Template, error) {
					layout := folder + ".html"
					return template.New(layout).Funcs(funcs).Option("missingkey=error").
						ParseFS(k.options.Templates, "layout/"+layout, "partials/*.html", file)
				})
			}
		}
	}
	return all, nil
}

// view is what layouts see; a page's own blocks see Page alone.
type view struct {
	Page     any
	Lang     epistle.Language
	Ministry string
	Staff    *epistle.StaffMember
	Nav      []navGroup
	Flashes  []flash
	Banner   *Banner
	Others   []languageLink
}

type languageLink struct {
	Lang epistle.Language
	Name string
	URL  string
}

var languageNames = map[epistle.Language]string{epistle.English: "English", epistle.Korean: "한국어"}

// Render answers 200 with a page: "desk/prayers" is templates/web/desk/prayers.html.
// A page whose Form (see Form) has failed is answered with 422.
func (k *Kernel) Render(w http.ResponseWriter, r *http.Request, name string, data any) error {
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusUnprocessableEntity // a POST that is answered in place was refused
	}
	return k.RenderStatus(w, r, status, name, data)
}

// RenderStatus renders to memory first, so that a template that fails never
// leaves half a page with a good status.
func (k *Kernel) RenderStatus(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	body, err := k.compose(r, name, data, k.takeFlashes(w, r))
	if err != nil {
		return err
	}
	return k.SendPage(w, r, status, body)
}

// Compose renders a page to memory without the flashes, to be kept and sent
// again with SendPage. A request that has flashes must not be answered with it:
// see HasFlashes.
func (k *Kernel) Compose(r *http.Request, name string, data any) ([]byte, error) {
	return k.compose(r, name, data, nil)
}

func (k *Kernel) compose(r *http.Request, name string, data any, flashes []flash) ([]byte, error) {
	l := k.Language(r)
	find, ok := k.pages[l][name]
	if !ok {
		return nil, fmt.Errorf("there is no page template %s", name)
	}
	p, err := find()
	if err != nil {
		return nil, err
	}
	v := view{Page: data, Lang: l, Ministry: k.options.Ministry.In(l), Banner: bannerFrom(r.Context()),
		Flashes: flashes, Others: otherLanguages(r, l)}
	if m, ok := StaffFrom(r.Context()); ok {
		v.Staff = &m
		v.Nav = navFor(r, m)
	}
	var body bytes.Buffer
	if err := p.Execute(&body, v); err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	return body.Bytes(), nil
}

// SendPage answers with a page that was rendered before, in as many pieces as
// it came.
func (k *Kernel) SendPage(w http.ResponseWriter, r *http.Request, status int, pieces ...[]byte) error {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(k.Language(r)))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept-Language, Cookie")
	return SendPieces(w, status, pieces...)
}

// SendPieces sends a body that lies in memory in pieces.
func SendPieces(w http.ResponseWriter, status int, pieces ...[]byte) error {
	length := 0
	for _, piece := range pieces {
		length += len(piece)
	}
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	for _, piece := range pieces {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// mailPolicy is for the preview of a mail, which has its styles inline. The
// sandbox keeps even a hostile letter from doing anything.
const mailPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; sandbox"

// Mail answers with the HTML of a mail, for a preview frame.
func (k *Kernel) Mail(w http.ResponseWriter, html string) error {
	h := w.Header()
	h.Set("Content-Security-Policy", mailPolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, err := w.Write([]byte(html))
	return err
}

// otherLanguages links the same page in the other languages. The answer to a
// POST has none: following one would lose what was typed.
func otherLanguages(r *http.Request, now epistle.Language) []languageLink {
	if r.Method != http.MethodGet {
		return nil
	}
	var links []languageLink
	for _, l := range epistle.Languages {
		if l == now {
			continue
		}
		query := r.URL.Query()
		query.Set("lang", string(l))
		u := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
		links = append(links, languageLink{Lang: l, Name: languageNames[l], URL: u.String()})
	}
	return links
}

func (k *Kernel) funcs(words *locale.Words) (template.FuncMap, error) {
	icons, err := loadIcons(k.options.Templates)
	if err != nil {
		return nil, err
	}
	return template.FuncMap{
		"t":        words.T,
		"fill":     words.Fill,
		"pick":     words.Pick,
		"ministry": func() string { return words.Pick(k.options.Ministry) },
		"lang":     func() string { return string(words.Language) },
		"static":   k.static.url,
		"hours":    func(d time.Duration) int { return int(d.Hours()) },
		"days":     func(d time.Duration) int { return int(d.Hours() / 24) },
		"icon": func(name string) (template.HTML, error) {
			drawing, ok := icons[name]
			if !ok {
				return "", fmt.Errorf("there is no icon %q", name)
			}
			return drawing, nil
		},
		"date": k.inZone(words.Date), "day": k.inZone(words.Day), "clock": k.inZone(words.Clock), "moment": k.inZone(words.Moment),
		"ago":    k.ago(words),
		"zone":   zone,
		"number": number,
		"dict":   dict,
		"field":  newField,
		"option": func(value, label string) Option { return Option{value, label} },
		"options": func(pairs ...string) []Option {
			var all []Option
			for i := 0; i+1 < len(pairs); i += 2 {
				all = append(all, Option{pairs[i], pairs[i+1]})
			}
			return all
		},
		"empty": newEmpty,
		"badge": func(tone, label string) Badge { return Badge{tone, label} },
		"mask":  func(a epistle.Address) string { return a.Masked() },
	}, nil
}

func loadIcons(files fs.FS) (map[string]template.HTML, error) {
	names, err := fs.Glob(files, "icons/*.svg")
	if err != nil {
		return nil, err
	}
	icons := map[string]template.HTML{}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		icons[strings.TrimSuffix(path.Base(name), ".svg")] = template.HTML(strings.TrimSpace(string(text))) //nolint:gosec // our own file
	}
	return icons, nil
}
