package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// EditPerson changes a person's name and language, and their form, pace and
// pause in the newsletters of the given subscriptions, if person.Version is
// still the current one; else it gives a Conflict. The event and the entry are
// completed.
func (s *Store) EditPerson(ctx context.Context, person epistle.Subscriber, subscriptions []epistle.Subscription, e epistle.Event, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	e.ID, e.Kind, e.SubscriberID = first, epistle.EventEdited, person.ID
	entry.Subject, entry.SubjectID = "subscriber", person.ID
	return s.write(ctx, func(q queries) error {
		x := s.sealer("subscriber", person.ID)
		name := x.seal("name", person.Name)
		if x.err != nil {
			return x.err
		}
		changed, err := q.exec(ctx, `UPDATE subscriber SET name_sealed = ?, name_index = ?, language = ?, version = version + 1 WHERE id = ? AND version = ?`,
			name, s.nameIndex(person.Name), string(person.Language), person.ID, person.Version)
		if err != nil {
			return err
		}
		if changed == 0 {
			return changedMeanwhile()
		}
		for _, n := range subscriptions {
			if _, err := q.exec(ctx, `UPDATE subscription SET form = ?, pace = ?, paused_until = ?, version = version + 1
				WHERE id = ? AND subscriber_id = ? AND state = 'confirmed'`, string(n.Form), string(n.Pace), micros(n.PausedUntil), n.ID, person.ID); err != nil {
				return err
			}
		}
		if err := s.insertEvent(ctx, q, e); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}

// AddNote keeps what staff noted about a person; NotFound if there is no such
// person.
func (s *Store) AddNote(ctx context.Context, n epistle.Note, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	entry.Subject, entry.SubjectID = "subscriber", n.SubscriberID
	x := s.sealer("subscriber_note", first)
	text := x.seal("text", n.Text)
	if x.err != nil {
		return x.err
	}
	return s.write(ctx, func(q queries) error {
		var there int64
		if err := q.get(ctx, &there, `SELECT id FROM subscriber WHERE id = ?`, n.SubscriberID); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `INSERT INTO subscriber_note (id, subscriber_id, staff_id, text_sealed, created_at) VALUES (?, ?, ?, ?, ?)`,
			first, n.SubscriberID, n.StaffID, text, micros(n.CreatedAt)); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}

// Notes lists what staff noted about a person, the latest first.
func (s *Store) Notes(ctx context.Context, subscriber epistle.ID) ([]epistle.Note, error) {
	var rows []struct {
		ID         int64
		StaffID    int64  `db:"staff_id"`
		TextSealed []byte `db:"text_sealed"`
		CreatedAt  int64  `db:"created_at"`
	}
	if err := s.read().all(ctx, &rows, `SELECT id, staff_id, text_sealed, created_at FROM subscriber_note WHERE subscriber_id = ? ORDER BY id DESC`, subscriber); err != nil {
		return nil, s.mapError(ctx, err)
	}
	notes := make([]epistle.Note, len(rows))
	for i, r := range rows {
		x := s.sealer("subscriber_note", r.ID)
		notes[i] = epistle.Note{ID: r.ID, SubscriberID: subscriber, StaffID: r.StaffID, Text: x.unseal("text", r.TextSealed), CreatedAt: fromMicros(r.CreatedAt)}
		if x.err != nil {
			return nil, x.err
		}
	}
	return notes, nil
}

// Erase forgets a person: their row with everything that hangs on it, what they
// wrote into sign-ups, and what tells who wrote their comments. A keyed hash of
// the address stays, so that nobody mails it again; deliveries keep counting.
// It may be repeated. The entry's subject is filled in.
func (s *Store) Erase(ctx context.Context, subscriber epistle.ID, entry epistle.AuditEntry) error {
	entry.Subject, entry.SubjectID = "subscriber", subscriber
	return s.erase(ctx, `SELECT address_index FROM subscriber WHERE id = ?`, subscriber, entry)
}

// EraseAuthor is Erase for whoever wrote a comment, subscriber or not.
func (s *Store) EraseAuthor(ctx context.Context, comment epistle.ID, entry epistle.AuditEntry) error {
	entry.Subject, entry.SubjectID = "comment", comment
	return s.erase(ctx, `SELECT address_index FROM comment WHERE id = ? AND staff_id IS NULL`, comment, entry)
}

// erase forgets everything that stands under the hash of an address that a query
// finds; nothing, if it finds none.
func (s *Store) erase(ctx context.Context, query string, id epistle.ID, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		var indexes [][]byte
		if err := q.all(ctx, &indexes, query, id); err != nil || len(indexes) == 0 || len(indexes[0]) == 0 {
			return err
		}
		index, empty := indexes[0], []byte{}
		if err := s.insertSuppression(ctx, q, first, index, epistle.Erased); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `UPDATE signup SET state = CASE WHEN state = 'pending' THEN 'expired' ELSE state END, `+emptied+` WHERE address_index = ?`,
			empty, empty, empty, empty, empty, index); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `DELETE FROM comment WHERE address_index = ? AND state <> 'approved'
			AND NOT EXISTS (SELECT 1 FROM comment r WHERE r.parent_id = comment.id)`, index); err != nil {
			return err
		}
		// Of what others answered, the place stays.
		if _, err := q.exec(ctx, `UPDATE comment SET name_sealed = ?, body_sealed = ? WHERE address_index = ? AND state <> 'approved'`, empty, empty, index); err != nil {
			return err
		}
		// What was published under a page stays there; who wrote it does not.
		if _, err := q.exec(ctx, `UPDATE comment SET address_sealed = ?, address_index = ?, ip_sealed = ?, ip_index = ? WHERE address_index = ?`,
			empty, empty, empty, empty, index); err != nil {
			return err
		}
		if _, err := q.exec(ctx, `DELETE FROM subscriber WHERE address_index = ?`, index); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}

// SignupsOf lists the sign-ups of an address, the latest first.
func (s *Store) SignupsOf(ctx context.Context, a epistle.Address) ([]epistle.Signup, error) {
	var rows []signupRow
	if err := s.read().all(ctx, &rows, `SELECT `+signupColumns+` FROM signup WHERE address_index = ? ORDER BY id DESC`, s.addressIndex(a)); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Signup, len(rows))
	for i, r := range rows {
		var err error
		if all[i], err = s.signupNoun(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// CommentsOf lists the comments that an address wrote, the latest first.
func (s *Store) CommentsOf(ctx context.Context, a epistle.Address) ([]epistle.Comment, error) {
	var ids []int64
	if err := s.read().all(ctx, &ids, `SELECT id FROM comment WHERE address_index = ? ORDER BY id DESC`, s.addressIndex(a)); err != nil {
		return nil, s.mapError(ctx, err)
	}
	all := make([]epistle.Comment, len(ids))
	for i, id := range ids {
		var err error
		if all[i], err = s.Comment(ctx, id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// RecordOwnData keeps that a person took their own data.
func (s *Store) RecordOwnData(ctx context.Context, subscriber epistle.ID, at time.Time, entry epistle.AuditEntry) error {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return err
	}
	entry.Subject, entry.SubjectID = "subscriber", subscriber
	return s.write(ctx, func(q queries) error {
		if err := s.insertEvent(ctx, q, epistle.Event{ID: first, At: at, Kind: epistle.EventExported, Way: epistle.ByPage, SubscriberID: subscriber}); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}
