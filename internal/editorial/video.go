package editorial

import (
	"context"

	"epistle/internal/epistle"
)

type videoStore interface {
	Video(ctx context.Context, id epistle.ID) (epistle.Video, error)
	CreateVideo(ctx context.Context, v epistle.Video, e epistle.AuditEntry) (epistle.ID, error)
	UpdateVideo(ctx context.Context, v epistle.Video, e epistle.AuditEntry) error
}

// CreateVideo keeps a new video, as a draft unless v.State is Current. Invalid
// fields are title_en, title_ko, body_en, body_ko and url.
func (p *Pool) CreateVideo(ctx context.Context, actor epistle.Actor, v epistle.Video) (epistle.ID, error) {
	if err := actor.Require(epistle.WritePool); err != nil {
		return 0, err
	}
	v, err := cleanVideo(v)
	if err != nil {
		return 0, err
	}
	v.State = newState(v.State)
	return p.store.CreateVideo(ctx, v, p.entry(actor, epistle.VideoItem, "create"))
}

// UpdateVideo changes a video's words and address; its state stays. Conflict
// "changed-meanwhile" if somebody else did since v.Version, and Conflict for
// one that was mailed or withdrawn.
func (p *Pool) UpdateVideo(ctx context.Context, actor epistle.Actor, v epistle.Video) error {
	if err := actor.Require(epistle.WritePool); err != nil {
		return err
	}
	v, err := cleanVideo(v)
	if err != nil {
		return err
	}
	old, err := p.store.Video(ctx, v.ID)
	if err != nil {
		return err
	}
	if err := editable(old.State); err != nil {
		return err
	}
	return p.store.UpdateVideo(ctx, v, p.entry(actor, epistle.VideoItem, "update"))
}

func cleanVideo(v epistle.Video) (epistle.Video, error) {
	var problems epistle.Problems
	v.Title = lines(&problems, "title", v.Title, epistle.MaxTitle)
	v.Body = paragraphs(&problems, "body", v.Body, MaxParagraph)
	a, err := ParseWebAddress("url", v.URL)
	problems.Add(err)
	if err == nil {
		v.URL = a.URL
	}
	if len(problems) == 0 {
		need(&problems, "title", v.Title)
		paired(&problems, "title", v.Title, v.Body)
	}
	return v, problems.Err()
}
