package desk

import (
	"net/http"

	"epistle/internal/epistle"
	"epistle/internal/web"
)

// page shows one comment, with the form to forget who wrote it for those who
// may.
func (c Comments) page(w http.ResponseWriter, r *http.Request, card commentCard, erase *web.Form) error {
	if !web.ActorFrom(r.Context()).May(epistle.ErasePeople) || card.Address == "" || card.StaffID != 0 {
		erase = nil
	}
	return c.Kernel.Render(w, r, "desk/comment", commentPage{card, erase})
}

// erase forgets who wrote a comment.
func (c Comments) erase(w http.ResponseWriter, r *http.Request) error {
	found, err := c.target(r)
	if err != nil {
		return err
	}
	form := web.FormOf(r)
	err = c.Verb.EraseAuthor(r.Context(), web.ActorFrom(r.Context()), found.ID, form.Value("address"))
	if err := c.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		card, err := c.openCard(r, found)
		if err != nil {
			return err
		}
		return c.page(w, r, card, form)
	}
	c.Kernel.Flash(w, r, web.Good, "people.erased")
	return web.Redirect(w, r, commentsPath(found.State))
}
