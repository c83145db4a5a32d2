package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// takeFresh takes those requests of a batch of whose address nothing is known,
// all of them in one transaction, and returns the indexes of their addresses.
// Each address stands in the batch once, in the order of the indexes.
//
// SQLite's one writer looks and then writes: nobody comes in between.
func (d sqliteDialect) takeFresh(ctx context.Context, s *Store, batch []*asked) (taken map[string]bool, err error) {
	return taken, s.write(ctx, func(q queries) error {
		known, err := d.knownAmong(ctx, q, batch)
		if err != nil {
			return err
		}
		taken = map[string]bool{}
		var limits, signups, notices [][]any
		for _, one := range batch {
			if !known[string(one.index)] {
				taken[string(one.index)] = true
				limits, signups, notices = append(limits, one.limit), append(signups, one.signup), append(notices, one.notice)
			}
		}
		for _, bulk := range []struct {
			into string
			rows [][]any
		}{{limitInto, limits}, {signupInto, signups}, {noticeInto, notices}} {
			if err := d.insertMany(ctx, q, bulk.into, bulk.rows); err != nil {
				return err
			}
		}
		return nil
	})
}

// whereKnown are the tables in which an address may stand that counts for a
// request.
var whereKnown = []string{"mail_limit", "subscriber", "suppression", "signup"}

func (d sqliteDialect) knownAmong(ctx context.Context, q queries, batch []*asked) (map[string]bool, error) {
	indexes := make([][]byte, len(batch))
	for i, one := range batch {
		indexes[i] = one.index
	}
	keyed, args, err := d.keyed(indexes)
	if err != nil {
		return nil, err
	}
	var each []string
	for _, from := range whereKnown {
		each = append(each, `SELECT address_index FROM `+from+` WHERE address_index IN (SELECT value FROM keyed)`)
	}
	var found [][]byte
	err = q.all(ctx, &found, `WITH `+keyed+` `+strings.Join(each, ` UNION ALL `), args...)
	return setOf(found), err
}

func setOf(indexes [][]byte) map[string]bool {
	set := make(map[string]bool, len(indexes))
	for _, index := range indexes {
		set[string(index)] = true
	}
	return set
}

// On PostgreSQL it is one statement, so that a batch waits for its answer and
// for the disk once. Of two daemons that take the same address at the same
// moment one waits in mail_limit for the other, and then finds it known. It is
// planned anew each time: a plan that was kept from when the tables were empty
// would read all of them.
func (postgresDialect) takeFresh(ctx context.Context, s *Store, batch []*asked) (map[string]bool, error) {
	rows := make([][]any, len(batch))
	for i, one := range batch {
		rows[i] = slices.Concat(one.limit, one.signup, one.notice)
	}
	arrays, args := make([]string, len(rows[0])), make([]any, len(rows[0]))
	for column := range rows[0] {
		text, kind, err := arrayOf(rows, column)
		if err != nil {
			return nil, err
		}
		arrays[column], args[column] = `CAST(? AS `+kind+`[])`, text
	}
	limit, signup := len(batch[0].limit), len(batch[0].signup)
	// The first column is the address's index.
	query := `WITH asked (` + columns(0, len(arrays)) + `) AS (SELECT * FROM unnest(` + strings.Join(arrays, `, `) + `)),
		fresh AS (INSERT INTO ` + limitInto + ` SELECT ` + columns(0, limit) + ` FROM asked
			WHERE ` + knownNowhere + ` ON CONFLICT (address_index) DO NOTHING RETURNING address_index),
		opened AS (INSERT INTO ` + signupInto + ` SELECT ` + columns(limit, limit+signup) + ` FROM asked JOIN fresh ON fresh.address_index = c0),
		mailed AS (INSERT INTO ` + noticeInto + ` SELECT ` + columns(limit+signup, len(arrays)) + ` FROM asked JOIN fresh ON fresh.address_index = c0)
		SELECT address_index FROM fresh`
	var found [][]byte
	err := queries{s.writer}.all(ctx, &found, query, args...)
	return setOf(found), s.mapError(ctx, err)
}

// knownNowhere leaves mail_limit to its key.
var knownNowhere = func() string {
	var each []string
	for _, from := range whereKnown[1:] {
		each = append(each, `NOT EXISTS (SELECT 1 FROM `+from+` k WHERE k.address_index = c0)`)
	}
	return strings.Join(each, ` AND `)
}()

// columns names some columns of the rows.
func columns(from, to int) string {
	names := make([]string, 0, to-from)
	for c := from; c < to; c++ {
		names = append(names, fmt.Sprintf(`c%d`, c))
	}
	return strings.Join(names, `, `)
}
