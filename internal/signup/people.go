package signup

import (
	"context"

	"epistle/internal/epistle"
)

// PeopleStore changes how subscribers stand, at the word of staff.
type PeopleStore interface {
	Suppress(ctx context.Context, subscriber epistle.ID, reason epistle.SuppressionReason, e epistle.Event, entry epistle.AuditEntry) error
	LiftSuppression(ctx context.Context, subscriber epistle.ID, e epistle.Event, entry epistle.AuditEntry) error
	LeaveOnBehalf(ctx context.Context, subscription epistle.ID, e epistle.Event, entry epistle.AuditEntry) error
}

// Suppress keeps a person from being mailed, whatever is imported later and
// whoever signs them up; the note says why. Field "note" if it is missing.
func (s *Service) Suppress(ctx context.Context, actor epistle.Actor, subscriber epistle.ID, note string) error {
	e, err := s.byDesk(actor, note)
	if err != nil {
		return err
	}
	return s.Store.Suppress(ctx, subscriber, epistle.ByStaff, e, s.entry(actor, "subscriber.suppress"))
}

// Lift ends what Suppress began. Any other suppression gives a Conflict
// "signup.not-lifted": only the person themselves can end that.
func (s *Service) Lift(ctx context.Context, actor epistle.Actor, subscriber epistle.ID, note string) error {
	e, err := s.byDesk(actor, note)
	if err != nil {
		return err
	}
	return s.Store.LiftSuppression(ctx, subscriber, e, s.entry(actor, "subscriber.lift"))
}

// LeaveOnBehalf unsubscribes a person who asked staff for it.
func (s *Service) LeaveOnBehalf(ctx context.Context, actor epistle.Actor, subscription epistle.ID, note string) error {
	e, err := s.byDesk(actor, note)
	if err != nil {
		return err
	}
	return s.Store.LeaveOnBehalf(ctx, subscription, e, s.entry(actor, "subscriber.leave"))
}

// byDesk checks the actor and the note of a change to a person.
func (s *Service) byDesk(actor epistle.Actor, note string) (epistle.Event, error) {
	if err := actor.Require(epistle.ChangePeople); err != nil {
		return epistle.Event{}, err
	}
	note, err := epistle.CleanText("note", note, maxEvidence)
	if err == nil && note == "" {
		err = epistle.InvalidField("note", "signup.note")
	}
	return epistle.Event{At: s.Clock(), Way: epistle.ByDesk, Reason: note}, err
}
