// Package locale holds the words of the product in each of its languages. No
// page, mail or message has its text in code: all of it is in
// templates/locales, files named AREA.LANGUAGE.toml whose keys are global.
package locale

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"

	"epistle/internal/epistle"
)

// Catalog is every message in every language.
type Catalog struct {
	words   map[epistle.Language]*Words
	keys    map[epistle.Language]map[string]bool
	matcher language.Matcher
}

// Load reads the catalogue from a folder of *.en.toml and *.ko.toml files.
func Load(files fs.FS) (*Catalog, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := fs.Glob(files, "*.toml")
	if err != nil {
		return nil, err
	}
	c := &Catalog{
		words:   map[epistle.Language]*Words{},
		keys:    map[epistle.Language]map[string]bool{},
		matcher: language.NewMatcher([]language.Tag{language.English, language.Korean}),
	}
	for _, l := range epistle.Languages {
		c.keys[l] = map[string]bool{}
		c.words[l] = &Words{Language: l, localizer: i18n.NewLocalizer(bundle, string(l))}
	}
	for _, name := range names {
		file, err := bundle.LoadMessageFileFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue %s: %w", path.Base(name), err)
		}
		keys, known := c.keys[epistle.Language(file.Tag.String())]
		if !known {
			return nil, fmt.Errorf("the catalogue %s is in a language that the program does not speak", name)
		}
		for _, m := range file.Messages {
			if keys[m.ID] {
				return nil, fmt.Errorf("the key %s is in the catalogue twice", m.ID)
			}
			keys[m.ID] = true
		}
	}
	return c, nil
}

// In returns the words of a language; of English for one it does not know.
func (c *Catalog) In(l epistle.Language) *Words {
	if w, ok := c.words[l]; ok {
		return w
	}
	return c.words[epistle.English]
}

// Match picks the language for an Accept-Language header.
func (c *Catalog) Match(acceptLanguage string) epistle.Language {
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil {
		return epistle.English
	}
	_, index, _ := c.matcher.Match(tags...)
	return epistle.Languages[index]
}

// Keys lists the keys of a language.
func (c *Catalog) Keys(l epistle.Language) map[string]bool { return c.keys[l] }

// Words are the messages of one language.
type Words struct {
	Language  epistle.Language
	localizer *i18n.Localizer
}

// T returns the message of a key. pairs are names and values for its
// variables: T("slot.next", "Time", "20:00"). A variable called Count also
// chooses the plural. A key that is missing comes back itself, in brackets; the
// tests fail on one.
func (w *Words) T(key string, pairs ...any) string {
	data := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return w.Fill(key, data)
}

// Fill is T with the variables in a map.
func (w *Words) Fill(key string, data map[string]any) string {
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	if n, ok := data["Count"]; ok {
		config.PluralCount = n
	}
	text, err := w.localizer.Localize(config)
	if err != nil && text == "" {
		return "[" + key + "]"
	}
	return text
}

// Error is the sentence for an error that people may be told about. Any other
// error gives the general one.
func (w *Words) Error(err error) string {
	var e *epistle.Error
	if !errors.As(err, &e) || e.Kind == epistle.Internal {
		return w.T("error.internal")
	}
	return w.Fill("error."+e.Message, e.Data)
}

// Pick returns a text of the ministry in this language.
func (w *Words) Pick(t epistle.Text) string { return t.In(w.Language) }
