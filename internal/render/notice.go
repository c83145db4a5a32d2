package render

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
)

// noticeData says which keys of Notice.Data each kind needs, beside "link",
// which all need. Values are text in the reader's language.
//
//	link        the button's address; "/confirm/…" is taken below the public URL
//	newsletter  its title
//	covers      what the newsletter covers, a sentence of the ministry's own
//	frequency   how often it comes, a sentence of the ministry's own
//	issue       the number
//	slot        its moment: RFC 3339 in the newsletter's zone, or ready text
//	first       when the first update comes, a sentence
//	given       the day on which a consent was given
//	accepted, failed, tried, refused   how many mails, in digits
//	answer, report     paragraphs
//	page        a page's title
//	stop        where such mails are ended with one click, like link
//
// Kinds in noticeExtra use one more where it is there:
//
//	reason      why an issue is held, a sentence
var noticeData = map[epistle.NoticeKind][]string{
	epistle.NoticeConfirm:       {"newsletter", "covers", "frequency"},
	epistle.NoticeInvite:        {"newsletter", "covers", "frequency"},
	epistle.NoticeRemind:        {"newsletter", "covers", "frequency"},
	epistle.NoticeSignedUp:      {"newsletter", "covers", "frequency", "first"},
	epistle.NoticeRenewal:       {"newsletter", "covers", "frequency", "given"},
	epistle.NoticeOwnData:       {},
	epistle.NoticeErase:         {},
	epistle.NoticeAlready:       {"newsletter"},
	epistle.NoticeResetPassword: {},
	epistle.NoticeStaffWelcome:  {},
	epistle.NoticeUnapproved:    {"newsletter", "issue", "slot"},
	epistle.NoticeHeld:          {"newsletter", "issue"},
	epistle.NoticeMissed:        {"newsletter", "issue", "slot"},
	epistle.NoticeRecoverySheet: {},
	epistle.NoticeSent:          {"newsletter", "issue", "accepted", "failed"},
	epistle.NoticeStopped:       {"newsletter", "issue"},
	epistle.NoticePassword:      {"newsletter", "issue"},
	epistle.NoticeRefusals:      {"newsletter", "issue", "tried", "refused"},
	epistle.NoticeReply:         {"answer", "stop"},
	epistle.NoticeMorning:       {"report"},
}

var noticeExtra = map[epistle.NoticeKind]string{epistle.NoticeHeld: "reason", epistle.NoticeReply: "page"}

// long are the data that keep their lines.
var long = map[string]bool{"answer": true, "report": true}

// noticePage is what the templates of a notice are given.
type noticePage struct {
	*locale.Words
	Subject    string
	Heading    string
	Paragraphs []string
	Button     string
	Quiet      bool // the button is for few: it must not look like the thing to do
	Link       string
	Stop       string // "" where there is nothing to stop
	Note       []string
	Footer     footer
}

// Notice makes the mail of a notice. Data that its kind needs and does not
// have is an internal error: half a sentence is not mailed.
func (r *Renderer) Notice(n epistle.Notice) (Message, error) {
	if !isWireAddress(n.To) {
		return Message{}, epistle.InvalidField("email", "mail.address")
	}
	if n.CreatedAt.IsZero() {
		return Message{}, errNoDate
	}
	page, err := r.makeNotice(n)
	if err != nil {
		return Message{}, err
	}
	body, err := r.execute("notice", page)
	if err != nil {
		return Message{}, err
	}
	sender := r.NoticeSender
	local := r.Keys.MessageIDLocal(0, n.ID)
	h := envelope{
		from:      encodeMailbox(mail.Address{Name: line(sender.Name.In(page.Language)), Address: string(sender.Address)}),
		to:        encodeMailbox(mail.Address{Address: string(n.To)}),
		subject:   page.Subject,
		date:      n.CreatedAt.UTC().Format(time.RFC1123Z),
		messageID: local + "@" + r.Ministry.MailDomain,
		boundary:  boundary(local),
		extra:     map[string]string{"Auto-Submitted": "auto-generated"},
	}
	if page.Stop != "" { // RFC 8058
		h.extra["List-Unsubscribe"] = "<" + page.Stop + ">"
		h.extra["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
	}
	whole, err := r.assemble(h, body.html.encode(), body.text.encode())
	if err != nil {
		return Message{}, err
	}
	signed, err := r.Signer.Sign(whole.append(nil, new([fieldLimit][]byte)))
	return Message{ReturnPath: string(sender.Address), To: n.To, Body: signed}, err
}

func (r *Renderer) makeNotice(n epistle.Notice) (noticePage, error) {
	keys, known := noticeData[n.Kind]
	if !known {
		return noticePage{}, epistle.Errorf(epistle.Internal, "internal", fmt.Errorf("there is no notice of kind %q", n.Kind))
	}
	words := r.Catalog.In(n.Language)
	data := map[string]any{}
	for _, key := range keys {
		value := line(n.Data[key])
		if long[key] {
			value = strings.TrimSpace(n.Data[key])
		}
		if value == "" {
			return noticePage{}, lacks(n, key)
		}
		if moment, err := time.Parse(time.RFC3339, value); err == nil && key == "slot" {
			value = words.Moment(moment)
		}
		data[title(key)] = value
	}
	if key := noticeExtra[n.Kind]; key != "" {
		data[title(key)] = line(n.Data[key])
	}
	data["Ministry"] = line(words.Pick(r.Ministry.Name))
	link, stop := r.absolute(n.Data["link"]), ""
	if slices.Contains(keys, "stop") {
		stop = r.absolute(n.Data["stop"])
	}
	if !isWebURL(link) {
		return noticePage{}, lacks(n, "link")
	}
	if slices.Contains(keys, "stop") && !isWebURL(stop) {
		return noticePage{}, lacks(n, "stop")
	}
	word := func(part string) string {
		key := "notice." + string(n.Kind) + "." + part
		if part == "note" && !r.Catalog.Keys(words.Language)[key] {
			return "" // the one part that a kind may do without
		}
		return words.Fill(key, data)
	}
	return noticePage{
		Words: words, Subject: line(word("subject")), Heading: word("heading"), Paragraphs: paragraphs(word("body")),
		Button: word("button"), Quiet: n.Kind == epistle.NoticeSignedUp, Link: link, Stop: stop, Note: paragraphs(word("note")),
		Footer: footer{
			Ministry: line(words.Pick(r.Ministry.Name)), Postal: line(words.Pick(r.Ministry.PostalAddress)), Contact: r.Ministry.Contact.Display(),
		},
	}, nil
}

// absolute puts a path of ours below the public URL.
func (r *Renderer) absolute(link string) string {
	if strings.HasPrefix(link, "/") {
		return r.Ministry.PublicURL + link
	}
	return link
}

func lacks(n epistle.Notice, key string) error {
	return epistle.Errorf(epistle.Internal, "internal", fmt.Errorf("the notice %q lacks its %q", n.Kind, key))
}

// title is a data key as the words of the catalogue write it: {{.Newsletter}}.
func title(key string) string { return strings.ToUpper(key[:1]) + key[1:] }
