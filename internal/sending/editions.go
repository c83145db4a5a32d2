package sending

import (
	"sync"

	"epistle/internal/epistle"
	"epistle/internal/render"
	"epistle/internal/store"
)

// editions compiles the editions of one approved issue, each once and when its
// first reader comes.
type editions struct {
	renderer   Renderer
	newsletter epistle.Newsletter
	issue      epistle.Issue

	mu   sync.Mutex
	made map[editionKey]compiled
}

// compiled is an edition, or why there is none.
type compiled struct {
	edition *render.Edition
	err     error
}

type editionKey struct {
	language epistle.Language
	form     epistle.Form
}

func newEditions(r Renderer, n epistle.Newsletter, i epistle.Issue) *editions {
	return &editions{renderer: r, newsletter: n, issue: i, made: map[editionKey]compiled{}}
}

func (e *editions) edition(key editionKey) (*render.Edition, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	made, ok := e.made[key]
	if !ok {
		made.edition, made.err = e.renderer.Compile(e.newsletter, e.issue, key.language, key.form)
		e.made[key] = made
	}
	return made.edition, made.err
}

// wire is one person's mail, the same at every attempt. It is good until the
// scratch is used again.
func (e *editions) wire(s *render.Scratch, r *store.Recipient) (render.Wire, error) {
	edition, err := e.edition(editionKey{r.Language, r.Form})
	if err != nil {
		return render.Wire{}, err
	}
	return edition.Wire(s, render.Recipient{SubscriberID: r.SubscriberID, SubscriptionID: r.SubscriptionID, Seq: r.Seq,
		Name: r.Name, Address: r.Address, Kind: r.Kind, Date: r.FirstAt})
}
