package seal

import (
	"crypto/hmac"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// ErrToken means that a token was forged, damaged, or made for another purpose
// or by another key. Whoever shows it one answers "not found".
var ErrToken = errors.New("not a token of ours")

const tokenMAC = 12 // bytes; 96 bits cannot be guessed over the network

// Purpose keeps a token from being used where another one belongs.
type Purpose byte

const (
	ToLeave      Purpose = 'u' // unsubscribe and, from there, preferences
	ToConfirm    Purpose = 'c' // confirm a sign-up
	ToPrefer     Purpose = 'p' // preferences
	ToSetPass    Purpose = 's' // set a staff password
	ToPost       Purpose = 'f' // a public form, stamped when it was shown
	ToRefuse     Purpose = 'n' // "this was not me"
	ToRenew      Purpose = 'r' // give a consent again
	ToOwnData    Purpose = 'd' // one's own data
	ToErase      Purpose = 'e' // be erased
	ToHush       Purpose = 'h' // no more mails about answers to one's comments
	toBounce     Purpose = 'b'
	toMessageID  Purpose = 'm'
	numbersLimit         = 4
)

// Link signs up to four non-negative numbers for a purpose. What the numbers
// mean is the purpose's own affair:
//
//	ToLeave    subscription, issue (0 when no issue carried the link)
//	ToPrefer   subscription, issue
//	ToConfirm  sign-up
//	ToPost     Unix seconds
//	ToRefuse   sign-up
//	ToRenew    subscription
//	ToOwnData  subscriber, Unix seconds at which the link ends
//	ToErase    subscriber, Unix seconds at which the link ends
//	ToHush     comment
//
// The token is URL-safe, about 30 characters, and valid as long as the key.
func (r *Keyring) Link(p Purpose, numbers ...int64) string {
	return string(r.Signer().AppendLink(nil, p, numbers...))
}

// ParseLink checks a token in constant time and returns its numbers.
func (r *Keyring) ParseLink(p Purpose, token string) ([]int64, error) {
	if len(token) > 100 {
		return nil, ErrToken
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, ErrToken
	}
	return r.open(p, raw)
}

// mailText survives servers that change the case of a local part.
var mailText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// BounceLocal is the local part of the Return-Path (VERP) of a delivery:
// "b+" and a token of its issue and sequence number.
func (r *Keyring) BounceLocal(issue, seq int64) string {
	return string(r.Signer().AppendBounceLocal(nil, issue, seq))
}

// ParseBounceLocal reads what BounceLocal made, in any case.
func (r *Keyring) ParseBounceLocal(local string) (issue, seq int64, err error) {
	text, found := strings.CutPrefix(strings.ToLower(local), "b+")
	if !found {
		return 0, 0, ErrToken
	}
	return r.openPair(toBounce, text)
}

// MessageIDLocal is the left side of the Message-ID of a delivery, the same at
// every attempt.
func (r *Keyring) MessageIDLocal(issue, seq int64) string {
	return string(r.Signer().AppendMessageIDLocal(nil, issue, seq))
}

// ParseMessageIDLocal reads what MessageIDLocal made.
func (r *Keyring) ParseMessageIDLocal(local string) (issue, seq int64, err error) {
	return r.openPair(toMessageID, strings.ToLower(local))
}

func (r *Keyring) openPair(p Purpose, text string) (a, b int64, err error) {
	if len(text) > 100 {
		return 0, 0, ErrToken
	}
	raw, err := mailText.DecodeString(text)
	if err != nil {
		return 0, 0, ErrToken
	}
	numbers, err := r.open(p, raw)
	if err != nil || len(numbers) != 2 {
		return 0, 0, ErrToken
	}
	return numbers[0], numbers[1], nil
}

func (r *Keyring) open(p Purpose, raw []byte) ([]int64, error) {
	if len(raw) < 2+tokenMAC || raw[0] != r.key.version || raw[1] != byte(p) {
		return nil, ErrToken
	}
	body, mac := raw[:len(raw)-tokenMAC], raw[len(raw)-tokenMAC:]
	if !hmac.Equal(mac, r.mac(r.token, "token", body, tokenMAC)) {
		return nil, ErrToken
	}
	var numbers []int64
	for rest := body[2:]; len(rest) > 0; {
		n, size := binary.Uvarint(rest)
		if size <= 0 || len(numbers) == numbersLimit {
			return nil, ErrToken
		}
		numbers = append(numbers, int64(n))
		rest = rest[size:]
	}
	return numbers, nil
}
