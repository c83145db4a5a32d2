package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// rowsPerInsert is how many rows one prepared INSERT of SQLite's takes: enough
// to share the cost of a call, few enough that preparing it stays cheap.
const rowsPerInsert = 20

// insertMany prepares one statement for many rows and one for what remains.
func (sqliteDialect) insertMany(ctx context.Context, q queries, into string, rows [][]any, same ...any) error {
	for _, size := range []int{rowsPerInsert, 1} {
		if len(rows) < size {
			continue
		}
		tuple := `, (`
		for i := range same {
			tuple += `?` + strconv.Itoa(i+1) + `, ` // bound once; the others have the numbers after these
		}
		tuple += strings.TrimSuffix(strings.Repeat(`?, `, len(rows[0])), `, `) + `)`
		query := `INSERT INTO ` + into + ` VALUES ` + strings.TrimPrefix(strings.Repeat(tuple, size), `, `)
		if err := insertInto(ctx, q, query, rows[:len(rows)-len(rows)%size], size, same); err != nil {
			return err
		}
		rows = rows[len(rows)-len(rows)%size:]
	}
	return nil
}

// insertInto runs one prepared statement for every size rows.
func insertInto(ctx context.Context, q queries, query string, rows [][]any, size int, same []any) (err error) {
	statement, err := q.prepare(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	args := append(make([]any, 0, len(same)+size*len(rows[0])), same...)
	soon := context.WithoutCancel(ctx) // each run is over in no time; watching over it costs more than it does
	for ; len(rows) > 0; rows = rows[size:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		args = args[:len(same)]
		for _, row := range rows[:size] {
			args = append(args, row...)
		}
		if _, err := statement.ExecContext(soon, args...); err != nil {
			return err
		}
	}
	return nil
}

// insertMany hands the rows over as one array a column, so that the statement
// is the same for any number of rows, and 65,535 parameters never are too few.
func (postgresDialect) insertMany(ctx context.Context, q queries, into string, rows [][]any, same ...any) error {
	if len(rows) == 0 {
		return nil
	}
	constants, arrays, args := ``, make([]string, len(rows[0])), slices.Clone(same)
	for i := range same {
		constants += fmt.Sprintf(`$%d, `, i+1)
	}
	for column := range rows[0] {
		text, kind, err := arrayOf(rows, column)
		if err != nil {
			return err
		}
		args = append(args, text)
		arrays[column] = fmt.Sprintf(`$%d::%s[]`, len(args), kind)
	}
	_, err := q.ExecContext(ctx, `INSERT INTO `+into+` SELECT `+constants+`fresh.* FROM unnest(`+strings.Join(arrays, `, `)+`) AS fresh`, args...)
	return err
}

// keyed reads the values, which are of one length, out of the one that they are
// packed into: a list of parameters would be parsed anew each time.
func (sqliteDialect) keyed(values [][]byte) (string, []any, error) {
	packed, size := bytes.Join(values, nil), len(values[0])
	return `keyed (value) AS (WITH RECURSIVE place (at) AS (SELECT 1 UNION ALL SELECT at + ? FROM place WHERE at + ? <= ?)
		SELECT substr(?, at, ?) FROM place)`, []any{size, size, len(packed), packed, size}, nil
}

func (postgresDialect) keyed(values [][]byte) (string, []any, error) {
	text, _, err := arrayOf(cells(values), 0)
	return `keyed (value) AS (SELECT unnest(CAST(? AS bytea[])))`, []any{text}, err
}

func cells(values [][]byte) [][]any {
	rows := make([][]any, len(values))
	for i, v := range values {
		rows[i] = []any{v}
	}
	return rows
}

func (sqliteDialect) position(column, text string) string {
	return `instr(` + column + `, '` + text + `')`
}

func (postgresDialect) position(column, text string) string {
	return `strpos(` + column + `, '` + text + `')`
}

// arrayOf is one column of the rows as PostgreSQL writes an array, and the type
// of its values.
func arrayOf(rows [][]any, column int) (text, kind string, err error) {
	b := make([]byte, 0, 24*len(rows))
	b, kind = append(b, '{'), "bigint" // of nothing but missing values
	for i, row := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		switch v := row[column].(type) {
		case nil:
			b = append(b, "NULL"...)
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case []byte:
			kind = "bytea"
			b = append(b, `"\\x`...)
			b = hex.AppendEncode(b, v)
			b = append(b, '"')
		case string:
			kind = "text"
			b = appendQuoted(b, v)
		default:
			return "", "", fmt.Errorf("a column cannot hold %T", v)
		}
	}
	return string(append(b, '}')), kind, nil
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
