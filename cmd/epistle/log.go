package main

import (
	"context"
	"io"
	"log/slog"
	"regexp"
)

// newLog makes the log: text for a person at a terminal, JSON otherwise. What
// looks like a mail address or a link's token is blotted out, whoever logs it:
// relays repeat addresses in their replies, and drivers repeat values.
func newLog(w io.Writer, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		a.Value = a.Value.Resolve()
		switch a.Value.Kind() {
		case slog.KindString:
			a.Value = slog.StringValue(blot(a.Value.String()))
		case slog.KindAny:
			if err, ok := a.Value.Any().(error); ok {
				a.Value = slog.StringValue(blot(err.Error()))
			}
		}
		return a
	}}
	if isTerminal(w) {
		return slog.New(blotter{slog.NewTextHandler(w, options)})
	}
	return slog.New(blotter{slog.NewJSONHandler(w, options)})
}

// blotter blots the message itself.
type blotter struct{ slog.Handler }

func (b blotter) Handle(ctx context.Context, r slog.Record) error {
	r.Message = blot(r.Message)
	return b.Handler.Handle(ctx, r)
}

func (b blotter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return blotter{b.Handler.WithAttrs(attrs)}
}
func (b blotter) WithGroup(name string) slog.Handler { return blotter{b.Handler.WithGroup(name)} }

var (
	addressLike = regexp.MustCompile(`[^\s<>"'()=,;:@]+@[^\s<>"'()=,;:@]+`)
	tokenLike   = regexp.MustCompile(`/(u|confirm|not-me|renew|my-data|erase|preferences|set-password)/[A-Za-z0-9_-]+`)
)

func blot(s string) string {
	s = addressLike.ReplaceAllString(s, "[address]")
	return tokenLike.ReplaceAllString(s, "/$1/[token]")
}
