package render

import (
	"bytes"
	"fmt"
	"html"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// Wire is a message ready for a relay. Its pieces together are dot-stuffed and
// end with CRLF, without the final dot. They are good until the Scratch is used
// again, and not to be changed: what all readers share is there once.
type Wire struct {
	ReturnPath string
	To         string
	Pieces     [][]byte
}

// Data is the whole message, a copy.
func (w Wire) Data() []byte { return bytes.Join(w.Pieces, nil) }

// Scratch is what Wire uses again from message to message: memory, and the
// state of the keyed hashes. The zero value is ready. It belongs to one
// goroutine.
type Scratch struct {
	keys     *seal.Keyring
	signer   *seal.Signer
	values   [fieldLimit][]byte // what the fields of the message at hand hold
	greeting []byte
	path     []byte
	data     []byte
	pieces   [][]byte
}

func (s *Scratch) set(f field, value string) { s.values[f] = append(s.values[f][:0], value...) }

// link sets a field to the token of a reader's link.
func (s *Scratch) link(f field, p seal.Purpose, rcpt Recipient, issue epistle.ID) {
	s.values[f] = s.signer.AppendLink(s.values[f][:0], p, rcpt.SubscriptionID, issue)
}

// use gets the scratch ready for a keyring.
func (s *Scratch) use(keys *seal.Keyring) {
	if s.keys != keys {
		s.keys, s.signer = keys, keys.Signer()
	}
}

// Wire makes the message for one reader in the scratch's memory: the bytes,
// and the errors, of Message.
func (e *Edition) Wire(s *Scratch, rcpt Recipient) (Wire, error) {
	r := e.renderer
	s.use(r.Keys)
	s.link(leaveField, seal.ToLeave, rcpt, e.issue)
	s.link(preferField, seal.ToPrefer, rcpt, e.issue)
	if err := e.fill(s, rcpt); err != nil {
		return Wire{}, err
	}
	w := Wire{ReturnPath: string(e.newsletter.Sender.Address), To: string(rcpt.Address), Pieces: s.pieces}
	if r.Ministry.BounceDomain != "" {
		s.path = append(s.signer.AppendBounceLocal(s.path[:0], e.issue, rcpt.Seq), '@')
		s.path = append(s.path, r.Ministry.BounceDomain...)
		w.ReturnPath = string(s.path)
	}
	return w, nil
}

// fill puts one reader's values, beside the links that the scratch has
// already, into the edition's frame, and signs the whole.
func (e *Edition) fill(s *Scratch, rcpt Recipient) error {
	frame := e.frameOf(rcpt.Kind)
	switch {
	case frame == nil:
		return epistle.Errorf(epistle.Internal, "internal", fmt.Errorf("an edition has no variant for deliveries of kind %d", rcpt.Kind))
	case !isWireAddress(rcpt.Address):
		return epistle.InvalidField("email", "mail.address")
	case rcpt.Date.IsZero():
		return errNoDate
	}
	s.use(e.renderer.Keys)
	v, name := &s.values, personName(rcpt.Name)
	v[toField] = appendMailbox(v[toField][:0], name, string(rcpt.Address), folded)
	v[dateField] = rcpt.Date.UTC().AppendFormat(v[dateField][:0], time.RFC1123Z)
	v[idField] = s.signer.AppendMessageIDLocal(v[idField][:0], e.issue, rcpt.Seq)
	s.greeting = e.appendGreeting(s.greeting[:0], name)
	v[plainField] = appendQuoted(v[plainField][:0], s.greeting)
	v[greetingField] = appendQuotedHTML(v[greetingField][:0], s.greeting)
	if signer := e.renderer.Signer; signer != nil {
		s.data = frame.append(signer.Begin(s.data[:0]), v)
		s.pieces = append(s.pieces[:0], s.data)
		return signer.Finish(s.data)
	}
	s.pieces, s.data = frame.pieces(s.pieces[:0], s.data[:0], v)
	return nil
}

// appendQuotedHTML is appendQuoted of a text as HTML has it.
func appendQuotedHTML(dst, text []byte) []byte {
	if bytes.ContainsAny(text, `<>&'"`) {
		text = []byte(html.EscapeString(string(text)))
	}
	return appendQuoted(dst, text)
}
