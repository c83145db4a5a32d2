package editorial

import (
	"context"

	"epistle/internal/epistle"
)

type questionStore interface {
	Question(ctx context.Context, id epistle.ID) (epistle.Question, error)
	CreateQuestion(ctx context.Context, n epistle.Question, e epistle.AuditEntry) (epistle.ID, error)
	UpdateQuestion(ctx context.Context, n epistle.Question, e epistle.AuditEntry) error
}

// CreateQuestion keeps a new question, as a draft unless n.State is Current. It
// needs its words and the page of its answer in at least one language. Invalid
// fields are text_en, text_ko, url_en and url_ko.
func (p *Pool) CreateQuestion(ctx context.Context, actor epistle.Actor, n epistle.Question) (epistle.ID, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return 0, err
	}
	n, err := cleanQuestion(n)
	if err != nil {
		return 0, err
	}
	n.State = newState(n.State)
	return p.store.CreateQuestion(ctx, n, p.entry(actor, epistle.QuestionItem, "create"))
}

// UpdateQuestion changes a question; its state stays. Conflict
// "changed-meanwhile" if somebody else did since n.Version, and Conflict for a
// withdrawn one.
func (p *Pool) UpdateQuestion(ctx context.Context, actor epistle.Actor, n epistle.Question) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	n, err := cleanQuestion(n)
	if err != nil {
		return err
	}
	old, err := p.store.Question(ctx, n.ID)
	if err != nil {
		return err
	}
	if err := editable(old.State); err != nil {
		return err
	}
	return p.store.UpdateQuestion(ctx, n, p.entry(actor, epistle.QuestionItem, "update"))
}

func cleanQuestion(n epistle.Question) (epistle.Question, error) {
	var problems epistle.Problems
	n.Text = lines(&problems, "text", n.Text, epistle.MaxTitle)
	n.URL.EN = optionalURL(&problems, "url_en", n.URL.EN)
	n.URL.KO = optionalURL(&problems, "url_ko", n.URL.KO)
	if len(problems) == 0 {
		need(&problems, "text", n.Text)
		paired(&problems, "text", n.Text, n.URL)
		if n.URL.IsZero() {
			problems.Add(epistle.InvalidField("url_en", "question.answer.missing"))
		}
	}
	return n, problems.Err()
}

func optionalURL(problems *epistle.Problems, field, s string) string {
	if s == "" {
		return ""
	}
	a, err := ParseWebAddress(field, s)
	if err != nil {
		problems.Add(err)
		return s
	}
	return a.URL
}
