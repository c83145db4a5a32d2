package store

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"

	"epistle/internal/epistle"
)

// Journal is a file beside a SQLite database in which the connections of a share
// note, between two marks, how far they are in their ranges. A note costs no
// commit, and whatever ends the process does not undo it; only the loss of power
// may. The next daemon, and whoever opens the next share, reads it first.
//
// It names nobody: a note is the number of an issue, of a share and of the last
// delivery of a range, and how far that range is done.
type Journal struct {
	file   *os.File
	issue  epistle.ID
	number int64
}

// noteSize is how many bytes a note takes. It divides a page, so that a note is
// written as a whole.
const noteSize = 64

// Note says how far a connection is in its range.
type Note struct {
	Last  int64 // of the range, which names it: ranges never overlap
	Since int64 // up to here the database knew when this was noted
	Done  int64 // up to here the range is done; behind Since everybody was simply accepted
}

// place is what stands in a place of a journal.
type place struct {
	issue  epistle.ID
	number int64 // of the share
	Note
}

// filled is how many bytes of a place are used; their sum follows.
const filled = 5 * 8

func (p *place) fields() [5]*int64 {
	return [...]*int64{&p.issue, &p.number, &p.Last, &p.Since, &p.Done}
}

func (p *place) pack(b *[noteSize]byte) {
	for i, v := range p.fields() {
		binary.BigEndian.PutUint64(b[8*i:], uint64(*v))
	}
	binary.BigEndian.PutUint32(b[filled:], crc32.ChecksumIEEE(b[:filled]))
}

// unpack reports whether there is a whole note.
func (p *place) unpack(b []byte) bool {
	for i, v := range p.fields() {
		*v = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	return binary.BigEndian.Uint32(b[filled:]) == crc32.ChecksumIEEE(b[:filled])
}

// Note writes into a place, which is one connection's, how far that is: none up
// to there is sent again. It is safe for concurrent use at different places.
func (j *Journal) Note(at int, n Note) error {
	var b [noteSize]byte
	p := place{j.issue, j.number, n}
	p.pack(&b)
	_, err := j.file.WriteAt(b[:], int64(at)*noteSize)
	return err
}

// Close ends the noting. What was noted stands.
func (j *Journal) Close() error { return j.file.Close() }

// journalError is what a caller can act on: the disk's trouble.
func journalError(err error) error {
	if err == nil {
		return nil
	}
	return epistle.Errorf(epistle.Unavailable, "database.directory", err)
}

// readNotes returns what stands in a journal. One that is not there has none,
// and what is damaged is none.
func readNotes(path string) ([]place, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []place
	for ; len(text) >= noteSize; text = text[noteSize:] {
		var p place
		if p.unpack(text) {
			all = append(all, p)
		}
	}
	return all, nil
}

// newJournal makes an empty journal beside the one that stands.
func newJournal(path string) (*Journal, error) {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Journal{file: file}, nil
}

// begin puts a new journal in the place of the one before, whose notes are in
// the database by now. Whoever still writes that one writes to nobody.
func (j *Journal) begin(path string, issueID epistle.ID, number int64) error {
	j.issue, j.number = issueID, number
	return os.Rename(path+".new", path)
}

// replayJournal has what was noted before this process began in the database, so
// that it counts also where nobody opens a share.
func (s *Store) replayJournal(ctx context.Context) error {
	notes, err := readNotes(s.dialect.journalPath())
	if err != nil {
		return journalError(err)
	}
	if len(notes) == 0 {
		return nil
	}
	return s.writeMark(ctx, func(q queries) error { return replay(ctx, q, notes) })
}

// replay writes notes into the shares that they are about.
func replay(ctx context.Context, q queries, notes []place) error {
	for _, n := range notes {
		var slots [][]byte
		if err := q.all(ctx, &slots, `SELECT slots FROM share WHERE issue_id = ? AND number = ?`, n.issue, n.number); err != nil {
			return err
		}
		for _, packed := range slots {
			ranges, err := unpackRanges(packed)
			if err != nil {
				return err
			}
			if !n.advance(ranges) {
				continue
			}
			if _, err := q.exec(ctx, `UPDATE share SET slots = ? WHERE issue_id = ? AND number = ?`, packRanges(ranges), n.issue, n.number); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance moves the range of a note on, and reports whether that was needed. A
// database that knows less than it did when the note was made is an older copy,
// put back. What became of those in between is not in it, so the note is not for
// it.
func (n Note) advance(ranges []Range) bool {
	for i, r := range ranges {
		if r.Last == n.Last && n.Since <= r.Done && r.Done < n.Done && n.Done <= r.Last {
			ranges[i].Done = n.Done
			return true
		}
	}
	return false
}
