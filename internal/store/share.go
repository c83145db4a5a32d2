package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"epistle/internal/epistle"
)

// Several daemons send one issue, each its share: a row that holds the ranges
// its connections are at. What is in a range before sender.next_seq and not
// ahead of where an open range is has been passed: its delivery was accepted,
// unless the row stands aside and says otherwise. The row is also the fence. Its number is never used
// again, so a daemon whose row is gone has lost its ranges to another one.

// Range is a run of sequence numbers that one connection sends in order. It has
// sent everything up to Done; Done is First-1 before the first.
type Range struct {
	First, Last, Done int64
	Spare             bool // no connection has it yet: nothing of it can be under way
}

// rangeSize is how many bytes a packed range takes; spareBit in its first number
// says that it is spare.
const (
	rangeSize = 3 * 8
	spareBit  = 1 << 62
)

func packRanges(ranges []Range) []byte {
	packed := make([]byte, 0, len(ranges)*rangeSize)
	for _, r := range ranges {
		first := r.First
		if r.Spare {
			first |= spareBit
		}
		for _, n := range [...]int64{first, r.Last, r.Done} {
			packed = binary.BigEndian.AppendUint64(packed, uint64(n))
		}
	}
	return packed
}

func unpackRanges(packed []byte) ([]Range, error) {
	if len(packed)%rangeSize != 0 {
		return nil, fmt.Errorf("the slots of a share have %d bytes", len(packed))
	}
	ranges := make([]Range, 0, len(packed)/rangeSize)
	for ; len(packed) > 0; packed = packed[rangeSize:] {
		number := func(i int) int64 { return int64(binary.BigEndian.Uint64(packed[8*i:])) }
		ranges = append(ranges, Range{First: number(0) &^ spareBit, Last: number(1), Done: number(2), Spare: number(0)&spareBit != 0})
	}
	return ranges, nil
}

// Task is an issue on its way.
type Task struct {
	IssueID   epistle.ID
	Launching bool // its deliveries are still being written
	HasWork   bool // something is still to be launched, given out or taken over; else only what others are at, or deferred deliveries
}

// Tasks lists the issues that are being launched or sent, the first launched
// first.
func (s *Store) Tasks(ctx context.Context) ([]Task, error) {
	var rows []struct {
		IssueID   int64 `db:"issue_id"`
		Launching int64
		Work      int64
	}
	err := s.read().all(ctx, &rows, `SELECT l.issue_id, CASE WHEN i.state = 'launching' THEN 1 ELSE 0 END AS launching,
			CASE WHEN i.state = 'launching' OR l.through_id < l.cutoff_id OR s.next_seq <= l.last_seq
				OR EXISTS (SELECT 1 FROM share h WHERE h.issue_id = l.issue_id AND h.lease_until <= ? AND LENGTH(h.slots) > 0) THEN 1 ELSE 0 END AS work
		FROM launch l JOIN sender s ON s.issue_id = l.issue_id JOIN issue i ON i.id = l.issue_id
		WHERE i.state IN ('launching', 'sending') ORDER BY i.launched_at, i.id`, s.expired())
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]Task, len(rows))
	for i, r := range rows {
		all[i] = Task{IssueID: r.IssueID, Launching: r.Launching != 0, HasWork: r.Work != 0}
	}
	return all, nil
}

// expired is the moment up to which leases have run out. On SQLite, where there
// is one daemon and it asks only for what it does not hold, all have.
func (s *Store) expired() int64 {
	if s.Shared() {
		return micros(s.clock())
	}
	return micros(s.clock().AddDate(100, 0, 0))
}

// Share is what one daemon sends of an issue.
type Share struct {
	Number  int64
	Journal *Journal // the caller closes it; nil on PostgreSQL, where a daemon elsewhere may take over
}

// OpenShare begins a share of an issue for an owner. The lease must be renewed
// by MarkShare.
func (s *Store) OpenShare(ctx context.Context, issueID epistle.ID, owner string, lease time.Duration) (share Share, err error) {
	if err := s.clockFit(ctx); err != nil {
		return share, err
	}
	path := s.dialect.journalPath()
	notes, err := readNotes(path)
	if err == nil && path != "" {
		share.Journal, err = newJournal(path)
	}
	if err != nil {
		return share, journalError(err)
	}
	err = s.writeMark(ctx, func(q queries) error {
		if err := replay(ctx, q, notes); err != nil {
			return err
		}
		if err := q.get(ctx, &share.Number, `UPDATE sender SET shares = shares + 1 WHERE issue_id = ? RETURNING shares`, issueID); err != nil {
			return err
		}
		_, err := q.exec(ctx, `INSERT INTO share (issue_id, number, owner, lease_until, step, slots) VALUES (?, ?, ?, ?, 0, ?)`,
			issueID, share.Number, owner, micros(s.clock().Add(lease)), []byte{})
		return err
	})
	if share.Journal == nil {
		return share, err
	}
	if err == nil {
		err = journalError(share.Journal.begin(path, issueID, share.Number))
	}
	if err != nil {
		return Share{}, errors.Join(err, share.Journal.Close())
	}
	return share, nil
}

// Mark is one step of a share, recorded as a whole.
type Mark struct {
	IssueID epistle.ID
	Number  int64
	Step    int64         // one more than the step before; the same when a step is repeated
	Lease   time.Duration // from now
	Open    []Range       // all ranges that are open after this step
	Closed  []Range       // those that were done to their ends since the last step that was not relaxed
	Results []Result      // of those passed that were not simply accepted
	Want    Want
	Relaxed bool // a crash of the database may undo it; not with Results or a Want
}

// Want is what a share asks for with a mark.
type Want struct {
	Ranges int   // how many new ones, for connections that wait
	Spares int   // and how many more, for those that will ask next
	Size   int64 // how many deliveries each has at most
	Split  int64 // each has at most this part of what is left, so that small lists are shared out
	Least  int64 // but no fewer than these, as long as there are so many
	Adopt  bool  // the ranges of shares whose lease has run out, too
	Hold   bool  // of those, hold what may have arrived
}

// Any reports whether anything is asked for.
func (w Want) Any() bool { return w.Ranges > 0 || w.Adopt }

// spare makes those of the ranges spare that nobody waits for.
func (w Want) spare(given []Range) {
	for i := range given {
		given[i].Spare = i >= w.Ranges
	}
}

// fenced is what an owner gets once somebody else has taken over.
func fenced() error { return epistle.Errorf(epistle.Conflict, "sender.fenced", nil) }

// MarkShare records a step and returns the ranges that are open besides, now
// that it stands: nothing of a range may be sent before. A caller who does not
// know whether a step was recorded repeats the same step; what it was given
// then is in the answer. A step that reaches the database late, after a later
// one, changes nothing. Conflict "sender.fenced" means that another daemon has
// taken over: stop at once.
func (s *Store) MarkShare(ctx context.Context, m Mark) (given []Range, err error) {
	if len(m.Results) == 0 && !m.Want.Any() {
		return nil, s.markOnly(ctx, m)
	}
	ids, err := s.idsForResults(ctx, m.Results)
	if err != nil {
		return nil, err
	}
	if err := s.keep(ctx, markStatement, shareStatement, senderStatement, allotStatement); err != nil {
		return nil, err
	}
	fit := s.clockFit(ctx) == nil // else it is given no more than it has
	err = s.writeMark(ctx, func(q queries) error {
		if given, err = s.give(ctx, q, m, fit); err != nil {
			return err
		}
		n, err := q.exec(ctx, markStatement, packRanges(append(given, m.Open...)), micros(s.clock().Add(m.Lease)), m.Step, m.IssueID, m.Number, m.Step)
		if err == nil && n == 0 {
			err = fenced()
		}
		for i, r := range m.Results {
			if err == nil {
				_, err = s.recordResult(ctx, q, m.IssueID, r, ids+int64(2*i), `state = 0`)
			}
		}
		return err
	})
	return given, err
}

// What marks run all the time.
const (
	markStatement = `UPDATE share SET slots = ?, lease_until = ?, step = ? WHERE issue_id = ? AND number = ? AND step <= ?`
	// Updating waits for an earlier try of this step that is still committing.
	shareStatement = `UPDATE share SET step = ? WHERE issue_id = ? AND number = ? AND step <= ? RETURNING slots`
	// The row is locked until the transaction ends.
	senderStatement = `UPDATE sender SET next_seq = next_seq WHERE issue_id = ?
		RETURNING next_seq, (SELECT last_seq FROM launch WHERE launch.issue_id = sender.issue_id) AS last_seq`
	allotStatement = `UPDATE sender SET next_seq = ? WHERE issue_id = ?`
)

// markOnly is nearly every mark: one prepared statement that commits itself.
func (s *Store) markOnly(ctx context.Context, m Mark) error {
	n, err := s.execPrepared(ctx, manner{marks, m.Relaxed}, markStatement, packRanges(m.Open), micros(s.clock().Add(m.Lease)), m.Step, m.IssueID, m.Number, m.Step)
	if err == nil && n == 0 {
		err = fenced()
	}
	return err
}

// give finds what a share gets: what an earlier try of this step was given,
// ranges of shares that have run out, and new ones.
func (s *Store) give(ctx context.Context, q queries, m Mark, fit bool) (given []Range, err error) {
	if !m.Want.Any() {
		return nil, nil
	}
	var packed []byte
	err = q.get(ctx, &packed, shareStatement,
		m.Step, m.IssueID, m.Number, m.Step)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fenced()
	}
	if err != nil {
		return nil, err
	}
	stands, err := unpackRanges(packed)
	if err != nil {
		return nil, err
	}
	given = unknown(stands, m)
	if !fit {
		return given, nil
	}
	if m.Want.Adopt {
		adopted, err := s.adopt(ctx, q, m)
		if err != nil {
			return nil, err
		}
		given = append(given, adopted...)
	}
	if missing := m.Want.Ranges + m.Want.Spares - len(given); missing > 0 {
		fresh, err := allot(ctx, q, m.IssueID, missing, m.Want)
		if err != nil {
			return nil, err
		}
		given = append(given, fresh...)
	}
	m.Want.spare(given)
	return given, nil
}

// unknown are the ranges in the row that the owner has not heard of: the answer
// to an earlier try was lost. Ranges never overlap, so their ends name them.
func unknown(stands []Range, m Mark) []Range {
	known := make(map[int64]bool, len(m.Open)+len(m.Closed))
	for _, r := range m.Open {
		known[r.Last] = true
	}
	for _, r := range m.Closed {
		known[r.Last] = true
	}
	var all []Range
	for _, r := range stands {
		if !known[r.Last] {
			all = append(all, r)
		}
	}
	return all
}

// adopt deletes the shares that have run out and returns their ranges. Deleting
// waits for a mark that is being committed and returns what that one wrote.
func (s *Store) adopt(ctx context.Context, q queries, m Mark) ([]Range, error) {
	var rows []struct {
		Owner string
		Slots []byte
	}
	if err := q.all(ctx, &rows, `DELETE FROM share WHERE issue_id = ? AND number <> ? AND lease_until <= ? RETURNING owner, slots`,
		m.IssueID, m.Number, s.expired()); err != nil {
		return nil, err
	}
	var adopted []Range
	for _, row := range rows {
		ranges, err := unpackRanges(row.Slots)
		if err != nil {
			return nil, err
		}
		if m.Want.Hold && row.Owner != "" {
			if err := s.holdFirst(ctx, q, m.IssueID, ranges); err != nil {
				return nil, err
			}
		}
		adopted = append(adopted, ranges...)
	}
	return adopted, nil
}

// holdFirst makes the one delivery of each range that may have arrived
// uncertain, so that nobody sends it again.
func (s *Store) holdFirst(ctx context.Context, q queries, issueID epistle.ID, ranges []Range) error {
	for i, r := range ranges {
		if r.Spare || r.Done == r.Last {
			continue
		}
		if _, err := s.recordResult(ctx, q, issueID, Result{Seq: r.Done + 1, State: epistle.Uncertain, Attempted: true}, 0, `state = 0`); err != nil {
			return err
		}
		ranges[i].Done++
	}
	return nil
}

// allot gives out new ranges.
func allot(ctx context.Context, q queries, issueID epistle.ID, count int, w Want) ([]Range, error) {
	var at struct {
		NextSeq int64 `db:"next_seq"`
		LastSeq int64 `db:"last_seq"`
	}
	if err := q.get(ctx, &at, senderStatement, issueID); err != nil {
		return nil, err
	}
	var fresh []Range
	next := at.NextSeq
	for range count {
		left := at.LastSeq - next + 1
		if left <= 0 {
			break
		}
		size := min(left, w.Size, max(1, w.Least, left/max(1, w.Split)))
		fresh = append(fresh, Range{First: next, Last: next + size - 1, Done: next - 1})
		next += size
	}
	if len(fresh) == 0 {
		return nil, nil
	}
	_, err := q.exec(ctx, allotStatement, next, issueID)
	return fresh, err
}

// CloseShare gives a share back in order: what is left of its open ranges is
// there for others at once. Nothing of it is under way. The step is one more
// than that of the last mark.
func (s *Store) CloseShare(ctx context.Context, issueID epistle.ID, number, step int64, open []Range) error {
	rest := make([]Range, 0, len(open))
	for _, r := range open {
		if r.Done < r.Last {
			rest = append(rest, Range{First: r.Done + 1, Last: r.Last, Done: r.Done})
		}
	}
	return s.writeMark(ctx, func(q queries) error {
		n, err := q.exec(ctx, `UPDATE share SET owner = '', lease_until = 0, step = ?, slots = ? WHERE issue_id = ? AND number = ? AND step <= ?`,
			step, packRanges(rest), issueID, number, step)
		if err != nil {
			return err
		}
		if n == 0 {
			return fenced()
		}
		if len(rest) == 0 {
			_, err = q.exec(ctx, `DELETE FROM share WHERE issue_id = ? AND number = ?`, issueID, number)
		}
		return err
	})
}
