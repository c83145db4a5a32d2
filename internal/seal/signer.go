package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
)

// Signer makes the tokens of its Keyring one after the other without using new
// memory: it keeps the keyed hash between them. It belongs to one goroutine.
type Signer struct {
	version byte
	mac     hash.Hash
	raw     []byte
}

// Signer returns a new signer with the keyring's token key.
func (r *Keyring) Signer() *Signer {
	return &Signer{version: r.key.version, mac: hmac.New(sha256.New, r.token), raw: make([]byte, 0, 64)}
}

// AppendLink appends what Keyring.Link gives.
func (s *Signer) AppendLink(dst []byte, p Purpose, numbers ...int64) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, s.signed(p, numbers))
}

// AppendBounceLocal appends what Keyring.BounceLocal gives.
func (s *Signer) AppendBounceLocal(dst []byte, issue, seq int64) []byte {
	numbers := [...]int64{issue, seq}
	return mailText.AppendEncode(append(dst, "b+"...), s.signed(toBounce, numbers[:]))
}

// AppendMessageIDLocal appends what Keyring.MessageIDLocal gives.
func (s *Signer) AppendMessageIDLocal(dst []byte, issue, seq int64) []byte {
	numbers := [...]int64{issue, seq}
	return mailText.AppendEncode(dst, s.signed(toMessageID, numbers[:]))
}

// signed is version, purpose, the numbers as varints, and the MAC of these;
// good until the next call.
func (s *Signer) signed(p Purpose, numbers []int64) []byte {
	s.raw = append(s.raw[:0], s.version, byte(p))
	for _, n := range numbers {
		s.raw = binary.AppendUvarint(s.raw, uint64(n))
	}
	size := len(s.raw) + tokenMAC
	s.mac.Reset()
	s.mac.Write(tokenLabel)
	s.mac.Write(s.raw)
	s.raw = s.mac.Sum(s.raw)[:size]
	return s.raw
}

// tokenLabel keeps the MACs of tokens apart from any others of their key.
var tokenLabel = []byte("token\x00")
