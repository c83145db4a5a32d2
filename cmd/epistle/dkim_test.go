package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"epistle/internal/smtptest"
)

// What keygen prints is enough: with its lines in the settings the daemon's
// mails have signatures that its DNS records confirm.
func TestKeygenPrintsAllThatSigningNeeds(t *testing.T) {
	t.Chdir(t.TempDir())
	relay := smtptest.Start(t, smtptest.Options{})
	if r := runHere(t, "", nil, initArgs(t, "--relay", relay.URL())...); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	settings, records := string(read(t, "epistle.toml")), map[string]string{}
	for _, algorithm := range []string{"rsa", "ed25519"} {
		r := runHere(t, "", nil, "dkim", "keygen", "--algorithm", algorithm)
		if r.code != 0 {
			t.Fatalf("keygen: %+v", r)
		}
		name, record := published(t, r.stdout)
		records[name] = record
		for _, line := range regexp.MustCompile(`(?m)^((?:domain|selector|key)\S*) = (".*")$`).FindAllStringSubmatch(r.stdout, -1) {
			settings = regexp.MustCompile(`(?m)(\[dkim\][^[]*^`+line[1]+`) = .*$`).ReplaceAllString(settings, "${1} = "+line[2])
		}
	}
	if err := os.WriteFile("epistle.toml", []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := runHere(t, "", nil, "staff", "add", "ben@example.org", "--name", "Ben", "--role", "author"); r.code != 0 {
		t.Fatalf("staff add: %+v", r)
	}
	serve(t, []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:0"})
	waitFor(t, "the invitation", func() bool { return len(relay.To("ben@example.org")) == 1 })
	mail := relay.To("ben@example.org")[0].Data
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(mail), &msgauth.VerifyOptions{
		LookupTXT: func(name string) ([]string, error) { return []string{records[name]}, nil }})
	if err != nil || len(found) != 2 {
		t.Fatalf("%d signatures, %v:\n%s", len(found), err, mail)
	}
	for _, v := range found {
		if v.Err != nil || v.Domain != "example.org" {
			t.Errorf("a signature of %s: %v", v.Domain, v.Err)
		}
	}
}

// published is the record that keygen prints, which must say the same twice.
func published(t *testing.T, printed string) (name, record string) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^(v=DKIM1; .*)$`).FindStringSubmatch(printed)
	zone := regexp.MustCompile(`(?m)^(\S+)\. IN TXT \(\n((?:  ".*"\n)+)\)$`).FindStringSubmatch(printed)
	if found == nil || zone == nil {
		t.Fatalf("no record is printed:\n%s", printed)
	}
	for _, s := range strings.Split(strings.TrimSpace(zone[2]), "\n") {
		s = strings.Trim(s, ` "`)
		if len(s) > 255 {
			t.Errorf("a string of %d octets", len(s))
		}
		record += s
	}
	if record != found[1] || !strings.Contains(printed, "\n"+zone[1]+"\n") {
		t.Errorf("the two forms of the record differ:\n%s", printed)
	}
	return zone[1], record
}

func TestKeygenKeepsWhatIsThere(t *testing.T) {
	t.Chdir(t.TempDir())
	args := []string{"dkim", "keygen", "--algorithm", "ed25519", "--domain", "한마을.example", "--selector", "weekly", "--out", "keys/our.pem"}
	r := runHere(t, "", nil, args...)
	if name, _ := published(t, r.stdout); r.code != 0 || !strings.HasPrefix(name, "weekly._domainkey.xn--") {
		t.Fatalf("keygen: %+v", r)
	}
	if info, err := os.Stat("keys/our.pem"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	key := read(t, "keys/our.pem")
	if strings.Contains(r.stdout+r.stderr, strings.Split(string(key), "\n")[1]) {
		t.Error("the private key was printed")
	}
	if again := runHere(t, "", nil, args...); again.code != 1 || !strings.Contains(again.stderr, filepath.Join("keys", "our.pem")) || !bytes.Equal(key, read(t, "keys/our.pem")) {
		t.Errorf("a second keygen: %+v", again)
	}
	if r := runHere(t, "", nil, "dkim", "keygen"); r.code != 2 || !strings.Contains(r.stderr, "--domain") {
		t.Errorf("without a domain: %+v", r)
	}
}
