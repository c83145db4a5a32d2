package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

func noticePlace(column string, id epistle.ID) seal.Place {
	return seal.Place{Table: "notice", Column: column, Row: id}
}

// QueueNotice puts a notice into the outbox. A notice whose key was queued
// before is dropped silently, so that whatever runs twice mails once.
func (s *Store) QueueNotice(ctx context.Context, n epistle.Notice) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error { return s.insertNotice(ctx, q, id, n) })
}

// insertNotice queues a notice in the transaction of what it tells about. A
// zero NextAt means now.
func (s *Store) insertNotice(ctx context.Context, q queries, id epistle.ID, n epistle.Notice) error {
	values, err := s.noticeValues(id, n)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO `+noticeInto+` VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dedup_key) DO NOTHING`, values...)
	return err
}

// noticeInto are the columns that noticeValues fills.
const noticeInto = `notice (id, kind, dedup_key, address_sealed, address_index, language, data_sealed, state, next_at, created_at)`

func (s *Store) noticeValues(id epistle.ID, n epistle.Notice) ([]any, error) {
	data, err := json.Marshal(n.Data)
	if err != nil {
		return nil, err
	}
	x := s.sealer("notice", id)
	address, sealed := x.seal("address", string(n.To)), x.seal("data", string(data))
	now := s.clock()
	next := n.NextAt
	if next.IsZero() {
		next = now
	}
	return []any{id, string(n.Kind), n.Key, address, s.addressIndex(n.To), string(n.Language), sealed, string(epistle.NoticeQueued), micros(next), micros(now)}, x.err
}

type noticeRow struct {
	ID            int64
	Kind          string
	DedupKey      string `db:"dedup_key"`
	AddressSealed []byte `db:"address_sealed"`
	Language      string
	DataSealed    []byte `db:"data_sealed"`
	Attempts      int
	NextAt        int64 `db:"next_at"`
	CreatedAt     int64 `db:"created_at"`
}

// ClaimNotices takes up to limit due notices for an owner until its lease ends,
// the oldest first. Of those whose owner died before it recorded the outcome,
// the same ids come back.
func (s *Store) ClaimNotices(ctx context.Context, owner string, lease time.Duration, limit int) ([]epistle.Notice, error) {
	var rows []noticeRow
	if err := s.clockFit(ctx); err != nil {
		return nil, err
	}
	now := s.clock()
	err := s.write(ctx, func(q queries) error {
		return q.all(ctx, &rows, `UPDATE notice SET owner = ?, lease_until = ? WHERE id IN (
			SELECT id FROM notice WHERE state = 'queued' AND next_at <= ? AND lease_until <= ?
			ORDER BY next_at LIMIT ?`+s.dialect.claimSuffix("notice")+`)
			RETURNING id, kind, dedup_key, address_sealed, language, data_sealed, attempts, next_at, created_at`,
			owner, micros(now.Add(lease)), micros(now), micros(now), limit)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b noticeRow) int { // RETURNING keeps no order
		return cmp.Or(cmp.Compare(a.NextAt, b.NextAt), cmp.Compare(a.ID, b.ID))
	})
	notices := make([]epistle.Notice, 0, len(rows))
	for _, r := range rows {
		address, err := s.keys.Unseal(noticePlace("address", r.ID), r.AddressSealed)
		if err != nil {
			return nil, err
		}
		data, err := s.keys.Unseal(noticePlace("data", r.ID), r.DataSealed)
		if err != nil {
			return nil, err
		}
		n := epistle.Notice{ID: r.ID, Kind: epistle.NoticeKind(r.Kind), Key: r.DedupKey, To: epistle.Address(address),
			Language: epistle.Language(r.Language), State: epistle.NoticeQueued, Attempts: r.Attempts, CreatedAt: fromMicros(r.CreatedAt)}
		if err := json.Unmarshal([]byte(data), &n.Data); err != nil {
			return nil, err
		}
		notices = append(notices, n)
	}
	return notices, nil
}

// KeepNotices renews an owner's lease of all notices that it has claimed and
// nobody else has taken over.
func (s *Store) KeepNotices(ctx context.Context, owner string, lease time.Duration) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE notice SET lease_until = ? WHERE owner = ? AND state = 'queued'`, micros(s.clock().Add(lease)), owner)
		return err
	})
}

// SettleNotice records the outcome of an attempt by the owner: accepted and
// failed are final, queued means that it is tried again at n.NextAt. A settled
// notice keeps neither address nor data. Conflict means that the lease had
// passed to somebody else, or that the notice was dropped meanwhile.
func (s *Store) SettleNotice(ctx context.Context, owner string, n epistle.Notice, code int, status string) error {
	also, args := ``, []any{string(n.State), n.Attempts, micros(n.NextAt), code, status}
	if n.State != epistle.NoticeQueued {
		also, args = `, `+emptiedNotice, append(args, []byte{}, []byte{}, []byte{})
	}
	changed, err := s.execPrepared(ctx, manner{turn: people}, `UPDATE notice SET state = ?, attempts = ?, next_at = ?, code = ?, status = ?, owner = '', lease_until = 0`+also+`
		WHERE id = ? AND owner = ? AND state = 'queued'`, append(args, n.ID, owner)...)
	if err == nil && changed == 0 {
		err = epistle.Errorf(epistle.Conflict, "notice.taken", nil)
	}
	return err
}

// emptiedNotice takes the personal data out of a notice. It binds three empty
// values.
const emptiedNotice = `address_sealed = ?, address_index = ?, data_sealed = ?`

// droppedNotice sets a notice that waits to dropped, and binds as emptiedNotice
// does. next_at leads to the index of what waits, which is short.
const droppedNotice = `state = 'dropped', owner = '', lease_until = 0, ` + emptiedNotice + ` WHERE state = 'queued' AND next_at >= 0`

// NoticeStands reports whether a notice that an owner claimed is still to be
// sent.
func (s *Store) NoticeStands(ctx context.Context, owner string, id epistle.ID) (bool, error) {
	var n int64
	err := s.read().get(ctx, &n, `SELECT COUNT(*) FROM notice WHERE id = ? AND owner = ? AND state = 'queued'`, id, owner)
	return n > 0, s.mapError(ctx, err)
}

// dropNotices empties the notices of some kinds to an address that still wait,
// in the transaction of what makes them unwanted. Whoever sends one at this
// moment finds out before DATA.
func (s *Store) dropNotices(ctx context.Context, q queries, index []byte, kinds ...epistle.NoticeKind) error {
	empty := []byte{}
	query, args, err := q.in(`UPDATE notice SET `+droppedNotice+` AND address_index = ? AND kind IN (?)`, empty, empty, empty, index, kinds)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, query, args...)
	return err
}

// dropRenewal drops what waits to bring the consent of a subscription to mind.
func (s *Store) dropRenewal(ctx context.Context, q queries, subscription epistle.ID) error {
	empty := []byte{}
	_, err := q.exec(ctx, `UPDATE notice SET `+droppedNotice+` AND kind = ? AND dedup_key LIKE ?`,
		empty, empty, empty, string(epistle.NoticeRenewal), renewalKey(subscription, "%"))
	return err
}
