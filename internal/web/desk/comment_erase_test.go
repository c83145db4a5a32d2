package desk_test

import (
	"net/http"
	"strings"
	"testing"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

func TestWhoWroteACommentIsErasedAtTheirWish(t *testing.T) {
	m := moderate(t, epistle.Editor, epistle.English)
	shown, waits := m.comment("We pray for you.", false), m.comment("Please call me.", false)
	m.post(at(shown), "state", "pending", "action", "approve")
	_, page := m.get(at(waits))
	shows(t, page, "Erase this person", "Type the whole address")
	status, page := m.post(at(waits)+"/erase", "address", "somebody@else.example")
	if status != http.StatusUnprocessableEntity || m.state(waits) != epistle.CommentPending {
		t.Errorf("another address: %d", status)
	}
	shows(t, page, `id="f-address-error"`)
	if err := m.store.QueueNotice(t.Context(), epistle.Notice{Kind: epistle.NoticeReply, Key: "reply/1", To: "ingrid@example.org", Language: epistle.English}); err != nil {
		t.Fatal(err)
	}
	_, page = m.post(at(waits)+"/erase", "address", " INGRID@example.org")
	shows(t, page, "This person is erased.")
	if strings.Contains(page, "ingrid@") {
		t.Error("the address is still shown")
	}
	if status, _ := m.get(at(waits)); status != http.StatusNotFound {
		t.Errorf("what nobody approved is still there: %d", status)
	}
	c, err := m.store.Comment(t.Context(), shown)
	if err != nil || c.State != epistle.CommentApproved || c.Address != "" || c.IP != "" || c.Body != "We pray for you." {
		t.Errorf("what is shown is %+v, error %v", c, err)
	}
	if _, page := m.get(at(shown)); strings.Contains(page, "Erase this person") {
		t.Error("it is offered again for whom nobody knows any more")
	}
	if why, err := m.store.Suppression(t.Context(), "ingrid@example.org"); err != nil || why != epistle.Erased {
		t.Errorf("suppressed as %q, error %v", why, err)
	}
	if mails, err := m.store.ClaimNotices(t.Context(), "test", 1, 10); err != nil || len(mails) != 0 {
		t.Errorf("%d mails wait for them, error %v", len(mails), err)
	}
	trail, err := m.store.AuditTrail(t.Context(), "comment", waits, 10)
	if err != nil || len(trail) == 0 || trail[0].Action != "comment.erase-author" {
		t.Errorf("the audit says %+v, error %v", trail, err)
	}
}

func TestAuthorsDoNotErase(t *testing.T) {
	m := moderate(t, epistle.Author, epistle.Korean)
	id := m.comment("We pray for you.", false)
	if _, page := m.get(at(id)); strings.Contains(page, "/erase") {
		t.Error("it is offered")
	}
	if status, _ := m.post(at(id)+"/erase", "address", "ingrid@example.org"); status != http.StatusForbidden {
		t.Errorf("answered %d", status)
	}
	if list, err := m.store.CommentQueue(t.Context(), store.CommentFilter{State: epistle.CommentPending, Limit: 9}); err != nil || len(list) != 1 {
		t.Errorf("%d comments wait, error %v", len(list), err)
	}
}
