// Package account looks after the staff: who they are, how they sign in, what
// ends their sessions. Each change is written to the audit trail by the store.
package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/store"
)

// Store is what the staff's rules need of the store.
type Store interface {
	StaffCredentials(ctx context.Context, id epistle.ID) (store.Credentials, error)
	StaffCredentialsByAddress(ctx context.Context, a epistle.Address) (store.Credentials, error)
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
	CreateStaff(ctx context.Context, by epistle.Actor, m epistle.StaffMember, passwordHash string, reset *store.PasswordReset, notice *epistle.Notice) (epistle.ID, error)
	UpdateStaff(ctx context.Context, by epistle.Actor, m epistle.StaffMember, action string) error
	SetPassword(ctx context.Context, by epistle.Actor, id epistle.ID, passwordHash string) error
	AddPasswordReset(ctx context.Context, by epistle.Actor, r store.PasswordReset, n epistle.Notice) error
	PasswordResetFor(ctx context.Context, tokenHash []byte) (epistle.StaffMember, error)
	UsePasswordReset(ctx context.Context, tokenHash []byte, passwordHash string) (epistle.ID, error)
	RecordAudit(ctx context.Context, e epistle.AuditEntry) error
	ConfirmRecovery(ctx context.Context, entry epistle.AuditEntry) error
}

// Options says what the service needs.
type Options struct {
	Store Store
	// Hash is a keyed hash; limits remember addresses by it.
	Hash  func(kind, value string) []byte
	Clock epistle.Clock
	Log   *slog.Logger
	// URL makes the public address of a path, for links in notices.
	URL func(path string) string
}

// Service is the staff's rules. It is safe for concurrent use.
type Service struct {
	Options
	hasher  hasher
	signIns *limit.Limiter // by address and network
	guesses *limit.Limiter // by address, from anywhere
	present *limit.Limiter // of the present password, by member
	forgets *limit.Limiter // by address
}

// How long the links in notices work.
const (
	ResetLifetime   = time.Hour
	WelcomeLifetime = 7 * 24 * time.Hour
)

// addressesRemembered bounds the memory of the limits.
const addressesRemembered = 10000

// New makes the service.
func New(o Options) *Service {
	return &Service{Options: o, hasher: make(hasher, hashAtOnce),
		signIns: limit.New(30*time.Second, 12, addressesRemembered, o.Clock),
		guesses: limit.New(5*time.Second, 60, addressesRemembered, o.Clock),
		present: limit.New(30*time.Second, 12, addressesRemembered, o.Clock),
		forgets: limit.New(20*time.Minute, 3, addressesRemembered, o.Clock)}
}

// SignedIn is a member and the stamp of the password they came in with. A
// session keeps the stamp; once it no longer fits, the session is over.
type SignedIn struct {
	Member epistle.StaffMember
	Stamp  string
}

func signedIn(c store.Credentials) SignedIn {
	sum := sha256.Sum256([]byte(c.PasswordHash))
	return SignedIn{Member: c.Member, Stamp: hex.EncodeToString(sum[:8])}
}

// errSignIn is the one answer to every sign-in that fails.
func errSignIn() error { return epistle.Errorf(epistle.Invalid, "account.sign-in", nil) }

// SignIn checks an address and a password. Whether the address is not staff,
// disabled, has no password or another one, the answer and the time it takes
// are the same. Too many tries for one address are Limited: a few from one
// network, for which from stands, and more from all of them together, so that
// nobody can shut a member out by guessing from one place.
func (s *Service) SignIn(ctx context.Context, address, password, from string) (SignedIn, error) {
	a, err := epistle.ParseAddress(address)
	if err != nil {
		return SignedIn{}, err
	}
	index := string(s.Hash("address", a.Canonical()))
	if !s.signIns.Allow(index+from) || !s.guesses.Allow(index) {
		return SignedIn{}, epistle.Errorf(epistle.Limited, "too-many", nil)
	}
	if len(password) > 4*MaxPassword {
		return SignedIn{}, errSignIn()
	}
	c, err := s.Store.StaffCredentialsByAddress(ctx, a)
	if err != nil && epistle.KindOf(err) != epistle.NotFound {
		return SignedIn{}, err
	}
	ok, err := s.hasher.matches(ctx, password, c.PasswordHash)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok || !c.Member.DisabledAt.IsZero() {
		return SignedIn{}, errSignIn()
	}
	err = s.Store.RecordAudit(ctx, epistle.AuditEntry{At: s.Clock(), Actor: c.Member.Actor(), Action: "staff.sign-in", Subject: "staff", SubjectID: c.Member.ID})
	return signedIn(c), err
}

// Current is the member of a session that was opened with a stamp; NotFound
// once the password changed or the member was disabled.
func (s *Service) Current(ctx context.Context, id epistle.ID, stamp string) (epistle.StaffMember, error) {
	c, err := s.Store.StaffCredentials(ctx, id)
	if err != nil {
		return epistle.StaffMember{}, err
	}
	if now := signedIn(c); now.Stamp != stamp || !c.Member.DisabledAt.IsZero() {
		return epistle.StaffMember{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return c.Member, nil
}

// ConfirmRecovery records that an admin has printed the recovery sheet and
// keeps it.
func (s *Service) ConfirmRecovery(ctx context.Context, actor epistle.Actor) error {
	if err := actor.Require(epistle.ConfirmSheet); err != nil {
		return err
	}
	return s.Store.ConfirmRecovery(ctx, epistle.AuditEntry{At: s.Clock(), Actor: actor, Action: "recovery.confirm", Subject: "installation", SubjectID: 1})
}

func isExists(err error) bool {
	var e *epistle.Error
	return errors.As(err, &e) && e.Kind == epistle.Conflict && e.Message == "exists"
}
