package signup

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/signup/intent"
	"epistle/internal/store"
)

// MorningStore is what the morning note needs of the store.
type MorningStore interface {
	WaitingComments(ctx context.Context, since time.Time, limit int) ([]store.CommentInContext, error)
	AskedSince(ctx context.Context, since time.Time) ([]store.AskedFrom, error)
	PageByURL(ctx context.Context, canonical string) (epistle.Page, error)
	Staff(ctx context.Context) ([]epistle.StaffMember, error)
	QueueNotice(ctx context.Context, n epistle.Notice) error
}

// Morning tells the staff once a day what waits: who asked to join and from
// which page, which questions have no answer and since when.
type Morning struct {
	Store   MorningStore
	Catalog *locale.Catalog
	Zone    *time.Location
}

const (
	// morningBack is how long an approved comment may go without an answer
	// before the note leaves it to the archive.
	morningBack = 14 * 24 * time.Hour
	// overdue is after how long an ask without an answer is marked.
	overdue = 24 * time.Hour
	// morningLines is how many comments the note names; the rest are counted.
	morningLines = 12
	// morningReads is how many comments are looked at.
	morningReads = 500
)

// waiting is one comment that somebody should answer.
type waiting struct {
	store.CommentInContext
	ask intent.Ask
}

// Tell queues the note of a slot for every member of staff who may moderate,
// each in their language, at most once a slot however often it is run. When
// nothing waits there is no note.
func (m Morning) Tell(ctx context.Context, slot time.Time) error {
	asked, err := m.Store.AskedSince(ctx, slot.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	comments, err := m.Store.WaitingComments(ctx, slot.Add(-morningBack), morningReads)
	if err != nil {
		return err
	}
	asks, unread := m.sort(comments)
	if len(asked) == 0 && len(asks) == 0 && unread == 0 {
		return nil
	}
	staff, err := m.Store.Staff(ctx)
	if err != nil {
		return err
	}
	for _, member := range staff {
		if !member.DisabledAt.IsZero() || !member.Actor().May(epistle.Moderate) {
			continue
		}
		report, err := m.report(ctx, member.Language, slot, asked, asks, unread)
		if err != nil {
			return err
		}
		if err := m.Store.QueueNotice(ctx, epistle.Notice{Kind: epistle.NoticeMorning, To: member.Address, Language: member.Language,
			Key:  fmt.Sprintf("morning/%s/%d", slot.In(m.Zone).Format("2006-01-02"), member.ID),
			Data: map[string]string{"report": report, "link": "/desk/comments"}}); err != nil {
			return err
		}
	}
	return nil
}

// sort keeps the comments that ask for an answer, and counts the others that
// wait for a moderator.
func (m Morning) sort(comments []store.CommentInContext) (asks []waiting, unread int) {
	for _, c := range comments {
		read := intent.Read(c.Body)
		if read.Has(intent.Spam) {
			continue
		}
		i := slices.IndexFunc(read.Asks, func(a intent.Ask) bool {
			return a != intent.Updates || c.Author == store.AuthorUnknown && !c.WantsUpdates
		})
		switch {
		case i >= 0:
			asks = append(asks, waiting{c, read.Asks[i]})
		case c.State == epistle.CommentPending:
			unread++
		}
	}
	return asks, unread
}

// report is the note's text: no address, and of names only those that readers
// see already.
func (m Morning) report(ctx context.Context, l epistle.Language, slot time.Time, asked []store.AskedFrom, asks []waiting, unread int) (string, error) {
	words := m.Catalog.In(l)
	var parts []string
	if len(asked) > 0 {
		lines := []string{words.T("morning.asked")}
		for _, a := range asked {
			title, err := m.pageTitle(ctx, words, a.PageURL)
			if err != nil {
				return "", err
			}
			lines = append(lines, words.T("morning.asked.line", "Count", a.Count, "Page", title))
		}
		parts = append(parts, strings.Join(lines, "\n• "))
	}
	if len(asks) > 0 {
		lines := []string{words.T("morning.waiting", "Count", len(asks))}
		for _, w := range asks[:min(len(asks), morningLines)] {
			lines = append(lines, m.line(words, slot, w))
		}
		if rest := len(asks) - morningLines; rest > 0 {
			lines = append(lines, words.T("morning.more", "Count", rest))
		}
		parts = append(parts, strings.Join(lines, "\n• "))
	}
	if unread > 0 {
		parts = append(parts, words.T("morning.unread", "Count", unread))
	}
	return strings.Join(parts, "\n\n"), nil
}

func (m Morning) line(words *locale.Words, slot time.Time, w waiting) string {
	name := ""
	if w.State == epistle.CommentApproved {
		name = w.Name
	}
	text := words.T("morning.line", "Ask", words.T("morning.ask."+string(w.ask)), "Page", titleOf(words, w.Page), "Name", name,
		"Since", words.Moment(w.CreatedAt.In(m.Zone)))
	if slot.Sub(w.CreatedAt) > overdue {
		text = words.T("morning.overdue", "Line", text)
	}
	return text
}

// pageTitle names the page of an address as staff know it.
func (m Morning) pageTitle(ctx context.Context, words *locale.Words, url string) (string, error) {
	page, err := m.Store.PageByURL(ctx, url)
	if epistle.KindOf(err) == epistle.NotFound {
		return words.T("morning.form"), nil
	}
	return titleOf(words, page), err
}

func titleOf(words *locale.Words, p epistle.Page) string {
	if p.Title.IsZero() {
		return words.T("morning.untitled")
	}
	return words.Pick(p.Title)
}
