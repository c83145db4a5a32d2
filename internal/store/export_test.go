package store

import (
	"context"

	"epistle/internal/epistle"
)

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
func (s *Store) Run(ctx context.Context, statement string, args ...any) error {
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, statement, args...)
		return err
	})
}

// Explain returns how the database would run what finds and claims due
// deliveries of an issue, one line a step.
func (s *Store) Explain(ctx context.Context, kind epistle.DeliveryKind, issue epistle.ID) (pending, claim []string, err error) {
	if pending, err = s.explain(ctx, pendingIssues(kind), int64(1)); err != nil {
		return nil, nil, err
	}
	claim, err = s.explain(ctx, s.claimDue(kind), int64(2), int64(1), int64(0), issue, issue, int64(1), issue, int64(1), dueWindow, dueRivals, 1)
	return pending, claim, err
}

func (s *Store) explain(ctx context.Context, query string, args ...any) (steps []string, err error) {
	verb := `EXPLAIN `
	if !s.Shared() {
		verb = `EXPLAIN QUERY PLAN `
	}
	rows, err := s.writer.QueryxContext(ctx, s.writer.Rebind(verb+query), args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		columns, err := rows.SliceScan()
		if err != nil {
			return nil, err
		}
		switch step := columns[len(columns)-1].(type) {
		case []byte:
			steps = append(steps, string(step))
		case string:
			steps = append(steps, step)
		}
	}
	return steps, rows.Err()
}
