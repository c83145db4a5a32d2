package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"
	"time"

	"epistle/internal/bench/rig"
	"epistle/internal/epistle"
	"epistle/internal/storetest"
)

// comments is how many a thread has; onPage how many of them its first page
// shows.
const (
	comments = 500
	onPage   = 100
)

// measuring is one daemon while it is measured.
type measuring struct {
	bench
	site   *rig.Site
	daemon *rig.Daemon
	server *storetest.Cluster // nil on SQLite
}

// cpu is what the daemon and the database's server have used so far.
func (m measuring) cpu() (daemon, server time.Duration, err error) {
	if daemon, err = m.daemon.CPU(); err == nil && m.server != nil {
		server, err = rig.ServerCPU(m.server)
	}
	return daemon, server, err
}

// during runs a load and fills in what it took.
func (m measuring) during(ctx context.Context, what string, l load, most int64) (row, error) {
	r := row{database: m.site.Database, what: what}
	daemon, server, err := m.cpu()
	if err != nil {
		return r, err
	}
	began := time.Now()
	r.requests, r.each, err = l.run(ctx, most)
	r.took = time.Since(began)
	if err != nil {
		return r, err
	}
	r.cpu, r.server, err = m.cpu()
	r.cpu, r.server = r.cpu-daemon, r.server-server
	return r, err
}

func (m measuring) thread(ctx context.Context) (row, error) {
	return m.look(ctx, thread, "/comments?page="+url.QueryEscape(rig.ThreadPage), `id="c%d"`)
}

func (m measuring) embedded(ctx context.Context) (row, error) {
	return m.look(ctx, embed, "/comments/embed?page="+url.QueryEscape(rig.ThreadPage), `"number":%d,`)
}

// look asks for a page again and again, which must have the first comments and
// not the others.
func (m measuring) look(ctx context.Context, what, path, comment string) (row, error) {
	first, err := get(ctx, m.daemon.Address(), path)
	if err != nil {
		return row{what: what}, err
	}
	for n := 1; n <= onPage+1; n++ {
		if strings.Contains(first, fmt.Sprintf(comment, n)) != (n <= onPage) {
			return row{what: what}, fmt.Errorf("comment %d is shown: %t", n, n > onPage)
		}
	}
	l := load{address: m.daemon.Address(), length: int64(len(first)), request: func(b []byte, _ int64) []byte { return getRequest(b, path) }}
	for _, d := range []time.Duration{time.Second / 2, time.Duration(m.seconds) * time.Second} { // the first warms up
		limited, cancel := context.WithTimeout(ctx, d)
		r, err := m.during(limited, what, l, math.MaxInt64)
		cancel()
		if err != nil || d > time.Second/2 {
			return r, err
		}
	}
	return row{what: what}, errors.New("no time to measure")
}

var stampField = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// slowEnough is longer than the form must have been open.
const slowEnough = 3 * time.Second

// signup has as many people sign up, each from a network of their own.
func (m measuring) signup(ctx context.Context) (row, error) {
	form, err := get(ctx, m.daemon.Address(), "/subscribe")
	stamp := stampField.FindStringSubmatch(form)
	if err != nil || stamp == nil {
		return row{what: signup}, errors.Join(errors.New("the form has no stamp"), err)
	}
	select {
	case <-ctx.Done():
		return row{what: signup}, ctx.Err()
	case <-time.After(slowEnough):
	}
	rest := "&name=Grace+Kim&language=en&website=&stamp=" + url.QueryEscape(stamp[1])
	l := load{address: m.daemon.Address(), request: func(b []byte, n int64) []byte {
		body := "email=" + url.QueryEscape(string(visitorAddress(n))) + rest
		return fmt.Appendf(b, "POST /subscribe HTTP/1.1\r\nHost: bench.example.org\r\nX-Forwarded-For: 10.%d.%d.%d\r\n"+
			"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", n>>16&255, n>>8&255, n&255, len(body), body)
	}}
	r, err := m.during(ctx, signup, l, m.signups)
	if err != nil {
		return r, err
	}
	return r, m.check(ctx)
}

func visitorAddress(n int64) epistle.Address {
	return epistle.Address(fmt.Sprintf("person%d@mail%d.example.org", n, n%997))
}

// check finds a pending sign-up with its mail for everybody, and nobody else.
func (m measuring) check(ctx context.Context) error {
	asked, err := m.site.Asked(ctx)
	if err != nil {
		return err
	}
	for n := range m.signups {
		mailed, found := asked[visitorAddress(n)]
		if !found || !mailed {
			return fmt.Errorf("person %d was told that a mail comes: waiting %t, mail %t", n, found, mailed)
		}
	}
	if int64(len(asked)) != m.signups {
		return fmt.Errorf("%d sign-ups wait, of %d people", len(asked), m.signups)
	}
	return nil
}
