package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
)

func TestAnExportIsSealedForItsRecipients(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != exitDone {
		t.Fatalf("init: %+v", r)
	}
	if err := os.WriteFile("list.csv", []byte("email,name\ngrace@example.net,Grace Kim\neun@example.net,김은혜\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runHere(t, "", nil, "import", "subscribers", "list.csv", "--confirmed", "--source", "cards"); r.code != exitDone {
		t.Fatalf("import: %+v", r)
	}
	plain := runHere(t, "", nil, "export", "subscribers", "--newsletter", firstSlug)
	if plain.code != exitDone || strings.Count(plain.stdout, "\n") != 3 || !strings.Contains(plain.stdout, "grace@example.net,Grace Kim") {
		t.Fatalf("in the clear: %+v", plain)
	}
	var keys []*age.X25519Identity
	for range 3 {
		key, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	sealed := runHere(t, "", nil, "export", "subscribers", "--recipient", keys[0].Recipient().String(), "--recipient", keys[1].Recipient().String())
	if sealed.code != exitDone || strings.Contains(sealed.stdout, "example.net") {
		t.Fatalf("sealed: %+v", sealed)
	}
	for n, key := range keys {
		opened, err := openWith(sealed.stdout, key)
		if mine := n < 2; mine != (err == nil) || mine && opened != plain.stdout {
			t.Errorf("key %d opens %q, error %v", n, opened, err)
		}
	}
	if _, err := openWith(sealed.stdout[:len(sealed.stdout)-5], keys[0]); err == nil {
		t.Error("a file that was cut off is taken for whole")
	}
	if r := runHere(t, "", nil, "export", "subscribers", "--recipient", "age1mistyped"); r.code != exitUsage || r.stdout != "" {
		t.Errorf("a recipient that is none: %+v", r)
	}
}

func openWith(sealed string, key age.Identity) (string, error) {
	r, err := age.Decrypt(strings.NewReader(sealed), key)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}
