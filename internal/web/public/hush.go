package public

import (
	"net/http"

	"epistle/internal/web"
)

type hushPage struct{ Done bool }

// hushing shows the button that ends mails about answers; it changes nothing.
func (c Comments) hushing(w http.ResponseWriter, r *http.Request) error {
	return c.Kernel.Render(w, r, "public/hush", hushPage{r.URL.Query().Has("done")})
}

// hush ends them: for a mail provider (RFC 8058) without cookie, redirect or
// page, for a person with a page that says so.
func (c Comments) hush(w http.ResponseWriter, r *http.Request) error {
	if err := c.Verb.StopReplies(r.Context(), r.PathValue("token")); err != nil {
		return err
	}
	if web.FormOf(r).Value("do") != "stop" {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	return web.Redirect(w, r, "/replies/"+r.PathValue("token")+"?done")
}
