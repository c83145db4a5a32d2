package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"epistle/internal/epistle"
)

// Argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one
// lane. The hash's text says which were used, so they can grow.
const (
	hashMemory  = 19 * 1024 // KiB
	hashPasses  = 2
	hashLanes   = 1
	hashSize    = 32
	saltSize    = 16
	hashAtOnce  = 2 // 38 MiB at most
	hashPattern = "$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s"
)

// Limits of a password, in characters.
const (
	MinPassword = 12
	MaxPassword = 200
)

// hasher bounds how many passwords are hashed at once.
type hasher chan struct{}

func (h hasher) enter(ctx context.Context) error {
	select {
	case h <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hash makes the text that is kept of a password.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-h }()
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	key := argon2.IDKey([]byte(normal(password)), salt, hashPasses, hashMemory, hashLanes, hashSize)
	return fmt.Sprintf(hashPattern, hashMemory, hashPasses, hashLanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// nobody's hash is what a password is compared with when there is none to
// compare with, so that the answer takes as long. No password has it.
var nobody = fmt.Sprintf(hashPattern, hashMemory, hashPasses, hashLanes,
	base64.RawStdEncoding.EncodeToString(make([]byte, saltSize)), base64.RawStdEncoding.EncodeToString(make([]byte, hashSize)))

// matches reports whether a password has a hash. An empty or damaged hash
// takes the same time and matches nothing.
func (h hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	stored, err := parseHash(hash)
	if err != nil {
		if stored, err = parseHash(nobody); err != nil {
			return false, err
		}
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-h }()
	key := argon2.IDKey([]byte(normal(password)), stored.salt, stored.passes, stored.memory, stored.lanes, uint32(len(stored.key)))
	return subtle.ConstantTimeCompare(key, stored.key) == 1, nil
}

type storedHash struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func parseHash(text string) (storedHash, error) {
	var s storedHash
	damaged := fmt.Errorf("a stored password hash is damaged")
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" {
		return s, damaged
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &s.memory, &s.passes, &s.lanes); err != nil {
		return s, damaged
	}
	var err error
	if s.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return s, damaged
	}
	if s.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil {
		return s, damaged
	}
	// Bounds, or a planted row could take all memory or never end.
	if s.memory > 1<<18 || s.passes < 1 || s.passes > 20 || s.lanes < 1 || s.lanes > 8 || len(s.salt) < 8 || len(s.key) != hashSize {
		return s, damaged
	}
	return s, nil
}

// normal is a password as it is hashed: the same from every keyboard.
func normal(password string) string { return norm.NFKC.String(password) }

// obvious holds what remains of the passwords that everybody tries first, once
// digits and signs are taken off.
var obvious = map[string]bool{
	"password": true, "passwordpassword": true, "passwort": true, "qwerty": true, "qwertyuiop": true, "asdfghjkl": true,
	"qwertyasdfgh": true, "letmein": true, "letmeinplease": true, "welcome": true, "admin": true, "administrator": true,
	"iloveyou": true, "changeme": true, "secret": true, "jesus": true, "jesuschrist": true, "jesuslovesyou": true,
	"hallelujah": true, "amen": true, "prayer": true, "epistle": true, "newsletter": true, "test": true, "testtest": true, "dragon": true,
	"monkey": true, "football": true, "sunshine": true, "princess": true, "비밀번호": true, "예수님": true, "하나님": true, "할렐루야": true, "사랑해": true,
}

// CheckPassword says what is wrong with a new password, for the field
// "password": too short, too long, or one of the first that would be guessed.
// own are words that must not be the whole of it: name, address.
func CheckPassword(password string, own ...string) error {
	if !utf8.ValidString(password) {
		return epistle.InvalidField("password", "text.encoding")
	}
	password = normal(password)
	switch length := utf8.RuneCountInString(password); {
	case length < MinPassword:
		return epistle.InvalidField("password", "account.password.short").With("Min", MinPassword)
	case length > MaxPassword:
		return epistle.InvalidField("password", "text.long").With("Max", MaxPassword)
	}
	letters := lettersOf(password)
	for _, word := range own {
		if w := lettersOf(word); w != "" && letters == w {
			return epistle.InvalidField("password", "account.password.obvious")
		}
	}
	if obvious[letters] || obvious[half(letters)] || isMonotonous(password) {
		return epistle.InvalidField("password", "account.password.obvious")
	}
	return nil
}

func lettersOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || strings.ContainsRune(" !@#$%^&*()-_=+.,?/'\"", r) {
			return -1
		}
		return r
	}, strings.ToLower(normal(s)))
}

// half is the first half of a text that repeats itself.
func half(s string) string {
	if n := len(s) / 2; len(s)%2 == 0 && s[:n] == s[n:] {
		return s[:n]
	}
	return s
}

// isMonotonous reports runs and repetitions: "aaaaaaaaaaaa", "123456789012",
// "abcabcabcabc".
func isMonotonous(s string) bool {
	runes := []rune(s)
	different := map[rune]bool{}
	steps := 0
	for i, r := range runes {
		different[r] = true
		if i > 0 {
			if step := r - runes[i-1]; step >= -1 && step <= 1 || step == -9 || step == 9 {
				steps++
			}
		}
	}
	return len(different) < 5 || steps >= len(runes)-2
}
