package store

import (
	"context"

	"epistle/internal/epistle"
)

const signupColumns = `id, newsletter_id, source, state, name_sealed, address_sealed, language, page_url,
	COALESCE(comment_id, 0) AS comment_id, COALESCE(staff_id, 0) AS staff_id, evidence_sealed, wording, wording_version,
	ip_sealed, created_at, expires_at, confirmed_at, reminded_at, refused_at, COALESCE(subscriber_id, 0) AS subscriber_id, mails, mailed_at`

type signupRow struct {
	ID             int64
	NewsletterID   int64 `db:"newsletter_id"`
	Source         string
	State          string
	NameSealed     []byte `db:"name_sealed"`
	AddressSealed  []byte `db:"address_sealed"`
	Language       string
	PageURL        string `db:"page_url"`
	CommentID      int64  `db:"comment_id"`
	StaffID        int64  `db:"staff_id"`
	EvidenceSealed []byte `db:"evidence_sealed"`
	Wording        string
	WordingVersion int64  `db:"wording_version"`
	IPSealed       []byte `db:"ip_sealed"`
	CreatedAt      int64  `db:"created_at"`
	ExpiresAt      int64  `db:"expires_at"`
	ConfirmedAt    int64  `db:"confirmed_at"`
	RemindedAt     int64  `db:"reminded_at"`
	RefusedAt      int64  `db:"refused_at"`
	SubscriberID   int64  `db:"subscriber_id"`
	Mails          int
	MailedAt       int64 `db:"mailed_at"`
}

// signupNoun unseals a sign-up. One that is past its time reads as expired,
// whether or not the sweep has come by.
func (s *Store) signupNoun(r signupRow) (epistle.Signup, error) {
	x := s.sealer("signup", r.ID)
	u := epistle.Signup{
		ID: r.ID, NewsletterID: r.NewsletterID, Source: epistle.SignupSource(r.Source), State: epistle.SignupState(r.State),
		Name: x.unseal("name", r.NameSealed), Address: epistle.Address(x.unseal("address", r.AddressSealed)),
		Language: epistle.Language(r.Language), PageURL: r.PageURL, CommentID: r.CommentID, StaffID: r.StaffID,
		Evidence: x.unseal("evidence", r.EvidenceSealed), Wording: r.Wording, WordingVersion: r.WordingVersion,
		IP: x.unseal("ip", r.IPSealed), CreatedAt: fromMicros(r.CreatedAt), ExpiresAt: fromMicros(r.ExpiresAt),
		ConfirmedAt: fromMicros(r.ConfirmedAt), RemindedAt: fromMicros(r.RemindedAt), RefusedAt: fromMicros(r.RefusedAt), SubscriberID: r.SubscriberID,
	}
	if u.State == epistle.SignupPending && !s.clock().Before(u.ExpiresAt) {
		u.State = epistle.SignupExpired
	}
	return u, x.err
}

// Signup finds a sign-up by id; NotFound if there is none.
func (s *Store) Signup(ctx context.Context, id epistle.ID) (epistle.Signup, error) {
	var row signupRow
	if err := s.read().get(ctx, &row, `SELECT `+signupColumns+` FROM signup WHERE id = ?`, id); err != nil {
		return epistle.Signup{}, s.mapError(ctx, err)
	}
	return s.signupNoun(row)
}

// inState is the condition for a state as signupNoun tells it. NotFound means
// that there is no such state.
func (s *Store) inState(state epistle.SignupState) (where string, args []any, err error) {
	now := micros(s.clock())
	switch state {
	case "":
		return `1 = 1`, nil, nil
	case epistle.SignupPending:
		return `state = 'pending' AND expires_at > ?`, []any{now}, nil
	case epistle.SignupExpired:
		return `(state = 'expired' OR state = 'pending' AND expires_at <= ?)`, []any{now}, nil
	case epistle.SignupConfirmed, epistle.SignupRefused:
		return `state = ?`, []any{string(state)}, nil
	}
	return "", nil, epistle.Errorf(epistle.NotFound, "not-found", nil)
}

// Signups lists sign-ups, the newest first.
func (s *Store) Signups(ctx context.Context, f epistle.SignupFilter, limit int) ([]epistle.Signup, error) {
	where, args, err := s.inState(f.State)
	if err != nil {
		return nil, err
	}
	if f.Before > 0 {
		where, args = where+` AND id < ?`, append(args, f.Before)
	}
	var rows []signupRow
	if err := s.read().all(ctx, &rows, `SELECT `+signupColumns+` FROM signup WHERE `+where+` ORDER BY id DESC LIMIT ?`, append(args, limit)...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Signup, len(rows))
	for i, r := range rows {
		if all[i], err = s.signupNoun(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// CountSignups counts the sign-ups in a state.
func (s *Store) CountSignups(ctx context.Context, state epistle.SignupState) (int64, error) {
	where, args, err := s.inState(state)
	if err != nil {
		return 0, err
	}
	var count int64
	err = s.read().get(ctx, &count, `SELECT COUNT(*) FROM signup WHERE `+where, args...)
	return count, s.mapError(ctx, err)
}

// Standing says where an address stands with a newsletter.
func (s *Store) Standing(ctx context.Context, newsletter epistle.ID, a epistle.Address) (epistle.Standing, error) {
	st, err := s.standing(ctx, s.read(), newsletter, a)
	return st, s.mapError(ctx, err)
}

func (s *Store) standing(ctx context.Context, q queries, newsletter epistle.ID, a epistle.Address) (epistle.Standing, error) {
	index := s.addressIndex(a)
	var st epistle.Standing
	var err error
	if st.Suppressed, err = suppressionOf(ctx, q, index); err != nil {
		return st, err
	}
	var pending []int64
	if err := q.all(ctx, &pending, `SELECT expires_at FROM signup WHERE address_index = ? AND newsletter_id = ? AND state = 'pending' AND expires_at > ?`,
		index, newsletter, micros(s.clock())); err != nil {
		return st, err
	}
	if len(pending) > 0 {
		st.PendingUntil = fromMicros(pending[0])
	}
	st.Subscriber, err = s.oneSubscriber(ctx, q, `p.address_index = ?`, index)
	if epistle.KindOf(err) == epistle.NotFound {
		return st, nil
	} else if err != nil {
		return st, err
	}
	subscriptions, err := subscriptionsOf(ctx, q, st.Subscriber.ID)
	st.Subscription, _ = epistle.Person{Subscriptions: subscriptions}.In(newsletter)
	return st, err
}
