package signup

import (
	"context"
	"slices"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// LeaveStore keeps who is subscribed to what.
type LeaveStore interface {
	Subscription(ctx context.Context, id epistle.ID) (epistle.Subscription, error)
	Subscriptions(ctx context.Context, subscriber epistle.ID) ([]epistle.Subscription, error)
	Leave(ctx context.Context, subscription epistle.ID, e epistle.Event) error
	LeaveAll(ctx context.Context, subscription epistle.ID, e epistle.Event) error
	Return(ctx context.Context, subscription epistle.ID, since time.Time, e epistle.Event) (int, error)
	SavePreferences(ctx context.Context, id epistle.ID, language epistle.Language, wish epistle.Subscription, e epistle.Event) error
}

// Leaving is what stands behind an unsubscribe or preferences link.
type Leaving struct {
	Newsletter   epistle.Newsletter
	Subscriber   epistle.Subscriber
	Subscription epistle.Subscription
	IssueID      epistle.ID           // whose mail carried the link; 0 if none
	Others       []epistle.Newsletter // that they still get besides
}

// LeaveLookup finds the subscription behind an unsubscribe link and changes
// nothing. NotFound for a token that is forged or foreign, or whose person is
// gone.
func (s *Service) LeaveLookup(ctx context.Context, token string) (Leaving, error) {
	return s.lookup(ctx, seal.ToLeave, token)
}

func (s *Service) lookup(ctx context.Context, p seal.Purpose, token string) (Leaving, error) {
	count := 2
	if p == seal.ToRenew {
		count = 1 // no issue carries such a link
	}
	numbers, err := s.numbers(p, token, count)
	if err != nil {
		return Leaving{}, err
	}
	var at Leaving
	if count == 2 {
		at.IssueID = numbers[1]
	}
	if at.Subscription, err = s.Store.Subscription(ctx, numbers[0]); err != nil {
		return at, noSuchLink(err)
	}
	if at.Subscriber, err = s.Store.Subscriber(ctx, at.Subscription.SubscriberID); err != nil {
		return at, noSuchLink(err)
	}
	newsletters, err := s.Store.Newsletters(ctx)
	if err != nil {
		return at, err
	}
	subscriptions, err := s.Store.Subscriptions(ctx, at.Subscriber.ID)
	if err != nil {
		return at, err
	}
	person := epistle.Person{Subscriptions: subscriptions}
	for _, n := range newsletters {
		switch sub, ok := person.In(n.ID); {
		case n.ID == at.Subscription.NewsletterID:
			at.Newsletter = n
		case ok && sub.State == epistle.Confirmed:
			at.Others = append(at.Others, n)
		}
	}
	return at, nil
}

// LeaveToken is the unsubscribe token of what a preferences link stands for.
func (s *Service) LeaveToken(at Leaving) string {
	return s.Keys.Link(seal.ToLeave, at.Subscription.ID, at.IssueID)
}

// Leave ends the subscription behind an unsubscribe link. It may be repeated;
// a reason that is given later is added. Field "reason" if that is too long.
func (s *Service) Leave(ctx context.Context, token string, way epistle.Way, reason string) error {
	subscription, e, err := s.leaving(token, way, reason)
	if err != nil {
		return err
	}
	return noSuchLink(s.Store.Leave(ctx, subscription, e))
}

// LeaveAll ends every subscription of the person behind an unsubscribe link.
func (s *Service) LeaveAll(ctx context.Context, token string, way epistle.Way) error {
	subscription, e, err := s.leaving(token, way, "")
	if err != nil {
		return err
	}
	return noSuchLink(s.Store.LeaveAll(ctx, subscription, e))
}

// Reasons are the choices that the page offers to those who leave. Each has its
// words under "signup.reason.".
var Reasons = []string{"often", "unasked", "not-mine", "danger"}

// IsReason reports whether s is one of Reasons.
func IsReason(s string) bool { return slices.Contains(Reasons, s) }

// maxReason is how long a reason for leaving may be, in characters.
const maxReason = 1000

func (s *Service) leaving(token string, way epistle.Way, reason string) (epistle.ID, epistle.Event, error) {
	numbers, err := s.numbers(seal.ToLeave, token, 2)
	if err != nil {
		return 0, epistle.Event{}, err
	}
	reason, err = epistle.CleanText("reason", reason, maxReason)
	return numbers[0], epistle.Event{At: s.Clock(), Way: way, IssueID: numbers[1], Reason: reason}, err
}

// UndoWithin is how long a leaving can be taken back from its own link; later,
// people sign up anew.
const UndoWithin = 24 * time.Hour

// Undo takes back what was left through an unsubscribe link during the last
// day. Conflict "signup.undo" if there is nothing to take back that way, and
// "signup.suppressed" if the address must not be mailed.
func (s *Service) Undo(ctx context.Context, token string) error {
	numbers, err := s.numbers(seal.ToLeave, token, 2)
	if err != nil {
		return err
	}
	now := s.Clock()
	returned, err := s.Store.Return(ctx, numbers[0], now.Add(-UndoWithin), epistle.Event{At: now, Way: epistle.ByPage, IssueID: numbers[1]})
	if err == nil && returned == 0 {
		return epistle.Errorf(epistle.Conflict, "signup.undo", nil)
	}
	return noSuchLink(err)
}
