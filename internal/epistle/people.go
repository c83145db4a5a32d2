package epistle

import "time"

// StaffMember is someone who signs in to the desk.
type StaffMember struct {
	ID         ID
	Address    Address
	Name       string
	Role       Role
	Language   Language
	CreatedAt  time.Time
	DisabledAt time.Time
	Version    int64
}

// Actor is the member as the hand behind a change.
func (m StaffMember) Actor() Actor { return StaffActor(m.ID, m.Role) }

// Newsletter is a titled series with a schedule.
type Newsletter struct {
	ID             ID
	Slug           string
	Title          Text
	Covers         Text // what it covers: a phrase shown wherever people sign up
	Frequency      Text // how often it comes: a phrase shown beside it
	WordingVersion int64
	Schedule       string // five cron fields, wall time in Zone
	Zone           string // IANA name
	WelcomeAt      string // wall time of the daily welcome slot, "20:00"
	AssembleLead   time.Duration
	Grace          time.Duration // how late an approval may still send at once
	Sender         Mailbox       // From
	ReplyTo        Mailbox       // a person
	SoloMode       bool          // the same person may confirm after an hour
	Consent        ConsentRules
	Hold           bool // what may have arrived before a crash is held, not sent again
	CreatedAt      time.Time
	Version        int64
}

// ConsentRules are what a newsletter asks of consent besides a confirmation.
type ConsentRules struct {
	Separate bool // a tick of its own for data that show a religious interest
	Renewed  bool // brought to mind every two years; silence keeps it
}

// Mailbox is a named address of the ministry's own, shown in headers.
type Mailbox struct {
	Name    Text
	Address Address
}

// Location loads the newsletter's zone.
func (n Newsletter) Location() (*time.Location, error) {
	loc, err := time.LoadLocation(n.Zone)
	if err != nil {
		return nil, InvalidField("zone", "zone.unknown")
	}
	return loc, nil
}

// Subscriber is a person with an address. There is no row before they confirmed
// (or a staff act counts as confirmation).
type Subscriber struct {
	ID        ID
	Address   Address
	Name      string // may be empty
	Language  Language
	CreatedAt time.Time
	Version   int64
}

// SubscriptionState is where a person stands with one newsletter.
type SubscriptionState string

const (
	Confirmed SubscriptionState = "confirmed"
	Left      SubscriptionState = "left" // by their own wish; back only by their own confirmation
)

// Form is how much of an issue's detail an edition shows.
type Form string

const (
	Full     Form = "full"
	Discreet Form = "discreet" // a neutral subject and sender for readers in danger
)

// Pace is how often a subscriber wants issues.
type Pace string

const (
	Weekly  Pace = "weekly"
	Monthly Pace = "monthly" // the first issue of each month
)

// Subscription ties a subscriber to one newsletter.
type Subscription struct {
	ID           ID
	SubscriberID ID
	NewsletterID ID
	State        SubscriptionState
	Form         Form
	Pace         Pace
	PausedUntil  time.Time
	ConfirmedAt  time.Time
	LeftAt       time.Time
	WelcomeAt    time.Time // when the welcome is due; zero once it is settled
	RenewedAt    time.Time // when they were last reminded of their consent, or gave it again
	Version      int64
}

// SuppressionReason says why an address must not be mailed.
type SuppressionReason string

const (
	AddressGone SuppressionReason = "gone"
	Complained  SuppressionReason = "complained"
	Erased      SuppressionReason = "erased"
	ByStaff     SuppressionReason = "staff"
	NotThem     SuppressionReason = "not-me" // somebody else had given their address
)

// SignupSource is where a sign-up came from.
type SignupSource string

const (
	FromComment SignupSource = "comment"
	FromForm    SignupSource = "form"
	FromHand    SignupSource = "hand"
	FromImport  SignupSource = "import"
	FromRenewal SignupSource = "renewal" // of a consent only: given again
)

// SignupState is where a sign-up stands.
type SignupState string

const (
	SignupPending   SignupState = "pending"
	SignupConfirmed SignupState = "confirmed"
	SignupExpired   SignupState = "expired"
	SignupRefused   SignupState = "refused"
)

// SignupLifetime is how long a confirmation link works.
const SignupLifetime = 14 * 24 * time.Hour

// Signup is the request that may become a subscription, with its source and
// wording.
type Signup struct {
	ID             ID
	NewsletterID   ID
	Source         SignupSource
	State          SignupState
	Name           string
	Address        Address
	Language       Language
	PageURL        string // where it was asked for
	CommentID      ID     // the comment behind it, if one is
	StaffID        ID     // who invited or added the person, if staff did
	Evidence       string // what staff noted: "church card, 3 May"
	Wording        string // what the person agreed to, as shown, with scope and frequency
	WordingVersion int64
	IP             string
	CreatedAt      time.Time
	ExpiresAt      time.Time
	ConfirmedAt    time.Time
	RemindedAt     time.Time // at most once
	RefusedAt      time.Time // "that was not me"
	SubscriberID   ID        // once confirmed
}

// Consent is the evidence that someone asked. It is never changed.
type Consent struct {
	ID             ID
	SubscriberID   ID
	NewsletterID   ID
	SignupID       ID
	Source         SignupSource
	AskedAt        time.Time
	GivenAt        time.Time
	PageURL        string
	Wording        string
	WordingVersion int64
	Language       Language
	BeliefWording  string // the separate sentence, where the newsletter asked for one
	IP             string // of the confirming request
	Evidence       string
	StaffID        ID
}

// EventKind is something that happened between us and a subscriber.
type EventKind string

const (
	EventConfirmed   EventKind = "confirmed"
	EventLeft        EventKind = "left"
	EventReturned    EventKind = "returned" // undid an unsubscribe
	EventPreferences EventKind = "preferences"
	EventSuppressed  EventKind = "suppressed"
	EventLifted      EventKind = "lifted" // a suppression ended, by their own confirmation or by staff
	EventEdited      EventKind = "edited" // by staff
	EventRenewed     EventKind = "renewed"
	EventExported    EventKind = "exported" // took their own data
)

// RenewalEvery is how long a consent stands before its giver is reminded of it,
// where the newsletter says so (Network Act of Korea, Article 50-8).
const RenewalEvery = 2 // years

// Note is what staff wrote down about a person.
type Note struct {
	ID           ID
	SubscriberID ID
	StaffID      ID
	Text         string
	CreatedAt    time.Time
}

// SignupSite is a site under whose pages people comment, and whether staff may
// sign up at once whoever asks for it there.
type SignupSite struct {
	Host      string
	SignUpNow bool
}

// Way is how a subscriber acted.
type Way string

const (
	ByOneClick    Way = "one-click" // RFC 8058
	ByPage        Way = "page"
	ByPreferences Way = "preferences"
	ByDesk        Way = "desk"
	ByImport      Way = "import"
	ByReply       Way = "reply" // what a mail server answered
)

// Event records what happened, for reports and for the person's history.
type Event struct {
	ID           ID
	At           time.Time
	Kind         EventKind
	Way          Way
	SubscriberID ID
	NewsletterID ID
	IssueID      ID     // the issue whose link was used, if one was
	Reason       string // what the person chose or wrote
}

// Page is a page of the ministry's under which people comment.
type Page struct {
	ID        ID
	URL       string
	Title     Text
	ProjectID ID
	CreatedAt time.Time
	// ThreadVersion counts the changes in what readers see of its comments.
	ThreadVersion int64
}

// SavedAnswer is an answer that staff give again and again. Its body may hold
// placeholders; see signup.Answers.
type SavedAnswer struct {
	ID        ID
	Title     Text
	Body      Text
	CreatedBy ID
	CreatedAt time.Time
	Version   int64
}

// CommentState is where a comment stands with the moderators.
type CommentState string

const (
	CommentPending  CommentState = "pending"
	CommentApproved CommentState = "approved"
	CommentSpam     CommentState = "spam"
	CommentTrash    CommentState = "trash"
)

// Comment is what someone wrote under a page. Replies have a ParentID and no
// number; there is one level of them.
type Comment struct {
	ID           ID
	PageID       ID
	ParentID     ID
	Number       int64 // given at approval, top-level comments only; 0 before
	Name         string
	Address      Address // never shown
	Body         string  // plain text
	Language     Language
	State        CommentState
	StaffID      ID   // set when staff wrote it
	WantsUpdates bool // ticked the box
	WantsReplies bool // ticked "mail me when somebody answers", and did not stop it
	SignupID     ID   // the sign-up that came of it
	IP           string
	Origin       Origin
	PageTitle    string // of its page when it came
	PageDigest   string // SHA-256 of the page's text then, in hexadecimal; "" when it is not known
	CreatedAt    time.Time
	DecidedAt    time.Time
	DecidedBy    ID
}

// AuditEntry records a change made by staff or the system. Detail holds no
// address, name or token.
type AuditEntry struct {
	ID        ID
	At        time.Time
	Actor     Actor
	Action    string // "issue.approve"
	Subject   string // "issue"
	SubjectID ID
	Detail    string
}
