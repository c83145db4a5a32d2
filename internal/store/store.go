// Package store holds all SQL. It keeps the nouns in SQLite or PostgreSQL from
// one SQL text, seals personal data on the way in and unseals it on the way
// out. One file an aggregate; every exported method is its own transaction.
//
// Errors are epistle.Errors of kind NotFound, Conflict or Unavailable where a
// caller can act on them; what the end of the caller's context broke off is the
// context's error, to errors.Is; anything else is internal.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"epistle/internal/epistle"
	"epistle/internal/seal"
)

// Options says what to open.
type Options struct {
	// URL is sqlite:PATH or postgres://….
	URL string
	// Keys returns the keyring. It is told whether the database is empty, since
	// only then may a new key be made.
	Keys  func(empty bool) (*seal.Keyring, error)
	Clock epistle.Clock
	// FollowDatabase corrects Clock to the database's, where several daemons may
	// share one.
	FollowDatabase bool
	// Alone makes this process the only daemon on a SQLite database; a second one
	// gets an Unavailable error. It takes over what the one before had noted (see
	// Journal). Any number may share PostgreSQL.
	Alone bool
	Log   *slog.Logger
}

// Store is the open database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	writer  *sqlx.DB // SQLite: one connection
	reader  *sqlx.DB // SQLite: a read-only pool; PostgreSQL: the same as writer
	gate    *gate    // SQLite: who writes next; nil on PostgreSQL
	keys    *seal.Keyring
	clock   epistle.Clock
	shared  *clock // behind clock; nil: it is the machine's
	log     *slog.Logger
	lock    *fileLock
	asked   gathering
	relaxed bool // SQLite: the writer does not wait for the disk; guarded by gate

	statements sync.Map // *sql.Stmt by keptStatement

	idMu   sync.Mutex
	idNext int64
	idEnd  int64
}

// Open connects, checks that the key fits the database, and migrates. An empty
// database is installed with the key that Keys returns. The caller closes the
// store.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	d, err := dialectOf(o.URL)
	if err != nil {
		return nil, err
	}
	s := &Store{dialect: d, clock: o.Clock, log: o.Log}
	if err := d.prepare(); err != nil {
		return nil, err
	}
	lock := lockOf(d)
	if o.Alone {
		if s.lock, err = lock(); err != nil {
			return nil, err
		}
		lock = func() (*fileLock, error) { return nil, nil } // it is held already
	}
	if s.writer, s.reader, s.gate, err = d.open(ctx); err != nil {
		return nil, errors.Join(err, s.lock.release())
	}
	s.asked.most = 1
	if s.Shared() {
		s.asked.most = askersAtOnce
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.FollowDatabase {
		if err := s.followDatabase(ctx); err != nil {
			return nil, err
		}
	}
	// The key comes first: a schema is neither made nor changed for somebody who
	// could not read what is in it.
	if err := s.chooseKeys(ctx, o.Keys); err != nil {
		return nil, err
	}
	if _, err := migrate(ctx, d, lock); err != nil {
		return nil, err
	}
	if err := s.install(ctx); err != nil {
		return nil, err
	}
	if o.Alone {
		if err := s.replayJournal(ctx); err != nil && s.log != nil { // the next share tries again before anything is sent
			s.log.Warn("store: what was noted of an issue on its way cannot be read; its report counts too few", "error", err)
		}
	}
	return s, nil
}

// Close releases the database and the daemon's lock.
func (s *Store) Close() error {
	err := s.writer.Close()
	if s.reader != s.writer {
		err = errors.Join(err, s.reader.Close())
	}
	return errors.Join(err, s.lock.release())
}

// Fit reports why this daemon can do nothing: the database does not answer,
// or the machine's clock is too far from the database's.
func (s *Store) Fit(ctx context.Context) error {
	if err := s.writer.PingContext(ctx); err != nil {
		return s.mapError(ctx, err)
	}
	return s.clockFit(ctx)
}

// Keys returns the keyring in use, for tokens and the recovery sheet.
func (s *Store) Keys() *seal.Keyring { return s.keys }

// Shared reports whether other daemons may be at work on the same database.
func (s *Store) Shared() bool { return s.gate == nil }

// queries runs SQL with ? placeholders on a connection or a transaction.
type queries struct {
	sqlx.ExtContext
}

// get reads one row into dest; NotFound if there is none.
func (q queries) get(ctx context.Context, dest any, query string, args ...any) error {
	return sqlx.GetContext(ctx, q, dest, q.Rebind(query), args...)
}

// all reads every row into the slice that dest points to.
func (q queries) all(ctx context.Context, dest any, query string, args ...any) error {
	return sqlx.SelectContext(ctx, q, dest, q.Rebind(query), args...)
}

// exec runs a statement and returns how many rows it changed.
func (q queries) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result, err := q.ExecContext(ctx, q.Rebind(query), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// prepare compiles a statement that runs many times in this transaction.
func (q queries) prepare(ctx context.Context, query string) (*sqlx.Stmt, error) {
	return sqlx.PreparexContext(ctx, q.ExtContext.(sqlx.PreparerContext), q.Rebind(query))
}

// in expands slices in args for "IN (?)".
func (q queries) in(query string, args ...any) (string, []any, error) {
	return sqlx.In(query, args...)
}

// read returns queries that change nothing, outside any transaction.
func (s *Store) read() queries { return queries{s.reader} }

// snapshot runs fn on one unchanging state of the database.
func (s *Store) snapshot(ctx context.Context, fn func(q queries) error) error {
	o := sql.TxOptions{ReadOnly: true}
	if s.Shared() {
		o.Isolation = sql.LevelRepeatableRead // SQLite's transactions always are
	}
	tx, err := s.reader.BeginTxx(ctx, &o)
	if err != nil {
		return s.mapError(ctx, err)
	}
	defer func() { _ = tx.Rollback() }()
	return s.mapError(ctx, fn(queries{tx}))
}

// write runs fn in a transaction that goes ahead of bulk ones.
func (s *Store) write(ctx context.Context, fn func(q queries) error) error {
	return s.inTransaction(ctx, manner{turn: people}, fn)
}

// writeBulk runs fn in a transaction that lets others go first. On SQLite keep
// it within some ten milliseconds.
func (s *Store) writeBulk(ctx context.Context, fn func(q queries) error) error {
	return s.inTransaction(ctx, manner{turn: bulk}, fn)
}

// writeMark is write for what mails wait for; only people go before it.
func (s *Store) writeMark(ctx context.Context, fn func(q queries) error) error {
	return s.inTransaction(ctx, manner{turn: marks}, fn)
}

// writeRelaxed is writeBulk for what does not wait for the disk; see manner.
func (s *Store) writeRelaxed(ctx context.Context, fn func(q queries) error) error {
	return s.inTransaction(ctx, manner{turn: bulk, relaxed: true}, fn)
}

// manner is how a transaction is run.
type manner struct {
	turn turn
	// relaxed: the commit does not wait for the disk. Everybody sees it at once
	// and the end of this process does not undo it, but the loss of power, or a
	// crash of PostgreSQL, may, with all other relaxed ones after the last that
	// was not.
	relaxed bool
}

// execPrepared runs one prepared UPDATE with a WHERE that is a transaction of its
// own, and returns how many rows it changed.
func (s *Store) execPrepared(ctx context.Context, m manner, query string, args ...any) (int64, error) {
	if m.relaxed {
		query = s.dialect.relax(query)
	}
	statement, err := s.prepared(ctx, s.writer, query) //nolint:sqlclosecheck // kept as long as the store
	if err != nil {
		return 0, s.mapError(ctx, err)
	}
	if s.gate != nil {
		if err := s.enter(ctx, m); err != nil {
			return 0, err
		}
		defer s.gate.leave()
		ctx = context.WithoutCancel(ctx) // on a local file it soon ends; watching over it costs more than it does
	}
	result, err := statement.ExecContext(ctx, args...)
	if err != nil {
		return 0, s.mapError(ctx, err)
	}
	return result.RowsAffected()
}

// enter waits for SQLite's writer and sets it up. Without an error the caller
// leaves the gate.
func (s *Store) enter(ctx context.Context, m manner) error {
	if err := s.gate.enter(ctx, m.turn); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	if err := s.setRelaxed(whole, m.relaxed); err != nil {
		s.gate.leave()
		return s.mapError(whole, err)
	}
	return nil
}

// setRelaxed says whether SQLite's next transaction waits for the disk. The
// caller has the gate.
func (s *Store) setRelaxed(ctx context.Context, relaxed bool) error {
	if s.relaxed == relaxed {
		return nil
	}
	level := "FULL"
	if relaxed {
		level = "NORMAL" // of a write-ahead log: whole transactions, the last ones perhaps not
	}
	if _, err := s.writer.ExecContext(ctx, `PRAGMA synchronous = `+level); err != nil {
		return err
	}
	s.relaxed = relaxed
	return nil
}

// queryPrepared reads with a prepared statement. The caller closes the rows.
func (s *Store) queryPrepared(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	statement, err := s.prepared(ctx, s.reader, query) //nolint:sqlclosecheck // kept as long as the store
	if err != nil {
		return nil, err
	}
	return statement.QueryContext(ctx, args...)
}

// transactionTries bounds how often a transaction that the database broke off
// for another one's sake (deadlock, serialisation) is run.
const transactionTries = 3

func (s *Store) inTransaction(ctx context.Context, m manner, fn func(q queries) error) error {
	for try := 1; ; try++ {
		err := s.tryTransaction(ctx, m, fn)
		if err == nil || try == transactionTries || !s.dialect.isRetryable(err) {
			return s.mapError(ctx, err)
		}
	}
}

func (s *Store) tryTransaction(ctx context.Context, m manner, fn func(q queries) error) error {
	if s.gate != nil {
		if err := s.enter(ctx, m); err != nil {
			return err
		}
		defer s.gate.leave()
	}
	tx, err := s.writer.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit this does nothing
	if m.relaxed && s.Shared() {
		if _, err := tx.ExecContext(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
			return err
		}
	}
	if err := fn(s.inside(tx)); err != nil {
		return err
	}
	return tx.Commit()
}

// mapError turns what the driver says into what callers can act on; see
// mapDriverError.
func (s *Store) mapError(ctx context.Context, err error) error {
	return mapDriverError(ctx, s.dialect, err)
}

// mapDriverError is the only place that knows driver errors besides the dialect.
// What was decided already stands. A driver has its own words for a statement
// that the end of ctx broke off: callers hear of ctx.
func mapDriverError(ctx context.Context, d dialect, err error) error {
	var known *epistle.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(err, sql.ErrNoRows):
		return epistle.Errorf(epistle.NotFound, "not-found", err)
	case ctx.Err() == nil: // a deadline may be the driver's own
		return d.classify(err)
	case errors.Is(err, ctx.Err()):
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// idBlock is how many ids a process takes at once. What it does not use is
// lost, which costs nothing.
// Bulk work takes enough for several calls, since each block is a transaction
// of its own.
const (
	idBlock       = 1000
	callsPerBlock = 10
)

// newIDs reserves n consecutive ids and returns the first. They are unique over
// all tables and daemons. It is not part of any transaction: call it before one
// begins.
func (s *Store) newIDs(ctx context.Context, n int64) (int64, error) {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	if s.idEnd-s.idNext < n {
		block := max(idBlock, n*callsPerBlock)
		var end int64
		err := s.write(ctx, func(q queries) error {
			return q.get(ctx, &end, `UPDATE installation SET next_id = next_id + ? WHERE id = 1 RETURNING next_id`, block)
		})
		if err != nil {
			return 0, fmt.Errorf("reserve ids: %w", err)
		}
		s.idNext, s.idEnd = end-block, end
	}
	first := s.idNext
	s.idNext += n
	return first, nil
}

// newID reserves one id; see newIDs.
func (s *Store) newID(ctx context.Context) (int64, error) { return s.newIDs(ctx, 1) }

// micros is a time as it is stored; never (the zero time) is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros is the time that micros stored.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// orNull stores a missing reference as NULL, so that foreign keys hold.
func orNull(id epistle.ID) any {
	if id == 0 {
		return nil
	}
	return id
}

// flag stores a yes or no.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
