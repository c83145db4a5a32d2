package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func newPage(t *testing.T, s *store.Store, url string) epistle.Page {
	t.Helper()
	p, err := s.CreatePage(t.Context(), epistle.Page{URL: url, Title: epistle.Text{EN: "New Arrivals", KO: "새 가족 맞이"}},
		epistle.AuditEntry{Actor: epistle.SystemActor(), Action: "page.create", Subject: "page"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func post(t *testing.T, s *store.Store, c epistle.Comment) epistle.ID {
	t.Helper()
	if c.Language == "" {
		c.Language = epistle.English
	}
	posted, err := s.PostComment(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return posted.ID
}

func decide(ctx context.Context, s *store.Store, id epistle.ID, from, to epistle.CommentState) error {
	return s.DecideComment(ctx, store.Decision{ID: id, From: from, To: to},
		epistle.AuditEntry{At: time.Unix(1, 0), Actor: epistle.SystemActor(), Action: "comment.test", Subject: "comment"})
}

func TestAPageIsFoundByItsVariantsAndMadeOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, _ *storetest.Clock) {
		p := newPage(t, s, "https://example.org/arrivals/")
		for _, url := range []string{"https://example.org/arrivals/", "http://example.org/arrivals", "https://example.org/arrivals"} {
			got, err := s.PageByURL(t.Context(), url)
			if err != nil || got != p {
				t.Errorf("PageByURL(%s) = %+v, %v; want %+v", url, got, err, p)
			}
		}
		if _, err := s.CreatePage(t.Context(), epistle.Page{URL: "http://example.org/arrivals"}, epistle.AuditEntry{}); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("the same page a second time: %v, want a conflict", err)
		}
		if _, err := s.PageByURL(t.Context(), "https://example.org/other"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("an unknown page: %v, want not found", err)
		}
		var wg sync.WaitGroup
		ids := make([]epistle.ID, 6)
		for i := range ids {
			wg.Go(func() {
				made, err := s.FindOrCreatePage(t.Context(), "https://example.org/together")
				if err != nil {
					t.Error(err)
				}
				ids[i] = made.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] || id == 0 {
				t.Fatalf("one page was made several times: %v", ids)
			}
		}
	})
}

func TestCommentsAreHeldAndNumberedWithoutGaps(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, _ *storetest.Clock) {
		page := newPage(t, s, "https://example.org/arrivals")
		const n = 24
		ids := make([]epistle.ID, n)
		for i := range ids {
			ids[i] = post(t, s, epistle.Comment{PageID: page.ID, Name: "Ruth", Address: "ruth@example.org", Body: fmt.Sprint("Praying, day ", i), IP: "192.0.2.1"})
		}
		if thread, err := s.Thread(t.Context(), page.ID, 0, 100); err != nil || len(thread) != 0 {
			t.Fatalf("held comments are shown: %d, %v", len(thread), err)
		}
		var wg sync.WaitGroup
		for _, id := range ids {
			// Two moderators approve each comment at the same moment.
			var outcomes [2]error
			done := make(chan struct{}, 2)
			for i := range outcomes {
				wg.Go(func() {
					outcomes[i] = decide(t.Context(), s, id, epistle.CommentPending, epistle.CommentApproved)
					done <- struct{}{}
				})
			}
			wg.Go(func() {
				<-done
				<-done
				if (outcomes[0] == nil) == (outcomes[1] == nil) {
					t.Errorf("of two decisions exactly one must win: %v, %v", outcomes[0], outcomes[1])
				}
			})
		}
		wg.Wait()
		thread, err := s.Thread(t.Context(), page.ID, 0, 100)
		if err != nil || len(thread) != n {
			t.Fatalf("%d of %d approved comments are shown, %v", len(thread), n, err)
		}
		for i, c := range thread {
			if c.Number != int64(i+1) {
				t.Fatalf("comment %d has the number %d", i+1, c.Number)
			}
		}
		// A number is kept through trash and back, and never given to another.
		second := thread[1].ID
		for _, step := range [][2]epistle.CommentState{{epistle.CommentApproved, epistle.CommentTrash}, {epistle.CommentTrash, epistle.CommentPending}, {epistle.CommentPending, epistle.CommentApproved}} {
			if err := decide(t.Context(), s, second, step[0], step[1]); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := s.Comment(t.Context(), second); err != nil || c.Number != 2 {
			t.Errorf("after its return the second comment has the number %d, %v", c.Number, err)
		}
		rest, err := s.Thread(t.Context(), page.ID, 20, 2)
		if err != nil || len(rest) != 2 || rest[0].Number != 21 {
			t.Errorf("the thread after number 20: %+v, %v", rest, err)
		}
		if err := decide(t.Context(), s, 999999, epistle.CommentPending, epistle.CommentSpam); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a decision on no comment: %v, want not found", err)
		}
	})
}

func TestTheSameWordsPostedTwiceAreOneComment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		page := newPage(t, s, "https://example.org/arrivals")
		c := epistle.Comment{PageID: page.ID, Name: "Ruth", Address: "Ruth@example.org", Body: "Amen.", Language: epistle.English}
		var wg sync.WaitGroup
		posted := make([]store.Posted, 5)
		for i := range posted {
			wg.Go(func() {
				var err error
				if posted[i], err = s.PostComment(t.Context(), c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		fresh := 0
		for _, p := range posted {
			if p.ID != posted[0].ID {
				t.Errorf("one comment got several ids: %+v", posted)
			}
			if !p.Repeated {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("%d posts were taken for the first, want 1", fresh)
		}
		ticked := c
		ticked.Address, ticked.WantsUpdates = "ruth@EXAMPLE.org", true
		if p, err := s.PostComment(t.Context(), ticked); err != nil || !p.Repeated {
			t.Errorf("the same with the box ticked: %+v, %v", p, err)
		}
		if got, err := s.Comment(t.Context(), posted[0].ID); err != nil || !got.WantsUpdates {
			t.Errorf("the ticked box was lost: %+v, %v", got, err)
		}
		clock.Advance(25 * time.Hour)
		if p, err := s.PostComment(t.Context(), c); err != nil || p.Repeated {
			t.Errorf("the same words a day later are a new comment: %+v, %v", p, err)
		}
		if _, err := s.PostComment(t.Context(), epistle.Comment{PageID: 424242, Language: epistle.English, Body: "x"}); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("a comment under no page: %v, want not found", err)
		}
	})
}

func TestTheQueuePagesByKeysetAndCounts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		page := newPage(t, s, "https://example.org/arrivals")
		for i := range 7 {
			post(t, s, epistle.Comment{PageID: page.ID, Name: "N", Address: "n@example.org", IP: "2001:db8::1", Body: fmt.Sprint(i)})
			if i%3 == 0 {
				clock.Advance(time.Second) // some share their moment
			}
		}
		var seen []string
		filter := store.CommentFilter{State: epistle.CommentPending, Limit: 3}
		for {
			batch, err := s.CommentQueue(t.Context(), filter)
			if err != nil {
				t.Fatal(err)
			}
			if len(batch) == 0 {
				break
			}
			for _, c := range batch {
				seen = append(seen, c.Body)
				if c.Page != page {
					t.Errorf("the comment came without its page: %+v", c.Page)
				}
			}
			last := batch[len(batch)-1]
			filter.Before = store.CommentCursor{At: last.CreatedAt, ID: last.ID}
		}
		if got := fmt.Sprint(seen); got != "[6 5 4 3 2 1 0]" {
			t.Errorf("the queue in pages: %s", got)
		}
		counts, err := s.CommentCounts(t.Context())
		if err != nil || counts[epistle.CommentPending] != 7 || counts[epistle.CommentApproved] != 0 {
			t.Errorf("counts %v, %v", counts, err)
		}
		traffic, err := s.CommentTraffic(t.Context(), "2001:db8::ffff", "N@example.org", clock.Now().Add(-time.Hour))
		if want := (store.CommentTraffic{FromNetwork: 7, FromAddress: 7, Overall: 7}); err != nil || traffic != want {
			t.Errorf("traffic %+v, %v; want %+v", traffic, err, want)
		}
		clock.Advance(2 * time.Hour)
		traffic, err = s.CommentTraffic(t.Context(), "2001:db8::1", "n@example.org", clock.Now().Add(-time.Hour))
		if err != nil || traffic != (store.CommentTraffic{}) {
			t.Errorf("traffic of the last hour %+v, %v; want none", traffic, err)
		}
	})
}
