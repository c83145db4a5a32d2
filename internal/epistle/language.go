package epistle

// Language is one the product speaks.
type Language string

const (
	English Language = "en"
	Korean  Language = "ko"
)

// Languages lists what the product speaks, the fallback first.
var Languages = []Language{English, Korean}

// ParseLanguage accepts "en" and "ko" and nothing else.
func ParseLanguage(s string) (Language, error) {
	switch Language(s) {
	case English, Korean:
		return Language(s), nil
	}
	return "", InvalidField("language", "language.unknown")
}

// Text is a text of the ministry in both languages.
type Text struct {
	EN string `json:"en" db:"en"`
	KO string `json:"ko" db:"ko"`
}

// In returns the text in a language, or in the other one where it is missing.
func (t Text) In(l Language) string {
	if l == Korean && t.KO != "" || t.EN == "" {
		return t.KO
	}
	return t.EN
}

// Has reports whether the text exists in exactly this language.
func (t Text) Has(l Language) bool {
	if l == Korean {
		return t.KO != ""
	}
	return t.EN != ""
}

// IsZero reports whether the text is empty in both languages.
func (t Text) IsZero() bool { return t.EN == "" && t.KO == "" }
