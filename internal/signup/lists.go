package signup

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"filippo.io/age"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// ListStore keeps how far an import at the desk is.
type ListStore interface {
	CreateImportRun(ctx context.Context, r store.ImportRun, entry epistle.AuditEntry) (epistle.ID, error)
	SaveImportRun(ctx context.Context, r store.ImportRun) error
	ImportRun(ctx context.Context, id epistle.ID) (store.ImportRun, error)
}

// Lists imports files that staff upload: first a dry run, then, at their word,
// the import. Both run in Start, one at a time. An uploaded file lies in an
// unlinked temporary file, sealed with a key that only this process has: when
// the process ends, however it ends, nobody can read it any more.
type Lists struct {
	Service *Service
	Store   ListStore
	Dir     string // for the temporary files

	mu   sync.Mutex
	held map[epistle.ID]*heldList
	work chan listWork
}

// heldList is an uploaded file.
type heldList struct {
	file  *os.File
	key   *age.X25519Identity
	size  int64 // of what was uploaded
	until time.Time
}

// listWork is one dry run or import.
type listWork struct {
	actor epistle.Actor
	run   store.ImportRun
	list  *heldList
}

const (
	// keepList is how long an uploaded file waits for a word of staff.
	keepList = time.Hour
	// listsAtMost is how many files wait at once.
	listsAtMost = 5
	// problemsShown is how many of the rows that are left out the page lists.
	problemsShown = 100
	// saveEvery is how often progress is kept.
	saveEvery = 300 * time.Millisecond
)

// NewLists makes the verb.
func NewLists(s *Service, st ListStore, dir string) *Lists {
	return &Lists{Service: s, Store: st, Dir: dir, held: map[epistle.ID]*heldList{}, work: make(chan listWork, listsAtMost)}
}

// Upload takes a file as it comes in and begins its dry run. Of how, the
// newsletter, Mode, Source and Language count. It needs ImportPeople; the errors
// are those of Import, and Limited when too many files wait.
func (l *Lists) Upload(ctx context.Context, actor epistle.Actor, upload io.Reader, how Import) (epistle.ID, error) {
	if _, err := l.Service.mayImport(ctx, actor, &how); err != nil {
		return 0, err
	}
	l.forget()
	list, err := l.keep(upload)
	if err != nil {
		return 0, err
	}
	run := store.ImportRun{NewsletterID: how.NewsletterID, StaffID: actor.StaffID, Vouched: how.Mode == Vouched, Language: how.Language,
		Source: how.Source, State: store.ImportChecking, Size: list.size}
	if run.ID, err = l.Store.CreateImportRun(ctx, run, l.Service.entry(actor, "import.check")); err != nil {
		return 0, errors.Join(err, list.file.Close())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.held) >= listsAtMost {
		return 0, errors.Join(epistle.Errorf(epistle.Limited, "signup.upload.busy", nil), list.file.Close())
	}
	l.held[run.ID] = list
	l.work <- listWork{actor, run, list} // there is room: one place a held file
	return run.ID, nil
}

// Go imports a file whose dry run was looked at. Conflict "signup.upload.gone"
// if the file is not here any more.
func (l *Lists) Go(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	if err := actor.Require(epistle.ImportPeople); err != nil {
		return err
	}
	run, err := l.Store.ImportRun(ctx, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.held[id]
	if list == nil || run.State != store.ImportChecked {
		return epistle.Errorf(epistle.Conflict, "signup.upload.gone", nil)
	}
	run = store.ImportRun{ID: run.ID, NewsletterID: run.NewsletterID, Vouched: run.Vouched, Language: run.Language, Source: run.Source,
		Size: run.Size, State: store.ImportRunning}
	if err := l.Store.SaveImportRun(ctx, run); err != nil {
		return err
	}
	list.until = l.Service.Clock().Add(24 * time.Hour)
	l.work <- listWork{actor, run, list}
	return nil
}

// Drop forgets an uploaded file.
func (l *Lists) Drop(ctx context.Context, actor epistle.Actor, id epistle.ID) error {
	if err := actor.Require(epistle.ImportPeople); err != nil {
		return err
	}
	run, err := l.Store.ImportRun(ctx, id)
	if err != nil || run.State != store.ImportChecked {
		return err
	}
	l.release(id)
	run.State = store.ImportDropped
	return l.Store.SaveImportRun(ctx, run)
}

// Start works on what was uploaded until ctx ends.
func (l *Lists) Start(ctx context.Context) error {
	sweep := time.NewTicker(time.Minute)
	defer sweep.Stop()
	defer l.releaseAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-sweep.C:
			l.forget()
		case w := <-l.work:
			l.do(ctx, w)
		}
	}
}

// do is one dry run or import, with its progress.
func (l *Lists) do(ctx context.Context, w listWork) {
	run := w.run
	read := &countingReader{}
	saved := time.Time{}
	how := Import{NewsletterID: run.NewsletterID, Source: run.Source, Language: run.Language, DryRun: run.State == store.ImportChecking,
		RowError: func(e RowError) {
			read.mu.Lock()
			defer read.mu.Unlock()
			var known *epistle.Error
			if len(run.Problems) < problemsShown && errors.As(e.Err, &known) {
				run.Problems = append(run.Problems, store.ImportProblem{Line: e.Line, Message: known.Message, Data: known.Data})
			}
		}}
	if run.Vouched {
		how.Mode = Vouched
	}
	count := func(done Imported) store.ImportRun {
		read.mu.Lock()
		defer read.mu.Unlock()
		run.Done, run.Rows, run.Added, run.Already = read.bytes, done.Rows, done.Added, done.Already
		run.LeftKept, run.Suppressed, run.Errors = done.LeftKept, done.SuppressedKept, done.Errors
		return run
	}
	how.Progress = func(done Imported) {
		if now := time.Now(); now.Sub(saved) > saveEvery { // a duration of the machine's, whatever the clock says
			saved = now
			if err := l.Store.SaveImportRun(ctx, count(done)); err != nil && ctx.Err() == nil {
				l.Service.Log.WarnContext(ctx, "the progress of an import was not kept", "import", run.ID, "error", err)
			}
		}
	}
	done, err := l.read(ctx, w, read, how)
	run = count(done)
	switch {
	case err != nil:
		run.State = store.ImportFailed
		var known *epistle.Error
		if errors.As(err, &known) && known.Kind == epistle.Invalid {
			run.Problems = append(run.Problems, store.ImportProblem{Message: known.Message, Data: known.Data})
		} else {
			l.Service.Log.ErrorContext(ctx, "an import stopped before its end", "import", run.ID, "error", err)
		}
	case how.DryRun:
		run.State = store.ImportChecked
	default:
		run.State = store.ImportDone
	}
	if run.State != store.ImportChecked {
		l.release(run.ID)
	}
	if err := l.Store.SaveImportRun(context.WithoutCancel(ctx), run); err != nil {
		l.Service.Log.ErrorContext(ctx, "the end of an import was not kept", "import", run.ID, "error", err)
	}
}

func (l *Lists) read(ctx context.Context, w listWork, count *countingReader, how Import) (Imported, error) {
	if _, err := w.list.file.Seek(0, io.SeekStart); err != nil {
		return Imported{}, err
	}
	opened, err := age.Decrypt(w.list.file, w.list.key)
	if err != nil {
		return Imported{}, err
	}
	count.from = opened
	return l.Service.Import(ctx, w.actor, count, how)
}

// keep writes an upload to a sealed file without a name.
func (l *Lists) keep(upload io.Reader) (_ *heldList, err error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(l.Dir, ".list-*")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	if err := os.Remove(file.Name()); err != nil {
		return nil, err
	}
	sealed, err := age.Encrypt(file, key.Recipient())
	if err != nil {
		return nil, err
	}
	size, err := io.Copy(sealed, upload)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return nil, epistle.InvalidField("file", "signup.upload.file")
	}
	return &heldList{file: file, key: key, size: size, until: l.Service.Clock().Add(keepList)}, sealed.Close()
}

// forget drops the files that nobody came back to.
func (l *Lists) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, list := range l.held {
		if len(l.work) == 0 && l.Service.Clock().After(list.until) {
			_ = list.file.Close()
			delete(l.held, id)
		}
	}
}

func (l *Lists) release(id epistle.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if list := l.held[id]; list != nil {
		_ = list.file.Close()
		delete(l.held, id)
	}
}

func (l *Lists) releaseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, list := range l.held {
		_ = list.file.Close()
		delete(l.held, id)
	}
}

// countingReader counts what is read, and guards what belongs to the count.
type countingReader struct {
	from io.Reader

	mu    sync.Mutex
	bytes int64
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bytes += int64(n)
	return n, err
}
