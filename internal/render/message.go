package render

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"epistle/internal/epistle"
)

// Message is a complete message for one person (RFC 5322): CRLF line ends, no
// line over 998 octets, ASCII only. No line begins with a dot, so it is its own
// dot-stuffed form.
type Message struct {
	ReturnPath string
	To         epistle.Address
	Body       []byte
}

// Message makes the message for one reader. The same edition and recipient
// give the same bytes every time. A recipient without a date is an internal
// error, one whose address no mail can carry is Invalid.
func (e *Edition) Message(rcpt Recipient) (Message, error) {
	w, err := e.Wire(new(Scratch), rcpt)
	if err != nil {
		return Message{}, err
	}
	return Message{ReturnPath: w.ReturnPath, To: rcpt.Address, Body: w.Data()}, nil
}

// Test makes one message of the edition for a member of staff: its subject is
// marked, a line at its top says what it is, its links to leave and to
// preferences lead nowhere, and it carries no list headers.
func (e *Edition) Test(to epistle.Address, at time.Time) (Message, error) {
	s := new(Scratch)
	s.set(leaveField, "test")
	s.set(preferField, "test")
	// No delivery has so high a number: the Message-ID is free.
	if err := e.fill(s, Recipient{Seq: at.UnixMicro(), Address: to, Kind: testDelivery, Date: at}); err != nil {
		return Message{}, err
	}
	return Message{ReturnPath: string(e.newsletter.Sender.Address), To: to, Body: bytes.Join(s.pieces, nil)}, nil
}

// frame lets go-mail build the message of a kind of delivery once, with
// stand-ins where readers differ, and puts the encoded parts into it.
func (e *Edition) frame(kind epistle.DeliveryKind, body parts) (frame, error) {
	r := e.renderer
	h := envelope{
		from: encodeMailbox(e.sender()), to: r.standIn(toField), subject: e.subject,
		date: r.standIn(dateField), messageID: r.standIn(idField) + "@" + r.Ministry.MailDomain,
		boundary: boundary(fmt.Sprint(r.Ministry.MailDomain, " ", e.issue, " ", e.language, " ", e.form)),
	}
	if reply := e.replyTo(); reply.Address != "" {
		h.replyTo = encodeMailbox(reply)
	}
	if kind == testDelivery {
		h.subject = r.Catalog.In(e.language).T("mail.test.subject", "Subject", e.subject)
	} else {
		h.extra = map[string]string{
			"List-Id":               e.listID(),
			"List-Unsubscribe":      r.listUnsubscribe(r.standIn(leaveField)),
			"List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
			"Precedence":            "bulk",
			"Feedback-ID":           e.feedbackID(kind),
		}
	}
	whole, err := r.assemble(h, body.html.encode(), body.text.encode().rename(greetingField, plainField))
	return whole.frame(), err
}

// assemble lets go-mail build a message around two encoded parts.
func (r *Renderer) assemble(h envelope, html, text splice) (splice, error) {
	data, err := compose(h, r.standIn(htmlField), r.standIn(textField))
	if err != nil {
		return nil, err
	}
	return r.split(string(data)).put(textField, text).put(htmlField, html), nil
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

// errNoDate is for callers that forget the stable date.
var errNoDate = epistle.Errorf(epistle.Internal, "internal", errors.New("a message needs a date that stays the same"))

// envelope is what compose puts above the body: values ready for the wire,
// ASCII without line ends, but for the subject, which is text.
type envelope struct {
	from, replyTo, to string
	subject           string
	date              string
	messageID         string
	boundary          string
	extra             map[string]string
}

// compose lets go-mail build the MIME message.
func compose(h envelope, html, text string) ([]byte, error) {
	m := gomail.NewMsg(gomail.WithEncoding(gomail.EncodingQP), gomail.WithCharset(gomail.CharsetUTF8),
		gomail.WithBoundary(h.boundary), gomail.WithNoDefaultUserAgent())
	headers := map[string]string{"From": h.from, "To": h.to, "Date": h.date, "Subject": encodeWords(line(h.subject))}
	if h.replyTo != "" {
		headers["Reply-To"] = h.replyTo
	}
	maps.Copy(headers, h.extra)
	for name, value := range headers {
		m.SetGenHeader(gomail.Header(name), value)
	}
	m.SetMessageIDWithValue(h.messageID)
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
