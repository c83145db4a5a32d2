package store

import (
	"context"
	"encoding/json"
	"time"

	"epistle/internal/epistle"
)

// ImportRun is an import at the desk: what was asked for, and how far it is.
type ImportRun struct {
	ID           epistle.ID
	NewsletterID epistle.ID
	StaffID      epistle.ID
	Vouched      bool
	Language     epistle.Language // of rows that name none; "" goes by the name
	Source       string
	State        ImportState
	Size, Done   int64 // bytes of the file, and of these read so far
	Rows         int64
	Added        int64
	Already      int64
	LeftKept     int64
	Suppressed   int64
	Errors       int64
	Problems     []ImportProblem // the first of them
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// ImportState is where an import stands.
type ImportState string

const (
	ImportChecking ImportState = "checking" // a dry run
	ImportChecked  ImportState = "checked"  // waits for a word of staff
	ImportRunning  ImportState = "running"
	ImportDone     ImportState = "done"
	ImportFailed   ImportState = "failed"
	ImportDropped  ImportState = "cancelled"
)

// ImportProblem is a row that was left out. Nothing of what stood in it is kept.
type ImportProblem struct {
	Line    int            `json:"line"`
	Message string         `json:"message"` // a key of the catalogue, below "error."
	Data    map[string]any `json:"data,omitempty"`
}

const (
	runVouched = "vouched"
	runAsking  = "ask"
)

// CreateImportRun keeps a new import and returns its id. The entry's subject is
// filled in.
func (s *Store) CreateImportRun(ctx context.Context, r ImportRun, entry epistle.AuditEntry) (epistle.ID, error) {
	first, err := s.newIDs(ctx, 2)
	if err != nil {
		return 0, err
	}
	entry.Subject, entry.SubjectID = "import", first
	mode := runAsking
	if r.Vouched {
		mode = runVouched
	}
	x := s.sealer("import_run", first)
	source := x.seal("source", r.Source)
	if x.err != nil {
		return 0, x.err
	}
	now := micros(s.clock())
	return first, s.write(ctx, func(q queries) error {
		if _, err := q.exec(ctx, `INSERT INTO import_run (id, newsletter_id, staff_id, mode, language, source_sealed, state, size, created_at, updated_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, first, r.NewsletterID, r.StaffID, mode, string(r.Language), source, string(r.State), r.Size, now, now); err != nil {
			return err
		}
		return insertAudit(ctx, q, first+1, entry)
	})
}

// SaveImportRun keeps how far an import is.
func (s *Store) SaveImportRun(ctx context.Context, r ImportRun) error {
	problems, err := json.Marshal(r.Problems)
	if err != nil {
		return err
	}
	return s.write(ctx, func(q queries) error {
		_, err := q.exec(ctx, `UPDATE import_run SET state = ?, done = ?, line_count = ?, added = ?, already = ?, left_kept = ?, suppressed_kept = ?,
			errors = ?, problems = ?, updated_at = ? WHERE id = ?`,
			string(r.State), r.Done, r.Rows, r.Added, r.Already, r.LeftKept, r.Suppressed, r.Errors, string(problems), micros(s.clock()), r.ID)
		return err
	})
}

// ImportRun finds an import; NotFound if there is none.
func (s *Store) ImportRun(ctx context.Context, id epistle.ID) (ImportRun, error) {
	var row struct {
		ID           int64
		NewsletterID int64 `db:"newsletter_id"`
		StaffID      int64 `db:"staff_id"`
		Mode         string
		Language     string
		SourceSealed []byte `db:"source_sealed"`
		State        string
		Size, Done   int64
		Lines        int64 `db:"line_count"`
		Added        int64
		Already      int64
		LeftKept     int64 `db:"left_kept"`
		Suppressed   int64 `db:"suppressed_kept"`
		Errors       int64
		Problems     string
		CreatedAt    int64 `db:"created_at"`
		UpdatedAt    int64 `db:"updated_at"`
	}
	if err := s.read().get(ctx, &row, `SELECT id, newsletter_id, staff_id, mode, language, source_sealed, state, size, done, line_count, added, already,
		left_kept, suppressed_kept, errors, problems, created_at, updated_at FROM import_run WHERE id = ?`, id); err != nil {
		return ImportRun{}, s.mapError(ctx, err)
	}
	x := s.sealer("import_run", row.ID)
	r := ImportRun{ID: row.ID, NewsletterID: row.NewsletterID, StaffID: row.StaffID, Vouched: row.Mode == runVouched, Language: epistle.Language(row.Language),
		Source: x.unseal("source", row.SourceSealed), State: ImportState(row.State), Size: row.Size, Done: row.Done, Rows: row.Lines, Added: row.Added,
		Already: row.Already, LeftKept: row.LeftKept, Suppressed: row.Suppressed, Errors: row.Errors,
		CreatedAt: fromMicros(row.CreatedAt), UpdatedAt: fromMicros(row.UpdatedAt)}
	if x.err != nil {
		return r, x.err
	}
	return r, json.Unmarshal([]byte(row.Problems), &r.Problems)
}
