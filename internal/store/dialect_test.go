package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestSettingsOfAConnectionToPostgreSQL(t *testing.T) {
	dsn, err := store.PostgresDSN(storetest.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for name, want := range map[string]string{"idle_in_transaction_session_timeout": "10s", "jit": "off"} {
		var got string
		if err := db.QueryRow(`SHOW ` + name).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, error %v; want %q", name, got, err, want)
		}
	}
}

func TestOnlyThisMachineGoesWithoutTLS(t *testing.T) {
	for _, c := range []struct{ url, environment, mode string }{
		{"postgres://db.example.org/epistle", "", "require"},
		{"postgres://db.example.org/epistle?sslmode=verify-full", "", "verify-full"},
		{"postgres:///epistle?host=db.example.org", "", "require"},
		{"postgres:///epistle", "db.example.org", "require"},
		{"postgres://localhost/epistle", "db.example.org", "disable"},
		{"postgres://[::1]/epistle", "", "disable"},
		{"postgres:///epistle?host=/var/run/postgresql", "", "disable"},
		{"postgres:///epistle", "", "disable"},
	} {
		t.Setenv("PGHOST", c.environment)
		if got, err := store.PostgresDSN(c.url); err != nil || !strings.Contains(got, "sslmode="+c.mode) {
			t.Errorf("%s with PGHOST=%s: %s, error %v; want %s", c.url, c.environment, got, err, c.mode)
		}
	}
}
