package sending

import (
	"context"
	"time"
)

// Quota is how many messages a relay may be given on a calendar day.
type Quota struct {
	Daily int64 // 0: no limit
	// A new sender warms up: First messages on the day From, and twice as many
	// each day after it, as long as Daily allows more. First 0: no warm-up.
	From  time.Time // its date counts
	First int64
}

// On is the limit of a day, of which only the date counts. It reports false if
// there is none.
func (q Quota) On(day time.Time) (int64, bool) {
	limit, limited := q.Daily, q.Daily > 0
	if days := daysBetween(q.From, day); q.First > 0 && days < warmupDays {
		if warm := q.First << max(days, 0); !limited || warm < limit {
			limit, limited = warm, true
		}
	}
	return limit, limited
}

// warmupDays is after how many doublings any number is enough.
const warmupDays = 30

func daysBetween(from, to time.Time) int {
	return int(dateOf(to).Sub(dateOf(from)) / (24 * time.Hour))
}

// dateOf is the midnight, in UTC, of a time's date.
func dateOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// account keeps count of what a relay is given. What it may be given is debited
// from the database in parts, since other daemons give it mail too. It is for
// one goroutine at a time.
type account struct {
	store PaceStore
	relay string
	quota Quota

	day   string // the one that the rest is about
	held  int64  // debited and not used
	spent bool   // nothing is left today
}

const dayFormat = "2006-01-02"

// turnTo forgets what was held for another day.
func (a *account) turnTo(today time.Time) {
	if day := today.Format(dayFormat); day != a.day {
		a.day, a.held, a.spent = day, 0, false
	}
}

// open reports whether a message may go without asking the database.
func (a *account) open(today time.Time) bool {
	if _, limited := a.quota.On(today); !limited {
		return true
	}
	a.turnTo(today)
	return a.held > 0
}

// spend debits one message, and reports false if nothing is left today.
func (a *account) spend(ctx context.Context, today time.Time) (bool, error) {
	limit, limited := a.quota.On(today)
	if !limited {
		return true, nil
	}
	a.turnTo(today)
	if a.held == 0 && !a.spent {
		// Small parts, so that little is lost when a daemon is.
		granted, err := a.store.SpendQuota(ctx, a.relay, a.day, limit, max(1, min(limit/500, 2000)))
		if err != nil {
			return false, err
		}
		a.held, a.spent = granted, granted == 0
	}
	if a.held == 0 {
		return false, nil
	}
	a.held--
	return true, nil
}

// charge debits a message that goes whatever the quota says.
func (a *account) charge(ctx context.Context, today time.Time) error {
	if _, limited := a.quota.On(today); !limited {
		return nil
	}
	a.turnTo(today)
	if a.held > 0 {
		a.held--
		return nil
	}
	return a.store.ChargeQuota(ctx, a.relay, a.day, 1)
}

// settle gives back what is held.
func (a *account) settle(ctx context.Context) error {
	if a.held == 0 {
		return nil
	}
	held := a.held
	a.held = 0
	return a.store.ChargeQuota(ctx, a.relay, a.day, -held)
}
