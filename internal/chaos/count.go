package main

import (
	"context"
	"fmt"

	"epistle/internal/bench/rig"
	"epistle/internal/bench/sink"
	"epistle/internal/epistle"
)

// count is what a round came to.
type count struct {
	at        float64 // the share that had been taken when the fault landed
	lost      int     // subscribers without a mail and without a recorded reason
	extra     int     // mails beyond a subscriber's first
	uncertain int     // deliveries of which the relay's last word was lost
	bound     int     // how much of extra is allowed
	wrong     []string
}

// fine reports whether the round kept all promises.
func (c count) fine() bool { return c.lost == 0 && c.extra <= c.bound && len(c.wrong) == 0 }

// judge compares what came to the relays with what the tables say.
func (f *field) judge(ctx context.Context) (count, error) {
	recordings := make([]sink.Recording, len(f.relays))
	for i, relay := range f.relays {
		recordings[i] = relay.Collect()
	}
	states, err := f.site.Deliveries(ctx, f.issue)
	if err != nil {
		return count{}, err
	}
	bound, doubtful := f.struck*max(1, f.copies)*f.connections, 0
	if f.hold {
		bound, doubtful = 0, bound
	}
	if f.weather != nil {
		doubtful = int(f.weather.cut.Load()) // a message each
	}
	c := assess(f.site.Tally(f.issue, sink.Join(recordings...)), states, bound)
	c.at = f.at
	if c.uncertain > doubtful {
		c.wrong = append(c.wrong, fmt.Sprintf("%d deliveries are uncertain, and at most %d can be", c.uncertain, doubtful))
	}
	return c, nil
}

// assess counts. Every delivery must be final; who has no mail must have a
// recorded reason; and who is recorded as accepted must have one.
func assess(t rig.Tally, states []epistle.DeliveryState, bound int) count {
	c := count{extra: t.Extra, bound: bound}
	accepted, taken, refused := 0, 0, 0
	for n, state := range states {
		switch state {
		case epistle.Accepted:
			accepted++
		case epistle.Uncertain:
			c.uncertain++
			if t.Got(n) {
				taken++
			}
		case epistle.Failed, epistle.Skipped: // a recorded reason
			refused++
			continue
		}
		if !t.Got(n) && state != epistle.Uncertain {
			c.lost++
		}
	}
	note := func(n int, what string) {
		if n != 0 {
			c.wrong = append(c.wrong, fmt.Sprintf("%d %s", n, what))
		}
	}
	if accepted+taken != t.Readers {
		c.wrong = append(c.wrong, fmt.Sprintf("%d deliveries are recorded as accepted, and %d readers have mail, %d of them uncertain", accepted, t.Readers, taken))
	}
	note(refused, "deliveries are recorded as failed or skipped, which no relay gave cause for")
	note(t.Wrong, "mails are not what their reader should get: "+t.Complaint)
	note(t.Differing, "extra copies differ from the first")
	note(t.Repeated-t.Extra, "more Message-IDs than readers came twice")
	return c
}
