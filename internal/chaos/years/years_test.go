package years_test

import (
	"log/slog"
	"testing"
	"time"

	"epistle/internal/chaos/years"
	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// The weeks of 2018 in which clocks change; make chaos goes through ten years.
var seasons = map[string][2]time.Time{
	"spring": {date(time.March, 8), date(time.April, 4)},
	"autumn": {date(time.September, 27), date(time.November, 7)},
}

func date(month time.Month, day int) time.Time {
	return time.Date(2018, month, day, 0, 0, 0, 0, time.UTC)
}

// opener opens a database for one daemon after the other.
func opener(t *testing.T, url string) func(epistle.Clock) (*store.Store, error) {
	key := seal.NewKey()
	return func(clock epistle.Clock) (*store.Store, error) {
		return store.Open(t.Context(), store.Options{URL: url, Clock: clock, Log: slog.New(slog.DiscardHandler),
			Keys: func(bool) (*seal.Keyring, error) { return seal.NewKeyring(key) }})
	}
}

func TestNoSlotIsDoubledOrMissed(t *testing.T) {
	for season, span := range seasons {
		for database, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
			t.Run(season+" on "+database, func(t *testing.T) {
				t.Parallel()
				outcome, err := years.Run(t.Context(), years.Options{From: span[0], Until: span[1], Seed: 1, Log: slog.New(slog.DiscardHandler), Open: opener(t, url(t))})
				if err != nil || outcome.Doubled != 0 || outcome.Missed != 0 || outcome.Slots < 12*27 {
					t.Errorf("%+v, error %v", outcome, err)
				}
			})
		}
	}
}

func TestWhatGoesWrongIsCounted(t *testing.T) {
	begin := date(time.February, 1)
	o := years.Options{From: begin, Until: begin.AddDate(0, 0, 3), Seed: 1, Log: slog.New(slog.DiscardHandler)}
	o.Open = func(clock epistle.Clock) (*store.Store, error) { // each daemon alone, so that each does everything
		return opener(t, storetest.SQLiteURL(t))(clock)
	}
	if got, err := years.Run(t.Context(), o); err != nil || got.Doubled < got.Slots || got.Missed != 0 {
		t.Errorf("daemons that do not know of each other: %+v, error %v; want most doubled", got, err)
	}
	open := opener(t, storetest.SQLiteURL(t))
	o.Open = func(clock epistle.Clock) (*store.Store, error) {
		s, err := open(clock)
		if err != nil {
			return nil, err
		}
		// Said to be done before anybody did it.
		slot, err := s.ClaimSlot(t.Context(), epistle.Slot{Series: "Asia/Seoul 0 0 * * *", Label: "2018-02-03T00:00", At: begin}, "nobody", time.Minute)
		if err == nil {
			err = s.SettleSlot(t.Context(), slot.ID, "nobody", epistle.SlotDone)
		}
		if epistle.KindOf(err) == epistle.Conflict { // the other daemons come too late
			err = nil
		}
		return s, err
	}
	if got, err := years.Run(t.Context(), o); err != nil || got.Missed != 1 || got.Doubled != 0 {
		t.Errorf("a slot that nobody ran: %+v, error %v; want one missed", got, err)
	}
}
