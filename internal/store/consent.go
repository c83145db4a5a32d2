package store

import (
	"context"

	"epistle/internal/epistle"
)

// insertConsent keeps the evidence that someone asked. It is never changed.
func (s *Store) insertConsent(ctx context.Context, q queries, c epistle.Consent) error {
	x := s.sealer("consent", c.ID)
	ip, evidence := x.seal("ip", c.IP), x.seal("evidence", c.Evidence)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `INSERT INTO consent (id, subscriber_id, newsletter_id, signup_id, source, asked_at, given_at, page_url,
		wording, wording_version, language, ip_sealed, evidence_sealed, staff_id, belief_wording)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		c.ID, c.SubscriberID, c.NewsletterID, orNull(c.SignupID), string(c.Source), micros(c.AskedAt), micros(c.GivenAt), c.PageURL,
		c.Wording, c.WordingVersion, string(c.Language), ip, evidence, orNull(c.StaffID), c.BeliefWording)
	return err
}

const consentColumns = `id, subscriber_id, newsletter_id, COALESCE(signup_id, 0) AS signup_id, source, asked_at, given_at,
	page_url, wording, wording_version, language, belief_wording, ip_sealed, evidence_sealed, COALESCE(staff_id, 0) AS staff_id`

type consentRow struct {
	ID             int64
	SubscriberID   int64 `db:"subscriber_id"`
	NewsletterID   int64 `db:"newsletter_id"`
	SignupID       int64 `db:"signup_id"`
	Source         string
	AskedAt        int64  `db:"asked_at"`
	GivenAt        int64  `db:"given_at"`
	PageURL        string `db:"page_url"`
	Wording        string
	WordingVersion int64 `db:"wording_version"`
	Language       string
	BeliefWording  string `db:"belief_wording"`
	IPSealed       []byte `db:"ip_sealed"`
	EvidenceSealed []byte `db:"evidence_sealed"`
	StaffID        int64  `db:"staff_id"`
}

func (s *Store) consentNoun(r consentRow) (epistle.Consent, error) {
	x := s.sealer("consent", r.ID)
	return epistle.Consent{ID: r.ID, SubscriberID: r.SubscriberID, NewsletterID: r.NewsletterID, SignupID: r.SignupID,
		Source: epistle.SignupSource(r.Source), AskedAt: fromMicros(r.AskedAt), GivenAt: fromMicros(r.GivenAt), PageURL: r.PageURL,
		Wording: r.Wording, WordingVersion: r.WordingVersion, Language: epistle.Language(r.Language), BeliefWording: r.BeliefWording,
		IP: x.unseal("ip", r.IPSealed), Evidence: x.unseal("evidence", r.EvidenceSealed), StaffID: r.StaffID}, x.err
}

// Consents lists the evidence for a person, the latest first.
func (s *Store) Consents(ctx context.Context, subscriber epistle.ID) ([]epistle.Consent, error) {
	var rows []consentRow
	err := s.read().all(ctx, &rows, `SELECT `+consentColumns+` FROM consent WHERE subscriber_id = ? ORDER BY given_at DESC, id DESC`, subscriber)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Consent, len(rows))
	for i, r := range rows {
		if all[i], err = s.consentNoun(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}
