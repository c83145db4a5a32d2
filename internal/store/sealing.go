package store

import (
	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// sealer seals and unseals the columns of one row. The first failure is kept
// in err; after it every value is empty.
type sealer struct {
	keys  *seal.Keyring
	table string
	row   epistle.ID
	err   error
}

func (s *Store) sealer(table string, row epistle.ID) *sealer {
	return &sealer{keys: s.keys, table: table, row: row}
}

func (x *sealer) place(column string) seal.Place {
	return seal.Place{Table: x.table, Column: column, Row: x.row}
}

func (x *sealer) seal(column, value string) []byte {
	if x.err != nil {
		return nil
	}
	var sealed []byte
	sealed, x.err = x.keys.Seal(x.place(column), value)
	return sealed
}

func (x *sealer) unseal(column string, sealed []byte) string {
	if x.err != nil {
		return ""
	}
	var value string
	value, x.err = x.keys.Unseal(x.place(column), sealed)
	return value
}

// nameIndex is the keyed hash of a whole name; empty for no name.
func (s *Store) nameIndex(name string) []byte {
	canonical := epistle.CanonicalName(name)
	if canonical == "" {
		return []byte{}
	}
	return s.keys.Index("name", canonical)
}

// lane is the keyed hash of the domain that an address is delivered to.
func (s *Store) lane(a epistle.Address) []byte {
	return s.keys.Index("lane", a.Domain())
}
