package rig

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"epistle/internal/epistle"
)

func (s *Site) open() (*sql.DB, error) {
	if s.Database == SQLite {
		return sql.Open("sqlite", "file:"+strings.TrimPrefix(s.url, "sqlite:")+"?_pragma=busy_timeout(5000)")
	}
	return sql.Open("postgres", s.url)
}

// query gives each row of an answer to scan. It asks the tables themselves, not
// the code that is measured.
func (s *Site) query(ctx context.Context, scan func(rows *sql.Rows) error, query string) (err error) {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// readPeople learns each reader's ids.
func (s *Site) readPeople(ctx context.Context) error {
	byIndex := make(map[string]int, s.Subscribers)
	for n := range s.Subscribers {
		byIndex[string(s.keys.Index("address", readerAddress(n).Canonical()))] = n
	}
	s.subscriptions, s.subscribers = make([]epistle.ID, s.Subscribers), make([]epistle.ID, s.Subscribers)
	found := 0
	err := s.query(ctx, func(rows *sql.Rows) error {
		var index []byte
		var subscriber, subscription epistle.ID
		if err := rows.Scan(&index, &subscriber, &subscription); err != nil {
			return err
		}
		n, known := byIndex[string(index)]
		if !known {
			return fmt.Errorf("subscription %d belongs to nobody who was imported", subscription)
		}
		s.subscribers[n], s.subscriptions[n] = subscriber, subscription
		found++
		return nil
	}, `SELECT p.address_index, p.id, n.id FROM subscription n JOIN subscriber p ON p.id = n.subscriber_id`)
	if err == nil && found != s.Subscribers {
		err = fmt.Errorf("%d subscriptions of %d readers", found, s.Subscribers)
	}
	return err
}

// Missing stands for a reader without a delivery.
const Missing epistle.DeliveryState = -1

// Deliveries is what the tables say became of an issue, by the reader's number.
// Ask once the issue is sent: then what is still queued in its row went as it
// should.
func (s *Site) Deliveries(ctx context.Context, issue epistle.ID) ([]epistle.DeliveryState, error) {
	readers := make(map[epistle.ID]int, s.Subscribers)
	states := make([]epistle.DeliveryState, s.Subscribers)
	for n, id := range s.subscribers {
		readers[id], states[n] = n, Missing
	}
	return states, s.query(ctx, func(rows *sql.Rows) error {
		var subscriber epistle.ID
		var state epistle.DeliveryState
		if err := rows.Scan(&subscriber, &state); err != nil {
			return err
		}
		n, known := readers[subscriber]
		if !known || states[n] != Missing {
			return fmt.Errorf("delivery to subscriber %d, who is no reader or has one already", subscriber)
		}
		states[n] = state
		return nil
	}, `SELECT subscriber_id, CASE WHEN state = 0 AND aside = 0 THEN 1 ELSE state END FROM delivery WHERE issue_id = `+fmt.Sprint(issue))
}

// Hold sets whether the newsletter holds what may have arrived before a crash.
func (s *Site) Hold(ctx context.Context, hold bool) error {
	value := 0
	if hold {
		value = 1
	}
	return s.change(ctx, fmt.Sprintf(`UPDATE newsletter SET hold = %d`, value))
}

// MakeDue has all deferred deliveries of an issue due at once, as if an hour
// had gone by. No daemon may be running, since it might have claimed some.
func (s *Site) MakeDue(ctx context.Context, issue epistle.ID) error {
	return s.change(ctx, fmt.Sprintf(`UPDATE delivery SET next_at = 1 WHERE issue_id = %d AND state = %d AND next_at > 0`, issue, epistle.Deferred))
}

func (s *Site) change(ctx context.Context, statement string) (err error) {
	db, err := s.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}
