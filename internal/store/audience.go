package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// audienceJoin and audienceWhere choose whom an issue goes to: subscriptions n
// of people p. They bind newsletter, state and now. What is counted in another
// way for speed is held against these words by a test.
const (
	audienceJoin  = `subscription n JOIN subscriber p ON p.id = n.subscriber_id`
	audienceWhere = `n.newsletter_id = ? AND n.state = ? AND n.paused_until <= ?
		AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = p.address_index)`
)

// CountAudience counts whom a rule names now: confirmed, not paused, not
// suppressed. It reads one index, and then only those who are left out, who are
// few. SQLite joins in the order of the text where it says CROSS.
func (s *Store) CountAudience(ctx context.Context, rule epistle.AudienceRule) (int64, error) {
	count, err := s.countAudience(ctx, s.read(), rule)
	return count, s.mapError(ctx, err)
}

func (s *Store) countAudience(ctx context.Context, q queries, rule epistle.AudienceRule) (count int64, err error) {
	const named = `n.newsletter_id = ? AND n.state = ?`
	now := micros(s.clock())
	err = q.get(ctx, &count, `SELECT (SELECT COUNT(*) FROM subscription n WHERE `+named+`)
		- (SELECT COUNT(*) FROM subscription n WHERE `+named+` AND n.paused_until > 0 AND n.paused_until > ?)
		- (SELECT COUNT(*) FROM suppression x CROSS JOIN subscriber p CROSS JOIN subscription n
			WHERE p.address_index = x.address_index AND n.subscriber_id = p.id AND `+named+` AND n.paused_until <= ?)`,
		rule.NewsletterID, rule.State, rule.NewsletterID, rule.State, now, rule.NewsletterID, rule.State, now)
	return count, err
}

// AudienceByLanguage is CountAudience for each language that somebody reads. It
// goes through those who do not read the first language, which are fewer.
func (s *Store) AudienceByLanguage(ctx context.Context, rule epistle.AudienceRule) (map[epistle.Language]int64, error) {
	counts := map[epistle.Language]int64{}
	now := micros(s.clock())
	err := s.snapshot(ctx, func(q queries) error {
		rest, err := s.countAudience(ctx, q, rule)
		if err != nil {
			return err
		}
		for _, l := range epistle.Languages[1:] {
			var count int64
			if err := q.get(ctx, &count, `SELECT COUNT(*) FROM subscriber p CROSS JOIN subscription n
				WHERE p.language = ? AND n.subscriber_id = p.id AND `+audienceWhere, string(l), rule.NewsletterID, rule.State, now); err != nil {
				return err
			}
			if count > 0 {
				counts[l] = count
			}
			rest -= count
		}
		if rest > 0 {
			counts[epistle.Languages[0]] = rest
		}
		return nil
	})
	return counts, err
}

// HasAudience reports whether a rule names anybody.
func (s *Store) HasAudience(ctx context.Context, rule epistle.AudienceRule) (bool, error) {
	var some int64
	err := s.read().get(ctx, &some, `SELECT COUNT(*) FROM (SELECT 1 FROM `+audienceJoin+` WHERE `+audienceWhere+` LIMIT 1) AS one`,
		rule.NewsletterID, rule.State, micros(s.clock()))
	return some > 0, s.mapError(ctx, err)
}

// changesOverlap covers what was being written when an audience was counted.
const changesOverlap = 5 * time.Second

// AudienceChanges is the most by which the count of an audience can have moved
// since a time, or limit if that is less: whoever goes, pauses or is suppressed
// leaves an event, who comes leaves the time, and pauses that end are few. It
// takes as long as there are changes, however large the audience is.
func (s *Store) AudienceChanges(ctx context.Context, rule epistle.AudienceRule, since time.Time, limit int64) (int64, error) {
	var changes int64
	since = since.Add(-changesOverlap)
	err := s.read().get(ctx, &changes, `SELECT COUNT(*) FROM (SELECT 1 FROM (
			SELECT 1 FROM event WHERE at >= ? AND kind <> 'confirmed'
			UNION ALL SELECT 1 FROM subscription n WHERE n.newsletter_id = ? AND n.confirmed_at >= ?
			UNION ALL SELECT 1 FROM subscription n WHERE n.newsletter_id = ? AND n.state = ?
				AND n.paused_until > 0 AND n.paused_until > ? AND n.paused_until <= ?
		) AS happened LIMIT ?) AS counted`,
		micros(since), rule.NewsletterID, micros(since), rule.NewsletterID, rule.State, micros(since), micros(s.clock()), limit)
	return changes, s.mapError(ctx, err)
}
