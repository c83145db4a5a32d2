package rig

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"epistle/internal/account"
	"epistle/internal/dkim"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// Options says what site to make.
type Options struct {
	Database    string // SQLite or Postgres
	Server      string // of PostgreSQL, as StartPostgres returned it
	Dir         string // an empty folder for this site
	Binary      string // the daemon's
	Subscribers int
	LaneRate    int      // messages a second to each mail domain; 0: no limit
	DKIM        string   // the algorithm of internal/dkim to sign with; "": unsigned
	Settings    []string // more of the daemon's, "EPISTLE_NAME=value"
}

// Site is an installation with a newsletter and its subscribers.
type Site struct {
	Options
	url        string
	key        seal.Key
	keys       *seal.Keyring
	newsletter epistle.ID
	editor     epistle.Actor
	password   string
	signing    dkim.Key
	cookies    cookies
	daemons    atomic.Int64 // started so far
	// By the reader's number.
	subscriptions []epistle.ID
	subscribers   []epistle.ID
}

// NewSite makes a database with everything that an issue needs.
func NewSite(ctx context.Context, o Options) (*Site, error) {
	s := &Site{Options: o, key: seal.NewKey(), password: "bench " + strings.ToLower(rand.Text())}
	var err error
	if s.keys, err = seal.NewKeyring(s.key); err != nil {
		return nil, err
	}
	if err := s.Sign(o.DKIM); err != nil {
		return nil, err
	}
	s.url = "sqlite:" + filepath.Join(o.Dir, "epistle.db")
	if o.Database == Postgres {
		if s.url, err = CreateDatabase(ctx, o.Server, "b_"+strings.ToLower(rand.Text())); err != nil {
			return nil, err
		}
	}
	if err := s.with(ctx, s.fill); err != nil {
		return nil, err
	}
	return s, s.readPeople(ctx)
}

// Close gives back what the site takes on a server that is shared.
func (s *Site) Close(ctx context.Context) error {
	if s.Database != Postgres {
		return nil
	}
	return dropDatabase(context.WithoutCancel(ctx), s.Server, s.url)
}

// LoseNotes deletes what the daemon's connections noted beside a SQLite database.
// It must not be running.
func (s *Site) LoseNotes() error { return os.Remove(strings.TrimPrefix(s.url, "sqlite:") + "-sent") }

// with opens the store for a moment, so that the daemon has the database to
// itself while it is measured.
func (s *Site) with(ctx context.Context, do func(ctx context.Context, st *store.Store) error) error {
	st, err := store.Open(ctx, store.Options{URL: s.url, Clock: now, Log: slog.New(slog.DiscardHandler),
		Keys: func(bool) (*seal.Keyring, error) { return s.keys, nil }})
	if err != nil {
		return err
	}
	return errors.Join(do(ctx, st), st.Close())
}

func now() time.Time { return time.Now().UTC() }

// EditorAddress is where notices to staff go.
const EditorAddress = "editor@bench.example.org"

func (s *Site) fill(ctx context.Context, st *store.Store) error {
	newsletter, err := st.CreateNewsletter(ctx, sampleNewsletter(), epistle.AuditEntry{Actor: epistle.SystemActor(), At: now(), Action: "newsletter.create"})
	if err != nil {
		return err
	}
	s.newsletter = newsletter.ID
	staff := account.New(account.Options{Store: st, Hash: s.keys.Index, Clock: now, Log: slog.New(slog.DiscardHandler), URL: func(p string) string { return p }})
	editor, err := staff.AddWithPassword(ctx, epistle.SystemActor(), account.NewMember{
		Address: EditorAddress, Name: "Editor", Role: string(epistle.Editor), Language: string(epistle.English)}, s.password)
	if err != nil {
		return err
	}
	s.editor = epistle.StaffActor(editor, epistle.Editor)
	for first := 0; first < s.Subscribers; first += store.ImportBatch {
		if err := s.importBatch(ctx, st, first); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) importBatch(ctx context.Context, st *store.Store, first int) error {
	var people []epistle.Signup
	for n := first; n < min(first+store.ImportBatch, s.Subscribers); n++ {
		people = append(people, reader(n))
	}
	outcomes, err := st.ImportConfirmed(ctx, s.newsletter, people)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if o != epistle.ImportAdded {
			return fmt.Errorf("a reader was not taken: outcome %v", o)
		}
	}
	return nil
}

// domains is how many mail domains the readers have.
const domains = 1009

func readerAddress(n int) epistle.Address {
	return epistle.Address(fmt.Sprintf("reader%d@mail%d.example.org", n, n%domains))
}

// reader makes every third reader a Korean one.
func reader(n int) epistle.Signup {
	language, name := epistle.English, fmt.Sprintf("Reader %d", n)
	if n%3 == 2 {
		language, name = epistle.Korean, fmt.Sprintf("독자 %d", n)
	}
	return epistle.Signup{Source: epistle.FromImport, State: epistle.SignupConfirmed, Name: name, Address: readerAddress(n),
		Language: language, Wording: "Yes, send me the updates.", WordingVersion: 1, Evidence: "made for measuring"}
}

// NewIssue makes an approved issue, to be launched.
func (s *Site) NewIssue(ctx context.Context) (id epistle.ID, err error) {
	err = s.with(ctx, func(ctx context.Context, st *store.Store) error {
		issue, _, err := st.CreateIssue(ctx, epistle.SystemActor(), epistle.Issue{NewsletterID: s.newsletter, Content: sampleContent()})
		if err != nil {
			return err
		}
		id = issue.ID
		_, err = st.ApproveIssue(ctx, s.editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version,
			From: issue.State, To: epistle.IssueApproved,
			Approval: epistle.Approval{By: s.editor.StaffID, At: now(), Digest: issue.Digest(), Audience: int64(s.Subscribers)}})
		return err
	})
	return id, err
}

// sentWithin is how long the daemon may take to close an issue after its last
// mail.
const sentWithin = time.Minute

// WaitSent returns what the daemon recorded, once it has closed the issue.
func (s *Site) WaitSent(ctx context.Context, id epistle.ID) (report epistle.Report, err error) {
	err = s.wait(ctx, id, func(ctx context.Context, st *store.Store, state epistle.IssueState) (sent bool, err error) {
		if sent = state == epistle.IssueSent; sent {
			report, err = st.Report(ctx, id)
		}
		return sent, err
	})
	return report, err
}

// WaitTried returns once every delivery of an issue was tried, whatever came of
// it.
func (s *Site) WaitTried(ctx context.Context, id epistle.ID) error {
	return s.wait(ctx, id, func(ctx context.Context, st *store.Store, state epistle.IssueState) (bool, error) {
		if state != epistle.IssueSending {
			return state == epistle.IssueSent, nil
		}
		report, err := st.Report(ctx, id)
		return report.Queued == 0, err
	})
}

func (s *Site) wait(ctx context.Context, id epistle.ID, reached func(ctx context.Context, st *store.Store, state epistle.IssueState) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, sentWithin)
	defer cancel()
	return s.with(ctx, func(ctx context.Context, st *store.Store) error {
		for {
			issue, err := st.Issue(ctx, id)
			if err != nil {
				return err
			}
			if done, err := reached(ctx, st, issue.State); done || err != nil {
				return err
			}
			if err := sleep(ctx, 50*time.Millisecond); err != nil {
				report, _ := st.Report(context.WithoutCancel(ctx), id) // as far as it can be had
				return fmt.Errorf("the issue is still %s, %+v: %w", issue.State, report, err)
			}
		}
	})
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
