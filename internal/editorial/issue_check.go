package editorial

import (
	"context"

	"epistle/internal/epistle"
)

// Severity is how much a finding weighs.
type Severity string

const (
	Stop Severity = "stop" // the issue cannot be approved
	Warn Severity = "warn" // somebody should look
)

// Finding is something that Check noticed.
type Finding struct {
	Severity Severity
	Key      string // its sentence in the catalogue, under "check."
	Data     map[string]any
	Language epistle.Language    // "" for both
	Section  epistle.SectionKind // "" for the issue as a whole
	Index    int                 // of the item in its section; -1 for the section
}

// The sizes of a mail's HTML, in bytes. Gmail cuts off what is beyond 102 KB,
// and with it the unsubscribe link.
const (
	heavyMail   = 85_000
	clippedMail = 100_000
)

// Check looks an issue over as an editor would, the gravest finding first.
func (s *Issues) Check(ctx context.Context, issue epistle.Issue) ([]Finding, error) {
	newsletter, err := s.Store.Newsletter(ctx, issue.NewsletterID)
	if err != nil {
		return nil, err
	}
	c := &checking{issues: s, newsletter: newsletter, issue: issue}
	if err := c.whole(ctx); err != nil {
		return nil, err
	}
	for _, section := range issue.Content.Sections {
		if err := c.section(ctx, section); err != nil {
			return nil, err
		}
	}
	if len(c.found) == 0 || !Stopped(c.found) {
		c.size()
	}
	return gravestFirst(c.found), nil
}

// Stopped reports whether a finding forbids approval.
func Stopped(found []Finding) bool {
	for _, f := range found {
		if f.Severity == Stop {
			return true
		}
	}
	return false
}

func gravestFirst(found []Finding) []Finding {
	sorted := make([]Finding, 0, len(found))
	for _, severity := range []Severity{Stop, Warn} {
		for _, f := range found {
			if f.Severity == severity {
				sorted = append(sorted, f)
			}
		}
	}
	return sorted
}

type checking struct {
	issues     *Issues
	newsletter epistle.Newsletter
	issue      epistle.Issue
	readers    map[epistle.Language]int64 // counted where a language is missing
	found      []Finding
}

func (c *checking) add(f Finding) { c.found = append(c.found, f) }

// gravity is how grave a gap in a language is: it stops the issue when
// somebody reads that language.
func (c *checking) gravity(l epistle.Language) Severity {
	if c.readers[l] > 0 {
		return Stop
	}
	return Warn
}

func (c *checking) whole(ctx context.Context) (err error) {
	content := c.issue.Content
	if countItems(content) == 0 {
		c.add(Finding{Severity: Stop, Key: "empty", Index: -1})
		return nil
	}
	complete := func(l epistle.Language) bool { return content.Subject.Has(l) && spokenIn(content, l) }
	if !complete(epistle.English) || !complete(epistle.Korean) {
		if c.readers, err = c.issues.Store.AudienceByLanguage(ctx, c.issue.Audience()); err != nil {
			return err
		}
	}
	for _, l := range epistle.Languages {
		if !content.Subject.Has(l) {
			c.add(Finding{Severity: c.gravity(l), Key: "subject", Language: l, Index: -1})
		}
		if !content.Preheader.Has(l) {
			c.add(Finding{Severity: Warn, Key: "preheader", Language: l, Index: -1})
		}
		if !spokenIn(content, l) {
			c.add(Finding{Severity: c.gravity(l), Key: "language", Language: l, Index: -1, Data: map[string]any{"Count": c.readers[l]}})
		}
	}
	some, err := c.issues.Store.HasAudience(ctx, c.issue.Audience())
	if err == nil && !some {
		c.add(Finding{Severity: Warn, Key: "audience", Index: -1})
	}
	return err
}

func countItems(content epistle.Content) int {
	n := 0
	for _, section := range content.Sections {
		n += len(section.Items)
	}
	return n
}

// spokenIn reports whether any item has words in a language.
func spokenIn(content epistle.Content, l epistle.Language) bool {
	for _, section := range content.Sections {
		for _, item := range section.Items {
			if item.Title.Has(l) || item.Body.Has(l) {
				return true
			}
		}
	}
	return false
}

func (c *checking) section(ctx context.Context, section epistle.Section) error {
	if len(section.Items) == 0 {
		if countItems(c.issue.Content) > 0 {
			c.add(Finding{Severity: Warn, Key: "section", Section: section.Kind, Index: -1})
		}
		return nil
	}
	for index, item := range section.Items {
		at := Finding{Section: section.Kind, Index: index}
		c.words(at, item)
		if err := c.standing(ctx, at, item); err != nil {
			return err
		}
	}
	return nil
}

// words checks that an item says something in each language.
func (c *checking) words(at Finding, item epistle.Item) {
	needsBody := item.Kind == epistle.LetterItem || item.Kind == epistle.PrayerItem
	if item.Title.IsZero() && item.Body.IsZero() {
		at.Severity, at.Key = Stop, "item.empty"
		c.add(at)
		return
	}
	for _, l := range epistle.Languages {
		missing := !item.Title.Has(l) && !item.Title.IsZero() || needsBody && !item.Body.Has(l) && !item.Body.IsZero()
		if missing && spokenIn(c.issue.Content, l) {
			at.Severity, at.Key, at.Language = Warn, "translation", l
			c.add(at)
		}
	}
}

// standing checks what became of an item in the pool since it was taken in.
func (c *checking) standing(ctx context.Context, at Finding, item epistle.Item) error {
	key, err := c.issues.standingOf(ctx, item)
	if err != nil || key == "" {
		return err
	}
	at.Severity, at.Key = Stop, key
	if key == "item.answered" {
		at.Severity = Warn
	}
	c.add(at)
	return nil
}

// standingOf says what is wrong with where an item stands in the pool; "" for
// nothing.
func (s *Issues) standingOf(ctx context.Context, item epistle.Item) (string, error) {
	if item.ID == 0 {
		if item.Kind == epistle.LetterItem || item.Kind == epistle.PrayerItem {
			return "", nil // written in the issue
		}
		return "item.unknown", nil
	}
	if item.Kind == epistle.LinkItem {
		return s.linkStanding(ctx, item)
	}
	state, err := s.itemState(ctx, item)
	if epistle.KindOf(err) == epistle.NotFound {
		return "item.unknown", nil
	}
	switch state {
	case epistle.Withdrawn:
		return "item.withdrawn", err
	case epistle.Expired:
		return "item.expired", err
	case epistle.Answered:
		return "item.answered", err
	case epistle.Drafted:
		return "item.drafted", err
	}
	return "", err
}

func (s *Issues) linkStanding(ctx context.Context, item epistle.Item) (string, error) {
	link, err := s.Pool.Link(ctx, item.ID)
	gone := epistle.KindOf(err) == epistle.NotFound
	switch {
	case err != nil && !gone:
		return "", err
	case gone:
		return "item.unknown", nil
	case link.State == epistle.LinkWithdrawn:
		return "item.withdrawn", nil
	case link.State == epistle.LinkRejected:
		return "link.rejected", nil
	case link.State != epistle.LinkConfirmed:
		return "link.unconfirmed", nil
	case link.URL != item.URL.EN || link.URL != item.URL.KO:
		return "link.changed", nil
	}
	return "", nil
}

func (s *Issues) itemState(ctx context.Context, item epistle.Item) (epistle.ItemState, error) {
	switch item.Kind {
	case epistle.LetterItem:
		letter, err := s.Pool.Letter(ctx, item.ID)
		return letter.State, err
	case epistle.PrayerItem:
		prayer, err := s.Pool.Prayer(ctx, item.ID)
		return prayer.State, err
	case epistle.QuestionItem:
		question, err := s.Pool.Question(ctx, item.ID)
		return question.State, err
	case epistle.VideoItem:
		video, err := s.Pool.Video(ctx, item.ID)
		return video.State, err
	}
	return "", epistle.Errorf(epistle.NotFound, "not-found", nil)
}

// size renders the issue in each language that somebody reads and weighs it.
func (c *checking) size() {
	for _, l := range epistle.Languages {
		if !spokenIn(c.issue.Content, l) {
			continue
		}
		bytes, err := c.issues.MailSize(c.newsletter, c.issue, l)
		kilobytes := map[string]any{"Size": (bytes + 512) / 1024}
		switch {
		case err != nil:
			c.issues.Log.Error("an issue cannot be rendered", "issue", c.issue.ID, "language", l, "error", err)
			c.add(Finding{Severity: Stop, Key: "render", Language: l, Index: -1})
		case bytes >= clippedMail:
			c.add(Finding{Severity: Stop, Key: "size.clipped", Language: l, Index: -1, Data: kilobytes})
		case bytes >= heavyMail:
			c.add(Finding{Severity: Warn, Key: "size.heavy", Language: l, Index: -1, Data: kilobytes})
		}
	}
}
