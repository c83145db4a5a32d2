// Package mailbox is the demo's mailbox: an SMTP server on loopback that keeps
// every mail in memory, so that what was sent can be read as its reader would
// read it. It sends nothing on.
package mailbox

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // decode what is not UTF-8
	"github.com/emersion/go-message/mail"

	"epistle/internal/epistle"
)

// Mail is one received mail, decoded for reading.
type Mail struct {
	ID         int
	ReceivedAt time.Time
	ReturnPath string
	Recipient  string // of the envelope
	From       string
	To         string
	Subject    string
	Date       time.Time
	HTML       string
	Text       string
	Source     string // as it came over the wire
}

// LeaveURL is the https (or, on loopback, http) address of List-Unsubscribe; ""
// if the mail has none.
func (m Mail) LeaveURL() string {
	entity, err := message.Read(strings.NewReader(m.Source))
	if err != nil && !message.IsUnknownCharset(err) {
		return ""
	}
	for part := range strings.SplitSeq(entity.Header.Get("List-Unsubscribe"), ",") {
		if uri := strings.Trim(strings.TrimSpace(part), "<>"); strings.HasPrefix(uri, "http") {
			return uri
		}
	}
	return ""
}

// keep bounds how many mails are held; the oldest go first.
const keep = 5000

// Box holds the mails. It is safe for concurrent use.
type Box struct {
	clock epistle.Clock

	mu    sync.Mutex
	last  int
	mails []Mail // oldest first
}

// NewBox makes an empty mailbox.
func NewBox(clock epistle.Clock) *Box { return &Box{clock: clock} }

// add decodes and keeps a mail. A mail that cannot be decoded is kept by its
// source alone.
func (b *Box) add(returnPath, recipient string, source []byte) {
	m := Mail{ReceivedAt: b.clock(), ReturnPath: returnPath, Recipient: recipient, Source: string(source)}
	decode(&m, source)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.ID = b.last
	b.mails = append(b.mails, m)
	if over := len(b.mails) - keep; over > 0 {
		b.mails = slices.Delete(b.mails, 0, over)
	}
}

// Mails lists what came, the newest first. query, if not empty, must be part
// of the recipient or the subject.
func (b *Box) Mails(query string) []Mail {
	query = strings.ToLower(strings.TrimSpace(query))
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []Mail
	for _, m := range slices.Backward(b.mails) {
		if query == "" || strings.Contains(strings.ToLower(m.Recipient+"\n"+m.Subject), query) {
			found = append(found, m)
		}
	}
	return found
}

// Mail returns one mail; NotFound if it is not there.
func (b *Box) Mail(id int) (Mail, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, found := slices.BinarySearchFunc(b.mails, id, func(m Mail, id int) int { return m.ID - id })
	if !found {
		return Mail{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return b.mails[i], nil
}

func decode(m *Mail, source []byte) {
	reader, err := mail.CreateReader(bytes.NewReader(source))
	if err != nil && !message.IsUnknownCharset(err) {
		return
	}
	m.Subject, _ = reader.Header.Subject()
	if date, err := reader.Header.Date(); err == nil {
		m.Date = date.UTC()
	}
	m.From = addresses(reader.Header, "From")
	m.To = addresses(reader.Header, "To")
	for {
		part, err := reader.NextPart()
		if errors.Is(err, io.EOF) || err != nil && !message.IsUnknownCharset(err) {
			return
		}
		header, inline := part.Header.(*mail.InlineHeader)
		if !inline {
			continue
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return
		}
		switch kind, _, _ := header.ContentType(); {
		case kind == "text/html" && m.HTML == "":
			m.HTML = string(body)
		case kind == "text/plain" && m.Text == "":
			m.Text = string(body)
		}
	}
}

func addresses(h mail.Header, name string) string {
	list, err := h.AddressList(name)
	if err != nil {
		return h.Get(name)
	}
	shown := make([]string, len(list))
	for i, a := range list {
		shown[i] = a.Address
		if a.Name != "" {
			shown[i] = a.Name + " <" + a.Address + ">"
		}
	}
	return strings.Join(shown, ", ")
}
