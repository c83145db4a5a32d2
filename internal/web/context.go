package web

import (
	"context"
	"net/http"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
)

type contextKey int

const (
	staffKey contextKey = iota
	preferredKey
	noticeKey
	referenceKey
)

// WithStaff returns a context that carries the signed-in member.
func WithStaff(ctx context.Context, m epistle.StaffMember) context.Context {
	return context.WithValue(ctx, staffKey, m)
}

// StaffFrom is the signed-in member, if there is one.
func StaffFrom(ctx context.Context) (epistle.StaffMember, bool) {
	m, ok := ctx.Value(staffKey).(epistle.StaffMember)
	return m, ok
}

// ActorFrom is the hand behind a request: the signed-in member, else a reader.
func ActorFrom(ctx context.Context) epistle.Actor {
	if m, ok := StaffFrom(ctx); ok {
		return m.Actor()
	}
	return epistle.ReaderActor()
}

// PreferLanguage returns the request with the language that its reader is known
// to prefer, a subscriber's for example. What the reader chose on a page
// still goes first.
func PreferLanguage(r *http.Request, l epistle.Language) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), preferredKey, l))
}

// WithBanner returns a context whose desk pages show a standing notice at the
// top.
func WithBanner(ctx context.Context, b Banner) context.Context {
	return context.WithValue(ctx, noticeKey, b)
}

// Banner is a standing notice at the top of every desk page.
type Banner struct {
	Key   string // its sentence in the catalogue
	Link  string
	Label string // the link's words in the catalogue
}

// WithoutBanner returns the request for the page to which the banner leads.
func WithoutBanner(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), noticeKey, nil))
}

func bannerFrom(ctx context.Context) *Banner {
	if b, ok := ctx.Value(noticeKey).(Banner); ok {
		return &b
	}
	return nil
}

const languageCookie = "epistle-lang"

// Language is the language in which a request is answered: the one asked for
// by ?lang=, else the member's own, else the one chosen before, else the one
// the reader is known to prefer, else the browser's.
func (k *Kernel) Language(r *http.Request) epistle.Language {
	if l, err := epistle.ParseLanguage(r.URL.Query().Get("lang")); err == nil {
		return l
	}
	if m, ok := StaffFrom(r.Context()); ok {
		return m.Language
	}
	if cookie, err := r.Cookie(languageCookie); err == nil {
		if l, err := epistle.ParseLanguage(cookie.Value); err == nil {
			return l
		}
	}
	if l, ok := r.Context().Value(preferredKey).(epistle.Language); ok {
		return l
	}
	return k.options.Catalog.Match(r.Header.Get("Accept-Language"))
}

// Words are the messages in the request's language.
func (k *Kernel) Words(r *http.Request) *locale.Words {
	return k.options.Catalog.In(k.Language(r))
}

// rememberLanguage keeps a choice made by ?lang= for the next pages.
func (k *Kernel) rememberLanguage(w http.ResponseWriter, r *http.Request) {
	l, err := epistle.ParseLanguage(r.URL.Query().Get("lang"))
	if err != nil {
		return
	}
	http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: string(l), Path: "/",
		MaxAge: int((365 * 24 * time.Hour).Seconds()), Secure: k.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
