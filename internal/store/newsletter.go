package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

const newsletterColumns = `id, slug, title_en, title_ko, covers_en, covers_ko, frequency_en, frequency_ko,
	wording_version, schedule, zone, welcome_at, assemble_lead, grace, sender_name_en, sender_name_ko, sender_address,
	reply_to_name_en, reply_to_name_ko, reply_to_address, solo_mode, hold, separate_consent, renew_consent,
	created_at, version`

type newsletterRow struct {
	ID             int64
	Slug           string
	TitleEN        string `db:"title_en"`
	TitleKO        string `db:"title_ko"`
	CoversEN       string `db:"covers_en"`
	CoversKO       string `db:"covers_ko"`
	FrequencyEN    string `db:"frequency_en"`
	FrequencyKO    string `db:"frequency_ko"`
	WordingVersion int64  `db:"wording_version"`
	Schedule       string
	Zone           string
	WelcomeAt      string `db:"welcome_at"`
	AssembleLead   int64  `db:"assemble_lead"`
	Grace          int64
	SenderNameEN   string `db:"sender_name_en"`
	SenderNameKO   string `db:"sender_name_ko"`
	SenderAddress  string `db:"sender_address"`
	ReplyToNameEN  string `db:"reply_to_name_en"`
	ReplyToNameKO  string `db:"reply_to_name_ko"`
	ReplyToAddress string `db:"reply_to_address"`
	SoloMode       int64  `db:"solo_mode"`
	Separate       int64  `db:"separate_consent"`
	Renewed        int64  `db:"renew_consent"`
	Hold           int64
	CreatedAt      int64 `db:"created_at"`
	Version        int64
}

func (r newsletterRow) noun() epistle.Newsletter {
	return epistle.Newsletter{
		ID: r.ID, Slug: r.Slug,
		Title:          epistle.Text{EN: r.TitleEN, KO: r.TitleKO},
		Covers:         epistle.Text{EN: r.CoversEN, KO: r.CoversKO},
		Frequency:      epistle.Text{EN: r.FrequencyEN, KO: r.FrequencyKO},
		WordingVersion: r.WordingVersion,
		Schedule:       r.Schedule, Zone: r.Zone, WelcomeAt: r.WelcomeAt,
		AssembleLead: time.Duration(r.AssembleLead) * time.Microsecond,
		Grace:        time.Duration(r.Grace) * time.Microsecond,
		Sender:       epistle.Mailbox{Name: epistle.Text{EN: r.SenderNameEN, KO: r.SenderNameKO}, Address: epistle.Address(r.SenderAddress)},
		ReplyTo:      epistle.Mailbox{Name: epistle.Text{EN: r.ReplyToNameEN, KO: r.ReplyToNameKO}, Address: epistle.Address(r.ReplyToAddress)},
		SoloMode:     r.SoloMode != 0, Hold: r.Hold != 0,
		Consent:   epistle.ConsentRules{Separate: r.Separate != 0, Renewed: r.Renewed != 0},
		CreatedAt: fromMicros(r.CreatedAt), Version: r.Version,
	}
}

// Newsletters lists every newsletter, the oldest first.
func (s *Store) Newsletters(ctx context.Context) ([]epistle.Newsletter, error) {
	var rows []newsletterRow
	if err := s.read().all(ctx, &rows, `SELECT `+newsletterColumns+` FROM newsletter ORDER BY id`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Newsletter, len(rows))
	for i, r := range rows {
		all[i] = r.noun()
	}
	return all, nil
}

// Newsletter finds a newsletter by its id; NotFound if there is none.
func (s *Store) Newsletter(ctx context.Context, id epistle.ID) (epistle.Newsletter, error) {
	var row newsletterRow
	err := s.read().get(ctx, &row, `SELECT `+newsletterColumns+` FROM newsletter WHERE id = ?`, id)
	return row.noun(), s.mapError(ctx, err)
}

// NewsletterBySlug finds a newsletter by its slug; NotFound if there is none.
func (s *Store) NewsletterBySlug(ctx context.Context, slug string) (epistle.Newsletter, error) {
	var row newsletterRow
	err := s.read().get(ctx, &row, `SELECT `+newsletterColumns+` FROM newsletter WHERE slug = ?`, slug)
	return row.noun(), s.mapError(ctx, err)
}

// CreateNewsletter keeps a new newsletter and returns it with its id, its first
// wording version and its version. A slug that is taken gives a Conflict.
// The entry's Subject, SubjectID and Action are filled in.
func (s *Store) CreateNewsletter(ctx context.Context, n epistle.Newsletter, entry epistle.AuditEntry) (epistle.Newsletter, error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	n.ID, n.WordingVersion, n.Version, n.CreatedAt = first, 1, 1, s.clock()
	entry = aboutNewsletter(entry, "newsletter.create", n.ID)
	return n, s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `INSERT INTO newsletter (`+newsletterColumns+`)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			n.ID, n.Slug, n.Title.EN, n.Title.KO, n.Covers.EN, n.Covers.KO, n.Frequency.EN, n.Frequency.KO,
			n.WordingVersion, n.Schedule, n.Zone, n.WelcomeAt, n.AssembleLead.Microseconds(), n.Grace.Microseconds(),
			n.Sender.Name.EN, n.Sender.Name.KO, string(n.Sender.Address),
			n.ReplyTo.Name.EN, n.ReplyTo.Name.KO, string(n.ReplyTo.Address),
			flag(n.SoloMode), flag(n.Hold), flag(n.Consent.Separate), flag(n.Consent.Renewed), micros(n.CreatedAt), n.Version)
		if err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}

// UpdateNewsletter changes a newsletter if n.Version is still the current one,
// else it gives a Conflict. What it covers or how often it comes being worded
// anew raises the wording version: consents name the one that was shown. The
// slug never changes. The newsletter comes back as it now stands.
func (s *Store) UpdateNewsletter(ctx context.Context, n epistle.Newsletter, entry epistle.AuditEntry) (epistle.Newsletter, error) {
	id, err := s.newID(ctx)
	if err != nil {
		return epistle.Newsletter{}, err
	}
	entry = aboutNewsletter(entry, "newsletter.update", n.ID)
	var row newsletterRow
	err = s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, `UPDATE newsletter SET
			wording_version = wording_version + CASE WHEN covers_en = ? AND covers_ko = ? AND frequency_en = ? AND frequency_ko = ?
				AND title_en = ? AND title_ko = ? THEN 0 ELSE 1 END,
			title_en = ?, title_ko = ?, covers_en = ?, covers_ko = ?, frequency_en = ?, frequency_ko = ?,
			schedule = ?, zone = ?, welcome_at = ?, assemble_lead = ?, grace = ?,
			sender_name_en = ?, sender_name_ko = ?, sender_address = ?,
			reply_to_name_en = ?, reply_to_name_ko = ?, reply_to_address = ?,
			solo_mode = ?, hold = ?, separate_consent = ?, renew_consent = ?, version = version + 1
			WHERE id = ? AND version = ?`,
			n.Covers.EN, n.Covers.KO, n.Frequency.EN, n.Frequency.KO, n.Title.EN, n.Title.KO,
			n.Title.EN, n.Title.KO, n.Covers.EN, n.Covers.KO, n.Frequency.EN, n.Frequency.KO,
			n.Schedule, n.Zone, n.WelcomeAt, n.AssembleLead.Microseconds(), n.Grace.Microseconds(),
			n.Sender.Name.EN, n.Sender.Name.KO, string(n.Sender.Address),
			n.ReplyTo.Name.EN, n.ReplyTo.Name.KO, string(n.ReplyTo.Address),
			flag(n.SoloMode), flag(n.Hold), flag(n.Consent.Separate), flag(n.Consent.Renewed), n.ID, n.Version)
		if err != nil {
			return err
		}
		if changed == 0 {
			return changedMeanwhile()
		}
		if err := q.get(ctx, &row, `SELECT `+newsletterColumns+` FROM newsletter WHERE id = ?`, n.ID); err != nil {
			return err
		}
		return insertAudit(ctx, q, id, entry)
	})
	return row.noun(), err
}

func aboutNewsletter(e epistle.AuditEntry, action string, id epistle.ID) epistle.AuditEntry {
	e.Action, e.Subject, e.SubjectID = action, "newsletter", id
	return e
}

// changedMeanwhile is what a stale version gets.
func changedMeanwhile() error {
	return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
}
