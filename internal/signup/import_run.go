package signup

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// importRun is one import on its way. One goroutine reads and checks the rows,
// gathers them into windows and puts each into the order in which the store keeps
// it fastest; some others seal and keep them, batch by batch.
type importRun struct {
	service    *Service
	actor      epistle.Actor
	newsletter epistle.Newsletter
	how        Import
	seen       once // addresses of the file; nil where the database tells those that came before

	mu   sync.Mutex
	done Imported
}

// candidate is a person of the file, checked.
type candidate struct {
	line     int
	key      uint64 // of the address, to sort by
	address  epistle.Address
	name     string
	language epistle.Language
	asked    time.Time // zero if the list does not say
}

const (
	// windowAtMost bounds a window. Neighbours of an index that grows to a million
	// lie close enough together in it, and two windows take some ten million bytes.
	windowAtMost = 32_000
	// keepers is how many batches are on their way into the database at once: while
	// one waits for the disk, others are sealed.
	keepers = 3
)

func (r *importRun) all(ctx context.Context, rows *peopleReader) error {
	group, ctx := errgroup.WithContext(ctx)
	windows := make(chan []candidate)
	group.Go(func() error {
		defer close(windows)
		return r.read(ctx, rows, windows)
	})
	group.Go(func() error {
		for window := range windows {
			if err := r.keepAll(ctx, window); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// read gathers the rows that can be read into windows. They grow, so that a
// short file, or one whose people are asked one by one, does not wait for them.
func (r *importRun) read(ctx context.Context, rows *peopleReader, windows chan<- []candidate) error {
	size := keepers * store.ImportBatch
	window := make([]candidate, 0, size)
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return r.pass(ctx, windows, window)
		}
		var c candidate
		var left *RowError
		if err == nil {
			if c, err = r.person(row); err != nil {
				left = &RowError{Line: row.line, Err: err}
			}
		} else if !errors.As(err, &left) {
			return err
		}
		switch {
		case left != nil:
			r.leaveOut(*left)
		case r.seen != nil && !r.seen.first(c.key):
			r.again()
		default:
			window = append(window, c)
		}
		if len(window) == size {
			if err := r.pass(ctx, windows, window); err != nil {
				return err
			}
			if r.how.Mode == Vouched {
				size = min(2*size, windowAtMost)
			}
			window = make([]candidate, 0, size)
		}
	}
}

// pass hands a window on in order. Of rows with one address, the first in the
// file counts.
func (r *importRun) pass(ctx context.Context, windows chan<- []candidate, window []candidate) error {
	slices.SortFunc(window, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.line, b.line)) })
	window = slices.CompactFunc(window, func(earlier, later candidate) bool {
		same := earlier.key == later.key
		if same {
			r.again()
		}
		return same
	})
	select {
	case windows <- window:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keepAll keeps a window before the next one begins, which may hold the same
// addresses.
func (r *importRun) keepAll(ctx context.Context, window []candidate) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(keepers)
	for batch := range slices.Chunk(window, store.ImportBatch) {
		group.Go(func() error { return r.keep(ctx, batch) })
	}
	return group.Wait()
}

func (r *importRun) count(change func(*Imported)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.done)
}

// again counts a row whose address came before.
func (r *importRun) again() {
	r.count(func(done *Imported) { done.Rows++; done.Already++ })
}

func (r *importRun) leaveOut(e RowError) {
	r.count(func(done *Imported) { done.Rows++; done.Errors++ })
	if r.how.RowError != nil {
		r.how.RowError(e)
	}
}

// person checks one row.
func (r *importRun) person(row personRow) (c candidate, err error) {
	if gone[heading(row.status)] {
		return c, epistle.InvalidField("status", "signup.row-status")
	}
	if c.address, err = epistle.ParseAddress(row.address); err != nil {
		return c, err
	}
	if c.name, err = epistle.CleanLine("name", row.name, epistle.MaxName); err != nil {
		return c, err
	}
	if c.language, err = languageNamed(row.language, r.how.Language, c.name); err != nil {
		return c, err
	}
	c.name = strings.Clone(c.name) // the whole row would stay in memory with it
	if row.asked.Before(r.service.Clock()) {
		c.asked = row.asked
	}
	c.line, c.key = row.line, r.service.Store.ImportKey(c.address)
	return c, nil
}

// signup is what staff say of a person of the file.
func (r *importRun) signup(c candidate) epistle.Signup {
	u := epistle.Signup{NewsletterID: r.newsletter.ID, Source: epistle.FromImport, Address: c.address, Name: c.name, Language: c.language,
		StaffID: r.actor.StaffID, Evidence: r.how.Source, CreatedAt: c.asked}
	if r.how.Mode == AskEach {
		// Whom staff vouch for never saw our wording; it would be no evidence.
		u.Wording, u.WordingVersion = r.service.Wording(r.newsletter, c.language), r.newsletter.WordingVersion
	}
	return u
}

// keep settles a batch and counts what became of it.
func (r *importRun) keep(ctx context.Context, window []candidate) error {
	batch := make([]epistle.Signup, len(window))
	for i, c := range window {
		batch[i] = r.signup(c)
	}
	outcomes, err := r.settle(ctx, batch)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done.Rows += int64(len(batch))
	for _, outcome := range outcomes {
		r.done.add(outcome)
	}
	if r.how.Progress != nil {
		r.how.Progress(r.done)
	}
	return nil
}

func (done *Imported) add(outcome epistle.ImportOutcome) {
	switch outcome {
	case epistle.ImportAdded:
		done.Added++
	case epistle.ImportAlready:
		done.Already++
	case epistle.ImportLeftKept:
		done.LeftKept++
	case epistle.ImportSuppressedKept:
		done.SuppressedKept++
	}
}

// batchTries is how often a batch is run when somebody in it signs up at the
// same moment.
const batchTries = 3

func (r *importRun) settle(ctx context.Context, batch []epistle.Signup) ([]epistle.ImportOutcome, error) {
	if r.how.Mode == Vouched && !r.how.DryRun {
		for try := 1; ; try++ {
			outcomes, err := r.service.Store.ImportConfirmed(ctx, r.newsletter.ID, batch)
			if epistle.KindOf(err) != epistle.Conflict || try == batchTries {
				return outcomes, err
			}
		}
	}
	addresses := make([]epistle.Address, len(batch))
	for i, u := range batch {
		addresses[i] = u.Address
	}
	outcomes, err := r.service.Store.ImportStanding(ctx, r.newsletter.ID, addresses)
	if err != nil || r.how.DryRun {
		return outcomes, err
	}
	for i, u := range batch {
		if outcomes[i] != epistle.ImportAdded {
			continue
		}
		waits, err := r.ask(ctx, u)
		if err != nil {
			return nil, err
		}
		if waits {
			outcomes[i] = epistle.ImportAlready
		}
	}
	return outcomes, nil
}

// ask mails a confirmation link, unless one waits already.
func (r *importRun) ask(ctx context.Context, u epistle.Signup) (waits bool, err error) {
	standing, err := r.service.Store.Standing(ctx, r.newsletter.ID, u.Address)
	if err != nil || !standing.PendingUntil.IsZero() {
		return true, err
	}
	mailed, err := r.service.open(ctx, r.newsletter, u, epistle.MailLimit{Mails: 1, Within: 24 * time.Hour}, nil)
	return !mailed, err
}
