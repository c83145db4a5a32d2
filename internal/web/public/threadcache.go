package public

import (
	"bytes"
	"crypto/rand"
	"errors"
	"sync"

	"epistle/internal/epistle"
)

// threadKey is all that a rendering of a page's thread depends on. The thread's
// version, which the database counts up with every change in the transaction
// that makes it, is part of the page: what was rendered before a change has
// another key than what is asked for after it, whichever daemon made it.
type threadKey struct {
	form       string // "page" or "embed"
	page       epistle.Page
	newsletter epistle.Newsletter // that the box is about; zero without a box
	language   epistle.Language
	query      string
}

// threadCache keeps the threads that were rendered lately, cut at the stamp of
// their form, which is new each time.
type threadCache struct {
	mu    sync.Mutex
	bytes int
	kept  map[threadKey]*rendering
}

type rendering struct {
	once  sync.Once
	parts [2][]byte
	err   error
}

// threadMemory is how many bytes are kept; then all are let go, so that memory
// stays flat whatever strangers ask for.
const threadMemory = 8 << 20

// get is the rendering of a key. Who asks first makes it, and who asks meanwhile
// waits for that one.
func (c *threadCache) get(key threadKey, render func() ([]byte, error)) ([2][]byte, error) {
	r := c.rendering(key)
	r.once.Do(func() {
		r.err = errors.New("the thread was not rendered") // unless the next lines come to their end
		defer c.settle(key, r)
		r.parts, r.err = cutAtStamp(render())
	})
	return r.parts, r.err
}

func (c *threadCache) rendering(key threadKey) *rendering {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[threadKey]*rendering{}
	}
	r, ok := c.kept[key]
	if !ok {
		r = &rendering{}
		c.kept[key] = r
	}
	return r
}

// settle counts what was made, and forgets what could not be made.
func (c *threadCache) settle(key threadKey, r *rendering) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept[key] != r {
		return // let go meanwhile
	}
	if r.err != nil {
		delete(c.kept, key)
		return
	}
	size := len(r.parts[0]) + len(r.parts[1]) + len(key.query)
	if c.bytes += size; c.bytes > threadMemory {
		c.kept, c.bytes = map[threadKey]*rendering{key: r}, size
	}
}

// stampMark stands for the stamp in a rendering that is kept. It is new at each
// start, so that nobody can type it.
var stampMark = rand.Text()

// cutAtStamp cuts a rendering at the one stamp that it must have; err is what
// came of rendering.
func cutAtStamp(body []byte, err error) ([2][]byte, error) {
	if err != nil {
		return [2][]byte{}, err
	}
	before, after, found := bytes.Cut(body, []byte(stampMark))
	if !found || bytes.Contains(after, []byte(stampMark)) {
		return [2][]byte{}, epistle.Errorf(epistle.Internal, "internal", errors.New("a thread has not exactly one place for its stamp"))
	}
	return [2][]byte{before, after}, nil
}
