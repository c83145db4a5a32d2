package desk

import (
	"net/http"
	"strconv"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Answers are the pages on which staff keep the answers that they give often.
type Answers struct {
	Kernel  *web.Kernel
	Store   *store.Store
	Verb    signup.Answers
	Catalog *locale.Catalog
}

// Routes is the area's table.
func (a Answers) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/answers", epistle.ReadDesk, a.list),
		web.Desk("POST /desk/answers", epistle.Moderate, a.create),
		web.Desk("POST /desk/answers/starter", epistle.Moderate, a.starter),
		web.Desk("GET /desk/answers/{id}", epistle.ReadDesk, a.show),
		web.Desk("POST /desk/answers/{id}", epistle.Moderate, a.change),
		web.Desk("POST /desk/answers/{id}/delete", epistle.Moderate, a.remove),
	}
}

type answersPage struct {
	Answers []epistle.SavedAnswer
	Answer  epistle.SavedAnswer // the one on its own page
	Form    *web.Form
}

func (a Answers) list(w http.ResponseWriter, r *http.Request) error {
	return a.showList(w, r, web.NewForm())
}

func (a Answers) showList(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	all, err := a.Store.SavedAnswers(r.Context())
	if err != nil {
		return err
	}
	return a.Kernel.Render(w, r, "desk/answers", answersPage{Answers: all, Form: form})
}

func answerOf(form *web.Form) epistle.SavedAnswer {
	version, _ := strconv.ParseInt(form.Value("version"), 10, 64)
	return epistle.SavedAnswer{Version: version, Title: epistle.Text{EN: form.Value("title_en"), KO: form.Value("title_ko")},
		Body: epistle.Text{EN: form.Value("body_en"), KO: form.Value("body_ko")}}
}

func (a Answers) create(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	_, err := a.Verb.Create(r.Context(), web.ActorFrom(r.Context()), answerOf(form))
	if err := a.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return a.showList(w, r, form)
	}
	a.Kernel.Flash(w, r, web.Good, "answers.saved")
	return web.Redirect(w, r, "/desk/answers")
}

// starter adds the samples, where there is nothing yet.
func (a Answers) starter(w http.ResponseWriter, r *http.Request) error {
	all, err := a.Store.SavedAnswers(r.Context())
	if err != nil || len(all) > 0 {
		return orRedirect(w, r, err, "/desk/answers")
	}
	word := func(l epistle.Language, key string) string { return a.Catalog.In(l).T(key) }
	for _, answer := range signup.StarterAnswers(word) {
		if _, err := a.Verb.Create(r.Context(), web.ActorFrom(r.Context()), answer); err != nil {
			return err
		}
	}
	a.Kernel.Flash(w, r, web.Good, "answers.started")
	return web.Redirect(w, r, "/desk/answers")
}

func orRedirect(w http.ResponseWriter, r *http.Request, err error, path string) error {
	if err != nil {
		return err
	}
	return web.Redirect(w, r, path)
}

func (a Answers) target(r *http.Request) (epistle.SavedAnswer, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return epistle.SavedAnswer{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return a.Store.SavedAnswer(r.Context(), id)
}

func (a Answers) show(w http.ResponseWriter, r *http.Request) error {
	answer, err := a.target(r)
	if err != nil {
		return err
	}
	form := web.NewForm("title_en", answer.Title.EN, "title_ko", answer.Title.KO, "body_en", answer.Body.EN, "body_ko", answer.Body.KO)
	return a.Kernel.Render(w, r, "desk/answer", answersPage{Answer: answer, Form: form})
}

func (a Answers) change(w http.ResponseWriter, r *http.Request) error {
	before, err := a.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	answer := answerOf(form)
	answer.ID = before.ID
	if err := a.Kernel.Refuse(r, form, a.Verb.Change(r.Context(), web.ActorFrom(r.Context()), answer)); err != nil {
		return err
	}
	if form.Failed() {
		return a.Kernel.Render(w, r, "desk/answer", answersPage{Answer: before, Form: form})
	}
	a.Kernel.Flash(w, r, web.Good, "answers.saved")
	return web.Redirect(w, r, "/desk/answers")
}

func (a Answers) remove(w http.ResponseWriter, r *http.Request) error {
	answer, err := a.target(r)
	if err != nil {
		return err
	}
	if err := a.Verb.Delete(r.Context(), web.ActorFrom(r.Context()), answer.ID); err != nil {
		return err
	}
	a.Kernel.Flash(w, r, web.Good, "answers.deleted")
	return web.Redirect(w, r, "/desk/answers")
}
