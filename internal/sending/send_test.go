package sending_test

import (
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/sending"
)

func TestEverybodyGetsTheIssueExactlyOnce(t *testing.T) {
	eachPress(t, func(t *testing.T, p *press) {
		p.subscribe(t, 1, 45)
		issue := p.approved(t, time.Time{})
		service := p.service(t, p.store, sending.Options{Relays: []sending.Relay{{Connections: 3}}})
		start(t, service)
		if err := service.Launch(t.Context(), p.editor, issue.ID); err != nil {
			t.Fatal(err)
		}
		if err := service.Launch(t.Context(), p.editor, issue.ID); epistle.KindOf(err) != epistle.Conflict {
			t.Errorf("the second launch: %v, want a conflict", err)
		}
		p.waitState(t, issue.ID, epistle.IssueSent)
		p.wantEachOnce(t, 1, 45)
		if got := p.report(t, issue.ID); got.Accepted != 45 || got.Total() != 45 {
			t.Errorf("report: %+v", got)
		}
		eventually(t, "the editor is told", func() bool { return len(p.relay.To("editor@ministry.example.org")) == 1 })
		if n := len(p.relay.To("author@ministry.example.org")); n != 0 {
			t.Errorf("the author got %d notices", n)
		}
	})
}
