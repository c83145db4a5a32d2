package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"epistle/internal/wordpress/wxrtest"
)

func TestImportingCommentsFromTheCommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	if done := runHere(t, "", nil, initArgs(t)...); done.code != exitDone {
		t.Fatalf("init: %+v", done)
	}
	var file bytes.Buffer
	want, err := wxrtest.Write(&file, wxrtest.Options{Comments: 60, PerItem: 20})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"blog.xml": file.Bytes(), "half.xml": file.Bytes()[:file.Len()/2], "list.csv": []byte("email,name\n")} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	added := fmt.Sprintf("%d comments under %d pages: %%d added, %%d known already, 0 changed. Left out: %d pings, %d that cannot be read, %d damaged characters.\n",
		want.Comments, want.Items, want.Pings, want.Bad, want.Dropped)
	for _, counts := range [][]any{{want.Comments, int64(0)}, {int64(0), want.Comments}} {
		done := runHere(t, "", nil, "import", "comments", "blog.xml")
		if done.code != exitDone || done.stdout != fmt.Sprintf(added, counts...) {
			t.Errorf("imported with %d: %s%s", done.code, done.stdout, done.stderr)
		}
		if lines := strings.Count(done.stderr, "was left out: "); int64(lines) != want.Bad || strings.Contains(done.stderr, "@") {
			t.Errorf("%d lines of %d bad comments:\n%s", lines, want.Bad, done.stderr)
		}
	}
	if done := runHere(t, "", nil, "import", "comments", "half.xml"); done.code != exitUsage || !strings.Contains(done.stderr, "ends in the middle") ||
		!strings.Contains(done.stdout, " 0 added, ") {
		t.Errorf("half a file: %+v", done)
	}
	if done := runHere(t, "", nil, "import", "comments", "list.csv"); done.code != exitUsage || !strings.Contains(done.stderr, "no export of WordPress") {
		t.Errorf("a list of people: %+v", done)
	}
	if done := runHere(t, "", nil, "import", "comments", "blog.xml", "--site", "nobody"); done.code != exitUsage || !strings.Contains(done.stderr, "no site nobody") {
		t.Errorf("a site that is not there: %+v", done)
	}
}
