package store

import (
	"context"
	"errors"
	"slices"

	"epistle/internal/epistle"
)

// ImportBatch is how many people ImportConfirmed takes at once, so that its
// transaction stays short.
const ImportBatch = 500

// ImportConfirmed makes people subscribers for whose wish staff vouch: each
// sign-up carries the address, name, language, wording and the evidence, which
// becomes their consent. Nobody who left or must not be mailed is brought back,
// and nobody gets a welcome for it. It may be repeated. At most ImportBatch
// people in one transaction; no address twice.
func (s *Store) ImportConfirmed(ctx context.Context, newsletter epistle.ID, people []epistle.Signup) ([]epistle.ImportOutcome, error) {
	first, err := s.newIDs(ctx, int64(len(people))*idsPerImport)
	if err != nil {
		return nil, err
	}
	rows, err := s.sealImport(newsletter, people, first)
	if err != nil {
		return nil, err
	}
	var outcomes []epistle.ImportOutcome
	err = s.writeBulk(ctx, func(q queries) error {
		standings, err := s.importStandings(ctx, q, newsletter, rows)
		if err != nil {
			return err
		}
		outcomes = make([]epistle.ImportOutcome, len(rows))
		var persons, subscriptions, consents, events [][]any
		for i, r := range rows {
			at := standings[string(r.index)]
			if outcomes[i] = at.outcome(); outcomes[i] != epistle.ImportAdded {
				continue
			}
			subscriber := at.SubscriberID
			if subscriber == 0 {
				subscriber = r.subscriber
				persons = append(persons, r.person)
			}
			subscriptions = append(subscriptions, r.subscription(subscriber))
			consents = append(consents, r.consent(subscriber))
			events = append(events, r.event(subscriber))
		}
		for _, bulk := range []struct {
			into string
			rows [][]any
		}{
			{`subscriber (id, address_sealed, address_index, name_sealed, name_index, lane, language, created_at)`, persons},
			{`subscription (id, subscriber_id, newsletter_id, state, confirmed_at)`, subscriptions},
			{`consent (id, subscriber_id, newsletter_id, source, asked_at, given_at, wording, wording_version, language, ip_sealed, evidence_sealed, staff_id)`, consents},
			{`event (id, at, kind, way, subscriber_id, newsletter_id, reason_sealed)`, events},
		} {
			if err := s.dialect.insertMany(ctx, q, bulk.into, bulk.rows); err != nil {
				return err
			}
		}
		return nil
	})
	return outcomes, err
}

// importRow is one person, sealed before the transaction begins.
type importRow struct {
	index        []byte
	subscriber   epistle.ID
	person       []any
	subscription func(subscriber epistle.ID) []any
	consent      func(subscriber epistle.ID) []any
	event        func(subscriber epistle.ID) []any
}

// idsPerImport are for the subscriber, the subscription, the consent, the event.
const idsPerImport = 4

func (s *Store) sealImport(newsletter epistle.ID, people []epistle.Signup, first epistle.ID) ([]importRow, error) {
	now := micros(s.clock())
	rows := make([]importRow, len(people))
	for i, u := range people {
		id := first + int64(i)*idsPerImport
		person, evidence := s.sealer("subscriber", id), s.sealer("consent", id+2)
		address, name, proof := person.seal("address", string(u.Address)), person.seal("name", u.Name), evidence.seal("evidence", u.Evidence)
		if person.err != nil || evidence.err != nil {
			return nil, errors.Join(person.err, evidence.err)
		}
		index := s.addressIndex(u.Address)
		asked := now
		if !u.CreatedAt.IsZero() {
			asked = micros(u.CreatedAt)
		}
		rows[i] = importRow{index: index, subscriber: id,
			person: []any{id, address, index, name, s.nameIndex(u.Name), s.lane(u.Address), string(u.Language), now},
			subscription: func(p epistle.ID) []any {
				return []any{id + 1, p, newsletter, string(epistle.Confirmed), now}
			},
			consent: func(p epistle.ID) []any {
				return []any{id + 2, p, newsletter, string(epistle.FromImport), asked, now, u.Wording, u.WordingVersion,
					string(u.Language), []byte{}, proof, orNull(u.StaffID)}
			},
			event: func(p epistle.ID) []any {
				return []any{id + 3, now, string(epistle.EventConfirmed), string(epistle.ByImport), p, newsletter, []byte{}}
			},
		}
	}
	return rows, nil
}

// importStanding is what is known about one address before an import.
type importStanding struct {
	AddressIndex []byte `db:"address_index"`
	SubscriberID int64  `db:"subscriber_id"`
	State        string
	Suppressed   int64
}

func (at importStanding) outcome() epistle.ImportOutcome {
	switch {
	case at.Suppressed > 0:
		return epistle.ImportSuppressedKept
	case at.State == string(epistle.Confirmed):
		return epistle.ImportAlready
	case at.State == string(epistle.Left):
		return epistle.ImportLeftKept
	}
	return epistle.ImportAdded
}

// elsewhere is the state that counts for a newsletter which a person p never
// had: whoever left all that they had has left.
const elsewhere = `CASE WHEN EXISTS (SELECT 1 FROM subscription o WHERE o.subscriber_id = p.id AND o.state = 'left')
	AND NOT EXISTS (SELECT 1 FROM subscription o WHERE o.subscriber_id = p.id AND o.state = 'confirmed') THEN 'left' ELSE '' END`

func (s *Store) importStandings(ctx context.Context, q queries, newsletter epistle.ID, rows []importRow) (map[string]importStanding, error) {
	indexes := make([][]byte, len(rows))
	for i, r := range rows {
		indexes[i] = r.index
	}
	standings := map[string]importStanding{}
	if len(rows) == 0 {
		return standings, nil
	}
	among, args, err := s.dialect.among(indexes)
	if err != nil {
		return nil, err
	}
	var found []importStanding
	if err := q.all(ctx, &found, `SELECT p.address_index, p.id AS subscriber_id, COALESCE(n.state, `+elsewhere+`) AS state, 0 AS suppressed
		FROM subscriber p LEFT JOIN subscription n ON n.subscriber_id = p.id AND n.newsletter_id = ? WHERE p.address_index `+among+`
		UNION ALL SELECT address_index, 0, '', 1 FROM suppression WHERE address_index `+among, slices.Concat([]any{newsletter}, args, args)...); err != nil {
		return nil, err
	}
	for _, f := range found {
		at := standings[string(f.AddressIndex)]
		at.SubscriberID, at.State, at.Suppressed = max(at.SubscriberID, f.SubscriberID), at.State+f.State, at.Suppressed+f.Suppressed
		standings[string(f.AddressIndex)] = at
	}
	return standings, nil
}

// ImportStanding says what ImportConfirmed would do with each address, without
// doing it.
func (s *Store) ImportStanding(ctx context.Context, newsletter epistle.ID, addresses []epistle.Address) ([]epistle.ImportOutcome, error) {
	rows := make([]importRow, len(addresses))
	for i, a := range addresses {
		rows[i].index = s.addressIndex(a)
	}
	standings, err := s.importStandings(ctx, s.read(), newsletter, rows)
	if err != nil {
		return nil, s.mapError(err)
	}
	outcomes := make([]epistle.ImportOutcome, len(rows))
	for i, r := range rows {
		outcomes[i] = standings[string(r.index)].outcome()
	}
	return outcomes, nil
}
