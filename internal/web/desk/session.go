package desk

import (
	"context"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"epistle/internal/account"
	"epistle/internal/epistle"
	"epistle/internal/web"
)

// How long a session lasts: without a request, and at all.
const (
	sessionIdle     = 12 * time.Hour
	sessionLifetime = 7 * 24 * time.Hour
)

// What a session holds.
const (
	sessionStaff = "staff" // id
	sessionStamp = "stamp" // see account.SignedIn
	sessionSince = "since" // microseconds
)

// SessionStore keeps sessions under the hashes of their tokens.
type SessionStore interface {
	Session(ctx context.Context, tokenHash string) (data []byte, found bool, err error)
	SaveSession(ctx context.Context, tokenHash string, staffID epistle.ID, data []byte, expires time.Time) error
	RenewSession(ctx context.Context, tokenHash string, staffID epistle.ID, data []byte, expires time.Time) error
	EndSession(ctx context.Context, tokenHash string) error
	RecoveryConfirmedAt(ctx context.Context) (time.Time, error)
}

// Sessions knows who is signed in; it is the kernel's guard.
type Sessions struct {
	kernel  *web.Kernel
	account *account.Service
	store   SessionStore
	manager *scs.SessionManager
}

// NewSessions makes the guard of the desk.
func NewSessions(k *web.Kernel, a *account.Service, s SessionStore) *Sessions {
	m := scs.New()
	m.IdleTimeout, m.Lifetime = sessionIdle, sessionLifetime
	m.HashTokenInStore = true
	m.Store = scsStore{store: s, codec: m.Codec, now: k.Now}
	m.Cookie.Name = k.CookieName("epistle-session")
	m.Cookie.Secure = k.Secure()
	m.Cookie.HttpOnly = true
	m.Cookie.SameSite = http.SameSiteLaxMode
	m.Cookie.Path = "/"
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		k.Handle(func(http.ResponseWriter, *http.Request) error { return err }).ServeHTTP(w, r)
	}
	return &Sessions{kernel: k, account: a, store: s, manager: m}
}

// Load is the guard's part of a request; see web.Guard.
func (s *Sessions) Load(next http.Handler) http.Handler {
	inner := s.manager.LoadAndSave(s.kernel.Handle(func(w http.ResponseWriter, r *http.Request) error {
		ctx, err := s.identify(r.Context())
		if err != nil {
			return err
		}
		next.ServeHTTP(w, r.WithContext(ctx))
		return nil
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, new(string))))
	})
}

// foundKey is the context key of the session, by its hash, that the request came
// in with.
type foundKey struct{}

// identify puts the session's member into the context. A session that is too
// old, or whose member was disabled or has another password by now, ends.
func (s *Sessions) identify(ctx context.Context) (context.Context, error) {
	id := s.manager.GetInt64(ctx, sessionStaff)
	if id == 0 {
		return ctx, nil
	}
	since := time.UnixMicro(s.manager.GetInt64(ctx, sessionSince))
	member, err := s.account.Current(ctx, id, s.manager.GetString(ctx, sessionStamp))
	if epistle.KindOf(err) == epistle.NotFound && err != nil || s.kernel.Now().Sub(since) >= sessionLifetime {
		return ctx, s.manager.Destroy(ctx)
	}
	if err != nil {
		return ctx, err
	}
	return s.withBanner(web.WithStaff(ctx, member), member)
}

// withBanner reminds admins of the recovery sheet until one confirms it.
func (s *Sessions) withBanner(ctx context.Context, m epistle.StaffMember) (context.Context, error) {
	if !m.Actor().May(epistle.ConfirmSheet) {
		return ctx, nil
	}
	at, err := s.store.RecoveryConfirmedAt(ctx)
	if err != nil || !at.IsZero() {
		return ctx, err
	}
	return web.WithBanner(ctx, web.Banner{Key: "account.recovery.banner", Link: "/desk/recovery", Label: "account.recovery.banner.link"}), nil
}

// open signs a member in under a fresh token, so that a token from before is
// worth nothing.
func (s *Sessions) open(ctx context.Context, in account.SignedIn) error {
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	s.manager.Put(ctx, sessionStaff, in.Member.ID)
	s.manager.Put(ctx, sessionStamp, in.Stamp)
	s.manager.Put(ctx, sessionSince, s.kernel.Now().UnixMicro())
	return nil
}

func (s *Sessions) close(ctx context.Context) error { return s.manager.Destroy(ctx) }

// scsStore lets the session manager use our store. The manager reckons with
// the machine's clock; what is kept is reckoned with ours.
type scsStore struct {
	store SessionStore
	codec scs.Codec
	now   func() time.Time
}

var _ scs.CtxStore = scsStore{}

func (s scsStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	data, ok, err := s.store.Session(ctx, token)
	if at, known := ctx.Value(foundKey{}).(*string); known && ok {
		*at = token
	}
	return data, ok, err
}

func (s scsStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	_, values, err := s.codec.Decode(data)
	if err != nil {
		return err
	}
	staffID, _ := values[sessionStaff].(int64)
	if at, known := ctx.Value(foundKey{}).(*string); known && *at == token {
		// It may have been ended meanwhile, and must stay so.
		return s.store.RenewSession(ctx, token, staffID, data, s.now().Add(time.Until(expiry)))
	}
	return s.store.SaveSession(ctx, token, staffID, data, s.now().Add(time.Until(expiry)))
}

func (s scsStore) DeleteCtx(ctx context.Context, token string) error {
	return s.store.EndSession(ctx, token)
}

// The manager calls the methods above; these complete its interface.

func (s scsStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s scsStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

func (s scsStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
