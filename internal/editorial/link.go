package editorial

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

type linkStore interface {
	Link(ctx context.Context, id epistle.ID) (epistle.Link, error)
	LinksByURL(ctx context.Context, urls []string) ([]epistle.Link, error)
	CreateLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) (epistle.ID, error)
	UpdateLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) error
	RejectLink(ctx context.Context, l epistle.Link, e epistle.AuditEntry) error
	AllSolo(ctx context.Context) (bool, error)
}

// SoloDelay is how long the same person waits, in solo mode, before they may
// confirm what they submitted themselves.
const SoloDelay = time.Hour

const maxLinkNote = 1000

// SubmitLink proposes a news link. It waits for a second person. Invalid fields
// are url, title_en, title_ko, summary_en, summary_ko, publisher, published_on
// and note; a link that is there already, perhaps written a little
// differently, is Invalid "link.duplicate" with its id as the variable ID.
func (p *Pool) SubmitLink(ctx context.Context, actor epistle.Actor, l epistle.Link) (epistle.ID, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return 0, err
	}
	l, err := p.cleanLink(ctx, l)
	if err != nil {
		return 0, err
	}
	l = p.submitted(l, actor)
	id, err := p.store.CreateLink(ctx, l, p.entry(actor, epistle.LinkItem, "submit"))
	return id, p.whoseURL(ctx, l, err)
}

// UpdateLink changes a link. A change of its URL, title, publisher or date
// makes it a new proposal by whoever changed it: it loses its confirmation and
// waits for another person. The summary and the note do not. Conflict
// "changed-meanwhile" if somebody else changed it since l.Version, and Conflict
// for a rejected or withdrawn one, which ResubmitLink brings back.
func (p *Pool) UpdateLink(ctx context.Context, actor epistle.Actor, l epistle.Link) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	old, err := p.linkAt(ctx, l.ID, l.Version)
	if err != nil {
		return err
	}
	if old.State == epistle.LinkRejected || old.State == epistle.LinkWithdrawn {
		return epistle.Errorf(epistle.Conflict, "link.closed", nil)
	}
	l, err = p.cleanLink(ctx, l)
	if err != nil {
		return err
	}
	next := old
	next.URL, next.Title, next.Publisher, next.PublishedOn = l.URL, l.Title, l.Publisher, l.PublishedOn
	next.Summary, next.Note = l.Summary, l.Note
	entry := p.entry(actor, epistle.LinkItem, "update")
	if claims(next) != claims(old) {
		if old.State == epistle.LinkConfirmed {
			entry.Detail = "confirmation lost"
		}
		next = p.submitted(next, actor)
	}
	return p.whoseURL(ctx, next, p.store.UpdateLink(ctx, next, entry))
}

// linkAt reads a link in the version that somebody saw, so that what is decided
// about is what they saw.
func (p *Pool) linkAt(ctx context.Context, id epistle.ID, version int64) (epistle.Link, error) {
	l, err := p.store.Link(ctx, id)
	if err == nil && l.Version != version {
		err = epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
	}
	return l, err
}

// claims is what a second person vouches for.
func claims(l epistle.Link) [5]string {
	return [5]string{l.URL, l.Title.EN, l.Title.KO, l.Publisher, l.PublishedOn}
}

func (p *Pool) submitted(l epistle.Link, actor epistle.Actor) epistle.Link {
	l.State, l.Solo, l.Reason = epistle.LinkSubmitted, false, ""
	l.SubmittedBy, l.SubmittedAt = actor.StaffID, p.clock()
	l.DecidedBy, l.DecidedAt = 0, time.Time{}
	return l
}

// ConfirmLink is the second person's yes to the version of a link that they
// saw. Forbidden "link.own" for the person who submitted it; in solo mode it is
// Forbidden "link.own.wait" for them until SoloDelay has passed, and then
// recorded as a solo confirmation. Conflict if the link is not waiting.
func (p *Pool) ConfirmLink(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64) error {
	l, err := p.linkAt(ctx, id, version)
	if err != nil {
		return err
	}
	solo, err := p.MayConfirm(ctx, actor, l)
	if err != nil {
		return err
	}
	l.State, l.Solo = epistle.LinkConfirmed, solo
	l.DecidedBy, l.DecidedAt = actor.StaffID, p.clock()
	entry := p.entry(actor, epistle.LinkItem, "confirm")
	if solo {
		entry.Detail = "solo"
	}
	return p.store.UpdateLink(ctx, l, entry)
}

// MayConfirm says whether an actor may confirm a link now, and whether that
// would be a solo confirmation. The error is the one that ConfirmLink would
// give, so that a page can say it before anybody presses a button.
func (p *Pool) MayConfirm(ctx context.Context, actor epistle.Actor, l epistle.Link) (solo bool, err error) {
	if err := actor.Require(epistle.ConfirmLink); err != nil {
		return false, epistle.Errorf(epistle.Forbidden, "link.role", err)
	}
	if l.State != epistle.LinkSubmitted {
		return false, epistle.Errorf(epistle.Conflict, "link.decided", nil)
	}
	if actor.StaffID != l.SubmittedBy {
		return false, nil
	}
	if solo, err = p.store.AllSolo(ctx); err != nil {
		return false, err
	}
	if !solo {
		return false, epistle.Errorf(epistle.Forbidden, "link.own", nil)
	}
	if p.clock().Before(l.SubmittedAt.Add(SoloDelay)) {
		return false, epistle.Errorf(epistle.Forbidden, "link.own.wait", nil)
	}
	return true, nil
}

// RejectLink refuses a submitted link and says why (field "reason"). Whoever may
// confirm may reject, and people may reject their own. Issues that took the
// link in while it was confirmed are held.
func (p *Pool) RejectLink(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64, reason string) error {
	if err := actor.Require(epistle.ConfirmLink); err != nil {
		return err
	}
	reason, err := epistle.CleanText("reason", reason, maxLinkNote)
	if err != nil {
		return err
	}
	if reason == "" {
		return epistle.InvalidField("reason", "link.reason.missing")
	}
	l, err := p.linkAt(ctx, id, version)
	if err != nil {
		return err
	}
	if l.State != epistle.LinkSubmitted {
		return epistle.Errorf(epistle.Conflict, "link.decided", nil)
	}
	l.State, l.Solo, l.Reason = epistle.LinkRejected, false, reason
	l.DecidedBy, l.DecidedAt = actor.StaffID, p.clock()
	return p.store.RejectLink(ctx, l, p.entry(actor, epistle.LinkItem, "reject"))
}

// ResubmitLink proposes a rejected or withdrawn link again; it waits for a
// second person as if it were new.
func (p *Pool) ResubmitLink(ctx context.Context, actor epistle.Actor, id epistle.ID, version int64) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	l, err := p.linkAt(ctx, id, version)
	if err != nil {
		return err
	}
	if l.State != epistle.LinkRejected && l.State != epistle.LinkWithdrawn {
		return epistle.Errorf(epistle.Conflict, "link.state", nil)
	}
	l = p.submitted(l, actor)
	return p.store.UpdateLink(ctx, l, p.entry(actor, epistle.LinkItem, "resubmit"))
}

func (p *Pool) cleanLink(ctx context.Context, l epistle.Link) (epistle.Link, error) {
	var problems epistle.Problems
	a, err := ParseWebAddress("url", l.URL)
	problems.Add(err)
	l.Title = lines(&problems, "title", l.Title, epistle.MaxTitle)
	l.Summary = paragraphs(&problems, "summary", l.Summary, MaxParagraph)
	l.Publisher = line(&problems, "publisher", l.Publisher, epistle.MaxName)
	if l.Note, err = epistle.CleanText("note", l.Note, maxLinkNote); err != nil {
		problems.Add(err)
	}
	problems.Add(p.publishedOn(l.PublishedOn))
	if l.Publisher == "" {
		problems.Add(epistle.InvalidField("publisher", "link.publisher.missing"))
	}
	need(&problems, "title", l.Title)
	if len(problems) > 0 {
		return l, problems
	}
	paired(&problems, "title", l.Title, l.Summary)
	l.URL = a.URL
	others, err := p.store.LinksByURL(ctx, a.Variants())
	if err != nil {
		return l, err
	}
	for _, other := range others {
		if other.ID != l.ID {
			problems.Add(duplicate(other.ID))
			break
		}
	}
	return l, problems.Err()
}

// publishedOn checks the publisher's own date. It may be a day ahead of ours,
// since it is written in the publisher's zone.
func (p *Pool) publishedOn(day string) error {
	if day == "" {
		return epistle.InvalidField("published_on", "link.date.missing")
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || t.Year() < 1990 {
		return epistle.InvalidField("published_on", "link.date.invalid")
	}
	if t.After(p.clock().Add(24 * time.Hour)) {
		return epistle.InvalidField("published_on", "link.date.future")
	}
	return nil
}

func duplicate(id epistle.ID) error {
	return epistle.InvalidField("url", "link.duplicate").With("ID", id)
}

// whoseURL explains a URL that somebody else took in the moment between the
// check and the save.
func (p *Pool) whoseURL(ctx context.Context, l epistle.Link, err error) error {
	if err == nil || epistle.KindOf(err) != epistle.Conflict {
		return err
	}
	others, findErr := p.store.LinksByURL(ctx, []string{l.URL})
	if findErr == nil && len(others) > 0 && others[0].ID != l.ID {
		return duplicate(others[0].ID)
	}
	return err
}
