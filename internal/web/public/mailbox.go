package public

import (
	"net/http"
	"strconv"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/mailbox"
	"epistle/internal/web"
)

// Mailbox shows the demo's mails. It is mounted by the demo alone: whoever can
// open it can read every mail.
type Mailbox struct {
	Kernel *web.Kernel
	Box    *mailbox.Box
}

// Routes are the mailbox's pages.
func (m Mailbox) Routes() []web.Route {
	return []web.Route{
		web.Public("GET /mailbox", m.list),
		web.Public("GET /mailbox/{id}", m.read),
		web.Public("GET /mailbox/{id}/html", m.html),
		web.Public("GET /mailbox/{id}/source", m.source),
	}
}

type mailboxPage struct {
	Query string
	Mails []mailbox.Mail
	Pager web.Pager
}

const mailsPerPage = 30

func (m Mailbox) list(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query().Get("q")
	mails := m.Box.Mails(query)
	pager := web.NewPager(r, mailsPerPage, int64(len(mails)))
	end := min(len(mails), pager.Offset+mailsPerPage)
	return m.Kernel.Render(w, r, "public/mailbox", mailboxPage{Query: query, Mails: mails[pager.Offset:end], Pager: pager})
}

type mailPage struct {
	Mail  mailbox.Mail
	View  string // "html", "phone" or "text"
	Views []string
}

func (m Mailbox) read(w http.ResponseWriter, r *http.Request) error {
	mail, err := m.mail(r)
	if err != nil {
		return err
	}
	views := []string{"html", "phone", "text"}
	view := r.URL.Query().Get("view")
	if view != "phone" && view != "text" {
		view = "html"
	}
	return m.Kernel.Render(w, r, "public/mail", mailPage{Mail: mail, View: view, Views: views})
}

// readingPolicy lets a reader follow the links of a mail, as a mail program
// does, and nothing else.
const readingPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"

func (m Mailbox) html(w http.ResponseWriter, r *http.Request) error {
	mail, err := m.mail(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", readingPolicy)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err = w.Write([]byte(strings.Replace(mail.HTML, "<head>", `<head><base target="_top">`, 1)))
	return err
}

func (m Mailbox) source(w http.ResponseWriter, r *http.Request) error {
	mail, err := m.mail(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write([]byte(mail.Source))
	return err
}

func (m Mailbox) mail(r *http.Request) (mailbox.Mail, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil {
		return mailbox.Mail{}, epistle.Errorf(epistle.NotFound, "not-found", err)
	}
	return m.Box.Mail(id)
}
