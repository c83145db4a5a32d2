package public_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/metrics"
	"epistle/internal/seal"
	"epistle/internal/signup"
	"epistle/internal/store"
	"epistle/internal/storetest"
	"epistle/internal/web/public"
	"epistle/internal/web/webtest"
)

// street is where strangers come from, to a ministry with both public forms.
type street struct {
	*door
	comments *signup.Comments
	gate     signup.Gate
	metrics  *metrics.Metrics
}

const (
	home     = "[2001:db8:1:1::1]:40000"
	sameHome = "[2001:db8:1:1:ffff::2]:40000" // in the same /64
	nextDoor = "[2001:db8:1:2::1]:40000"
)

func eachStreet(t *testing.T, strangers signup.Strangers, test func(t *testing.T, s *street)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.Store, clock *storetest.Clock) {
		s := &street{door: newDoor(t, db, clock), metrics: metrics.New(db), gate: signup.Gate{Store: db, Clock: clock.Now}}
		quiet := slog.New(slog.DiscardHandler)
		s.verb = signup.New(signup.Options{Store: db, Catalog: webtest.Catalog(t), Keys: db.Keys(), Clock: clock.Now, Log: quiet,
			Strangers: strangers, Count: s.metrics.Count("signup", signup.Outcomes)})
		s.comments = signup.NewComments(signup.CommentOptions{Store: db, Requests: s.verb, Stamps: s.stamps, Keys: db.Keys(), Clock: clock.Now,
			Log: quiet, Sites: []string{"blog.lantern.example"}, Count: s.metrics.Count("comment", signup.Outcomes)})
		kernel := webtest.Kernel(t, clock.Now)
		s.handler = kernel.Handler(nil, public.NewSubscribe(kernel, s.verb, s.stamps), public.Comments{Kernel: kernel, Store: db, Verb: s.comments})
		test(t, s)
	})
}

// visitor is the address of one of many visitors, each with a network of their
// own.
func visitor(n int) string { return fmt.Sprintf("198.51.%d.%d:40000", n/250, n%250+1) }

// postFrom sends a form of ours from a network address.
func (s *street) postFrom(from, path string, pairs ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	webtest.NoMissingWords(s.t, w.Body.String())
	return w
}

// asks fills in the sign-up form as a person does, and says what is otherwise.
func (s *street) asks(from, address string, pairs ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	stamp := s.stamps.New()
	s.clock.Advance(5 * time.Second)
	return s.postFrom(from, "/subscribe", append([]string{"stamp", stamp, "language", "en", "email", address, "name", "Solveig"}, pairs...)...)
}

// writes is asks for the form under a page.
func (s *street) writes(from, address, text string, pairs ...string) *httptest.ResponseRecorder {
	s.t.Helper()
	stamp := s.stamps.New()
	s.clock.Advance(5 * time.Second)
	return s.postFrom(from, "/comments", append([]string{"stamp", stamp, "page", "https://blog.lantern.example/garden", "name", "Solveig",
		"email", address, "comment", text, "wording", "1"}, pairs...)...)
}

// counted checks the whole of a form's counters, as Prometheus reads them.
func (s *street) counted(form string, want map[string]int) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	got, all := map[string]int{}, 0
	for line := range strings.Lines(w.Body.String()) {
		rest, ok := strings.CutPrefix(line, `epistle_public_posts_total{form="`+form+`",outcome="`)
		if !ok {
			continue
		}
		all++
		outcome, number, _ := strings.Cut(rest, `"} `)
		var n int
		if _, err := fmt.Sscan(number, &n); err != nil {
			s.t.Fatal(err)
		}
		if n > 0 {
			got[outcome] = n
		}
	}
	if all != len(signup.Outcomes) {
		s.t.Errorf("%d counters of %s are told, want %d", all, form, len(signup.Outcomes))
	}
	if !maps.Equal(got, want) {
		s.t.Errorf("%s is counted as %v, want %v", form, got, want)
	}
}

// sameAnswer fails unless two visitors were answered alike.
func sameAnswer(t *testing.T, what string, a, b *httptest.ResponseRecorder) {
	t.Helper()
	if a.Code != b.Code || a.Body.String() != b.Body.String() || a.Header().Get("Location") != b.Header().Get("Location") {
		t.Errorf("%s: answered %d to %q and %d to %q", what, a.Code, a.Header().Get("Location"), b.Code, b.Header().Get("Location"))
	}
}

// capped fails unless the form comes back with a sentence about the cap, and
// with what was typed.
func capped(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	wantStatus(t, w, http.StatusUnprocessableEntity)
	wantText(t, w, "Please try again in a", `value="reader`)
}

func TestAProgramThatFillsInTheTrapLearnsNothing(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		person := s.asks(visitor(1), "person@example.org")
		if len(s.mails()) != 1 {
			t.Fatal("the person is not mailed")
		}
		sameAnswer(t, "a program at the sign-up", s.asks(visitor(2), "program@example.org", "website", "https://spam.example"), person)
		reader := s.writes(visitor(1), "person@example.org", "Amen.")
		sameAnswer(t, "a program under a page", s.writes(visitor(2), "program@example.org", "Buy now", "website", "https://spam.example"), reader)
		if waiting, err := s.store.CommentQueue(t.Context(), store.CommentFilter{State: epistle.CommentPending, Limit: 10}); err != nil || len(waiting) != 1 {
			t.Errorf("%d comments wait, error %v", len(waiting), err)
		}
		if len(s.mails()) != 0 {
			t.Error("the program is mailed")
		}
		s.counted("signup", map[string]int{signup.Taken: 1, signup.Trapped: 1})
		s.counted("comment", map[string]int{signup.Taken: 1, signup.Trapped: 1})
	})
}

func TestFormsThatComeBackTooSoonOrTooLate(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		s.asks(visitor(1), "known@example.org")
		for _, c := range []struct {
			after time.Duration
			stamp string
		}{{time.Second, s.stamps.New()}, {25 * time.Hour, s.stamps.New()}, {0, "forged"}, {0, ""}} {
			s.clock.Advance(c.after)
			var first *httptest.ResponseRecorder
			for _, address := range []string{"known@example.org", "other@example.org"} {
				w := s.postFrom(visitor(2), "/subscribe", "stamp", c.stamp, "language", "en", "email", address)
				wantStatus(t, w, http.StatusUnprocessableEntity)
				if first != nil && strings.ReplaceAll(cutStamps(w.Body.String()), address, "known@example.org") != cutStamps(first.Body.String()) {
					t.Errorf("after %v the answers differ by the address", c.after)
				}
				first = w
			}
			w := s.postFrom(visitor(2), "/comments", "stamp", c.stamp, "page", "https://blog.lantern.example/garden", "name", "Solveig",
				"email", "other@example.org", "comment", "Amen.")
			wantStatus(t, w, http.StatusUnprocessableEntity)
		}
		s.counted("signup", map[string]int{signup.Taken: 1, signup.TooQuick: 2, signup.TooOld: 6})
		s.counted("comment", map[string]int{signup.TooQuick: 1, signup.TooOld: 3})
		if len(s.mails()) != 1 {
			t.Error("a form that was refused is mailed")
		}
	})
}

// cutStamps takes out what is another in every form.
func cutStamps(page string) string {
	head, rest, found := strings.Cut(page, `name="stamp" value="`)
	if !found {
		return page
	}
	_, tail, _ := strings.Cut(rest, `"`)
	return head + tail
}

func TestAnAddressIsMailedThreeTimesADayWhereverItIsTyped(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		second := s.newsletter("friends", "Friends' Letter", "친구들의 편지")
		mails := 0
		var first *httptest.ResponseRecorder
		for n := range 12 { // each from a network of its own, for either newsletter
			slug := []string{s.letter.Slug, second.Slug}[n%2]
			w := s.asks(visitor(n), "victim@example.org", "newsletter", slug)
			if first == nil {
				first = w
			}
			sameAnswer(t, fmt.Sprintf("request %d", n+1), w, first)
			mails += len(s.mails())
			s.clock.Advance(30 * time.Minute)
		}
		sameAnswer(t, "another address", s.asks(visitor(99), "nobody@example.org", "newsletter", second.Slug), first)
		if mails != 3 {
			t.Errorf("the address is mailed %d times", mails)
		}
		s.counted("signup", map[string]int{signup.Taken: 4, signup.OverAddress: 9})
		s.clock.Advance(24 * time.Hour)
		s.asks(visitor(100), "victim@example.org", "newsletter", second.Slug)
		if mails := len(s.mails()); mails != 2 { // with the one of another address
			t.Errorf("a day later %d mails go out", mails)
		}
	})
}

func TestANetworkAsksFifteenTimesAndThenOnceAMinute(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		stamp := s.stamps.New()
		s.clock.Advance(5 * time.Second)
		asks := func(from string, n int) *httptest.ResponseRecorder {
			return s.postFrom(from, "/subscribe", "stamp", stamp, "language", "en", "email", fmt.Sprintf("reader%d@example.org", n))
		}
		for n := range 15 {
			wantStatus(t, asks([]string{home, sameHome}[n%2], n), http.StatusOK)
		}
		turned := asks(sameHome, 15)
		wantStatus(t, turned, http.StatusTooManyRequests)
		sameAnswer(t, "turned away with an address that is known", asks(home, 0), turned)
		wantStatus(t, asks(nextDoor, 16), http.StatusOK)
		s.clock.Advance(time.Minute)
		wantStatus(t, asks(home, 17), http.StatusOK)
		if mails := len(s.mails()); mails != 17 {
			t.Errorf("%d mails go out", mails)
		}
		s.counted("signup", map[string]int{signup.Taken: 17, signup.OverNetwork: 2})
	})
}

func TestStrangersTogetherCauseSoManyMails(t *testing.T) {
	eachStreet(t, signup.Strangers{Burst: 10, PerHour: 60}, func(t *testing.T, s *street) {
		stamp := s.stamps.New()
		s.clock.Advance(5 * time.Second)
		asks := func(n int) *httptest.ResponseRecorder {
			return s.postFrom(visitor(n), "/subscribe", "stamp", stamp, "language", "en", "email", fmt.Sprintf("reader%d@example.org", n))
		}
		for n := range 10 {
			wantStatus(t, asks(n), http.StatusOK)
		}
		over, known := asks(10), asks(3)
		capped(t, over)
		if cutStamps(known.Body.String()) != strings.ReplaceAll(cutStamps(over.Body.String()), "reader10@", "reader3@") {
			t.Error("over the cap an address that is known is answered otherwise")
		}
		if mails := len(s.mails()); mails != 10 {
			t.Errorf("%d mails go out", mails)
		}
		// A ticked box counts among them; the comment itself is kept.
		wantStatus(t, s.writes(visitor(20), "reader20@example.org", "Amen.", "updates", "yes"), http.StatusSeeOther)
		if mails := len(s.mails()); mails != 0 {
			t.Errorf("a ticked box causes %d mails beyond the cap", mails)
		}
		s.clock.Advance(time.Minute)
		wantStatus(t, asks(11), http.StatusOK)
		s.counted("signup", map[string]int{signup.Taken: 11, signup.OverAll: 3})
		s.counted("comment", map[string]int{signup.Taken: 1})
	})
}

func TestInAFloodSignUpsAreClosedAndTheRestGoesOn(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		grace := s.subscribed("grace@example.org")
		wantStatus(t, s.asks(visitor(1), "early@example.org"), http.StatusOK)
		link := s.mails()[0].Data["link"]
		if err := s.gate.Close(t.Context(), epistle.StaffActor(1, epistle.Admin)); err != nil {
			t.Fatal(err)
		}
		closed := s.asks(visitor(2), "late@example.org")
		wantStatus(t, closed, http.StatusServiceUnavailable)
		sameAnswer(t, "closed for a subscriber", s.asks(visitor(3), "grace@example.org"), closed)
		wantStatus(t, s.writes(visitor(4), "late@example.org", "Amen."), http.StatusSeeOther)
		if len(s.mails()) != 0 {
			t.Error("a mail goes out though sign-ups are closed")
		}
		// Who asked before confirms, and who is subscribed is mailed, and leaves.
		wantStatus(t, s.post(link), http.StatusSeeOther)
		if n, err := s.store.CountAudience(t.Context(), epistle.AudienceRule{NewsletterID: s.letter.ID, State: string(epistle.Confirmed)}); err != nil || n != 2 {
			t.Errorf("%d people are mailed, error %v", n, err)
		}
		wantStatus(t, s.post("/u/"+s.store.Keys().Link(seal.ToLeave, grace.ID, 0), "do", "leave"), http.StatusSeeOther)
		if s.state(grace) != epistle.Left {
			t.Error("nobody can leave while sign-ups are closed")
		}
		s.counted("signup", map[string]int{signup.Taken: 2, signup.Closed: 2})
	})
}

func TestCommentsAreCappedByNetworkByAddressAndInAll(t *testing.T) {
	text := func(n int) string { return fmt.Sprintf("We pray for you, day %d.", n) }
	t.Run("network", func(t *testing.T) {
		eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
			for n := range 6 {
				wantStatus(t, s.writes([]string{home, sameHome}[n%2], fmt.Sprintf("reader%d@example.org", n), text(n)), http.StatusSeeOther)
			}
			capped(t, s.writes(sameHome, "reader7@example.org", text(7)))
			wantStatus(t, s.writes(nextDoor, "reader8@example.org", text(8)), http.StatusSeeOther)
			s.clock.Advance(10 * time.Minute)
			wantStatus(t, s.writes(home, "reader9@example.org", text(9)), http.StatusSeeOther)
			s.counted("comment", map[string]int{signup.Taken: 8, signup.OverNetwork: 1})
		})
	})
	t.Run("address", func(t *testing.T) {
		eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
			for n := range 12 {
				wantStatus(t, s.writes(visitor(n), "reader@example.org", text(n)), http.StatusSeeOther)
			}
			capped(t, s.writes(visitor(12), "reader@example.org", text(12)))
			wantStatus(t, s.writes(visitor(12), "other@example.org", text(12)), http.StatusSeeOther)
			s.counted("comment", map[string]int{signup.Taken: 13, signup.OverAddress: 1})
		})
	})
	t.Run("all", func(t *testing.T) {
		eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
			stamp := s.stamps.New()
			s.clock.Advance(5 * time.Second)
			write := func(n int) *httptest.ResponseRecorder {
				return s.postFrom(visitor(n), "/comments", "stamp", stamp, "page", "https://blog.lantern.example/garden", "name", "Solveig",
					"email", fmt.Sprintf("reader%d@example.org", n), "comment", text(n))
			}
			for n := range 100 {
				wantStatus(t, write(n), http.StatusSeeOther)
			}
			capped(t, write(100))
			s.counted("comment", map[string]int{signup.Taken: 100, signup.OverAll: 1})
		})
	})
}

// Whoever watches the answer to a ticked box learns nothing about the address.
func TestATickedBoxIsAnsweredAlikeForEverybody(t *testing.T) {
	eachStreet(t, signup.DefaultStrangers, func(t *testing.T, s *street) {
		s.subscribed("confirmed@example.org")
		staff := s.subscribed("staff@example.org")
		if err := s.verb.Suppress(t.Context(), epistle.SystemActor(), staff.SubscriberID, "asked for it by phone"); err != nil {
			t.Fatal(err)
		}
		erased := s.subscribed("erased@example.org")
		if err := s.verb.Erase(t.Context(), epistle.SystemActor(), erased.SubscriberID, "erased@example.org"); err != nil {
			t.Fatal(err)
		}
		var first *httptest.ResponseRecorder
		for n, name := range []string{"new", "new", "confirmed", "staff", "erased"} {
			w := s.writes(visitor(n), name+"@example.org", "Please add me.", "updates", "yes")
			wantStatus(t, w, http.StatusSeeOther)
			if first == nil {
				first = w
			}
			sameAnswer(t, name, w, first)
		}
	})
}
