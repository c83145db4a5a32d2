package render

import (
	"html/template"
	"strconv"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
)

// page is what the templates of an issue are given: words and content in one
// language, every text already safe for its place.
type page struct {
	*locale.Words
	Subject   string
	Preheader string
	Masthead  string
	Dateline  string
	Greeting  string // a field's stand-in
	Above     string // a line above the letter: for new readers, in tests; empty in the weekly mail
	Sections  []section
	Footer    footer
	Public    string
	Leave     string // a field's stand-in
	Prefer    string // a field's stand-in
}

type section struct {
	Kind    epistle.SectionKind
	Heading string
	Items   []item
}

type item struct {
	Title      string
	HTML       template.HTML
	Text       string // wrapped
	Signatures []string
	Project    string
	URL        string
	Host       string
	Source     string // publisher and date
}

type footer struct {
	Newsletter string
	Ministry   string
	Postal     string
	Contact    string
	Reply      string // who reads the answers; empty in the discreet form
}

// makePage gathers an issue's content for one language and form.
func (r *Renderer) makePage(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (page, error) {
	words := r.Catalog.In(l)
	p := page{
		Words:     words,
		Subject:   line(words.Pick(i.Content.Subject)),
		Preheader: line(words.Pick(i.Content.Preheader)),
		Masthead:  line(words.Pick(n.Title)),
		Greeting:  r.standIn(greetingField),
		Public:    r.Ministry.PublicURL,
		Leave:     r.standIn(leaveField),
		Prefer:    r.standIn(preferField),
		Footer: footer{
			Newsletter: line(words.Pick(n.Title)),
			Ministry:   line(words.Pick(r.Ministry.Name)),
			Postal:     line(words.Pick(r.Ministry.PostalAddress)),
			Contact:    r.Ministry.Contact.Display(),
			Reply:      line(words.Pick(n.ReplyTo.Name)),
		},
	}
	if p.Subject == "" {
		p.Subject = p.Masthead // no mail goes without one; the preview warns
	}
	if f == epistle.Discreet {
		p.Footer.Reply = ""
		p.Subject, p.Preheader, p.Masthead = words.T("mail.discreet.subject"), words.T("mail.discreet.preheader"), words.T("mail.discreet.masthead")
	}
	loc, err := n.Location()
	if err != nil {
		return page{}, err
	}
	p.Dateline = dateline(words, i, loc)
	for _, s := range i.Content.Sections {
		made, err := makeSection(words, s)
		if err != nil {
			return page{}, err
		}
		if len(made.Items) > 0 {
			p.Sections = append(p.Sections, made)
		}
	}
	return p, nil
}

// dateline names the issue by its number and day: the day of its launch, since
// it may go out before or after its slot; until then the day of its slot, if it
// has one.
func dateline(words *locale.Words, i epistle.Issue, loc *time.Location) string {
	day := i.LaunchedAt
	if day.IsZero() {
		day = i.SendAt
	}
	var parts []string
	if i.Number > 0 {
		parts = append(parts, words.T("mail.number", "Number", strconv.FormatInt(i.Number, 10)))
	}
	if !day.IsZero() {
		parts = append(parts, words.Date(day.In(loc)))
	}
	return strings.Join(parts, " · ")
}

func makeSection(words *locale.Words, s epistle.Section) (section, error) {
	made := section{Kind: s.Kind, Heading: line(words.Pick(s.Heading))}
	if made.Heading == "" {
		made.Heading = words.T("mail.section." + string(s.Kind))
	}
	for _, i := range s.Items {
		it, err := makeItem(words, i)
		if err != nil {
			return section{}, err
		}
		if it.Title != "" || it.Text != "" {
			made.Items = append(made.Items, it)
		}
	}
	return made, nil
}

func makeItem(words *locale.Words, i epistle.Item) (item, error) {
	made := item{
		Title:   line(words.Pick(i.Title)),
		Project: line(words.Pick(i.Project)),
		Source:  source(words, i),
	}
	if address := strings.TrimSpace(words.Pick(i.URL)); isWebURL(address) {
		made.URL, made.Host = address, hostOf(address)
	}
	body := words.Pick(i.Body)
	if i.Kind == epistle.LetterItem {
		letter, err := letterHTML(body)
		if err != nil {
			return item{}, err
		}
		made.HTML, made.Text = template.HTML(letter), letterText(body)
		for _, s := range i.Signatures {
			if signed := line(words.Pick(s)); signed != "" {
				made.Signatures = append(made.Signatures, signed)
			}
		}
		return made, nil
	}
	made.HTML, made.Text = plainHTML(body), plainText(body)
	return made, nil
}

// source is the publisher of a link and the day of publication, as this
// reader writes days.
func source(words *locale.Words, i epistle.Item) string {
	var parts []string
	if p := line(i.Publisher); p != "" {
		parts = append(parts, p)
	}
	if day, err := time.Parse(time.DateOnly, i.Date); err == nil {
		parts = append(parts, words.Date(day))
	}
	return strings.Join(parts, " · ")
}

// paragraphs splits a plain text at its blank lines.
func paragraphs(s string) []string {
	var all []string
	for _, p := range strings.Split(clean(s), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			all = append(all, p)
		}
	}
	return all
}

func plainHTML(s string) template.HTML {
	var b strings.Builder
	for _, p := range paragraphs(s) {
		b.WriteString("<p>" + strings.ReplaceAll(template.HTMLEscapeString(p), "\n", "<br>") + "</p>")
	}
	return template.HTML(b.String())
}

func plainText(s string) string {
	all := paragraphs(s)
	for i, p := range all {
		all[i] = wrap(p, "", "")
	}
	return strings.Join(all, "\n\n")
}
