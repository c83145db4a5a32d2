package epistle

import "time"

// DeliveryState is where one issue to one subscriber stands. The numbers are
// stored.
type DeliveryState int16

const (
	Queued    DeliveryState = 0 // waits for its turn in the issue's range
	Accepted  DeliveryState = 1 // a relay took it
	Deferred  DeliveryState = 2 // a temporary refusal; NextAt says when it is tried again
	Failed    DeliveryState = 3 // refused for good, or tried for 48 hours
	Skipped   DeliveryState = 4 // left, paused or suppressed after launch
	Uncertain DeliveryState = 5 // the relay may have read all of the mail, and its reply never came
)

func (s DeliveryState) String() string {
	names := [...]string{"queued", "accepted", "deferred", "failed", "skipped", "uncertain"}
	if int(s) < len(names) {
		return names[s]
	}
	return "unknown"
}

// DeliveryKind tells the weekly mailing from a welcome that uses the same
// issue. A person has one delivery an issue, of either kind.
type DeliveryKind int16

const (
	BulkDelivery    DeliveryKind = 0
	WelcomeDelivery DeliveryKind = 1
)

// Delivery is one issue to one subscriber; there is exactly one row. Seq counts
// from 1 within the issue.
type Delivery struct {
	IssueID      ID
	Seq          int64
	SubscriberID ID
	Kind         DeliveryKind
	State        DeliveryState
	Attempts     int
	NextAt       time.Time
	UpdatedAt    time.Time
	Code         int    // the last SMTP reply code, 0 if there was none
	Status       string // the last enhanced status code, "5.1.1"
}

// NoticeKind names a sort of one-person mail; each has its words in the
// catalogue under "notice.<kind>".
type NoticeKind string

const (
	NoticeConfirm       NoticeKind = "confirm"        // confirm a sign-up: link
	NoticeInvite        NoticeKind = "invite"         // staff invite who wrote a comment: link to confirm
	NoticeAlready       NoticeKind = "already"        // asked again, though subscribed: preferences link
	NoticeResetPassword NoticeKind = "reset-password" // link
	NoticeStaffWelcome  NoticeKind = "staff-welcome"  // link to set a password
	NoticeUnapproved    NoticeKind = "unapproved"     // an issue waits for approval: issue, slot, link
	NoticeHeld          NoticeKind = "held"           // an issue was held at its slot: issue, link
	NoticeMissed        NoticeKind = "missed"         // a slot passed while nothing ran: issue, slot, link
	NoticeRecoverySheet NoticeKind = "recovery-sheet" // the recovery sheet waits to be printed: link
	NoticeSent          NoticeKind = "sent"           // an issue was sent: issue, counts, link
	NoticeRemind        NoticeKind = "remind"         // confirm a sign-up, once more: link
	NoticeSignedUp      NoticeKind = "signed-up"      // signed up by staff: when the first update comes, "this was not me" link
	NoticeRenewal       NoticeKind = "renewal"        // a consent of two years ago: when it was given, link
	NoticeOwnData       NoticeKind = "own-data"       // one's own data: link
	NoticeErase         NoticeKind = "erase"          // be erased: link
	NoticeReply         NoticeKind = "reply"          // staff answered a comment: answer, link to the thread, stop link
	NoticeMorning       NoticeKind = "morning"        // what waits at the desk: report, link
	NoticeStopped       NoticeKind = "stopped"        // sending an issue was stopped, the relay objects: issue, link
	NoticePassword      NoticeKind = "password"       // it was stopped, the relay refuses our password: issue, link
	NoticeRefusals      NoticeKind = "refusals"       // it was stopped, too many addresses were refused: issue, counts, link
)

// NoticeState is where a notice stands.
type NoticeState string

const (
	NoticeQueued   NoticeState = "queued"
	NoticeAccepted NoticeState = "accepted"
	NoticeFailed   NoticeState = "failed"
	NoticeDropped  NoticeState = "dropped" // not wanted any more when its turn came
)

// SuppressedNotices are the kinds that an address gets no more once it must not
// be mailed, those that wait already included.
var SuppressedNotices = []NoticeKind{NoticeConfirm, NoticeInvite, NoticeRemind, NoticeAlready, NoticeSignedUp, NoticeRenewal, NoticeReply}

// OwnNotices answer people who ask for their own data or to be erased. They have
// a right to that whether or not they may be mailed; when they are erased, these
// go too.
var OwnNotices = []NoticeKind{NoticeOwnData, NoticeErase}

// Notice is a mail to one person that is no issue. It waits in the outbox,
// goes ahead of bulk mail, and repeats nothing that a stranger typed.
type Notice struct {
	ID        ID
	Kind      NoticeKind
	Key       string // unique: the same key is never queued twice
	To        Address
	Language  Language
	Data      map[string]string // what its words need; sealed at rest
	State     NoticeState
	Attempts  int
	NextAt    time.Time
	CreatedAt time.Time
}

// SlotState is where one firing of a schedule stands.
type SlotState string

const (
	SlotRunning SlotState = "running"
	SlotDone    SlotState = "done"
	SlotMissed  SlotState = "missed" // found after its grace period; reported, not run
)

// Slot is one firing of a series ("launch/12"), unique by its wall-clock label
// ("2026-11-26T20:00") in the series' zone.
type Slot struct {
	ID         ID
	Series     string
	Label      string
	At         time.Time
	State      SlotState
	FinishedAt time.Time
}

// Report counts an issue's deliveries.
type Report struct {
	Queued, Accepted, Deferred, Failed, Skipped, Uncertain int64
	Left                                                   int64 // unsubscribed through this issue's links
	Welcomes                                               int64 // of the accepted, how many were welcomes
}

// Total is the number of deliveries.
func (r Report) Total() int64 {
	return r.Queued + r.Accepted + r.Deferred + r.Failed + r.Skipped + r.Uncertain
}
