package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"epistle/internal/epistle"
)

// Reminding says whom RemindSignups reminds.
type Reminding struct {
	AskedBefore time.Time
	EndsAfter   time.Time // sign-ups whose time ends sooner are let go
	Limit       epistle.MailLimit
	Notice      func(epistle.Signup) epistle.Notice // its Key is filled in
}

// remindersAtOnce is how many share a transaction.
const remindersAtOnce = 100

// RemindSignups reminds of sign-ups that wait, each at most once, whatever runs
// twice; nobody who must not be mailed, or is subscribed meanwhile. It takes
// some of those after an id, and returns how many were reminded and where to
// go on; zero when there are no more.
func (s *Store) RemindSignups(ctx context.Context, after epistle.ID, r Reminding) (reminded int, next epistle.ID, err error) {
	first, err := s.newIDs(ctx, remindersAtOnce)
	if err != nil {
		return 0, 0, err
	}
	err = s.writeBulk(ctx, func(q queries) error {
		reminded, next = 0, 0
		var rows []signupRow
		if err := q.all(ctx, &rows, `SELECT `+signupColumns+` FROM signup WHERE state = 'pending' AND reminded_at = 0
			AND created_at <= ? AND expires_at > ? AND id > ?
			AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = signup.address_index)
			AND NOT EXISTS (SELECT 1 FROM subscriber p JOIN subscription n ON n.subscriber_id = p.id
				WHERE p.address_index = signup.address_index AND n.newsletter_id = signup.newsletter_id AND n.state = 'confirmed')
			ORDER BY id LIMIT ?`+s.dialect.claimSuffix("signup"), micros(r.AskedBefore), micros(r.EndsAfter), after, remindersAtOnce); err != nil {
			return err
		}
		for i, row := range rows {
			failed, err := s.apart(ctx, q, func() error { return s.remind(ctx, q, first+int64(i), row, r) })
			switch {
			case err != nil:
				return err
			case failed == nil:
				reminded++
			case !errors.Is(failed, errNoMail): // who had their share is reminded another day
				return failed
			}
		}
		if len(rows) == remindersAtOnce {
			next = rows[len(rows)-1].ID
		}
		return nil
	})
	return reminded, next, err
}

func (s *Store) remind(ctx context.Context, q queries, notice epistle.ID, row signupRow, r Reminding) error {
	u, err := s.signupNoun(row)
	if err != nil {
		return err
	}
	if err := s.takeMail(ctx, q, u.Address, r.Limit); err != nil {
		return err
	}
	if _, err := q.exec(ctx, `UPDATE signup SET reminded_at = ? WHERE id = ?`, micros(s.clock()), u.ID); err != nil {
		return err
	}
	n := r.Notice(u)
	n.Key = fmt.Sprintf("remind/%d", u.ID)
	return s.insertNotice(ctx, q, notice, n)
}
