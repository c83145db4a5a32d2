package store_test

import (
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

func entry(clock *storetest.Clock, action, subject string) epistle.AuditEntry {
	return epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor(), Action: action, Subject: subject}
}

func both(s string) epistle.Text { return epistle.Text{EN: s, KO: s + " (한국어)"} }

func TestReadyOffersWhatIsCurrentAndConfirmed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		if _, err := s.CreateLetter(ctx, epistle.Letter{Title: both("Draft"), State: epistle.Drafted}, entry(clock, "letter.create", "letter")); err != nil {
			t.Fatal(err)
		}
		letter, err := s.CreateLetter(ctx, epistle.Letter{Title: both("Autumn"), Body: both("Dear friends"), State: epistle.Current,
			Signatures: []epistle.Text{{EN: "Hana", KO: "하나"}, {EN: "Paul", KO: "바울"}}}, entry(clock, "letter.create", "letter"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreatePrayer(ctx, epistle.Prayer{Headline: both("Rain"), State: epistle.Current, ExpiresAt: clock.Now().Add(time.Hour)}, entry(clock, "prayer.create", "prayer")); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreatePrayer(ctx, epistle.Prayer{Headline: both("Always"), State: epistle.Current}, entry(clock, "prayer.create", "prayer")); err != nil {
			t.Fatal(err)
		}
		for _, l := range []epistle.Link{
			{URL: "https://news.example/a", Title: both("A"), PublishedOn: "2026-11-18", State: epistle.LinkConfirmed},
			{URL: "https://news.example/b", Title: both("B"), PublishedOn: "2026-11-20", State: epistle.LinkConfirmed},
			{URL: "https://news.example/c", Title: both("C"), PublishedOn: "2026-11-21", State: epistle.LinkSubmitted},
		} {
			if _, err := s.CreateLink(ctx, l, entry(clock, "link.submit", "link")); err != nil {
				t.Fatal(err)
			}
		}
		clock.Advance(time.Hour) // "Rain" expires
		ready, err := s.Ready(ctx, clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if len(ready.Letters) != 1 || ready.Letters[0].ID != letter || len(ready.Letters[0].Signatures) != 2 || ready.Letters[0].Signatures[1].KO != "바울" {
			t.Errorf("letters: %+v", ready.Letters)
		}
		if len(ready.Prayers) != 1 || ready.Prayers[0].Headline.EN != "Always" {
			t.Errorf("prayers: %+v", ready.Prayers)
		}
		if len(ready.Links) != 2 || ready.Links[0].Title.EN != "B" {
			t.Errorf("links: %+v", ready.Links)
		}
		counts, err := s.CountPool(ctx, epistle.PrayerItem)
		if err != nil || counts["expired"] != 1 || counts["current"] != 1 {
			t.Errorf("prayer counts %v, error %v", counts, err)
		}
		expired, err := s.Prayers(ctx, store.PoolFilter{State: "expired"})
		if err != nil || len(expired) != 1 || expired[0].Headline.EN != "Rain" {
			t.Errorf("expired prayers: %+v, error %v", expired, err)
		}
	})
}

func TestAnUpdateByAnOldVersionIsAConflict(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		id, err := s.CreateVideo(ctx, epistle.Video{Title: both("Film"), URL: "https://video.example/1", State: epistle.Drafted}, entry(clock, "video.create", "video"))
		if err != nil {
			t.Fatal(err)
		}
		video, err := s.Video(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateVideo(ctx, video, entry(clock, "video.update", "video")); err != nil {
			t.Fatal(err)
		}
		if err := s.UpdateVideo(ctx, video, entry(clock, "video.update", "video")); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("the second update by the same version: %v, want a conflict", err)
		}
		video.ID = 1 << 40
		if err := s.UpdateVideo(ctx, video, entry(clock, "video.update", "video")); epistle.KindOf(err) != epistle.NotFound {
			t.Errorf("an update of nothing: %v, want not found", err)
		}
		trail, err := s.AuditTrail(ctx, "video", id, 10)
		if err != nil || len(trail) != 2 || trail[0].Action != "video.update" {
			t.Errorf("audit: %+v, error %v; want create and one update", trail, err)
		}
	})
}
