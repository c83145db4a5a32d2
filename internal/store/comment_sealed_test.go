package store_test

import (
	"bytes"
	"database/sql"
	"strings"
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/storetest"
)

// rawTable is all that a thief of the database sees of a table.
func rawTable(t *testing.T, url, table string) []byte {
	t.Helper()
	driver, dsn := "postgres", url
	if path, found := strings.CutPrefix(url, "sqlite:"); found {
		driver, dsn = "sqlite", path
	} else if !strings.Contains(url, "sslmode") {
		dsn += map[bool]string{true: "&", false: "?"}[strings.Contains(url, "?")] + "sslmode=disable"
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	for rows.Next() {
		values := make([]sql.RawBytes, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			all.Write(v)
			all.WriteByte('\n')
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.Bytes()
}

func TestCommentsAreSealedAtRest(t *testing.T) {
	for _, urlOf := range []func(testing.TB) string{storetest.SQLiteURL, storetest.PostgresURL} {
		url, clock := urlOf(t), storetest.NewClock()
		s := storetest.OpenWithKey(t, url, clock.Now, seal.NewKey())
		page := newPage(t, s, "https://example.org/arrivals")
		id := post(t, s, epistle.Comment{PageID: page.ID, Name: "Hyacinth Bellamy", Address: "hyacinth@oldmill.example",
			Body: "I pray at the harbour", IP: "198.51.100.77"})
		if err := decide(t.Context(), s, id, epistle.CommentPending, epistle.CommentApproved); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(rawTable(t, url, "page"), []byte(page.URL)) {
			t.Fatal("the search does not even find what is open")
		}
		raw := append(rawTable(t, url, "comment"), rawTable(t, url, "audit")...)
		for _, secret := range []string{"Hyacinth", "Bellamy", "hyacinth@", "oldmill", "harbour", "198.51.100"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("the database shows %q", secret)
			}
		}
		if c, err := s.Comment(t.Context(), id); err != nil || c.Name != "Hyacinth Bellamy" || c.IP != "198.51.100.77" || c.Body != "I pray at the harbour" {
			t.Errorf("unsealed: %+v, %v", c, err)
		}
	}
}
