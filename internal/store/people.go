package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"epistle/internal/epistle"
)

// People lists subscribers with their subscriptions, the newest first.
func (s *Store) People(ctx context.Context, f epistle.PeopleFilter, limit int) ([]epistle.Person, error) {
	conditions, args := []string{`1 = 1`}, []any{}
	add := func(condition string, values ...any) {
		conditions, args = append(conditions, condition), append(args, values...)
	}
	if where, values := s.subscriptionFilter(f); where != "" {
		add(`EXISTS (SELECT 1 FROM subscription n WHERE n.subscriber_id = p.id`+where+`)`, values...)
	}
	if f.Language != "" {
		add(`p.language = ?`, string(f.Language))
	}
	if f.Suppressed != "" {
		add(`EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = p.address_index AND x.reason = ?)`, string(f.Suppressed))
	}
	if f.NotMailed {
		add(`EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = p.address_index)`)
	}
	if f.Before > 0 {
		add(`p.id < ?`, f.Before)
	}
	return s.people(ctx, strings.Join(conditions, ` AND `), append(args, limit)...)
}

// subscriptionFilter is what one and the same subscription of a person must be.
func (s *Store) subscriptionFilter(f epistle.PeopleFilter) (where string, args []any) {
	add := func(condition string, value any) { where, args = where+` AND `+condition, append(args, value) }
	if f.NewsletterID != 0 {
		add(`n.newsletter_id = ?`, f.NewsletterID)
	}
	if f.State != "" {
		add(`n.state = ?`, string(f.State))
	}
	if f.Form != "" {
		add(`n.form = ?`, string(f.Form))
	}
	if f.Pace != "" {
		add(`n.pace = ?`, string(f.Pace))
	}
	if f.Paused {
		add(`n.paused_until > ?`, micros(s.clock()))
	}
	return where, args
}

// FindPeople finds subscribers by a whole address or a whole name; there is no
// other way to search what is sealed.
func (s *Store) FindPeople(ctx context.Context, wanted string, limit int) ([]epistle.Person, error) {
	if address, err := epistle.ParseAddress(wanted); err == nil {
		return s.people(ctx, `p.address_index = ?`, s.addressIndex(address), limit)
	}
	index := s.nameIndex(wanted)
	if len(index) == 0 {
		return nil, nil
	}
	ids, err := s.named(ctx, index)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(b, a) })
	where, args, err := s.read().in(`p.id IN (?)`, ids[:min(limit, len(ids))])
	if err != nil {
		return nil, err
	}
	return s.people(ctx, where, append(args, limit)...)
}

// named finds who has a name, shelf by shelf. It is a query of its own and in no
// order: a planner that has no statistics yet would do the rest first.
func (s *Store) named(ctx context.Context, index []byte) (ids []int64, err error) {
	err = s.read().all(ctx, &ids, `WITH RECURSIVE shelf (number) AS (SELECT MIN(name_shelf) FROM subscriber
			UNION ALL SELECT (SELECT MIN(name_shelf) FROM subscriber WHERE name_shelf > number) FROM shelf WHERE number IS NOT NULL)
		SELECT p.id FROM shelf CROSS JOIN subscriber p WHERE p.name_shelf = shelf.number AND p.name_index = ?`, index)
	return ids, s.mapError(ctx, err)
}

// Person finds one subscriber with their subscriptions; NotFound if there is
// none.
func (s *Store) Person(ctx context.Context, subscriber epistle.ID) (epistle.Person, error) {
	found, err := s.people(ctx, `p.id = ?`, subscriber, 1)
	if err == nil && len(found) == 0 {
		err = epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	if err != nil {
		return epistle.Person{}, err
	}
	return found[0], nil
}

// people reads persons; the last of args is the limit.
func (s *Store) people(ctx context.Context, where string, args ...any) ([]epistle.Person, error) {
	var rows []struct {
		subscriberRow
		Suppressed string
	}
	err := s.read().all(ctx, &rows, `SELECT `+subscriberColumns+`,
		COALESCE((SELECT x.reason FROM suppression x WHERE x.address_index = p.address_index), '') AS suppressed
		FROM subscriber p WHERE `+where+` ORDER BY p.id DESC LIMIT ?`, args...)
	if err != nil || len(rows) == 0 {
		return nil, s.mapError(ctx, err)
	}
	people, ids, places := make([]epistle.Person, len(rows)), make([]int64, len(rows)), map[int64]int{}
	for i, r := range rows {
		p, err := s.subscriberNoun(r.subscriberRow)
		if err != nil {
			return nil, err
		}
		people[i] = epistle.Person{Subscriber: p, Suppressed: epistle.SuppressionReason(r.Suppressed)}
		ids[i], places[r.ID] = r.ID, i
	}
	query, args, err := s.read().in(`SELECT `+subscriptionColumns+` FROM subscription n WHERE n.subscriber_id IN (?) ORDER BY n.newsletter_id`, ids)
	if err != nil {
		return nil, err
	}
	var subscriptions []subscriptionRow
	if err := s.read().all(ctx, &subscriptions, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	for _, r := range subscriptions {
		p := &people[places[r.SubscriberID]]
		p.Subscriptions = append(p.Subscriptions, r.noun())
	}
	return people, nil
}

// CountSuppressed counts the addresses that must not be mailed.
func (s *Store) CountSuppressed(ctx context.Context) (int64, error) {
	var count int64
	err := s.read().get(ctx, &count, `SELECT COUNT(*) FROM suppression`)
	return count, s.mapError(ctx, err)
}
