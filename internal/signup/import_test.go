package signup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// importing runs an import and gathers the lines of the rows left out.
func (h *house) importing(file string, how signup.Import) (signup.Imported, []int) {
	h.t.Helper()
	var lines []int
	how.NewsletterID = h.update.ID
	how.RowError = func(e signup.RowError) {
		lines = append(lines, e.Line)
		if strings.Contains(e.Error(), "example") {
			h.t.Errorf("the error repeats the row: %v", e)
		}
	}
	done, err := h.service.Import(h.t.Context(), admin(), strings.NewReader(file), how)
	h.must(err)
	return done, lines
}

func TestImportVouched(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		file := "Email Address,Full Name,Language\n" +
			"grace@example.org,Grace Kim,en\n" +
			"not an address,Somebody,en\n" +
			"eun@example.org,김은혜,\n" +
			"GRACE@example.org,Grace again,en\n" +
			"ruth@example.org,\"Moab, Ruth\",Korean\n" +
			"naomi@example.org,Naomi,Klingon\n"
		vouched := signup.Import{Mode: signup.Vouched, Source: "the card box of 2024"}
		dry := vouched
		dry.DryRun = true
		want := signup.Imported{Rows: 6, Added: 3, Already: 1, Errors: 2}
		done, lines := h.importing(file, dry)
		if done != want || fmt.Sprint(lines) != "[3 7]" || h.audience() != 0 {
			t.Errorf("dry run: %+v, lines %v, audience %d; want %+v, lines 3 and 7, nobody", done, lines, h.audience(), want)
		}
		if done, _ := h.importing(file, vouched); done != want {
			t.Errorf("got %+v, want %+v", done, want)
		}
		if done, _ := h.importing(file, vouched); done != (signup.Imported{Rows: 6, Already: 4, Errors: 2}) {
			t.Errorf("again: %+v", done)
		}
		if len(h.mails()) != 0 || h.audience() != 3 {
			t.Errorf("%d would be mailed, want 3; and nobody gets a mail for it", h.audience())
		}
		eun, err := h.store.SubscriberByAddress(t.Context(), "eun@example.org")
		if err != nil || eun.Name != "김은혜" || eun.Language != epistle.Korean {
			t.Errorf("the Korean name without a language is %q, %s, error %v", eun.Name, eun.Language, err)
		}
		ruth, err := h.store.SubscriberByAddress(t.Context(), "ruth@example.org")
		h.must(err)
		consents, err := h.store.Consents(t.Context(), ruth.ID)
		if err != nil || len(consents) != 1 || consents[0].Source != epistle.FromImport || consents[0].Evidence != "the card box of 2024" ||
			consents[0].Wording != "" || consents[0].WordingVersion != 0 { // they never saw it
			t.Errorf("the consent is %+v, error %v", consents, err)
		}
		if ruth.Name != "Moab, Ruth" {
			t.Errorf("the quoted name is %q", ruth.Name)
		}
		if got := h.events(ruth.ID); fmt.Sprint(got) != "[confirmed by import]" {
			t.Errorf("the events are %v", got)
		}
	})
}

func TestImportAskingEach(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.subscribe("grace@example.org")
		file := "email\ngrace@example.org\nruth@example.org\nnaomi@example.org\n"
		done, _ := h.importing(file, signup.Import{Mode: signup.AskEach})
		if done != (signup.Imported{Rows: 3, Added: 2, Already: 1}) || h.audience() != 1 {
			t.Errorf("got %+v, audience %d", done, h.audience())
		}
		if done, _ := h.importing(file, signup.Import{Mode: signup.AskEach}); done.Added != 0 || done.Already != 3 {
			t.Errorf("again: %+v", done)
		}
		mails := h.mails()
		if len(mails) != 2 {
			t.Fatalf("%d mails, want 2", len(mails))
		}
		for _, m := range mails {
			if _, err := h.service.Confirm(t.Context(), strings.TrimPrefix(m.Data["link"], "/confirm/"), ""); err != nil {
				t.Errorf("confirm: %v", err)
			}
		}
		if h.audience() != 3 {
			t.Errorf("%d are subscribed, want 3", h.audience())
		}
	})
}

func TestImportOfManyReportsProgress(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		var file strings.Builder
		file.WriteString("email;name;lang\n")
		const people = 2*store.ImportBatch + 50
		for i := range people {
			fmt.Fprintf(&file, "p%d@example.org;P %d;ko\n", i, i)
		}
		var seen []int64
		done, _ := h.importing(file.String(), signup.Import{Mode: signup.Vouched, Source: "test", Progress: func(p signup.Imported) { seen = append(seen, p.Rows) }})
		if done.Added != people || h.audience() != people || len(seen) != 3 || !slices.IsSorted(seen) || seen[2] != people {
			t.Errorf("got %+v, audience %d, progress %v", done, h.audience(), seen)
		}
	})
}

// manyPeople is a list of n people with headings.
func manyPeople(n int) string {
	var file strings.Builder
	file.WriteString("email,name,lang\n")
	for i := range n {
		fmt.Fprintf(&file, "p%d@example.org,Person %d,en\n", i, i)
	}
	return file.String()
}

// The rows are kept in another order than that of the file, and of rows with one
// address the first counts all the same, however far the next one is from it.
func TestOfRowsWithOneAddressTheFirstCounts(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const people = 3*store.ImportBatch + 100
		file := "email,name,lang\np0@example.org,First,en\nP0@example.org,Second,en\n" + strings.TrimPrefix(manyPeople(people), "email,name,lang\n") +
			"p0@EXAMPLE.org,Last,en\np2000@example.org,Last,en\n"
		want := signup.Imported{Rows: people + 4, Added: people, Already: 4}
		for _, how := range []signup.Import{{Mode: signup.Vouched, Source: "test", DryRun: true}, {Mode: signup.Vouched, Source: "test"}} {
			if done, _ := h.importing(file, how); done != want {
				t.Errorf("dry run %v: %+v, want %+v", how.DryRun, done, want)
			}
		}
		for address, name := range map[epistle.Address]string{"p0@example.org": "First", "p2000@example.org": "Person 2000"} {
			if p, err := h.store.SubscriberByAddress(t.Context(), address); err != nil || p.Name != name {
				t.Errorf("the name is %q, error %v; want %q", p.Name, err, name)
			}
		}
	})
}

func TestAnImportThatIsBrokenOffKeepsWhatItDidAndGoesOn(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		const people = 8 * store.ImportBatch
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		how := signup.Import{NewsletterID: h.update.ID, Mode: signup.Vouched, Source: "test", Progress: func(signup.Imported) { stop() }}
		kept, err := h.service.Import(ctx, admin(), strings.NewReader(manyPeople(people)), how)
		if !errors.Is(err, context.Canceled) || kept.Added == 0 || kept.Added == people || h.audience() != kept.Added {
			t.Fatalf("kept %+v, audience %d, error %v", kept, h.audience(), err)
		}
		done, _ := h.importing(manyPeople(people), signup.Import{Mode: signup.Vouched, Source: "test"})
		if done.Already != kept.Added || done.Added != people-kept.Added || h.audience() != people {
			t.Errorf("then %+v, audience %d", done, h.audience())
		}
	})
}

// Names stand on several shelves of their index.
func TestEveryoneOfANameIsFoundAfterImports(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		alone := h.subscribe("alone@example.org").Subscriber
		head, rest, _ := strings.Cut(manyPeople(12*store.ImportBatch), "\n")
		h.importing(head+"\nfirst@example.org,"+alone.Name+",en\n"+rest+"last@example.org,"+alone.Name+",en\n", signup.Import{Mode: signup.Vouched, Source: "test"})
		found, err := h.store.FindPeople(t.Context(), alone.Name, 10)
		if err != nil || len(found) != 3 {
			t.Errorf("%d people of one name are found, error %v; want 3", len(found), err)
		}
		if found, err := h.store.FindPeople(t.Context(), "Nobody", 10); err != nil || len(found) != 0 {
			t.Errorf("%d people have a name that nobody has, error %v", len(found), err)
		}
	})
}

func TestImportNeedsASourceAndANewsletterAndHeadings(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		for what, c := range map[string]struct {
			file string
			how  signup.Import
		}{
			"no source":     {"email\na@example.org\n", signup.Import{NewsletterID: h.update.ID, Mode: signup.Vouched}},
			"no newsletter": {"email\na@example.org\n", signup.Import{Mode: signup.AskEach}},
			"no headings":   {"one,two\nthree,four\n", signup.Import{NewsletterID: h.update.ID}},
			"empty":         {"\n\n", signup.Import{NewsletterID: h.update.ID}},
			"a picture":     {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", signup.Import{NewsletterID: h.update.ID}},
		} {
			_, err := h.service.Import(t.Context(), admin(), strings.NewReader(c.file), c.how)
			wantKind(t, err, epistle.Invalid, what)
		}
	})
}

func TestFilesAsOfficesWriteThem(t *testing.T) {
	korean949, err := korean.EUCKR.NewEncoder().String("이름,이메일,언어\n똠방각하,dom@example.org,한국어\n")
	if err != nil {
		t.Fatal(err)
	}
	wide := func(e unicode.Endianness, bom unicode.BOMPolicy) string {
		s, err := unicode.UTF16(e, bom).NewEncoder().String("email\tname\ndom@example.org\t똠방각하\n")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	files := map[string]string{
		"plain":                  "email,name\ndom@example.org,똠방각하\n",
		"no line end":            "email,name\ndom@example.org,똠방각하",
		"Windows line ends":      "email,name\r\ndom@example.org,똠방각하\r\n",
		"BOM and semicolons":     "\ufeffE-Mail;Name\ndom@example.org;똠방각하\n",
		"Excel's hint":           "sep=;\nemail;name\ndom@example.org;똠방각하\n",
		"tabs":                   "name\temail\n똠방각하\tdom@example.org\n",
		"quotes":                 "\"email\",\"name\"\n\"dom@example.org\",\"똠방각하\"\n",
		"a note with line ends":  "email,note,name\ndom@example.org,\"one\ntwo, \"\"three\"\"\",똠방각하\n",
		"Korean headings":        "성함,이메일 주소\n똠방각하,dom@example.org\n",
		"family and given":       "성,이름,이메일\n똠,방각하,dom@example.org\n",
		"first and last":         "First Name,Last Name,Email Address\n방각하,똠,dom@example.org\n",
		"no headings":            "dom@example.org,똠방각하\n",
		"no headings, turned":    "똠방각하,dom@example.org\n",
		"decomposed letters":     "email,name\ndom@example.org,\u1104\u1169\u11b7방각하\n",
		"empty lines":            "\n\nemail,name\n\n,\ndom@example.org,똠방각하\n\n",
		"CP949":                  korean949,
		"UTF-16, little, marked": wide(unicode.LittleEndian, unicode.UseBOM),
		"UTF-16, big, marked":    wide(unicode.BigEndian, unicode.UseBOM),
		"UTF-16, little":         wide(unicode.LittleEndian, unicode.IgnoreBOM),
		"UTF-16, big":            wide(unicode.BigEndian, unicode.IgnoreBOM),
	}
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			rows, errs := signup.ReadPeople(file)
			if len(rows) != 1 || len(errs) != 0 || rows[0] != "dom@example.org 똠방각하" {
				t.Errorf("read %q, errors %v", rows, errs)
			}
		})
	}
}

func TestAQuoteThatNeverClosesCostsOneRow(t *testing.T) {
	var file strings.Builder
	file.WriteString("email,name\na@example.org,\"Ann\nb@example.org,Ben\n")
	for i := range 100 {
		fmt.Fprintf(&file, "c%d@example.org,C\n", i)
	}
	rows, errs := signup.ReadPeople(file.String())
	if len(rows) != 101 || len(errs) != 1 || errs[0].Line != 2 {
		t.Errorf("%d rows, errors %v; want 101 rows and line 2 left out", len(rows), errs)
	}
}

func TestLongAndDamagedLinesCostOneRowEach(t *testing.T) {
	file := "email,name\na@example.org,Ann\n" + strings.Repeat("x", 200<<10) + "\nb@example.org,\xff\xfe\xfd\nc@example.org,Cy\n"
	rows, errs := signup.ReadPeople(file)
	if len(rows) != 2 || len(errs) != 2 || errs[0].Line != 3 || errs[1].Line != 4 {
		t.Errorf("rows %q, errors %v", rows, errs)
	}
}

func FuzzImport(f *testing.F) {
	for _, seed := range []string{"email,name\na@example.org,Ann\n", "\ufeffemail;name\n\"a", "\xff\xfee\x00", "이메일\t이름\n", "a@example.org", "\"\"\"\n,", "sep=,\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		rows, errs := signup.ReadPeople(file)
		if len(rows)+len(errs) > strings.Count(file, "\n")+strings.Count(file, "\x0a")+2 {
			t.Errorf("%d rows of %d bytes", len(rows)+len(errs), len(file))
		}
		last := 0
		for _, e := range errs {
			if e.Line <= last {
				t.Errorf("line %d after line %d", e.Line, last)
			}
			last = e.Line
		}
	})
}
