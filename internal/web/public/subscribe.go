package public

import (
	"net/http"
	"sync"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// Subscribe is how people sign up, confirm, leave, and change how they are
// mailed; all without signing in to anything.
type Subscribe struct {
	Kernel *web.Kernel
	Signup *signup.Service
	Stamps signup.Stamps // the signed times in the form
	asking *limit.Limiter
	thanks *sync.Map // the answer to everybody, by language
}

// A visitor's network may ask for mails in a burst, a meeting that signs up
// together, then one a minute.
const (
	askingBurst    = 15
	askingEvery    = time.Minute
	askingNetworks = 20000
)

// NewSubscribe makes the area.
func NewSubscribe(k *web.Kernel, s *signup.Service, stamps signup.Stamps) Subscribe {
	// As many networks are told apart as may ask at once.
	networks := max(askingNetworks, s.Strangers.Burst)
	return Subscribe{Kernel: k, Signup: s, Stamps: stamps, asking: limit.New(askingEvery, askingBurst, networks, k.Now), thanks: &sync.Map{}}
}

// Routes are the area's pages.
func (p Subscribe) Routes() []web.Route {
	turnedAway := func() { p.Signup.Count(signup.OverNetwork) }
	return []web.Route{
		web.Public("GET /subscribe", p.form),
		web.Public("POST /subscribe", p.ask).LimitedBy(p.asking).Counting(turnedAway),
		web.Public("GET /subscribe/sent", p.sent),

		web.Public("GET /confirm/{token}", p.waiting),
		web.Public("POST /confirm/{token}", p.confirm),
		web.Public("POST /confirm/{token}/again", p.again).LimitedBy(p.asking).Counting(turnedAway),

		web.Public("POST /confirm/{token}/refuse", p.refuse),
		web.Public("GET /not-me/{token}", p.refusing),
		web.Public("POST /not-me/{token}", p.notMe),
		web.Public("GET /renew/{token}", p.renewing),
		web.Public("POST /renew/{token}", p.renew),

		// RFC 8058: mail providers post here for their users, with nothing but
		// the token.
		web.Public("GET /u/{token}", p.leaving),
		web.Public("POST /u/{token}", p.leave).OpenToOtherSites(),

		web.Public("GET /preferences/{token}", p.preferences),
		web.Public("POST /preferences/{token}", p.prefer),
		web.Public("POST /preferences/{token}/own", p.mailOwnLink).LimitedBy(p.asking).Counting(turnedAway),
		web.Public("GET /my-data/{token}", p.ownData),
		web.Public("POST /my-data/{token}", p.giveOwnData),
		web.Public("GET /erase/{token}", p.erasing),
		web.Public("POST /erase/{token}", p.erase),
	}
}

type subscribePage struct {
	Form        *web.Form
	Newsletters []epistle.Newsletter
	Stamp       string
	Closed      bool // the flood switch is on
}

func (p Subscribe) form(w http.ResponseWriter, r *http.Request) error {
	form := web.NewForm("newsletter", r.URL.Query().Get("newsletter"))
	return p.showForm(w, r, form)
}

func (p Subscribe) showForm(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	offer, err := p.Signup.Offer(r.Context())
	if err != nil {
		return err
	}
	if form.Value("language") == "" {
		form.Set("language", string(p.Kernel.Language(r)))
	}
	return p.Kernel.Render(w, r, "public/subscribe", subscribePage{Form: form, Newsletters: offer.Newsletters, Stamp: p.Stamps.New(), Closed: !offer.ClosedAt.IsZero()})
}

// trap is a field that people cannot see; programs fill it in.
const trap = "website"

func (p Subscribe) ask(w http.ResponseWriter, r *http.Request) error {
	form := web.FormOf(r)
	if form.Value(trap) != "" {
		p.Signup.Count(signup.Trapped)
	} else {
		err := p.request(r, form)
		if err := p.Kernel.Refuse(r, form, err); err != nil {
			return err
		}
		if form.Failed() {
			return p.showForm(w, r, form)
		}
	}
	// At once, without a redirect: a phone on a slow network waits once, and a page
	// that is loaded again asks again, which mails nothing within the minute.
	return p.thank(w, r)
}

// thank is sent as the answer to a form, rendered once a language.
func (p Subscribe) thank(w http.ResponseWriter, r *http.Request) error {
	if p.Kernel.HasFlashes(r) {
		return p.sent(w, r)
	}
	l := p.Kernel.Language(r)
	body, known := p.thanks.Load(l)
	if !known {
		made, err := p.Kernel.Compose(r, sentPage, struct{}{})
		if err != nil {
			return err
		}
		body, _ = p.thanks.LoadOrStore(l, made)
	}
	return p.Kernel.SendPage(w, r, http.StatusOK, body.([]byte))
}

const sentPage = "public/subscribe-sent"

func (p Subscribe) request(r *http.Request, form *web.Form) error {
	if err := p.Stamps.Check(form.Value("stamp")); err != nil {
		p.Signup.Count(signup.OutcomeOf(err))
		return err
	}
	return p.Signup.Request(r.Context(), signup.Request{Source: epistle.FromForm, Slug: form.Value("newsletter"),
		Address: form.Value("email"), Name: form.Value("name"), Language: epistle.Language(form.Value("language")),
		PageURL: p.Kernel.URL("/subscribe"), IP: p.Kernel.ClientIP(r).String()})
}

// sent is the one answer for everybody.
func (p Subscribe) sent(w http.ResponseWriter, r *http.Request) error {
	return p.Kernel.RenderStatus(w, r, http.StatusOK, sentPage, struct{}{})
}
