package signup

import (
	"context"
	"io"

	"epistle/internal/epistle"
)

// ImportStore takes people in batches.
type ImportStore interface {
	ImportKey(a epistle.Address) uint64
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
// bounded memory and not quite in the order of the file. The file is CSV with commas, semicolons or tabs, in UTF-8,
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
	run := importRun{service: s, actor: actor, newsletter: newsletter, how: how}
	if how.DryRun || how.Mode == AskEach { // what else tells of a row that came before
		run.seen = once{}
	}
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
