package dkim_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"epistle/internal/dkim"
)

const domain = "lantern.example"

// RSA keys take a while to draw: the tests share one.
var rsaKey = sync.OnceValue(func() dkim.Key { return mustGenerate("weekly", dkim.RSA) })

func mustGenerate(selector, algorithm string) dkim.Key {
	k, err := dkim.Generate(selector, algorithm)
	if err != nil {
		panic(err)
	}
	return k
}

// keySets are one key of either algorithm, and both.
func keySets() map[string][]dkim.Key {
	ed := mustGenerate("weekly-ed", dkim.Ed25519)
	return map[string][]dkim.Key{"rsa": {rsaKey()}, "ed25519": {ed}, "both": {rsaKey(), ed}}
}

func newSigner(t testing.TB, keys ...dkim.Key) *dkim.Signer {
	t.Helper()
	s, err := dkim.New(domain, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// verify is go-msgauth's judgement with the DNS records of the keys: how many
// signatures hold, and what is wrong with the others.
func verify(t testing.TB, mail []byte, keys ...dkim.Key) (good int, failed error) {
	t.Helper()
	records := map[string]string{}
	for _, k := range keys {
		record, err := k.Record()
		if err != nil {
			t.Fatal(err)
		}
		records[k.RecordName(domain)] = strings.Join(dkim.RecordStrings(record), "")
	}
	found, err := msgauth.VerifyWithOptions(bytes.NewReader(mail), &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		return []string{records[name]}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		if v.Err != nil {
			failed = errors.Join(failed, v.Err)
		} else if v.Domain == domain {
			good++
		}
	}
	return good, failed
}

func sign(t testing.TB, s *dkim.Signer, mail string) []byte {
	t.Helper()
	signed, err := s.Sign([]byte(mail))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

const plainMail = "From: \"Lantern Road\" <letter@lantern.example>\r\nTo: <a@reader.example>\r\nSubject: Hello\r\n" +
	"Date: Thu, 26 Nov 2026 11:00:03 +0000\r\nMessage-ID: <x@lantern.example>\r\nList-Unsubscribe: <https://lantern.example/u/x>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nGood evening.\r\n"

func TestWhatIsSignedVerifies(t *testing.T) {
	head, _, _ := strings.Cut(plainMail, "\r\n\r\n")
	mails := map[string]string{
		"plain":                   plainMail,
		"no body":                 head + "\r\n\r\n",
		"an empty line for body":  head + "\r\n\r\n\r\n",
		"empty lines at the end":  plainMail + "\r\n\r\n\r\n",
		"empty lines, then text":  head + "\r\n\r\n\r\n\r\nText\r\n \r\n",
		"white space everywhere":  "From :\t a@lantern.example \r\nSUBJECT:   a\t b \r\n  c \t\r\n\td\r\nTo:\r\n b@reader.example\r\nX-Other: 1\r\n\r\nx \r\n\t\r\n",
		"only a From":             "From: a@lantern.example\r\n\r\nx\r\n",
		"an empty subject":        "Subject:\r\nFrom: a@lantern.example\r\n\r\nx\r\n",
		"a field like a signed":   "From: a@lantern.example\r\nTo-Do: x\r\nDate-Of: y\r\n\r\nx\r\n",
		"a header of many octets": "From: a@lantern.example\r\nSubject: " + strings.Repeat("word ", 1500) + "\r\n\r\nx\r\n",
	}
	for set, keys := range keySets() {
		s := newSigner(t, keys...)
		for name, mail := range mails {
			signed := sign(t, s, mail)
			if good, err := verify(t, signed, keys...); good != len(keys) || err != nil {
				t.Errorf("%s, %s: %d of %d hold: %v\n%s", set, name, good, len(keys), err, signed)
			}
			if !bytes.HasSuffix(signed, []byte(mail)) {
				t.Errorf("%s, %s: the message itself was changed", set, name)
			}
			if again := sign(t, s, mail); !bytes.Equal(again, signed) {
				t.Errorf("%s, %s: another attempt gave other bytes", set, name)
			}
			for row := range strings.Lines(string(signed[:len(signed)-len(mail)])) {
				if len(row) > 78+2 {
					t.Errorf("a row of %d octets: %s", len(row), row)
				}
			}
		}
	}
}

func TestWhatIsChangedDoesNotVerify(t *testing.T) {
	for set, keys := range keySets() {
		signed := string(sign(t, newSigner(t, keys...), plainMail))
		for change, mail := range map[string]string{
			"another body":            strings.Replace(signed, "evening", "morning", 1),
			"another subject":         strings.Replace(signed, "Subject: Hello", "Subject: Hallo", 1),
			"another From above":      "From: <evil@lantern.example>\r\n" + signed,
			"another From below":      strings.Replace(signed, "To: <a@", "From: <evil@lantern.example>\r\nTo: <a@", 1),
			"a Reply-To":              "Reply-To: <evil@evil.example>\r\n" + signed,
			"another link to leave":   strings.Replace(signed, "/u/x", "/u/y", 1),
			"no link to leave":        strings.Replace(signed, "List-Unsubscribe: <https://lantern.example/u/x>\r\n", "", 1),
			"no one-click":            strings.Replace(signed, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", "", 1),
			"another type of content": strings.Replace(signed, "text/plain", "text/html", 1),
		} {
			if good, err := verify(t, []byte(mail), keys...); good != 0 || err == nil {
				t.Errorf("%s, %s: %d signatures hold", set, change, good)
			}
		}
		for change, mail := range map[string]string{
			"folded":    strings.Replace(signed, "Subject: Hello", "subject:\r\n  Hello ", 1),
			"trace":     "Received: from x by y; Thu, 26 Nov 2026 11:00:04 +0000\r\n" + signed,
			"more ends": signed + "\r\n\r\n",
		} {
			if good, err := verify(t, []byte(mail), keys...); good != len(keys) || err != nil {
				t.Errorf("%s, %s: %d signatures hold: %v", set, change, good, err)
			}
		}
	}
}

func TestWhatCannotBeSigned(t *testing.T) {
	s := newSigner(t, mustGenerate("x", dkim.Ed25519))
	for name, mail := range map[string]string{
		"no end of the header": "From: a@lantern.example\r\n",
		"no From":              "To: a@lantern.example\r\n\r\nx\r\n",
		"two Froms":            "From: a@lantern.example\r\nfrom : b@lantern.example\r\n\r\nx\r\n",
		"two subjects":         "From: a@lantern.example\r\nSubject: a\r\nSUBJECT: b\r\n\r\nx\r\n",
	} {
		if _, err := s.Sign([]byte(mail)); err == nil {
			t.Errorf("%s was signed", name)
		}
	}
	for name, keys := range map[string][]dkim.Key{"no key": nil, "no selector": {mustGenerate("", dkim.Ed25519)}, "an empty key": {{Selector: "x"}}} {
		if _, err := dkim.New(domain, keys...); err == nil {
			t.Errorf("a signer with %s", name)
		}
	}
	var none *dkim.Signer
	if signed, err := none.Sign([]byte("x")); err != nil || string(signed) != "x" {
		t.Errorf("no signer made %q of a mail, %v", signed, err)
	}
}

func TestKeysComeBackFromTheirText(t *testing.T) {
	for _, k := range []dkim.Key{rsaKey(), mustGenerate("ed", dkim.Ed25519)} {
		text, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(text))
		forms := map[string]string{"PEM": text, "base64": base64.StdEncoding.EncodeToString(block.Bytes), "base64 in lines": " " + strings.Join(strings.Split(text, "\n")[1:3], "\n")}
		if k.Algorithm() == dkim.RSA {
			delete(forms, "base64 in lines")
			forms["PKCS #1"] = string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(k.Private.(*rsa.PrivateKey))}))
		} else {
			forms["base64 in lines"] = strings.Split(text, "\n")[1]
		}
		want, err := k.Record()
		if err != nil {
			t.Fatal(err)
		}
		for name, form := range forms {
			back, err := dkim.ParseKey(k.Selector, form)
			if err != nil {
				t.Errorf("%s, %s: %v", k.Algorithm(), name, err)
				continue
			}
			if record, err := back.Record(); err != nil || record != want || back.Algorithm() != k.Algorithm() {
				t.Errorf("%s, %s: another key came back", k.Algorithm(), name)
			}
		}
	}
}

func TestRecords(t *testing.T) {
	k := rsaKey()
	record, err := k.Record()
	if err != nil {
		t.Fatal(err)
	}
	rows := dkim.RecordStrings(record)
	if len(rows) != 2 || len(rows[0]) != 255 || strings.Join(rows, "") != record || !strings.HasPrefix(record, "v=DKIM1; k=rsa; p=MII") {
		t.Errorf("an RSA record in %d strings: %s", len(rows), record)
	}
	record, err = mustGenerate("x", dkim.Ed25519).Record()
	if err != nil || len(dkim.RecordStrings(record)) != 1 || len(record) != len("v=DKIM1; k=ed25519; p=")+44 {
		t.Errorf("an Ed25519 record: %s, %v", record, err)
	}
	if name := k.RecordName(domain); name != "weekly._domainkey.lantern.example" {
		t.Errorf("the record's name: %s", name)
	}
}

func TestBadKeys(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(short)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dkim.ParseKey("x", base64.StdEncoding.EncodeToString(der)); !errors.Is(err, dkim.ErrKeySize) {
		t.Errorf("1024 bits: %v", err)
	}
	public, err := x509.MarshalPKIXPublicKey(short.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing": "", "words": "my key", "a public key": base64.StdEncoding.EncodeToString(public),
		"an empty block": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
	} {
		if _, err := dkim.ParseKey("x", text); !errors.Is(err, dkim.ErrKeyText) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	text, err := mustGenerate("x", dkim.Ed25519).PEM()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nMAA=\n-----END RSA PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := dkim.ParseKey("x", text)
		if err == nil && k.Private == nil || err != nil && !errors.Is(err, dkim.ErrKeyText) && !errors.Is(err, dkim.ErrKeySize) {
			t.Errorf("%v, %v", k.Private, err)
		}
	})
}

// Whatever stands in a header, what is signed verifies.
func FuzzSign(f *testing.F) {
	ed := mustGenerate("x", dkim.Ed25519)
	s := newSigner(f, ed)
	f.Add("Hello", "a@reader.example", "Good evening.")
	f.Add(" \t ", "=?utf-8?b?6rmA?=\r\n <a@b.example>", "\r\n\r\n.\r\n")
	f.Fuzz(func(t *testing.T, subject, to, body string) {
		for _, c := range []byte(subject + to + body) {
			if c < ' ' && c != '\t' && c != '\r' && c != '\n' || c > '~' {
				return // only what a mail may hold
			}
		}
		crlf := strings.NewReplacer("\r\n", "\r\n", "\r", "\r\n", "\n", "\r\n")
		fold := strings.NewReplacer("\r\n", "\r\n ", "\r", "\r\n ", "\n", "\r\n ")
		mail := "From: a@lantern.example\r\nSubject: " + fold.Replace(subject) + "\r\nTo: x" + fold.Replace(to) + "\r\n\r\n" + crlf.Replace(body) + "\r\n"
		if good, err := verify(t, sign(t, s, mail), ed); good != 1 || err != nil {
			t.Errorf("%v\n%q", err, mail)
		}
	})
}

// BenchmarkSign has "alone" beside it: the bare signature, which nothing that
// signs can undercut.
func BenchmarkSign(b *testing.B) {
	b.Run("rsa alone", func(b *testing.B) {
		key, hash := rsaKey().Private.(*rsa.PrivateKey), sha256.Sum256(nil)
		for b.Loop() {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	mail := []byte(plainMail + strings.Repeat(strings.Repeat("x", 74)+"\r\n", 27<<10/76))
	for name, keys := range keySets() {
		b.Run(name, func(b *testing.B) {
			s := newSigner(b, keys...)
			data := append(s.Begin(nil), mail...)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Finish(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
