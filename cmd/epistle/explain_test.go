package main

import (
	"os"
	"testing"
)

func TestExplainCommentReadsFilesOrStdin(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"a.txt": "Amen.", "b.txt": "저도 소식지 신청합니다"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := runHere(t, "", nil, "explain", "comment", "a.txt", "b.txt")
	want := `{"file":"a.txt","asks":[],"score":0,"spans":[]}
{"file":"b.txt","asks":["updates"],"score":0.85,"spans":[{"ask":"updates","start":0,"end":32,"text":"저도 소식지 신청합니다"}]}
`
	if got.code != exitDone || got.stdout != want {
		t.Errorf("files: code %d, %s%s", got.code, got.stdout, got.stderr)
	}
	got = runHere(t, "Please sign me up!\nAnd is the <b>church</b> open?\n", nil, "explain", "comment")
	want = `{"asks":["updates","question"],"score":0.85,"spans":[{"ask":"updates","start":0,"end":17,"text":"Please sign me up"},{"ask":"question","start":19,"end":49,"text":"And is the <b>church</b> open?"}]}
`
	if got.code != exitDone || got.stdout != want {
		t.Errorf("stdin: code %d, %s%s", got.code, got.stdout, got.stderr)
	}
	if got := runHere(t, "", nil, "explain", "comment", "absent.txt"); got.code != exitFailed || got.stderr == "" {
		t.Errorf("a missing file: %+v", got)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) != 2 {
		t.Errorf("it left %v behind, %v", entries, err)
	}
}
