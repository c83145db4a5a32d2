package store

import (
	"context"

	"epistle/internal/epistle"
)

const subscriberColumns = `p.id, p.address_sealed, p.name_sealed, p.language, p.created_at, p.version`

type subscriberRow struct {
	ID            int64
	AddressSealed []byte `db:"address_sealed"`
	NameSealed    []byte `db:"name_sealed"`
	Language      string
	CreatedAt     int64 `db:"created_at"`
	Version       int64
}

func (s *Store) subscriberNoun(r subscriberRow) (epistle.Subscriber, error) {
	x := s.sealer("subscriber", r.ID)
	return epistle.Subscriber{
		ID:       r.ID,
		Address:  epistle.Address(x.unseal("address", r.AddressSealed)),
		Name:     x.unseal("name", r.NameSealed),
		Language: epistle.Language(r.Language), CreatedAt: fromMicros(r.CreatedAt), Version: r.Version,
	}, x.err
}

// Subscriber finds a subscriber by id; NotFound if there is none.
func (s *Store) Subscriber(ctx context.Context, id epistle.ID) (epistle.Subscriber, error) {
	return s.oneSubscriber(ctx, s.read(), `p.id = ?`, id)
}

// SubscriberByAddress finds a subscriber by address, in any case of letters;
// NotFound if there is none.
func (s *Store) SubscriberByAddress(ctx context.Context, a epistle.Address) (epistle.Subscriber, error) {
	return s.oneSubscriber(ctx, s.read(), `p.address_index = ?`, s.addressIndex(a))
}

func (s *Store) oneSubscriber(ctx context.Context, q queries, where string, arg any) (epistle.Subscriber, error) {
	var row subscriberRow
	if err := q.get(ctx, &row, `SELECT `+subscriberColumns+` FROM subscriber p WHERE `+where, arg); err != nil {
		return epistle.Subscriber{}, s.mapError(ctx, err)
	}
	return s.subscriberNoun(row)
}

// insertSubscriber keeps a person; q is the transaction of what made them one.
// It does nothing if the address is known already.
func (s *Store) insertSubscriber(ctx context.Context, q queries, p epistle.Subscriber) error {
	x := s.sealer("subscriber", p.ID)
	address, name := x.seal("address", string(p.Address)), x.seal("name", p.Name)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `INSERT INTO subscriber (id, address_sealed, address_index, name_sealed, name_index, lane, language, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (address_index) DO NOTHING`,
		p.ID, address, s.addressIndex(p.Address), name, s.nameIndex(p.Name), s.lane(p.Address), string(p.Language), micros(p.CreatedAt))
	return err
}

// changeSubscriber writes a person's name and language.
func (s *Store) changeSubscriber(ctx context.Context, q queries, p epistle.Subscriber) error {
	x := s.sealer("subscriber", p.ID)
	name := x.seal("name", p.Name)
	if x.err != nil {
		return x.err
	}
	_, err := q.exec(ctx, `UPDATE subscriber SET name_sealed = ?, name_index = ?, language = ?, version = version + 1 WHERE id = ?`,
		name, s.nameIndex(p.Name), string(p.Language), p.ID)
	return err
}
