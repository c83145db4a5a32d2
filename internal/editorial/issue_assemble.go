package editorial

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// How many items of a kind an issue is begun with.
const (
	assembledPrayers   = 5
	assembledLinks     = 6
	assembledQuestions = 3
)

// Assemble begins the issue of a slot with what is ready in the pool. A slot
// has one issue: assembling again returns it as it stands. What is missing in
// a language does not stop it; Check reports that.
func (s *Issues) Assemble(ctx context.Context, actor epistle.Actor, newsletterID epistle.ID, sendAt time.Time) (epistle.Issue, error) {
	if err := actor.Require(epistle.WriteIssue); err != nil {
		return epistle.Issue{}, err
	}
	if issue, err := s.Store.IssueAt(ctx, newsletterID, sendAt); err == nil || epistle.KindOf(err) != epistle.NotFound {
		return issue, err
	}
	newsletter, err := s.Store.Newsletter(ctx, newsletterID)
	if err != nil {
		return epistle.Issue{}, err
	}
	ready, err := s.unclaimed(ctx, newsletterID)
	if err != nil {
		return epistle.Issue{}, err
	}
	content := assembled(ready)
	if err := s.suggestLines(&content, newsletter, sendAt); err != nil {
		return epistle.Issue{}, err
	}
	issue, _, err := s.Store.CreateIssue(ctx, actor, epistle.Issue{NewsletterID: newsletterID, SendAt: sendAt, Content: content})
	return issue, err
}

// Draft begins an empty issue that is only sent by hand.
func (s *Issues) Draft(ctx context.Context, actor epistle.Actor, newsletterID epistle.ID) (epistle.Issue, error) {
	if err := actor.Require(epistle.WriteIssue); err != nil {
		return epistle.Issue{}, err
	}
	issue, _, err := s.Store.CreateIssue(ctx, actor, epistle.Issue{NewsletterID: newsletterID, Content: epistle.Content{Sections: allSections(nil)}})
	return issue, err
}

// unclaimed is what is ready, without the letters, links and videos that
// another unfinished issue already shows.
func (s *Issues) unclaimed(ctx context.Context, newsletterID epistle.ID) (epistle.Ready, error) {
	ready, err := s.Pool.Ready(ctx, s.Clock())
	if err != nil {
		return ready, err
	}
	waiting, err := s.Store.Issues(ctx, store.IssueFilter{NewsletterID: &newsletterID,
		States: []epistle.IssueState{epistle.IssueDraft, epistle.IssueHeld, epistle.IssueApproved}})
	if err != nil {
		return ready, err
	}
	claimed := func(kind epistle.ItemKind, id epistle.ID) bool {
		for _, issue := range waiting {
			if issue.Content.Contains(kind, id) {
				return true
			}
		}
		return false
	}
	ready.Letters = without(ready.Letters, func(l epistle.Letter) bool { return claimed(epistle.LetterItem, l.ID) })
	ready.Links = without(ready.Links, func(l epistle.Link) bool { return claimed(epistle.LinkItem, l.ID) })
	ready.Videos = without(ready.Videos, func(v epistle.Video) bool { return claimed(epistle.VideoItem, v.ID) })
	return ready, nil
}

func without[T any](all []T, drop func(T) bool) []T {
	kept := make([]T, 0, len(all))
	for _, one := range all {
		if !drop(one) {
			kept = append(kept, one)
		}
	}
	return kept
}

// assembled fills the sections from what is ready.
func assembled(ready epistle.Ready) epistle.Content {
	sections := allSections(nil)
	fill := func(kind epistle.SectionKind, items ...epistle.Item) {
		for i := range sections {
			if sections[i].Kind == kind {
				sections[i].Items = append(sections[i].Items, items...)
			}
		}
	}
	for _, l := range first(ready.Letters, 1) {
		fill(epistle.LetterSection, letterItem(l))
	}
	for _, p := range first(ready.Prayers, assembledPrayers) {
		fill(epistle.PrayersSection, prayerItem(p, ready.Projects[p.ProjectID]))
	}
	for _, l := range first(ready.Links, assembledLinks) {
		fill(epistle.NewsSection, linkItem(l))
	}
	for _, q := range first(ready.Questions, assembledQuestions) {
		fill(epistle.QuestionsSection, questionItem(q))
	}
	for _, v := range first(ready.Videos, 1) {
		fill(epistle.VideoSection, videoItem(v))
	}
	return epistle.Content{Sections: sections}
}

func first[T any](all []T, n int) []T { return all[:min(n, len(all))] }

// allSections returns the sections with every kind present once, those that
// were missing at the end.
func allSections(sections []epistle.Section) []epistle.Section {
	all := append([]epistle.Section{}, sections...)
	for _, kind := range epistle.SectionKinds {
		if sectionOf(all, kind) < 0 {
			all = append(all, epistle.Section{Kind: kind, Items: []epistle.Item{}})
		}
	}
	return all
}

func sectionOf(sections []epistle.Section, kind epistle.SectionKind) int {
	for i, section := range sections {
		if section.Kind == kind {
			return i
		}
	}
	return -1
}

func letterItem(l epistle.Letter) epistle.Item {
	return epistle.Item{Kind: epistle.LetterItem, ID: l.ID, Title: l.Title, Body: l.Body, Signatures: l.Signatures}
}

func prayerItem(p epistle.Prayer, project epistle.Project) epistle.Item {
	return epistle.Item{Kind: epistle.PrayerItem, ID: p.ID, Title: p.Headline, Body: p.Body, Project: project.Title}
}

func linkItem(l epistle.Link) epistle.Item {
	return epistle.Item{Kind: epistle.LinkItem, ID: l.ID, Title: l.Title, Body: l.Summary,
		URL: epistle.Text{EN: l.URL, KO: l.URL}, Publisher: l.Publisher, Date: l.PublishedOn}
}

func questionItem(q epistle.Question) epistle.Item {
	return epistle.Item{Kind: epistle.QuestionItem, ID: q.ID, Title: q.Text, URL: q.URL}
}

func videoItem(v epistle.Video) epistle.Item {
	return epistle.Item{Kind: epistle.VideoItem, ID: v.ID, Title: v.Title, Body: v.Body, URL: epistle.Text{EN: v.URL, KO: v.URL}}
}

// suggestLines proposes a subject and a preheader in each language: the
// letter's title, else the newsletter's title and the day; and what the prayers
// are about.
func (s *Issues) suggestLines(c *epistle.Content, n epistle.Newsletter, sendAt time.Time) error {
	zone, err := n.Location()
	if err != nil {
		return err
	}
	for _, l := range epistle.Languages {
		words := s.Catalog.In(l)
		subject := words.T("issue.suggest.subject", "Newsletter", n.Title.In(l), "Day", words.Day(sendAt.In(zone)))
		var headlines []string
		for _, section := range c.Sections {
			for _, item := range section.Items {
				switch {
				case !item.Title.Has(l):
				case item.Kind == epistle.LetterItem:
					subject = words.T("issue.suggest.subject.letter", "Newsletter", n.Title.In(l), "Letter", item.Title.In(l))
				case item.Kind == epistle.PrayerItem:
					headlines = append(headlines, item.Title.In(l))
				}
			}
		}
		setText(&c.Subject, l, subject)
		if len(headlines) > 0 {
			setText(&c.Preheader, l, words.T("issue.suggest.preheader", "Headlines", fitting(headlines, preheaderLength)))
		}
	}
	return nil
}

// preheaderLength is about what mailboxes show after the subject.
const preheaderLength = 100

// fitting joins as many texts as fit into a number of characters, at least one.
func fitting(texts []string, limit int) string {
	line := texts[0]
	for _, text := range texts[1:] {
		next := strings.Join([]string{line, text}, " · ")
		if utf8.RuneCountInString(next) > limit {
			break
		}
		line = next
	}
	return line
}

func setText(t *epistle.Text, l epistle.Language, s string) {
	if l == epistle.Korean {
		t.KO = s
	} else {
		t.EN = s
	}
}
