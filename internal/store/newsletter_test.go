package store_test

import (
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func TestNewsletterIsKeptWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		entry := epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()}
		want := sampleNewsletter()
		made, err := s.CreateNewsletter(ctx, want, entry)
		if err != nil {
			t.Fatal(err)
		}
		want.ID, want.WordingVersion, want.Version, want.CreatedAt = made.ID, 1, 1, clock.Now()
		for name, find := range map[string]func() (epistle.Newsletter, error){
			"by id":   func() (epistle.Newsletter, error) { return s.Newsletter(ctx, made.ID) },
			"by slug": func() (epistle.Newsletter, error) { return s.NewsletterBySlug(ctx, want.Slug) },
			"listed": func() (epistle.Newsletter, error) {
				all, err := s.Newsletters(ctx)
				if err != nil || len(all) != 1 {
					t.Fatalf("%d newsletters, error %v; want 1", len(all), err)
				}
				return all[0], nil
			},
		} {
			if got, err := find(); err != nil || got != want {
				t.Errorf("%s: %+v, error %v\nwant %+v", name, got, err, want)
			}
		}
		if _, err := s.CreateNewsletter(ctx, sampleNewsletter(), entry); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a second newsletter with the slug: %v, want a conflict", err)
		}
		if _, err := s.NewsletterBySlug(ctx, "another"); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("an unknown slug: %v, want not found", err)
		}
		trail, err := s.AuditTrail(ctx, "newsletter", made.ID, 10)
		if err != nil || len(trail) != 1 || trail[0].Action != "newsletter.create" {
			t.Errorf("the trail is %+v, error %v", trail, err)
		}
	})
}

func TestNewsletterUpdate(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		entry := epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()}
		made, err := s.CreateNewsletter(ctx, sampleNewsletter(), entry)
		if err != nil {
			t.Fatal(err)
		}
		made.Schedule, made.SoloMode, made.Hold = "30 7 * * 1", true, true
		second, err := s.UpdateNewsletter(ctx, made, entry)
		if err != nil || second.WordingVersion != 1 || second.Version != 2 || second.Schedule != made.Schedule || !second.SoloMode || !second.Hold {
			t.Fatalf("a new schedule: %+v, error %v", second, err)
		}
		if _, err := s.UpdateNewsletter(ctx, made, entry); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("a stale version: %v, want a conflict", err)
		}
		second.Covers.KO = "새로운 설명입니다."
		third, err := s.UpdateNewsletter(ctx, second, entry)
		if err != nil || third.WordingVersion != 2 {
			t.Errorf("new words: wording version %d, error %v; want 2", third.WordingVersion, err)
		}
	})
}

// sampleNewsletter is a weekly one of a ministry in Seoul.
func sampleNewsletter() epistle.Newsletter {
	return epistle.Newsletter{
		Slug:      "prayer-update",
		Title:     epistle.Text{EN: "Prayer Partner Update", KO: "기도 동역자 소식"},
		Covers:    epistle.Text{EN: "Prayer requests and news from our work.", KO: "사역 소식과 기도 제목을 전합니다."},
		Frequency: epistle.Text{EN: "One email a week, on Thursday evening.", KO: "매주 목요일 저녁에 한 통 보냅니다."},
		Schedule:  "0 20 * * 4", Zone: "Asia/Seoul", WelcomeAt: "20:00",
		AssembleLead: 48 * time.Hour, Grace: 12 * time.Hour,
		Sender:  epistle.Mailbox{Name: epistle.Text{EN: "Open Gate", KO: "열린문"}, Address: "news@gate.example"},
		ReplyTo: epistle.Mailbox{Name: epistle.Text{EN: "Esther", KO: "에스더"}, Address: "esther@gate.example"},
	}
}
