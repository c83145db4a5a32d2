package signup

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"epistle/internal/epistle"
)

// personRow is a row as it stands in the file.
type personRow struct {
	line                    int
	address, name, language string
	status                  string    // where the person stood in the program that the list comes from
	asked                   time.Time // when they asked there; zero if the list does not say
}

func (e *RowError) Error() string { return "row left out: " + e.Err.Error() }

func (e *RowError) Unwrap() error { return e.Err }

// peopleReader reads a list of people row by row.
type peopleReader struct {
	lines   *lineReader
	comma   rune
	columns columns
	first   *personRow // where the file has no headings

	// One parser serves all rows; each starts it anew.
	record *strings.Reader
	buffer *bufio.Reader
	parser *csv.Reader
}

// columns says where things stand; -1 for nowhere.
type columns struct{ address, name, given, family, language, status, asked, goneAt int }

// newPeopleReader finds out how the file is written from its beginning.
func newPeopleReader(file io.Reader) (*peopleReader, error) {
	source, err := decoded(bufio.NewReaderSize(file, 64<<10))
	if err != nil {
		return nil, err
	}
	r := &peopleReader{lines: &lineReader{source: source}, comma: ',', record: strings.NewReader("")}
	r.buffer = bufio.NewReader(r.record)
	r.parser = csv.NewReader(r.buffer) // reads by the buffer as it is, since that is large enough
	r.parser.FieldsPerRecord, r.parser.LazyQuotes, r.parser.ReuseRecord = -1, true, true
	head, line, err := r.headings()
	if err != nil {
		return nil, err
	}
	r.columns = findColumns(head)
	if r.columns.address >= 0 {
		return r, nil
	}
	// No headings: the first row is a person if one of its fields is an address.
	for i, field := range head {
		if _, err := epistle.ParseAddress(field); err == nil {
			r.columns = columns{address: i, name: -1, given: -1, family: -1, language: -1, status: -1, asked: -1, goneAt: -1}
			if len(head) > 1 {
				r.columns.name = (i + 1) % 2
			}
			row := r.columns.row(head, line)
			r.first = &row
			return r, nil
		}
	}
	return nil, epistle.InvalidField("file", "signup.file-headings")
}

// headings reads up to the first row that says anything, and learns the
// separator from it.
func (r *peopleReader) headings() ([]string, int, error) {
	for {
		record, line, err := r.nextRecord()
		switch {
		case errors.Is(err, io.EOF):
			return nil, 0, epistle.InvalidField("file", "signup.file-empty")
		case err != nil:
			return nil, 0, fileError(err)
		}
		if said, found := strings.CutPrefix(strings.ToLower(record), "sep="); found && utf8.RuneCountInString(said) == 1 {
			continue // Excel's own hint; the separator shows itself
		}
		r.comma = separator(record)
		fields, err := r.split(record)
		if err != nil {
			return nil, 0, fileError(err)
		}
		if slices.ContainsFunc(fields, says) {
			return fields, line, nil
		}
	}
}

// says reports that a field is not empty.
func says(field string) bool { return field != "" }

func fileError(err error) error {
	var known *epistle.Error
	if errors.As(err, &known) {
		return epistle.InvalidField("file", known.Message)
	}
	return err
}

// separator is the one of comma, semicolon and tab that stands most often
// outside quotes.
func separator(record string) rune {
	counts, quoted := map[rune]int{}, false
	for _, c := range record {
		if c == '"' {
			quoted = !quoted
		}
		if !quoted {
			counts[c]++
		}
	}
	best := ','
	for _, c := range ";\t" {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

// next is the next person; io.EOF at the end, a *RowError for a row that cannot
// be read, another error when the file itself fails.
func (r *peopleReader) next() (personRow, error) {
	if r.first != nil {
		row := *r.first
		r.first = nil
		return row, nil
	}
	for {
		record, line, err := r.nextRecord()
		if err != nil {
			return personRow{}, rowError(line, err)
		}
		fields, err := r.split(record)
		if err != nil {
			return personRow{}, rowError(line, err)
		}
		if slices.ContainsFunc(fields, says) {
			return r.columns.row(fields, line), nil
		}
	}
}

// rowError makes a row's own error of what is told to people; a failing file
// stays what it is.
func rowError(line int, err error) error {
	if epistle.KindOf(err) == epistle.Invalid {
		return &RowError{Line: line, Err: err}
	}
	return err
}

// split parses one record by the rules of CSV (RFC 4180). The slice is good
// until the next call.
func (r *peopleReader) split(record string) ([]string, error) {
	if record == "" {
		return nil, nil
	}
	r.record.Reset(record)
	r.buffer.Reset(r.record)
	r.parser.Comma = r.comma
	fields, err := r.parser.Read()
	if err != nil {
		return nil, epistle.Errorf(epistle.Invalid, "signup.row", err)
	}
	for i := range fields {
		fields[i] = unharmed(strings.TrimSpace(fields[i]))
	}
	return fields, nil
}

// linesPerRecord bounds a record whose quotes hold line ends.
const linesPerRecord = 20

// nextRecord is the next logical line: as many lines of the file as it takes for
// its quotes to close. If they never do, the first line alone is at fault and
// the next ones are read again.
func (r *peopleReader) nextRecord() (string, int, error) {
	text, line, err := r.lines.next()
	if err != nil {
		return "", line, err
	}
	if strings.Count(text, `"`)%2 == 0 {
		return text, line, nil
	}
	whole, taken := text, []fileLine{}
	for range linesPerRecord {
		more, at, err := r.lines.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				taken = append(taken, fileLine{number: at, err: err})
			}
			break
		}
		taken = append(taken, fileLine{text: more, number: at})
		whole += "\n" + more
		if strings.Count(whole, `"`)%2 == 0 {
			return whole, line, nil
		}
	}
	r.lines.again = append(taken, r.lines.again...)
	return "", line, epistle.Errorf(epistle.Invalid, "signup.row-quotes", nil)
}

var headingNames = map[string][]string{
	"address": {"email", "emailaddress", "mail", "address", "mailaddress", "emailid", "이메일", "이메일주소", "메일", "메일주소", "전자우편", "전자메일", "전자우편주소"},
	"name":    {"name", "fullname", "displayname", "이름", "성명", "성함", "회원명", "받는사람"},
	"given":   {"firstname", "givenname", "first"},
	"family":  {"lastname", "familyname", "surname", "last", "성"},
	"status":  {"status", "subscriptionstatus", "상태", "구독상태"},
	"asked":   {"confirmtime", "optintime", "subscribedat", "confirmedat", "createdat", "insertedat", "createdon", "신청일", "가입일"},
	"goneAt": {"unsubtime", "unsubscribedat", "unsubscribedon", "optouttime", "optoutdate", "cleantime", "bouncedat", "blocklistedat", "deletedat", "leftat",
		"수신거부일", "해지일", "탈퇴일"},
	"language": {"language", "lang", "locale", "preferredlanguage", "언어", "사용언어", "선호언어"},
}

func findColumns(head []string) columns {
	find := func(what string) int {
		for _, name := range headingNames[what] {
			for i, field := range head {
				if heading(field) == name {
					return i
				}
			}
		}
		return -1
	}
	return columns{address: find("address"), name: find("name"), given: find("given"), family: find("family"),
		language: find("language"), status: find("status"), asked: find("asked"), goneAt: find("goneAt")}
}

// heading is a column's title without what makes no difference.
func heading(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(s))
}

func (c columns) row(fields []string, line int) personRow {
	at := func(i int) string {
		if i < 0 || i >= len(fields) {
			return ""
		}
		return fields[i]
	}
	row := personRow{line: line, address: at(c.address), name: at(c.name), language: at(c.language), status: at(c.status), asked: momentOf(at(c.asked))}
	if at(c.goneAt) != "" { // Mailchimp keeps who left in a file of their own, without a status
		row.status = "unsubscribed"
	}
	switch family := at(c.family); {
	case c.name >= 0 && c.given < 0 && family != "" && hasHangul(row.name):
		row.name = family + row.name // the columns 성 and 이름
	case row.name == "":
		row.name = strings.TrimSpace(at(c.given) + " " + family)
		if hasHangul(row.name) {
			row.name = family + at(c.given)
		}
	}
	return row
}

// momentOf reads when somebody asked, as other programs write it; zero for what
// cannot be read. Without a zone it is UTC.
func momentOf(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999 -0700 MST", time.DateTime, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); s != "" && err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// gone are the states in which other programs keep people who are not to be
// mailed: they left, never confirmed, or cannot be reached.
var gone = map[string]bool{"unsubscribed": true, "left": true, "disabled": true, "blocklisted": true, "blacklisted": true, "unconfirmed": true,
	"bounced": true, "cleaned": true, "unreachable": true, "archived": true, "pending": true, "nonsubscribed": true, "complained": true,
	"trash": true, "수신거부": true, "탈퇴": true, "해지": true}

func hasHangul(s string) bool {
	return strings.IndexFunc(norm.NFC.String(s), func(r rune) bool { return unicode.Is(unicode.Hangul, r) }) >= 0
}

var languageNames = map[string]epistle.Language{
	"en": epistle.English, "eng": epistle.English, "english": epistle.English, "영어": epistle.English, "영문": epistle.English,
	"ko": epistle.Korean, "kor": epistle.Korean, "kr": epistle.Korean, "korean": epistle.Korean,
	"한국어": epistle.Korean, "한글": epistle.Korean, "국문": epistle.Korean, "한국말": epistle.Korean,
}

// languageNamed reads a row's language: "en-US", "Korean", "한국어". A row that
// names none gets the given one, or that of its name's letters.
func languageNamed(s string, otherwise epistle.Language, name string) (epistle.Language, error) {
	if strings.TrimSpace(s) == "" {
		switch {
		case otherwise != "":
			return otherwise, nil
		case hasHangul(name):
			return epistle.Korean, nil
		}
		return epistle.English, nil
	}
	base, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(norm.NFC.String(s))), "_", "-"), "-")
	if l, known := languageNames[base]; known {
		return l, nil
	}
	return "", epistle.InvalidField("language", "language.unknown")
}
