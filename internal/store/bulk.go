package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// rowsPerInsert is how many rows one prepared INSERT of SQLite's takes: enough
// to share the cost of a call, few enough that preparing it stays cheap.
const rowsPerInsert = 20

// insertMany prepares one statement for many rows and one for what remains.
func (sqliteDialect) insertMany(ctx context.Context, q queries, into string, rows [][]any) error {
	for _, size := range []int{rowsPerInsert, 1} {
		if len(rows) < size {
			continue
		}
		tuple := `(` + strings.TrimSuffix(strings.Repeat(`?, `, len(rows[0])), `, `) + `)`
		if err := insertInto(ctx, q, `INSERT INTO `+into+` VALUES `+strings.Repeat(tuple+`, `, size-1)+tuple, rows[:len(rows)-len(rows)%size], size); err != nil {
			return err
		}
		rows = rows[len(rows)-len(rows)%size:]
	}
	return nil
}

// insertInto runs one prepared statement for every size rows.
func insertInto(ctx context.Context, q queries, query string, rows [][]any, size int) (err error) {
	statement, err := q.prepare(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, statement.Close()) }()
	args := make([]any, 0, size*len(rows[0]))
	for ; len(rows) > 0; rows = rows[size:] {
		args = args[:0]
		for _, row := range rows[:size] {
			args = append(args, row...)
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// insertMany hands the rows over as one array a column, so that the statement
// is the same for any number of rows, and 65,535 parameters never are too few.
func (postgresDialect) insertMany(ctx context.Context, q queries, into string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	arrays, args := make([]string, len(rows[0])), make([]any, len(rows[0]))
	for column := range rows[0] {
		text, kind, err := arrayOf(rows, column)
		if err != nil {
			return err
		}
		arrays[column], args[column] = fmt.Sprintf(`$%d::%s[]`, column+1, kind), text
	}
	_, err := q.ExecContext(ctx, `INSERT INTO `+into+` SELECT * FROM unnest(`+strings.Join(arrays, `, `)+`)`, args...)
	return err
}

func (sqliteDialect) among(values [][]byte) (string, []any, error) {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return `IN (` + strings.TrimSuffix(strings.Repeat(`?, `, len(values)), `, `) + `)`, args, nil
}

func (postgresDialect) among(values [][]byte) (string, []any, error) {
	rows := make([][]any, len(values))
	for i, v := range values {
		rows[i] = []any{v}
	}
	text, _, err := arrayOf(rows, 0)
	return `= ANY (CAST(? AS bytea[]))`, []any{text}, err
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
