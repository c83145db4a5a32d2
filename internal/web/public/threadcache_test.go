package public_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/storetest"
)

// eachPair runs a test on two daemons that share a database: on SQLite the same
// process opens it twice, on PostgreSQL each has connections of its own.
func eachPair(t *testing.T, test func(t *testing.T, one, other *reader)) {
	t.Helper()
	for name, databaseURL := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		t.Run(name, func(t *testing.T) {
			clock, key, url := storetest.NewClock(), seal.NewKey(), databaseURL(t)
			one := visitFirst(t, storetest.OpenWithKey(t, url, clock.Now, key), clock)
			test(t, one, visitDaemon(t, storetest.OpenWithKey(t, url, clock.Now, key), clock, one.page))
		})
	}
}

var author = epistle.StaffActor(1, epistle.Author)

// writes has somebody comment and a moderator approve it.
func (v *reader) writes(body string, to epistle.ID) epistle.ID {
	v.t.Helper()
	posted, err := v.store.PostComment(v.t.Context(), epistle.Comment{PageID: v.page.ID, ParentID: to, Name: "Solveig Moen", Address: "solveig@example.org",
		Body: body, Language: epistle.English})
	if err != nil {
		v.t.Fatal(err)
	}
	v.decides(v.verb.Approve(v.t.Context(), author, posted.ID, epistle.CommentPending))
	v.clock.Advance(time.Second)
	return posted.ID
}

func (v *reader) decides(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// views are the ways in which a thread is shown.
var views = []string{thread, thread + "&lang=ko", "/comments/embed?page=" + garden, "/comments/embed?page=" + garden + "&lang=ko"}

// seen is what one view shows now.
func (v *reader) seen(view string) string {
	v.t.Helper()
	status, body := v.get(view)
	if status != http.StatusOK {
		v.t.Fatalf("%s: status %d", view, status)
	}
	return body
}

// blogSays has a WordPress site tell of a comment.
func (v *reader) blogSays(site epistle.ID, telling epistle.Telling, body string) error {
	v.t.Helper()
	v.clock.Advance(time.Minute)
	_, err := v.store.TakeArrivals(v.t.Context(), site, []epistle.Arrival{{SiteID: site, SourceID: 7, Telling: telling, At: v.clock.Now(), Origin: epistle.FromWordPress,
		State: epistle.CommentApproved, PageURL: garden, PageTitle: "A Garden Between Houses", Name: "Joon", Address: "joon@example.org", Body: body,
		Language: epistle.English, CreatedAt: v.clock.Now()}})
	return err
}

func TestAChangeOfAThreadShowsAtOnceOnEveryDaemon(t *testing.T) {
	eachPair(t, func(t *testing.T, one, other *reader) {
		ctx, entry := t.Context(), epistle.AuditEntry{Actor: epistle.SystemActor(), At: one.clock.Now()}
		staff, err := one.store.CreateStaff(ctx, epistle.SystemActor(), epistle.StaffMember{Address: "hana@lantern.example", Name: "Hana", Role: epistle.Author, Language: epistle.English}, "none", nil, nil)
		one.decides(err)
		site, err := one.store.CreateSite(ctx, epistle.Site{Slug: "blog", URL: "https://lantern.example/", Secret: "whsec_none"}, entry)
		one.decides(err)
		first := one.writes("The first word.", 0)
		answer := one.writes("An answer to it.", first)
		second := one.writes("The second word.", 0)
		one.decides(one.blogSays(site.ID, epistle.ToldCreated, "Told by the blog."))
		newsletters, err := one.store.Newsletters(ctx)
		one.decides(err)
		newsletter := newsletters[0]
		for _, c := range []struct {
			name         string
			change       func() error
			shows, hides []string
		}{
			{"nothing yet", func() error { return nil }, []string{"The first word.", "An answer to it.", "The second word.", "Told by the blog."}, nil},
			{"an answer goes to the trash", func() error { return one.verb.Trash(ctx, author, answer, epistle.CommentApproved) }, nil, []string{"An answer to it."}},
			{"and comes back", func() error {
				return errors.Join(other.verb.Restore(ctx, author, answer, epistle.CommentTrash), other.verb.Approve(ctx, author, answer, epistle.CommentPending))
			}, []string{"An answer to it."}, nil},
			{"a comment is spam after all", func() error { return one.verb.Spam(ctx, author, first, epistle.CommentApproved) },
				[]string{"The second word."}, []string{"The first word.", "An answer to it."}},
			{"staff answer", func() error {
				_, err := other.verb.Reply(ctx, epistle.StaffActor(staff, epistle.Author), signup.Answer{To: second, Seen: epistle.CommentApproved, Name: "Hana", Body: "We thank you."})
				return err
			}, []string{"We thank you."}, nil},
			{"the blog edits a comment", func() error { return one.blogSays(site.ID, epistle.ToldNow, "Edited at the blog.") },
				[]string{"Edited at the blog."}, []string{"Told by the blog."}},
			{"and deletes it", func() error { return other.blogSays(site.ID, epistle.ToldDeleted, "Edited at the blog.") }, nil, []string{"Edited at the blog."}},
			{"sign-ups close", func() error { return one.store.SetSignupsClosed(ctx, one.clock.Now(), entry) },
				[]string{"The second word."}, []string{"It covers all of our work.", "저희의 모든 사역을 전합니다."}},
			{"and open again", func() error { return other.store.SetSignupsClosed(ctx, time.Time{}, entry) }, nil, nil},
			{"the newsletter is worded anew", func() error {
				newsletter.Covers.EN, newsletter.Covers.KO = "It covers our garden.", "정원 소식을 전합니다."
				newsletter, err = other.store.UpdateNewsletter(ctx, newsletter, entry)
				return err
			}, nil, []string{"It covers all of our work.", "저희의 모든 사역을 전합니다."}},
			{"the page has another title", func() error {
				return one.store.UpdatePage(ctx, epistle.Page{ID: one.page.ID, Title: epistle.Text{EN: "Another Name", KO: "다른 이름"}}, entry)
			}, []string{"The second word."}, []string{"A Garden Between Houses", "집과 집 사이의 정원"}},
		} {
			each := func(check func(body, where string)) {
				for daemon, v := range []*reader{one, other} {
					for _, view := range views {
						check(v.seen(view), fmt.Sprintf("%s: daemon %d, %s", c.name, daemon+1, view))
					}
				}
			}
			each(func(string, string) {}) // rendered, and kept
			if err := c.change(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			each(func(body, where string) {
				for _, want := range c.shows {
					if !strings.Contains(body, want) {
						t.Errorf("%s does not show %q", where, want)
					}
				}
				for _, gone := range c.hides {
					if strings.Contains(body, gone) {
						t.Errorf("%s still shows %q", where, gone)
					}
				}
			})
		}
	})
}

// A box that is worded anew in one language has another version in all of them.
func TestTheBoxNamesTheWordingThatCounts(t *testing.T) {
	v := visit(t)
	v.seen(thread)
	newsletters, err := v.store.Newsletters(t.Context())
	v.decides(err)
	next := newsletters[0]
	next.Covers.KO = "정원 소식을 전합니다."
	_, err = v.store.UpdateNewsletter(t.Context(), next, epistle.AuditEntry{Actor: epistle.SystemActor()})
	v.decides(err)
	form := v.filled(thread)
	form.Set("updates", "yes")
	if status, body := v.post(form); status != http.StatusOK || !strings.Contains(body, "A mail is on its way") {
		t.Errorf("the form that was shown is refused: status %d", status)
	}
}

// While many look at a thread, comments go one after the other: no answer to a
// request that began after one was gone may show it.
func TestNobodySeesACommentThatIsGone(t *testing.T) {
	eachPair(t, func(t *testing.T, one, other *reader) {
		ids := make([]epistle.ID, 30)
		for i := range ids {
			ids[i] = one.writes(fmt.Sprintf("Word %d ends.", i), 0)
		}
		var gone atomic.Int64
		looked := make(chan struct{})
		ctx, end := context.WithCancel(t.Context())
		group, ctx := errgroup.WithContext(ctx)
		for i := range 8 {
			v := []*reader{one, other}[i%2]
			group.Go(func() error {
				for {
					n := gone.Load()
					response, err := http.Get(v.server.URL + views[i/2%len(views)])
					if err != nil {
						return err
					}
					body, err := io.ReadAll(response.Body)
					if err := errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
						return fmt.Errorf("status %d, %w", response.StatusCode, err)
					}
					for i := range n {
						if strings.Contains(string(body), fmt.Sprintf("Word %d ends.", i)) {
							return fmt.Errorf("comment %d is shown after %d were gone", i, n)
						}
					}
					select {
					case looked <- struct{}{}:
					case <-ctx.Done():
						return nil
					}
				}
			})
		}
		for i, id := range ids {
			verb := []*reader{one, other}[i%2].verb
			if err := verb.Trash(t.Context(), author, id, epistle.CommentApproved); err != nil {
				t.Error(err)
			}
			gone.Store(int64(i + 1))
			for range 8 { // everybody may look in between
				select {
				case <-looked:
				case <-ctx.Done():
				}
			}
		}
		end()
		if err := group.Wait(); err != nil {
			t.Error(err)
		}
	})
}

func TestMemoryForThreadsIsBounded(t *testing.T) {
	v := visit(t)
	for i := range 100 {
		v.writes(fmt.Sprintf("%d %s", i, strings.Repeat("long ", 700)), 0)
	}
	before := heap()
	for i := range 60 { // some 700 kB each, all different
		v.seen(fmt.Sprintf("%s&after=0&lang=en&after=%d", thread, i))
	}
	if grown := heap() - before; grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
