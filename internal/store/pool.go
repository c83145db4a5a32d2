package store

import (
	"context"
	"strings"
	"time"

	"epistle/internal/epistle"
)

// PoolFilter narrows a list of the pool. The zero value is the newest items of
// every state.
type PoolFilter struct {
	State  string   // of the kind's states; "" for all
	States []string // any of these; none for all
	Offset int      // how many of the newest to pass over
	Limit  int      // 0 means 50
}

func (f PoolFilter) limit() int {
	if f.Limit <= 0 {
		return 50
	}
	return f.Limit
}

// mailed is an SQL condition: an issue that shows the item began to go out,
// whatever became of it later.
func mailed(kind epistle.ItemKind, id string) string {
	return `EXISTS (SELECT 1 FROM issue_item ii JOIN issue i ON i.id = ii.issue_id
		WHERE ii.kind = '` + string(kind) + `' AND ii.item_id = ` + id + ` AND i.launched_at > 0)`
}

// usedOnce is an SQL expression: the state of what may be mailed once. It is
// read from the issues, so that nothing needs to mark an item as used.
func usedOnce(kind epistle.ItemKind, id string) string {
	return `CASE WHEN state = 'current' AND ` + mailed(kind, id) + ` THEN 'used' ELSE state END`
}

// Ready lists what may be put into an issue at a moment.
func (s *Store) Ready(ctx context.Context, now time.Time) (epistle.Ready, error) {
	var ready epistle.Ready
	var err error
	if ready.Letters, err = s.Letters(ctx, PoolFilter{State: string(epistle.Current), Limit: readyLimit}); err != nil {
		return epistle.Ready{}, err
	}
	if ready.Prayers, err = s.prayersAt(ctx, now, PoolFilter{State: string(epistle.Current), Limit: readyLimit}); err != nil {
		return epistle.Ready{}, err
	}
	if ready.Links, err = s.freshLinks(ctx); err != nil {
		return epistle.Ready{}, err
	}
	if ready.Questions, err = s.restedQuestions(ctx); err != nil {
		return epistle.Ready{}, err
	}
	if ready.Videos, err = s.Videos(ctx, PoolFilter{State: string(epistle.Current), Limit: readyLimit}); err != nil {
		return epistle.Ready{}, err
	}
	ready.Projects, err = s.projectsByID(ctx)
	return ready, err
}

// readyLimit bounds what an issue chooses from; more than this is not a pool
// that anybody reads through.
const readyLimit = 500

func (s *Store) projectsByID(ctx context.Context) (map[epistle.ID]epistle.Project, error) {
	list, err := s.Projects(ctx)
	if err != nil {
		return nil, err
	}
	projects := make(map[epistle.ID]epistle.Project, len(list))
	for _, p := range list {
		projects[p.ID] = p
	}
	return projects, nil
}

// CountPool counts the items of a kind by state, as the lists show them.
func (s *Store) CountPool(ctx context.Context, kind epistle.ItemKind) (map[string]int, error) {
	table, args, err := s.poolTable(kind)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		State string
		Count int
	}
	err = s.read().all(ctx, &rows, `SELECT state, COUNT(*) AS count FROM (`+table+`) AS pool GROUP BY state`, args...)
	if err != nil {
		return nil, s.mapError(ctx, err)
	}
	counts := make(map[string]int, len(rows))
	for _, r := range rows {
		counts[r.State] = r.Count
	}
	return counts, nil
}

// poolTable is the query that reads a kind with its state as of now.
func (s *Store) poolTable(kind epistle.ItemKind) (string, []any, error) {
	switch kind {
	case epistle.LetterItem:
		return selectLetters, nil, nil
	case epistle.PrayerItem:
		return selectPrayers, []any{micros(s.clock())}, nil
	case epistle.LinkItem:
		return selectLinks, nil, nil
	case epistle.QuestionItem:
		return selectQuestions, nil, nil
	case epistle.VideoItem:
		return selectVideos, nil, nil
	}
	return "", nil, epistle.Errorf(epistle.NotFound, "not-found", nil)
}

// listed narrows a poolTable to one page of a list, the newest first.
func listed(table string, args []any, f PoolFilter) (string, []any) {
	query := `SELECT * FROM (` + table + `) AS pool WHERE 1 = 1`
	if f.State != "" {
		query += ` AND state = ?`
		args = append(args, f.State)
	}
	if len(f.States) > 0 {
		query += ` AND state IN (?` + strings.Repeat(`, ?`, len(f.States)-1) + `)`
		for _, state := range f.States {
			args = append(args, state)
		}
	}
	return query + ` ORDER BY created_at DESC, id DESC LIMIT ? OFFSET ?`, append(args, f.limit(), f.Offset)
}

// single narrows a poolTable to one item.
func single(table string, args []any, id epistle.ID) (string, []any) {
	return `SELECT * FROM (` + table + `) AS pool WHERE id = ?`, append(args, id)
}

// SetItemState moves a letter, prayer, question or video to a state, if nobody
// changed it since version. Links go through their own methods, and
// withdrawing through Withdraw, because it reaches into issues.
func (s *Store) SetItemState(ctx context.Context, kind epistle.ItemKind, id epistle.ID, version int64, to epistle.ItemState, e epistle.AuditEntry) error {
	if kind == epistle.LinkItem || to == epistle.Withdrawn {
		return epistle.Errorf(epistle.Internal, "internal", nil)
	}
	table, err := s.tableOf(kind)
	if err != nil {
		return err
	}
	auditID, err := s.newID(ctx)
	if err != nil {
		return err
	}
	e.SubjectID = id
	return s.write(ctx, func(q queries) error {
		changed, err := q.exec(ctx, `UPDATE `+table+` SET state = ?, version = version + 1 WHERE id = ? AND version = ?`, string(to), id, version)
		if err != nil {
			return err
		}
		if err := stale(ctx, q, table, id, changed); err != nil {
			return err
		}
		return insertAudit(ctx, q, auditID, e)
	})
}

// tableOf is the table of a kind, from a closed list: it goes into SQL text.
func (s *Store) tableOf(kind epistle.ItemKind) (string, error) {
	if _, _, err := s.poolTable(kind); err != nil {
		return "", err
	}
	return string(kind), nil
}

// stale explains an update by version that changed no row: the row is gone, or
// somebody else changed it first.
func stale(ctx context.Context, q queries, table string, id epistle.ID, changed int64) error {
	if changed > 0 {
		return nil
	}
	var there int
	if err := q.get(ctx, &there, `SELECT COUNT(*) FROM `+table+` WHERE id = ?`, id); err != nil {
		return err
	}
	if there == 0 {
		return epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return epistle.Errorf(epistle.Conflict, "changed-meanwhile", nil)
}
