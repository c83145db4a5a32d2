package epistle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// IssueState is where an issue stands.
//
//	draft ─► approved ─► launching ─► sending ─► sent
//	  │  ◄─ edit ─┘          └── paused ──┘
//	  └─► held (unapproved at its slot) ─► approved, launching …
//	any of these before sent ─► cancelled
type IssueState string

const (
	IssueDraft     IssueState = "draft"
	IssueHeld      IssueState = "held"
	IssueApproved  IssueState = "approved"
	IssueLaunching IssueState = "launching"
	IssueSending   IssueState = "sending"
	IssuePaused    IssueState = "paused"
	IssueSent      IssueState = "sent"
	IssueCancelled IssueState = "cancelled"
)

// Issue is one numbered mailing of a newsletter. Its content is a copy: a
// change in the pool does not reach into an issue behind its editors' backs,
// but withdrawing an item does hold every issue that contains it.
type Issue struct {
	ID           ID
	NewsletterID ID
	Number       int64
	State        IssueState
	SendAt       time.Time // its slot; zero for an issue that is only sent by hand
	Content      Content
	EditedBy     ID
	EditedAt     time.Time
	Approval     Approval
	HeldReason   string // a catalogue key under "held.", why it waits or is paused
	LaunchedAt   time.Time
	FinishedAt   time.Time
	CreatedAt    time.Time
	Version      int64
}

// Content is all that readers are shown of an issue.
type Content struct {
	Subject   Text      `json:"subject"`
	Preheader Text      `json:"preheader"` // the line that mailboxes show after the subject
	Sections  []Section `json:"sections"`
}

// SectionKind is the type of a section.
type SectionKind string

const (
	LetterSection    SectionKind = "letter"
	PrayersSection   SectionKind = "prayers"
	NewsSection      SectionKind = "news"
	QuestionsSection SectionKind = "questions"
	VideoSection     SectionKind = "video"
)

// SectionKinds lists the kinds in the order in which an issue shows them.
var SectionKinds = []SectionKind{LetterSection, PrayersSection, NewsSection, QuestionsSection, VideoSection}

// Section is one typed part of an issue.
type Section struct {
	Kind    SectionKind `json:"kind"`
	Heading Text        `json:"heading"` // empty: the kind's own heading from the catalogue
	Items   []Item      `json:"items"`
}

// Item is a piece of a section, copied from the pool. Which fields count
// depends on Kind:
//
//	letter    Title (optional), Body (Markdown), Signatures
//	prayer    Title (headline), Body (paragraph), Project (title of its project)
//	link      Title, Body (summary), URL, Publisher, Date
//	question  Title, URL
//	video     Title, Body, URL
type Item struct {
	Kind       ItemKind `json:"kind"`
	ID         ID       `json:"id"` // in the pool
	Title      Text     `json:"title"`
	Body       Text     `json:"body"`
	Signatures []Text   `json:"signatures,omitempty"`
	Project    Text     `json:"project"`
	URL        Text     `json:"url"` // the same in both languages unless the item has two
	Publisher  string   `json:"publisher,omitempty"`
	Date       string   `json:"date,omitempty"` // "2026-11-19"
}

// Approval binds a second person's yes to what they saw.
type Approval struct {
	By        ID
	At        time.Time
	Digest    string // of the content and the audience rule
	Audience  int64  // how many people the rule named at that moment
	Tolerance int64  // how far the count may drift before launch, in people
}

// AudienceRule is who an issue goes to. The rule is approved, not the list:
// people who leave before launch are not mailed, people who join are.
type AudienceRule struct {
	NewsletterID ID     `json:"newsletter"`
	State        string `json:"state"` // "confirmed"
}

// Audience is the rule of an issue.
func (i Issue) Audience() AudienceRule {
	return AudienceRule{NewsletterID: i.NewsletterID, State: string(Confirmed)}
}

// Digest is the SHA-256, in hex, of all that an approval binds.
func (i Issue) Digest() string {
	doc, err := json.Marshal(struct {
		Issue    ID           `json:"issue"`
		Content  Content      `json:"content"`
		Audience AudienceRule `json:"audience"`
	}{i.ID, i.Content, i.Audience()})
	if err != nil {
		panic(err) // strings, numbers and slices of them always marshal
	}
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:])
}

// IsApproved reports whether the issue carries an approval of exactly its
// present content and audience rule.
func (i Issue) IsApproved() bool {
	return i.Approval.By != 0 && i.Approval.Digest == i.Digest()
}

// Editable reports whether the content may still be changed. A paused issue may
// be corrected; it goes on only after a new approval.
func (i Issue) Editable() bool {
	switch i.State {
	case IssueDraft, IssueHeld, IssueApproved, IssuePaused:
		return true
	}
	return false
}

// Contains reports whether the issue shows an item of the pool.
func (c Content) Contains(kind ItemKind, id ID) bool {
	for _, s := range c.Sections {
		for _, item := range s.Items {
			if item.Kind == kind && item.ID == id {
				return true
			}
		}
	}
	return false
}
