package store_test

import (
	"database/sql"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/migrations"
)

func TestBothDatabasesHaveTheSameHistory(t *testing.T) {
	sqlite, err := fs.Glob(migrations.SQLite, "sqlite/*")
	if err != nil {
		t.Fatal(err)
	}
	postgres, err := fs.Glob(migrations.Postgres, "postgres/*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sqlite {
		sqlite[i] = strings.TrimPrefix(sqlite[i], "sqlite/")
	}
	for i := range postgres {
		postgres[i] = strings.TrimPrefix(postgres[i], "postgres/")
	}
	if len(sqlite) == 0 || !slices.Equal(sqlite, postgres) {
		t.Errorf("SQLite has %v, PostgreSQL %v", sqlite, postgres)
	}
}

// TestBothDatabasesHaveTheSameSchema compares what the migrations made: tables,
// columns with their sort and whether they may be missing, references, indexes.
func TestBothDatabasesHaveTheSameSchema(t *testing.T) {
	sqlite := schemaOf(t, "sqlite", storetest.SQLiteURL(t), `
		SELECT 'column ' || m.name || '.' || c.name || ' ' || c.type || CASE WHEN c."notnull" > 0 OR c.pk > 0 THEN '' ELSE ' or nothing' END
			FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION ALL SELECT 'reference ' || m.name || '.' || f."from" || ' to ' || f."table" || ' ' || f.on_delete
			FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
		UNION ALL SELECT CASE WHEN i."unique" > 0 THEN 'unique ' ELSE 'index ' END || m.name || ' (' ||
				(SELECT group_concat(x.name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) x) || ')' ||
				CASE WHEN i.partial > 0 THEN ' in part' ELSE '' END
			FROM sqlite_master m JOIN pragma_index_list(m.name) i WHERE m.type = 'table' AND i.origin <> 'pk'`)
	postgres := schemaOf(t, "postgres", storetest.PostgresURL(t), `
		SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || CASE WHEN is_nullable = 'NO' THEN '' ELSE ' or nothing' END
			FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT 'reference ' || conrelid::regclass || '.' || a.attname || ' to ' || confrelid::regclass || ' ' ||
				CASE confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'NO ACTION' END
			FROM pg_constraint JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] WHERE contype = 'f'
		UNION ALL SELECT CASE WHEN i.indisunique THEN 'unique ' ELSE 'index ' END || i.indrelid::regclass || ' (' ||
				(SELECT string_agg(pg_get_indexdef(i.indexrelid, k, false), ', ' ORDER BY k) FROM generate_series(1, i.indnkeyatts) k) || ')' ||
				CASE WHEN i.indpred IS NOT NULL THEN ' in part' ELSE '' END
			FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'public' AND NOT i.indisprimary`)
	if len(sqlite) < 100 {
		t.Fatalf("only %d facts about SQLite's schema: %v", len(sqlite), sqlite)
	}
	// See 0009_imports.sql.
	for _, table := range []string{"subscription", "consent"} {
		delete(sqlite, "reference "+table+".newsletter_id to newsletter NO ACTION")
	}
	delete(sqlite, "reference delivery.issue_id to issue CASCADE") // see 0012_delivery.sql
	for _, fact := range slices.Sorted(maps.Keys(sqlite)) {
		if sqlite[fact] != postgres[fact] {
			t.Errorf("on SQLite only: %s", fact)
		}
	}
	for _, fact := range slices.Sorted(maps.Keys(postgres)) {
		if sqlite[fact] != postgres[fact] {
			t.Errorf("on PostgreSQL only: %s", fact)
		}
	}
}

// sorts gives types that hold the same one name.
var sorts = strings.NewReplacer("BIGINT", "number", "bigint", "number", "SMALLINT", "number", "smallint", "number", "integer", "number", "INTEGER", "number",
	"BLOB", "bytes", "bytea", "bytes", "TEXT", "text", `"`, "")

// schemaOf counts the facts that a query tells about a fresh database.
func schemaOf(t *testing.T, driver, url, query string) map[string]int {
	t.Helper()
	if _, err := store.Migrate(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	facts := map[string]int{}
	for rows.Next() {
		var fact string
		if err := rows.Scan(&fact); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(fact, "goose_") && !strings.Contains(fact, "sqlite_") {
			facts[sorts.Replace(fact)]++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return facts
}
