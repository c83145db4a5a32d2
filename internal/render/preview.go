package render

import "epistle/internal/epistle"

// The size of the HTML part, as it travels, above which a preview warns, and
// above which Gmail cuts a mail and hides its end, the unsubscribe link with it.
const (
	warnSize = 80 << 10
	clipSize = 102 << 10
)

// Preview is the mail as the desk shows it. Size counts the octets of the HTML
// part as it travels. Warnings are keys of the catalogue.
type Preview struct {
	Subject   string
	Preheader string
	HTML      string
	Text      string
	Size      int
	Warnings  []string
}

// Preview renders an issue for a reader whose name is not known. Its links to
// leave and to preferences lead nowhere.
func (r *Renderer) Preview(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (Preview, error) {
	e, err := r.Compile(n, i, l, f)
	if err != nil {
		return Preview{}, err
	}
	v := values{greetingField: e.greet(""), leaveField: "preview", preferField: "preview"}
	p := Preview{
		Subject: e.subject, Preheader: e.preheader,
		HTML: e.weekly.html.fill(v, escapeHTML), Text: e.weekly.text.fill(v, escapeText),
	}
	p.Size = len(quoted(crlf(p.HTML)))
	switch {
	case p.Size > clipSize:
		p.Warnings = append(p.Warnings, "mail.warning.clipped")
	case p.Size > warnSize:
		p.Warnings = append(p.Warnings, "mail.warning.size")
	}
	if line(i.Content.Subject.In(l)) == "" {
		p.Warnings = append(p.Warnings, "mail.warning.subject")
	}
	return p, nil
}
