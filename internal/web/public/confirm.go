package public

import (
	"net/http"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

type confirmPage struct {
	signup.Waiting
	Token  string
	Form   *web.Form
	Belief string         // the sentence of the separate consent
	Done   *confirmedPage // once confirmed
	Left   bool           // confirmed once, and left since
}

type confirmedPage struct {
	signup.Confirmation
	Preferences string
	First       firstUpdate
}

// firstUpdate says when the first mail comes, in the newsletter's zone.
type firstUpdate struct {
	When string // "tonight", "today", "tomorrow", "day"; "" if it came already
	At   time.Time
	City string // of a zone that has no words of its own
}

// waiting shows a button, or what became of the link; it changes nothing.
func (p Subscribe) waiting(w http.ResponseWriter, r *http.Request) error {
	return p.showWaiting(w, r, web.NewForm())
}

func (p Subscribe) showWaiting(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	token := r.PathValue("token")
	waiting, err := p.Signup.Lookup(r.Context(), token)
	if err != nil {
		return err
	}
	r = web.PreferLanguage(r, waiting.Signup.Language)
	page := confirmPage{Waiting: waiting, Token: token, Form: form, Belief: p.Signup.BeliefWording(waiting.Signup.Language)}
	if waiting.Signup.State == epistle.SignupConfirmed {
		done, err := p.Signup.Confirmed(r.Context(), waiting)
		if err != nil {
			return err
		}
		page.Left = done.Subscription.State != epistle.Confirmed
		page.Done = &confirmedPage{Confirmation: done, Preferences: p.Signup.PreferencesPath(done.Subscription.ID, 0),
			First: firstUpdateOf(done, p.Kernel.Now())}
	}
	return p.Kernel.Render(w, r, "public/confirm", page)
}

func (p Subscribe) confirm(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	form, confirm := web.FormOf(r), p.Signup.Confirm
	if form.Has("belief", "yes") {
		confirm = p.Signup.ConfirmSeparately
	}
	_, err := confirm(r.Context(), token, p.Kernel.ClientIP(r).String())
	if epistle.KindOf(err) == epistle.Invalid {
		if err := p.Kernel.Refuse(r, form, err); err != nil {
			return err
		}
		return p.showWaiting(w, r, form)
	}
	if epistle.KindOf(err) == epistle.Conflict {
		waiting, lookup := p.Signup.Lookup(r.Context(), token)
		if lookup == nil && waiting.Signup.State == epistle.SignupExpired {
			return web.Redirect(w, r, "/confirm/"+token) // which says so and offers to ask again
		}
	}
	if err != nil {
		return err
	}
	return web.Redirect(w, r, "/confirm/"+token)
}

// refuse is for who never asked.
func (p Subscribe) refuse(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if err := p.Signup.RefuseWaiting(r.Context(), token); err != nil {
		return err
	}
	return web.Redirect(w, r, "/confirm/"+token)
}

type notMePage struct {
	signup.Waiting
	Token string
}

// refusing shows what the link in the mail of somebody whom staff signed up
// would do, or what it did; it changes nothing.
func (p Subscribe) refusing(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	waiting, err := p.Signup.Refusal(r.Context(), token)
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, web.PreferLanguage(r, waiting.Signup.Language), "public/not-me", notMePage{waiting, token})
}

func (p Subscribe) notMe(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if err := p.Signup.Refuse(r.Context(), token); err != nil {
		return err
	}
	return web.Redirect(w, r, "/not-me/"+token)
}

func (p Subscribe) again(w http.ResponseWriter, r *http.Request) error {
	if err := p.Signup.AskAgain(r.Context(), r.PathValue("token"), p.Kernel.ClientIP(r).String()); err != nil {
		return err
	}
	return web.Redirect(w, r, "/subscribe/sent")
}

// evening begins when people speak of tonight.
const evening = 17

func firstUpdateOf(done signup.Confirmation, now time.Time) firstUpdate {
	loc, err := done.Newsletter.Location()
	if err != nil || done.FirstUpdateAt.IsZero() {
		return firstUpdate{}
	}
	at, today := done.FirstUpdateAt.In(loc), now.In(loc)
	first := firstUpdate{When: "day", At: at, City: cityOf(done.Newsletter.Zone)}
	switch at.Format(time.DateOnly) {
	case today.Format(time.DateOnly):
		first.When = "today"
		if at.Hour() >= evening {
			first.When = "tonight"
		}
	case today.AddDate(0, 0, 1).Format(time.DateOnly):
		first.When = "tomorrow"
	}
	return first
}
