package store

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"
)

// keep prepares statements that are worth it, so that transactions find them.
// It is called before a transaction: SQLite's writer has one connection.
func (s *Store) keep(ctx context.Context, queries ...string) error {
	for _, query := range queries {
		if _, err := s.prepared(ctx, s.writer, query); err != nil { //nolint:sqlclosecheck // kept as long as the store
			return s.mapError(ctx, err)
		}
	}
	return nil
}

// prepared returns a statement for a query, made when it is first asked for.
func (s *Store) prepared(ctx context.Context, db *sqlx.DB, query string) (*sql.Stmt, error) {
	key := keptStatement{db, db.Rebind(query)}
	if known, ok := s.statements.Load(key); ok {
		return known.(*sql.Stmt), nil
	}
	made, err := db.PrepareContext(ctx, key.query)
	if err != nil {
		return nil, err
	}
	if known, raced := s.statements.LoadOrStore(key, made); raced {
		return known.(*sql.Stmt), made.Close() //nolint:sqlclosecheck // this one is not kept
	}
	return made, nil
}

// keptStatement names a prepared statement. SQLite's reader and writer each have
// their own.
type keptStatement struct {
	db    *sqlx.DB
	query string
}

// readOften is read for what is asked again and again: its statements are kept.
func (s *Store) readOften() queries {
	return queries{kept{s.reader, func(ctx context.Context, query string) *sqlx.Stmt {
		statement, err := s.prepared(ctx, s.reader, query)
		if err != nil {
			return nil // the query itself will say what is wrong
		}
		return &sqlx.Stmt{Stmt: statement, Mapper: s.reader.Mapper}
	}}}
}

// inside is a transaction's queries: what is kept runs in its prepared form.
func (s *Store) inside(tx *sqlx.Tx) queries {
	return queries{kept{tx, func(ctx context.Context, query string) *sqlx.Stmt {
		if known, ok := s.statements.Load(keptStatement{s.writer, query}); ok {
			return tx.StmtxContext(ctx, known)
		}
		return nil
	}}}
}

// kept runs the prepared form of what find knows.
type kept struct {
	sqlx.ExtContext
	find func(ctx context.Context, query string) *sqlx.Stmt
}

func (k kept) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if statement := k.find(ctx, query); statement != nil {
		return statement.QueryContext(ctx, args...)
	}
	return k.ExtContext.QueryContext(ctx, query, args...)
}

func (k kept) QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error) {
	if statement := k.find(ctx, query); statement != nil { //nolint:sqlclosecheck // kept as long as the store, or the transaction
		return statement.QueryxContext(ctx, args...)
	}
	return k.ExtContext.QueryxContext(ctx, query, args...)
}

func (k kept) QueryRowxContext(ctx context.Context, query string, args ...any) *sqlx.Row {
	if statement := k.find(ctx, query); statement != nil { //nolint:sqlclosecheck // kept as long as the store, or the transaction
		return statement.QueryRowxContext(ctx, args...)
	}
	return k.ExtContext.QueryRowxContext(ctx, query, args...)
}

func (k kept) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if statement := k.find(ctx, query); statement != nil {
		return statement.ExecContext(ctx, args...)
	}
	return k.ExtContext.ExecContext(ctx, query, args...)
}

// PrepareContext is for what is prepared for one transaction only.
func (k kept) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return k.ExtContext.(sqlx.PreparerContext).PrepareContext(ctx, query)
}
