// Package dkim signs mails (RFC 6376) with RSA and Ed25519 (RFC 8463) keys.
// Headers are canonicalised relaxed and bodies simple, which is enough for
// bodies whose lines no server has a reason to change.
//
// A message that never changes gets signatures that never change: there is no
// time in them.
package dkim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// signed are the header fields that a signature covers, also where a message
// has none of a name: then none can be added on the way. RFC 8058 wants both
// List-Unsubscribe fields among them.
var signed = [...]string{
	"From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id",
	"List-Unsubscribe", "List-Unsubscribe-Post", "MIME-Version", "Content-Type",
}

// Signer signs for one domain, once with each of its keys. It never changes and
// may be used by many at once. A nil Signer signs nothing.
type Signer struct {
	signatures []signature
	blank      []byte // the fields of all signatures, with nothing in them yet
}

// signature is one DKIM-Signature field within Signer.blank. Its length is the
// same for every message: so are those of all its tags.
type signature struct {
	key        crypto.Signer
	start, end int
	bodyHash   int      // where the value of bh= begins
	value      int      // where the value of b= begins
	rows       [][2]int // where the lines of that value are
}

// New returns a signer for a domain in ASCII.
func New(domain string, keys ...Key) (*Signer, error) {
	if domain == "" || len(keys) == 0 {
		return nil, errors.New("dkim: a signer needs a domain and a key")
	}
	s := &Signer{}
	for _, k := range keys {
		if k.Selector == "" {
			return nil, errors.New("dkim: a key needs a selector")
		}
		if err := s.add(domain, k); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// rowLength is how many characters of a signature stand on a line.
const rowLength = 72

var bodyHashLength = base64.StdEncoding.EncodedLen(sha256.Size)

func (s *Signer) add(domain string, k Key) error {
	size, err := signatureSize(k.Private)
	if err != nil {
		return err
	}
	x := signature{key: k.Private, start: len(s.blank)}
	s.blank = fmt.Appendf(s.blank, "DKIM-Signature: v=1; a=%s-sha256; c=relaxed/simple;\r\n d=%s; s=%s;\r\n h=%s;\r\n bh=",
		k.Algorithm(), domain, k.Selector, coverage())
	x.bodyHash = len(s.blank)
	s.blank = append(s.blank, make([]byte, bodyHashLength)...)
	s.blank = append(s.blank, ";\r\n b="...)
	x.value = len(s.blank)
	for left := base64.StdEncoding.EncodedLen(size); left > 0; left -= rowLength {
		if len(x.rows) > 0 {
			s.blank = append(s.blank, "\r\n  "...)
		}
		row := [2]int{len(s.blank), len(s.blank) + min(left, rowLength)}
		s.blank = append(s.blank, make([]byte, row[1]-row[0])...)
		x.rows = append(x.rows, row)
	}
	s.blank = append(s.blank, "\r\n"...)
	x.end = len(s.blank)
	s.signatures = append(s.signatures, x)
	return nil
}

// coverage is the value of h=: every signed field, and From once more, so that
// no second one can be put above the first (RFC 6376, 8.15). It breaks between
// names only, where even a reader that unfolds badly finds the same names.
func coverage() string {
	names := strings.ToLower("From:" + strings.Join(signed[:], ":"))
	return strings.Replace(names, "list-unsubscribe:", "\r\n  list-unsubscribe:", 1)
}

// Begin appends the room of the signatures. The message goes right behind it;
// then Finish fills it.
func (s *Signer) Begin(dst []byte) []byte {
	if s == nil {
		return dst
	}
	return append(dst, s.blank...)
}

// Sign puts the signatures above a message, in new memory; for Finish's rules
// see there.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	if s == nil {
		return message, nil
	}
	data := append(s.Begin(make([]byte, 0, len(s.blank)+len(message))), message...)
	return data, s.Finish(data)
}

// Finish signs the message that stands in data behind the room that Begin
// made. The message has CRLF line ends, ends with one, is not dot-stuffed, and
// has each signed field once at most, From exactly once.
func (s *Signer) Finish(data []byte) error {
	if s == nil {
		return nil
	}
	head, body, found := bytes.Cut(data[len(s.blank):], []byte("\r\n\r\n"))
	if !found {
		return errors.New("dkim: the message has no body")
	}
	var room [4 << 10]byte
	fields, err := canonicalHeader(room[:0], head)
	if err != nil {
		return err
	}
	hash := bodyHash(body)
	for _, x := range s.signatures {
		base64.StdEncoding.Encode(data[x.bodyHash:], hash[:])
		whole := appendRelaxed(fields, data[x.start:x.value]) // b= is empty and has no line end (RFC 6376, 3.7)
		value, err := sign(x.key, sha256.Sum256(whole))
		if err != nil {
			return fmt.Errorf("dkim: %w", err)
		}
		x.fill(data, value)
	}
	return nil
}

// fill writes the value of b=, line by line.
func (x signature) fill(data, value []byte) {
	const octets = rowLength / 4 * 3
	for _, row := range x.rows {
		n := min(octets, len(value))
		base64.StdEncoding.Encode(data[row[0]:row[1]], value[:n])
		value = value[n:]
	}
}

// sign signs the hash of the canonical header: with Ed25519 the hash is what is
// signed (RFC 8463, 3).
func sign(key crypto.Signer, hash [sha256.Size]byte) ([]byte, error) {
	if k, ok := key.(*rsa.PrivateKey); ok {
		return rsa.SignPKCS1v15(nil, k, crypto.SHA256, hash[:])
	}
	return key.Sign(rand.Reader, hash[:], crypto.Hash(0))
}

func signatureSize(key crypto.Signer) (int, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k.Size(), nil
	case ed25519.PrivateKey:
		return ed25519.SignatureSize, nil
	}
	return 0, fmt.Errorf("dkim: there is no algorithm for a %T", key)
}
