package editorial

import (
	"context"
	"strconv"

	"epistle/internal/epistle"
)

// Place names an item of an issue: a section, of which an issue has one of each
// kind, and the item's position in it.
type Place struct {
	Section epistle.SectionKind
	Index   int
}

// Direction is which way something is moved.
type Direction int

// The two directions.
const (
	Up   Direction = -1
	Down Direction = 1
)

// Change is one thing that an editor does to an issue.
type Change interface {
	apply(ctx context.Context, s *Issues, c *epistle.Content) error
}

// Edit applies changes, in order, to the version that the editor saw, and saves
// the issue; its approval is void. If nothing comes out different, nothing is
// saved and the approval stands. The errors are Problems with the fields of
// ContentFields, Conflict "changed-meanwhile" or Conflict "issue.closed".
func (s *Issues) Edit(ctx context.Context, actor epistle.Actor, issueID epistle.ID, version int64, changes ...Change) (epistle.Issue, error) {
	if err := actor.Require(epistle.WriteIssue); err != nil {
		return epistle.Issue{}, err
	}
	issue, err := s.Store.Issue(ctx, issueID)
	if err != nil {
		return epistle.Issue{}, err
	}
	if issue.Version != version {
		return issue, conflict("changed-meanwhile")
	}
	if !issue.Editable() {
		return issue, conflict("issue.closed")
	}
	before := issue.Digest()
	next := issue
	next.Content = copied(issue.Content)
	for _, change := range changes {
		if err := change.apply(ctx, s, &next.Content); err != nil {
			return issue, err
		}
	}
	if next.Digest() == before {
		return issue, nil
	}
	return s.Store.SaveIssue(ctx, actor, issueID, version, next.Content)
}

// copied is a content that shares no slice with c and has every section.
func copied(c epistle.Content) epistle.Content {
	sections := make([]epistle.Section, len(c.Sections))
	for i, section := range c.Sections {
		items := make([]epistle.Item, len(section.Items))
		for n, item := range section.Items {
			item.Signatures = append([]epistle.Text(nil), item.Signatures...)
			items[n] = item
		}
		section.Items = items
		sections[i] = section
	}
	c.Sections = allSections(sections)
	return c
}

// Rewrite replaces what people may type: the subject, the preheader, headings,
// and the texts of the items, which must be those that the issue shows, in
// their places. What stands behind an item (its address, publisher, date and
// project) is kept as it is: a link that was confirmed cannot be bent here.
func Rewrite(c epistle.Content) Change { return rewrite{c} }

type rewrite struct{ to epistle.Content }

func (r rewrite) apply(_ context.Context, _ *Issues, c *epistle.Content) error {
	var problems epistle.Problems
	line := func(field string, t *epistle.Text, from epistle.Text) {
		cleanInto(&problems, field, t, from, epistle.CleanLine, epistle.MaxTitle)
	}
	line("subject", &c.Subject, r.to.Subject)
	line("preheader", &c.Preheader, r.to.Preheader)
	for _, from := range r.to.Sections {
		at := sectionOf(c.Sections, from.Kind)
		if at < 0 || len(from.Items) != len(c.Sections[at].Items) {
			return conflict("changed-meanwhile")
		}
		section := &c.Sections[at]
		line(SectionField(from.Kind, "heading"), &section.Heading, from.Heading)
		for n := range section.Items {
			if section.Items[n].Kind != from.Items[n].Kind || section.Items[n].ID != from.Items[n].ID {
				return conflict("changed-meanwhile")
			}
			rewriteItem(&problems, Place{from.Kind, n}, &section.Items[n], from.Items[n])
		}
	}
	return problems.Err()
}

func rewriteItem(problems *epistle.Problems, at Place, item *epistle.Item, from epistle.Item) {
	cleanInto(problems, ItemField(at, "title"), &item.Title, from.Title, epistle.CleanLine, epistle.MaxTitle)
	cleanInto(problems, ItemField(at, "body"), &item.Body, from.Body, epistle.CleanText, epistle.MaxBody)
	if item.Kind != epistle.LetterItem {
		return
	}
	item.Signatures = nil
	for _, signature := range from.Signatures {
		var clean epistle.Text
		cleanInto(problems, ItemField(at, "signatures"), &clean, signature, epistle.CleanLine, epistle.MaxTitle)
		if !clean.IsZero() {
			item.Signatures = append(item.Signatures, clean)
		}
	}
}

type cleaner func(field, s string, max int) (string, error)

// cleanInto cleans a text in each language; what is wrong is reported under
// field_en or field_ko.
func cleanInto(problems *epistle.Problems, field string, to *epistle.Text, from epistle.Text, clean cleaner, limit int) {
	en, err := clean(field+"_en", from.EN, limit)
	problems.Add(err)
	ko, err := clean(field+"_ko", from.KO, limit)
	problems.Add(err)
	*to = epistle.Text{EN: en, KO: ko}
}

// SectionField names a field of a section in forms: "prayers_heading"; its two
// languages end in _en and _ko.
func SectionField(kind epistle.SectionKind, name string) string { return string(kind) + "_" + name }

// ItemField names a field of an item in forms: "prayers_2_title".
func ItemField(at Place, name string) string {
	return string(at.Section) + "_" + strconv.Itoa(at.Index) + "_" + name
}

// Add puts an item of the pool at the end of its section. It must be ready for
// use, and the issue must not show it already.
func Add(kind epistle.ItemKind, id epistle.ID) Change { return add{kind, id} }

type add struct {
	kind epistle.ItemKind
	id   epistle.ID
}

func (a add) apply(ctx context.Context, s *Issues, c *epistle.Content) error {
	if c.Contains(a.kind, a.id) {
		return conflict("issue.has-item")
	}
	ready, err := s.Pool.Ready(ctx, s.Clock())
	if err != nil {
		return err
	}
	item, found := readyItem(ready, a.kind, a.id)
	if !found {
		return conflict("issue.item-not-ready")
	}
	return appendItem(c, item)
}

// readyItem finds an item of the pool among what is ready.
func readyItem(ready epistle.Ready, kind epistle.ItemKind, id epistle.ID) (epistle.Item, bool) {
	for _, item := range ReadyItems(ready) {
		if item.Kind == kind && item.ID == id {
			return item, true
		}
	}
	return epistle.Item{}, false
}

// ReadyItems is what is ready in the pool as an issue would show it.
func ReadyItems(ready epistle.Ready) []epistle.Item {
	var items []epistle.Item
	for _, l := range ready.Letters {
		items = append(items, letterItem(l))
	}
	for _, p := range ready.Prayers {
		items = append(items, prayerItem(p, ready.Projects[p.ProjectID]))
	}
	for _, l := range ready.Links {
		items = append(items, linkItem(l))
	}
	for _, q := range ready.Questions {
		items = append(items, questionItem(q))
	}
	for _, v := range ready.Videos {
		items = append(items, videoItem(v))
	}
	return items
}

// Write begins an empty letter or prayer straight in the issue, outside the
// pool.
func Write(kind epistle.ItemKind) Change { return write{kind} }

type write struct{ kind epistle.ItemKind }

func (w write) apply(_ context.Context, _ *Issues, c *epistle.Content) error {
	if w.kind != epistle.LetterItem && w.kind != epistle.PrayerItem {
		return conflict("issue.item-not-ready") // news, questions and videos come from the pool only
	}
	return appendItem(c, epistle.Item{Kind: w.kind})
}

// SectionFor is the section in which items of a kind stand.
func SectionFor(kind epistle.ItemKind) epistle.SectionKind {
	return map[epistle.ItemKind]epistle.SectionKind{
		epistle.LetterItem:   epistle.LetterSection,
		epistle.PrayerItem:   epistle.PrayersSection,
		epistle.LinkItem:     epistle.NewsSection,
		epistle.QuestionItem: epistle.QuestionsSection,
		epistle.VideoItem:    epistle.VideoSection,
	}[kind]
}

// maxItems bounds a section; more is a slip, and no mail.
const maxItems = 50

func appendItem(c *epistle.Content, item epistle.Item) error {
	at := sectionOf(c.Sections, SectionFor(item.Kind))
	if at < 0 || len(c.Sections[at].Items) >= maxItems {
		return conflict("issue.full")
	}
	c.Sections[at].Items = append(c.Sections[at].Items, item)
	return nil
}

// Remove takes an item out of the issue; it stays in the pool.
func Remove(at Place) Change { return remove{at} }

type remove struct{ at Place }

func (r remove) apply(_ context.Context, _ *Issues, c *epistle.Content) error {
	items, err := itemsAt(c, r.at)
	if err != nil {
		return err
	}
	*items = append((*items)[:r.at.Index], (*items)[r.at.Index+1:]...)
	return nil
}

// Move swaps an item with its neighbour; at the end of its section it stays.
func Move(at Place, d Direction) Change { return move{at, d} }

type move struct {
	at Place
	d  Direction
}

func (m move) apply(_ context.Context, _ *Issues, c *epistle.Content) error {
	items, err := itemsAt(c, m.at)
	if err != nil {
		return err
	}
	swap(*items, m.at.Index, m.at.Index+int(m.d))
	return nil
}

// MoveSection swaps a section with its neighbour; at the end it stays.
func MoveSection(kind epistle.SectionKind, d Direction) Change { return moveSection{kind, d} }

type moveSection struct {
	kind epistle.SectionKind
	d    Direction
}

func (m moveSection) apply(_ context.Context, _ *Issues, c *epistle.Content) error {
	at := sectionOf(c.Sections, m.kind)
	if at < 0 {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	swap(c.Sections, at, at+int(m.d))
	return nil
}

func swap[T any](all []T, i, j int) {
	if j >= 0 && j < len(all) {
		all[i], all[j] = all[j], all[i]
	}
}

func itemsAt(c *epistle.Content, at Place) (*[]epistle.Item, error) {
	section := sectionOf(c.Sections, at.Section)
	if section < 0 || at.Index < 0 || at.Index >= len(c.Sections[section].Items) {
		return nil, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return &c.Sections[section].Items, nil
}
