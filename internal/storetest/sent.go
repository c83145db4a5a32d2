package storetest

import (
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// SentIssue gives a newsletter an issue that has gone to everybody: what new
// subscribers are welcomed with.
func SentIssue(t testing.TB, s *store.Store, clock epistle.Clock, newsletter epistle.ID) epistle.Issue {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("send an issue: %v", err)
		}
	}
	editor := epistle.StaffActor(8, epistle.Editor)
	issue, _, err := s.CreateIssue(t.Context(), epistle.SystemActor(), epistle.Issue{NewsletterID: newsletter,
		Content: epistle.Content{Subject: epistle.Text{EN: "News", KO: "소식"}}})
	must(err)
	_, err = s.ApproveIssue(t.Context(), editor, store.IssueApproval{IssueID: issue.ID, Version: issue.Version, From: epistle.IssueDraft,
		To: epistle.IssueApproved, Approval: epistle.Approval{By: 8, At: clock(), Digest: issue.Digest()}})
	must(err)
	_, err = s.LaunchIssue(t.Context(), editor, issue.ID)
	must(err)
	_, err = s.LaunchChunk(t.Context(), store.Launch{IssueID: issue.ID, NewsletterID: newsletter}, 1000)
	must(err)
	return issue
}
