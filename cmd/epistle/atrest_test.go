package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode/utf16"
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
