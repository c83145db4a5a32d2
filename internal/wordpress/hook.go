package wordpress

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The hook speaks in the way of Standard Webhooks: a message has an id, the time
// at which it was sent, and a signature over both and its body.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// Window is how far a message's time may be from ours, either way.
const Window = 5 * time.Minute

const secretPrefix = "whsec_"

// NewSecret draws a secret for a hook: "whsec_" and 32 bytes in base64.
func NewSecret() string {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails; the runtime stops the program instead
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// Message is what a hook posted.
type Message struct {
	ID        string
	Timestamp string
	Signature string // one or several, apart by spaces
	Body      []byte
}

// ErrNotSigned means that a message has no signature that fits, or that its time
// is too far away. Which it is, only its sender could tell.
var ErrNotSigned = errors.New("the message is not signed by this site, or too old")

const maxMessageID = 200

// Verify checks a message against the secrets of its site; "" is no secret. It
// returns when the message was sent.
func (m Message) Verify(now time.Time, secrets ...string) (time.Time, error) {
	seconds, err := strconv.ParseInt(m.Timestamp, 10, 64)
	if err != nil || m.ID == "" || len(m.ID) > maxMessageID || strings.ContainsFunc(m.ID, notPrintable) {
		return time.Time{}, ErrNotSigned
	}
	sent := time.Unix(seconds, 0).UTC()
	if sent.Before(now.Add(-Window)) || sent.After(now.Add(Window)) {
		return time.Time{}, ErrNotSigned
	}
	signed := false
	for _, secret := range secrets {
		key, err := secretKey(secret)
		if err != nil {
			continue
		}
		want := m.sum(key)
		for signature := range strings.FieldsSeq(m.Signature) {
			version, text, _ := strings.Cut(signature, ",")
			got, err := base64.StdEncoding.DecodeString(text)
			if version == "v1" && err == nil && hmac.Equal(got, want) {
				signed = true
			}
		}
	}
	if !signed {
		return time.Time{}, ErrNotSigned
	}
	return sent, nil
}

func notPrintable(r rune) bool { return r <= ' ' || r > '~' }

// Sign is the signature of a message with a secret, as its sender makes it.
func (m Message) Sign(secret string) (string, error) {
	key, err := secretKey(secret)
	if err != nil {
		return "", err
	}
	return "v1," + base64.StdEncoding.EncodeToString(m.sum(key)), nil
}

func secretKey(secret string) ([]byte, error) {
	text, found := strings.CutPrefix(secret, secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || len(key) < 16 {
		return nil, errors.New("this is no secret of a hook")
	}
	return key, nil
}

func (m Message) sum(key []byte) []byte {
	h := hmac.New(sha256.New, key)
	fmt.Fprintf(h, "%s.%s.", m.ID, m.Timestamp)
	h.Write(m.Body)
	return h.Sum(nil)
}

// Event is what a message of the hook tells.
type Event struct {
	Comment Comment
	Created bool // the comment as it came, maybe long ago; otherwise as it was At
	Deleted bool // it is gone for good; then only its ID counts
	// At is when the site put the message together, by its clock; zero if it did
	// not say.
	At time.Time
}

// payload is a message's body. Numbers may come as texts: WordPress keeps ids
// so.
type payload struct {
	Version    loose  `json:"v"`
	Event      string `json:"event"`
	CommentID  loose  `json:"comment_id"`
	PostID     loose  `json:"post_id"`
	PostURL    string `json:"post_url"`
	PostTitle  string `json:"post_title"`
	PostDigest string `json:"post_digest"`
	ParentID   loose  `json:"parent_id"`
	Name       string `json:"author_name"`
	Email      string `json:"author_email"`
	IP         string `json:"author_ip"`
	Content    string `json:"content_raw"`
	Status     loose  `json:"status"`
	Type       string `json:"type"`
	Date       string `json:"date_gmt"`
	AtMillis   loose  `json:"at_ms"`
	OptIn      *struct {
		Checked     loose  `json:"checked"`
		TextVersion loose  `json:"text_version"`
		Language    string `json:"lang"`
	} `json:"optin"`
}

// loose is a JSON text, number, truth or nothing, as a text.
type loose string

// UnmarshalJSON takes any scalar.
func (l *loose) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case '{', '[':
		return errors.New("a scalar was expected")
	case '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
		*l = loose(s)
	default:
		*l = loose(raw)
	}
	return nil
}

func (l loose) number() int64 { return number(string(l)) }

func (l loose) truth() bool {
	switch strings.ToLower(strings.TrimSpace(string(l))) {
	case "", "0", "false", "null", "no":
		return false
	}
	return true
}

// ErrPayload means that the body of a message makes no sense.
var ErrPayload = errors.New("the message cannot be read")

// ParseEvent reads the body of a message. Unknown members are left alone; an
// event of a name that is not known tells how the comment is now.
func ParseEvent(body []byte) (Event, error) {
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return Event{}, ErrPayload
	}
	if v := p.Version.number(); v != 1 && p.Version != "" {
		return Event{}, ErrPayload
	}
	e := Event{Comment: Comment{ID: p.CommentID.number(), Post: p.PostID.number(), Parent: p.ParentID.number(),
		PostURL: p.PostURL, PostTitle: p.PostTitle, PostDigest: p.PostDigest, Name: p.Name, Email: p.Email, IP: p.IP,
		Content: p.Content, Status: string(p.Status), Type: p.Type, Date: parseDate(p.Date)}}
	if p.OptIn != nil {
		e.Comment.OptIn = OptIn{Checked: p.OptIn.Checked.truth(), TextVersion: p.OptIn.TextVersion.number(), Language: p.OptIn.Language}
	}
	if e.Comment.ID <= 0 || e.Comment.Parent < 0 {
		return Event{}, ErrPayload
	}
	if ms := p.AtMillis.number(); ms > 0 {
		e.At = time.UnixMilli(ms).UTC()
	}
	name := strings.ToLower(p.Event)
	e.Deleted = strings.Contains(name, "delete") || isGone(e.Comment.Status)
	created := strings.Contains(name, "create") || strings.Contains(name, "insert") || name == "comment_post"
	e.Created = created && e.At.IsZero()
	if _, known := e.Comment.State(); !known && !e.Deleted {
		return Event{}, ErrPayload
	}
	return e, nil
}
