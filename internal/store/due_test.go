package store_test

import (
	"strings"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
	"epistle/internal/storetest"
)

// TestTheBacklogOfAPausedIssueCostsTheOthersNothing looks at the plans: what is
// due is found through its index, issue by issue, and nothing else is read.
func TestTheBacklogOfAPausedIssueCostsTheOthersNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store, clock *storetest.Clock) {
		ctx := t.Context()
		n, err := s.CreateNewsletter(ctx, sampleNewsletter(), epistle.AuditEntry{At: clock.Now(), Actor: epistle.SystemActor()})
		ok(t, err)
		paused, live := storetest.SentIssue(t, s, clock.Now, n.ID), storetest.SentIssue(t, s, clock.Now, n.ID)
		// Some went, most are deferred; and of the other issue three are.
		for issue, count := range map[epistle.ID]int{paused.ID: 20_000, live.ID: 3} {
			ok(t, s.Run(ctx, `INSERT INTO delivery (issue_id, seq, subscriber_id, lane, state, next_at, aside)
				WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
				SELECT CAST(? AS BIGINT), i, i, ?, CASE WHEN i % 4 = 0 THEN 1 ELSE 2 END, CASE WHEN i % 4 = 0 THEN 0 ELSE i END, 1 FROM n`,
				count, issue, []byte("0123456789abcdef")))
		}
		ok(t, s.Run(ctx, `ANALYZE`))
		_, err = s.MoveIssue(ctx, epistle.SystemActor(), store.IssueMove{ID: paused.ID, From: []epistle.IssueState{epistle.IssueSending},
			To: epistle.IssuePaused, Action: "issue.pause"})
		ok(t, err)
		pending, claim, err := s.Explain(ctx, epistle.BulkDelivery, paused.ID)
		ok(t, err)
		for name, steps := range map[string][]string{"what is pending": pending, "what is claimed": claim} {
			for _, step := range steps {
				if strings.Contains(step, "Seq Scan on delivery") || strings.HasPrefix(step, "SCAN d") && !strings.Contains(step, "delivery_due") {
					t.Errorf("%s is looked for by %q", name, step)
				}
			}
			if plan := strings.Join(steps, "\n"); !strings.Contains(plan, "delivery_due") {
				t.Errorf("%s does not use its index:\n%s", name, plan)
			}
		}
		claimed, err := s.ClaimDue(ctx, epistle.BulkDelivery, time.Minute, 20)
		ok(t, err)
		if len(claimed) != 3 || claimed[0].IssueID != live.ID {
			t.Errorf("%d deliveries were claimed", len(claimed))
		}
	})
}
