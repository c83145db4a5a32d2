package public

import (
	"context"
	"net/http"

	"epistle/internal/epistle"
	"epistle/internal/web"
)

// Home is the page at the root of the address: whose house this is, what it
// sends, and where to ask for it.
type Home struct {
	Kernel      *web.Kernel
	Newsletters interface {
		Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	}
}

// Routes is the one page.
func (h Home) Routes() []web.Route {
	return []web.Route{web.Public("GET /{$}", h.show)}
}

type homePage struct {
	Newsletters []epistle.Newsletter
}

func (h Home) show(w http.ResponseWriter, r *http.Request) error {
	newsletters, err := h.Newsletters.Newsletters(r.Context())
	if err != nil {
		return err
	}
	return h.Kernel.Render(w, r, "public/home", homePage{Newsletters: newsletters})
}
