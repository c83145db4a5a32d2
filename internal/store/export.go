package store

import (
	"context"

	"epistle/internal/epistle"
)

// Exported is a person with their consents.
type Exported struct {
	epistle.Person
	Consents []epistle.Consent // the latest first
}

// ExportPeople lists people with an id above after, the lowest first: all of
// them, or those who are or were subscribed to a newsletter.
func (s *Store) ExportPeople(ctx context.Context, newsletter, after epistle.ID, limit int) ([]Exported, error) {
	var ids []int64
	query, args := `SELECT id FROM subscriber WHERE id > ? ORDER BY id LIMIT ?`, []any{after, limit}
	if newsletter != 0 {
		query = `SELECT id FROM subscriber WHERE id > ? AND EXISTS (SELECT 1 FROM subscription n
			WHERE n.subscriber_id = subscriber.id AND n.newsletter_id = ?) ORDER BY id LIMIT ?`
		args = []any{after, newsletter, limit}
	}
	if err := s.read().all(ctx, &ids, query, args...); err != nil || len(ids) == 0 {
		return nil, s.mapError(ctx, err)
	}
	where, args, err := s.read().in(`p.id IN (?)`, ids)
	if err != nil {
		return nil, err
	}
	people, err := s.people(ctx, where, append(args, limit)...)
	if err != nil {
		return nil, err
	}
	places, all := map[int64]int{}, make([]Exported, len(people))
	for i, p := range people { // the latest come first
		at := len(people) - 1 - i
		all[at].Person, places[p.Subscriber.ID] = p, at
	}
	return all, s.addConsents(ctx, all, places, ids)
}

func (s *Store) addConsents(ctx context.Context, people []Exported, places map[int64]int, ids []int64) error {
	query, args, err := s.read().in(`SELECT `+consentColumns+` FROM consent WHERE subscriber_id IN (?) ORDER BY given_at DESC, id DESC`, ids)
	if err != nil {
		return err
	}
	var rows []consentRow
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return s.mapError(ctx, err)
	}
	for _, r := range rows {
		c, err := s.consentNoun(r)
		if err != nil {
			return err
		}
		if at, ok := places[r.SubscriberID]; ok {
			people[at].Consents = append(people[at].Consents, c)
		}
	}
	return nil
}

// RecordExport keeps that somebody took the list out of the house.
func (s *Store) RecordExport(ctx context.Context, newsletter epistle.ID, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	entry.Subject, entry.SubjectID = "newsletter", newsletter
	return s.write(ctx, func(q queries) error { return insertAudit(ctx, q, id, entry) })
}
