package rig

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"epistle/internal/epistle"
)

// cookies are what a browser would keep.
type cookies []*http.Cookie

// SignIn signs the editor in at the desk. The session stays good for daemons
// that come later, so that the one that is measured hashes no password.
func (s *Site) SignIn(ctx context.Context, d *Daemon) error {
	given, err := d.post(ctx, "/desk/sign-in", url.Values{"email": {EditorAddress}, "password": {s.password}})
	if err == nil && len(given) == 0 {
		err = errors.New("the desk let nobody in")
	}
	s.cookies = given
	return err
}

// SignedIn reports whether the editor has signed in.
func (s *Site) SignedIn() bool { return len(s.cookies) > 0 }

// Launch sends an approved issue, by the button at the desk.
func (d *Daemon) Launch(ctx context.Context, id epistle.ID) error {
	_, err := d.post(ctx, fmt.Sprintf("/desk/issues/%d/send", id), nil)
	return err
}

// post expects to be sent on to another page, and returns the cookies that it
// was given.
func (d *Daemon) post(ctx context.Context, path string, form url.Values) (cookies, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range d.site.cookies {
		request.AddCookie(c)
	}
	response, err := http.DefaultTransport.RoundTrip(request) // without following
	if err != nil {
		return nil, err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		return nil, d.Trouble("the desk answered " + response.Status + " to " + path)
	}
	return response.Cookies(), nil
}

func get(ctx context.Context, address string) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}
