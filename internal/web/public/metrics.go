package public

import (
	"crypto/subtle"
	"net/http"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/web"
)

// Metrics shows counts to who runs the machine: on loopback, or with the token
// of the settings as a bearer token. To everybody else there is no such page.
type Metrics struct {
	Kernel  *web.Kernel
	Handler http.Handler
	Token   string // "" lets nobody in but loopback
}

// Routes is the area's table.
func (m Metrics) Routes() []web.Route {
	return []web.Route{web.Public("GET /metrics", m.show)}
}

func (m Metrics) show(w http.ResponseWriter, r *http.Request) error {
	if !m.mayRead(r) {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	m.Handler.ServeHTTP(w, r)
	return nil
}

// forwarding are the headers by which a proxy tells for whom it asks. A proxy on
// this machine is on loopback too, and what it forwards is not.
var forwarding = []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via"}

func (m Metrics) mayRead(r *http.Request) bool {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && m.Token != "" {
		return subtle.ConstantTimeCompare([]byte(token), []byte(m.Token)) == 1
	}
	for _, name := range forwarding {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	return m.Kernel.ClientIP(r).IsLoopback() && isLoopbackHost(r.Host)
}

// isLoopbackHost keeps out a proxy that adds no header, and pages that point
// their own name at this machine.
func isLoopbackHost(host string) bool {
	if name, _, found := strings.Cut(host, ":"); found && !strings.HasPrefix(host, "[") {
		host = name
	}
	return host == "localhost" || host == "127.0.0.1" || strings.HasPrefix(host, "[::1]")
}
