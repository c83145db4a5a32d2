package web

import (
	"net/http"

	"epistle/internal/epistle"
	"epistle/internal/limit"
)

// HandlerFunc answers a request or returns the error that the kernel shows.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Area is a group of pages that belong together.
type Area interface {
	Routes() []Route
}

// Route is one line of an area's table. Make it with Public, Desk or DeskDoor.
type Route struct {
	pattern    string
	handler    HandlerFunc
	session    bool               // the staff session is loaded
	permission epistle.Permission // "" lets everybody in
	open       bool               // other sites may post
	bodyLimit  int64
	keepBody   bool // the handler reads it, whatever it is
	limiter    *limit.Limiter
	turnedAway func() // called when the limiter refuses; may be nil
}

// DefaultBodyLimit is how many bytes a request may carry unless its route says
// otherwise.
const DefaultBodyLimit = 64 << 10

// Public is a route for everybody: "GET /subscribe".
func Public(pattern string, h HandlerFunc) Route {
	return Route{pattern: pattern, handler: h, bodyLimit: DefaultBodyLimit}
}

// Desk is a route for signed-in staff who have the permission. Others are sent
// to the sign-in page or told that they may not.
func Desk(pattern string, p epistle.Permission, h HandlerFunc) Route {
	return Route{pattern: pattern, handler: h, session: true, permission: p, bodyLimit: DefaultBodyLimit}
}

// DeskDoor is a route of the desk that must work before anybody is signed in:
// sign-in, forgotten password.
func DeskDoor(pattern string, h HandlerFunc) Route {
	return Route{pattern: pattern, handler: h, session: true, bodyLimit: DefaultBodyLimit}
}

// OpenToOtherSites lets requests of other origins through: only for what
// carries its own proof, such as the one-click POST of RFC 8058. A form that
// arrives damaged is let through too, as far as it can be read: somebody who
// leaves must not have to wait until another program is mended.
func (r Route) OpenToOtherSites() Route { r.open = true; return r }

// MaxBody sets how many bytes a request may carry.
func (r Route) MaxBody(bytes int64) Route { r.bodyLimit = bytes; return r }

// KeepBody leaves the body to the handler, within its limit, also when it looks
// like a form: for messages whose signature covers every byte.
func (r Route) KeepBody() Route { r.keepBody = true; return r }

// LimitedBy counts each request against the visitor's network and answers 429
// when there were too many.
func (r Route) LimitedBy(l *limit.Limiter) Route { r.limiter = l; return r }

// Counting has count called whenever the limiter turns a request away.
func (r Route) Counting(count func()) Route { r.turnedAway = count; return r }

// Guard knows who is signed in.
type Guard interface {
	// Load hands next a request whose context has the signed-in member (see
	// WithStaff), if there is one, and keeps the session's changes.
	Load(next http.Handler) http.Handler
}

// Handler mounts the areas, the static files and the health checks. guard may
// be nil when there is no desk.
func (k *Kernel) Handler(guard Guard, areas ...Area) http.Handler {
	mux := http.NewServeMux()
	mount := func(route Route) { mux.Handle(route.pattern, k.wrap(route, guard)) }
	for _, area := range areas {
		for _, route := range area.Routes() {
			mount(route)
		}
	}
	mount(Public("GET /static/{file...}", k.serveStatic))
	mount(Public("GET /healthz", k.healthz))
	mount(Public("GET /readyz", k.readyz))
	if guard != nil {
		mount(Route{pattern: "/desk/", handler: notFound, session: true, permission: epistle.ReadDesk, bodyLimit: DefaultBodyLimit})
	}
	mount(Public("/", notFound))
	return k.outermost(mux)
}

func notFound(http.ResponseWriter, *http.Request) error {
	return epistle.Errorf(epistle.NotFound, "not-found", nil)
}

func (k *Kernel) healthz(w http.ResponseWriter, _ *http.Request) error {
	return plain(w, http.StatusOK, "ok")
}

func (k *Kernel) readyz(w http.ResponseWriter, r *http.Request) error {
	if k.options.Ready != nil {
		if err := k.options.Ready(r.Context()); err != nil {
			k.options.Log.Warn("not ready", "error", err)
			return plain(w, http.StatusServiceUnavailable, k.Words(r).Error(err))
		}
	}
	return plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write([]byte(text + "\n"))
	return err
}
