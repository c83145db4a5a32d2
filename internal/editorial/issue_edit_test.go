package editorial_test

import (
	"context"
	"testing"

	"epistle/internal/editorial"
	"epistle/internal/epistle"
)

func TestAssembleFillsTheSectionsOnce(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		issue := o.assembled(t)
		if again := o.assembled(t); again.ID != issue.ID || again.Version != issue.Version {
			t.Errorf("assembled twice: issues %d and %d", issue.ID, again.ID)
		}
		count := map[epistle.SectionKind]int{}
		for _, section := range issue.Content.Sections {
			count[section.Kind] = len(section.Items)
		}
		for kind, want := range map[epistle.SectionKind]int{epistle.LetterSection: 1, epistle.PrayersSection: 2, epistle.NewsSection: 2, epistle.QuestionsSection: 0, epistle.VideoSection: 0} {
			if count[kind] != want {
				t.Errorf("%d items in %s, want %d", count[kind], kind, want)
			}
		}
		if news := issue.Content.Sections[2].Items; news[0].Date != "2026-11-21" {
			t.Errorf("the first link is of %s, want the latest that is confirmed", news[0].Date)
		}
		if got := issue.Content.Subject; got.EN != "Prayer Partner Update: A lamp in the window" || got.KO != "기도 동역자 소식: 창가의 등불" {
			t.Errorf("suggested subject %+v", got)
		}
		if issue.Content.Preheader.EN == "" || issue.Content.Preheader.KO == "" {
			t.Errorf("suggested preheader %+v", issue.Content.Preheader)
		}
		next, err := o.Assemble(t.Context(), author, o.newsletter.ID, o.slot.AddDate(0, 0, 7))
		must(t, err)
		if len(next.Content.Sections[0].Items) != 0 || next.Number != issue.Number+1 {
			t.Error("the next week's issue took the letter that this week's shows")
		}
	})
}

func TestEveryEditVoidsTheApproval(t *testing.T) {
	rewritten := func(change func(c *epistle.Content)) func(epistle.Issue) editorial.Change {
		return func(i epistle.Issue) editorial.Change {
			change(&i.Content)
			return editorial.Rewrite(i.Content)
		}
	}
	always := func(c editorial.Change) func(epistle.Issue) editorial.Change {
		return func(epistle.Issue) editorial.Change { return c }
	}
	prayer := func(n int) editorial.Place { return editorial.Place{Section: epistle.PrayersSection, Index: n} }
	edits := map[string]func(epistle.Issue) editorial.Change{
		"subject":       rewritten(func(c *epistle.Content) { c.Subject.KO = "새 제목" }),
		"preheader":     rewritten(func(c *epistle.Content) { c.Preheader.EN = "New" }),
		"heading":       rewritten(func(c *epistle.Content) { c.Sections[1].Heading.EN = "Pray" }),
		"an item":       rewritten(func(c *epistle.Content) { c.Sections[1].Items[0].Body.EN = "Pray more." }),
		"a signature":   rewritten(func(c *epistle.Content) { c.Sections[0].Items[0].Signatures[0].EN = "Ruth" }),
		"order":         always(editorial.Move(prayer(0), editorial.Down)),
		"section order": always(editorial.MoveSection(epistle.NewsSection, editorial.Up)),
		"removal":       always(editorial.Remove(prayer(1))),
		"writing":       always(editorial.Write(epistle.PrayerItem)),
	}
	eachOffice(t, func(t *testing.T, o *office) {
		for name, edit := range edits {
			issue := o.approved(t)
			after, err := o.Edit(t.Context(), author, issue.ID, issue.Version, edit(o.now(t, issue.ID)))
			must(t, err)
			if after.IsApproved() || after.State != epistle.IssueDraft || after.EditedBy != author.StaffID {
				t.Errorf("%s: the approval stands: %+v", name, after.Approval)
			}
			o.slot = o.slot.AddDate(0, 0, 7)
			o.fillPool2(t)
		}
		issue := o.approved(t)
		same, err := o.Edit(t.Context(), author, issue.ID, issue.Version, editorial.Rewrite(issue.Content))
		must(t, err)
		if !same.IsApproved() || same.Version != issue.Version {
			t.Error("saving what was there already voided the approval")
		}
	})
}

// fillPool2 puts a fresh letter into the pool; the last issue took the other.
func (o *office) fillPool2(t *testing.T) {
	t.Helper()
	_, err := o.store.CreateLetter(t.Context(), epistle.Letter{Title: epistle.Text{EN: "Another", KO: "다른"},
		Body: epistle.Text{EN: "Dear friends", KO: "여러분"}, Signatures: []epistle.Text{{EN: "Hannah", KO: "한나"}}, State: epistle.Current}, o.entry())
	must(t, err)
}

func TestAStaleEditIsRefusedAndNothingIsHalfSaved(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		issue := o.assembled(t)
		ctx := t.Context()
		content := issue.Content
		content.Subject.EN = "First"
		saved, err := o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(content))
		must(t, err)
		content.Subject.EN = "Second"
		_, err = o.Edit(ctx, editor, issue.ID, issue.Version, editorial.Rewrite(content))
		wantError(t, "the second editor", err, epistle.Conflict, "changed-meanwhile")
		content.Subject.EN, content.Preheader.KO = "Third", "보이지 않는 \u202e 글자"
		_, err = o.Edit(ctx, author, issue.ID, saved.Version, editorial.Rewrite(content), editorial.Write(epistle.PrayerItem))
		wantError(t, "an invisible character", err, epistle.Invalid, "text.invisible")
		if got := o.now(t, issue.ID); got.Content.Subject.EN != "First" || got.Version != saved.Version {
			t.Errorf("a refused edit left %q, version %d", got.Content.Subject.EN, got.Version)
		}
	})
}

func TestALinkCannotBeBentInTheIssue(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		issue := o.assembled(t)
		content := issue.Content
		content.Sections[2].Items[0].URL = epistle.Text{EN: "https://elsewhere.example/", KO: "https://elsewhere.example/"}
		content.Sections[2].Items[0].Publisher = "Somebody else"
		content.Sections[2].Items[0].Body.EN = "In our words."
		after, err := o.Edit(t.Context(), author, issue.ID, issue.Version, editorial.Rewrite(content))
		must(t, err)
		if got := after.Content.Sections[2].Items[0]; got.URL != o.now(t, issue.ID).Content.Sections[2].Items[0].URL ||
			got.URL.EN != "https://news.example.org/2026-11-21" || got.Publisher != "Example News" || got.Body.EN != "In our words." {
			t.Errorf("the link became %+v", got)
		}
	})
}

func TestAddTakesOnlyWhatIsReady(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		issue, err := o.Draft(ctx, author, o.newsletter.ID)
		must(t, err)
		ready, err := o.store.Ready(ctx, o.clock.Now())
		must(t, err)
		issue, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Add(epistle.LinkItem, ready.Links[0].ID))
		must(t, err)
		_, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Add(epistle.LinkItem, ready.Links[0].ID))
		wantError(t, "the same link twice", err, epistle.Conflict, "issue.has-item")
		submitted, err := o.store.LinkByURL(ctx, "https://news.example.org/2026-11-22")
		must(t, err)
		_, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Add(epistle.LinkItem, submitted.ID))
		wantError(t, "an unconfirmed link", err, epistle.Conflict, "issue.item-not-ready")
		_, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Write(epistle.LinkItem))
		wantError(t, "a link written in the issue", err, epistle.Conflict, "issue.item-not-ready")
		_, err = o.Edit(ctx, epistle.ReaderActor(), issue.ID, issue.Version, editorial.Write(epistle.PrayerItem))
		wantError(t, "a reader", err, epistle.Forbidden, "forbidden")
	})
}

func TestCheckFindsWhatWouldEmbarrass(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := context.Background()
		issue := o.assembled(t)
		found, err := o.Check(ctx, issue)
		must(t, err)
		if editorial.Stopped(found) || keysOf(found)["section"] != editorial.Warn {
			t.Errorf("a good issue: %+v; want only warnings about empty sections", found)
		}
		content := issue.Content
		content.Subject.KO = ""
		content.Sections[1].Items[0].Body.KO = ""
		issue, err = o.Edit(ctx, author, issue.ID, issue.Version, editorial.Rewrite(content), editorial.Write(epistle.LetterItem))
		must(t, err)
		found, err = o.Check(ctx, issue)
		must(t, err)
		for key, want := range map[string]editorial.Severity{"subject": editorial.Stop, "translation": editorial.Warn, "item.empty": editorial.Stop} {
			if got := keysOf(found)[key]; got != want {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
		o.readers.set(30, 0)
		found, err = o.Check(ctx, issue)
		must(t, err)
		if got := keysOf(found)["subject"]; got != editorial.Warn {
			t.Errorf("no Korean subject and no Korean readers: %q, want a warning", got)
		}
	})
}
