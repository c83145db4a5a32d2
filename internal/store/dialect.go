package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"epistle/internal/epistle"
	"epistle/migrations"
)

// dialect is all in which the two databases differ.
type dialect interface {
	// prepare makes what must exist before the first connection.
	prepare() error
	// open returns the writer, the reader, and the gate if writers must queue.
	open(ctx context.Context) (writer, reader *sqlx.DB, g *gate, err error)
	// openForMigration returns a connection of its own and goose's options.
	openForMigration() (*sqlx.DB, goose.Dialect, fs.FS, []goose.ProviderOption, error)
	// hasTable reports whether a table is there, on a database that may be empty.
	hasTable(ctx context.Context, db *sqlx.DB, name string) (bool, error)
	// lockPath is the file that keeps a second daemon away; "" for none.
	lockPath() string
	// journalPath is the file of a share's notes; "" for none.
	journalPath() string
	// claimSuffix goes at the end of a SELECT that claims rows of a table: what
	// another transaction holds is passed over.
	claimSuffix(table string) string
	// relax turns an UPDATE with a WHERE into one whose commit does not wait for
	// the disk, as far as the statement itself can say so.
	relax(update string) string
	// insertMany inserts rows of equal length into "table (columns)", as few
	// statements as it takes; the first columns take the values of same in every
	// row. Values are int64, string, []byte or nil.
	insertMany(ctx context.Context, q queries, into string, rows [][]any, same ...any) error
	// keyed is a common table expression, keyed (value), of the values: at least
	// one, all of one length.
	keyed(values [][]byte) (expression string, args []any, err error)
	// takeFresh takes those requests of a batch of whose address nothing is known.
	takeFresh(ctx context.Context, s *Store, batch []*asked) (taken map[string]bool, err error)
	// clockQuery asks for the database's time in Unix microseconds; "" if it has
	// no clock of its own.
	clockQuery() string
	// position is where a text stands in a column, from 1; 0 for nowhere.
	position(column, text string) string
	// isRetryable reports that a transaction lost to another one.
	isRetryable(err error) bool
	// classify maps a driver's error to a kind.
	classify(err error) error
}

// dialectOf reads a database URL.
func dialectOf(raw string) (dialect, error) {
	switch {
	case strings.HasPrefix(raw, "sqlite:"):
		path := strings.TrimPrefix(strings.TrimPrefix(raw, "sqlite:"), "//")
		if path == "" || strings.ContainsAny(path, "?#") {
			return nil, epistle.InvalidField("database.url", "database.url")
		}
		return sqliteDialect{path: path}, nil
	case strings.HasPrefix(raw, "postgres://"), strings.HasPrefix(raw, "postgresql://"):
		u, err := url.Parse(raw)
		if err != nil {
			// url.Error repeats the URL, and with it the password.
			return nil, epistle.InvalidField("database.url", "database.url")
		}
		return postgresDialect{url: withDefaults(u)}, nil
	}
	return nil, epistle.InvalidField("database.url", "database.url")
}

// SQLite ---------------------------------------------------------------------

func init() { sqlx.BindDriver("sqlite", sqlx.QUESTION) }

type sqliteDialect struct{ path string }

func (d sqliteDialect) prepare() error {
	if err := os.MkdirAll(filepath.Dir(d.path), 0o700); err != nil {
		return epistle.Errorf(epistle.Unavailable, "database.directory", err)
	}
	// Created here so that nobody else on the machine can read it.
	f, err := os.OpenFile(d.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return epistle.Errorf(epistle.Unavailable, "database.open", err)
	}
	return f.Close()
}

// dsn is the driver's connection string. Pragmas are set on each connection.
func (d sqliteDialect) dsn(extra ...string) string {
	params := append([]string{
		"_txlock=immediate",
		"_pragma=busy_timeout(10000)",
		"_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)",
	}, extra...)
	return "file:" + (&url.URL{Path: d.path}).EscapedPath() + "?" + strings.Join(params, "&")
}

func (d sqliteDialect) open(ctx context.Context) (writer, reader *sqlx.DB, g *gate, err error) {
	// What a statement may have to undo stays in memory. Caches have their usual
	// 2 MB: larger ones take memory and save no time, neither in sending nor in an
	// import of a million.
	writer, err = sqlx.ConnectContext(ctx, "sqlite", d.dsn("_pragma=foreign_keys(1)", "_pragma=temp_store(2)", "_pragma=wal_autocheckpoint(4000)"))
	if err != nil {
		return nil, nil, nil, d.classify(err)
	}
	writer.SetMaxOpenConns(1)
	reader, err = sqlx.ConnectContext(ctx, "sqlite", d.dsn("_pragma=foreign_keys(1)", "_pragma=query_only(1)"))
	if err != nil {
		return nil, nil, nil, errors.Join(d.classify(err), writer.Close())
	}
	readers := max(4, runtime.NumCPU())
	reader.SetMaxOpenConns(readers)
	reader.SetMaxIdleConns(readers)
	return writer, reader, newGate(), nil
}

// openForMigration leaves foreign keys off: inside goose's transaction the
// pragma would do nothing, and rebuilding a table would delete its children.
func (d sqliteDialect) openForMigration() (*sqlx.DB, goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	db, err := sqlx.Open("sqlite", d.dsn("_pragma=foreign_keys(0)"))
	if err != nil {
		return nil, "", nil, nil, d.classify(err)
	}
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations.SQLite, "sqlite")
	if err != nil {
		return nil, "", nil, nil, err
	}
	all, err := checked(files)
	return db, goose.DialectSQLite3, nil, []goose.ProviderOption{all}, err
}

func (d sqliteDialect) hasTable(ctx context.Context, db *sqlx.DB, name string) (bool, error) {
	var count int
	err := db.GetContext(ctx, &count, `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?`, name)
	return count > 0, err
}

func (d sqliteDialect) lockPath() string { return d.beside(".lock") }

func (d sqliteDialect) journalPath() string { return d.beside("-sent") }

// beside is the path of a file that belongs to the database: where SQLite puts
// its own, also if the path is a link.
func (d sqliteDialect) beside(suffix string) string {
	path, err := filepath.EvalSymlinks(d.path)
	if err != nil {
		path = d.path // whoever opens it says what is wrong
	}
	return path + suffix
}

func (sqliteDialect) claimSuffix(string) string { return "" }

func (sqliteDialect) relax(update string) string { return update } // the connection says it

func (sqliteDialect) clockQuery() string { return "" }

func (sqliteDialect) isRetryable(error) bool { return false } // one writer, no deadlocks

func (sqliteDialect) classify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return epistle.Errorf(epistle.Conflict, "exists", err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return epistle.Errorf(epistle.Unavailable, "database.busy", err)
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL:
		return epistle.Errorf(epistle.Unavailable, "database.open", err)
	}
	return err
}

// PostgreSQL -----------------------------------------------------------------

type postgresDialect struct{ url string }

// A daemon that is frozen, or whose machine is gone, in the middle of a
// transaction holds locks that everybody else waits for. The server ends its
// connection after so long, in ms; ours never pause that long between two
// statements.
const idleInTransaction = "10000"

// withDefaults states what lib/pq would otherwise guess: how long a connection
// may take, and TLS, which only a loopback connection may do without; and how
// long a transaction may stand still.
func withDefaults(u *url.URL) string {
	q := u.Query()
	if !q.Has("connect_timeout") {
		q.Set("connect_timeout", "10")
	}
	if !q.Has("idle_in_transaction_session_timeout") {
		q.Set("idle_in_transaction_session_timeout", idleInTransaction)
	}
	if !q.Has("jit") {
		q.Set("jit", "off") // no query of ours runs long enough to repay its compilation
	}
	if !q.Has("max_parallel_workers_per_gather") {
		// A plan that is kept for ranges of any size would start workers for each.
		q.Set("max_parallel_workers_per_gather", "0")
	}
	if !q.Has("sslmode") {
		// The driver's own order of where a host may stand.
		host := cmp.Or(q.Get("host"), u.Hostname(), os.Getenv("PGHOST"), "localhost")
		mode := "require"
		if ip := net.ParseIP(host); host == "localhost" || strings.HasPrefix(host, "/") || ip != nil && ip.IsLoopback() {
			mode = "disable"
		}
		q.Set("sslmode", mode)
	}
	next := *u
	next.RawQuery = q.Encode()
	return next.String()
}

func (postgresDialect) prepare() error { return nil }

// connections bounds the pool: enough for the web and the senders of one
// daemon, few enough that several daemons fit a default server.
const connections = 24

func (d postgresDialect) open(ctx context.Context) (writer, reader *sqlx.DB, g *gate, err error) {
	c, err := newConnector(d.url)
	if err != nil {
		return nil, nil, nil, d.classify(err)
	}
	db := sqlx.NewDb(sql.OpenDB(c), "postgres")
	if err := db.PingContext(ctx); err != nil {
		return nil, nil, nil, errors.Join(mapDriverError(ctx, d, err), db.Close())
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, db, nil, nil
}

func (d postgresDialect) openForMigration() (*sqlx.DB, goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	db, err := sqlx.Open("postgres", d.url)
	if err != nil {
		return nil, "", nil, nil, d.classify(err)
	}
	files, err := fs.Sub(migrations.Postgres, "postgres")
	if err != nil {
		return nil, "", nil, nil, err
	}
	options, err := sessionLock()
	return db, goose.DialectPostgres, files, options, err
}

func (postgresDialect) hasTable(ctx context.Context, db *sqlx.DB, name string) (has bool, err error) {
	err = db.GetContext(ctx, &has, `SELECT to_regclass($1) IS NOT NULL`, name)
	return has, err
}

func (postgresDialect) lockPath() string { return "" }

func (postgresDialect) journalPath() string { return "" }

func (postgresDialect) claimSuffix(table string) string {
	return " FOR UPDATE OF " + table + " SKIP LOCKED"
}

// relax sets the level for the one transaction that the statement is.
func (postgresDialect) relax(update string) string {
	return update + ` AND set_config('synchronous_commit', 'off', true) = 'off'`
}

func (postgresDialect) clockQuery() string {
	return `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`
}

func (postgresDialect) isRetryable(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code == "40P01" || e.Code == "40001")
}

func (postgresDialect) classify(err error) error {
	var e *pq.Error
	var network net.Error
	switch {
	case errors.As(err, &e):
	case errors.As(err, &network):
		return epistle.Errorf(epistle.Unavailable, "database.unreachable", err)
	default:
		return epistle.Errorf(epistle.Unavailable, "database.open", err)
	}
	switch {
	case e.Code == "23505":
		return epistle.Errorf(epistle.Conflict, "exists", err)
	case e.Code == "22021": // a NUL, or bytes that are no UTF-8
		return epistle.Errorf(epistle.Invalid, "text.encoding", err)
	case e.Code.Class() == "28", e.Code.Class() == "3D":
		return epistle.Errorf(epistle.Unavailable, "database.refused", err)
	case e.Code.Class() == "08", e.Code.Class() == "57", e.Code.Class() == "53":
		return epistle.Errorf(epistle.Unavailable, "database.open", err)
	}
	return err
}
