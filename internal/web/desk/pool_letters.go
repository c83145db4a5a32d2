package desk

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/store"
	"epistle/internal/web"
)

type letterKind struct{ Pool }

func (letterKind) kind() epistle.ItemKind { return epistle.LetterItem }
func (letterKind) path() string           { return "/desk/letters" }
func (letterKind) icon() string           { return "pen" }

func (letterKind) states() (open, others []string) {
	return stateNames(epistle.Drafted, epistle.Current), stateNames(epistle.Used, epistle.Withdrawn)
}

func (k letterKind) rows(ctx context.Context, l epistle.Language, f store.PoolFilter) ([]poolRow, error) {
	letters, err := k.Store.Letters(ctx, f)
	if err != nil {
		return nil, err
	}
	rows := make([]poolRow, len(letters))
	for i, letter := range letters {
		rows[i] = poolRow{ID: letter.ID, Title: letterTitle(letter).In(l), Text: firstWords(plain(letter.Body.In(l)), 220),
			Lacking: letterLacking(letter), State: string(letter.State), Date: letter.CreatedAt}
		var names []string
		for _, s := range letter.Signatures {
			names = append(names, s.In(l))
		}
		if len(names) > 0 {
			rows[i].Meta = append(rows[i].Meta, strings.Join(names, ", "))
		}
	}
	return rows, nil
}

// letterTitle is a letter's title or, where it has none, its first words.
func letterTitle(l epistle.Letter) epistle.Text {
	if !l.Title.IsZero() {
		return l.Title
	}
	return epistle.Text{EN: firstWords(plain(l.Body.EN), 60), KO: firstWords(plain(l.Body.KO), 40)}
}

func letterLacking(l epistle.Letter) []epistle.Language {
	return editorial.Lacking(append([]epistle.Text{l.Title, l.Body}, l.Signatures...)...)
}

// markup are the characters of Markdown that a list does not need to show.
var markup = regexp.MustCompile(`(?m)^\s*(#{1,6}|>|[-*+])\s+|[*_` + "`" + `]|\]\([^)\s]*\)|[\[\]]`)

func plain(markdown string) string { return markup.ReplaceAllString(markdown, "") }

func (k letterKind) load(ctx context.Context, id epistle.ID) (*web.Form, itemHead, error) {
	l, err := k.Store.Letter(ctx, id)
	if err != nil {
		return nil, itemHead{}, err
	}
	form := formAt(l.Version)
	form.SetText("title", l.Title)
	form.SetText("body", l.Body)
	for i, s := range l.Signatures {
		form.SetText(signatureField(i), s)
	}
	return form, itemHead{ID: l.ID, Version: l.Version, Title: letterTitle(l), State: l.State, Lacking: letterLacking(l)}, nil
}

func signatureField(i int) string { return "signature_" + strconv.Itoa(i+1) }

func (k letterKind) keep(ctx context.Context, actor epistle.Actor, id epistle.ID, form *web.Form) (epistle.ID, error) {
	l := epistle.Letter{ID: id, Version: formVersion(form), State: itemState(form), Title: form.Text("title"), Body: form.Text("body")}
	for i := range editorial.MaxSignatures {
		l.Signatures = append(l.Signatures, form.Text(signatureField(i)))
	}
	if id == 0 {
		return k.Pool.Pool.CreateLetter(ctx, actor, l)
	}
	return id, k.Pool.Pool.UpdateLetter(ctx, actor, l)
}

// letterChoices is what a letter's page shows beside the words themselves.
type letterChoices struct {
	Preview    map[string]template.HTML // by language
	Signatures []string                 // field names: those that are filled and one more
	More       []string                 // the others
}

func (k letterKind) choices(_ context.Context, _ *locale.Words, form *web.Form) (any, error) {
	c := letterChoices{Preview: map[string]template.HTML{}}
	for _, l := range epistle.Languages {
		html, err := k.Preview.LetterHTML(form.Text("body").In(l))
		if !form.Text("body").Has(l) {
			html, err = "", nil
		}
		if err != nil {
			return nil, err
		}
		c.Preview[string(l)] = template.HTML(html) //nolint:gosec // LetterHTML is sanitised
	}
	shown := 1
	for i := range editorial.MaxSignatures {
		if !form.Text(signatureField(i)).IsZero() {
			shown = i + 2
		}
	}
	for i := range editorial.MaxSignatures {
		if i < shown {
			c.Signatures = append(c.Signatures, signatureField(i))
		} else {
			c.More = append(c.More, signatureField(i))
		}
	}
	return c, nil
}

// previewLetter shows what was typed without keeping it: as JSON to the page's
// own script, and as the whole page to a browser without it.
func (p Pool) previewLetter(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	if r.Header.Get("Accept") != "application/json" {
		pages := itemPages{p, letterKind{p}}
		page := itemPage{Form: form}
		if id, err := strconv.ParseInt(form.Value("id"), 10, 64); err == nil {
			if _, page.Head, err = pages.of.load(r.Context(), id); err != nil {
				return err
			}
		}
		return pages.page(w, r, http.StatusOK, page)
	}
	shown := map[epistle.Language]string{}
	for _, l := range epistle.Languages {
		clean, err := epistle.CleanText("body_"+string(l), form.Value("body_"+string(l)), epistle.MaxBody)
		if err != nil {
			return err
		}
		if shown[l], err = p.Preview.LetterHTML(clean); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(shown)
}
