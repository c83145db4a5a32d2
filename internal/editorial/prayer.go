package editorial

import (
	"context"
	"errors"

	"epistle/internal/epistle"
)

type prayerStore interface {
	Prayer(ctx context.Context, id epistle.ID) (epistle.Prayer, error)
	Project(ctx context.Context, id epistle.ID) (epistle.Project, error)
	CreatePrayer(ctx context.Context, r epistle.Prayer, e epistle.AuditEntry) (epistle.ID, error)
	UpdatePrayer(ctx context.Context, r epistle.Prayer, e epistle.AuditEntry) error
}

// MaxParagraph bounds what stands under a headline in an issue, in characters.
const MaxParagraph = 2000

// CreatePrayer keeps a new prayer request, as a draft unless r.State is Current.
// Invalid fields are headline_en, headline_ko, body_en, body_ko, project, link
// and expires.
func (p *Pool) CreatePrayer(ctx context.Context, actor epistle.Actor, r epistle.Prayer) (epistle.ID, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return 0, err
	}
	r, err := p.cleanPrayer(ctx, r, epistle.Prayer{})
	if err != nil {
		return 0, err
	}
	r.State, r.CreatedBy = newState(r.State), actor.StaffID
	return p.store.CreatePrayer(ctx, r, p.entry(actor, epistle.PrayerItem, "create"))
}

// UpdatePrayer changes a prayer request; its state stays, but a later expiry
// makes an expired one current again. Conflict "changed-meanwhile" if somebody
// else changed it since r.Version, and Conflict for a withdrawn one.
func (p *Pool) UpdatePrayer(ctx context.Context, actor epistle.Actor, r epistle.Prayer) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	old, err := p.store.Prayer(ctx, r.ID)
	if err != nil {
		return err
	}
	if err := editable(old.State); err != nil {
		return err
	}
	r, err = p.cleanPrayer(ctx, r, old)
	if err != nil {
		return err
	}
	return p.store.UpdatePrayer(ctx, r, p.entry(actor, epistle.PrayerItem, "update"))
}

func (p *Pool) cleanPrayer(ctx context.Context, r, old epistle.Prayer) (epistle.Prayer, error) {
	var problems epistle.Problems
	r.Headline = lines(&problems, "headline", r.Headline, epistle.MaxTitle)
	r.Body = paragraphs(&problems, "body", r.Body, MaxParagraph)
	if len(problems) == 0 {
		need(&problems, "headline", r.Headline)
		paired(&problems, "headline", r.Headline, r.Body)
	}
	// A date that has passed is a slip of the hand, unless it was there before.
	if !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(p.clock()) && !r.ExpiresAt.Equal(old.ExpiresAt) {
		problems.Add(epistle.InvalidField("expires", "prayer.expires.past"))
	}
	if r.ProjectID != 0 {
		if _, err := p.store.Project(ctx, r.ProjectID); err != nil {
			if err = gone("project", err); epistle.KindOf(err) != epistle.Invalid {
				return r, err
			}
			problems.Add(err)
		}
	}
	if r.LinkID != 0 && r.LinkID != old.LinkID {
		link, err := p.store.Link(ctx, r.LinkID)
		if err == nil && (link.State == epistle.LinkRejected || link.State == epistle.LinkWithdrawn) {
			err = epistle.Errorf(epistle.NotFound, "not-found", nil)
		}
		if err != nil {
			if err = gone("link", err); epistle.KindOf(err) != epistle.Invalid {
				return r, err
			}
			problems.Add(err)
		}
	}
	return r, problems.Err()
}

// gone puts a reference to something that is not there beside its field; any
// other error stays what it is.
func gone(field string, err error) error {
	var known *epistle.Error
	if errors.As(err, &known) && known.Kind == epistle.NotFound {
		return epistle.InvalidField(field, "pool.choice.gone")
	}
	return err
}
