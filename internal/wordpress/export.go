package wordpress

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"
)

// Export reads the comments of a WordPress export (WXR) one by one, in bounded
// memory. The prefix and version of its namespaces do not matter. It is no XML
// parser, which would have to give up at the first mistake of a file that
// WordPress put together from texts: whatever is wrong inside a comment costs
// that comment alone.
type Export struct {
	Head ExportHead

	in     *filter
	tags   *bufio.Reader
	line   int
	item   exportItem
	inItem bool
	whole  bool // the channel's end was seen
	ahead  *tag // read already
	items  int64

	scratch []byte // of leaf, used again
}

// ExportHead is what a file says of itself before its first item.
type ExportHead struct {
	Home string    // the address of the site's home page; "" if it does not say
	At   time.Time // when it was exported; zero if it does not say
}

// Exported is a comment of an export.
type Exported struct {
	Comment
	Line int // where it begins, from 1
}

// BadComment is a comment that cannot be read. Its item and the comments around
// it are not lost.
type BadComment struct {
	Line int
	Why  Fault
}

func (e *BadComment) Error() string {
	return "a comment of the export cannot be read: " + string(e.Why)
}

// Fault is what is wrong with a comment, a key under "error.wxr.".
type Fault string

const (
	NoNumber  Fault = "number"  // no number of its own
	NotClosed Fault = "closed"  // it does not end where it should
	TooLong   Fault = "long"    // far longer than WordPress itself allows
	NoContent Fault = "content" // no words in it
	NoStatus  Fault = "status"  // WordPress has no such status
)

// ErrNoExport means that a file is no export of WordPress.
var ErrNoExport = errors.New("no export of WordPress")

// ErrCutOff means that a file ends in the middle. What came before was read.
var ErrCutOff = errors.New("the export ends in the middle")

type exportItem struct {
	link, title, digest string
	id                  int64
}

// The most bytes of a field. What is longer is left out, but for a comment's own
// words, without which it is no comment.
const (
	maxField = 256 << 10
	maxPost  = 16 << 20
)

// OpenExport reads the head of a file. ErrNoExport for anything else than an
// export.
func OpenExport(file io.Reader) (*Export, error) {
	e := &Export{in: newFilter(file), line: 1}
	e.tags = bufio.NewReaderSize(e.in, 64<<10)
	seen := map[string]string{}
	for rss := false; ; {
		t, err := e.next()
		if errors.Is(err, io.EOF) && rss {
			break // an export without anything
		}
		e.whole = e.whole || err == nil && t.name == "channel" && t.end
		if errors.Is(err, io.EOF) || err == nil && !rss && t.name != "rss" && t.name != "" {
			return nil, ErrNoExport
		}
		if err != nil {
			return nil, err
		}
		rss = rss || t.name == "rss"
		if t.name == "item" && !t.end {
			e.ahead = &t
			break
		}
		switch t.name {
		case "base_blog_url", "base_site_url", "link", "pubDate", "wxr_version":
			if !t.end && seen[t.name] == "" {
				value, err := e.leaf(t, maxField)
				if err != nil {
					return nil, err
				}
				seen[t.name] = strings.TrimSpace(value)
			}
		case "image": // has a link of its own
			if !t.end && !t.closed {
				if err := e.skipTo("image"); err != nil {
					return nil, err
				}
			}
		}
	}
	if seen["wxr_version"] == "" && seen["base_site_url"] == "" && seen["base_blog_url"] == "" {
		return nil, ErrNoExport
	}
	for _, name := range []string{"base_blog_url", "link", "base_site_url"} {
		if e.Head.Home == "" {
			e.Head.Home = seen[name]
		}
	}
	if at, err := time.Parse(time.RFC1123Z, seen["pubDate"]); err == nil {
		e.Head.At = at.UTC()
	}
	return e, nil
}

// Dropped is how many characters were left out so far because no XML may have
// them.
func (e *Export) Dropped() int64 { return e.in.dropped }

// Items is how many posts, pages and other items were begun so far.
func (e *Export) Items() int64 { return e.items }

// Next reads the next comment. The error is a *BadComment, after which there is
// more to read; io.EOF at the end; ErrCutOff if the end came too soon.
func (e *Export) Next() (Exported, error) {
	for {
		t, err := e.next()
		if errors.Is(err, io.EOF) && !e.whole {
			err = ErrCutOff
		}
		if err != nil {
			return Exported{}, err
		}
		switch {
		case t.name == "channel" && t.end && !e.inItem:
			e.whole = true
		case t.name == "item" && !t.end:
			e.item, e.inItem = exportItem{}, !t.closed
			e.items++
		case t.name == "item":
			e.inItem = false
		case t.end || t.closed || !e.inItem:
		case t.name == "comment":
			c, err := e.comment(t.line)
			if errors.Is(err, io.EOF) {
				err = ErrCutOff
			}
			return c, err
		default:
			err := e.itemField(t)
			if errors.Is(err, io.EOF) {
				err = ErrCutOff
			}
			if err != nil {
				return Exported{}, err
			}
		}
	}
}

// itemField reads a field of an item, if it is one that counts or one whose
// value could be mistaken for something else.
func (e *Export) itemField(t tag) error {
	limit := maxField
	if t.name == "encoded" {
		limit = maxPost
	}
	switch t.name {
	case "link", "title", "post_id", "encoded", "guid":
	default:
		if !e.startsCDATA() {
			return nil
		}
	}
	value, err := e.leaf(t, limit)
	var bad *BadComment
	if errors.As(err, &bad) {
		return nil // costs the field
	}
	if err != nil {
		return err
	}
	switch t.name {
	case "link":
		e.item.link = strings.TrimSpace(value)
	case "guid":
		if e.item.link == "" {
			e.item.link = strings.TrimSpace(value)
		}
	case "title":
		e.item.title = value
	case "post_id":
		e.item.id = number(value)
	case "encoded":
		if t.prefix == "content" {
			e.item.digest = Digest(value)
		}
	}
	return nil
}

// comment reads a comment from after its start tag to its end.
func (e *Export) comment(line int) (Exported, error) {
	c := Exported{Line: line, Comment: Comment{Post: e.item.id, PostURL: e.item.link, PostTitle: e.item.title, PostDigest: e.item.digest}}
	var local, metaKey string
	content, fault := false, Fault("")
	for {
		t, err := e.next()
		if err != nil {
			return c, err
		}
		switch {
		case t.end && t.name == "comment":
			return e.checked(c, local, content, fault)
		case t.name == "item" || t.name == "comment": // it was never closed
			e.ahead = &t
			return c, &BadComment{Line: line, Why: NotClosed}
		case t.end || t.closed || t.name == "commentmeta":
			continue
		}
		value, err := e.leaf(t, maxField)
		var bad *BadComment
		if errors.As(err, &bad) {
			if e.ahead != nil { // it ran into the next one
				return c, &BadComment{Line: line, Why: NotClosed}
			}
			if t.name == "comment_content" {
				fault = bad.Why
			}
			continue
		}
		if err != nil {
			return c, err
		}
		switch t.name {
		case "comment_id":
			c.ID = number(value)
		case "comment_author":
			c.Name = value
		case "comment_author_email":
			c.Email = strings.TrimSpace(value)
		case "comment_author_IP":
			c.IP = strings.TrimSpace(value)
		case "comment_date":
			local = value
		case "comment_date_gmt":
			c.Date = parseDate(value)
		case "comment_content":
			c.Content, content = value, true
		case "comment_approved":
			c.Status = strings.TrimSpace(value)
		case "comment_type":
			c.Type = strings.TrimSpace(value)
		case "comment_parent":
			c.Parent = max(0, number(value))
		case "meta_key":
			metaKey = strings.TrimSpace(value)
		case "meta_value":
			if metaKey == MetaKey {
				c.OptIn = optInOfPHP(value)
			}
		}
	}
}

// checked is a comment that has ended, if it is one.
func (e *Export) checked(c Exported, local string, content bool, fault Fault) (Exported, error) {
	if c.Date.IsZero() {
		c.Date = parseDate(local) // by the site's own clock, which is better than none
	}
	_, known := c.State()
	switch {
	case fault != "":
	case c.ID <= 0:
		fault = NoNumber
	case !known:
		fault = NoStatus
	case !content || strings.TrimSpace(c.Content) == "" && c.IsComment():
		fault = NoContent
	}
	if fault != "" {
		return c, &BadComment{Line: c.Line, Why: fault}
	}
	return c, nil
}

var (
	phpChecked = regexp.MustCompile(`s:7:"checked";(?:b:1|i:1|s:1:"1")`)
	phpVersion = regexp.MustCompile(`s:12:"text_version";(?:i:|s:\d+:")(\d+)`)
	phpLang    = regexp.MustCompile(`s:4:"lang";s:\d+:"([a-z]+)`)
)

// optInOfPHP reads what PHP wrote down for the plugin.
func optInOfPHP(value string) OptIn {
	first := func(r *regexp.Regexp) string {
		if found := r.FindStringSubmatch(value); found != nil {
			return found[1]
		}
		return ""
	}
	return OptIn{Checked: phpChecked.MatchString(value), TextVersion: number(first(phpVersion)), Language: first(phpLang)}
}
