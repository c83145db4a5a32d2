package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
)

// Options says what the kernel needs.
type Options struct {
	Catalog   *locale.Catalog
	Templates fs.FS // the folder web of package templates
	Ministry  epistle.Text
	PublicURL string         // "https://mail.example.org", without a path
	Location  *time.Location // the ministry's zone, for showing times
	// TrustedProxies may say in X-Forwarded-For who the visitor is.
	TrustedProxies []netip.Prefix
	// Hash is a keyed hash, for whatever remembers visitors for a while.
	Hash  func(kind, value string) []byte
	Clock epistle.Clock
	Log   *slog.Logger
	// Ready reports why requests should go elsewhere; nil when all is well.
	Ready func(ctx context.Context) error
}

// Kernel renders pages and guards requests. It is safe for concurrent use.
type Kernel struct {
	options Options
	origin  string
	secure  bool
	pages   map[epistle.Language]map[string]page
	static  *staticFiles
	cross   *http.CrossOriginProtection
}

// New parses every template and reads every static file, so that a broken one
// stops the program at its start.
func New(o Options) (*Kernel, error) {
	if o.Location == nil {
		o.Location = time.UTC
	}
	k := &Kernel{options: o, cross: http.NewCrossOriginProtection()}
	public, err := url.Parse(o.PublicURL)
	if err != nil || public.Host == "" {
		return nil, epistle.InvalidField("server.public_url", "web.public-url")
	}
	k.origin = public.Scheme + "://" + public.Host
	k.secure = public.Scheme == "https"
	// Behind a proxy the Host header may be the inner one.
	if err := k.cross.AddTrustedOrigin(k.origin); err != nil {
		return nil, epistle.InvalidField("server.public_url", "web.public-url")
	}
	if k.static, err = loadStatic(o.Templates); err != nil {
		return nil, err
	}
	if k.pages, err = k.findPages(); err != nil {
		return nil, err
	}
	return k, nil
}

// Secure reports whether the public address is https; cookies and HSTS depend
// on it.
func (k *Kernel) Secure() bool { return k.secure }

// CookieName is the name under which a cookie is set: with the __Host- prefix,
// which browsers tie to this host and to https, wherever that is possible.
func (k *Kernel) CookieName(name string) string {
	if k.secure {
		return "__Host-" + name
	}
	return name
}

// URL is the public address of a path.
func (k *Kernel) URL(path string) string { return k.origin + path }

// Ministry is its name.
func (k *Kernel) Ministry() epistle.Text { return k.options.Ministry }

// Now is the time.
func (k *Kernel) Now() time.Time { return k.options.Clock() }

// Location is the ministry's zone.
func (k *Kernel) Location() *time.Location { return k.options.Location }

// Log is where the pages log.
func (k *Kernel) Log() *slog.Logger { return k.options.Log }

// ClientIP is the visitor's address: the connection's, or the last address in
// X-Forwarded-For that no trusted proxy added.
func (k *Kernel) ClientIP(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && k.trusts(ip); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = next.Unmap().WithZone("")
	}
	return ip
}

func (k *Kernel) trusts(ip netip.Addr) bool {
	for _, prefix := range k.options.TrustedProxies {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// ClientKey is a keyed hash of the visitor's network (an IPv6 visitor has a
// whole /64), for limits.
func (k *Kernel) ClientKey(r *http.Request) string {
	ip := k.ClientIP(r)
	if ip.Is6() {
		prefix, err := ip.Prefix(64)
		if err == nil {
			ip = prefix.Masked().Addr()
		}
	}
	return string(k.options.Hash("ip", ip.String()))
}
