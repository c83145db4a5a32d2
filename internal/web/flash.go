package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
)

// Tone is how a message feels.
type Tone string

const (
	Good Tone = "good"
	Info Tone = "info"
	Wait Tone = "wait"
	Bad  Tone = "bad"
)

// flash is a sentence for the next page. It travels in a cookie as a key of the
// catalogue with its variables, so that a planted one can only say what we
// say anyway. Variables must not be personal.
type flash struct {
	Tone Tone           `json:"t"`
	Key  string         `json:"k"`
	Data map[string]any `json:"d,omitempty"`
	Text string         `json:"-"`
}

const flashCookie = "epistle-flash"

// Flash shows a message of the catalogue on the next page.
func (k *Kernel) Flash(w http.ResponseWriter, _ *http.Request, tone Tone, key string, pairs ...any) {
	f := flash{Tone: tone, Key: key, Data: map[string]any{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			f.Data[name] = pairs[i+1]
		}
	}
	text, err := json.Marshal(f)
	if err != nil || len(text) > 2000 {
		return // a message that cannot travel is not worth failing for
	}
	http.SetCookie(w, k.cookie(flashCookie, base64.RawURLEncoding.EncodeToString(text), 60))
}

func (k *Kernel) cookie(name, value string, seconds int) *http.Cookie {
	return &http.Cookie{Name: k.CookieName(name), Value: value, Path: "/", MaxAge: seconds,
		Secure: k.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// HasFlashes reports whether a message waits for this visitor.
func (k *Kernel) HasFlashes(r *http.Request) bool {
	_, err := r.Cookie(k.CookieName(flashCookie))
	return err == nil
}

// takeFlashes reads the message and takes it away.
func (k *Kernel) takeFlashes(w http.ResponseWriter, r *http.Request) []flash {
	cookie, err := r.Cookie(k.CookieName(flashCookie))
	if err != nil {
		return nil
	}
	http.SetCookie(w, k.cookie(flashCookie, "", -1))
	text, err := base64.RawURLEncoding.DecodeString(cookie.Value)
	var f flash
	if err != nil || json.Unmarshal(text, &f) != nil {
		return nil
	}
	if !k.options.Catalog.Keys(k.Language(r))[f.Key] || strings.ContainsAny(string(f.Tone), " \"") {
		return nil
	}
	if count, ok := f.Data["Count"].(float64); ok {
		f.Data["Count"] = int(count) // plurals need a whole number
	}
	f.Text = k.Words(r).Fill(f.Key, f.Data)
	return []flash{f}
}
