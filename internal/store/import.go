package store

import (
	"context"
	"encoding/binary"
	"errors"

	"epistle/internal/epistle"
)

// ImportBatch is how many people ImportConfirmed takes at once, so that its
// transaction stays short.
const ImportBatch = 1000

// ImportKey is a number that belongs to an address: people who are imported in
// the order of their keys meet the indexes in order, and the writing of a page
// of them serves many. It tells nothing without the key of the house.
func (s *Store) ImportKey(a epistle.Address) uint64 {
	return binary.BigEndian.Uint64(s.addressIndex(a))
}

// ImportConfirmed makes people subscribers for whose wish staff vouch: each
// sign-up carries the address, name, language, wording and the evidence, which
// becomes their consent; there is no event beside it. Nobody who left or must not be mailed is brought back,
// and nobody gets a welcome for it. It may be repeated. At most ImportBatch
// people in one transaction; no address twice.
func (s *Store) ImportConfirmed(ctx context.Context, newsletter epistle.ID, people []epistle.Signup) ([]epistle.ImportOutcome, error) {
	first, err := s.newIDs(ctx, int64(len(people))*idsPerImport)
	if err != nil {
		return nil, err
	}
	rows, err := s.sealImport(people, first)
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
		var persons, subscriptions, consents [][]any
		for i, r := range rows {
			at := standings[string(r.index)]
			if outcomes[i] = at.outcome(); outcomes[i] != epistle.ImportAdded {
				continue
			}
			subscriber := at.SubscriberID
			if subscriber == 0 {
				subscriber = r.id
				persons = append(persons, r.person)
			}
			subscriptions = append(subscriptions, []any{r.id + 1, subscriber})
			consents = append(consents, append(r.consent, subscriber))
		}
		now := micros(s.clock())
		for _, bulk := range []struct {
			into string
			rows [][]any
			same []any
		}{
			{`subscriber (name_shelf, created_at, id, address_sealed, address_index, name_sealed, name_index, lane, language)`, persons, []any{shelfOf(first), now}},
			{`subscription (newsletter_id, state, confirmed_at, id, subscriber_id)`, subscriptions, []any{newsletter, string(epistle.Confirmed), now}},
			{`consent (newsletter_id, source, given_at, ip_sealed, id, asked_at, wording, wording_version, language, evidence_sealed, staff_id, subscriber_id)`,
				consents, []any{newsletter, string(epistle.FromImport), now, []byte{}}},
		} {
			if err := s.dialect.insertMany(ctx, q, bulk.into, bulk.rows, bulk.same...); err != nil {
				return err
			}
		}
		return nil
	})
	return outcomes, err
}

// importRow is one person, sealed before the transaction begins.
type importRow struct {
	id      epistle.ID // the first of idsPerImport
	index   []byte
	person  []any
	consent []any // without the subscriber
}

// idsPerImport are for the subscriber, the subscription and the consent.
const idsPerImport = 3

// shelfOf is where the index of names keeps people who are imported under an id
// and its neighbours: some five thousand, a few dozen pages. A million fill two
// hundred shelves, all of which a search looks at.
func shelfOf(id epistle.ID) int64 { return id >> 14 }

func (s *Store) sealImport(people []epistle.Signup, first epistle.ID) ([]importRow, error) {
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
		rows[i] = importRow{id: id, index: index,
			person:  []any{id, address, index, name, s.nameIndex(u.Name), s.lane(u.Address), string(u.Language)},
			consent: append(make([]any, 0, 8), id+2, asked, u.Wording, u.WordingVersion, string(u.Language), proof, orNull(u.StaffID)),
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
	standings := map[string]importStanding{}
	if len(rows) == 0 {
		return standings, nil
	}
	indexes := make([][]byte, len(rows))
	for i, r := range rows {
		indexes[i] = r.index
	}
	keyed, args, err := s.dialect.keyed(indexes)
	if err != nil {
		return nil, err
	}
	// Each address is looked up by itself, in SELECTs of their own: joined, a
	// planner that has no statistics yet would read whole tables.
	var found []importStanding
	if err := q.all(ctx, &found, `WITH `+keyed+`, p AS MATERIALIZED (SELECT value AS address_index,
			(SELECT p.id FROM subscriber p WHERE p.address_index = value) AS id,
			(SELECT COUNT(*) FROM suppression x WHERE x.address_index = value) AS suppressed FROM keyed)
		SELECT address_index, COALESCE(id, 0) AS subscriber_id, suppressed,
			COALESCE((SELECT n.state FROM subscription n WHERE n.subscriber_id = p.id AND n.newsletter_id = ?), `+elsewhere+`) AS state
		FROM p WHERE id IS NOT NULL OR suppressed > 0`, append(args, newsletter)...); err != nil {
		return nil, err
	}
	for _, at := range found {
		standings[string(at.AddressIndex)] = at
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
		return nil, s.mapError(ctx, err)
	}
	outcomes := make([]epistle.ImportOutcome, len(rows))
	for i, r := range rows {
		outcomes[i] = standings[string(r.index)].outcome()
	}
	return outcomes, nil
}
