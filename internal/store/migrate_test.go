package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/jmoiron/sqlx"
	"github.com/pressly/goose/v3"

	"epistle/internal/epistle"
)

// planned is a SQLite database whose history is other than the program's.
type planned struct {
	sqliteDialect
	files fstest.MapFS
}

func (p planned) openForMigration() (*sqlx.DB, goose.Dialect, fs.FS, []goose.ProviderOption, error) {
	db, name, _, _, err := p.sqliteDialect.openForMigration()
	if err != nil {
		return nil, "", nil, nil, err
	}
	all, err := checked(p.files)
	return db, name, nil, []goose.ProviderOption{all}, err
}

func (p planned) up(t *testing.T) (int64, error) { return migrate(t.Context(), p, lockOf(p)) }

func plan(t *testing.T) planned {
	t.Helper()
	p := planned{sqliteDialect{filepath.Join(t.TempDir(), "epistle.db")}, fstest.MapFS{
		"0001_first.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 'a'), (2, 'b');
INSERT INTO child VALUES (10, 1), (11, 2), (12, 2);
`)}}}
	if _, err := p.up(t); err != nil {
		t.Fatal(err)
	}
	return p
}

// rebuild is how SQLite changes a table: a new one takes its name.
const rebuild = `-- +goose Up
CREATE TABLE next (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO next SELECT id, name FROM parent;
DROP TABLE parent;
ALTER TABLE next RENAME TO parent;
`

func TestRebuildingATableKeepsItsChildren(t *testing.T) {
	p := plan(t)
	p.files["0002_rebuild.sql"] = &fstest.MapFile{Data: []byte(rebuild)}
	if version, err := p.up(t); err != nil || version != 2 {
		t.Fatalf("version %d, %v", version, err)
	}
	if n := p.count(t, `SELECT COUNT(*) FROM child JOIN parent ON parent.id = child.parent_id`); n != 3 {
		t.Errorf("%d of 3 children are left", n)
	}
}

func TestAMigrationThatLosesAParentIsUndone(t *testing.T) {
	p := plan(t)
	p.files["0002_fine.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE child ADD COLUMN age INTEGER;\n-- +goose Down\nnonsense;\n")}
	p.files["0003_lossy.sql"] = &fstest.MapFile{Data: []byte(rebuild + "DELETE FROM parent WHERE id = 2;\n")}
	_, err := p.up(t)
	var known *epistle.Error
	if !errors.As(err, &known) || known.Message != "database.references" || known.Data["Count"] != 2 {
		t.Errorf("two children without a parent: %v", err)
	}
	if n := p.count(t, `SELECT COUNT(*) FROM child JOIN parent ON parent.id = child.parent_id`); n != 3 {
		t.Errorf("%d of 3 children have their parent", n)
	}
	delete(p.files, "0003_lossy.sql")
	if version, err := p.up(t); err != nil || version != 2 {
		t.Errorf("version %d, %v; want that the migration before it stands", version, err)
	}
}

func TestNobodyMigratesUnderADaemon(t *testing.T) {
	p := plan(t)
	p.files["0002_rebuild.sql"] = &fstest.MapFile{Data: []byte(rebuild)}
	daemon, err := lockOf(p)()
	if err != nil {
		t.Fatal(err)
	}
	if version, err := p.up(t); epistle.KindOf(err) != epistle.Unavailable || version != 1 {
		t.Errorf("version %d, %v; want that it is refused", version, err)
	}
	if err := daemon.release(); err != nil {
		t.Fatal(err)
	}
	if version, err := p.up(t); err != nil || version != 2 {
		t.Errorf("after the daemon: version %d, %v", version, err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	p := plan(t)
	p.files["0002_rebuild.sql"] = &fstest.MapFile{Data: []byte(rebuild)}
	if _, err := p.up(t); err != nil {
		t.Fatal(err)
	}
	delete(p.files, "0002_rebuild.sql") // the older program
	if _, err := p.up(t); epistle.KindOf(err) != epistle.Conflict {
		t.Errorf("an older program on a newer schema: %v, want a conflict", err)
	}
}

func (p planned) count(t *testing.T, query string) (n int) {
	t.Helper()
	writer, reader, _, err := p.open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = writer.Close(), reader.Close() }()
	if err := reader.GetContext(t.Context(), &n, query); err != nil {
		t.Fatal(err)
	}
	return n
}
