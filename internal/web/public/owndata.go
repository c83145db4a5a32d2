package public

import (
	"net/http"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// mailOwnLink mails a fresh link: the one in old mails must not open what is
// known of a person.
func (p Subscribe) mailOwnLink(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	var err error
	switch web.FormOf(r).Value("do") {
	case "data":
		err = p.Signup.AskOwnData(r.Context(), token)
	case "erase":
		err = p.Signup.AskErase(r.Context(), token)
	default:
		err = epistle.Errorf(epistle.Invalid, "web.form", nil)
	}
	if err != nil {
		return err
	}
	p.Kernel.Flash(w, r, web.Good, "signup.own.sent")
	return web.Redirect(w, r, "/preferences/"+token)
}

type ownPage struct {
	Token   string
	Address epistle.Address
	Expired bool
	Erased  bool
	Own     *signup.Own // once asked for
	History []ownLine
}

// own finds the person behind a fresh link; page.Expired if its time is over.
func (p Subscribe) own(r *http.Request, purpose seal.Purpose) (*http.Request, ownPage, error) {
	page := ownPage{Token: r.PathValue("token")}
	person, err := p.Signup.OwnLink(r.Context(), purpose, page.Token)
	if epistle.KindOf(err) == epistle.Conflict {
		page.Expired = true
		return r, page, nil
	}
	page.Address = person.Subscriber.Address
	return web.PreferLanguage(r, person.Subscriber.Language), page, err
}

func (p Subscribe) ownData(w http.ResponseWriter, r *http.Request) error {
	r, page, err := p.own(r, seal.ToOwnData)
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "public/own-data", page)
}

// giveOwnData shows everything on a page, or gives it as a file.
func (p Subscribe) giveOwnData(w http.ResponseWriter, r *http.Request) error {
	r, page, err := p.own(r, seal.ToOwnData)
	if err != nil {
		return err
	}
	if page.Expired {
		return p.Kernel.RenderStatus(w, r, http.StatusGone, "public/own-data", page)
	}
	own, err := p.Signup.OwnData(r.Context(), page.Token)
	if err != nil {
		return err
	}
	if web.FormOf(r).Value("do") == "show" {
		page.Own = &own
		for _, e := range own.Events {
			page.History = append(page.History, lineOf(e))
		}
		return p.Kernel.RenderStatus(w, r, http.StatusOK, "public/own-data", page)
	}
	data, err := own.File()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="my-data.json"`)
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(data)
	return err
}

// ownLine is something that happened, with what somebody wrote about it.
type ownLine struct {
	epistle.Event
	Choice string // a key of the catalogue, or ""
	Words  string
}

func lineOf(e epistle.Event) ownLine {
	first, rest, _ := strings.Cut(e.Reason, "\n")
	switch {
	case e.Kind == epistle.EventLeft && signup.IsReason(first):
		return ownLine{Event: e, Choice: "signup.reason." + first, Words: rest}
	case e.Way == epistle.ByDesk:
		return ownLine{Event: e, Words: e.Reason}
	}
	return ownLine{Event: e} // the reasons of programs are in the file
}

func (p Subscribe) erasing(w http.ResponseWriter, r *http.Request) error {
	r, page, err := p.own(r, seal.ToErase)
	if err != nil {
		return err
	}
	return p.Kernel.Render(w, r, "public/erase", page)
}

// erase answers in place: behind the link there is nobody any more.
func (p Subscribe) erase(w http.ResponseWriter, r *http.Request) error {
	r, page, err := p.own(r, seal.ToErase)
	if err != nil {
		return err
	}
	if page.Expired {
		return p.Kernel.RenderStatus(w, r, http.StatusGone, "public/erase", page)
	}
	if err := p.Signup.EraseOwn(r.Context(), page.Token); err != nil {
		return err
	}
	page.Erased = true
	return p.Kernel.RenderStatus(w, r, http.StatusOK, "public/erase", page)
}

type renewPage struct {
	signup.Leaving
	Token   string
	Wording string
	Belief  string // "" where the newsletter asks for no separate consent
	Leave   string
	Left    bool
	Renewed bool
}

// renewing shows what the link would do, or what it did; it changes nothing.
func (p Subscribe) renewing(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	at, err := p.Signup.Renewal(r.Context(), token)
	if err != nil {
		return err
	}
	l := at.Subscriber.Language
	page := renewPage{Leaving: at, Token: token, Wording: p.Signup.Wording(at.Newsletter, l), Leave: "/u/" + p.Signup.LeaveToken(at),
		Left: at.Subscription.State != epistle.Confirmed, Renewed: r.URL.Query().Has("thanks")}
	if at.Newsletter.Consent.Separate {
		page.Belief = p.Signup.BeliefWording(l)
	}
	return p.Kernel.Render(w, web.PreferLanguage(r, l), "public/renew", page)
}

func (p Subscribe) renew(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	err := p.Signup.Renew(r.Context(), token, p.Kernel.ClientIP(r).String())
	if err != nil && epistle.KindOf(err) != epistle.Conflict { // who has left is told so by the page
		return err
	}
	return web.Redirect(w, r, "/renew/"+token+"?thanks")
}
