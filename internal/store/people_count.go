package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"epistle/internal/epistle"
)

// CountPeople counts subscriptions by newsletter, state and language. People
// who must not be mailed are not in it. Like an audience it is counted from the
// sides that are small: those who read another than the first language, and
// those who must not be mailed.
func (s *Store) CountPeople(ctx context.Context) ([]epistle.PeopleCount, error) {
	counts := peopleCounts{}
	err := s.snapshot(ctx, func(q queries) error {
		clear(counts)
		if err := counts.add(ctx, q, 1, `SELECT newsletter_id, state, ? AS language, COUNT(*) AS total
			FROM subscription GROUP BY newsletter_id, state`, string(epistle.Languages[0])); err != nil {
			return err
		}
		for _, l := range epistle.Languages[1:] {
			if err := counts.move(ctx, q, epistle.Languages[0], l); err != nil {
				return err
			}
		}
		return counts.add(ctx, q, -1, `SELECT n.newsletter_id, n.state, p.language, COUNT(*) AS total
			FROM suppression x CROSS JOIN subscriber p CROSS JOIN subscription n
			WHERE p.address_index = x.address_index AND n.subscriber_id = p.id GROUP BY n.newsletter_id, n.state, p.language`)
	})
	return counts.list(), err
}

// peopleCounts are counts by what is counted, each with a Count of 0.
type peopleCounts map[epistle.PeopleCount]int64

// countRow is a line of a count.
type countRow struct {
	NewsletterID int64 `db:"newsletter_id"`
	State        string
	Language     string
	Total        int64
}

func (c peopleCounts) put(r countRow, times int64) {
	c[epistle.PeopleCount{NewsletterID: r.NewsletterID, State: epistle.SubscriptionState(r.State), Language: epistle.Language(r.Language)}] += times * r.Total
}

// move counts those who read a language under it, and no longer under another.
func (c peopleCounts) move(ctx context.Context, q queries, from, to epistle.Language) error {
	var rows []countRow
	err := q.all(ctx, &rows, `SELECT n.newsletter_id, n.state, p.language, COUNT(*) AS total FROM subscriber p CROSS JOIN subscription n
		WHERE p.language = ? AND n.subscriber_id = p.id GROUP BY n.newsletter_id, n.state, p.language`, string(to))
	for _, r := range rows {
		c.put(r, 1)
		r.Language = string(from)
		c.put(r, -1)
	}
	return err
}

func (c peopleCounts) add(ctx context.Context, q queries, times int64, query string, args ...any) error {
	var rows []countRow
	err := q.all(ctx, &rows, query, args...)
	for _, r := range rows {
		c.put(r, times)
	}
	return err
}

func (c peopleCounts) list() []epistle.PeopleCount {
	list := make([]epistle.PeopleCount, 0, len(c))
	for _, key := range slices.SortedFunc(maps.Keys(c), func(a, b epistle.PeopleCount) int {
		return cmp.Or(cmp.Compare(a.NewsletterID, b.NewsletterID), cmp.Compare(a.State, b.State), cmp.Compare(a.Language, b.Language))
	}) {
		if n := c[key]; n > 0 {
			key.Count = n
			list = append(list, key)
		}
	}
	return list
}
