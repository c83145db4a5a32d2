package editorial

import (
	"context"
	"strconv"

	"epistle/internal/epistle"
)

type letterStore interface {
	Letter(ctx context.Context, id epistle.ID) (epistle.Letter, error)
	CreateLetter(ctx context.Context, l epistle.Letter, e epistle.AuditEntry) (epistle.ID, error)
	UpdateLetter(ctx context.Context, l epistle.Letter, e epistle.AuditEntry) error
}

// MaxSignatures is how many people may sign one letter.
const MaxSignatures = 6

// CreateLetter keeps a new letter, as a draft unless l.State is Current. Invalid
// fields are title_en, title_ko, body_en, body_ko, signature_N_en and
// signature_N_ko, N from 1.
func (p *Pool) CreateLetter(ctx context.Context, actor epistle.Actor, l epistle.Letter) (epistle.ID, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return 0, err
	}
	l, err := cleanLetter(l)
	if err != nil {
		return 0, err
	}
	l.State, l.CreatedBy = newState(l.State), actor.StaffID
	return p.store.CreateLetter(ctx, l, p.entry(actor, epistle.LetterItem, "create"))
}

// UpdateLetter changes the words of a letter; its state stays. Conflict
// "changed-meanwhile" if somebody else did since l.Version, and Conflict for a
// letter that was mailed or withdrawn.
func (p *Pool) UpdateLetter(ctx context.Context, actor epistle.Actor, l epistle.Letter) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	l, err := cleanLetter(l)
	if err != nil {
		return err
	}
	old, err := p.store.Letter(ctx, l.ID)
	if err != nil {
		return err
	}
	if err := editable(old.State); err != nil {
		return err
	}
	return p.store.UpdateLetter(ctx, l, p.entry(actor, epistle.LetterItem, "update"))
}

func cleanLetter(l epistle.Letter) (epistle.Letter, error) {
	var problems epistle.Problems
	l.Title = lines(&problems, "title", l.Title, epistle.MaxTitle)
	l.Body = paragraphs(&problems, "body", l.Body, epistle.MaxBody)
	var signatures []epistle.Text
	for i, s := range l.Signatures {
		s = lines(&problems, "signature_"+strconv.Itoa(i+1), s, epistle.MaxName)
		if !s.IsZero() {
			signatures = append(signatures, s)
		}
	}
	if l.Signatures = signatures; len(signatures) > MaxSignatures {
		problems.Add(epistle.InvalidField("signature_1_en", "letter.signatures").With("Max", MaxSignatures))
	}
	if len(problems) == 0 {
		need(&problems, "body", l.Body)
	}
	return l, problems.Err()
}
