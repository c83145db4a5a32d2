package fetch_test

import (
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"epistle/internal/fetch"
)

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.215.14": true, "8.8.8.8": true, "1.1.1.1": true, "203.0.114.1": true, "172.32.0.1": true, "100.128.0.1": true, "192.0.1.1": true,
		"2606:2800:220:1::1": true, "2a00:1450::1": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "127.0.0.1": false, "127.255.255.254": false, "10.1.2.3": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.127.255.255": false, "192.0.0.8": false, "192.0.2.1": false,
		"198.18.0.1": false, "198.19.255.255": false, "198.51.100.7": false, "203.0.113.7": false, "192.88.99.1": false,
		"224.0.0.1": false, "239.255.255.250": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fec0::1": false, "fc00::1": false, "fd12:3456::1": false, "ff02::1": false, "64:ff9b::7f00:1": false, "64:ff9b::808:808": false,
		"64:ff9b:1::1": false, "2002:7f00:1::": false, "2002:808:808::": false, "2001::1": false, "2001:db8::1": false, "2001:20::1": false,
		"3fff::1": false, "100::1": false, "5f00::1": false, "4000::1": false,
	} {
		if got := fetch.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %t, want %t", address, got, want)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// FuzzPublic holds the check against the standard library's own judgement.
func FuzzPublic(f *testing.F) {
	for _, seed := range []string{"8.8.8.8", "127.0.0.1", "::ffff:192.168.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fe80::1%1"} {
		f.Add(netip.MustParseAddr(seed).WithZone("").AsSlice())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ip, ok := netip.AddrFromSlice(raw)
		if !ok || !fetch.Public(ip) {
			return
		}
		plain := ip.Unmap()
		if !plain.IsGlobalUnicast() || plain.IsPrivate() || plain.IsLoopback() || plain.IsLinkLocalUnicast() || plain.IsMulticast() || plain.IsUnspecified() {
			t.Errorf("%v is said to be public", ip)
		}
		if mapped := netip.AddrFrom16(plain.As16()); plain.Is4() && !fetch.Public(mapped) {
			t.Errorf("%v is public, %v is not", plain, mapped)
		}
		if ip.Is6() && !ip.Is4In6() { // no IPv4 address of a house in any of the known disguises
			b := ip.As16()
			for _, prefix := range []string{"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96"} {
				if netip.MustParsePrefix(prefix).Contains(netip.AddrFrom16(b)) {
					t.Errorf("%v leads through a translator", ip)
				}
			}
		}
	})
}

// site is a server on loopback and a client that may read exactly it.
func site(t *testing.T, o fetch.Options, handler http.HandlerFunc) (*fetch.Client, string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	o.Allow = append(o.Allow, strings.TrimPrefix(server.URL, "http://"))
	c := fetch.New(o)
	t.Cleanup(c.Close)
	return c, server.URL
}

func wantReason(t *testing.T, err error, want fetch.Reason, what string) {
	t.Helper()
	if fetch.ReasonOf(err) != want {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestWhatIsInTheHouseIsRefused(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was read") }))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	c, outside := site(t, fetch.Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	})
	for _, address := range []string{"http://127.0.0.1" + port, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://127.1.2.3" + port,
		"http://0.0.0.0" + port, "http://[::]" + port, "http://[::1]" + port, "http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://[64:ff9b::7f00:1]/"} {
		_, err := c.Get(t.Context(), fetch.Request{URL: address})
		wantReason(t, err, fetch.Refused, address)
		_, err = c.Get(t.Context(), fetch.Request{URL: outside + "/?to=" + url.QueryEscape(address)})
		wantReason(t, err, fetch.Refused, "redirected to "+address)
		if err != nil && (strings.Contains(err.Error(), "127.") || strings.Contains(err.Error(), "10.0")) {
			t.Errorf("the error names the address: %v", err)
		}
	}
	for _, address := range []string{"ftp://example.org/", "file:///etc/passwd", "http://user:secret@example.org/", "http://", "//example.org", "gopher://x", "http://a b/"} {
		_, err := c.Get(t.Context(), fetch.Request{URL: address})
		wantReason(t, err, fetch.BadURL, address)
	}
	_, err := c.Get(t.Context(), fetch.Request{URL: outside + "/?to=" + url.QueryEscape("file:///etc/passwd")})
	wantReason(t, err, fetch.BadURL, "redirected to a file")
}

func TestTheExceptionIsExact(t *testing.T) {
	c, home := site(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	response, err := c.Get(t.Context(), fetch.Request{URL: home})
	if err != nil || string(response.Body) != "hello" || len(response.Chain) != 1 {
		t.Fatalf("read %+v, %v", response, err)
	}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(home, "http://"))
	_, err = c.Get(t.Context(), fetch.Request{URL: "http://localhost:" + port})
	wantReason(t, err, fetch.Refused, "the same by another name")
}

func TestTheProxyVariablesDoNotCount(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("http_proxy", "http://127.0.0.1:1")
	t.Setenv("ALL_PROXY", "http://127.0.0.1:1")
	c, home := site(t, fetch.Options{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) })
	if _, err := c.Get(t.Context(), fetch.Request{URL: home}); err != nil {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	block := make(chan struct{})
	c, home := site(t, fetch.Options{MaxBody: 1000, Timeout: 500 * time.Millisecond, MaxRedirects: 3}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, _ = w.Write(make([]byte, 1001))
		case "/fits":
			_, _ = w.Write(make([]byte, 1000))
		case "/bomb": // small on the way, large here
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 1<<20))
			_ = z.Close()
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/slow":
			<-block
		case "/drip":
			for range 100 {
				_, _ = w.Write([]byte("."))
				_ = http.NewResponseController(w).Flush()
				select {
				case <-block:
					return
				case <-time.After(50 * time.Millisecond):
				}
			}
		case "/cut":
			w.Header().Set("Content-Length", "500")
			_, _ = w.Write([]byte("half"))
		}
	})
	defer close(block)
	for path, want := range map[string]fetch.Reason{"/large": fetch.TooLarge, "/bomb": fetch.TooLarge, "/fits": "", "/round": fetch.TooManyRedirects,
		"/slow": fetch.TimedOut, "/drip": fetch.TimedOut, "/cut": fetch.Unreachable} {
		_, err := c.Get(t.Context(), fetch.Request{URL: home + path})
		wantReason(t, err, want, path)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, fetch.Request{URL: home + "/fits"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the caller gave up: %v", err)
	}
}

func TestAPasswordStaysWithItsOrigin(t *testing.T) {
	var seen []string
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	c, home := site(t, fetch.Options{Allow: []string{strings.TrimPrefix(elsewhere.URL, "http://")}}, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/near":
			http.Redirect(w, r, "/here", http.StatusFound)
		}
	})
	_, err := c.Get(t.Context(), fetch.Request{URL: home + "/away", User: "u", Password: "p"})
	wantReason(t, err, fetch.LedAway, "to another origin")
	if len(seen) != 1 || seen[0] == "" {
		t.Errorf("the password was seen as %q", seen)
	}
	response, err := c.Get(t.Context(), fetch.Request{URL: home + "/near", User: "u", Password: "p"})
	if err != nil || len(response.Chain) != 2 || response.URL != home+"/here" || seen[2] == "" {
		t.Errorf("to the same origin: %+v, %v, %q", response, err, seen)
	}
	_, err = fetch.New(fetch.Options{}).Get(t.Context(), fetch.Request{URL: "http://blog.example/", User: "u", Password: "p"})
	wantReason(t, err, fetch.Insecure, "without TLS")
}

func TestTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	host := strings.TrimPrefix(server.URL, "https://")
	strangers := fetch.New(fetch.Options{Allow: []string{host}})
	_, err := strangers.Get(t.Context(), fetch.Request{URL: server.URL})
	wantReason(t, err, fetch.Untrusted, "a certificate of nobody's")
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	friend := fetch.New(fetch.Options{Allow: []string{host}, TLS: &tls.Config{RootCAs: roots}})
	t.Cleanup(friend.Close)
	if _, err := friend.Get(t.Context(), fetch.Request{URL: server.URL, User: "u", Password: "p"}); err != nil {
		t.Error(err)
	}
	_, plain := site(t, fetch.Options{}, func(http.ResponseWriter, *http.Request) {})
	both := fetch.New(fetch.Options{Allow: []string{strings.TrimPrefix(plain, "http://")}})
	_, err = both.Get(t.Context(), fetch.Request{URL: strings.Replace(plain, "http:", "https:", 1)})
	wantReason(t, err, fetch.Untrusted, "no TLS there")
}

func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := l.Addr().String()
	_ = l.Close()
	c := fetch.New(fetch.Options{Allow: []string{host}})
	_, err = c.Get(t.Context(), fetch.Request{URL: "http://" + host})
	wantReason(t, err, fetch.Unreachable, "a closed port")
	if err != nil && strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("the error names the address: %v", err)
	}
}
