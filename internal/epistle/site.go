package epistle

import (
	"net/url"
	"strings"
	"time"
)

// Site is a WordPress site whose comments come here, by its hook, by reading
// them, or both.
type Site struct {
	ID             ID
	Slug           string // in the address of its hook
	URL            string // of its home page, canonical
	Secret         string // signs the hook's messages; "" takes none
	OldSecret      string // counts as well while the site changes to the new one
	User           string // of an Editor
	Password       string // an application password of theirs; "": comments are not read
	WordingVersion int64  // what its box showed last; zero when it never did
	HookedAt       time.Time
	PolledAt       time.Time // the last complete look
	PollAfter      time.Time // no look before that
	Failures       int64     // looks that failed since the last complete one
	Problem        string    // why, a key under "error.site."; "" for none
	Newest         int64     // every comment up to this one was read
	Swept          int64     // how far known comments were looked at again
	CreatedAt      time.Time
	RetiredAt      time.Time // when it was disconnected; zero while it is connected
	Version        int64
}

// Host is the site's host as people know it.
func (s Site) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		return s.URL
	}
	return u.Host
}

// ReadsComments reports whether the site's comments are looked for.
func (s Site) ReadsComments() bool { return s.Password != "" }

// Validate reports everything that is wrong with what people may set.
func (s Site) Validate() error {
	var p Problems
	if !isSlug(s.Slug) {
		p.Add(InvalidField("slug", "slug"))
	}
	if canonical, err := ParsePageURL("url", s.URL); err != nil {
		p.Add(err)
	} else if canonical != s.URL || strings.Contains(s.URL, "?") {
		p.Add(InvalidField("url", "url.invalid"))
	}
	for field, value := range map[string]string{"user": s.User, "password": s.Password} {
		if len(value) > MaxName || strings.ContainsFunc(value, unsafeInCredential) || field == "user" && strings.Contains(value, ":") {
			p.Add(InvalidField(field, "site.credential"))
		}
	}
	if (s.User == "") != (s.Password == "") {
		p.Add(InvalidField("password", "site.both"))
	}
	return p.Err()
}

func unsafeInCredential(r rune) bool { return r < ' ' || r == 0x7f }

// Origin is where a comment was written.
type Origin string

const (
	FromThread    Origin = "form"      // under our own thread
	FromWordPress Origin = "wordpress" // under a page of a site, lately
	FromArchive   Origin = "import"    // long ago: a lead, no request
)

// Telling says how a site speaks of a comment.
type Telling string

const (
	ToldCreated Telling = "created" // as it came; what is known already is newer
	ToldNow     Telling = "now"     // as it is at Arrival.At
	ToldDeleted Telling = "deleted" // gone for good
)

// Arrival is a comment as a site tells of it. SourceID is the site's own number
// for it, which no site gives out twice.
type Arrival struct {
	SiteID         ID
	SourceID       int64
	ParentSourceID int64 // zero for a comment under the page itself
	Telling        Telling
	At             time.Time // by the site's clock; of two tellings the later counts
	MessageID      string    // of the hook's message; one that came before changes nothing
	Origin         Origin
	State          CommentState
	PageURL        string // canonical
	PageTitle      string // as it is now
	PageDigest     string // SHA-256 of the page's text in hexadecimal; "" when it is not known
	Name           string
	Address        Address // "" when the site has none that is one
	Body           string
	IP             string
	Language       Language
	WantsUpdates   bool     // the box was ticked
	WordingVersion int64    // of the words beside the box
	BoxLanguage    Language // in which they stood there; "" when it is not known
	CreatedAt      time.Time
}

// Arrived says what became of an arrival.
type Arrived struct {
	CommentID    ID
	Outcome      ArrivalOutcome
	State        CommentState // of the comment now
	Origin       Origin
	WantsUpdates bool
	Asked        bool // its ticked box has led to its mail
	CreatedAt    time.Time
}

// ArrivalOutcome is what an arrival changed.
type ArrivalOutcome string

const (
	ArrivalNew     ArrivalOutcome = "new"
	ArrivalChanged ArrivalOutcome = "changed"
	ArrivalDeleted ArrivalOutcome = "deleted"
	ArrivalSame    ArrivalOutcome = "same" // known already, or overtaken by what came later
)
