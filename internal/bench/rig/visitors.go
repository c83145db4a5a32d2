package rig

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// ThreadPage is the page whose thread FillThread makes.
const ThreadPage = "https://bench.example.org/garden"

// FillThread has people write so many comments under ThreadPage, and approves
// them.
func (s *Site) FillThread(ctx context.Context, comments int) error {
	return s.with(ctx, func(ctx context.Context, st *store.Store) error {
		entry := epistle.AuditEntry{Actor: s.editor, At: now(), Action: "bench", Subject: "page"}
		page, err := st.CreatePage(ctx, epistle.Page{URL: ThreadPage, Title: epistle.Text{EN: "A Garden Between Houses", KO: "집과 집 사이의 정원"}}, entry)
		if err != nil {
			return err
		}
		for n := range comments {
			posted, err := st.PostComment(ctx, epistle.Comment{PageID: page.ID, Name: "Solveig Moen", Address: readerAddress(n), Language: epistle.English,
				Body: fmt.Sprintf("Comment %d. We think of you at breakfast, and read of the garden to our neighbours when they come on Saturdays.", n)})
			if err != nil {
				return err
			}
			if err := st.DecideComment(ctx, store.Decision{ID: posted.ID, From: epistle.CommentPending, To: epistle.CommentApproved}, entry); err != nil {
				return err
			}
		}
		return nil
	})
}

// Address is where the daemon listens, host and port.
func (d *Daemon) Address() string { return strings.TrimPrefix(d.base, "http://") }

// Asked is what the tables say of those who signed up by the form: each address
// with a pending sign-up, and whether its confirmation mail was queued, or has
// gone already.
func (s *Site) Asked(ctx context.Context) (map[epistle.Address]bool, error) {
	mailed := map[string]bool{}
	if err := s.query(ctx, func(rows *sql.Rows) error {
		var key string
		err := rows.Scan(&key)
		mailed[key] = true
		return err
	}, `SELECT dedup_key FROM notice WHERE kind = 'confirm' AND state IN ('queued', 'accepted')`); err != nil {
		return nil, err
	}
	asked := map[epistle.Address]bool{}
	return asked, s.query(ctx, func(rows *sql.Rows) error {
		var id int64
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		address, err := s.keys.Unseal(seal.Place{Table: "signup", Column: "address", Row: id}, sealed)
		asked[epistle.Address(address)] = mailed[fmt.Sprintf("confirm/%d", id)]
		return err
	}, `SELECT id, address_sealed FROM signup WHERE state = 'pending' AND source = 'form'`)
}
