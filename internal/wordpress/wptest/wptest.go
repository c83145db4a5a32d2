// Package wptest plays a WordPress site's REST API for tests, faults included.
// What the real one says is tried by make test-wordpress.
package wptest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
)

// Comment is a comment as the site has it.
type Comment struct {
	ID, Parent           int64
	Name, Email, Content string
	Status               string // "approved", "hold", "spam", "trash"
	Date                 time.Time
	Ticked               bool
}

// Site is the site. Change its fields through Do once it runs.
type Site struct {
	URL string // of its home page

	User, Password string
	Comments       []Comment // in any order
	MayModerate    bool
	Plugin         bool // ours is there
	Plain          bool // no /wp-json/
	Strips         bool // a proxy strips the Authorization header
	Status         int  // answers everything with this status, if set
	RetryAfter     string
	Page           string // answers everything with this page, if set
	PerPage        int    // comments a page at most; 0: as asked
	BeforePage     func(s *Site, page int)

	t      testing.TB
	mu     sync.Mutex
	clock  epistle.Clock
	asked  []string // paths, for tests
	server *httptest.Server
}

// Host is the site's host and port, to except from the guard.
func (s *Site) Host() string { return strings.TrimPrefix(s.server.URL, "http://") }

// New starts a site that is well, with an Editor "epistle".
func New(t testing.TB, clock epistle.Clock) *Site {
	s := &Site{User: "epistle", Password: "abcd efgh ijkl", MayModerate: true, Plugin: true, t: t, clock: clock}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.server.Close)
	s.URL = s.server.URL + "/"
	return s
}

// Do changes the site between two requests.
func (s *Site) Do(change func(s *Site)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// Write adds comments with numbers from first to last.
func (s *Site) Write(first, last int64) {
	s.Do(func(s *Site) {
		for id := first; id <= last; id++ {
			s.Comments = append(s.Comments, Comment{ID: id, Name: fmt.Sprintf("Reader %d", id), Email: fmt.Sprintf("reader%d@mail.example", id),
				Content: fmt.Sprintf("Praying, number %d.", id), Status: "approved", Date: s.clock().Add(-time.Hour)})
		}
	})
}

// Change changes the comment of a number.
func (s *Site) Change(id int64, change func(c *Comment)) {
	s.Do(func(s *Site) {
		for i := range s.Comments {
			if s.Comments[i].ID == id {
				change(&s.Comments[i])
			}
		}
	})
}

// Delete forgets a comment.
func (s *Site) Delete(id int64) {
	s.Do(func(s *Site) { s.delete(id) })
}

func (s *Site) delete(id int64) {
	s.Comments = slices.DeleteFunc(s.Comments, func(c Comment) bool { return c.ID == id })
}

// DeleteNow is Delete for BeforePage, inside a request.
func (s *Site) DeleteNow(id int64) { s.delete(id) }

// Asked lists what was asked for since the last time, and forgets it.
func (s *Site) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

func (s *Site) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Date", s.clock().Format(http.TimeFormat))
	route, found := strings.CutPrefix(r.URL.Path, "/wp-json/")
	if s.Plain {
		route, found = strings.CutPrefix(r.URL.Query().Get("rest_route"), "/")
	}
	s.asked = append(s.asked, route)
	switch {
	case s.Page != "" || !found:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		if !found {
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = w.Write([]byte(s.Page))
		return
	case s.Status != 0:
		if s.RetryAfter != "" {
			w.Header().Set("Retry-After", s.RetryAfter)
		}
		refuse(w, s.Status, "internal_server_error")
		return
	}
	user, password, sent := r.BasicAuth()
	sent = sent && !s.Strips
	if route == "epistle/v1/authorization" && s.Plugin {
		answer(w, map[string]bool{"arrives": sent})
		return
	}
	authorized := sent && user == s.User && password == s.Password
	switch {
	case route == "epistle/v1/authorization":
		refuse(w, http.StatusNotFound, "rest_no_route")
	case !authorized:
		refuse(w, http.StatusUnauthorized, "rest_not_logged_in")
	case route == "wp/v2/users/me":
		answer(w, map[string]any{"id": 3, "capabilities": map[string]bool{"moderate_comments": s.MayModerate}})
	case !s.MayModerate:
		refuse(w, http.StatusForbidden, "rest_forbidden_context")
	case route == "wp/v2/comments":
		s.list(w, r)
	case strings.HasPrefix(route, "wp/v2/comments/"):
		s.one(w, strings.TrimPrefix(route, "wp/v2/comments/"))
	case route == "wp/v2/posts/2":
		answer(w, map[string]any{"link": s.URL + "winter/", "title": map[string]string{"raw": "Winter & the river"}, "content": map[string]string{"raw": "It is cold."}})
	default:
		refuse(w, http.StatusNotFound, "rest_no_route")
	}
}

func (s *Site) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("context") != "edit" || q.Get("status") != "any" || q.Get("orderby") != "id" {
		refuse(w, http.StatusBadRequest, "rest_invalid_param")
		return
	}
	page, _ := strconv.Atoi(cmp.Or(q.Get("page"), "1"))
	perPage, _ := strconv.Atoi(q.Get("per_page"))
	if s.PerPage != 0 {
		perPage = s.PerPage
	}
	if s.BeforePage != nil {
		s.BeforePage(s, page)
	}
	var all []Comment
	include := strings.Split(q.Get("include"), ",")
	for _, c := range s.Comments {
		if q.Get("include") == "" || slices.Contains(include, strconv.FormatInt(c.ID, 10)) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b Comment) int {
		if q.Get("order") == "desc" {
			return cmp.Compare(b.ID, a.ID)
		}
		return cmp.Compare(a.ID, b.ID)
	})
	w.Header().Set("X-WP-Total", strconv.Itoa(len(all)))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa((len(all)+perPage-1)/perPage))
	from := min(len(all), (page-1)*perPage)
	list := []any{}
	for _, c := range all[from:min(len(all), from+perPage)] {
		list = append(list, s.json(c))
	}
	answer(w, list)
}

func (s *Site) json(c Comment) map[string]any {
	meta := any([]any{}) // as PHP writes an empty map
	if c.Ticked {
		meta = map[string]any{"_epistle_optin": map[string]any{"checked": true, "text_version": 1, "lang": "en"}}
	}
	return map[string]any{"id": c.ID, "post": 2, "parent": c.Parent, "author_name": c.Name, "author_email": c.Email, "author_ip": "203.0.113.9",
		"date_gmt": c.Date.Format("2006-01-02T15:04:05"), "content": map[string]string{"raw": c.Content, "rendered": "<p>" + c.Content + "</p>"},
		"link": fmt.Sprintf("%swinter/comment-page-2/#comment-%d", s.URL, c.ID), "status": c.Status, "type": "comment", "meta": meta,
		"_links": map[string]any{"up": []any{map[string]string{"href": s.URL + "wp-json/wp/v2/posts/2"}}}}
}

func (s *Site) one(w http.ResponseWriter, id string) {
	for _, c := range s.Comments {
		if strconv.FormatInt(c.ID, 10) == id {
			answer(w, s.json(c))
			return
		}
	}
	refuse(w, http.StatusNotFound, "rest_comment_invalid_id")
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"code": code, "data": map[string]int{"status": status}})
}
