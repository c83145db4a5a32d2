package rig

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"epistle/internal/epistle"
)

// readSubscriptions learns each reader's subscription from the tables
// themselves, not from the code that is measured.
func (s *Site) readSubscriptions(ctx context.Context) (err error) {
	byIndex := make(map[string]int, s.Subscribers)
	for n := range s.Subscribers {
		byIndex[string(s.keys.Index("address", readerAddress(n).Canonical()))] = n
	}
	driver, source := "postgres", s.url
	if s.Database == SQLite {
		driver, source = "sqlite", "file:"+strings.TrimPrefix(s.url, "sqlite:")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(ctx, `SELECT p.address_index, n.id FROM subscription n JOIN subscriber p ON p.id = n.subscriber_id`)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	s.subscriptions = make([]epistle.ID, s.Subscribers)
	found := 0
	for rows.Next() {
		var index []byte
		var id epistle.ID
		if err := rows.Scan(&index, &id); err != nil {
			return err
		}
		n, known := byIndex[string(index)]
		if !known {
			return fmt.Errorf("subscription %d belongs to nobody who was imported", id)
		}
		s.subscriptions[n] = id
		found++
	}
	if found != s.Subscribers {
		return fmt.Errorf("%d subscriptions of %d readers", found, s.Subscribers)
	}
	return rows.Err()
}
