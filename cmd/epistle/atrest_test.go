package main

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"epistle/internal/storetest"
)

// disguises are the forms in which a text could lie in a file without being
// seen at a glance.
func disguises(s string) map[string][]byte {
	forms := map[string][]byte{
		"UTF-8":     []byte(s),
		"UTF-16 LE": utf16Bytes(s, binary.LittleEndian),
		"UTF-16 BE": utf16Bytes(s, binary.BigEndian),
		"hex":       []byte(hex.EncodeToString([]byte(s))),
		"HEX":       []byte(strings.ToUpper(hex.EncodeToString([]byte(s)))),
	}
	// Base64 of a longer text holds s in one of three alignments; the letters at
	// either end depend on the neighbours and are cut off.
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
		from := (shift*8 + 5) / 6
		to := (shift + len(s)) * 8 / 6
		forms["base64+"+string(rune('0'+shift))] = []byte(text[from:to])
	}
	return forms
}

func utf16Bytes(s string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

// found names the disguise in which data shows s, or "".
func found(data []byte, s string) string {
	for name, form := range disguises(s) {
		if bytes.Contains(data, form) {
			return name
		}
	}
	return ""
}

func TestTheSearchFindsWhatIsPlanted(t *testing.T) {
	for _, s := range []string{"adaeze@riverlight.example", "강누리", "Björn Hallqvist"} {
		if found([]byte("nothing of it here, only letters"), s) != "" {
			t.Errorf("%s is found where it is not", s)
		}
		wrapped := "some text before " + s + " and after"
		for name, planted := range map[string][]byte{
			"UTF-8":     []byte(wrapped),
			"UTF-16 LE": utf16Bytes(wrapped, binary.LittleEndian),
			"UTF-16 BE": utf16Bytes(wrapped, binary.BigEndian),
			"hex":       []byte(hex.EncodeToString([]byte(wrapped))),
			"base64":    []byte(base64.StdEncoding.EncodeToString([]byte(wrapped))),
			"base64 +1": []byte(base64.StdEncoding.EncodeToString([]byte("." + wrapped))),
			"base64 +2": []byte(base64.StdEncoding.EncodeToString([]byte(".." + wrapped))),
		} {
			if found(planted, s) == "" {
				t.Errorf("%s planted as %s is not found", s, name)
			}
		}
	}
}

// Promise: a stolen database file, dump or log shows no subscriber's address or
// name. Comments that were approved are published, so their names are exempt.
func TestNothingPersonalLiesAtRest(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "demo.db")
		log := sendDemo(t, "sqlite:"+path)
		searchFor(t, map[string][]byte{"the database": readFile(t, path), "the log": log})
	})
	t.Run("sqlite, while its write-ahead log is there", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "demo.db")
		// Another connection keeps SQLite from folding the log into the database.
		keep := holdOpen(t, path)
		log := sendDemo(t, "sqlite:"+path)
		wal := readFile(t, path+"-wal")
		if len(wal) == 0 {
			t.Fatal("there is no write-ahead log to search")
		}
		searchFor(t, map[string][]byte{"the database": readFile(t, path), "the -wal": wal, "the log": log})
		keep()
	})
	t.Run("postgres", func(t *testing.T) {
		url := storetest.PostgresURL(t)
		log := sendDemo(t, url)
		dump, err := exec.Command("pg_dump", "--dbname", url).Output()
		if err != nil {
			t.Fatalf("pg_dump: %v", err)
		}
		if !bytes.Contains(dump, []byte("COPY public.subscriber")) {
			t.Fatal("the dump holds no subscribers")
		}
		searchFor(t, map[string][]byte{"the dump": dump, "the log": log})
	})
}

// sendDemo runs "demo --exit" on a database and returns all that it printed.
func sendDemo(t *testing.T, url string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"demo", "--exit", "--database", url}, nil, &stdout, &stderr); err != nil {
		t.Fatalf("demo --exit: %v\n%s", err, stderr.Bytes())
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	var delivered, eligible int
	if _, err := fmt.Sscanf(lines[len(lines)-1], "delivered %d of %d", &delivered, &eligible); err != nil || delivered != eligible || eligible < 40 {
		t.Errorf("the demo ended with %q", lines[len(lines)-1])
	}
	return append(stdout.Bytes(), stderr.Bytes()...)
}

func searchFor(t *testing.T, places map[string][]byte) {
	t.Helper()
	var secrets []string
	for _, s := range sampleSubscribers {
		secrets = append(secrets, s.address, s.name)
	}
	for _, s := range samplePending {
		secrets = append(secrets, s.address, s.name)
	}
	for _, c := range sampleComments {
		secrets = append(secrets, c.address, c.name)
	}
	for where, data := range places {
		planted := append(slices.Clone(data), "Adaeze Okonkwo"...)
		if found(planted, "Adaeze Okonkwo") == "" {
			t.Fatalf("the search does not find a name that was planted in %s", where)
		}
		for _, secret := range secrets {
			if secret == "" {
				continue
			}
			if form := found(data, secret); form != "" {
				t.Errorf("%s holds %q as %s", where, secret, form)
			}
		}
	}
}

// holdOpen reads from a database from before the program opens it; the returned
// function lets go.
func holdOpen(t *testing.T, path string) func() {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 0"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
