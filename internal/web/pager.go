package web

import (
	"net/http"
	"net/url"
	"strconv"
)

// Pager is the argument of the partial pager.
type Pager struct {
	Number, Last    int
	Newer, Older    string // addresses; "" at either end
	Total           int64
	Offset, PerPage int
}

// maxPage keeps offsets sane.
const maxPage = 100000

// NewPager reads ?p= of a request over a list of total rows. The other
// parameters stay as they are.
func NewPager(r *http.Request, perPage int, total int64) Pager {
	number, err := strconv.Atoi(r.URL.Query().Get("p"))
	if err != nil || number < 1 || number > maxPage {
		number = 1
	}
	last := max(1, int((total+int64(perPage)-1)/int64(perPage)))
	number = min(number, last)
	p := Pager{Number: number, Last: last, Total: total, PerPage: perPage, Offset: (number - 1) * perPage}
	at := func(n int) string {
		query := r.URL.Query()
		query.Set("p", strconv.Itoa(n))
		u := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
		return u.String()
	}
	if number > 1 {
		p.Newer = at(number - 1)
	}
	if number < last {
		p.Older = at(number + 1)
	}
	return p
}
