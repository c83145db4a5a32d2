// Package seal keeps personal data unreadable to anyone who has the database
// but not the key, and makes the tokens that leave the house: in links, in
// Message-IDs and in bounce addresses.
//
// One secret key of 32 bytes, with a version, is all there is to keep. From it
// come, by HKDF-SHA-256 (RFC 5869) with distinct labels, the key that seals
// values (XChaCha20-Poly1305), the key of the indexes by which sealed values
// are found (HMAC-SHA-256), and the key that signs tokens.
package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const secretSize = 32

// Key is the secret with its version. Its text form is what the recovery
// sheet, the key file and EPISTLE_SEAL_KEY hold.
type Key struct {
	version byte
	secret  [secretSize]byte
}

// NewKey draws a fresh key, version 1.
func NewKey() Key {
	k := Key{version: 1}
	rand.Read(k.secret[:]) // never fails; the runtime stops the program instead
	return k
}

var keyText = base32.NewEncoding("ABCDEFGHJKMNPQRSTUVWXYZ123456789").WithPadding(base32.NoPadding)

// checkSize is how many bytes of a hash guard the text form against a slip of
// the pen.
const checkSize = 3

// String is the key's text form: "EPISTLE-" and groups of six letters and
// digits that cannot be mistaken for each other (no 0, I, L, O), with a
// checksum inside. It is the secret itself: print it for safe keeping, never
// log it.
func (k Key) String() string {
	raw := append([]byte{k.version}, k.secret[:]...)
	raw = append(raw, keyCheck(raw)...)
	text := keyText.EncodeToString(raw)
	var b strings.Builder
	b.WriteString("EPISTLE")
	for len(text) > 0 {
		n := min(6, len(text))
		b.WriteByte('-')
		b.WriteString(text[:n])
		text = text[n:]
	}
	return b.String()
}

// ErrKeyText means that a key was mistyped or is not a key at all.
var ErrKeyText = errors.New("this is not an Epistle key, or it was mistyped")

// ParseKey reads a key's text form; case, spaces, hyphens and line breaks do
// not matter. Any other difference from what String writes is ErrKeyText.
func ParseKey(text string) (Key, error) {
	text = strings.ToUpper(strings.Join(strings.Fields(text), ""))
	text = strings.ReplaceAll(text, "-", "")
	body, found := strings.CutPrefix(text, "EPISTLE")
	if !found {
		return Key{}, ErrKeyText
	}
	raw, err := keyText.DecodeString(body)
	if err != nil || len(raw) != 1+secretSize+checkSize {
		return Key{}, ErrKeyText
	}
	// The last letter carries bits of no byte, and the decoder passes over them
	// (RFC 4648, section 3.5): only the one text that String writes counts, or a
	// slip in that letter would go unnoticed.
	if keyText.EncodeToString(raw) != body {
		return Key{}, ErrKeyText
	}
	head, check := raw[:1+secretSize], raw[1+secretSize:]
	if !hmac.Equal(check, keyCheck(head)) || head[0] == 0 {
		return Key{}, ErrKeyText
	}
	k := Key{version: head[0]}
	copy(k.secret[:], head[1:])
	return k, nil
}

func keyCheck(raw []byte) []byte {
	sum := sha256.Sum256(append([]byte("epistle key text\n"), raw...))
	return sum[:checkSize]
}

// Keyring seals, unseals, indexes and signs with a key. It is safe for
// concurrent use.
type Keyring struct {
	key     Key
	aead    tink.AEAD
	index   []byte
	token   []byte
	indexes sync.Pool // of *indexer
}

// indexer makes indexes one after the other without keying the hash anew.
type indexer struct {
	mac  hash.Hash
	text []byte
}

// NewKeyring derives the working keys.
func NewKeyring(k Key) (*Keyring, error) {
	derive := func(label string) []byte {
		key, err := hkdf.Key(sha256.New, k.secret[:], nil, "epistle "+label, 32)
		if err != nil {
			panic(err) // only for lengths that HKDF cannot give
		}
		return key
	}
	aead, err := subtle.NewXChaCha20Poly1305(derive("seal"))
	if err != nil {
		return nil, fmt.Errorf("make the sealing cipher: %w", err)
	}
	r := &Keyring{key: k, aead: aead, index: derive("index"), token: derive("token")}
	r.indexes.New = func() any { return &indexer{mac: hmac.New(sha256.New, r.index)} }
	return r, nil
}

// Check is a value to keep in the database; Fits tells later whether the same
// key is in use. It reveals nothing of the key.
func (r *Keyring) Check() []byte { return r.mac(r.index, "check", nil, indexSize) }

// Fits reports whether check came from this key.
func (r *Keyring) Fits(check []byte) bool { return hmac.Equal(check, r.Check()) }

// Place says where a sealed value lives. A value unseals only in its place, so
// that rows cannot be swapped by whoever can write to the database.
type Place struct {
	Table  string
	Column string
	Row    int64
}

func (p Place) bytes() []byte {
	b := make([]byte, 0, len(p.Table)+len(p.Column)+10)
	b = append(b, p.Table...)
	b = append(b, '.')
	b = append(b, p.Column...)
	b = append(b, 0)
	return binary.BigEndian.AppendUint64(b, uint64(p.Row))
}

// Seal encrypts a value for its place. An empty value gives an empty result,
// so that "no name" stays visible as such.
func (r *Keyring) Seal(p Place, value string) ([]byte, error) {
	if value == "" {
		return []byte{}, nil
	}
	sealed, err := r.aead.Encrypt([]byte(value), p.bytes())
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", p.Table, p.Column, err)
	}
	return append([]byte{r.key.version}, sealed...), nil
}

// ErrUnseal means that a value was changed, moved or sealed with another key.
var ErrUnseal = errors.New("a sealed value does not open with this key in this place")

// Unseal decrypts what Seal made for the same place.
func (r *Keyring) Unseal(p Place, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	if sealed[0] != r.key.version {
		return "", ErrUnseal
	}
	value, err := r.aead.Decrypt(sealed[1:], p.bytes())
	if err != nil {
		return "", ErrUnseal
	}
	return string(value), nil
}

// Index is the keyed hash by which a sealed value is found: the same for the
// same kind and value, and telling nothing without the key. kind keeps apart
// values that happen to be equal ("address", "name", "lane", "ip").
func (r *Keyring) Index(kind, value string) []byte {
	x := r.indexes.Get().(*indexer)
	defer r.indexes.Put(x)
	x.text = append(append(append(append(x.text[:0], "index "...), kind...), 0), value...)
	x.mac.Reset()
	x.mac.Write(x.text)
	x.text = x.mac.Sum(x.text[:0])
	return bytes.Clone(x.text[:indexSize])
}

const indexSize = 16

// IndexVersion is stored beside an index, for the day the key is changed.
func (r *Keyring) IndexVersion() int64 { return int64(r.key.version) }

// Key returns the key for the recovery sheet.
func (r *Keyring) Key() Key { return r.key }

func (r *Keyring) mac(key []byte, label string, value []byte, size int) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(label))
	h.Write([]byte{0})
	h.Write(value)
	return h.Sum(nil)[:size]
}
