package render

import (
	"bytes"
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// Message is a complete message for one person (RFC 5322): CRLF line ends, no
// line over 998 octets, ASCII only, not dot-stuffed.
type Message struct {
	ReturnPath string
	To         epistle.Address
	Body       []byte
}

// Message makes the message for one reader. The same edition and recipient
// give the same bytes every time. A recipient without a date is an internal
// error, one whose address no mail can carry is Invalid.
func (e *Edition) Message(rcpt Recipient) (Message, error) {
	r := e.renderer
	leave, prefer := r.Keys.Link(seal.ToLeave, rcpt.SubscriptionID, e.issue), r.Keys.Link(seal.ToPrefer, rcpt.SubscriptionID, e.issue)
	h := e.envelope(rcpt)
	h.extra = map[string]string{
		"List-Id":               e.listID(),
		"List-Unsubscribe":      r.listUnsubscribe(leave),
		"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Precedence":            "bulk",
		"Feedback-ID":           e.feedbackID(rcpt.Kind),
	}
	m, err := e.compose(h, rcpt.Kind, map[field]string{greetingField: e.greet(rcpt.Name), leaveField: leave, preferField: prefer})
	if err == nil && r.Ministry.BounceDomain != "" {
		m.ReturnPath = r.Keys.BounceLocal(e.issue, rcpt.Seq) + "@" + r.Ministry.BounceDomain
	}
	return m, err
}

// Test makes one message of the edition for a member of staff: its subject is
// marked, a line at its top says what it is, its links to leave and to
// preferences lead nowhere, and it carries no list headers.
func (e *Edition) Test(to epistle.Address, at time.Time) (Message, error) {
	// No delivery has so high a number: the Message-ID is free.
	rcpt := Recipient{Seq: at.UnixMicro(), Address: to, Kind: testDelivery, Date: at}
	h := e.envelope(rcpt)
	h.subject = e.renderer.Catalog.In(e.language).T("mail.test.subject", "Subject", e.subject)
	return e.compose(h, testDelivery, map[field]string{greetingField: e.greet(""), leaveField: "test", preferField: "test"})
}

// envelope is what every message of the edition has in its header.
func (e *Edition) envelope(rcpt Recipient) envelope {
	domain := e.renderer.Ministry.MailDomain
	return envelope{
		from:      e.sender(),
		replyTo:   e.replyTo(),
		to:        mail.Address{Name: line(rcpt.Name), Address: string(rcpt.Address)},
		subject:   e.subject,
		date:      rcpt.Date,
		messageID: e.renderer.Keys.MessageIDLocal(e.issue, rcpt.Seq) + "@" + domain,
		boundary:  boundary(fmt.Sprint(domain, " ", e.issue, " ", e.language, " ", e.form)),
	}
}

func (e *Edition) compose(h envelope, kind epistle.DeliveryKind, values map[field]string) (Message, error) {
	body, known := e.parts[kind]
	if !known {
		return Message{}, epistle.Errorf(epistle.Internal, "internal", fmt.Errorf("an edition has no variant for deliveries of kind %d", kind))
	}
	data, err := compose(h, body.html.fill(values, escapeHTML), body.text.fill(values, escapeText))
	if err != nil {
		return Message{}, err
	}
	return Message{ReturnPath: h.from.Address, To: epistle.Address(h.to.Address), Body: data}, nil
}

// sender is the From of an edition: the newsletter's, but for a neutral name
// in the discreet form.
func (e *Edition) sender() mail.Address {
	name := e.newsletter.Sender.Name.In(e.language)
	if e.form == epistle.Discreet {
		name = e.renderer.Catalog.In(e.language).T("mail.discreet.sender")
	}
	return mail.Address{Name: line(name), Address: string(e.newsletter.Sender.Address)}
}

func (e *Edition) replyTo() mail.Address {
	name := e.newsletter.ReplyTo.Name.In(e.language)
	if e.form == epistle.Discreet {
		name = ""
	}
	return mail.Address{Name: line(name), Address: string(e.newsletter.ReplyTo.Address)}
}

// slug is the newsletter in headers; the discreet form does not name it.
func (e *Edition) slug() string {
	slug := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, e.newsletter.Slug)
	slug = strings.Trim(slug, "-")
	if e.form == epistle.Discreet || slug == "" {
		return "letters"
	}
	return slug
}

// listID follows RFC 2919.
func (e *Edition) listID() string { return "<" + e.slug() + "." + e.renderer.Ministry.MailDomain + ">" }

// feedbackID has four fields and nothing of the reader's in any: issue,
// language, kind, and the sender's own constant one.
func (e *Edition) feedbackID(kind epistle.DeliveryKind) string {
	kinds := map[epistle.DeliveryKind]string{epistle.BulkDelivery: "weekly", epistle.WelcomeDelivery: "welcome"}
	return strings.Join([]string{strconv.FormatInt(e.issue, 10), string(e.language), kinds[kind], "epistle"}, ":")
}

// listUnsubscribe follows RFC 8058: one https address, and a mailto only where
// something reads that mailbox.
func (r *Renderer) listUnsubscribe(token string) string {
	value := "<" + r.Ministry.PublicURL + "/u/" + token + ">"
	if r.Ministry.MailtoLeave != "" {
		value += ", <mailto:" + string(r.Ministry.MailtoLeave) + "?subject=" + token + ">"
	}
	return value
}

// envelope is what compose puts above the body. extra holds headers whose
// values are ASCII without line ends.
type envelope struct {
	from, replyTo, to mail.Address
	subject           string
	date              time.Time
	messageID         string
	boundary          string
	extra             map[string]string
}

// compose builds the MIME message.
func compose(h envelope, html, text string) ([]byte, error) {
	if !isWireAddress(epistle.Address(h.to.Address)) {
		return nil, epistle.InvalidField("email", "mail.address")
	}
	if h.date.IsZero() {
		return nil, epistle.Errorf(epistle.Internal, "internal", errors.New("a message needs a date that stays the same"))
	}
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8),
		gomail.WithBoundary(h.boundary), gomail.WithNoDefaultUserAgent())
	m.SetGenHeader("From", encodeMailbox(h.from))
	m.SetGenHeader("To", encodeMailbox(h.to))
	if h.replyTo.Address != "" {
		m.SetGenHeader("Reply-To", encodeMailbox(h.replyTo))
	}
	m.SetGenHeader(gomail.HeaderSubject, encodeWords(line(h.subject)))
	m.SetDateWithValue(h.date.UTC())
	m.SetMessageIDWithValue(h.messageID)
	for name, value := range h.extra {
		m.SetGenHeader(gomail.Header(name), value)
	}
	m.SetBodyString(gomail.TypeTextPlain, crlf(text))
	m.AddAlternativeString(gomail.TypeTextHTML, crlf(html))
	var out bytes.Buffer
	if _, err := m.WriteTo(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// crlf makes every line end CRLF; a bare CR or LF is a line end too.
func crlf(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	return strings.ReplaceAll(s, "\n", "\r\n")
}
