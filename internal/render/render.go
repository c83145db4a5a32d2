// Package render makes mails out of content: Markdown, an issue, a language
// and a form become a subject, an HTML part, a text part and, for one
// recipient, a complete message.
//
// What all recipients share is done once, by Compile. Wire fills the few
// fields that differ, in memory that it uses again. The package does no input
// or output; it is safe for concurrent use.
package render

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"

	"epistle/internal/dkim"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/seal"
	"epistle/templates"
)

// Ministry is who writes, as the mails say it.
type Ministry struct {
	Name          epistle.Text
	PostalAddress epistle.Text
	Contact       epistle.Address
	PublicURL     string          // where the public pages are; no slash at its end is needed
	MailDomain    string          // the right side of Message-IDs and List-Ids
	BounceDomain  string          // right side of the VERP Return-Path; empty: the sender's own address
	MailtoLeave   epistle.Address // an address that reads unsubscribe mails; empty: none does
}

// Options are what a Renderer needs. NoticeSender is the From of notices; a
// zero one means the ministry's name and contact address. Signer puts its
// signatures above every mail; nil leaves signing to the relay.
type Options struct {
	Ministry     Ministry
	Catalog      *locale.Catalog
	Keys         *seal.Keyring
	NoticeSender epistle.Mailbox
	Signer       *dkim.Signer
}

// Renderer makes editions, notices and previews.
type Renderer struct {
	Options
	html *template.Template
	text *texttemplate.Template
	mark string // begins every field's stand-in; cannot occur in content
}

// New parses the mail templates. The ministry's own settings are checked here,
// so that no header can be broken later.
func New(o Options) (*Renderer, error) {
	o.Ministry.PublicURL = strings.TrimRight(o.Ministry.PublicURL, "/")
	if !isWebURL(o.Ministry.PublicURL) {
		return nil, epistle.InvalidField("public_url", "mail.public-url")
	}
	if !isDomain(o.Ministry.MailDomain) {
		return nil, epistle.InvalidField("mail_domain", "mail.domain")
	}
	if o.Ministry.BounceDomain != "" && !isDomain(o.Ministry.BounceDomain) {
		return nil, epistle.InvalidField("bounce_domain", "mail.domain")
	}
	if o.Ministry.MailtoLeave != "" && !isWireAddress(o.Ministry.MailtoLeave) {
		return nil, epistle.InvalidField("mailto_leave", "mail.address")
	}
	if o.NoticeSender.Address == "" {
		o.NoticeSender = epistle.Mailbox{Name: o.Ministry.Name, Address: o.Ministry.Contact}
	}
	if !isWireAddress(o.NoticeSender.Address) {
		return nil, epistle.InvalidField("contact", "mail.address")
	}
	r := &Renderer{Options: o}
	var err error
	if r.html, err = template.New("email").Option("missingkey=error").Funcs(htmlFuncs).ParseFS(templates.Email, "email/*.html"); err != nil {
		return nil, fmt.Errorf("parse the HTML mail templates: %w", err)
	}
	if r.text, err = texttemplate.New("email").Option("missingkey=error").Funcs(textFuncs).ParseFS(templates.Email, "email/*.txt"); err != nil {
		return nil, fmt.Errorf("parse the text mail templates: %w", err)
	}
	nonce := make([]byte, 12)
	rand.Read(nonce) // never fails
	r.mark = "zq" + hex.EncodeToString(nonce)
	return r, nil
}
