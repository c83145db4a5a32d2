package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"epistle/internal/epistle"
)

// statusOf is the one map from kinds of failure to HTTP.
func statusOf(err error) int {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return http.StatusRequestEntityTooLarge
	}
	switch epistle.KindOf(err) {
	case epistle.Invalid:
		return http.StatusUnprocessableEntity
	case epistle.NotFound:
		return http.StatusNotFound
	case epistle.Conflict:
		return http.StatusConflict
	case epistle.Forbidden:
		return http.StatusForbidden
	case epistle.Limited:
		return http.StatusTooManyRequests
	case epistle.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// wrap puts a route's guards around its handler, the cheapest first.
func (k *Kernel) wrap(route Route, guard Guard) http.Handler {
	inner := k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if route.permission != "" {
			if _, ok := StaffFrom(r.Context()); !ok {
				return toSignIn(w, r)
			}
			if err := ActorFrom(r.Context()).Require(route.permission); err != nil {
				return err
			}
		}
		// Only now: strangers must not make the desk read megabytes.
		if route.keepBody {
			r.Body = http.MaxBytesReader(w, r.Body, route.bodyLimit)
			return route.handler(w, r)
		}
		forget, err := readForm(w, r, route.bodyLimit)
		defer forget()
		forgiven := route.open && epistle.KindOf(err) == epistle.Invalid
		if err != nil && !forgiven {
			return err
		}
		k.rememberLanguage(w, r)
		return route.handler(w, r)
	})
	if route.session && guard != nil {
		inner = guard.Load(inner)
	}
	return k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if route.limiter != nil && !route.limiter.Allow(k.ClientKey(r)) {
			if route.turnedAway != nil {
				route.turnedAway()
			}
			w.Header().Set("Retry-After", "60")
			return epistle.Errorf(epistle.Limited, "too-many", nil)
		}
		if !route.open {
			if err := k.cross.Check(r); err != nil {
				return epistle.Errorf(epistle.Forbidden, "web.cross-site", err)
			}
		}
		inner.ServeHTTP(w, r)
		return nil
	})
}

// formMemory is how much of an uploaded file is kept in memory.
const formMemory = 1 << 20

// readForm bounds the body and parses it, if it is a form, so that handlers
// meet neither a half-read body nor a parse error. forget deletes what was kept
// of it on disk: the server does so only for the request that it made itself,
// and ours is a copy.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) (forget func(), err error) {
	forget = func() {
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll()
		}
	}
	if r.Body == nil || r.Body == http.NoBody {
		return forget, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		kind = ""
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case "multipart/form-data":
		err = r.ParseMultipartForm(formMemory)
	default: // no page reads anything else, but its limit holds too
		_, err = io.Copy(io.Discard, r.Body)
	}
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return forget, epistle.Errorf(epistle.Invalid, "web.form", err)
	}
	return forget, err
}

func toSignIn(w http.ResponseWriter, r *http.Request) error {
	target := "/desk/sign-in"
	if r.Method == http.MethodGet && r.URL.Path != "/desk/" {
		target += "?next=" + url.QueryEscape(r.URL.RequestURI())
	}
	return Redirect(w, r, target)
}

// Redirect sends the browser to a path of ours with a GET (303).
func Redirect(w http.ResponseWriter, r *http.Request, path string) error {
	http.Redirect(w, r, path, http.StatusSeeOther)
	return nil
}

// Handle turns a handler that returns an error into one that shows it.
func (k *Kernel) Handle(h HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			k.fail(w, r, err)
		}
	})
}

type errorPage struct {
	Status    int
	Sentence  string
	Reference string // for internal errors, also in the log
}

// fail answers with the error page, unless an answer has begun. A request that
// was broken off gets no answer at all.
func (k *Kernel) fail(w http.ResponseWriter, r *http.Request, err error) {
	status := statusOf(err)
	page := errorPage{Status: status, Sentence: k.Words(r).Error(err)}
	switch {
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // to return would say 200 to whoever still reads
	case status == http.StatusRequestEntityTooLarge:
		page.Sentence = k.Words(r).T("error.web.too-large")
	case status == http.StatusInternalServerError:
		page.Reference = referenceFrom(r.Context())
		k.options.Log.ErrorContext(r.Context(), "request failed", "reference", page.Reference, "route", r.Pattern, "error", err)
	case status == http.StatusServiceUnavailable:
		if isOfTheDatabase(err) {
			page.Sentence = k.Words(r).T("error.web.unavailable")
		}
		k.options.Log.WarnContext(r.Context(), "request put off", "route", r.Pattern, "error", err)
	}
	if answered(w) {
		return
	}
	name := "public/error"
	if _, signedIn := StaffFrom(r.Context()); signedIn && strings.HasPrefix(r.URL.Path, "/desk/") {
		name = "desk/error"
	}
	if err := k.RenderStatus(w, r, status, name, page); err != nil {
		k.options.Log.ErrorContext(r.Context(), "error page failed", "error", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// isOfTheDatabase reports an error whose sentence is for who runs the program,
// not for who reads its pages.
func isOfTheDatabase(err error) bool {
	var known *epistle.Error
	return errors.As(err, &known) && strings.HasPrefix(known.Message, "database.")
}

// recorder remembers what was answered, for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// answered reports whether an answer has begun, whatever wraps the recorder.
func answered(w http.ResponseWriter) bool {
	for {
		if rec, ok := w.(*recorder); ok {
			return rec.status != 0
		}
		inner, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = inner.Unwrap()
	}
}

// Unwrap lets http.ResponseController find the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func referenceFrom(ctx context.Context) string {
	reference, _ := ctx.Value(referenceKey).(string)
	return reference
}

// outermost gives every request a reference, the headers, a log line and a
// net for panics. The log has the route's pattern instead of the path, since
// paths carry tokens.
func (k *Kernel) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now() // a duration, not a moment: the injected clock may stand still
		reference := rand.Text()[:10]
		r = r.WithContext(context.WithValue(r.Context(), referenceKey, reference))
		rec := &recorder{ResponseWriter: w}
		k.setHeaders(w.Header())
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // the value itself, by its contract
					panic(p)
				}
				k.fail(rec, r, fmt.Errorf("panic of type %T at %s", p, debug.Stack()))
			}
			level := slog.LevelInfo
			if r.Pattern == "GET /static/{file...}" || r.Pattern == "GET /healthz" || r.Pattern == "GET /readyz" {
				level = slog.LevelDebug
			}
			k.options.Log.Log(r.Context(), level, "request", "method", r.Method, "route", r.Pattern,
				"status", rec.status, "milliseconds", float64(time.Since(began).Microseconds())/1000, "reference", reference)
		}()
		next.ServeHTTP(rec, r)
	})
}

// pagePolicy is the Content-Security-Policy of every page.
const pagePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"

func (k *Kernel) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	// Not no-referrer: under that, browsers post our own forms with Origin: null.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	if k.secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}
