package sending_test

import (
	"slices"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// launched makes an issue with its deliveries, of which none is given out.
func (p *press) launched(t *testing.T, readers int) epistle.Issue {
	t.Helper()
	p.subscribe(t, 1, readers)
	issue := p.approved(t, time.Time{})
	if _, err := p.store.LaunchIssue(t.Context(), p.editor, issue.ID); err != nil {
		t.Fatal(err)
	}
	l := store.Launch{IssueID: issue.ID, NewsletterID: p.newsletter.ID, Monthly: true}
	if got, err := p.store.LaunchChunk(t.Context(), l, 100); err != nil || !got.Launched || got.Last != int64(readers) {
		t.Fatalf("launched: %+v, %v", got, err)
	}
	return issue
}

func (p *press) openShare(t *testing.T, issue epistle.ID, owner string) store.Mark {
	t.Helper()
	share, err := p.store.OpenShare(t.Context(), issue, owner, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return store.Mark{IssueID: issue, Number: share.Number, Lease: time.Minute, Want: store.Want{Ranges: 2, Size: 3, Split: 1}}
}

func (p *press) mark(t *testing.T, m store.Mark) []store.Range {
	t.Helper()
	given, err := p.store.MarkShare(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return given
}

func TestAMarkMayBeRepeated(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		issue := p.launched(t, 8)
		m := p.openShare(t, issue.ID, "a")
		want := []store.Range{{First: 1, Last: 3, Done: 0}, {First: 4, Last: 6, Done: 3}}
		for range 2 { // the answer to the first is lost
			if got := p.mark(t, m); !slices.Equal(got, want) {
				t.Fatalf("given %v, want %v", got, want)
			}
		}
		person := p.subscription(t, 2)
		m.Want = store.Want{}
		m.Open, m.Closed = []store.Range{{First: 4, Last: 6, Done: 4}}, []store.Range{{First: 1, Last: 3, Done: 3}}
		m.Results = []store.Result{{Seq: 2, SubscriberID: person.SubscriberID, State: epistle.Failed, Attempted: true, Code: 550, Status: "5.1.1", Gone: true}}
		for range 2 {
			p.mark(t, m)
			if got := p.report(t, issue.ID); got.Accepted != 3 || got.Failed != 1 || got.Queued != 4 {
				t.Errorf("report: %+v", got)
			}
		}
		if events, err := p.store.Events(t.Context(), person.SubscriberID, 10); err != nil || len(events) != 2 {
			t.Errorf("%d events, %v; want confirmed and suppressed", len(events), err)
		}
	})
}

func TestASmallListIsSharedOutButNotInCrumbs(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		issue := p.launched(t, 12)
		m := p.openShare(t, issue.ID, "a")
		m.Want = store.Want{Ranges: 5, Size: 100, Split: 2, Least: 2}
		want := []store.Range{{First: 1, Last: 6, Done: 0}, {First: 7, Last: 9, Done: 6}, {First: 10, Last: 11, Done: 9}, {First: 12, Last: 12, Done: 11}}
		if got := p.mark(t, m); !slices.Equal(got, want) {
			t.Errorf("given %v, want %v", got, want)
		}
	})
}

func TestAShareThatRanOutIsAdopted(t *testing.T) {
	for name, hold := range map[string]bool{"and sent again": false, "and held": true} {
		t.Run(name, func(t *testing.T) {
			eachPress(t, func(t *testing.T, p *press) {
				issue := p.launched(t, 8)
				a := p.openShare(t, issue.ID, "a")
				a.Want.Spares = 1
				a.Open, a.Want = p.mark(t, a), store.Want{}
				a.Open[0].Done = 1
				p.mark(t, a)

				p.clock.Advance(2 * time.Minute)
				b := p.openShare(t, issue.ID, "b")
				b.Want.Adopt, b.Want.Hold = true, hold
				want := []store.Range{{First: 1, Last: 3, Done: 1}, {First: 4, Last: 6, Done: 3}, {First: 7, Last: 8, Done: 6, Spare: true}}
				uncertain := int64(0)
				if hold {
					want[0].Done, want[1].Done, uncertain = 2, 4, 2 // but nothing of the spare one
				}
				for range 2 {
					if got := p.mark(t, b); !slices.Equal(got, want) {
						t.Fatalf("hold %v: adopted %v, want %v", hold, got, want)
					}
				}
				if got := p.report(t, issue.ID); got.Uncertain != uncertain || got.Accepted != 1 {
					t.Errorf("hold %v: %+v", hold, got)
				}
				if _, err := p.store.MarkShare(t.Context(), a); epistle.KindOf(err) != epistle.Conflict {
					t.Errorf("a mark of the former owner: %v", err)
				}
				if err := p.store.CloseShare(t.Context(), issue.ID, a.Number, a.Step+1, a.Open); epistle.KindOf(err) != epistle.Conflict {
					t.Errorf("closing by the former owner: %v", err)
				}
			})
		})
	}
}

func TestAShareGivenBackIsTakenUpAtOnce(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		issue := p.launched(t, 8)
		a := p.openShare(t, issue.ID, "a")
		a.Open = p.mark(t, a)
		a.Open[0].Done, a.Open[1].Done = 2, 6
		if err := p.store.CloseShare(t.Context(), issue.ID, a.Number, a.Step+1, a.Open); err != nil {
			t.Fatal(err)
		}
		if got := p.report(t, issue.ID); got.Accepted != 5 {
			t.Errorf("report: %+v", got)
		}
		tasks, err := p.store.Tasks(t.Context())
		if err != nil || len(tasks) != 1 || !tasks[0].HasWork {
			t.Fatalf("tasks: %+v, %v", tasks, err)
		}
		b := p.openShare(t, issue.ID, "b")
		b.Want.Adopt, b.Want.Hold = true, true // it was given back in order: there is nothing to hold
		want := []store.Range{{First: 3, Last: 3, Done: 2}, {First: 7, Last: 8, Done: 6}}
		if got := p.mark(t, b); !slices.Equal(got, want) {
			t.Errorf("given %v, want %v", got, want)
		}
	})
}

// TestAMarkThatComesLateUndoesNothing: a server may run a statement long after
// its client has given up waiting and has repeated it, and gone on.
func TestAMarkThatComesLateUndoesNothing(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		issue := p.launched(t, 8)
		m := p.openShare(t, issue.ID, "a")
		m.Step = 1
		m.Open, m.Want = p.mark(t, m), store.Want{}
		late := m
		late.Step, late.Open = 2, slices.Clone(m.Open)
		late.Open[0].Done = 1
		next := m
		next.Step, next.Open = 3, slices.Clone(m.Open)
		next.Open[0].Done = 2
		p.mark(t, next)
		if _, err := p.store.MarkShare(t.Context(), late); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a mark that comes late: %v", err)
		}
		if got := p.report(t, issue.ID); got.Accepted != 2 {
			t.Errorf("report: %+v", got)
		}
		if err := p.store.CloseShare(t.Context(), issue.ID, m.Number, 4, next.Open); err != nil {
			t.Fatal(err)
		}
		if _, err := p.store.MarkShare(t.Context(), next); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a mark after the share was given back: %v", err)
		}
	})
}
