package public_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/storetest"
	"epistle/internal/web"
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

// signupConnections is how many visitors post at once.
const signupConnections = 64

// BenchmarkSubscribe posts the form b.N times over real HTTP, each time for
// another address from another network, and then finds a pending sign-up and
// its mail for every answer of 200:
// go test -bench Subscribe -benchtime 20000x ./internal/web/public/
func BenchmarkSubscribe(b *testing.B) {
	for name, databaseURL := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			clock := storetest.NewClock()
			s := storetest.Open(b, databaseURL(b), clock.Now)
			d := newDoor(b, s, clock)
			kernel := webtest.KernelWith(b, clock.Now, func(o *web.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
			verb := signup.New(signup.Options{Store: s, Catalog: webtest.Catalog(b), Keys: s.Keys(), Clock: clock.Now, Log: slog.New(slog.DiscardHandler),
				Strangers: signup.Strangers{Burst: 2 * b.N, PerHour: 1}})
			server := httptest.NewServer(kernel.Handler(nil, public.NewSubscribe(kernel, verb, d.stamps)))
			defer server.Close()
			stamp := d.stamps.New()
			clock.Advance(5 * time.Second)

			b.ResetTimer()
			var next atomic.Int64
			group, _ := errgroup.WithContext(b.Context())
			for range signupConnections {
				group.Go(func() error { return postForms(server.Listener.Addr().String(), stamp, &next, int64(b.N)) })
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "signups/s")
			b.ReportMetric(float64(b.Elapsed().Microseconds())*signupConnections/float64(b.N), "µs/answer")

			pending, err := s.CountSignups(b.Context(), epistle.SignupPending)
			if err != nil || pending != int64(b.N) {
				b.Fatalf("%d sign-ups wait, want %d; error %v", pending, b.N, err)
			}
			mailed := map[epistle.Address]bool{}
			for {
				notices, err := s.ClaimNotices(b.Context(), "bench", time.Hour, 5000)
				if err != nil {
					b.Fatal(err)
				}
				for _, n := range notices {
					mailed[n.To] = true
				}
				if len(notices) == 0 {
					break
				}
			}
			for i := range b.N {
				if !mailed[epistle.Address(benchAddress(int64(i)))] {
					b.Fatalf("person %d got no mail", i)
				}
			}
		})
	}
}

func benchAddress(i int64) string { return fmt.Sprintf("person%d@mail%d.example.org", i, i%997) }

// postForms posts on one connection until n forms were posted by all.
func postForms(address, stamp string, next *atomic.Int64, n int64) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	answers := bufio.NewReader(conn)
	for i := next.Add(1) - 1; i < n; i = next.Add(1) - 1 {
		form := url.Values{"email": {benchAddress(i)}, "name": {"Grace Kim"}, "language": {"en"}, "stamp": {stamp}, "website": {""}}.Encode()
		_, err := fmt.Fprintf(conn, "POST /subscribe HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 10.%d.%d.%d\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", i>>16&255, i>>8&255, i&255, len(form), form)
		if err != nil {
			return err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return err
		}
		if _, err := bufio.NewReader(answer.Body).Discard(int(max(0, answer.ContentLength))); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("form %d was answered with %s", i, answer.Status)
		}
	}
	return nil
}
