package epistle

import "slices"

// Role is what a staff member is trusted with.
type Role string

const (
	Author Role = "author" // moderates, signs people up, writes, proposes
	Editor Role = "editor" // all that, and confirms links and approves issues
	Admin  Role = "admin"  // all that, and staff, settings, keys
)

// Roles lists the roles from the least to the most trusted.
var Roles = []Role{Author, Editor, Admin}

// Permission names one thing that an actor may do.
type Permission string

const (
	ReadDesk       Permission = "desk.read"
	Moderate       Permission = "comment.moderate"
	Invite         Permission = "signup.invite"
	ReadPeople     Permission = "subscriber.read"
	ChangePeople   Permission = "subscriber.change"
	SignUpNow      Permission = "signup.now"
	ErasePeople    Permission = "subscriber.erase"
	ImportPeople   Permission = "subscriber.import"
	ExportPeople   Permission = "subscriber.export"
	WritePool      Permission = "pool.write"
	WriteIssue     Permission = "issue.write"
	TestSend       Permission = "issue.test"
	ConfirmLink    Permission = "link.confirm"
	WithdrawItem   Permission = "pool.withdraw"
	ApproveIssue   Permission = "issue.approve"
	LaunchIssue    Permission = "issue.launch"
	StopIssue      Permission = "issue.stop"
	ChangeSettings Permission = "settings.change"
	ManageStaff    Permission = "staff.manage"
	ConfirmSheet   Permission = "recovery.confirm"
)

// permissions is the whole table: a role has its own row and those above it.
var permissions = map[Role][]Permission{
	Author: {ReadDesk, Moderate, Invite, SignUpNow, ReadPeople, ChangePeople, WritePool, WriteIssue, TestSend, WithdrawItem, StopIssue},
	Editor: {ErasePeople, ConfirmLink, ApproveIssue, LaunchIssue},
	Admin:  {ImportPeople, ExportPeople, ChangeSettings, ManageStaff, ConfirmSheet},
}

// ActorKind says what sort of hand is at work.
type ActorKind string

const (
	Staff  ActorKind = "staff"  // someone signed in to the desk
	System ActorKind = "system" // the schedule, a job, the command line of the machine's owner
	Reader ActorKind = "reader" // a visitor or subscriber; may do only what needs no permission
)

// Actor is whoever asks for a change. Every verb takes one and checks it.
type Actor struct {
	Kind    ActorKind
	StaffID ID // set for Staff only
	Role    Role
}

// SystemActor is the program itself. It may do everything but approve: what is
// mailed was approved by a person.
func SystemActor() Actor { return Actor{Kind: System} }

// ReaderActor is a visitor of the public pages.
func ReaderActor() Actor { return Actor{Kind: Reader} }

// StaffActor is a signed-in member of staff.
func StaffActor(id ID, role Role) Actor { return Actor{Kind: Staff, StaffID: id, Role: role} }

// May reports whether the permission table gives p to the actor.
func (a Actor) May(p Permission) bool {
	switch a.Kind {
	case System:
		return p != ApproveIssue && p != ConfirmLink
	case Staff:
		own := slices.Index(Roles, a.Role) // -1, and so nothing, for a role that is none
		for _, role := range Roles[:own+1] {
			if slices.Contains(permissions[role], p) {
				return true
			}
		}
	}
	return false
}

// Require returns a Forbidden error unless the actor may do p.
func (a Actor) Require(p Permission) error {
	if a.May(p) {
		return nil
	}
	return Errorf(Forbidden, "forbidden", nil)
}
