package signup

import (
	"context"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// Pause is how long someone wants no mail.
type Pause string

const (
	NoPause        Pause = ""
	KeepPause      Pause = "keep" // the one that runs
	PauseTwoWeeks  Pause = "2w"
	PauseMonth     Pause = "1m"
	PauseQuarter   Pause = "3m"
	PauseHalfAYear Pause = "6m"
)

// Pauses lists the choices, the shortest first.
var Pauses = []Pause{PauseTwoWeeks, PauseMonth, PauseQuarter, PauseHalfAYear}

// until is the end of a pause that begins now: the same time of day in the
// newsletter's zone.
func (p Pause) until(now time.Time, loc *time.Location, running time.Time) (time.Time, error) {
	local := now.In(loc)
	switch p {
	case NoPause:
		return time.Time{}, nil
	case KeepPause:
		return running, nil
	case PauseTwoWeeks:
		return local.AddDate(0, 0, 14).UTC(), nil
	case PauseMonth:
		return local.AddDate(0, 1, 0).UTC(), nil
	case PauseQuarter:
		return local.AddDate(0, 3, 0).UTC(), nil
	case PauseHalfAYear:
		return local.AddDate(0, 6, 0).UTC(), nil
	}
	return time.Time{}, epistle.InvalidField("pause", "signup.choice")
}

// Wishes are what a subscriber may change about being mailed.
type Wishes struct {
	Language epistle.Language
	Pace     epistle.Pace
	Form     epistle.Form
	Pause    Pause
}

// Preferences finds what stands behind a preferences link and changes nothing.
// NotFound for a token that is forged or foreign, or whose person is gone.
func (s *Service) Preferences(ctx context.Context, token string) (Leaving, error) {
	return s.lookup(ctx, seal.ToPrefer, token)
}

// SavePreferences keeps what a subscriber wishes. The language is the person's,
// for every newsletter; the rest belongs to this one. Problems name the fields
// "language", "pace", "form", "pause"; Conflict "signup.left-already" means
// that they have left.
func (s *Service) SavePreferences(ctx context.Context, token string, w Wishes) error {
	at, err := s.Preferences(ctx, token)
	if err != nil {
		return err
	}
	var problems epistle.Problems
	_, err = epistle.ParseLanguage(string(w.Language))
	problems.Add(err)
	if w.Pace != epistle.Weekly && w.Pace != epistle.Monthly {
		problems.Add(epistle.InvalidField("pace", "signup.choice"))
	}
	if w.Form != epistle.Full && w.Form != epistle.Discreet {
		problems.Add(epistle.InvalidField("form", "signup.choice"))
	}
	loc, err := at.Newsletter.Location()
	if err != nil {
		return err
	}
	until, err := w.Pause.until(s.Clock(), loc, at.Subscription.PausedUntil)
	problems.Add(err)
	if err := problems.Err(); err != nil {
		return err
	}
	return s.Store.SavePreferences(ctx, at.Subscription.ID, w.Language,
		epistle.Subscription{Pace: w.Pace, Form: w.Form, PausedUntil: until},
		epistle.Event{At: s.Clock(), Kind: epistle.EventPreferences, Way: epistle.ByPreferences, IssueID: at.IssueID})
}
