// Package migrations holds the schema's history, one folder a database. Both
// folders hold the same file names; goose applies them in order.
package migrations

import "embed"

// SQLite and Postgres hold the *.sql files of each database.
var (
	//go:embed sqlite/*.sql
	SQLite embed.FS
	//go:embed postgres/*.sql
	Postgres embed.FS
)
