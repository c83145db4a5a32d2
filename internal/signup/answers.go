package signup

import (
	"context"
	"strings"

	"epistle/internal/epistle"
)

// AnswerStore keeps saved answers.
type AnswerStore interface {
	SavedAnswer(ctx context.Context, id epistle.ID) (epistle.SavedAnswer, error)
	CreateSavedAnswer(ctx context.Context, a epistle.SavedAnswer, e epistle.AuditEntry) (epistle.ID, error)
	UpdateSavedAnswer(ctx context.Context, a epistle.SavedAnswer, e epistle.AuditEntry) error
	DeleteSavedAnswer(ctx context.Context, id epistle.ID, e epistle.AuditEntry) error
}

// Answers are what staff save to answer comments with. A body may hold
// placeholders in brackets, in the words of either language: [name], [page],
// [ministry] or [이름], [글], [단체].
type Answers struct {
	Store AnswerStore
	Clock epistle.Clock
}

// Placeholders lists what may stand in brackets, in each language, in the same
// order.
var Placeholders = map[epistle.Language][]string{
	epistle.English: {"[name]", "[page]", "[ministry]"},
	epistle.Korean:  {"[이름]", "[글]", "[단체]"},
}

// Fill puts what is true of a comment in the place of the placeholders.
func Fill(body, name, page, ministry string) string {
	var pairs []string
	for _, l := range epistle.Languages {
		for i, placeholder := range Placeholders[l] {
			pairs = append(pairs, placeholder, []string{name, page, ministry}[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(body)
}

// Create keeps a new answer. What is wrong with it comes back at once
// (epistle.Problems; fields "title_en", "title_ko", "body_en", "body_ko"); one
// language is enough.
func (a Answers) Create(ctx context.Context, actor epistle.Actor, answer epistle.SavedAnswer) (epistle.ID, error) {
	if err := actor.Require(epistle.Moderate); err != nil {
		return 0, err
	}
	answer, err := cleanAnswer(answer)
	if err != nil {
		return 0, err
	}
	answer.CreatedBy = actor.StaffID
	return a.Store.CreateSavedAnswer(ctx, answer, a.entry(actor, "answer.create"))
}

// Change changes an answer, if nobody did since its version: Conflict.
func (a Answers) Change(ctx context.Context, actor epistle.Actor, answer epistle.SavedAnswer) error {
	if err := actor.Require(epistle.Moderate); err != nil {
		return err
	}
	answer, err := cleanAnswer(answer)
	if err != nil {
		return err
	}
	return a.Store.UpdateSavedAnswer(ctx, answer, a.entry(actor, "answer.change"))
}

// Delete removes an answer.
func (a Answers) Delete(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	if err := actor.Require(epistle.Moderate); err != nil {
		return err
	}
	return a.Store.DeleteSavedAnswer(ctx, id, a.entry(actor, "answer.delete"))
}

func (a Answers) entry(actor epistle.Actor, action string) epistle.AuditEntry {
	return epistle.AuditEntry{At: a.Clock(), Actor: actor, Action: action, Subject: "saved_answer"}
}

// cleanAnswer cleans what was typed. A title and a body are needed, in the same
// language.
func cleanAnswer(a epistle.SavedAnswer) (epistle.SavedAnswer, error) {
	var problems epistle.Problems
	clean := func(field string, s *string, read func(field, s string, max int) (string, error), max int) {
		text, err := read(field, *s, max)
		problems.Add(err)
		*s = text
	}
	clean("title_en", &a.Title.EN, epistle.CleanLine, epistle.MaxTitle)
	clean("title_ko", &a.Title.KO, epistle.CleanLine, epistle.MaxTitle)
	clean("body_en", &a.Body.EN, epistle.CleanText, epistle.MaxComment)
	clean("body_ko", &a.Body.KO, epistle.CleanText, epistle.MaxComment)
	if a.Title.EN == "" && a.Title.KO == "" {
		problems.Add(epistle.InvalidField("title_en", "text.missing"))
	}
	switch {
	case a.Body.EN == "" && (a.Title.EN != "" || a.Body.KO == ""):
		problems.Add(epistle.InvalidField("body_en", "text.missing"))
	case a.Body.KO == "" && a.Title.KO != "":
		problems.Add(epistle.InvalidField("body_ko", "text.missing"))
	}
	return a, problems.Err()
}

// StarterAnswers are three answers to begin with, from the catalogue; staff
// change them to what is true of their ministry.
func StarterAnswers(word func(l epistle.Language, key string) string) []epistle.SavedAnswer {
	var all []epistle.SavedAnswer
	for _, name := range []string{"bibles", "volunteering", "english"} {
		text := func(part string) epistle.Text {
			key := "answers.starter." + name + "." + part
			return epistle.Text{EN: word(epistle.English, key), KO: word(epistle.Korean, key)}
		}
		all = append(all, epistle.SavedAnswer{Title: text("title"), Body: text("body")})
	}
	return all
}
