package desk

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/web"
)

// ListReader is what the pages of imports read.
type ListReader interface {
	Newsletters(ctx context.Context) ([]epistle.Newsletter, error)
	ImportRun(ctx context.Context, id epistle.ID) (store.ImportRun, error)
}

// Lists is where staff upload a list of people, see what it comes to, and
// import it.
type Lists struct {
	Kernel *web.Kernel
	Store  ListReader
	Verb   *signup.Lists
}

// maxUpload is how many bytes a list may have: some two million people.
const maxUpload = 256 << 20

// Routes is the area's table.
func (l Lists) Routes() []web.Route {
	return []web.Route{
		web.Desk("GET /desk/import", epistle.ImportPeople, l.form),
		web.Desk("POST /desk/import", epistle.ImportPeople, l.upload).KeepBody().MaxBody(maxUpload),
		web.Desk("GET /desk/import/{id}", epistle.ImportPeople, l.show),
		web.Desk("POST /desk/import/{id}", epistle.ImportPeople, l.decide),
	}
}

type listPage struct {
	Form        *web.Form
	Newsletters []epistle.Newsletter
}

func (l Lists) form(w http.ResponseWriter, r *http.Request) error {
	return l.showForm(w, r, web.NewForm("mode", "ask", "language", ""))
}

func (l Lists) showForm(w http.ResponseWriter, r *http.Request, form *web.Form) error {
	newsletters, err := l.Store.Newsletters(r.Context())
	if err != nil {
		return err
	}
	return l.Kernel.Render(w, r, "desk/import", listPage{form, newsletters})
}

// upload reads the form as it comes in, so that a large file never lies
// anywhere but where the verb seals it. The file is the form's last field.
func (l Lists) upload(w http.ResponseWriter, r *http.Request) error {
	parts, err := r.MultipartReader()
	if err != nil {
		return epistle.Errorf(epistle.Invalid, "web.form", err)
	}
	form := web.NewForm()
	id, err := l.take(w, r, parts, form)
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		err = epistle.InvalidField("file", "signup.upload.large")
	}
	if err := l.Kernel.Refuse(r, form, err); err != nil {
		return err
	}
	if form.Failed() {
		return l.showForm(w, r, form)
	}
	return web.Redirect(w, r, listPath(id))
}

// maxField is how long another field of the form may be, in bytes.
const maxField = 8 << 10

func (l Lists) take(w http.ResponseWriter, r *http.Request, parts *multipart.Reader, form *web.Form) (epistle.ID, error) {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return 0, epistle.InvalidField("file", "signup.upload.file")
		}
		if err != nil {
			return 0, uploadError(err)
		}
		if part.FormName() == "file" && part.FileName() != "" {
			how, err := l.how(r.Context(), form)
			if err != nil {
				return 0, err
			}
			id, err := l.Verb.Upload(r.Context(), web.ActorFrom(r.Context()), &patient{part, http.NewResponseController(w)}, how)
			return id, uploadError(err)
		}
		text, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return 0, uploadError(err)
		}
		form.Set(part.FormName(), string(text))
	}
}

// uploadError tells a broken upload from a fault of ours.
func uploadError(err error) error {
	var large *http.MaxBytesError
	if err == nil || errors.As(err, &large) || epistle.KindOf(err) != epistle.Internal {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, multipart.ErrMessageTooLarge) {
		return epistle.Errorf(epistle.Invalid, "web.form", err)
	}
	return err
}

// patient moves the connection's deadline on as long as the upload does.
type patient struct {
	io.Reader
	connection *http.ResponseController
}

// uploadPause is how long an upload may stand still.
const uploadPause = time.Minute

func (p *patient) Read(b []byte) (int, error) {
	deadline := time.Now().Add(uploadPause)
	// Where the connection knows no deadlines, none cuts the upload off.
	_ = p.connection.SetReadDeadline(deadline)
	_ = p.connection.SetWriteDeadline(deadline.Add(uploadPause))
	return p.Reader.Read(b)
}

// how is what the form says about the file.
func (l Lists) how(ctx context.Context, form *web.Form) (signup.Import, error) {
	how := signup.Import{Source: form.Value("source"), Mode: signup.AskEach}
	if form.Value("mode") == "vouched" {
		how.Mode = signup.Vouched
	}
	if language := form.Value("language"); language != "" {
		var err error
		if how.Language, err = epistle.ParseLanguage(language); err != nil {
			return how, err
		}
	}
	newsletters, err := l.Store.Newsletters(ctx)
	if err != nil {
		return how, err
	}
	for _, n := range newsletters {
		if n.Slug == form.Value("newsletter") || len(newsletters) == 1 {
			how.NewsletterID = n.ID
		}
	}
	return how, nil
}

func listPath(id epistle.ID) string { return "/desk/import/" + strconv.FormatInt(id, 10) }

type listRunPage struct {
	Run        store.ImportRun
	Newsletter epistle.Newsletter
	Percent    int64
	Live       bool // it is still going on
	Problems   []listProblem
	More       bool // there are more of them
}

type listProblem struct {
	Line     int
	Sentence string
}

// silent is how long after its last word an import counts as broken off: its
// daemon has ended.
const silent = 2 * time.Minute

func (l Lists) show(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	run, err := l.Store.ImportRun(r.Context(), id)
	if err != nil {
		return err
	}
	page := listRunPage{Run: run, Live: run.State == store.ImportChecking || run.State == store.ImportRunning}
	if page.Live && l.Kernel.Now().Sub(run.UpdatedAt) > silent {
		page.Run.State, page.Live = store.ImportFailed, false
	}
	if run.Size > 0 {
		page.Percent = min(100, run.Done*100/run.Size)
	}
	newsletters, err := l.Store.Newsletters(r.Context())
	if err != nil {
		return err
	}
	for _, n := range newsletters {
		if n.ID == run.NewsletterID {
			page.Newsletter = n
		}
	}
	words := l.Kernel.Words(r)
	for _, p := range run.Problems {
		page.Problems = append(page.Problems, listProblem{p.Line, words.Fill("error."+p.Message, p.Data)})
	}
	page.More = run.Errors > int64(len(run.Problems))
	return l.Kernel.Render(w, r, "desk/import-run", page)
}

func (l Lists) decide(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	actor := web.ActorFrom(r.Context())
	switch web.FormOf(r).Value("do") {
	case "go":
		err = l.Verb.Go(r.Context(), actor, id)
	case "drop":
		err = l.Verb.Drop(r.Context(), actor, id)
	default:
		err = epistle.Errorf(epistle.Invalid, "web.form", nil)
	}
	if epistle.KindOf(err) == epistle.Conflict {
		l.Kernel.Flash(w, r, web.Wait, "error.signup.upload.gone")
		return web.Redirect(w, r, "/desk/import")
	}
	if err != nil {
		return err
	}
	return web.Redirect(w, r, listPath(id))
}
