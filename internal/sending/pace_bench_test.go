package sending

import (
	"fmt"
	"testing"
	"time"

	"epistle/internal/relay"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// BenchmarkPace is what the limits cost a message: ranges of 250 over a thousand
// lanes, each with a limit that is met, a relay with a rate and a quota.
func BenchmarkPace(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.PostgresURL} {
		b.Run(name, func(b *testing.B) {
			s := storetest.Open(b, url(b), time.Now)
			p := newPace(s, time.Now, nil, Limits{LaneRate: 1000})
			g := newGateway(Options{Store: s, Clock: time.Now, Zone: time.UTC, Limits: Limits{Rate: 1e6},
				Relays: []Relay{{Rate: 1e6, Quota: Quota{Daily: 1e9}}}}, wait)
			var people [1000]store.Recipient
			for i := range people {
				people[i].Lane = s.Lane(fmt.Sprintf("d%d.example.org", i))
			}
			ctx := b.Context()
			for n := 0; b.Loop(); n++ {
				if n%250 == 0 {
					if err := p.prepare(ctx, people[n%1000:n%1000+250]); err != nil {
						b.Fatal(err)
					}
				}
				to := &people[n%1000]
				if _, err := p.admit(ctx, to); err != nil {
					b.Fatal(err)
				}
				if !g.turnNow(g.routes[0]) {
					if _, err := g.turn(ctx, g.routes[0]); err != nil {
						b.Fatal(err)
					}
				}
				p.learn(ctx, to.Lane, relay.Outcome{Class: relay.Accepted})
			}
		})
	}
}
