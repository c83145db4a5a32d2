package desk

import (
	"html"
	"net/http"

	"epistle/internal/epistle"
	"epistle/internal/web"
)

// previewView is which mail the preview shows, and how.
type previewView struct {
	Language epistle.Language
	Form     epistle.Form
	View     string // "html", "phone" or "text"
}

// viewOf reads the view of a request: ?mail=ko&form=discreet&view=phone. The
// mail is in the member's own language unless they ask for another.
func (p Issues) viewOf(r *http.Request) previewView {
	q := r.URL.Query()
	v := previewView{Form: epistle.Form(q.Get("form")), View: q.Get("view")}
	var err error
	if v.Language, err = epistle.ParseLanguage(q.Get("mail")); err != nil {
		v.Language = p.Kernel.Language(r)
	}
	if v.Form != epistle.Discreet {
		v.Form = epistle.Full
	}
	if v.View != "phone" && v.View != "text" {
		v.View = "html"
	}
	return v
}

// Query is the view as the parameters of an address.
func (v previewView) Query() string {
	return "mail=" + string(v.Language) + "&form=" + string(v.Form) + "&view=" + v.View
}

// With are the parameters with one of them changed.
func (v previewView) With(name, value string) string {
	switch name {
	case "mail":
		v.Language = epistle.Language(value)
	case "form":
		v.Form = epistle.Form(value)
	case "view":
		v.View = value
	}
	return v.Query()
}

func (p Issues) preview(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	return p.showMail(w, r, newsletter, issue)
}

// previewTyped shows the mail of what was typed, and saves nothing.
func (p Issues) previewTyped(w http.ResponseWriter, r *http.Request) error {
	issue, newsletter, err := p.issueOf(r)
	if err != nil {
		return err
	}
	issue.Content = overlaid(issue.Content, typedContent(web.FormOf(r)))
	return p.showMail(w, r, newsletter, issue)
}

func (p Issues) showMail(w http.ResponseWriter, r *http.Request, n epistle.Newsletter, issue epistle.Issue) error {
	view := p.viewOf(r)
	mail, err := p.Preview.Preview(n, issue, view.Language, view.Form)
	if err != nil {
		return err
	}
	if view.View == "text" {
		return p.Kernel.Mail(w, `<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`+
			`<pre style="margin:0;padding:20px;color:#1d2223;background:#fff;font:14px/1.6 ui-monospace,Menlo,Consolas,monospace;white-space:pre-wrap;overflow-wrap:anywhere">`+
			html.EscapeString(mail.Text)+`</pre>`)
	}
	return p.Kernel.Mail(w, mail.HTML)
}
