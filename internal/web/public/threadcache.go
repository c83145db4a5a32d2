package public

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"sync"

	"epistle/internal/epistle"
)

// threadKey names one rendering of a page's thread. The thread's version, which
// the database counts up with every change, makes what was kept stale.
type threadKey struct {
	form     string // "page" or "embed"
	page     epistle.Page
	wording  string // beside the newsletter's box; "" without one
	language epistle.Language
	query    string
}

// threadCache keeps the threads that were rendered lately, cut at the stamp of
// their form, which is new each time.
type threadCache struct {
	mu    sync.Mutex
	bytes int
	kept  map[threadKey][2][]byte
}

// threadMemory is how many bytes are kept; then all are let go, so that memory
// stays flat whatever strangers ask for.
const threadMemory = 8 << 20

func (c *threadCache) get(key threadKey) ([2][]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.kept[key]
	return found, ok
}

func (c *threadCache) put(key threadKey, parts [2][]byte) {
	size := len(parts[0]) + len(parts[1]) + len(key.query)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || c.bytes+size > threadMemory {
		c.kept, c.bytes = map[threadKey][2][]byte{}, 0
	}
	if _, ok := c.kept[key]; !ok {
		c.bytes += size
	}
	c.kept[key] = parts
}

// stampMark stands for the stamp in a rendering that is kept. It is new at each
// start, so that nobody can type it.
var stampMark = rand.Text()

// cutAtStamp cuts a rendering at its stamp; false if it has not exactly one.
func cutAtStamp(body []byte) ([2][]byte, bool) {
	before, after, found := bytes.Cut(body, []byte(stampMark))
	return [2][]byte{before, after}, found && !bytes.Contains(after, []byte(stampMark))
}

// plainQuery reports whether a request asks for nothing but a thread, so that
// many visitors ask for the same.
func (c Comments) plainQuery(r *http.Request) bool {
	for name := range r.URL.Query() {
		if name != "page" && name != "after" && name != "lang" {
			return false
		}
	}
	return r.Method == http.MethodGet && !c.Kernel.HasFlashes(r)
}
