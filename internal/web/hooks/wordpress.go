// Package hooks takes what other programs post to ours. Each message proves
// itself; nobody is signed in, and nobody is told anything but whether the
// message was taken.
package hooks

import (
	"errors"
	"io"
	"net/http"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/limit"
	"epistle/internal/signup"
	"epistle/internal/web"
	"epistle/internal/wordpress"
)

// WordPress is where the sites post what happens to their comments.
type WordPress struct {
	Kernel *web.Kernel
	Hook   *signup.Hook
}

const (
	maxMessage = 512 << 10 // a comment of WordPress's greatest length, escaped
	// A site with a busy page, from one address.
	messagesBurst = 300
	messagesEvery = 100 * time.Millisecond
	messengers    = 10_000
)

// Routes is the area's table.
func (p WordPress) Routes() []web.Route {
	limiter := limit.New(messagesEvery, messagesBurst, messengers, p.Kernel.Now)
	return []web.Route{
		web.Public("POST /hooks/wordpress/{site}", p.receive).OpenToOtherSites().MaxBody(maxMessage).KeepBody().LimitedBy(limiter),
	}
}

func (p WordPress) receive(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return answer(w, http.StatusRequestEntityTooLarge)
	case err != nil:
		return answer(w, http.StatusBadRequest)
	}
	err = p.Hook.Receive(r.Context(), r.PathValue("site"), wordpress.Message{ID: r.Header.Get(wordpress.HeaderID),
		Timestamp: r.Header.Get(wordpress.HeaderTimestamp), Signature: r.Header.Get(wordpress.HeaderSignature), Body: body})
	if err == nil {
		return answer(w, http.StatusNoContent)
	}
	switch epistle.KindOf(err) {
	case epistle.NotFound:
		return answer(w, http.StatusNotFound)
	case epistle.Forbidden:
		return answer(w, http.StatusUnauthorized)
	case epistle.Invalid:
		return answer(w, http.StatusBadRequest)
	case epistle.Limited, epistle.Unavailable, epistle.Conflict:
		w.Header().Set("Retry-After", "60")
		return answer(w, http.StatusServiceUnavailable)
	}
	return err // an error page with a reference, which is in the log too
}

// answer is for programs: a status and no words.
func answer(w http.ResponseWriter, status int) error {
	w.WriteHeader(status)
	return nil
}
