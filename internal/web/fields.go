package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"epistle/internal/epistle"
)

// Form keeps what was typed and what is wrong with it, so that a refused form
// comes back as it was with a sentence beside each field.
type Form struct {
	values  url.Values
	errors  map[string]string
	Message string // what is wrong with the whole
}

// FormOf is the form of a request.
func FormOf(r *http.Request) *Form {
	values := r.PostForm
	if r.MultipartForm != nil {
		values = r.MultipartForm.Value
	}
	if values == nil {
		values = url.Values{}
	}
	return &Form{values: values, errors: map[string]string{}}
}

// NewForm is a form that begins with what is stored: pairs of names and values.
func NewForm(pairs ...string) *Form {
	f := &Form{values: url.Values{}, errors: map[string]string{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.values.Add(pairs[i], pairs[i+1])
	}
	return f
}

// Value is what stands in a field.
func (f *Form) Value(name string) string { return f.values.Get(name) }

// Values is every value of a field that may come several times.
func (f *Form) Values(name string) []string { return f.values[name] }

// Has reports whether a field holds a value: a ticked box, a chosen option.
func (f *Form) Has(name, value string) bool {
	for _, v := range f.values[name] {
		if v == value {
			return true
		}
	}
	return false
}

// Text is a field in both languages, from the inputs NAME_en and NAME_ko.
func (f *Form) Text(name string) epistle.Text {
	return epistle.Text{EN: f.Value(name + "_en"), KO: f.Value(name + "_ko")}
}

// SetText fills NAME_en and NAME_ko.
func (f *Form) SetText(name string, t epistle.Text) {
	f.values.Set(name+"_en", t.EN)
	f.values.Set(name+"_ko", t.KO)
}

// Set fills a field.
func (f *Form) Set(name, value string) { f.values.Set(name, value) }

// Error is the sentence beside a field; "" when it is well.
func (f *Form) Error(name string) string { return f.errors[name] }

// Failed reports whether anything is wrong.
func (f *Form) Failed() bool { return len(f.errors) > 0 || f.Message != "" }

// Refuse puts what err says into the form, in the reader's language: beside
// the field if it names one, else above the form. It returns nil when the form
// has taken the error (kinds invalid, conflict and limited), and err itself
// otherwise.
func (k *Kernel) Refuse(r *http.Request, f *Form, err error) error {
	if err == nil {
		return nil
	}
	switch epistle.KindOf(err) {
	case epistle.Invalid, epistle.Conflict, epistle.Limited:
	default:
		return err
	}
	words := k.Words(r)
	var several epistle.Problems
	if !errors.As(err, &several) {
		several.Add(err)
	}
	for _, e := range several {
		sentence := words.Error(e)
		switch {
		case e.Field == "":
			f.Message = sentence
		case f.errors[e.Field] == "":
			f.errors[e.Field] = sentence
		}
	}
	return nil
}

// Option is a choice of a select, or of a group of radio buttons.
type Option struct{ Value, Label string }

// Field is the argument of the partials field, textarea, select, radios and
// checkbox. Templates make it with
//
//	{{field .Form "email" "label" (t "…") "hint" (t "…") "type" "email"}}
type Field struct {
	Name, ID, Label, Hint, Error      string
	Value                             string
	Type, Autocomplete, Placeholder   string
	InputMode, Lang, Pattern, Suffix  string
	Rows, MaxLength                   int
	Required, Autofocus, Checked, Big bool
	Options                           []Option
}

// newField reads pairs of the names below and their values. "value" counts
// only where the form has none (for a checkbox it is what a tick sends, "yes"
// unless said); "checked" only in a form that holds nothing yet.
func newField(f *Form, name string, pairs ...any) (*Field, error) {
	if f == nil {
		f = NewForm()
	}
	field := &Field{Name: name, ID: "f-" + name, Type: "text", Rows: 4, Value: f.Value(name), Error: f.Error(name)}
	given, err := dict(pairs...)
	if err != nil {
		return nil, err
	}
	for key, value := range given {
		if err := field.set(f, key, value); err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
	}
	if field.Type == "checkbox" {
		field.Value = "yes"
		if v, ok := given["value"]; ok {
			field.Value = fmt.Sprint(v)
		}
		untouched := len(f.values) == 0
		field.Checked = f.Has(name, field.Value) || untouched && field.Checked
	}
	return field, nil
}

func (d *Field) set(f *Form, key string, value any) error {
	text, isText := value.(string)
	texts := map[string]*string{"label": &d.Label, "hint": &d.Hint, "type": &d.Type, "autocomplete": &d.Autocomplete,
		"placeholder": &d.Placeholder, "inputmode": &d.InputMode, "lang": &d.Lang, "pattern": &d.Pattern, "suffix": &d.Suffix, "id": &d.ID}
	flags := map[string]*bool{"required": &d.Required, "autofocus": &d.Autofocus, "checked": &d.Checked, "big": &d.Big}
	switch {
	case texts[key] != nil && isText:
		*texts[key] = text
	case flags[key] != nil:
		b, ok := value.(bool)
		if !ok {
			return fmt.Errorf("%s must be true or false", key)
		}
		*flags[key] = b
	case key == "value":
		if _, sent := f.values[d.Name]; !sent {
			d.Value = fmt.Sprint(value)
		}
	case key == "rows" || key == "maxlength":
		n, ok := value.(int)
		if !ok {
			return fmt.Errorf("%s must be a number", key)
		}
		if key == "rows" {
			d.Rows = n
		} else {
			d.MaxLength = n
		}
	case key == "options":
		options, ok := value.([]Option)
		if !ok {
			return fmt.Errorf("options must be options")
		}
		d.Options = options
	default:
		return fmt.Errorf("%q is no part of a field", key)
	}
	return nil
}

// Optional reports whether to say so beside the label: where the first choice
// is none, it says it itself.
func (d *Field) Optional() bool {
	return !d.Required && (len(d.Options) == 0 || d.Options[0].Value != "")
}

// Described is the ids that explain the field, for aria-describedby.
func (d *Field) Described() string {
	switch {
	case d.Error != "" && d.Hint != "":
		return d.ID + "-error " + d.ID + "-hint"
	case d.Error != "":
		return d.ID + "-error"
	case d.Hint != "":
		return d.ID + "-hint"
	}
	return ""
}

// Badge is the argument of the partial badge. Tones: "" (plain), "good",
// "wait", "bad", "info".
type Badge struct{ Tone, Label string }

// Empty is the argument of the partial empty: a drawing, a sentence, what to do
// next, and perhaps a link.
type Empty struct{ Icon, Title, Text, Link, LinkLabel string }

func newEmpty(icon, title string, rest ...string) Empty {
	e := Empty{Icon: icon, Title: title}
	for i, into := range []*string{&e.Text, &e.Link, &e.LinkLabel} {
		if i < len(rest) {
			*into = rest[i]
		}
	}
	return e
}
