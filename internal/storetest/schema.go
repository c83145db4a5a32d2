package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"epistle/internal/store"
	"epistle/migrations"
)

// Making the schema takes longer than most tests. It is made once, and copied.

// sqliteWithSchema names a database file in which nothing is installed yet.
func sqliteWithSchema(t testing.TB) string {
	t.Helper()
	file, err := sqliteSchema()
	if err != nil {
		t.Fatalf("make the schema: %v", err)
	}
	database := SQLiteURL(t)
	if err := os.WriteFile(strings.TrimPrefix(database, "sqlite:"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return database
}

// sqliteSchema is a migrated file.
var sqliteSchema = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "schema")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "epistle.db")
	if _, err := store.Migrate(context.Background(), "sqlite:"+path); err != nil {
		return nil, err
	}
	return os.ReadFile(path) //nolint:gosec // of our own
})

// postgresWithSchema names a database in which nothing is installed yet.
func postgresWithSchema(t testing.TB) string {
	t.Helper()
	server := serverURL(t)
	template, err := postgresSchema()
	if err != nil {
		t.Fatalf("make the schema: %v", err)
	}
	return createDatabase(t, server, template)
}

// postgresSchema is the name of a migrated database on the test server. Whoever
// needs it first makes it; it stays there, for the tests of all packages. Another
// history of migrations has another name.
var postgresSchema = sync.OnceValues(func() (template string, err error) {
	history, err := historyOf(migrations.Postgres)
	if err != nil {
		return "", err
	}
	template = "epistle_schema_" + history
	return template, makeTemplate(context.Background(), os.Getenv(URLVariable), template)
})

// makeTemplate makes the database unless it is there. Under its name it is
// always whole. One process makes it: the lock is the server's database's.
func makeTemplate(ctx context.Context, server, template string) error {
	db, err := sql.Open("postgres", server)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // and with it the lock
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext('epistle schema'))`); err != nil {
		return err
	}
	there := false
	if err := conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, template).Scan(&there); err != nil || there {
		return err
	}
	unfinished := template + "_unfinished"
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)", "CREATE DATABASE " + unfinished} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	at, err := databaseURL(server, unfinished)
	if err != nil {
		return err
	}
	if _, err := store.Migrate(ctx, at); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+template)
	return err
}

// historyOf tells histories of migrations apart.
func historyOf(files fs.FS) (string, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, path)
		fmt.Fprintf(sum, "%s %d\n%s", path, len(text), text)
		return err
	})
	return fmt.Sprintf("%x", sum.Sum(nil)[:8]), err
}
