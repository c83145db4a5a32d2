package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"epistle/internal/epistle"
)

// Edition is an issue rendered for one language and one form, all but the
// reader. It is never changed after Compile and may be used by many at once.
type Edition struct {
	renderer   *Renderer
	issue      epistle.ID
	newsletter epistle.Newsletter
	language   epistle.Language
	form       epistle.Form
	subject    string
	preheader  string
	weekly     parts // decoded, for previews
	frames     [len(variants)]frame
	greeting   splice // with a name
	nameless   string
}

// testDelivery is the variant of an edition that Test mails.
const testDelivery epistle.DeliveryKind = -1

// variants are the kinds of deliveries that an edition has a frame for.
var variants = [...]epistle.DeliveryKind{epistle.BulkDelivery, epistle.WelcomeDelivery, testDelivery}

// frameOf is nil for an unknown kind.
func (e *Edition) frameOf(kind epistle.DeliveryKind) frame {
	for i, k := range variants {
		if k == kind {
			return e.frames[i]
		}
	}
	return nil
}

type parts struct{ html, text splice }

// Recipient is one reader of an edition. Date is the delivery's first moment,
// so that every attempt carries the same one.
type Recipient struct {
	SubscriberID   epistle.ID
	SubscriptionID epistle.ID
	Seq            int64
	Name           string // may be empty
	Address        epistle.Address
	Kind           epistle.DeliveryKind
	Date           time.Time
}

// Compile renders what all readers of an edition share. Texts that are missing
// in the language appear in the other one. An address that is no web address
// is shown without a link.
func (r *Renderer) Compile(n epistle.Newsletter, i epistle.Issue, l epistle.Language, f epistle.Form) (*Edition, error) {
	if !isWireAddress(n.Sender.Address) || n.ReplyTo.Address != "" && !isWireAddress(n.ReplyTo.Address) {
		return nil, epistle.InvalidField("sender", "mail.address")
	}
	p, err := r.makePage(n, i, l, f)
	if err != nil {
		return nil, err
	}
	e := &Edition{
		renderer: r, issue: i.ID, newsletter: n, language: l, form: f, subject: p.Subject, preheader: p.Preheader,
		greeting: r.split(p.T("mail.greeting.name", "Name", r.standIn(greetingField))),
		nameless: p.T("mail.greeting.friend"),
	}
	if f == epistle.Discreet {
		e.nameless = p.T("mail.discreet.friend")
	}
	above := map[epistle.DeliveryKind]string{
		epistle.BulkDelivery: "", epistle.WelcomeDelivery: p.T("mail.welcome"), testDelivery: p.T("mail.test.note"),
	}
	for i, kind := range variants {
		p.Above = above[kind]
		body, err := r.execute("issue", p)
		if err != nil {
			return nil, err
		}
		if kind == epistle.BulkDelivery {
			e.weekly = body
		}
		if e.frames[i], err = e.frame(kind, body); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// execute runs a mail's two templates and splits what they print.
func (r *Renderer) execute(name string, data any) (parts, error) {
	var html, text bytes.Buffer
	if err := r.html.ExecuteTemplate(&html, name+".html", data); err != nil {
		return parts{}, fmt.Errorf("render %s.html: %w", name, err)
	}
	if err := r.text.ExecuteTemplate(&text, name+".txt", data); err != nil {
		return parts{}, fmt.Errorf("render %s.txt: %w", name, err)
	}
	return parts{html: r.split(html.String()), text: r.split(tidy(text.String()))}, nil
}

// tidy folds runs of blank lines, which templates leave where a part is empty.
func tidy(s string) string {
	var out []string
	for _, row := range strings.Split(s, "\n") {
		row = strings.TrimRight(row, " \t")
		if row == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, row)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n") + "\n"
}

// greet is the greeting of a reader.
func (e *Edition) greet(name string) string {
	return string(e.appendGreeting(nil, personName(name)))
}

func (e *Edition) appendGreeting(dst []byte, name string) []byte {
	if name == "" {
		return append(dst, e.nameless...)
	}
	for _, p := range e.greeting {
		dst = append(dst, p.literal...)
		if p.field != noField {
			dst = append(dst, name...)
		}
	}
	return dst
}

// boundary separates the parts of a message. It derives from what names the
// message or its edition, so that every attempt is the same bytes.
func boundary(name string) string {
	sum := sha256.Sum256([]byte("epistle boundary " + name))
	return hex.EncodeToString(sum[:16])
}
