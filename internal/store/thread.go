package store

import (
	"context"
	"time"

	"epistle/internal/epistle"
)

// ThreadEntry is a top-level comment with the replies under it.
type ThreadEntry struct {
	epistle.Comment
	Replies []epistle.Comment
}

// Thread lists the approved top-level comments of a page whose number is above
// after, in order, each with its approved replies, the earliest first.
func (s *Store) Thread(ctx context.Context, pageID epistle.ID, after int64, limit int) ([]ThreadEntry, error) {
	var rows []commentRow
	err := s.read().all(ctx, &rows, `SELECT `+commentColumns+` FROM comment
		WHERE page_id = ? AND number > ? AND parent_id IS NULL AND state = 'approved' ORDER BY number LIMIT ?`, pageID, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, s.mapError(ctx, err)
	}
	top, err := s.comments(rows)
	if err != nil {
		return nil, err
	}
	thread := make([]ThreadEntry, len(top))
	place := make(map[epistle.ID]int, len(top))
	ids := make([]epistle.ID, len(top))
	for i, c := range top {
		thread[i], place[c.ID], ids[i] = ThreadEntry{Comment: c}, i, c.ID
	}
	query, args, err := s.read().in(`SELECT `+commentColumns+` FROM comment
		WHERE parent_id IN (?) AND state = 'approved' ORDER BY created_at, id`, ids)
	if err != nil {
		return nil, err
	}
	rows = nil
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	replies, err := s.comments(rows)
	if err != nil {
		return nil, err
	}
	for _, r := range replies {
		at := place[r.ParentID]
		thread[at].Replies = append(thread[at].Replies, r)
	}
	return thread, nil
}

// CountThread counts the approved top-level comments of a page.
func (s *Store) CountThread(ctx context.Context, pageID epistle.ID) (int64, error) {
	var n int64
	err := s.read().get(ctx, &n, `SELECT COUNT(*) FROM comment WHERE page_id = ? AND parent_id IS NULL AND state = 'approved'`, pageID)
	return n, s.mapError(ctx, err)
}

// AuthorState is where the author of a comment stands with the newsletters.
type AuthorState string

const (
	AuthorUnknown    AuthorState = ""           // nothing was ever asked for
	AuthorAsked      AuthorState = "pending"    // a confirmation mail went out
	AuthorSilent     AuthorState = "expired"    // and was not answered
	AuthorPartner    AuthorState = "partner"    // gets a newsletter
	AuthorLeft       AuthorState = "left"       // by their own wish
	AuthorSuppressed AuthorState = "suppressed" // whatever else
)

// CommentInContext is a comment with what a moderator needs to decide.
type CommentInContext struct {
	epistle.Comment
	Page    epistle.Page
	Parent  epistle.Comment // zero for a top-level comment
	Replies []epistle.Comment
	Author  AuthorState
}

// CommentFilter chooses comments for the moderators.
type CommentFilter struct {
	State  epistle.CommentState
	Before CommentCursor // zero: from the newest
	Limit  int
}

// CommentCursor is a place in the queue: the last comment already seen.
type CommentCursor struct {
	At time.Time
	ID epistle.ID
}

// CommentQueue lists the comments in one state, the newest first, in context.
func (s *Store) CommentQueue(ctx context.Context, f CommentFilter) ([]CommentInContext, error) {
	where, args := `comment.state = ?`, []any{string(f.State)}
	if f.Before.ID != 0 {
		where += ` AND (comment.created_at < ? OR comment.created_at = ? AND comment.id < ?)`
		at := micros(f.Before.At)
		args = append(args, at, at, f.Before.ID)
	}
	return s.commentsInContext(ctx, where+` ORDER BY comment.created_at DESC, comment.id DESC LIMIT ?`, append(args, f.Limit)...)
}

// CommentInContext returns one comment in context; NotFound if there is none.
func (s *Store) CommentInContext(ctx context.Context, id epistle.ID) (CommentInContext, error) {
	found, err := s.commentsInContext(ctx, `comment.id = ?`, id)
	if err != nil {
		return CommentInContext{}, err
	}
	if len(found) == 0 {
		return CommentInContext{}, epistle.Errorf(epistle.NotFound, "not-found", nil)
	}
	return found[0], nil
}

// authorState judges by the address, since people ask in more than one place.
const authorState = `CASE WHEN length(comment.address_index) = 0 THEN ''
	WHEN EXISTS (SELECT 1 FROM suppression WHERE suppression.address_index = comment.address_index) THEN 'suppressed'
	WHEN EXISTS (SELECT 1 FROM subscriber JOIN subscription ON subscription.subscriber_id = subscriber.id
		WHERE subscriber.address_index = comment.address_index AND subscription.state = 'confirmed') THEN 'partner'
	WHEN EXISTS (SELECT 1 FROM signup WHERE signup.address_index = comment.address_index
		AND signup.state = 'pending' AND signup.expires_at > ?) THEN 'pending'
	WHEN EXISTS (SELECT 1 FROM subscriber JOIN subscription ON subscription.subscriber_id = subscriber.id
		WHERE subscriber.address_index = comment.address_index AND subscription.state = 'left') THEN 'left'
	WHEN EXISTS (SELECT 1 FROM signup WHERE signup.address_index = comment.address_index
		AND signup.state IN ('pending', 'expired')) THEN 'expired'
	ELSE '' END AS author`

func (s *Store) commentsInContext(ctx context.Context, where string, args ...any) ([]CommentInContext, error) {
	var rows []struct {
		commentRow
		Author string
	}
	args = append([]any{micros(s.clock())}, args...)
	err := s.read().all(ctx, &rows, `SELECT `+commentColumns+`, `+authorState+` FROM comment WHERE `+where, args...)
	if err != nil || len(rows) == 0 {
		return nil, s.mapError(ctx, err)
	}
	list := make([]CommentInContext, len(rows))
	for i, r := range rows {
		c, err := s.comment(r.commentRow)
		if err != nil {
			return nil, err
		}
		list[i] = CommentInContext{Comment: c, Author: AuthorState(r.Author)}
	}
	return list, s.addContext(ctx, list)
}

// addContext fills in the pages, parents and replies of a list.
func (s *Store) addContext(ctx context.Context, list []CommentInContext) error {
	var pageIDs, relatives []epistle.ID
	for _, c := range list {
		pageIDs = append(pageIDs, c.PageID)
		relatives = append(relatives, c.ID, c.ParentID)
	}
	pages, err := s.pagesByID(ctx, pageIDs)
	if err != nil {
		return err
	}
	parents, err := s.commentsIn(ctx, `id IN (?)`, relatives)
	if err != nil {
		return err
	}
	replies, err := s.commentsIn(ctx, `parent_id IN (?)`, relatives)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Page = pages[list[i].PageID]
		for _, p := range parents {
			if p.ID == list[i].ParentID {
				list[i].Parent = p
			}
		}
		for _, r := range replies {
			if r.ParentID == list[i].ID && r.State == epistle.CommentApproved {
				list[i].Replies = append(list[i].Replies, r)
			}
		}
	}
	return nil
}

func (s *Store) pagesByID(ctx context.Context, ids []epistle.ID) (map[epistle.ID]epistle.Page, error) {
	query, args, err := s.read().in(`SELECT `+pageColumns+` FROM page WHERE id IN (?)`, ids)
	if err != nil {
		return nil, err
	}
	var rows []pageRow
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	pages := make(map[epistle.ID]epistle.Page, len(rows))
	for _, r := range rows {
		pages[r.ID] = r.page()
	}
	return pages, nil
}

func (s *Store) commentsIn(ctx context.Context, where string, ids []epistle.ID) ([]epistle.Comment, error) {
	query, args, err := s.read().in(`SELECT `+commentColumns+` FROM comment WHERE `+where+` ORDER BY created_at, id`, ids)
	if err != nil {
		return nil, err
	}
	var rows []commentRow
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return nil, s.mapError(ctx, err)
	}
	return s.comments(rows)
}

// CommentCounts counts the comments in each state.
func (s *Store) CommentCounts(ctx context.Context) (map[epistle.CommentState]int64, error) {
	var rows []struct {
		State string
		N     int64
	}
	if err := s.read().all(ctx, &rows, `SELECT state, COUNT(*) AS n FROM comment GROUP BY state`); err != nil {
		return nil, s.mapError(ctx, err)
	}
	counts := map[epistle.CommentState]int64{}
	for _, r := range rows {
		counts[epistle.CommentState(r.State)] = r.N
	}
	return counts, nil
}

// CommentTraffic is how many comments came from readers since a time.
type CommentTraffic struct {
	FromNetwork int64 // the visitor's network (epistle.NetworkOf)
	FromAddress int64
	Overall     int64
}

// CommentTraffic counts what readers posted under our own threads after a time,
// in whatever state it is now. What sites tell of has been let through there.
func (s *Store) CommentTraffic(ctx context.Context, ip string, address epistle.Address, since time.Time) (CommentTraffic, error) {
	var t struct {
		Network int64
		Address int64
		Overall int64
	}
	at := micros(since)
	err := s.read().get(ctx, &t, `SELECT
		(SELECT COUNT(*) FROM comment WHERE ip_index = ? AND created_at > ?) AS network,
		(SELECT COUNT(*) FROM comment WHERE address_index = ? AND created_at > ?) AS address,
		(SELECT COUNT(*) FROM comment WHERE state IN ('pending', 'approved', 'spam', 'trash') AND created_at > ? AND staff_id IS NULL
			AND origin = 'form') AS overall`,
		s.ipIndex(ip), at, s.addressIndex(address), at, at)
	return CommentTraffic{FromNetwork: t.Network, FromAddress: t.Address, Overall: t.Overall}, s.mapError(ctx, err)
}
