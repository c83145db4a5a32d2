package epistle

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Standing is where an address stands with one newsletter. Whatever there is
// none of is zero.
type Standing struct {
	Subscriber   Subscriber
	Subscription Subscription
	Suppressed   SuppressionReason
	PendingUntil time.Time // when a sign-up that waits for its confirmation expires
}

// Person is a subscriber with all that says whether they are mailed.
type Person struct {
	Subscriber    Subscriber
	Subscriptions []Subscription
	Suppressed    SuppressionReason // "" if mail may go to them
}

// In is the person's subscription to a newsletter, if they have one.
func (p Person) In(newsletter ID) (Subscription, bool) {
	for _, s := range p.Subscriptions {
		if s.NewsletterID == newsletter {
			return s, true
		}
	}
	return Subscription{}, false
}

// PeopleFilter chooses subscribers; zero fields choose all.
type PeopleFilter struct {
	NewsletterID ID
	State        SubscriptionState
	Language     Language
	Form         Form
	Pace         Pace
	Paused       bool // at present
	Suppressed   SuppressionReason
	NotMailed    bool // suppressed for any reason
	Before       ID   // the next page: ids below this one; zero for the newest
}

// PeopleCount is how many subscriptions of a newsletter stand alike.
type PeopleCount struct {
	NewsletterID ID
	State        SubscriptionState
	Language     Language
	Count        int64
}

// SignupFilter chooses sign-ups; zero fields choose all.
type SignupFilter struct {
	State  SignupState
	Before ID // the next page: ids below this one; zero for the newest
}

// MailLimit bounds what one address gets because somebody typed it somewhere.
type MailLimit struct {
	Mails  int
	Within time.Duration
}

// ImportOutcome is what became of one imported person.
type ImportOutcome string

const (
	ImportAdded          ImportOutcome = "added"
	ImportAlready        ImportOutcome = "already"         // subscribed before
	ImportLeftKept       ImportOutcome = "left-kept"       // went by their own wish and stays gone
	ImportSuppressedKept ImportOutcome = "suppressed-kept" // must not be mailed
)

// MayBeLifted reports whether a person's own confirmation ends a suppression.
// What staff decided stands until staff lift it.
func (r SuppressionReason) MayBeLifted() bool { return r != ByStaff }

// CanonicalName is the form by which a whole name is found: compatibility
// forms folded, lower case, without spaces, so that "김 은혜" finds "김은혜".
func CanonicalName(name string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(name))), "")
}

// Received is one issue that went to a person, or should have gone.
type Received struct {
	Delivery
	NewsletterID ID
	Number       int64 // of the issue
}
