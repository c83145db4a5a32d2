package editorial

import (
	"context"
	"slices"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// NewsletterStore is how Newsletters keeps what it works on.
type NewsletterStore interface {
	Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error)
	UpdateNewsletter(ctx context.Context, n epistle.Newsletter, entry epistle.AuditEntry) (epistle.Newsletter, error)
	Issues(ctx context.Context, f store.IssueFilter) ([]epistle.Issue, error)
	RescheduleIssues(ctx context.Context, by epistle.Actor, slots []store.IssueSlot) error
}

// Newsletters changes what a newsletter is: its words, its schedule, its
// sender. It is safe for concurrent use.
type Newsletters struct {
	Store NewsletterStore
	Clock epistle.Clock
	// Slots lists a newsletter's next slots after a moment; its error says what is
	// wrong with the schedule.
	Slots func(n epistle.Newsletter, after time.Time, count int) ([]time.Time, error)
}

// Update changes a newsletter, if n.Version is still the current one. A changed
// schedule takes the issues along that wait for their slots: the first of them
// gets the first of the new slots, and so on. The errors are Problems with the
// fields of Newsletter.Validate, or Conflict "changed-meanwhile".
func (s *Newsletters) Update(ctx context.Context, actor epistle.Actor, n epistle.Newsletter) (epistle.Newsletter, error) {
	if err := actor.Require(epistle.ChangeSettings); err != nil {
		return epistle.Newsletter{}, err
	}
	if err := s.check(&n); err != nil {
		return epistle.Newsletter{}, err
	}
	before, err := s.Store.Newsletter(ctx, n.ID)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	now := s.Clock()
	after, err := s.Store.UpdateNewsletter(ctx, n, epistle.AuditEntry{At: now, Actor: actor})
	if err != nil || after.Schedule == before.Schedule && after.Zone == before.Zone {
		return after, err
	}
	return after, s.takeAlong(ctx, actor, after, now)
}

// check cleans the texts and reports everything that is wrong.
func (s *Newsletters) check(n *epistle.Newsletter) error {
	var problems epistle.Problems
	clean := func(field string, t *epistle.Text, max int) {
		for _, part := range []struct {
			field string
			text  *string
		}{{field + "_en", &t.EN}, {field + "_ko", &t.KO}} {
			cleaned, err := epistle.CleanLine(part.field, *part.text, max)
			problems.Add(err)
			*part.text = cleaned
		}
	}
	clean("title", &n.Title, epistle.MaxTitle)
	clean("covers", &n.Covers, maxSentence)
	clean("frequency", &n.Frequency, maxSentence)
	clean("sender_name", &n.Sender.Name, epistle.MaxName)
	clean("reply_to_name", &n.ReplyTo.Name, epistle.MaxName)
	problems = appendProblems(problems, n.Validate())
	if n.Schedule != "" {
		_, err := s.Slots(*n, s.Clock(), 1)
		problems.Add(err)
	}
	return problems.Err()
}

// maxSentence bounds what is said beside a sign-up form.
const maxSentence = 300

func appendProblems(all epistle.Problems, err error) epistle.Problems {
	if several, ok := err.(epistle.Problems); ok { //nolint:errorlint // Validate returns Problems itself
		return append(all, several...)
	}
	all.Add(err)
	return all
}

// takeAlong moves the issues that wait for a slot of the old schedule.
func (s *Newsletters) takeAlong(ctx context.Context, actor epistle.Actor, n epistle.Newsletter, now time.Time) error {
	waiting, err := s.Store.Issues(ctx, store.IssueFilter{NewsletterID: &n.ID, SlotFrom: &now,
		States: []epistle.IssueState{epistle.IssueDraft, epistle.IssueApproved, epistle.IssueHeld}})
	if err != nil || len(waiting) == 0 {
		return err
	}
	slices.SortFunc(waiting, func(a, b epistle.Issue) int { return a.SendAt.Compare(b.SendAt) })
	next, err := s.Slots(n, now, len(waiting))
	if err != nil {
		return err
	}
	var moves []store.IssueSlot
	for i, issue := range waiting[:min(len(waiting), len(next))] {
		moves = append(moves, store.IssueSlot{ID: issue.ID, SendAt: next[i]})
	}
	return s.Store.RescheduleIssues(ctx, actor, moves)
}
