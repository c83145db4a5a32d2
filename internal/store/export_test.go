package store

import "context"

// HasTable lets tests look at a database that no store was opened on.
func HasTable(ctx context.Context, url, name string) (has bool, err error) {
	d, err := dialectOf(url)
	if err != nil {
		return false, err
	}
	_, db, _, err := d.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = db.Close() }()
	return d.hasTable(ctx, db, name)
}

// PostgresDSN is what the driver is told for a database URL.
func PostgresDSN(raw string) (string, error) {
	d, err := dialectOf(raw)
	if err != nil {
		return "", err
	}
	return d.(postgresDialect).url, nil
}

// Number runs a query of a test's own that returns one number.
func (s *Store) Number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.read().get(ctx, &n, query, args...)
	return n, err
}

// Run runs a statement of a test's own.
func (s *Store) Run(ctx context.Context, statement string) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, statement)
		return err
	})
}
