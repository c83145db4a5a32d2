package wordpress_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"epistle/internal/epistle"
	"epistle/internal/wordpress"
	"epistle/internal/wordpress/wxrtest"
)

// readExport reads a whole file and counts what is in it.
func readExport(t testing.TB, file io.Reader) (got wxrtest.Counts, comments []wordpress.Exported, bad []*wordpress.BadComment) {
	t.Helper()
	export, err := wordpress.OpenExport(file)
	if err != nil {
		t.Fatal(err)
	}
	for {
		c, err := export.Next()
		var b *wordpress.BadComment
		switch {
		case errors.As(err, &b):
			bad = append(bad, b)
			got.Bad++
			continue
		case errors.Is(err, io.EOF):
			got.Items, got.Dropped = export.Items(), export.Dropped()
			return got, comments, bad
		case err != nil:
			t.Fatal(err)
		case !c.IsComment():
			got.Pings++
			continue
		}
		got.Comments++
		comments = append(comments, c)
		switch state, _ := c.State(); state {
		case epistle.CommentApproved:
			got.Approved++
		case epistle.CommentPending:
			got.Pending++
		case epistle.CommentSpam:
			got.Spam++
		case epistle.CommentTrash:
			got.Trash++
		}
	}
}

func TestAnExportIsReadInSpiteOfEverything(t *testing.T) {
	var file bytes.Buffer
	want, err := wxrtest.Write(&file, wxrtest.Options{Comments: 500, PerItem: 20, Filler: 3000})
	if err != nil {
		t.Fatal(err)
	}
	want.Replies = 0        // that is for who builds the threads
	escaped := want.Items   // &#x8; is a control character of the words, not of the file
	want.Dropped -= escaped //
	for name, from := range map[string]io.Reader{"at once": bytes.NewReader(file.Bytes()), "byte by byte": iotest.OneByteReader(bytes.NewReader(file.Bytes()))} {
		t.Run(name, func(t *testing.T) {
			got, comments, bad := readExport(t, from)
			if got != want {
				t.Errorf("read  %+v\nwrote %+v", got, want)
			}
			lines := strings.Split(file.String(), "\n")
			for _, c := range comments {
				if !strings.Contains(lines[c.Line-1], ":comment>") {
					t.Fatalf("comment %d is said to begin on line %d: %q", c.ID, c.Line, lines[c.Line-1])
				}
			}
			for _, b := range bad {
				if !strings.Contains(lines[b.Line-1], ":comment>") {
					t.Errorf("a bad comment is said to begin on line %d: %q", b.Line, lines[b.Line-1])
				}
			}
			first := map[string]string{}
			for _, c := range comments[:12] {
				first[c.Name] = c.Content
			}
			for name, want := range map[string]string{
				"Reader 2": "A bell, a null and &#x8; escaped (2)",
				"Reader 4": "Code: if (a[b[0]]>0) and more (4)",
				"Reader 5": "Code: a[b[0]]>0 &amp; <b>so on (5)",
				"Reader 6": "I typed </wp:comment> and </item> and <wp:comment_id>9</wp:comment_id> (6)",
			} {
				if first[name] != want {
					t.Errorf("%s wrote %q, read as %q", name, want, first[name])
				}
			}
		})
	}
}

func TestWhatIsNoExport(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":     "",
		"a list":      "email,name\na@b.example,A\n",
		"a page":      "<!DOCTYPE html><html><body>rss</body></html>",
		"other feeds": `<?xml version="1.0"?><rss version="2.0"><channel><title>x</title><link>https://x.example</link><item><title>y</title></item></channel></rss>`,
	} {
		if _, err := wordpress.OpenExport(strings.NewReader(text)); !errors.Is(err, wordpress.ErrNoExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnExportThatIsCutOff(t *testing.T) {
	var file bytes.Buffer
	if _, err := wxrtest.Write(&file, wxrtest.Options{Comments: 30, PerItem: 20}); err != nil {
		t.Fatal(err)
	}
	for _, keep := range []int{file.Len() - 30, file.Len() / 2, file.Len() * 3 / 4} {
		export, err := wordpress.OpenExport(bytes.NewReader(file.Bytes()[:keep]))
		if err != nil {
			t.Fatal(err)
		}
		comments := 0
		for {
			_, err = export.Next()
			var bad *wordpress.BadComment
			if err != nil && !errors.As(err, &bad) {
				break
			}
			comments++
		}
		if !errors.Is(err, wordpress.ErrCutOff) || comments < 5 {
			t.Errorf("after %d bytes and %d comments: %v", keep, comments, err)
		}
	}
}

func FuzzExport(f *testing.F) {
	var file bytes.Buffer
	if _, err := wxrtest.Write(&file, wxrtest.Options{Comments: 15, PerItem: 5}); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`<rss><channel><wp:wxr_version>1.2</wp:wxr_version><item><wp:comment><wp:comment_id>1</wp:comment_id></wp:comment></item></channel></rss>`))
	f.Fuzz(func(t *testing.T, text []byte) {
		export, err := wordpress.OpenExport(bytes.NewReader(text))
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			if n > len(text) {
				t.Fatal("there is no end")
			}
			c, err := export.Next()
			var bad *wordpress.BadComment
			switch {
			case errors.As(err, &bad):
				if bad.Line < 1 {
					t.Fatal("a bad comment on no line")
				}
			case err != nil:
				return
			case c.ID <= 0:
				t.Fatalf("a comment without a number: %+v", c)
			}
			wordpress.PlainText(c.Content)
		}
	})
}
