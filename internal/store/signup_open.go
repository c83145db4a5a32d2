package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"epistle/internal/epistle"
)

const (
	// resendAfter is how soon a repeated request may mail again; sooner it is a
	// second click.
	resendAfter = time.Minute
	// A request that waits causes the first mail and one more within the window.
	mailsPerRequest = 2
	mailWindow      = 24 * time.Hour
)

// errNoMail rolls back a transaction that is worth nothing without its mail.
var errNoMail = errors.New("no further mail to this address for now")

// Opening is a request on its way to being kept.
type Opening struct {
	Signup epistle.Signup
	Limit  epistle.MailLimit               // of the address
	Notice func(epistle.ID) epistle.Notice // the mail for the sign-up's id; its Key is filled in
	Audit  *epistle.AuditEntry             // when staff do it; its subject is filled in
}

// OpenSignup keeps a request until it is confirmed, and queues its confirmation
// mail in the same transaction. However often the same address asks for the
// same newsletter, one sign-up waits; a repeated request renews it and mails
// once more at most, and not at all beyond the limit on the address. mailed
// says whether a mail was queued; if none was, nothing changed.
func (s *Store) OpenSignup(ctx context.Context, o Opening) (mailed bool, err error) {
	first, err := s.newIDs(ctx, 3)
	if err != nil {
		return false, err
	}
	err = s.write(ctx, func(q queries) error {
		if err := s.takeMail(ctx, q, o.Signup.Address, o.Limit); err != nil {
			return err
		}
		id, key, err := s.placeSignup(ctx, q, o.Signup, first)
		if err != nil {
			return err
		}
		n := o.Notice(id)
		n.Key = key
		if err := s.insertNotice(ctx, q, first+1, n); err != nil || o.Audit == nil {
			return err
		}
		entry := *o.Audit
		entry.Subject, entry.SubjectID = "signup", id
		return insertAudit(ctx, q, first+2, entry)
	})
	if errors.Is(err, errNoMail) {
		return false, nil
	}
	return err == nil, err
}

// placeSignup inserts the request, or renews the one that waits, and returns
// its id and the key of its mail. Whoever calls it holds the address's row of
// mail_limit, so that two requests at once come one after the other.
func (s *Store) placeSignup(ctx context.Context, q queries, u epistle.Signup, id epistle.ID) (epistle.ID, string, error) {
	index, now := s.addressIndex(u.Address), s.clock()
	if _, err := q.exec(ctx, `UPDATE signup SET state = 'expired' WHERE address_index = ? AND newsletter_id = ?
		AND state = 'pending' AND expires_at <= ?`, index, u.NewsletterID, micros(now)); err != nil {
		return 0, "", err
	}
	var waiting []signupRow
	if err := q.all(ctx, &waiting, `SELECT `+signupColumns+` FROM signup WHERE address_index = ? AND newsletter_id = ? AND state = 'pending'`,
		index, u.NewsletterID); err != nil {
		return 0, "", err
	}
	if len(waiting) == 0 {
		return id, firstMail(id), s.insertSignup(ctx, q, fresh(u, id, now), now)
	}
	row := waiting[0]
	if fromMicros(row.MailedAt).Add(mailWindow).Before(now) {
		row.Mails = 0
	}
	if row.Mails >= mailsPerRequest || now.Before(fromMicros(row.MailedAt).Add(resendAfter)) {
		return 0, "", errNoMail
	}
	earlier, err := s.signupNoun(row)
	if err != nil {
		return 0, "", err
	}
	key := fmt.Sprintf("confirm/%d/%d", row.ID, now.Unix())
	return row.ID, key, s.renewSignup(ctx, q, renewed(earlier, u), row.Mails+1, now)
}

// renewed is a waiting request as it was asked for again: the latest wording,
// place and language count; what is missing this time stays.
func renewed(earlier, again epistle.Signup) epistle.Signup {
	again.ID = earlier.ID
	if again.Name == "" {
		again.Name = earlier.Name
	}
	if again.CommentID == 0 {
		again.CommentID = earlier.CommentID
	}
	if again.StaffID == 0 {
		again.StaffID, again.Evidence = earlier.StaffID, earlier.Evidence
	}
	return again
}

// limitInto are the columns of an address's first mail.
const limitInto = `mail_limit (address_index, since, mails)`

// signupInto are the columns that signupValues fills.
const signupInto = `signup (id, newsletter_id, source, state, name_sealed, address_sealed, address_index, language,
	page_url, comment_id, staff_id, evidence_sealed, wording, wording_version, ip_sealed, created_at, expires_at, mails, mailed_at)`

func (s *Store) signupValues(u epistle.Signup, mailedAt time.Time) ([]any, error) {
	x := s.sealer("signup", u.ID)
	name, address := x.seal("name", u.Name), x.seal("address", string(u.Address))
	evidence, ip := x.seal("evidence", u.Evidence), x.seal("ip", u.IP)
	return []any{u.ID, u.NewsletterID, string(u.Source), string(u.State), name, address, s.addressIndex(u.Address), string(u.Language),
		u.PageURL, orNull(u.CommentID), orNull(u.StaffID), evidence, u.Wording, u.WordingVersion, ip,
		micros(u.CreatedAt), micros(u.ExpiresAt), int64(1), micros(mailedAt)}, x.err
}

func (s *Store) insertSignup(ctx context.Context, q queries, u epistle.Signup, mailedAt time.Time) error {
	values, err := s.signupValues(u, mailedAt)
	if err != nil {
		return err
	}
	return s.dialect.insertMany(ctx, q, signupInto, [][]any{values})
}

// fresh is a request that waits from now on.
func fresh(u epistle.Signup, id epistle.ID, now time.Time) epistle.Signup {
	u.ID, u.State, u.CreatedAt, u.ExpiresAt = id, epistle.SignupPending, now, now.Add(epistle.SignupLifetime)
	return u
}

// firstMail is the key of the mail that goes out when a sign-up is opened.
func firstMail(signup epistle.ID) string { return fmt.Sprintf("confirm/%d", signup) }

func (s *Store) renewSignup(ctx context.Context, q queries, u epistle.Signup, mails int, now time.Time) error {
	x := s.sealer("signup", u.ID)
	name, address := x.seal("name", u.Name), x.seal("address", string(u.Address))
	evidence, ip := x.seal("evidence", u.Evidence), x.seal("ip", u.IP)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `UPDATE signup SET source = ?, name_sealed = ?, address_sealed = ?, language = ?, page_url = ?, comment_id = ?,
		staff_id = ?, evidence_sealed = ?, wording = ?, wording_version = ?, ip_sealed = ?, created_at = ?, expires_at = ?, mails = ?, mailed_at = ?
		WHERE id = ?`,
		string(u.Source), name, address, string(u.Language), u.PageURL, orNull(u.CommentID), orNull(u.StaffID), evidence,
		u.Wording, u.WordingVersion, ip, micros(now), micros(now.Add(epistle.SignupLifetime)), mails, micros(now), u.ID)
	return err
}

// QueueLimited queues a notice unless the address had its share of mails
// already; mailed says whether it did. With an empty notice it only takes the
// share, so that an answer without a mail costs the same as one with it.
func (s *Store) QueueLimited(ctx context.Context, to epistle.Address, limit epistle.MailLimit, n epistle.Notice) (mailed bool, err error) {
	id, err := s.newID(ctx)
	if err != nil {
		return false, err
	}
	err = s.write(ctx, func(q queries) error {
		if err := s.takeMail(ctx, q, to, limit); err != nil {
			return err
		}
		if n.Kind == "" {
			return nil
		}
		if n.Key == "" {
			n.Key = fmt.Sprintf("%s/%d", n.Kind, id)
		}
		return s.insertNotice(ctx, q, id, n)
	})
	if errors.Is(err, errNoMail) {
		return false, nil
	}
	return err == nil && n.Kind != "", err
}

// takeMail counts one mail to an address against its limit, or gives
// errNoMail. The window begins with the first mail.
func (s *Store) takeMail(ctx context.Context, q queries, to epistle.Address, limit epistle.MailLimit) error {
	now := s.clock()
	began := micros(now.Add(-limit.Within))
	changed, err := q.exec(ctx, `INSERT INTO mail_limit (address_index, since, mails) VALUES (?, ?, 1)
		ON CONFLICT (address_index) DO UPDATE SET
			mails = CASE WHEN mail_limit.since <= ? THEN 1 ELSE mail_limit.mails + 1 END,
			since = CASE WHEN mail_limit.since <= ? THEN excluded.since ELSE mail_limit.since END
		WHERE mail_limit.since <= ? OR mail_limit.mails < ?`,
		s.addressIndex(to), micros(now), began, began, began, limit.Mails)
	if err != nil {
		return err
	}
	if changed == 0 {
		return errNoMail
	}
	return nil
}

// keepExpired is how long a sign-up that nobody confirmed can still be asked
// for again from its own link; then its personal data goes.
const keepExpired = 30 * 24 * time.Hour

// SweepSignups marks sign-ups that are past their time, empties those that
// nobody came back to, and forgets counts of mails that no limit looks at any
// more. It returns how many expired.
func (s *Store) SweepSignups(ctx context.Context) (expired int64, err error) {
	now := s.clock()
	err = s.writeBulk(ctx, func(q queries) error {
		var err error
		if expired, err = q.exec(ctx, `UPDATE signup SET state = 'expired' WHERE state = 'pending' AND expires_at <= ?`, micros(now)); err != nil {
			return err
		}
		empty := []byte{}
		if _, err := q.exec(ctx, `UPDATE signup SET `+emptied+`
			WHERE state = 'expired' AND expires_at <= ? AND address_index <> ?`,
			empty, empty, empty, empty, empty, micros(now.Add(-keepExpired)), empty); err != nil {
			return err
		}
		_, err = q.exec(ctx, `DELETE FROM mail_limit WHERE since <= ?`, micros(now.Add(-keepExpired)))
		return err
	})
	return expired, err
}
