package signup

import (
	"context"
	"strconv"

	"epistle/internal/epistle"
	"epistle/internal/wordpress"
)

// HookStore finds the site that calls.
type HookStore interface {
	SiteBySlug(ctx context.Context, slug string) (epistle.Site, error)
	HookCalled(ctx context.Context, site epistle.ID) error
}

// Hook takes what WordPress sites post when something happens to a comment.
type Hook struct {
	Store    HookStore
	Arrivals *Arrivals
	Clock    epistle.Clock
}

// Receive deals with one message. It may come again, late, or in any order. The
// answer is the same whatever is known of the comment's author.
//
// NotFound means that there is no such site or that it has no hook; Forbidden
// that the message is not signed by it, or too old; Invalid that it cannot be
// read. After any other error the site sends it again.
func (h *Hook) Receive(ctx context.Context, slug string, m wordpress.Message) error {
	site, err := h.Store.SiteBySlug(ctx, slug)
	if err != nil {
		return err
	}
	if site.Secret == "" {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	sent, err := m.Verify(h.Clock(), site.Secret, site.OldSecret)
	if err != nil {
		return epistle.Errorf(epistle.Forbidden, "site.signature", err)
	}
	event, err := wordpress.ParseEvent(m.Body)
	if err != nil {
		return epistle.Errorf(epistle.Invalid, "site.message", err)
	}
	if event.At.IsZero() {
		event.At = sent
	}
	if err := h.Store.HookCalled(ctx, site.ID); err != nil {
		return err
	}
	a, ok := h.arrival(site, event)
	if !ok {
		return nil // a ping, or what a plugin keeps as a comment
	}
	a.MessageID = m.ID
	_, err = h.Arrivals.Take(ctx, site.ID, []epistle.Arrival{a})
	return err
}

func (h *Hook) arrival(site epistle.Site, e wordpress.Event) (epistle.Arrival, bool) {
	if e.Deleted {
		return epistle.Arrival{SiteID: site.ID, SourceID: e.Comment.ID, Telling: epistle.ToldDeleted, At: e.At}, true
	}
	a, _, ok := arrivalOf(site, e.Comment)
	a.At = e.At
	if e.Created {
		a.Telling = epistle.ToldCreated
	}
	return a, ok
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
