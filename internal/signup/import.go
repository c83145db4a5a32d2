package signup

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// ImportStore takes people in batches.
type ImportStore interface {
	ImportConfirmed(ctx context.Context, newsletter epistle.ID, people []epistle.Signup) ([]epistle.ImportOutcome, error)
	ImportStanding(ctx context.Context, newsletter epistle.ID, addresses []epistle.Address) ([]epistle.ImportOutcome, error)
}

// Import says how a file of people becomes subscribers.
type Import struct {
	NewsletterID epistle.ID
	Mode         ImportMode
	Source       string           // where the list comes from; kept as evidence
	Language     epistle.Language // of rows that name none; empty: Korean for names in Hangul, else English
	DryRun       bool             // counts only, changes nothing
	Progress     func(Imported)   // called after every batch, one call at a time; may be nil
	RowError     func(RowError)   // called for every row that was left out, in the order of the file; may be nil
}

// ImportMode says what stands behind the rows.
type ImportMode int

const (
	// AskEach mails a confirmation link to everybody who is not known yet.
	AskEach ImportMode = iota
	// Vouched makes everybody a subscriber at once: staff vouch that they asked,
	// and Source says how.
	Vouched
)

// Imported counts what became of the rows.
type Imported struct {
	Rows           int64 // read so far, without the headings
	Added          int64 // subscribers (Vouched) or confirmation mails (AskEach)
	Already        int64 // subscribed or asked before
	LeftKept       int64 // left by their own wish, and stay gone
	SuppressedKept int64 // must not be mailed, and are not
	Errors         int64
}

// RowError is a row that was left out. Neither it nor its error repeats what
// stood in the row.
type RowError struct {
	Line int // of the file, from 1
	Err  error
}

// Import reads a file with one person a row and keeps them batch by batch, in
// bounded memory. The file is CSV with commas, semicolons or tabs, in UTF-8,
// UTF-16 or CP949, with headings for address, name and language in English or
// Korean. A row that is wrong is reported and left out. Nobody who left or must
// not be mailed is brought back. It may be repeated, after a break too.
//
// It needs the permission ImportPeople. Invalid names the field "source" (needed
// when staff vouch), "newsletter", or "file" for a file that cannot be read as
// a list of people.
func (s *Service) Import(ctx context.Context, actor epistle.Actor, file io.Reader, how Import) (Imported, error) {
	newsletter, err := s.mayImport(ctx, actor, &how)
	if err != nil {
		return Imported{}, err
	}
	rows, err := newPeopleReader(file)
	if err != nil {
		return Imported{}, err
	}
	run := importRun{service: s, actor: actor, newsletter: newsletter, how: how, seen: newOnce()}
	err = run.all(ctx, rows)
	return run.done, err
}

// mayImport checks all that does not stand in the file.
func (s *Service) mayImport(ctx context.Context, actor epistle.Actor, how *Import) (newsletter epistle.Newsletter, err error) {
	if err := actor.Require(epistle.ImportPeople); err != nil {
		return newsletter, err
	}
	if newsletter, err = s.newsletter(ctx, how.NewsletterID); err != nil {
		return newsletter, err
	}
	how.Source, err = epistle.CleanText("source", how.Source, maxEvidence)
	switch {
	case err != nil:
		return newsletter, err
	case how.Mode == Vouched && how.Source == "":
		return newsletter, epistle.InvalidField("source", "signup.source")
	case how.Mode == Vouched && newsletter.Consent.Separate:
		return newsletter, epistle.InvalidField("mode", "signup.import.separate")
	}
	return newsletter, nil
}

// importRun is one import on its way: one goroutine reads and checks the rows,
// some others seal and keep them, batch by batch.
type importRun struct {
	service    *Service
	actor      epistle.Actor
	newsletter epistle.Newsletter
	how        Import
	seen       *once // addresses of the file

	mu   sync.Mutex
	done Imported
}

// keepers is how many batches are on their way into the database at once: while
// one waits for the disk, others are sealed.
const keepers = 3

func (r *importRun) all(ctx context.Context, rows *peopleReader) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []epistle.Signup)
	group.Go(func() error {
		defer close(batches)
		return r.read(ctx, rows, batches)
	})
	for range keepers {
		group.Go(func() error {
			for batch := range batches {
				if err := r.keep(ctx, batch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// read gathers the rows that can be read into batches.
func (r *importRun) read(ctx context.Context, rows *peopleReader, batches chan<- []epistle.Signup) error {
	batch := make([]epistle.Signup, 0, store.ImportBatch)
	pass := func() error {
		select {
		case batches <- batch:
			batch = make([]epistle.Signup, 0, store.ImportBatch)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return pass()
		}
		var u epistle.Signup
		var left *RowError
		if err == nil {
			if u, err = r.person(row); err != nil {
				left = &RowError{Line: row.line, Err: err}
			}
		} else if !errors.As(err, &left) {
			return err
		}
		switch {
		case left != nil:
			r.leaveOut(*left)
		case !r.seen.first(u.Address.Canonical()):
			r.count(func(done *Imported) { done.Rows++; done.Already++ })
		default:
			if batch = append(batch, u); len(batch) == store.ImportBatch {
				if err := pass(); err != nil {
					return err
				}
			}
		}
	}
}

func (r *importRun) count(change func(*Imported)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.done)
}

func (r *importRun) leaveOut(e RowError) {
	r.count(func(done *Imported) { done.Rows++; done.Errors++ })
	if r.how.RowError != nil {
		r.how.RowError(e)
	}
}

// person checks one row.
func (r *importRun) person(row personRow) (epistle.Signup, error) {
	if gone[heading(row.status)] {
		return epistle.Signup{}, epistle.InvalidField("status", "signup.row-status")
	}
	address, err := epistle.ParseAddress(row.address)
	if err != nil {
		return epistle.Signup{}, err
	}
	name, err := epistle.CleanLine("name", row.name, epistle.MaxName)
	if err != nil {
		return epistle.Signup{}, err
	}
	language, err := languageNamed(row.language, r.how.Language, name)
	if err != nil {
		return epistle.Signup{}, err
	}
	u := epistle.Signup{NewsletterID: r.newsletter.ID, Source: epistle.FromImport, Address: address, Name: name, Language: language,
		StaffID: r.actor.StaffID, Evidence: r.how.Source}
	if row.asked.Before(r.service.Clock()) {
		u.CreatedAt = row.asked
	}
	if r.how.Mode == AskEach {
		// Whom staff vouch for never saw our wording; it would be no evidence.
		u.Wording, u.WordingVersion = r.service.Wording(r.newsletter, language), r.newsletter.WordingVersion
	}
	return u, nil
}

// keep settles a batch and counts what became of it.
func (r *importRun) keep(ctx context.Context, batch []epistle.Signup) error {
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
