package signup

import "epistle/internal/epistle"

// Request is someone's wish to get a newsletter, as it was typed.
type Request struct {
	NewsletterID epistle.ID
	Source       epistle.SignupSource
	Address      string // raw
	Name         string // raw
	Language     epistle.Language
	PageURL      string     // where it was asked for
	CommentID    epistle.ID // the comment behind it, if one is
	IP           string
}
