package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"epistle/internal/epistle"
)

type commentRow struct {
	ID            int64
	PageID        int64 `db:"page_id"`
	ParentID      int64 `db:"parent_id"`
	Number        int64
	NameSealed    []byte `db:"name_sealed"`
	AddressSealed []byte `db:"address_sealed"`
	BodySealed    []byte `db:"body_sealed"`
	Language      string
	State         string
	StaffID       int64  `db:"staff_id"`
	WantsUpdates  int64  `db:"wants_updates"`
	WantsReplies  int64  `db:"wants_replies"`
	SignupID      int64  `db:"signup_id"`
	IPSealed      []byte `db:"ip_sealed"`
	Origin        string
	PageTitle     string `db:"page_title"`
	PageDigest    string `db:"page_digest"`
	CreatedAt     int64  `db:"created_at"`
	DecidedAt     int64  `db:"decided_at"`
	DecidedBy     int64  `db:"decided_by"`
}

// commentColumns reads a comment; its sign-up is the latest that names it.
const commentColumns = `comment.id, comment.page_id, COALESCE(comment.parent_id, 0) AS parent_id, COALESCE(comment.number, 0) AS number,
	comment.name_sealed, comment.address_sealed, comment.body_sealed, comment.language, comment.state,
	COALESCE(comment.staff_id, 0) AS staff_id, comment.wants_updates, comment.wants_replies,
	COALESCE((SELECT MAX(signup.id) FROM signup WHERE signup.comment_id = comment.id), 0) AS signup_id,
	comment.ip_sealed, comment.origin, comment.page_title, comment.page_digest, comment.created_at, comment.decided_at, comment.decided_by`

func (s *Store) comment(r commentRow) (epistle.Comment, error) {
	c := epistle.Comment{ID: r.ID, PageID: r.PageID, ParentID: r.ParentID, Number: r.Number,
		Language: epistle.Language(r.Language), State: epistle.CommentState(r.State), StaffID: r.StaffID,
		WantsUpdates: r.WantsUpdates != 0, WantsReplies: r.WantsReplies != 0, SignupID: r.SignupID,
		Origin: epistle.Origin(r.Origin), PageTitle: r.PageTitle, PageDigest: r.PageDigest,
		CreatedAt: fromMicros(r.CreatedAt), DecidedAt: fromMicros(r.DecidedAt), DecidedBy: r.DecidedBy}
	x := s.sealer("comment", r.ID)
	c.Name, c.Address, c.Body, c.IP = x.unseal("name", r.NameSealed), epistle.Address(x.unseal("address", r.AddressSealed)),
		x.unseal("body", r.BodySealed), x.unseal("ip", r.IPSealed)
	return c, x.err
}

func (s *Store) comments(rows []commentRow) ([]epistle.Comment, error) {
	list := make([]epistle.Comment, len(rows))
	for i, r := range rows {
		var err error
		if list[i], err = s.comment(r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Comment returns one comment in any state; NotFound if there is none.
func (s *Store) Comment(ctx context.Context, id epistle.ID) (epistle.Comment, error) {
	var row commentRow
	if err := s.read().get(ctx, &row, `SELECT `+commentColumns+` FROM comment WHERE id = ?`, id); err != nil {
		return epistle.Comment{}, s.mapError(ctx, err)
	}
	return s.comment(row)
}

// repeatWithin is how long the same words from the same address under the same
// page count as the same comment: a second click, a page sent again.
const repeatWithin = 24 * time.Hour

// Posted says what became of a comment.
type Posted struct {
	ID       epistle.ID
	Repeated bool      // it was there already; nothing was added
	FirstAt  time.Time // when it came first
	// AskedFirst says that the box was ticked before already, and SignupID which
	// sign-up came of it so far.
	AskedFirst bool
	SignupID   epistle.ID
}

// PostComment keeps a reader's comment as pending. The same words, posted again
// within a day, are not kept twice, even by two requests at once; the box that
// one of them ticked stays ticked. NotFound if the page is gone.
func (s *Store) PostComment(ctx context.Context, c epistle.Comment) (Posted, error) {
	id, err := s.newID(ctx)
	if err != nil {
		return Posted{}, err
	}
	c.ID, c.State = id, epistle.CommentPending
	posted := Posted{ID: id, FirstAt: s.clock()}
	err = s.write(ctx, func(q queries) error {
		// Whoever comments under one page queues here, so that a repeated comment
		// sees the first one.
		changed, err := q.exec(ctx, `UPDATE page SET next_number = next_number WHERE id = ?`, c.PageID)
		if err != nil {
			return err
		}
		if changed == 0 {
			return epistle.Errorf(epistle.NotFound, "not-found", nil)
		}
		first, found, err := s.repeated(ctx, q, c)
		if err != nil {
			return err
		}
		if !found {
			return s.insertComment(ctx, q, c)
		}
		posted = Posted{ID: first.ID, Repeated: true, FirstAt: first.CreatedAt, AskedFirst: first.WantsUpdates, SignupID: first.SignupID}
		if (!c.WantsUpdates || first.WantsUpdates) && (!c.WantsReplies || first.WantsReplies) {
			return nil
		}
		_, err = q.exec(ctx, `UPDATE comment SET wants_updates = ?, wants_replies = ? WHERE id = ?`,
			flag(c.WantsUpdates || first.WantsUpdates), flag(c.WantsReplies || first.WantsReplies), first.ID)
		return err
	})
	return posted, err
}

// repeated finds the comment that c says again.
func (s *Store) repeated(ctx context.Context, q queries, c epistle.Comment) (epistle.Comment, bool, error) {
	var rows []commentRow
	err := q.all(ctx, &rows, `SELECT `+commentColumns+` FROM comment
		WHERE address_index = ? AND created_at > ? AND page_id = ? AND COALESCE(parent_id, 0) = ? ORDER BY id`,
		s.addressIndex(c.Address), micros(s.clock().Add(-repeatWithin)), c.PageID, c.ParentID)
	if err != nil {
		return epistle.Comment{}, false, err
	}
	earlier, err := s.comments(rows)
	if err != nil {
		return epistle.Comment{}, false, err
	}
	for _, e := range earlier {
		if e.Body == c.Body {
			return e, true, nil
		}
	}
	return epistle.Comment{}, false, nil
}

// insertComment keeps a comment. One without a time comes now; one without a
// title of its page gets the title that the page has now.
func (s *Store) insertComment(ctx context.Context, q queries, c epistle.Comment) error {
	x := s.sealer("comment", c.ID)
	name, address, body, ip := x.seal("name", c.Name), x.seal("address", string(c.Address)), x.seal("body", c.Body), x.seal("ip", c.IP)
	if x.err != nil {
		return x.err
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = s.clock()
	}
	if c.Origin == "" {
		c.Origin = epistle.FromThread
	}
	_, err := q.exec(ctx, `INSERT INTO comment (id, page_id, parent_id, name_sealed, address_sealed, address_index, body_sealed,
		language, state, staff_id, wants_updates, wants_replies, ip_sealed, ip_index, origin, page_title, page_digest, created_at, decided_at, decided_by)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
			COALESCE(NULLIF(?, ''), (SELECT COALESCE(NULLIF(title_en, ''), title_ko) FROM page WHERE id = ?)), ?, ?, ?, ?)`,
		c.ID, c.PageID, orNull(c.ParentID), name, address, s.addressIndex(c.Address), body,
		string(c.Language), string(c.State), orNull(c.StaffID), flag(c.WantsUpdates), flag(c.WantsReplies), ip, s.ipIndex(c.IP), string(c.Origin),
		c.PageTitle, c.PageID, c.PageDigest, micros(c.CreatedAt), micros(c.DecidedAt), c.DecidedBy)
	return err
}

// addressIndex finds a comment by its author; staff replies have none.
func (s *Store) addressIndex(a epistle.Address) []byte {
	if a == "" {
		return []byte{}
	}
	return s.keys.Index("address", a.Canonical())
}

func (s *Store) ipIndex(ip string) []byte {
	if ip == "" {
		return []byte{}
	}
	return s.keys.Index("ip", epistle.NetworkOf(ip))
}

// Decision moves a comment from the state in which it was seen to another.
type Decision struct {
	ID       epistle.ID
	From, To epistle.CommentState
}

// DecideComment carries out a decision. The first approval of a top-level
// comment gives it the page's next number, which it keeps whatever happens
// later. Conflict means that somebody else moved the comment meanwhile,
// NotFound that there is none.
func (s *Store) DecideComment(ctx context.Context, d Decision, entry epistle.AuditEntry) error {
	id, err := s.newID(ctx)
	if err != nil {
		return err
	}
	entry.SubjectID = d.ID
	return s.write(ctx, func(q queries) error {
		var c struct {
			PageID   int64 `db:"page_id"`
			ParentID int64 `db:"parent_id"`
			Number   int64
		}
		err := q.get(ctx, &c, `UPDATE comment SET state = ?, decided_at = ?, decided_by = ? WHERE id = ? AND state = ?
			RETURNING page_id, COALESCE(parent_id, 0) AS parent_id, COALESCE(number, 0) AS number`,
			string(d.To), micros(entry.At), entry.Actor.StaffID, d.ID, string(d.From))
		if errors.Is(err, sql.ErrNoRows) {
			return missedUpdate(ctx, q, d.ID)
		}
		if err != nil {
			return err
		}
		if d.To == epistle.CommentApproved && c.ParentID == 0 && c.Number == 0 {
			if err := numberComment(ctx, q, d.ID, c.PageID); err != nil {
				return err
			}
		}
		return insertAudit(ctx, q, id, entry)
	})
}

// missedUpdate tells a comment that is gone from one that was changed.
func missedUpdate(ctx context.Context, q queries, id epistle.ID) error {
	var n int
	if err := q.get(ctx, &n, `SELECT COUNT(*) FROM comment WHERE id = ?`, id); err != nil {
		return err
	}
	if n == 0 {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
}

func numberComment(ctx context.Context, q queries, id, pageID epistle.ID) error {
	var number int64
	err := q.get(ctx, &number, `UPDATE page SET next_number = next_number + 1 WHERE id = ? RETURNING next_number - 1`, pageID)
	if err != nil {
		return err
	}
	_, err = q.exec(ctx, `UPDATE comment SET number = ? WHERE id = ?`, number, id)
	return err
}
