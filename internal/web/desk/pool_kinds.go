package desk

import (
	"context"
	"strconv"
	"strings"
	"time"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/store"
	"epistle/internal/web"
)

// Prayers --------------------------------------------------------------------

type prayerKind struct{ Pool }

func (prayerKind) kind() epistle.ItemKind { return epistle.PrayerItem }
func (prayerKind) path() string           { return "/desk/prayers" }
func (prayerKind) icon() string           { return "candle" }

func (prayerKind) states() (open, others []string) {
	return stateNames(epistle.Drafted, epistle.Current), stateNames(epistle.Answered, epistle.Expired, epistle.Withdrawn)
}

func (k prayerKind) rows(ctx context.Context, l epistle.Language, f store.PoolFilter) ([]poolRow, error) {
	prayers, err := k.Store.Prayers(ctx, f)
	if err != nil {
		return nil, err
	}
	projects, err := k.projectTitles(ctx, l)
	if err != nil {
		return nil, err
	}
	rows := make([]poolRow, len(prayers))
	for i, r := range prayers {
		rows[i] = poolRow{ID: r.ID, Title: r.Headline.In(l), Text: r.Body.In(l), Lacking: editorial.Lacking(r.Headline, r.Body), State: string(r.State)}
		if title := projects[r.ProjectID]; title != "" {
			rows[i].Meta = append(rows[i].Meta, title)
		}
		if !r.ExpiresAt.IsZero() && r.State == epistle.Current {
			rows[i].Until = lastMoment(r.ExpiresAt)
		}
	}
	return rows, nil
}

func (k prayerKind) projectTitles(ctx context.Context, l epistle.Language) (map[epistle.ID]string, error) {
	projects, err := k.Store.Projects(ctx)
	if err != nil {
		return nil, err
	}
	titles := make(map[epistle.ID]string, len(projects))
	for _, p := range projects {
		titles[p.ID] = p.Title.In(l)
	}
	return titles, nil
}

func (k prayerKind) load(ctx context.Context, id epistle.ID) (*web.Form, itemHead, error) {
	r, err := k.Store.Prayer(ctx, id)
	if err != nil {
		return nil, itemHead{}, err
	}
	form := formAt(r.Version)
	form.SetText("headline", r.Headline)
	form.SetText("body", r.Body)
	form.Set("project", chosenID(r.ProjectID))
	form.Set("link", chosenID(r.LinkID))
	if !r.ExpiresAt.IsZero() {
		form.Set("expires", lastMoment(r.ExpiresAt).In(k.Zone).Format(time.DateOnly))
	}
	return form, itemHead{ID: r.ID, Version: r.Version, Title: r.Headline, State: r.State, Lacking: editorial.Lacking(r.Headline, r.Body)}, nil
}

func (k prayerKind) keep(ctx context.Context, actor epistle.Actor, id epistle.ID, form *web.Form) (epistle.ID, error) {
	r := epistle.Prayer{ID: id, Version: formVersion(form), State: itemState(form), Headline: form.Text("headline"), Body: form.Text("body")}
	var problems epistle.Problems
	r.ProjectID = choice(&problems, form, "project")
	r.LinkID = choice(&problems, form, "link")
	var err error
	if r.ExpiresAt, err = k.endOfDay(form.Value("expires")); err != nil {
		problems.Add(err)
	}
	if err := problems.Err(); err != nil {
		return 0, err
	}
	if id == 0 {
		return k.Pool.Pool.CreatePrayer(ctx, actor, r)
	}
	return id, k.Pool.Pool.UpdatePrayer(ctx, actor, r)
}

// endOfDay is when a prayer expires whose last day is given: midnight after it,
// in the ministry's zone.
func (p Pool) endOfDay(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, p.Zone)
	if err != nil || t.Year() > 9000 {
		return time.Time{}, epistle.InvalidField("expires", "pool.date.invalid")
	}
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, p.Zone).UTC(), nil
}

// lastMoment is a moment of the last day before an expiry.
func lastMoment(expires time.Time) time.Time { return expires.Add(-time.Second) }

// prayerChoices are what a prayer may belong to and hang on.
type prayerChoices struct {
	Projects []web.Option
	Links    []web.Option
}

// linkChoices is how many confirmed links a prayer's form offers, the newest
// first.
const linkChoices = 60

func (k prayerKind) choices(ctx context.Context, words *locale.Words, form *web.Form) (any, error) {
	l := words.Language
	c := prayerChoices{Projects: []web.Option{{Label: words.T("pool.prayer.project.none")}}, Links: []web.Option{{Label: words.T("pool.prayer.link.none")}}}
	projects, err := k.Store.Projects(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range projects {
		c.Projects = append(c.Projects, web.Option{Value: chosenID(p.ID), Label: p.Title.In(l)})
	}
	links, err := k.Store.Links(ctx, store.PoolFilter{State: string(epistle.LinkConfirmed), Limit: linkChoices})
	if err != nil {
		return nil, err
	}
	now, listed := form.Value("link"), false
	for _, link := range links {
		option := web.Option{Value: chosenID(link.ID), Label: link.Title.In(l) + " · " + link.Publisher}
		listed = listed || option.Value == now
		c.Links = append(c.Links, option)
	}
	if id, err := strconv.ParseInt(now, 10, 64); err == nil && !listed {
		// An older link, or one that lost its confirmation, stays chosen.
		if link, err := k.Store.Link(ctx, id); err == nil {
			c.Links = append(c.Links, web.Option{Value: now, Label: link.Title.In(l) + " · " + words.T("pool.state.link."+string(link.State))})
		}
	}
	return c, nil
}

func chosenID(id epistle.ID) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

// choice reads the id chosen in a select.
func choice(problems *epistle.Problems, form *web.Form, field string) epistle.ID {
	value := form.Value(field)
	if value == "" {
		return 0
	}
	id, err := strconv.ParseInt(value, 10, 64)
	if err != nil || id <= 0 {
		problems.Add(epistle.InvalidField(field, "pool.choice.gone"))
	}
	return id
}

// Questions -------------------------------------------------------------------

type questionKind struct{ Pool }

func (questionKind) kind() epistle.ItemKind { return epistle.QuestionItem }
func (questionKind) path() string           { return "/desk/questions" }
func (questionKind) icon() string           { return "question" }

func (questionKind) states() (open, others []string) {
	return stateNames(epistle.Drafted, epistle.Current), stateNames(epistle.Withdrawn)
}

func (k questionKind) rows(ctx context.Context, l epistle.Language, f store.PoolFilter) ([]poolRow, error) {
	questions, err := k.Store.Questions(ctx, f)
	if err != nil {
		return nil, err
	}
	rows := make([]poolRow, len(questions))
	for i, q := range questions {
		rows[i] = poolRow{ID: q.ID, Title: q.Text.In(l), Address: addressOf(q.URL.In(l)), Lacking: editorial.Lacking(q.Text, q.URL), State: string(q.State)}
	}
	return rows, nil
}

func (k questionKind) load(ctx context.Context, id epistle.ID) (*web.Form, itemHead, error) {
	q, err := k.Store.Question(ctx, id)
	if err != nil {
		return nil, itemHead{}, err
	}
	form := formAt(q.Version)
	form.SetText("text", q.Text)
	form.SetText("url", q.URL)
	return form, itemHead{ID: q.ID, Version: q.Version, Title: q.Text, State: q.State, Lacking: editorial.Lacking(q.Text, q.URL)}, nil
}

func (k questionKind) keep(ctx context.Context, actor epistle.Actor, id epistle.ID, form *web.Form) (epistle.ID, error) {
	q := epistle.Question{ID: id, Version: formVersion(form), State: itemState(form), Text: form.Text("text"), URL: form.Text("url")}
	if id == 0 {
		return k.Pool.Pool.CreateQuestion(ctx, actor, q)
	}
	return id, k.Pool.Pool.UpdateQuestion(ctx, actor, q)
}

func (questionKind) choices(context.Context, *locale.Words, *web.Form) (any, error) {
	return nil, nil //nolint:nilnil // the form offers nothing to choose from
}

// Videos ------------------------------------------------------------------------

type videoKind struct{ Pool }

func (videoKind) kind() epistle.ItemKind { return epistle.VideoItem }
func (videoKind) path() string           { return "/desk/videos" }
func (videoKind) icon() string           { return "play" }

func (videoKind) states() (open, others []string) {
	return stateNames(epistle.Drafted, epistle.Current), stateNames(epistle.Used, epistle.Withdrawn)
}

func (k videoKind) rows(ctx context.Context, l epistle.Language, f store.PoolFilter) ([]poolRow, error) {
	videos, err := k.Store.Videos(ctx, f)
	if err != nil {
		return nil, err
	}
	rows := make([]poolRow, len(videos))
	for i, v := range videos {
		rows[i] = poolRow{ID: v.ID, Title: v.Title.In(l), Text: v.Body.In(l), Address: addressOf(v.URL), Lacking: editorial.Lacking(v.Title, v.Body), State: string(v.State)}
	}
	return rows, nil
}

func (k videoKind) load(ctx context.Context, id epistle.ID) (*web.Form, itemHead, error) {
	v, err := k.Store.Video(ctx, id)
	if err != nil {
		return nil, itemHead{}, err
	}
	form := formAt(v.Version)
	form.SetText("title", v.Title)
	form.SetText("body", v.Body)
	form.Set("url", v.URL)
	return form, itemHead{ID: v.ID, Version: v.Version, Title: v.Title, State: v.State, Lacking: editorial.Lacking(v.Title, v.Body)}, nil
}

func (k videoKind) keep(ctx context.Context, actor epistle.Actor, id epistle.ID, form *web.Form) (epistle.ID, error) {
	v := epistle.Video{ID: id, Version: formVersion(form), State: itemState(form), Title: form.Text("title"), Body: form.Text("body"), URL: form.Value("url")}
	if id == 0 {
		return k.Pool.Pool.CreateVideo(ctx, actor, v)
	}
	return id, k.Pool.Pool.UpdateVideo(ctx, actor, v)
}

func (videoKind) choices(context.Context, *locale.Words, *web.Form) (any, error) {
	return nil, nil //nolint:nilnil // the form offers nothing to choose from
}

// addressOf takes a stored address apart for display; nil if there is none.
func addressOf(url string) *editorial.WebAddress {
	a, err := editorial.ParseWebAddress("url", url)
	if err != nil {
		return nil
	}
	return &a
}

// firstWords is the beginning of a text, for a list.
func firstWords(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	letters := []rune(s)
	if len(letters) <= most {
		return s
	}
	return strings.TrimSpace(string(letters[:most])) + "…"
}
