package store

import (
	"context"
	"errors"

	"epistle/internal/epistle"
)

// Instant is a sign-up that counts as confirmed, by a staff act.
type Instant struct {
	Signup epistle.Signup
	Confirming
	Limit  epistle.MailLimit               // of the address
	Notice func(epistle.ID) epistle.Notice // the first mail, for the sign-up's id
	Audit  epistle.AuditEntry              // its subject is filled in
}

// SignUpNow makes a subscriber of who asked, with the consent as evidence and
// the first mail, in one transaction. A sign-up of the same address that waits
// is settled by it. Conflict says why nothing was done: "signup.not-mailed",
// "signup.already", "signup.left-asks" for who left by their own wish,
// "signup.asked-lately".
func (s *Store) SignUpNow(ctx context.Context, now Instant) (epistle.Subscription, error) {
	first, err := s.newIDs(ctx, 7)
	if err != nil {
		return epistle.Subscription{}, err
	}
	var done epistle.Subscription
	err = s.write(ctx, func(q queries) error {
		u := now.Signup
		if err := s.mayBeSignedUp(ctx, q, u); err != nil {
			return err
		}
		if err := s.takeMail(ctx, q, u.Address, now.Limit); err != nil {
			return err
		}
		person, err := s.personOf(ctx, q, u, first)
		if err != nil {
			return err
		}
		if done, err = s.subscribe(ctx, q, epistle.Subscription{ID: first + 1, SubscriberID: person.ID, NewsletterID: u.NewsletterID, WelcomeAt: now.WelcomeAt}); err != nil {
			return err
		}
		if u, err = s.insertConfirmed(ctx, q, u, first+2, person.ID); err != nil {
			return err
		}
		if err := s.recordConfirmation(ctx, q, first+3, u, person.ID, now.Confirming); err != nil {
			return err
		}
		n := now.Notice(u.ID)
		n.Key = firstMail(u.ID)
		if err := s.insertNotice(ctx, q, first+5, n); err != nil {
			return err
		}
		now.Audit.Subject, now.Audit.SubjectID = "signup", u.ID
		return insertAudit(ctx, q, first+6, now.Audit)
	})
	if errors.Is(err, errNoMail) {
		err = epistle.Errorf(epistle.Conflict, "signup.asked-lately", err)
	}
	return done, err
}

func (s *Store) mayBeSignedUp(ctx context.Context, q queries, u epistle.Signup) error {
	standing, err := s.standing(ctx, q, u.NewsletterID, u.Address)
	switch {
	case err != nil:
		return err
	case standing.Suppressed != "":
		return epistle.Errorf(epistle.Conflict, "signup.not-mailed", nil)
	case standing.Subscription.State == epistle.Confirmed:
		return epistle.Errorf(epistle.Conflict, "signup.already", nil)
	case standing.Subscription.State == epistle.Left:
		return epistle.Errorf(epistle.Conflict, "signup.left-asks", nil)
	}
	return nil
}

// insertConfirmed keeps a sign-up that is confirmed at once, and settles the
// one of the same address that waits.
func (s *Store) insertConfirmed(ctx context.Context, q queries, u epistle.Signup, id, subscriber epistle.ID) (epistle.Signup, error) {
	now := s.clock()
	if _, err := q.exec(ctx, `UPDATE signup SET state = 'confirmed', confirmed_at = ?, subscriber_id = ?
		WHERE address_index = ? AND newsletter_id = ? AND state = 'pending'`, micros(now), subscriber, s.addressIndex(u.Address), u.NewsletterID); err != nil {
		return u, err
	}
	asked := u.CreatedAt
	u = fresh(u, id, now)
	if u.State = epistle.SignupConfirmed; !asked.IsZero() {
		u.CreatedAt = asked
	}
	if err := s.insertSignup(ctx, q, u, now); err != nil {
		return u, err
	}
	_, err := q.exec(ctx, `UPDATE signup SET confirmed_at = ?, subscriber_id = ? WHERE id = ?`, micros(now), subscriber, id)
	return u, err
}

// RefuseSignup is the word of an address's owner that the sign-up was not
// theirs: it is refused and emptied, its subscription ends, the address must not
// be mailed, and a person who is known for nothing else is forgotten. It may be
// repeated. NotFound means that there is no such sign-up. The entry's subject
// is filled in.
func (s *Store) RefuseSignup(ctx context.Context, id epistle.ID, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 4)
	if err != nil {
		return err
	}
	entry.Subject, entry.SubjectID = "signup", id
	return s.write(ctx, func(q queries) error {
		var row struct {
			State        string
			NewsletterID int64  `db:"newsletter_id"`
			AddressIndex []byte `db:"address_index"`
		}
		if err := q.get(ctx, &row, `SELECT state, newsletter_id, address_index FROM signup WHERE id = ?`, id); err != nil {
			return err
		}
		if row.State == string(epistle.SignupRefused) {
			return nil
		}
		now := micros(s.clock())
		if _, err := q.exec(ctx, `UPDATE signup SET state = 'refused', refused_at = ? WHERE id = ?`, now, id); err != nil {
			return err
		}
		if len(row.AddressIndex) > 0 {
			if err := s.insertSuppression(ctx, q, first, row.AddressIndex, epistle.NotThem); err != nil {
				return err
			}
			if err := s.endRefused(ctx, q, first+1, row.NewsletterID, row.AddressIndex); err != nil {
				return err
			}
		}
		empty := []byte{}
		if _, err := q.exec(ctx, `UPDATE signup SET `+emptied+` WHERE id = ?`, empty, empty, empty, empty, empty, id); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+3, entry)
	})
}

// emptied takes the personal data out of a sign-up. It binds five empty values.
const emptied = `name_sealed = ?, address_sealed = ?, address_index = ?, ip_sealed = ?, evidence_sealed = ?`

// endRefused ends a subscription that its owner never wanted.
func (s *Store) endRefused(ctx context.Context, q queries, event epistle.ID, newsletter epistle.ID, index []byte) error {
	var people []int64
	if err := q.all(ctx, &people, `SELECT id FROM subscriber WHERE address_index = ?`, index); err != nil || len(people) == 0 {
		return err
	}
	forgotten, err := q.exec(ctx, `DELETE FROM subscriber WHERE id = ? AND NOT EXISTS (
		SELECT 1 FROM subscription n WHERE n.subscriber_id = subscriber.id AND n.newsletter_id <> ?)`, people[0], newsletter)
	if err != nil || forgotten > 0 {
		return err
	}
	now := s.clock()
	left, err := q.exec(ctx, `UPDATE subscription SET state = 'left', left_at = ?, welcome_at = 0, version = version + 1
		WHERE subscriber_id = ? AND newsletter_id = ? AND state = 'confirmed'`, micros(now), people[0], newsletter)
	if err != nil || left == 0 {
		return err
	}
	return s.insertEvent(ctx, q, epistle.Event{ID: event, At: now, Kind: epistle.EventLeft, Way: epistle.ByPage,
		SubscriberID: people[0], NewsletterID: newsletter, Reason: "not-mine"})
}

// SignupSites lists the sites under whose pages people have commented, and
// those that have a setting.
func (s *Store) SignupSites(ctx context.Context) ([]epistle.SignupSite, error) {
	var rows []struct {
		Host      string
		SignUpNow int64 `db:"sign_up_now"`
	}
	if err := s.read().all(ctx, &rows, `SELECT host, sign_up_now FROM signup_site ORDER BY host`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	sites := make([]epistle.SignupSite, len(rows))
	for i, r := range rows {
		sites[i] = epistle.SignupSite{Host: r.Host, SignUpNow: r.SignUpNow != 0}
	}
	return sites, nil
}

// PageHosts lists the hosts of all pages.
func (s *Store) PageHosts(ctx context.Context) ([]string, error) {
	var hosts []string
	// The address of a page is canonical: scheme, two slashes, host, slash.
	err := s.read().all(ctx, &hosts, `SELECT DISTINCT substr(rest, 1, CASE WHEN slash > 0 THEN slash - 1 ELSE length(rest) END) AS host
		FROM (SELECT rest, `+s.dialect.position(`rest`, `/`)+` AS slash FROM (SELECT substr(url, `+s.dialect.position(`url`, `//`)+` + 2) AS rest FROM page) AS a) AS b
		ORDER BY host`)
	return hosts, s.mapError(ctx, err)
}

// SignUpNowAllowed reports whether staff may sign up at once who asks on a site.
func (s *Store) SignUpNowAllowed(ctx context.Context, host string) (bool, error) {
	var allowed []int64
	err := s.read().all(ctx, &allowed, `SELECT sign_up_now FROM signup_site WHERE host = ?`, host)
	return len(allowed) > 0 && allowed[0] != 0, s.mapError(ctx, err)
}

// SaveSignupSite keeps a site's setting.
func (s *Store) SaveSignupSite(ctx context.Context, site epistle.SignupSite, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	entry.Subject, entry.Detail = "signup-site", site.Host
	return s.write(ctx, func(q queries) error {
		if _, err := q.exec(ctx, `INSERT INTO signup_site (host, sign_up_now) VALUES (?, ?)
			ON CONFLICT (host) DO UPDATE SET sign_up_now = excluded.sign_up_now`, site.Host, flag(site.SignUpNow)); err != nil {
			return err
		}
		return insertAudit(ctx, q, id, entry)
	})
}
