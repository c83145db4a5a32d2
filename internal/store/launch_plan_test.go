package store_test

import (
	"database/sql"
	"encoding/json"
	"testing"

	"epistle/internal/storetest"
)

// TestPostgresDoesNotTakeANewIssueForAnEmptyOne asks the planner, which knows the
// deliveries of one issue, how many the next has: with one or none it would read
// all of them for every chunk of the launch.
func TestPostgresDoesNotTakeANewIssueForAnEmptyOne(t *testing.T) {
	url, clock := storetest.PostgresURL(t), storetest.NewClock()
	s := storetest.Open(t, url, clock.Now)
	issue := launchedTo(t, s, clock, 2000)
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), `ANALYZE delivery`); err != nil {
		t.Fatal(err)
	}
	var text []byte
	if err := db.QueryRowContext(t.Context(), `EXPLAIN (FORMAT JSON) SELECT 1 FROM delivery WHERE issue_id = $1`, issue+1).Scan(&text); err != nil {
		t.Fatal(err)
	}
	var plans []struct {
		Plan struct {
			Rows int `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 || plans[0].Plan.Rows < 5 {
		t.Errorf("PostgreSQL expects %+v of an issue that it does not know, error %v; want several rows", plans, err)
	}
}
