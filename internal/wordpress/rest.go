package wordpress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"epistle/internal/fetch"
)

// Getter reads from the web; fetch.Client is one.
type Getter interface {
	Get(ctx context.Context, r fetch.Request) (*fetch.Response, error)
}

// REST reads a site's comments with an application password of an Editor's. It
// is for one goroutine.
type REST struct {
	Getter         Getter
	Home           string // the site's address, with a slash at the end
	User, Password string
	Clock          func() time.Time

	plain bool // the site has no /wp-json/: its links are plain
}

// RESTError is a refusal by the site.
type RESTError struct {
	Status     int
	Code       string        // WordPress's own word for it, "" if it gave none
	RetryAfter time.Duration // when the site says when to come back
}

func (e *RESTError) Error() string { return fmt.Sprintf("wordpress answered %d %s", e.Status, e.Code) }

// ErrNotWordPress means that what answers is no REST API of WordPress.
var ErrNotWordPress = errors.New("no answer of a WordPress site")

// PerPage is how many comments the API gives at once.
const PerPage = 100

// Page is a page of a list of comments.
type Page struct {
	Comments []Listed
	Pages    int       // how many pages the list has
	Total    int       // how many comments it has
	AsOf     time.Time // the list is no older than that, by the site's clock
}

// Listed is a comment and where the API keeps its post.
type Listed struct {
	Comment
	PostRoute string // "posts/12"; "" if the API did not say
}

// Newest reads a page, from 1, of all comments in whatever state, the newest
// first.
func (r *REST) Newest(ctx context.Context, page int) (Page, error) {
	return r.list(ctx, url.Values{"order": {"desc"}, "page": {strconv.Itoa(page)}})
}

// Oldest is Newest the other way round.
func (r *REST) Oldest(ctx context.Context, page int) (Page, error) {
	return r.list(ctx, url.Values{"order": {"asc"}, "page": {strconv.Itoa(page)}})
}

// Among reads those of at most PerPage comments that are there still.
func (r *REST) Among(ctx context.Context, ids []int64) (Page, error) {
	text := make([]string, len(ids))
	for i, id := range ids {
		text[i] = strconv.FormatInt(id, 10)
	}
	return r.list(ctx, url.Values{"order": {"asc"}, "include": {strings.Join(text, ",")}})
}

// IsGone asks for one comment, and reports whether the site says that there is
// none of that number.
func (r *REST) IsGone(ctx context.Context, id int64) (bool, error) {
	_, err := r.get(ctx, "wp/v2/comments/"+strconv.FormatInt(id, 10), url.Values{"context": {"edit"}, "_fields": {"id"}})
	var refused *RESTError
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Code == "rest_comment_invalid_id" {
		return true, nil
	}
	return false, err
}

// Post is what a comment stands under.
type Post struct {
	URL    string
	Title  string
	Digest string // SHA-256 of its source in hexadecimal, "" if it may not be read
}

// Post reads the post of a comment.
func (r *REST) Post(ctx context.Context, route string) (Post, error) {
	response, err := r.get(ctx, "wp/v2/"+route, url.Values{"context": {"edit"}, "_fields": {"link,title,content"}})
	if err != nil {
		return Post{}, err
	}
	var p struct {
		Link    string
		Title   rendered
		Content rendered
	}
	if err := json.Unmarshal(response.Body, &p); err != nil {
		return Post{}, ErrNotWordPress
	}
	post := Post{URL: p.Link, Title: p.Title.either()}
	if p.Content.Raw != nil {
		post.Digest = Digest(*p.Content.Raw)
	}
	return post, nil
}

// Digest tells one source of a page from another: SHA-256 in hexadecimal.
func Digest(source string) string {
	sum := sha256.Sum256([]byte(source))
	return hex.EncodeToString(sum[:])
}

// Me is the user whose password is in use.
type Me struct {
	MayModerate bool
}

// Me says who the site takes us for.
func (r *REST) Me(ctx context.Context) (Me, error) {
	response, err := r.get(ctx, "wp/v2/users/me", url.Values{"context": {"edit"}, "_fields": {"id,capabilities"}})
	if err != nil {
		return Me{}, err
	}
	var p struct{ Capabilities map[string]any }
	if err := json.Unmarshal(response.Body, &p); err != nil {
		return Me{}, ErrNotWordPress
	}
	may, _ := p.Capabilities["moderate_comments"].(bool)
	return Me{MayModerate: may}, nil
}

// Arrives asks the site's plugin whether the password reaches WordPress: hosts
// and proxies strip it often, and WordPress itself then only says that nobody
// is signed in. An error means that it cannot be told.
func (r *REST) Arrives(ctx context.Context) (bool, error) {
	response, err := r.get(ctx, "epistle/v1/authorization", url.Values{})
	if err != nil {
		return false, err
	}
	var p struct{ Arrives *bool }
	if err := json.Unmarshal(response.Body, &p); err != nil || p.Arrives == nil {
		return false, ErrNotWordPress
	}
	return *p.Arrives, nil
}

type rendered struct {
	Raw      *string
	Rendered string
}

func (t rendered) either() string {
	if t.Raw != nil {
		return *t.Raw
	}
	return t.Rendered
}

// restComment is a comment in the API's "edit" context.
type restComment struct {
	ID      int64
	Post    int64
	Parent  int64
	Name    string `json:"author_name"`
	Email   string `json:"author_email"`
	IP      string `json:"author_ip"`
	Date    string `json:"date_gmt"`
	Content rendered
	Link    string
	Status  string
	Type    string
	Meta    json.RawMessage
	Links   struct {
		Up []struct{ Href string }
	} `json:"_links"`
}

var commentPage = regexp.MustCompile(`/comment-page-\d+/?$`)

func (c restComment) listed() Listed {
	out := Listed{Comment: Comment{ID: c.ID, Parent: c.Parent, Post: c.Post, PostURL: postURL(c.Link), Name: c.Name, Email: c.Email, IP: c.IP,
		Content: c.Content.either(), Status: c.Status, Type: c.Type, Date: parseDate(c.Date), OptIn: optInOf(c.Meta)}}
	for _, up := range c.Links.Up {
		if out.PostRoute == "" {
			out.PostRoute = routeOf(up.Href)
		}
	}
	return out
}

// postURL is the address of a comment without what leads to the comment itself.
func postURL(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	u.Fragment = ""
	if cut := commentPage.ReplaceAllString(u.Path, "/"); cut != u.Path {
		u.Path, u.RawPath = cut, ""
	}
	if q := u.Query(); q.Has("cpage") {
		q.Del("cpage")
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// MetaKey is where the site's plugin keeps what the box under the form said.
const MetaKey = "_epistle_optin"

// optInOf reads a comment's metadata, which PHP writes as a list when there is
// none.
func optInOf(meta json.RawMessage) OptIn {
	var keyed map[string]json.RawMessage
	if json.Unmarshal(meta, &keyed) != nil {
		return OptIn{}
	}
	return optIn(keyed[MetaKey])
}

func optIn(raw json.RawMessage) OptIn {
	var box struct {
		Checked     loose  `json:"checked"`
		TextVersion loose  `json:"text_version"`
		Language    string `json:"lang"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &box) != nil {
		return OptIn{}
	}
	return OptIn{Checked: box.Checked.truth(), TextVersion: box.TextVersion.number(), Language: box.Language}
}

var route = regexp.MustCompile(`/wp/v2/([a-z0-9_-]+/\d+)(?:[?&].*)?$`)

// routeOf finds the route in a link of the API, so that a request of ours never
// goes where a site's answer says.
func routeOf(href string) string {
	decoded, err := url.QueryUnescape(href)
	if err != nil {
		return ""
	}
	if found := route.FindStringSubmatch(decoded); found != nil {
		return found[1]
	}
	return ""
}

const commentFields = "id,post,parent,author_name,author_email,author_ip,date_gmt,content,link,status,type,meta,_links"

func (r *REST) list(ctx context.Context, query url.Values) (Page, error) {
	query.Set("context", "edit")
	query.Set("status", "any")
	query.Set("orderby", "id")
	query.Set("per_page", strconv.Itoa(PerPage))
	query.Set("_fields", commentFields)
	began := r.Clock()
	response, err := r.get(ctx, "wp/v2/comments", query)
	if err != nil {
		return Page{}, err
	}
	var raw []restComment
	if err := json.Unmarshal(response.Body, &raw); err != nil {
		return Page{}, ErrNotWordPress
	}
	page := Page{Pages: int(number(response.Header.Get("X-WP-TotalPages"))), Total: int(number(response.Header.Get("X-WP-Total"))),
		AsOf: asOf(response.Header, began, r.Clock())}
	for _, c := range raw {
		page.Comments = append(page.Comments, c.listed())
	}
	return page, nil
}

// asOf is a moment, by the site's clock, at which the site had not begun to
// answer yet. A site whose clock is far off is judged by ours.
func asOf(header http.Header, began, ended time.Time) time.Time {
	said, err := http.ParseTime(header.Get("Date"))
	if err != nil || said.Sub(ended).Abs() > Window {
		return began
	}
	return said.Add(began.Sub(ended)).Add(-time.Second).UTC()
}

// get asks the API. A site whose links are plain has it at another address.
func (r *REST) get(ctx context.Context, route string, query url.Values) (*fetch.Response, error) {
	response, err := r.once(ctx, route, query)
	if errors.Is(err, ErrNotWordPress) && !r.plain {
		r.plain = true
		again, second := r.once(ctx, route, query)
		if !errors.Is(second, ErrNotWordPress) {
			return again, second
		}
		r.plain = false
	}
	return response, err
}

func (r *REST) once(ctx context.Context, route string, query url.Values) (*fetch.Response, error) {
	address := r.Home + "wp-json/" + route + "?" + query.Encode()
	if r.plain {
		plain := url.Values{"rest_route": {"/" + route}}
		for k, v := range query {
			plain[k] = v
		}
		address = r.Home + "?" + plain.Encode()
	}
	response, err := r.Getter.Get(ctx, fetch.Request{URL: address, User: r.User, Password: r.Password, Accept: "application/json"})
	if err != nil {
		return nil, err
	}
	kind := response.Header.Get("Content-Type")
	isJSON := strings.HasPrefix(kind, "application/json")
	if response.Status == http.StatusOK && isJSON {
		return response, nil
	}
	refused := &RESTError{Status: response.Status, RetryAfter: retryAfter(response.Header, r.Clock())}
	if isJSON {
		var p struct{ Code string }
		if err := json.Unmarshal(response.Body, &p); err == nil {
			refused.Code = p.Code
		}
	}
	if refused.Code == "" && (response.Status == http.StatusOK || response.Status == http.StatusNotFound) {
		return nil, ErrNotWordPress
	}
	return nil, refused
}

func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(max(seconds, 0), 86400)) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
