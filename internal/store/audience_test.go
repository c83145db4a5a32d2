package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// congregation is people of two newsletters to whom things happen.
type congregation struct {
	t       *testing.T
	store   *store.Store
	clock   *storetest.Clock
	letters [2]epistle.Newsletter
	random  *rand.Rand
	joined  int
}

func gather(t *testing.T, s *store.Store, clock *storetest.Clock) *congregation {
	t.Helper()
	c := &congregation{t: t, store: s, clock: clock, random: rand.New(rand.NewPCG(4, 2))}
	c.letters[0] = newsletterFor(t, s, clock)
	other := sampleNewsletter()
	other.Slug = "another"
	var err error
	c.letters[1], err = s.CreateNewsletter(t.Context(), other, epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		c.join()
	}
	return c
}

// join brings ten people, some of whom had come before, to one newsletter.
func (c *congregation) join() {
	people := make([]epistle.Signup, 10)
	from := max(0, c.joined-3)
	for i := range people {
		people[i] = epistle.Signup{Source: epistle.FromImport, Address: epistle.Address(fmt.Sprintf("p%d@example.org", from+i)),
			Language: epistle.Languages[c.random.IntN(2)], Wording: "Yes", WordingVersion: 1}
	}
	c.joined = from + len(people)
	_, err := c.store.ImportConfirmed(c.t.Context(), c.letters[c.random.IntN(2)].ID, people)
	c.must(err)
}

func (c *congregation) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *congregation) somebody() (epistle.ID, epistle.ID) {
	id, err := c.store.Number(c.t.Context(), `SELECT id FROM subscription ORDER BY id LIMIT 1 OFFSET ?`, c.random.IntN(c.joined))
	c.must(err)
	n, err := c.store.Subscription(c.t.Context(), id)
	c.must(err)
	return id, n.SubscriberID
}

// happen lets one thing happen to somebody. Some of it is refused, to people who
// have left.
func (c *congregation) happen() {
	ctx := c.t.Context()
	subscription, person := c.somebody()
	entry := epistle.AuditEntry{At: c.clock.Now(), Actor: epistle.SystemActor()}
	event := epistle.Event{At: c.clock.Now(), Way: epistle.ByPage}
	wish := epistle.Subscription{Form: epistle.Full, Pace: epistle.Monthly}
	var err error
	switch c.random.IntN(8) {
	case 0:
		c.join()
	case 1:
		event.Kind = epistle.EventLeft
		err = c.store.Leave(ctx, subscription, event)
	case 2:
		event.Kind = epistle.EventLeft
		err = c.store.LeaveAll(ctx, subscription, event)
	case 3, 4:
		wish.PausedUntil = c.clock.Now().Add(time.Duration(c.random.IntN(72)-12) * time.Hour)
		fallthrough
	case 5:
		event.Kind = epistle.EventPreferences
		err = c.store.SavePreferences(ctx, subscription, epistle.Languages[c.random.IntN(2)], wish, event)
	case 6:
		err = c.store.Suppress(ctx, person, []epistle.SuppressionReason{epistle.ByStaff, epistle.Complained}[c.random.IntN(2)], event, entry)
	case 7:
		err = c.store.LiftSuppression(ctx, person, event, entry)
	}
	if err != nil && epistle.KindOf(err) != epistle.Conflict {
		c.t.Fatal(err)
	}
	c.clock.Advance(time.Duration(c.random.IntN(90)) * time.Minute)
}

// plainly is whom an issue goes to, without any cleverness.
const plainly = `SELECT COUNT(*) FROM subscription n, subscriber p WHERE p.id = n.subscriber_id AND n.newsletter_id = ? AND n.state = 'confirmed'
	AND n.paused_until <= ? AND p.language LIKE ? AND p.address_index NOT IN (SELECT address_index FROM suppression)`

const plainPeople = `SELECT COUNT(*) FROM subscription n, subscriber p WHERE p.id = n.subscriber_id AND n.newsletter_id = ?
	AND n.state = ? AND p.language = ? AND p.address_index NOT IN (SELECT address_index FROM suppression)`

func (c *congregation) plainly(n epistle.Newsletter, language string) int64 {
	count, err := c.store.Number(c.t.Context(), plainly, n.ID, c.clock.Now().UnixMicro(), language)
	c.must(err)
	return count
}

func TestAnAudienceIsCountedAsItIs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		c := gather(t, s, clock)
		began := clock.Now()
		var before [2]int64
		for i, n := range c.letters {
			before[i] = c.plainly(n, "%")
		}
		for range 120 {
			c.happen()
			for i, n := range c.letters {
				c.compare(n)
				if i == 1 {
					continue
				}
				changes, err := s.AudienceChanges(t.Context(), epistle.Issue{NewsletterID: n.ID}.Audience(), began, 1000)
				c.must(err)
				if moved := c.plainly(n, "%") - before[i]; max(moved, -moved) > changes {
					t.Fatalf("the audience has moved by %d, and %d changes are known", moved, changes)
				}
			}
		}
		if c.plainly(c.letters[0], "%") == before[0] {
			t.Error("nothing happened: the test shows nothing")
		}
	})
}

func (c *congregation) compare(n epistle.Newsletter) {
	c.t.Helper()
	ctx, rule := c.t.Context(), epistle.Issue{NewsletterID: n.ID}.Audience()
	all := c.plainly(n, "%")
	if got, err := c.store.CountAudience(ctx, rule); err != nil || got != all {
		c.t.Fatalf("%d people, error %v; a plain count gives %d", got, err, all)
	}
	if some, err := c.store.HasAudience(ctx, rule); err != nil || some != (all > 0) {
		c.t.Fatalf("some: %v, error %v; there are %d", some, err, all)
	}
	byLanguage, err := c.store.AudienceByLanguage(ctx, rule)
	c.must(err)
	people, err := c.store.CountPeople(ctx)
	c.must(err)
	for _, l := range epistle.Languages {
		for _, state := range []epistle.SubscriptionState{epistle.Confirmed, epistle.Left} {
			want, err := c.store.Number(ctx, plainPeople, n.ID, string(state), string(l))
			c.must(err)
			found := slices.IndexFunc(people, func(p epistle.PeopleCount) bool {
				return p.NewsletterID == n.ID && p.State == state && p.Language == l
			})
			if found < 0 && want > 0 || found >= 0 && people[found].Count != want {
				c.t.Fatalf("people: %+v; want %d who have %s in %s", people, want, state, l)
			}
		}
		if want := c.plainly(n, string(l)); byLanguage[l] != want {
			c.t.Fatalf("%d read %s, want %d", byLanguage[l], l, want)
		}
	}
}

func TestChangesAreCountedOnlyAsFarAsTheyMatter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		c := gather(t, s, clock)
		rule := epistle.Issue{NewsletterID: c.letters[0].ID}.Audience()
		if got, err := s.AudienceChanges(t.Context(), rule, clock.Now(), 7); err != nil || got != 7 {
			t.Errorf("%d changes, error %v; want the limit of 7", got, err)
		}
		clock.Advance(time.Hour)
		if got, err := s.AudienceChanges(t.Context(), rule, clock.Now(), 7); err != nil || got != 0 {
			t.Errorf("%d changes after an hour in which nothing happened, error %v", got, err)
		}
		if some, err := s.HasAudience(t.Context(), epistle.AudienceRule{NewsletterID: -1, State: "confirmed"}); err != nil || some {
			t.Errorf("a newsletter that is not there has readers: %v, error %v", some, err)
		}
	})
}

func TestAPauseThatEndsIsAChange(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		c := gather(t, s, clock)
		subscription, _ := c.somebody()
		n, err := s.Subscription(t.Context(), subscription)
		c.must(err)
		c.must(s.SavePreferences(t.Context(), subscription, epistle.English, epistle.Subscription{Form: epistle.Full, Pace: epistle.Weekly,
			PausedUntil: clock.Now().Add(2 * time.Hour)}, epistle.Event{At: clock.Now(), Kind: epistle.EventPreferences, Way: epistle.ByPage}))
		clock.Advance(time.Hour)
		since, rule := clock.Now(), epistle.Issue{NewsletterID: n.NewsletterID}.Audience()
		for _, want := range []int64{0, 1} {
			if got, err := s.AudienceChanges(t.Context(), rule, since, 100); err != nil || got != want {
				t.Errorf("%d changes, error %v; want %d", got, err, want)
			}
			clock.Advance(time.Hour)
		}
	})
}
