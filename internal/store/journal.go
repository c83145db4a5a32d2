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
// may. Whoever opens the next share, which takes the same disk, reads it first.
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

// note is a place of a journal.
type note struct {
	issue      epistle.ID
	number     int64 // of the share
	last, done int64 // of the range
}

func (n note) append(b []byte) []byte {
	start := len(b)
	for _, v := range [...]int64{n.issue, n.number, n.last, n.done} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// readNote reports whether there is a whole note.
func readNote(b []byte) (n note, ok bool) {
	for i, v := range [...]*int64{&n.issue, &n.number, &n.last, &n.done} {
		*v = int64(binary.BigEndian.Uint64(b[8*i:]))
	}
	return n, binary.BigEndian.Uint32(b[32:]) == crc32.ChecksumIEEE(b[:32])
}

// Note says that a connection, which has its own place, has done its range up to
// a delivery: none up to there is sent again. It is safe for concurrent use at
// different places.
func (j *Journal) Note(place int, last, done int64) error {
	var b [noteSize]byte
	note{j.issue, j.number, last, done}.append(b[:0])
	_, err := j.file.WriteAt(b[:], int64(place)*noteSize)
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
func readNotes(path string) ([]note, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []note
	for ; len(text) >= noteSize; text = text[noteSize:] {
		if n, ok := readNote(text[:noteSize]); ok {
			all = append(all, n)
		}
	}
	return all, nil
}

// newJournal makes an empty journal in the place of the one before, whose notes
// are in the database by now. Whoever still writes that one writes to nobody.
func newJournal(path string, issueID epistle.ID, number int64) (*Journal, error) {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &Journal{file: file, issue: issueID, number: number}, nil
}

// takeOver writes notes into the shares that they are about.
func takeOver(ctx context.Context, q queries, notes []note) error {
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

// advance moves the range of a note on, and reports whether that was needed.
func (n note) advance(ranges []Range) bool {
	for i, r := range ranges {
		if r.Last == n.last && r.Done < n.done && n.done <= r.Last {
			ranges[i].Done = n.done
			return true
		}
	}
	return false
}
