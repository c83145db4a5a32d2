package account

import (
	"context"

	"epistle/internal/epistle"
)

// NewMember is what is typed to add someone.
type NewMember struct {
	Address, Name, Role, Language string
}

func (n NewMember) parse() (epistle.StaffMember, error) {
	var problems epistle.Problems
	var m epistle.StaffMember
	var err error
	m.Address, err = epistle.ParseAddress(n.Address)
	problems.Add(err)
	m.Name, err = cleanName(n.Name)
	problems.Add(err)
	m.Role, err = parseRole(n.Role)
	problems.Add(err)
	m.Language, err = epistle.ParseLanguage(n.Language)
	problems.Add(err)
	return m, problems.Err()
}

func cleanName(s string) (string, error) {
	name, err := epistle.CleanLine("name", s, epistle.MaxName)
	if err == nil && name == "" {
		return "", epistle.InvalidField("name", "text.missing")
	}
	return name, err
}

func parseRole(s string) (epistle.Role, error) {
	for _, role := range epistle.Roles {
		if s == string(role) {
			return role, nil
		}
	}
	return "", epistle.InvalidField("role", "staff.role")
}

// Add makes someone staff and mails them a link to set a password.
func (s *Service) Add(ctx context.Context, actor epistle.Actor, n NewMember) (epistle.ID, error) {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return 0, err
	}
	m, err := n.parse()
	if err != nil {
		return 0, err
	}
	reset, notice := s.newLink(epistle.NoticeStaffWelcome, m, WelcomeLifetime)
	id, err := s.Store.CreateStaff(ctx, actor, m, "", &reset, &notice)
	if isExists(err) {
		err = epistle.InvalidField("email", "staff.exists")
	}
	return id, err
}

// AddWithPassword makes someone staff who can sign in at once; for the command
// line, where no mail may work yet.
func (s *Service) AddWithPassword(ctx context.Context, actor epistle.Actor, n NewMember, password string) (epistle.ID, error) {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return 0, err
	}
	m, err := n.parse()
	if err != nil {
		return 0, err
	}
	if err := CheckPassword(password, ownWords(m)...); err != nil {
		return 0, err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return 0, err
	}
	id, err := s.Store.CreateStaff(ctx, actor, m, hash, nil, nil)
	if isExists(err) {
		err = epistle.InvalidField("email", "staff.exists")
	}
	return id, err
}

// List is all members, for those who manage them.
func (s *Service) List(ctx context.Context, actor epistle.Actor) ([]epistle.StaffMember, error) {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return nil, err
	}
	return s.Store.Staff(ctx)
}

// Find is a member by address; NotFound if nobody has it.
func (s *Service) Find(ctx context.Context, actor epistle.Actor, address string) (epistle.StaffMember, error) {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return epistle.StaffMember{}, err
	}
	a, err := epistle.ParseAddress(address)
	if err != nil {
		return epistle.StaffMember{}, err
	}
	c, err := s.Store.StaffCredentialsByAddress(ctx, a)
	return c.Member, err
}

// SetRole changes what a member is trusted with. version is the one that was
// shown: a change in between is a Conflict.
func (s *Service) SetRole(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64, role string) error {
	r, err := parseRole(role)
	if err != nil {
		return err
	}
	return s.manage(ctx, actor, id, version, "staff.role", func(m *epistle.StaffMember) { m.Role = r })
}

// Disable shuts a member out, at once and with all their sessions.
func (s *Service) Disable(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64) error {
	return s.manage(ctx, actor, id, version, "staff.disable", func(m *epistle.StaffMember) { m.DisabledAt = s.Clock() })
}

// Enable lets a disabled member in again.
func (s *Service) Enable(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64) error {
	return s.manage(ctx, actor, id, version, "staff.enable", func(m *epistle.StaffMember) { m.DisabledAt = epistle.StaffMember{}.DisabledAt })
}

func (s *Service) manage(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64, action string, change func(*epistle.StaffMember)) error {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return err
	}
	if actor.Kind == epistle.Staff && actor.StaffID == id {
		return epistle.Errorf(epistle.Conflict, "staff.self", nil)
	}
	c, err := s.Store.StaffCredentials(ctx, id)
	if err != nil {
		return err
	}
	m := c.Member
	m.Version = version
	change(&m)
	return s.Store.UpdateStaff(ctx, actor, m, action)
}

// SendLinkAgain mails a member a fresh link to set a password.
func (s *Service) SendLinkAgain(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	if err := actor.Require(epistle.ManageStaff); err != nil {
		return err
	}
	c, err := s.Store.StaffCredentials(ctx, id)
	if err != nil {
		return err
	}
	if !c.Member.DisabledAt.IsZero() {
		return epistle.Errorf(epistle.Conflict, "staff.disabled", nil)
	}
	if !s.forgets.Allow(string(s.Hash("address", c.Member.Address.Canonical()))) {
		return epistle.Errorf(epistle.Limited, "too-many", nil)
	}
	reset, notice := s.newLink(epistle.NoticeStaffWelcome, c.Member, WelcomeLifetime)
	return s.Store.AddPasswordReset(ctx, actor, reset, notice)
}

// ChangeOwn changes the member's own name and language.
func (s *Service) ChangeOwn(ctx context.Context, actor epistle.Actor, name, language string) error {
	if err := actor.Require(epistle.ReadDesk); err != nil {
		return err
	}
	var problems epistle.Problems
	cleaned, err := cleanName(name)
	problems.Add(err)
	l, err := epistle.ParseLanguage(language)
	problems.Add(err)
	if err := problems.Err(); err != nil {
		return err
	}
	c, err := s.Store.StaffCredentials(ctx, actor.StaffID)
	if err != nil {
		return err
	}
	m := c.Member
	m.Name, m.Language = cleaned, l
	return s.Store.UpdateStaff(ctx, actor, m, "staff.own")
}
