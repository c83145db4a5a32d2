package editorial

import (
	"epistle/internal/epistle"
)

// Lacking lists the languages in which one of the texts is missing though it is
// there in the other language. It is a warning, not an error: readers of that
// language are shown the other one.
func Lacking(texts ...epistle.Text) []epistle.Language {
	var lacking []epistle.Language
	for _, l := range epistle.Languages {
		for _, t := range texts {
			if !t.IsZero() && !t.Has(l) {
				lacking = append(lacking, l)
				break
			}
		}
	}
	return lacking
}

// lines cleans a one-line text in both languages. Errors belong to field_en and
// field_ko.
func lines(problems *epistle.Problems, field string, t epistle.Text, max int) epistle.Text {
	return epistle.Text{EN: line(problems, field+"_en", t.EN, max), KO: line(problems, field+"_ko", t.KO, max)}
}

func line(problems *epistle.Problems, field, s string, max int) string {
	clean, err := epistle.CleanLine(field, s, max)
	problems.Add(err)
	return clean
}

// paragraphs cleans a longer text in both languages.
func paragraphs(problems *epistle.Problems, field string, t epistle.Text, max int) epistle.Text {
	en, err := epistle.CleanText(field+"_en", t.EN, max)
	problems.Add(err)
	ko, err := epistle.CleanText(field+"_ko", t.KO, max)
	problems.Add(err)
	return epistle.Text{EN: en, KO: ko}
}

// need asks for a text in at least one language. The error is beside the
// English field, which stands first.
func need(problems *epistle.Problems, field string, t epistle.Text) {
	if t.IsZero() {
		problems.Add(epistle.InvalidField(field+"_en", "pool.language.none"))
	}
}

// paired asks for a head in each language that has a text under it, so that no
// reader sees one language's headline over the other's paragraph.
func paired(problems *epistle.Problems, field string, head, under epistle.Text) {
	for _, l := range epistle.Languages {
		if under.Has(l) && !head.Has(l) && !head.IsZero() {
			problems.Add(epistle.InvalidField(field+"_"+string(l), "text.missing"))
		}
	}
}
