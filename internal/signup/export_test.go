package signup

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ReadPeople reads a whole file: "address name" of each row, and the rows that
// cannot be read.
func ReadPeople(file string) (rows []string, left []RowError) {
	r, err := newPeopleReader(strings.NewReader(file))
	if err != nil {
		return nil, []RowError{{Line: 1, Err: err}}
	}
	for {
		row, err := r.next()
		var bad *RowError
		switch {
		case errors.Is(err, io.EOF):
			return rows, left
		case errors.As(err, &bad):
			left = append(left, *bad)
		case err != nil:
			return rows, append(left, RowError{Err: err})
		default:
			rows = append(rows, norm.NFC.String(row.address+" "+row.name))
		}
	}
}

// ReadPage is readPage.
var ReadPage = readPage
