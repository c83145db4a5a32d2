package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
)

// The algorithms of a key, as DNS records name them in k=.
const (
	RSA     = "rsa"
	Ed25519 = "ed25519"
)

// RSA keys shorter than minBits are no longer safe; verifiers need not know
// ones longer than maxBits (RFC 8301, 3.2).
const (
	minBits = 2048
	maxBits = 4096
)

// Key is a private key and the selector under which DNS has its public half:
// an *rsa.PrivateKey or an ed25519.PrivateKey.
type Key struct {
	Selector string
	Private  crypto.Signer
}

var (
	// ErrKeyText means that a text is no private key of a kind that DKIM knows.
	ErrKeyText = errors.New("dkim: not an RSA or Ed25519 private key")
	// ErrKeySize means an RSA key of fewer than 2048 bits or more than 4096.
	ErrKeySize = errors.New("dkim: the RSA key is too short or too long")
)

// Generate draws a new key: RSA with 2048 bits, or Ed25519.
func Generate(selector, algorithm string) (Key, error) {
	if algorithm == Ed25519 {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return Key{selector, private}, err
	}
	private, err := rsa.GenerateKey(rand.Reader, minBits)
	return Key{selector, private}, err
}

// ParseKey reads an unencrypted private key: PKCS #8 or, for RSA, PKCS #1, as
// PEM or, where no line breaks are possible, as the bare base64 of it. It
// returns ErrKeyText or ErrKeySize, never a part of the text.
func ParseKey(selector, text string) (Key, error) {
	der, err := derOf(text)
	if err != nil {
		return Key{}, ErrKeyText
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if private, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			return Key{}, ErrKeyText
		}
	}
	switch k := private.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < minBits || k.N.BitLen() > maxBits {
			return Key{}, ErrKeySize
		}
		return Key{selector, k}, nil
	case ed25519.PrivateKey:
		return Key{selector, k}, nil
	}
	return Key{}, ErrKeyText
}

func derOf(text string) ([]byte, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes, nil
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

// Algorithm is RSA or Ed25519.
func (k Key) Algorithm() string {
	if _, ok := k.Private.(ed25519.PrivateKey); ok {
		return Ed25519
	}
	return RSA
}

// PEM is the private key as ParseKey reads it: the secret itself.
func (k Key) PEM() (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// RecordName is the name of the DNS record of a domain's key.
func (k Key) RecordName(domain string) string { return k.Selector + "._domainkey." + domain }

// Record is the TXT record that publishes the key (RFC 6376, 3.6.1; RFC 8463,
// 4): an RSA key as its SubjectPublicKeyInfo, an Ed25519 key as it is.
func (k Key) Record() (string, error) {
	public, ok := k.Private.Public().(ed25519.PublicKey)
	if !ok {
		var err error
		if public, err = x509.MarshalPKIXPublicKey(k.Private.Public()); err != nil {
			return "", err
		}
	}
	return "v=DKIM1; k=" + k.Algorithm() + "; p=" + base64.StdEncoding.EncodeToString(public), nil
}

// recordString is how long one string of a TXT record may be (RFC 1035, 3.3.14).
const recordString = 255

// RecordStrings is a record cut to the length of the strings that DNS keeps.
func RecordStrings(record string) []string {
	var all []string
	for len(record) > recordString {
		all = append(all, record[:recordString])
		record = record[recordString:]
	}
	return append(all, record)
}
