package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"slices"
	"time"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/schedule"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
)

// sample is what the demo's seeding made, as far as the rest needs it.
type sample struct {
	newsletter                     epistle.Newsletter
	author, editor                 epistle.StaffMember
	authorPassword, editorPassword string
	issue                          epistle.ID
}

// seed fills the empty database through the verbs, as people would.
func (d *demo) seed(ctx context.Context) (sample, error) {
	var s sample
	steps := []func(context.Context, *sample) error{
		d.seedStaff, d.seedNewsletter, d.seedPool, d.seedLinks, d.seedSubscribers, d.seedDepartures, d.seedComments, d.seedPending, d.seedIssue,
	}
	for _, step := range steps {
		if err := step(ctx, &s); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (d *demo) seedStaff(ctx context.Context, s *sample) error {
	s.authorPassword, s.editorPassword = freshPassword(), freshPassword()
	for i, password := range []string{s.authorPassword, s.editorPassword} {
		member := sampleStaff[i]
		if _, err := d.app.account.AddWithPassword(ctx, epistle.SystemActor(), account.NewMember{
			Address: string(member.Address), Name: member.Name, Role: string(member.Role), Language: string(member.Language),
		}, password); err != nil {
			return err
		}
		found, err := d.app.account.Find(ctx, epistle.SystemActor(), string(member.Address))
		if err != nil {
			return err
		}
		if i == 0 {
			s.author = found
		} else {
			s.editor = found
		}
	}
	return nil
}

func (d *demo) seedNewsletter(ctx context.Context, s *sample) error {
	var err error
	s.newsletter, err = d.app.store.CreateNewsletter(ctx, withSchedule(sampleNewsletter), d.entry("newsletter.create"))
	return err
}

// withSchedule is the usual rhythm: Thursday evening in Seoul.
func withSchedule(n epistle.Newsletter) epistle.Newsletter {
	n.Schedule, n.Zone, n.WelcomeAt = "0 20 * * 4", "Asia/Seoul", "20:00"
	n.AssembleLead, n.Grace = 48*time.Hour, 12*time.Hour
	return n
}

func (d *demo) seedPool(ctx context.Context, s *sample) error {
	author := s.author.Actor()
	projects := make([]epistle.Project, len(sampleProjects))
	for i, p := range sampleProjects {
		var err error
		if projects[i], err = d.app.pages.AddProject(ctx, s.editor.Actor(), p); err != nil {
			return err
		}
	}
	page := samplePage
	page.ProjectID = projects[0].ID
	if _, err := d.app.pages.Add(ctx, s.editor.Actor(), page); err != nil {
		return err
	}
	if _, err := d.app.pool.CreateLetter(ctx, author, sampleLetter); err != nil {
		return err
	}
	for _, p := range samplePrayers {
		prayer := p.prayer
		prayer.State = epistle.Current
		if p.project >= 0 {
			prayer.ProjectID = projects[p.project].ID
		}
		if _, err := d.app.pool.CreatePrayer(ctx, author, prayer); err != nil {
			return err
		}
	}
	for _, question := range sampleQuestions {
		question.State = epistle.Current
		if _, err := d.app.pool.CreateQuestion(ctx, author, question); err != nil {
			return err
		}
	}
	for _, answer := range signup.StarterAnswers(func(l epistle.Language, key string) string { return d.app.catalog.In(l).T(key) }) {
		if _, err := d.app.answers.Create(ctx, author, answer); err != nil {
			return err
		}
	}
	_, err := d.app.pool.CreateVideo(ctx, author, sampleVideo)
	return err
}

// seedLinks has the author propose and the editor confirm, but for one that
// the visitor may try it with.
func (d *demo) seedLinks(ctx context.Context, s *sample) error {
	for _, l := range slices.Backward(sampleLinks) {
		id, err := d.app.pool.SubmitLink(ctx, s.author.Actor(), l)
		if err != nil {
			return err
		}
		link, err := d.app.store.Link(ctx, id)
		if err != nil {
			return err
		}
		if err := d.app.pool.ConfirmLink(ctx, s.editor.Actor(), id, link.Version); err != nil {
			return err
		}
	}
	_, err := d.app.pool.SubmitLink(ctx, s.author.Actor(), waitingLink)
	return err
}

func (d *demo) seedSubscribers(ctx context.Context, s *sample) error {
	var file bytes.Buffer
	rows := csv.NewWriter(&file)
	if err := rows.Write([]string{"email", "name", "language"}); err != nil {
		return err
	}
	for _, p := range sampleSubscribers {
		if err := rows.Write([]string{p.address, p.name, string(p.language)}); err != nil {
			return err
		}
	}
	rows.Flush()
	counts, err := d.app.signup.Import(ctx, epistle.SystemActor(), &file, signup.Import{
		NewsletterID: s.newsletter.ID, Mode: signup.Vouched, Source: "sample list of the demo",
	})
	if err == nil && counts.Added != int64(len(sampleSubscribers)) {
		err = fmt.Errorf("%d of %d sample subscribers were taken", counts.Added, len(sampleSubscribers))
	}
	return err
}

// seedDepartures has some leave by their own click, and staff stop the mail of
// another.
func (d *demo) seedDepartures(ctx context.Context, s *sample) error {
	for _, address := range sampleLeft {
		person, err := d.app.store.SubscriberByAddress(ctx, epistle.Address(address))
		if err != nil {
			return err
		}
		subscriptions, err := d.app.store.Subscriptions(ctx, person.ID)
		if err != nil {
			return err
		}
		token := d.app.store.Keys().Link(seal.ToLeave, subscriptions[0].ID, 0)
		if err := d.app.signup.Leave(ctx, token, epistle.ByPage, ""); err != nil {
			return err
		}
	}
	for _, address := range sampleSuppressed {
		person, err := d.app.store.SubscriberByAddress(ctx, epistle.Address(address))
		if err != nil {
			return err
		}
		if err := d.app.signup.Suppress(ctx, s.author.Actor(), person.ID, "asked for it on the telephone"); err != nil {
			return err
		}
	}
	return nil
}

// seedComments writes the thread over the last days, and leaves the newest for
// the visitor to decide.
func (d *demo) seedComments(ctx context.Context, s *sample) error {
	defer d.clock.turnTo(0)
	for i, c := range sampleComments {
		ago := time.Duration(len(sampleComments)-i) * 31 * time.Hour
		if c.pending {
			ago = time.Duration(len(sampleComments)-i) * 90 * time.Minute
		}
		if err := d.seedComment(ctx, s, c, ago); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) seedComment(ctx context.Context, s *sample, c sampleComment, ago time.Duration) error {
	d.clock.turnTo(-ago - time.Minute)
	stamp := d.app.comments.Stamp()
	d.clock.turnTo(-ago) // the minute that it took to write
	_, err := d.app.comments.Post(ctx, signup.Post{PageURL: samplePage.URL, Name: c.name, Address: c.address,
		Body: c.body, Language: c.language, Stamp: stamp, IP: "203.0.113.7"})
	if err != nil || c.pending {
		return err
	}
	posted, err := d.app.store.CommentQueue(ctx, store.CommentFilter{State: epistle.CommentPending, Limit: 1})
	if err != nil {
		return err
	}
	id := posted[0].ID
	d.clock.turnTo(-ago + time.Hour)
	if err := d.app.comments.Approve(ctx, s.author.Actor(), id, epistle.CommentPending); err != nil {
		return err
	}
	if c.reply == "" {
		return nil
	}
	d.clock.turnTo(-ago + 2*time.Hour)
	_, err = d.app.comments.Reply(ctx, s.author.Actor(), signup.Answer{To: id, Seen: epistle.CommentApproved, Name: s.author.Name, Body: c.reply})
	return err
}

// seedPending leaves some who asked and have not confirmed yet.
func (d *demo) seedPending(ctx context.Context, s *sample) error {
	for _, p := range samplePending {
		if err := d.app.signup.Request(ctx, signup.Request{NewsletterID: s.newsletter.ID, Source: epistle.FromForm,
			Address: p.address, Name: p.name, Language: p.language, PageURL: d.app.publicURL + "/subscribe", IP: "203.0.113.8"}); err != nil {
			return err
		}
	}
	return nil
}

// seedIssue assembles the week's issue, ready for somebody's approval.
func (d *demo) seedIssue(ctx context.Context, s *sample) error {
	expression, err := schedule.Parse(s.newsletter.Schedule, s.newsletter.Zone)
	if err != nil {
		return err
	}
	next := expression.Next(d.clock.Now(), 1)
	issue, err := d.app.issues.Assemble(ctx, s.author.Actor(), s.newsletter.ID, next[0].At)
	s.issue = issue.ID
	return err
}

func (d *demo) entry(action string) epistle.AuditEntry {
	return epistle.AuditEntry{At: d.clock.Now(), Actor: epistle.SystemActor(), Action: action}
}
