package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// Credentials are a staff member with the hash of their password; it is empty
// until they set one.
type Credentials struct {
	Member       epistle.StaffMember
	PasswordHash string
}

// PasswordReset is a link to set a password. The store keeps only the hash of
// its token.
type PasswordReset struct {
	TokenHash []byte
	StaffID   epistle.ID
	ExpiresAt time.Time
}

type staffRow struct {
	ID            int64
	AddressSealed []byte `db:"address_sealed"`
	NameSealed    []byte `db:"name_sealed"`
	Role          string
	Language      string
	PasswordHash  string `db:"password_hash"`
	CreatedAt     int64  `db:"created_at"`
	DisabledAt    int64  `db:"disabled_at"`
	Version       int64
}

const staffColumns = `id, address_sealed, name_sealed, role, language, password_hash, created_at, disabled_at, version`

func (s *Store) credentials(r staffRow) (Credentials, error) {
	x := s.sealer("staff", r.ID)
	c := Credentials{PasswordHash: r.PasswordHash, Member: epistle.StaffMember{
		ID: r.ID, Address: epistle.Address(x.unseal("address", r.AddressSealed)), Name: x.unseal("name", r.NameSealed),
		Role: epistle.Role(r.Role), Language: epistle.Language(r.Language),
		CreatedAt: fromMicros(r.CreatedAt), DisabledAt: fromMicros(r.DisabledAt), Version: r.Version,
	}}
	return c, x.err
}

// StaffCredentials finds a member by id; NotFound if there is none.
func (s *Store) StaffCredentials(ctx context.Context, id epistle.ID) (Credentials, error) {
	return s.oneStaff(ctx, `SELECT `+staffColumns+` FROM staff WHERE id = ?`, id)
}

// StaffCredentialsByAddress finds a member by address; NotFound if there is
// none.
func (s *Store) StaffCredentialsByAddress(ctx context.Context, a epistle.Address) (Credentials, error) {
	return s.oneStaff(ctx, `SELECT `+staffColumns+` FROM staff WHERE address_index = ?`, s.keys.Index("address", a.Canonical()))
}

func (s *Store) oneStaff(ctx context.Context, query string, arg any) (Credentials, error) {
	var row staffRow
	if err := s.read().get(ctx, &row, query, arg); err != nil {
		return Credentials{}, s.mapError(ctx, err)
	}
	return s.credentials(row)
}

// StaffMember is a member by id; NotFound if there is none.
func (s *Store) StaffMember(ctx context.Context, id epistle.ID) (epistle.StaffMember, error) {
	c, err := s.StaffCredentials(ctx, id)
	return c.Member, err
}

// Staff lists all members, those who are disabled last, else the oldest first.
func (s *Store) Staff(ctx context.Context) ([]epistle.StaffMember, error) {
	var rows []staffRow
	err := s.read().all(ctx, &rows, `SELECT `+staffColumns+` FROM staff ORDER BY CASE WHEN disabled_at = 0 THEN 0 ELSE 1 END, created_at, id`)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	members := make([]epistle.StaffMember, len(rows))
	for i, r := range rows {
		c, err := s.credentials(r)
		if err != nil {
			return nil, err
		}
		members[i] = c.Member
	}
	return members, nil
}

// CreateStaff adds a member with a password hash ("" for none yet) and, unless
// they are nil, the link by which they set one and the notice that brings it.
// The member's ID comes back; an address that is staff already is a Conflict
// "exists".
func (s *Store) CreateStaff(ctx context.Context, by epistle.Actor, m epistle.StaffMember, passwordHash string,
	reset *PasswordReset, notice *epistle.Notice) (epistle.ID, error) {
	first, err := s.newIDs(ctx, 3)
	if err != nil {
		return 0, err
	}
	x := s.sealer("staff", first)
	address, name := x.seal("address", string(m.Address)), x.seal("name", m.Name)
	if x.err != nil {
		return 0, x.err
	}
	now := s.clock()
	return first, s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `INSERT INTO staff (id, address_sealed, address_index, name_sealed, role, language, password_hash, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, first, address, s.keys.Index("address", m.Address.Canonical()), name,
			string(m.Role), string(m.Language), passwordHash, micros(now))
		if err != nil {
			return err
		}
		if reset != nil {
			reset.StaffID = first
			if err := insertReset(ctx, q, *reset); err != nil {
				return err
			}
		}
		if notice != nil {
			if err := s.insertNotice(ctx, q, first+1, *notice); err != nil {
				return err
			}
		}
		return insertAudit(ctx, q, first+2, epistle.AuditEntry{At: now, Actor: by, Action: "staff.add",
			Subject: "staff", SubjectID: first, Detail: string(m.Role)})
	})
}

// UpdateStaff writes name, role, language and whether the member is disabled.
// It refuses, with Conflict "staff.last-admin", to leave nobody who could
// manage the staff. Disabling ends the member's sessions and links. action is
// the audit's word.
func (s *Store) UpdateStaff(ctx context.Context, by epistle.Actor, m epistle.StaffMember, action string) error {
	audit, err := s.newID(ctx)
	if err != nil {
		return err
	}
	x := s.sealer("staff", m.ID)
	name := x.seal("name", m.Name)
	if x.err != nil {
		return x.err
	}
	return s.write(ctx, func(q queries) error {
		// One such change at a time, or two admins could demote each other.
		if _, err := q.exec(ctx, `UPDATE installation SET next_id = next_id WHERE id = 1`); err != nil {
			return err
		}
		before, err := countAdmins(ctx, q)
		if err != nil {
			return err
		}
		changed, err := q.exec(ctx, `UPDATE staff SET name_sealed = ?, role = ?, language = ?, disabled_at = ?, version = version + 1
			WHERE id = ? AND version = ?`, name, string(m.Role), string(m.Language), micros(m.DisabledAt), m.ID, m.Version)
		if err != nil {
			return err
		}
		if changed == 0 {
			return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
		}
		after, err := countAdmins(ctx, q)
		if err != nil {
			return err
		}
		if after == 0 && before > 0 {
			return epistle.Errorf(epistle.Conflict, "staff.last-admin", nil)
		}
		if !m.DisabledAt.IsZero() {
			if err := endAccess(ctx, q, m.ID); err != nil {
				return err
			}
		}
		return insertAudit(ctx, q, audit, epistle.AuditEntry{At: s.clock(), Actor: by, Action: action,
			Subject: "staff", SubjectID: m.ID, Detail: string(m.Role)})
	})
}

func countAdmins(ctx context.Context, q queries) (int, error) {
	var n int
	err := q.get(ctx, &n, `SELECT COUNT(*) FROM staff WHERE role = 'admin' AND disabled_at = 0`)
	return n, err
}

// SetPassword keeps a new password hash, ends every session and voids every
// reset link of the member.
func (s *Store) SetPassword(ctx context.Context, by epistle.Actor, id epistle.ID, passwordHash string) error {
	audit, err := s.newID(ctx)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error { return s.setPassword(ctx, q, audit, by, id, passwordHash) })
}

func (s *Store) setPassword(ctx context.Context, q queries, audit epistle.ID, by epistle.Actor, id epistle.ID, passwordHash string) error {
	changed, err := q.exec(ctx, `UPDATE staff SET password_hash = ?, version = version + 1 WHERE id = ? AND disabled_at = 0`, passwordHash, id)
	if err != nil {
		return err
	}
	if changed == 0 {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	if err := endAccess(ctx, q, id); err != nil {
		return err
	}
	return insertAudit(ctx, q, audit, epistle.AuditEntry{At: s.clock(), Actor: by, Action: "staff.password", Subject: "staff", SubjectID: id})
}

// endAccess deletes whatever lets a member in without the password.
func endAccess(ctx context.Context, q queries, id epistle.ID) error {
	if _, err := q.exec(ctx, `DELETE FROM session WHERE staff_id = ?`, id); err != nil {
		return err
	}
	_, err := q.exec(ctx, `DELETE FROM password_reset WHERE staff_id = ?`, id)
	return err
}

func insertReset(ctx context.Context, q queries, r PasswordReset) error {
	_, err := q.exec(ctx, `INSERT INTO password_reset (token_hash, staff_id, expires_at) VALUES (?, ?, ?)`,
		r.TokenHash, r.StaffID, micros(r.ExpiresAt))
	return err
}

// AddPasswordReset keeps a link to set a password together with the notice that
// brings it. Links that expired are swept away.
func (s *Store) AddPasswordReset(ctx context.Context, by epistle.Actor, r PasswordReset, n epistle.Notice) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		if _, err := q.exec(ctx, `DELETE FROM password_reset WHERE expires_at <= ?`, micros(s.clock())); err != nil {
			return err
		}
		if err := insertReset(ctx, q, r); err != nil {
			return err
		}
		if err := s.insertNotice(ctx, q, first, n); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, epistle.AuditEntry{At: s.clock(), Actor: by, Action: "staff.reset-link", Subject: "staff", SubjectID: r.StaffID})
	})
}

const openReset = `SELECT staff_id FROM password_reset WHERE token_hash = ? AND expires_at > ? AND used_at = 0`

// PasswordResetFor is the member whose link has this token hash; NotFound when
// it expired, was used, or never was.
func (s *Store) PasswordResetFor(ctx context.Context, tokenHash []byte) (epistle.StaffMember, error) {
	var id int64
	if err := s.read().get(ctx, &id, openReset, tokenHash, micros(s.clock())); err != nil {
		return epistle.StaffMember{}, s.mapError(ctx, err)
	}
	return s.StaffMember(ctx, id)
}

// UsePasswordReset sets the password of the member whose link this is, once.
func (s *Store) UsePasswordReset(ctx context.Context, tokenHash []byte, passwordHash string) (epistle.ID, error) {
	audit, err := s.newID(ctx)
	if err != nil {
		return 0, err
	}
	var id int64
	err = s.write(ctx, func(q queries) error {
		err := q.get(ctx, &id, `UPDATE password_reset SET used_at = ? WHERE token_hash = ? AND expires_at > ? AND used_at = 0 RETURNING staff_id`,
			micros(s.clock()), tokenHash, micros(s.clock()))
		if err != nil {
			return err
		}
		member := epistle.Actor{Kind: epistle.Staff, StaffID: id}
		return s.setPassword(ctx, q, audit, member, id, passwordHash)
	})
	return id, err
}

// RecordAudit keeps an entry of what changed nothing else, such as a sign-in.
func (s *Store) RecordAudit(ctx context.Context, e epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error { return insertAudit(ctx, q, id, e) })
}
