package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"epistle/internal/epistle"
)

// ArrivalBatch is how many arrivals TakeArrivals takes at once. It keeps them in
// several transactions, so that each stays short.
const (
	ArrivalBatch   = 100
	arrivalsAtOnce = 34
)

// TakeArrivals keeps comments as one site tells of them, and says what became
// of each. A comment that is new is added; of one that is known, a later
// telling changes what the site changed, an earlier one nothing. What staff
// decided stands until the site's own decision changes. A ticked box stays
// ticked. A comment that was deleted there goes to the trash without its words,
// unless a sign-up stands on them, and no later telling brings it back.
// At most ArrivalBatch, of one site. When it fails some may be kept already: to
// tell of them again is harmless.
func (s *Store) TakeArrivals(ctx context.Context, site epistle.ID, list []epistle.Arrival) ([]epistle.Arrived, error) {
	if len(list) == 0 {
		return nil, nil
	}
	if len(list) > ArrivalBatch {
		return nil, fmt.Errorf("%d arrivals at once, at most %d", len(list), ArrivalBatch)
	}
	pages, err := s.pagesOfArrivals(ctx, list)
	if err != nil {
		return nil, err
	}
	first, err := s.newIDs(ctx, int64(len(list)))
	if err != nil {
		return nil, err
	}
	// Parents first: a site numbers its comments as they come.
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[a].SourceID, list[b].SourceID) })
	results := make([]epistle.Arrived, len(list))
	for some := range slices.Chunk(order, arrivalsAtOnce) {
		err := s.writeBulk(ctx, func(q queries) error {
			t := &taking{Store: s, q: q, site: site, now: s.clock(), pages: pages}
			if err := t.begin(ctx, list, some); err != nil {
				return err
			}
			for _, i := range some {
				if results[i], err = t.take(ctx, list[i], first+int64(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}

// pagesOfArrivals finds the pages or adds them. It is no part of the
// transaction: a page without comments does no harm.
func (s *Store) pagesOfArrivals(ctx context.Context, list []epistle.Arrival) (map[string]epistle.ID, error) {
	pages := map[string]epistle.ID{}
	for _, a := range list {
		if a.Telling == epistle.ToldDeleted || pages[a.PageURL] != 0 {
			continue
		}
		page, err := s.FindOrCreatePage(ctx, a.PageURL)
		if err != nil {
			return nil, err
		}
		if page.Title.IsZero() && a.PageTitle != "" {
			if err := s.titlePage(ctx, page.ID, a.PageTitle); err != nil {
				return nil, err
			}
		}
		pages[a.PageURL] = page.ID
	}
	return pages, nil
}

// titlePage names a page that has no title yet, in the language of the title.
func (s *Store) titlePage(ctx context.Context, id epistle.ID, title string) error {
	column := `title_en`
	if epistle.HasHangul(title) {
		column = `title_ko`
	}
	return s.writeBulk(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE page SET `+column+` = ? WHERE id = ? AND title_en = '' AND title_ko = ''`, title, id)
		return err
	})
}

// taking is one transaction of TakeArrivals.
type taking struct {
	*Store
	q       queries
	site    epistle.ID
	now     time.Time
	pages   map[string]epistle.ID
	known   map[int64]*sourceRow // by the site's number
	waiting map[int64]bool       // numbers that comments name as their parent
}

type sourceRow struct {
	SourceID       int64  `db:"source_id"`
	CommentID      int64  `db:"comment_id"`
	ParentSourceID int64  `db:"parent_source_id"`
	State          string // as the site last told
	ContentIndex   []byte `db:"content_index"`
	ToldAt         int64  `db:"told_at"`
	AskedAt        int64  `db:"asked_at"`
	DeletedAt      int64  `db:"deleted_at"`
	// of the comment
	TopID        int64  `db:"top_id"` // the top-level comment of its thread
	CommentState string `db:"comment_state"`
	WantsUpdates int64  `db:"wants_updates"`
	Origin       string
	CreatedAt    int64 `db:"created_at"`
}

// begin makes the tellings of a site queue, and reads all that some of a list
// are about.
func (t *taking) begin(ctx context.Context, list []epistle.Arrival, some []int) error {
	changed, err := t.q.exec(ctx, `UPDATE site SET version = version WHERE id = ?`, t.site)
	if err != nil {
		return err
	}
	if changed == 0 {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	var ids, related []int64
	for _, i := range some {
		a := list[i]
		ids = append(ids, a.SourceID)
		related = append(related, a.SourceID)
		if a.ParentSourceID != 0 {
			related = append(related, a.ParentSourceID)
		}
	}
	query, args, err := t.q.in(`SELECT o.source_id, COALESCE(o.comment_id, 0) AS comment_id, o.parent_source_id, o.state, o.content_index,
			o.told_at, o.asked_at, o.deleted_at, COALESCE(c.parent_id, c.id, 0) AS top_id, COALESCE(c.state, '') AS comment_state,
			COALESCE(c.wants_updates, 0) AS wants_updates, COALESCE(c.origin, '') AS origin, COALESCE(c.created_at, 0) AS created_at
		FROM comment_source o LEFT JOIN comment c ON c.id = o.comment_id WHERE o.site_id = ? AND o.source_id IN (?)`, t.site, related)
	if err != nil {
		return err
	}
	var rows []sourceRow
	if err := t.q.all(ctx, &rows, query, args...); err != nil {
		return err
	}
	t.known = make(map[int64]*sourceRow, len(rows))
	for i := range rows {
		t.known[rows[i].SourceID] = &rows[i]
	}
	query, args, err = t.q.in(`SELECT DISTINCT parent_source_id FROM comment_source
		WHERE site_id = ? AND parent_source_id > 0 AND parent_source_id IN (?)`, t.site, ids)
	if err != nil {
		return err
	}
	var parents []int64
	if err := t.q.all(ctx, &parents, query, args...); err != nil {
		return err
	}
	t.waiting = map[int64]bool{}
	for _, p := range parents {
		t.waiting[p] = true
	}
	return nil
}

// take deals with one arrival; id is for its comment if it is new.
func (t *taking) take(ctx context.Context, a epistle.Arrival, id epistle.ID) (epistle.Arrived, error) {
	row := t.known[a.SourceID]
	if a.MessageID != "" {
		fresh, err := t.q.exec(ctx, `INSERT INTO hook_message (site_id, message_id, at) VALUES (?, ?, ?) ON CONFLICT (site_id, message_id) DO NOTHING`,
			t.site, a.MessageID, micros(t.now))
		if err != nil {
			return epistle.Arrived{}, err
		}
		if fresh == 0 {
			return arrivedOf(row, epistle.ArrivalSame), nil
		}
	}
	if a.WordingVersion > 0 {
		if _, err := t.q.exec(ctx, `UPDATE site SET wording_version = ? WHERE id = ?`, a.WordingVersion, t.site); err != nil {
			return epistle.Arrived{}, err
		}
	}
	switch {
	case row == nil && a.Telling == epistle.ToldDeleted:
		row = &sourceRow{SourceID: a.SourceID, ContentIndex: []byte{}, DeletedAt: micros(t.now)}
		return arrivedOf(row, epistle.ArrivalDeleted), t.insertSource(ctx, row)
	case row == nil:
		return t.add(ctx, a, id)
	case row.DeletedAt != 0:
		return arrivedOf(row, epistle.ArrivalSame), nil
	case a.Telling == epistle.ToldDeleted:
		return t.remove(ctx, row)
	}
	return t.follow(ctx, a, row)
}

func arrivedOf(row *sourceRow, outcome epistle.ArrivalOutcome) epistle.Arrived {
	if row == nil {
		return epistle.Arrived{Outcome: outcome}
	}
	return epistle.Arrived{CommentID: row.CommentID, Outcome: outcome, State: epistle.CommentState(row.CommentState),
		Origin: epistle.Origin(row.Origin), WantsUpdates: row.WantsUpdates != 0, Asked: row.AskedAt != 0, CreatedAt: fromMicros(row.CreatedAt)}
}

// contentIndex tells one telling from another without keeping its words.
func (t *taking) contentIndex(a epistle.Arrival) []byte {
	return t.keys.Index("arrival", fmt.Sprintf("%d\x00%d\x00%s\x00%q\x00%q\x00%q", a.ParentSourceID, t.pages[a.PageURL], a.State, a.Name, string(a.Address), a.Body))
}

// add keeps a comment that is new.
func (t *taking) add(ctx context.Context, a epistle.Arrival, id epistle.ID) (epistle.Arrived, error) {
	if a.CreatedAt.IsZero() || a.CreatedAt.After(t.now) {
		a.CreatedAt = t.now
	}
	c := epistle.Comment{ID: id, PageID: t.pages[a.PageURL], ParentID: t.top(a), Name: a.Name, Address: a.Address, Body: a.Body,
		Language: a.Language, State: a.State, WantsUpdates: a.WantsUpdates, IP: a.IP, Origin: a.Origin,
		PageTitle: a.PageTitle, PageDigest: a.PageDigest, CreatedAt: a.CreatedAt}
	if a.State != epistle.CommentPending {
		c.DecidedAt = t.now
	}
	if err := t.insertComment(ctx, t.q, c); err != nil {
		return epistle.Arrived{}, err
	}
	row := &sourceRow{SourceID: a.SourceID, CommentID: id, ParentSourceID: a.ParentSourceID, State: string(a.State), ContentIndex: t.contentIndex(a),
		ToldAt: micros(a.At), TopID: id, CommentState: string(a.State), WantsUpdates: flag(a.WantsUpdates), Origin: string(a.Origin), CreatedAt: micros(a.CreatedAt)}
	if c.ParentID != 0 {
		row.TopID = c.ParentID
	}
	if err := t.insertSource(ctx, row); err != nil {
		return epistle.Arrived{}, err
	}
	t.known[a.SourceID] = row
	if err := t.number(ctx, row, c.PageID); err != nil {
		return epistle.Arrived{}, err
	}
	return arrivedOf(row, epistle.ArrivalNew), t.gather(ctx, row)
}

func (t *taking) insertSource(ctx context.Context, row *sourceRow) error {
	_, err := t.q.exec(ctx, `INSERT INTO comment_source (site_id, source_id, comment_id, parent_source_id, state, content_index, told_at, deleted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		t.site, row.SourceID, orNull(row.CommentID), row.ParentSourceID, row.State, row.ContentIndex, row.ToldAt, row.DeletedAt)
	return err
}

// top is the top-level comment under which a reply goes, if it is known yet.
func (t *taking) top(a epistle.Arrival) epistle.ID {
	if parent := t.known[a.ParentSourceID]; a.ParentSourceID != 0 && parent != nil {
		return parent.TopID
	}
	return 0
}

// number gives an approved top-level comment its number.
func (t *taking) number(ctx context.Context, row *sourceRow, pageID epistle.ID) error {
	if row.CommentState != string(epistle.CommentApproved) || row.TopID != row.CommentID {
		return nil
	}
	return numberComment(ctx, t.q, row.CommentID, pageID)
}

// gather puts the replies that came before their comment into its thread.
func (t *taking) gather(ctx context.Context, row *sourceRow) error {
	if !t.waiting[row.SourceID] {
		return nil
	}
	const children = `SELECT comment_id FROM comment_source WHERE site_id = ? AND parent_source_id = ? AND comment_id IS NOT NULL`
	_, err := t.q.exec(ctx, `UPDATE comment SET parent_id = ?, number = NULL
		WHERE id <> ? AND (id IN (`+children+`) OR parent_id IN (`+children+`))`,
		row.TopID, row.TopID, t.site, row.SourceID, t.site, row.SourceID)
	for _, other := range t.known {
		if other.ParentSourceID == row.SourceID {
			other.TopID = row.TopID
		}
	}
	return err
}

// follow changes a known comment as the site changed it.
func (t *taking) follow(ctx context.Context, a epistle.Arrival, row *sourceRow) (epistle.Arrived, error) {
	outcome := epistle.ArrivalSame
	if a.WantsUpdates && row.WantsUpdates == 0 {
		if _, err := t.q.exec(ctx, `UPDATE comment SET wants_updates = 1 WHERE id = ?`, row.CommentID); err != nil {
			return epistle.Arrived{}, err
		}
		row.WantsUpdates, outcome = 1, epistle.ArrivalChanged
	}
	index := t.contentIndex(a)
	late := a.Telling == epistle.ToldCreated || micros(a.At) < row.ToldAt
	if late || row.CommentID == 0 || string(index) == string(row.ContentIndex) {
		return arrivedOf(row, outcome), nil
	}
	if err := t.rewrite(ctx, a, row); err != nil {
		return epistle.Arrived{}, err
	}
	if _, err := t.q.exec(ctx, `UPDATE comment_source SET parent_source_id = ?, state = ?, content_index = ?, told_at = ? WHERE site_id = ? AND source_id = ?`,
		a.ParentSourceID, string(a.State), index, micros(a.At), t.site, a.SourceID); err != nil {
		return epistle.Arrived{}, err
	}
	row.ParentSourceID, row.State, row.ContentIndex, row.ToldAt = a.ParentSourceID, string(a.State), index, micros(a.At)
	return arrivedOf(row, epistle.ArrivalChanged), nil
}

// isForgotten reports whether a comment was emptied of who wrote it, when they
// were erased.
func (t *taking) isForgotten(ctx context.Context, comment epistle.ID, index []byte) (bool, error) {
	var emptied int
	if err := t.q.get(ctx, &emptied, `SELECT COUNT(*) FROM comment WHERE id = ? AND LENGTH(address_index) = 0`, comment); err != nil || emptied == 0 {
		return false, err
	}
	reason, err := suppressionOf(ctx, t.q, index)
	return reason != "", err
}

// rewrite puts the site's words into a comment. The site's decision counts only
// when it is another than before: what staff decided here stands until then.
// The page's title and digest stay as they were when the comment came, and who
// was erased stays forgotten.
func (t *taking) rewrite(ctx context.Context, a epistle.Arrival, row *sourceRow) error {
	x := t.sealer("comment", row.CommentID)
	name, address, body := x.seal("name", a.Name), x.seal("address", string(a.Address)), x.seal("body", a.Body)
	if x.err != nil {
		return x.err
	}
	index := t.addressIndex(a.Address)
	forgotten, err := t.isForgotten(ctx, row.CommentID, index)
	if err != nil {
		return err
	}
	state, decided := row.CommentState, int64(0)
	if string(a.State) != row.State {
		state = string(a.State)
		if a.State != epistle.CommentPending {
			decided = micros(t.now)
		}
	}
	if forgotten {
		address, index = []byte{}, []byte{}
		if state != string(epistle.CommentApproved) {
			name, body = []byte{}, []byte{}
		}
	}
	top := row.TopID
	if a.ParentSourceID != row.ParentSourceID {
		top = row.CommentID
		if parent := t.top(a); parent != 0 {
			top = parent
		}
	}
	if _, err := t.q.exec(ctx, `UPDATE comment SET page_id = ?, name_sealed = ?, address_sealed = ?, address_index = ?, body_sealed = ?, language = ?,
			state = ?, decided_at = CASE WHEN state = ? THEN decided_at ELSE ? END, decided_by = CASE WHEN state = ? THEN decided_by ELSE 0 END,
			number = CASE WHEN page_id = ? AND ? = id THEN number ELSE NULL END, parent_id = NULLIF(?, id) WHERE id = ?`,
		t.pages[a.PageURL], name, address, index, body, string(a.Language),
		state, state, decided, state, t.pages[a.PageURL], top, top, row.CommentID); err != nil {
		return err
	}
	if top != row.TopID { // its replies move with it
		if _, err := t.q.exec(ctx, `UPDATE comment SET parent_id = ?, number = NULL WHERE parent_id = ? AND id <> ?`, top, row.CommentID, top); err != nil {
			return err
		}
	}
	row.CommentState, row.TopID = state, top
	var number int64
	if err := t.q.get(ctx, &number, `SELECT COALESCE(number, 0) FROM comment WHERE id = ?`, row.CommentID); err != nil || number != 0 {
		return err
	}
	return t.number(ctx, row, t.pages[a.PageURL])
}

// remove puts away a comment that was deleted at the site. Its words stay only
// where they are the evidence for a sign-up.
func (t *taking) remove(ctx context.Context, row *sourceRow) (epistle.Arrived, error) {
	if _, err := t.q.exec(ctx, `UPDATE comment_source SET deleted_at = ? WHERE site_id = ? AND source_id = ?`,
		micros(t.now), t.site, row.SourceID); err != nil {
		return epistle.Arrived{}, err
	}
	if _, err := t.q.exec(ctx, `UPDATE comment SET state = 'trash', decided_at = ?, decided_by = 0 WHERE id = ?`,
		micros(t.now), row.CommentID); err != nil {
		return epistle.Arrived{}, err
	}
	empty := []byte{}
	if _, err := t.q.exec(ctx, `UPDATE comment SET name_sealed = ?, address_sealed = ?, address_index = ?, body_sealed = ?, ip_sealed = ?, ip_index = ?
		WHERE id = ? AND NOT EXISTS (SELECT 1 FROM signup WHERE signup.comment_id = comment.id)`,
		empty, empty, empty, empty, empty, empty, row.CommentID); err != nil {
		return epistle.Arrived{}, err
	}
	row.CommentState, row.DeletedAt = string(epistle.CommentTrash), micros(t.now)
	return arrivedOf(row, epistle.ArrivalDeleted), nil
}
