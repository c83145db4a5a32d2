package public

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/web"
)

// script is the module that places a thread into a page of a configured site.
func (c Comments) script(w http.ResponseWriter, r *http.Request) error {
	return c.Kernel.ServeScript(w, r, "embed.js")
}

// The thread as embed.js gets it. Times are RFC 3339 in UTC; the script shows
// them in the reader's form and zone.
type embedded struct {
	Page    string            `json:"page"`
	URL     string            `json:"url"` // of the plain page
	Lang    epistle.Language  `json:"lang"`
	Heading string            `json:"heading"`
	Entries []embeddedComment `json:"entries"`
	Next    int64             `json:"next,omitempty"` // the number after which the rest begins
	Stamp   string            `json:"stamp"`
	Version int64             `json:"version"` // of the wording; 0: no box
	Wording string            `json:"wording,omitempty"`
	Words   map[string]string `json:"words"`
}

type embeddedComment struct {
	ID      epistle.ID        `json:"id"`
	Number  int64             `json:"number,omitempty"`
	Name    string            `json:"name"`
	Staff   bool              `json:"staff,omitempty"`
	Time    string            `json:"time"`
	Lang    epistle.Language  `json:"lang"`
	Body    string            `json:"body"`
	Replies []embeddedComment `json:"replies,omitempty"`
}

// embedWords are the words of the script, under the names that it knows.
var embedWords = map[string]string{
	"name": "comments.form.name", "email": "comments.form.email", "emailHint": "comments.form.email.hint", "comment": "comments.form.comment",
	"updates": "comments.form.updates", "replies": "comments.form.replies", "repliesHint": "comments.form.replies.hint", "trap": "comments.form.trap",
	"held": "comments.form.held", "send": "comments.form.send", "title": "comments.form.title", "answer": "comments.reply", "answering": "comments.form.reply",
	"noAnswer": "comments.form.no-reply", "none": "comments.none", "more": "comments.more", "sent": "comments.embed.sent", "asked": "comments.embed.asked",
	"failed": "comments.embed.failed", "open": "comments.embed.open",
}

// embed answers a page of a configured site with a thread. It sets no cookie and
// tells nothing that the plain page does not.
func (c Comments) embed(w http.ResponseWriter, r *http.Request) error {
	if err := c.admit(w, r); err != nil {
		return err
	}
	page, err := c.Verb.Page(r.Context(), r.URL.Query().Get("page"))
	if err != nil {
		return c.refuse(w, r, err, nil)
	}
	parts, err := c.rendered(r, "embed", page, func(r *http.Request, box *epistle.Newsletter) ([]byte, error) { return c.embedded(r, page, box) })
	if err != nil {
		return err
	}
	return c.sendEmbedded(w, parts)
}

func (c Comments) sendEmbedded(w http.ResponseWriter, parts [2][]byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	return web.SendPieces(w, http.StatusOK, parts[0], []byte(c.Verb.Stamp()), parts[1])
}

func (c Comments) embedded(r *http.Request, page epistle.Page, box *epistle.Newsletter) ([]byte, error) {
	p, err := c.fill(r, page, web.NewForm(), box)
	if err != nil {
		return nil, err
	}
	words := c.Kernel.Words(r)
	e := embedded{Page: page.URL, URL: c.Kernel.URL(c.address(page)), Lang: words.Language, Heading: words.T("comments.title"),
		Stamp: stampMark, Wording: p.Wording, Words: map[string]string{}, Entries: []embeddedComment{}}
	if p.Count > 0 {
		e.Heading = words.T("comments.count", "Count", p.Count)
	}
	if p.Newsletter != nil {
		e.Version = p.Newsletter.WordingVersion
	}
	for name, key := range embedWords {
		e.Words[name] = words.T(key)
	}
	e.Words["ministry"] = c.Kernel.Ministry().In(words.Language)
	for _, entry := range p.Thread {
		top := embeddedOf(entry.Comment)
		for _, reply := range entry.Replies {
			top.Replies = append(top.Replies, embeddedOf(reply))
		}
		e.Entries = append(e.Entries, top)
	}
	if p.Next != "" {
		e.Next = p.Thread[len(p.Thread)-1].Number
	}
	return json.Marshal(e)
}

func embeddedOf(c epistle.Comment) embeddedComment {
	return embeddedComment{ID: c.ID, Number: c.Number, Name: c.Name, Staff: c.StaffID != 0,
		Time: c.CreatedAt.UTC().Format(time.RFC3339), Lang: c.Language, Body: c.Body}
}

// admit lets pages of the configured sites read the answer (CORS), and refuses
// the others. No credentials: the answers are the same for everybody.
func (c Comments) admit(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || origin == c.Kernel.URL("") {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !c.Verb.Serves(u.Host) {
		return epistle.Errorf(epistle.Forbidden, "web.cross-site", err)
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return nil
}

// outcome is what embed.js shows after a post.
type outcome struct {
	Asked   bool              `json:"asked,omitempty"`  // a confirmation mail is on its way
	Failed  bool              `json:"failed,omitempty"` // the updates could not be asked for now
	Message string            `json:"message,omitempty"`
	Errors  map[string]string `json:"errors,omitempty"` // by field
	Stamp   string            `json:"stamp,omitempty"`  // for the next try, if the old one is too old
}

// postEmbedded takes a comment that was written in an embedded thread, by the
// same rules as the plain page.
func (c Comments) postEmbedded(w http.ResponseWriter, r *http.Request) error {
	if err := c.admit(w, r); err != nil {
		return err
	}
	form := web.FormOf(r)
	receipt, err := c.Verb.Post(r.Context(), c.posted(r, form, form.Value("page")))
	if err != nil {
		return c.refuse(w, r, err, form)
	}
	return answerJSON(w, http.StatusOK, outcome{Asked: receipt.Asked, Failed: receipt.Failed})
}

// posted is a comment as a form carries it.
func (c Comments) posted(r *http.Request, form *web.Form, page string) signup.Post {
	replyTo, _ := strconv.ParseInt(form.Value("reply"), 10, 64)
	version, _ := strconv.ParseInt(form.Value("wording"), 10, 64)
	return signup.Post{
		PageURL: page, ReplyTo: replyTo, Name: form.Value("name"), Address: form.Value("email"), Body: form.Value("comment"),
		Updates: form.Has("updates", "yes"), Replies: form.Has("replies", "yes"), Version: version, Language: c.Kernel.Language(r),
		Stamp: form.Value("stamp"), Trap: form.Value(trap), IP: c.Kernel.ClientIP(r).String(),
	}
}

// refuse tells the script in a plain sentence what is wrong. What is not the
// visitor's doing goes the usual way.
func (c Comments) refuse(w http.ResponseWriter, r *http.Request, err error, form *web.Form) error {
	words := c.Kernel.Words(r)
	switch epistle.KindOf(err) {
	case epistle.NotFound:
		return answerJSON(w, http.StatusNotFound, outcome{Message: words.Error(err)})
	case epistle.Limited:
		return answerJSON(w, http.StatusTooManyRequests, outcome{Message: words.Error(err)})
	case epistle.Invalid:
		if form == nil {
			return err
		}
		if unknown := c.Kernel.Refuse(r, form, err); unknown != nil {
			return unknown
		}
		o := outcome{Message: form.Message, Errors: map[string]string{}}
		var known *epistle.Error
		if errors.As(err, &known) && known.Message == "form.stale" {
			o.Stamp = c.Verb.Stamp()
		}
		for _, field := range []string{"name", "email", "comment", "updates"} {
			if sentence := form.Error(field); sentence != "" {
				o.Errors[field] = sentence
			}
		}
		return answerJSON(w, http.StatusUnprocessableEntity, o)
	}
	return err
}

func answerJSON(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}
