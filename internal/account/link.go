package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// setPasswordPath leads to the page where a link's owner sets a password.
const setPasswordPath = "/desk/set-password/"

// newLink draws a token and makes what the store keeps of it and the notice
// that brings it.
func (s *Service) newLink(kind epistle.NoticeKind, m epistle.StaffMember, lifetime time.Duration) (store.PasswordReset, epistle.Notice) {
	token := rand.Text()
	hash := hashToken(token)
	reset := store.PasswordReset{TokenHash: hash, StaffID: m.ID, ExpiresAt: s.Clock().Add(lifetime)}
	return reset, epistle.Notice{Kind: kind, Key: string(kind) + "/" + hex.EncodeToString(hash), To: m.Address, Language: m.Language,
		Data: map[string]string{"link": s.URL(setPasswordPath + token)}}
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// forgotFloor is how long Forgot takes at least: longer than the work that it
// has only when the address is staff.
const forgotFloor = 250 * time.Millisecond

// Forgot mails a link to set a new password, if the address is staff. The
// answer is the same, and comes after the same time, if it is not.
func (s *Service) Forgot(ctx context.Context, address string) error {
	a, err := epistle.ParseAddress(address)
	if err != nil {
		return err
	}
	floor := time.NewTimer(forgotFloor)
	defer floor.Stop()
	err = s.forgot(ctx, a)
	select {
	case <-floor.C:
	case <-ctx.Done():
	}
	return err
}

func (s *Service) forgot(ctx context.Context, a epistle.Address) error {
	if !s.forgets.Allow(string(s.Hash("address", a.Canonical()))) {
		return nil // said as little as everything else
	}
	c, err := s.Store.StaffCredentialsByAddress(ctx, a)
	if epistle.KindOf(err) == epistle.NotFound || err == nil && !c.Member.DisabledAt.IsZero() {
		return nil
	}
	if err != nil {
		return err
	}
	reset, notice := s.newLink(epistle.NoticeResetPassword, c.Member, ResetLifetime)
	return s.Store.AddPasswordReset(ctx, epistle.ReaderActor(), reset, notice)
}

// LookupLink is the member who may set a password by a link's token; NotFound
// when it expired, was used, or is forged.
func (s *Service) LookupLink(ctx context.Context, token string) (epistle.StaffMember, error) {
	return s.Store.PasswordResetFor(ctx, hashToken(token))
}

// SetPassword uses a link, once, and ends the member's sessions.
func (s *Service) SetPassword(ctx context.Context, token, password string) (SignedIn, error) {
	m, err := s.LookupLink(ctx, token)
	if err != nil {
		return SignedIn{}, err
	}
	if err := CheckPassword(password, ownWords(m)...); err != nil {
		return SignedIn{}, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return SignedIn{}, err
	}
	id, err := s.Store.UsePasswordReset(ctx, hashToken(token), hash)
	if err != nil {
		return SignedIn{}, err
	}
	c, err := s.Store.StaffCredentials(ctx, id)
	return signedIn(c), err
}

// ChangePassword is the member's own change: the present password is asked
// again. All other sessions end; the answer's stamp keeps this one.
func (s *Service) ChangePassword(ctx context.Context, actor epistle.Actor, present, next string) (SignedIn, error) {
	if err := actor.Require(epistle.ReadDesk); err != nil {
		return SignedIn{}, err
	}
	c, err := s.Store.StaffCredentials(ctx, actor.StaffID)
	if err != nil {
		return SignedIn{}, err
	}
	if !s.present.Allow(strconv.FormatInt(c.Member.ID, 10)) {
		return SignedIn{}, epistle.Errorf(epistle.Limited, "too-many", nil)
	}
	ok, err := s.hasher.matches(ctx, present, c.PasswordHash)
	if err != nil {
		return SignedIn{}, err
	}
	var problems epistle.Problems
	if !ok {
		problems.Add(epistle.InvalidField("present", "account.password.wrong"))
	}
	problems.Add(CheckPassword(next, ownWords(c.Member)...))
	if err := problems.Err(); err != nil {
		return SignedIn{}, err
	}
	if err := s.setPassword(ctx, actor, c.Member.ID, next); err != nil {
		return SignedIn{}, err
	}
	c, err = s.Store.StaffCredentials(ctx, c.Member.ID)
	return signedIn(c), err
}

// SetPasswordFor sets a member's password from the command line.
func (s *Service) SetPasswordFor(ctx context.Context, actor epistle.Actor, id epistle.ID, password string) error {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return err
	}
	c, err := s.Store.StaffCredentials(ctx, id)
	if err != nil {
		return err
	}
	if err := CheckPassword(password, ownWords(c.Member)...); err != nil {
		return err
	}
	return s.setPassword(ctx, actor, id, password)
}

func (s *Service) setPassword(ctx context.Context, actor epistle.Actor, id epistle.ID, password string) error {
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.Store.SetPassword(ctx, actor, id, hash)
}

func ownWords(m epistle.StaffMember) []string {
	return []string{m.Name, string(m.Address)}
}
