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
	EditPerson(ctx context.Context, person epistle.Subscriber, subscriptions []epistle.Subscription, e epistle.Event, entry epistle.AuditEntry) error
	AddNote(ctx context.Context, n epistle.Note, entry epistle.AuditEntry) error
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

// Edit is what staff may change about a person: the name and the language, and
// how each newsletter comes to them. The address is the person's own affair:
// their consent is tied to it.
type Edit struct {
	SubscriberID  epistle.ID
	Version       int64 // of the person, as it was looked at
	Name          string
	Language      epistle.Language
	Subscriptions []epistle.Subscription // ID, Form, Pace and PausedUntil count
	Note          string                 // why; may be empty
}

// EditPerson changes a person at their wish. Problems name the fields "name",
// "language", "form", "pace", "note"; Conflict "changed-meanwhile" that somebody
// else was quicker.
func (s *Service) EditPerson(ctx context.Context, actor epistle.Actor, e Edit) error {
	if err := actor.Require(epistle.ChangePeople); err != nil {
		return err
	}
	var problems epistle.Problems
	name, err := epistle.CleanLine("name", e.Name, epistle.MaxName)
	problems.Add(err)
	language, err := epistle.ParseLanguage(string(e.Language))
	problems.Add(err)
	note, err := epistle.CleanText("note", e.Note, maxEvidence)
	problems.Add(err)
	for _, n := range e.Subscriptions {
		if n.Pace != epistle.Weekly && n.Pace != epistle.Monthly {
			problems.Add(epistle.InvalidField("pace", "signup.choice"))
		}
		if n.Form != epistle.Full && n.Form != epistle.Discreet {
			problems.Add(epistle.InvalidField("form", "signup.choice"))
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	return s.Store.EditPerson(ctx, epistle.Subscriber{ID: e.SubscriberID, Name: name, Language: language, Version: e.Version}, e.Subscriptions,
		epistle.Event{At: s.Clock(), Way: epistle.ByDesk, Reason: note}, s.entry(actor, "subscriber.edit"))
}

// AddNote keeps what staff want to remember of a person, sealed. Field "text" if
// there is nothing.
func (s *Service) AddNote(ctx context.Context, actor epistle.Actor, subscriber epistle.ID, text string) error {
	if err := actor.Require(epistle.ChangePeople); err != nil {
		return err
	}
	text, err := epistle.CleanText("text", text, maxPersonNote)
	if err == nil && text == "" {
		err = epistle.InvalidField("text", "text.missing")
	}
	if err != nil {
		return err
	}
	return s.Store.AddNote(ctx, epistle.Note{SubscriberID: subscriber, StaffID: actor.StaffID, Text: text, CreatedAt: s.Clock()}, s.entry(actor, "subscriber.note"))
}

// maxPersonNote is how long a note on a person may be, in characters.
const maxPersonNote = 2000

// Erase forgets a person at their wish, for good: their name, address, notes,
// consents and history. A keyed hash keeps the address from being mailed until
// they sign up again themselves; deliveries keep counting. confirmed is the
// word that staff typed to show that they mean it: the address itself. Field
// "address" if it is another one.
func (s *Service) Erase(ctx context.Context, actor epistle.Actor, subscriber epistle.ID, confirmed string) error {
	if err := actor.Require(epistle.ErasePeople); err != nil {
		return err
	}
	person, err := s.Store.Subscriber(ctx, subscriber)
	if err != nil {
		return err
	}
	if address, err := epistle.ParseAddress(confirmed); err != nil || address.Canonical() != person.Address.Canonical() {
		return epistle.InvalidField("address", "signup.erase")
	}
	return s.Store.Erase(ctx, subscriber, s.entry(actor, "subscriber.erase"))
}
