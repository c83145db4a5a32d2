package epistle

import "time"

// Project is a work of the ministry.
type Project struct {
	ID      ID
	Slug    string
	Title   Text
	PageURL string
}

// ItemKind names the sorts of things that wait in the pool.
type ItemKind string

const (
	LetterItem   ItemKind = "letter"
	PrayerItem   ItemKind = "prayer"
	LinkItem     ItemKind = "link"
	QuestionItem ItemKind = "question"
	VideoItem    ItemKind = "video"
)

// ItemState is where a letter, prayer, question or video stands.
type ItemState string

const (
	Drafted   ItemState = "drafted"
	Current   ItemState = "current" // may be put into an issue
	Used      ItemState = "used"    // went out; letters and videos are used once
	Answered  ItemState = "answered"
	Withdrawn ItemState = "withdrawn"
	Expired   ItemState = "expired"
)

// Letter is a letter in Markdown (the letter dialect of package render).
type Letter struct {
	ID         ID
	Title      Text
	Body       Text
	Signatures []Text // "Warmly in Christ," is part of the body; each signature is a line
	State      ItemState
	CreatedBy  ID
	CreatedAt  time.Time
	Version    int64
}

// Prayer is a prayer request: a headline and a paragraph.
type Prayer struct {
	ID        ID
	ProjectID ID // may be zero
	LinkID    ID // may be zero; it hangs on that news link
	Headline  Text
	Body      Text
	State     ItemState
	ExpiresAt time.Time // zero: never
	CreatedBy ID
	CreatedAt time.Time
	Version   int64
}

// LinkState is where a news link stands on its way to being trusted.
type LinkState string

const (
	LinkSubmitted LinkState = "submitted"
	LinkConfirmed LinkState = "confirmed"
	LinkRejected  LinkState = "rejected"
	LinkWithdrawn LinkState = "withdrawn"
)

// Link is a news link and its evidence.
type Link struct {
	ID          ID
	URL         string
	Title       Text
	Summary     Text   // a sentence or two of the ministry's own
	Publisher   string // its name, as shown
	PublishedOn string // the publisher's own date, "2026-11-19"
	Note        string // why it is trusted, for the second person
	State       LinkState
	SubmittedBy ID
	SubmittedAt time.Time
	DecidedBy   ID
	DecidedAt   time.Time
	Solo        bool   // confirmed by the person who submitted it, in solo mode
	Reason      string // why it was rejected
	Version     int64
}

// Question is one that readers ask, with the ministry's own answer elsewhere.
type Question struct {
	ID        ID
	Text      Text
	URL       Text // the answer's page in each language
	State     ItemState
	CreatedAt time.Time
	Version   int64
}

// Video is a video with a few words; the mail links to it.
type Video struct {
	ID        ID
	Title     Text
	Body      Text
	URL       string
	State     ItemState
	CreatedAt time.Time
	Version   int64
}

// Ready is what may be put into an issue now: letters and videos that are
// current and were never mailed, current prayers that have not expired,
// confirmed links that were never mailed (the latest publication first), and
// current questions, those that readers have not seen for longest first.
type Ready struct {
	Letters   []Letter
	Prayers   []Prayer
	Links     []Link
	Questions []Question
	Videos    []Video
	Projects  map[ID]Project
}
