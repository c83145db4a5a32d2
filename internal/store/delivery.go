package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"epistle/internal/epistle"
)

// Result is what became of a delivery at one attempt.
type Result struct {
	Seq          int64
	SubscriberID epistle.ID
	State        epistle.DeliveryState
	Attempted    bool // a relay was asked; not so for what was skipped
	Code         int
	Status       string
	NextAt       time.Time // when a deferred delivery is tried again
	Reserved     bool      // its lane's bucket was debited for NextAt
	Gone         bool      // the address does not exist any more: suppress it
}

// Recipient is a delivery with the person it goes to.
type Recipient struct {
	IssueID        epistle.ID
	Seq            int64
	SubscriberID   epistle.ID
	SubscriptionID epistle.ID
	Kind           epistle.DeliveryKind
	Attempts       int
	Name           string
	Address        epistle.Address
	Language       epistle.Language
	Form           epistle.Form
	FirstAt        time.Time // when the mail was due first: its Date, at every attempt
	Lane           []byte    // keyed hash of the mail domain
	Blocked        bool      // left, paused, erased or suppressed when it was read
	Reserved       bool      // claimed at a moment that its lane's bucket was debited for

	Begun bool // its final dot may have gone out under an earlier claim; see BeginDue

	claimedAt int64 // updated_at as ClaimDue left it
}

// person is what is read of a delivery d, the person p it goes to and their
// subscription n. Its argument is the present. Who was erased has no address.
const person = `d.seq, d.subscriber_id, d.lane, p.address_sealed, p.name_sealed,
		COALESCE(p.language, 'en') AS language, COALESCE(n.id, 0) AS subscription_id, COALESCE(n.form, 'full') AS form,
		CASE WHEN n.state = 'confirmed' AND n.paused_until <= ?
			AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_index = p.address_index) THEN 0 ELSE 1 END AS blocked`

const (
	claimedSelect = `SELECT ` + person + `, d.kind, d.attempts, CASE WHEN d.first_at > 0 THEN d.first_at ELSE i.launched_at END AS first_at,
		d.reserved, d.begun
	FROM delivery d JOIN issue i ON i.id = d.issue_id LEFT JOIN subscriber p ON p.id = d.subscriber_id
	LEFT JOIN subscription n ON n.subscriber_id = d.subscriber_id AND n.newsletter_id = i.newsletter_id
	WHERE d.issue_id = ? AND d.seq = ?`
	rangeSelect = `SELECT ` + person + `
	FROM delivery d LEFT JOIN subscriber p ON p.id = d.subscriber_id
	LEFT JOIN subscription n ON n.subscriber_id = d.subscriber_id AND n.newsletter_id = ?
	WHERE d.issue_id = ? AND d.seq BETWEEN ? AND ? AND d.state = 0 AND d.aside = 0 ORDER BY d.seq`
)

// recipientScan reads recipients from rows, one after the other. Every mail passes
// here: it takes no memory but what it returns.
type recipientScan struct {
	store                         *Store
	next                          Recipient
	address, name, language, form sql.RawBytes
	blocked                       int64
	into                          []any
}

// newScan begins with a recipient who has what no row says; more is where the
// columns after person go.
func (s *Store) newScan(first Recipient, more ...any) *recipientScan {
	c := &recipientScan{store: s, next: first}
	r := &c.next
	c.into = append([]any{&r.Seq, &r.SubscriberID, &r.Lane, &c.address, &c.name, &c.language, &r.SubscriptionID, &c.form, &c.blocked}, more...)
	return c
}

func (c *recipientScan) row(rows *sql.Rows) (Recipient, error) {
	if err := rows.Scan(c.into...); err != nil {
		return Recipient{}, err
	}
	r := c.next
	r.Language, r.Form, r.Blocked = languageOf(c.language), formOf(c.form), c.blocked != 0
	x := c.store.sealer("subscriber", r.SubscriberID)
	r.Address, r.Name = epistle.Address(x.unseal("address", c.address)), x.unseal("name", c.name)
	return r, x.err
}

// languageOf and formOf name the usual values without new memory.
func languageOf(text []byte) epistle.Language {
	for _, l := range epistle.Languages {
		if string(text) == string(l) {
			return l
		}
	}
	return epistle.Language(text)
}

func formOf(text []byte) epistle.Form {
	if string(text) == string(epistle.Full) {
		return epistle.Full
	}
	return epistle.Form(text)
}

// ReadRange returns whom the queued deliveries of a range go to, in order, with
// who of them is blocked, and the issue's check. It stands for CheckRange at the
// moment of the call. Whose subscriber was erased has no address and is blocked.
func (s *Store) ReadRange(ctx context.Context, issueID epistle.ID, first, last int64) ([]Recipient, Check, error) {
	check, issue, err := s.checkIssue(ctx, issueID)
	if err != nil {
		return nil, check, err
	}
	rows, err := s.queryPrepared(ctx, rangeSelect, micros(s.clock()), issue.NewsletterID, issueID, first, last)
	if err != nil {
		return nil, check, s.mapError(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	scan := s.newScan(Recipient{IssueID: issueID, FirstAt: fromMicros(issue.LaunchedAt)})
	all := make([]Recipient, 0, last-first+1)
	for rows.Next() {
		r, err := scan.row(rows)
		if err != nil {
			return nil, check, s.mapError(ctx, err)
		}
		all = append(all, r)
	}
	return all, check, s.mapError(ctx, rows.Err())
}

// Check says who of a range may be mailed at this moment.
type Check struct {
	State     epistle.IssueState
	Version   int64          // of the issue; its content is fixed as long as this does not change
	Withdrawn bool           // the issue shows something withdrawn
	Blocked   map[int64]bool // the sequence numbers whose person has left, paused or is suppressed; nil for none
}

// CheckRange asks anew whether the unsent deliveries of a range may go out.
func (s *Store) CheckRange(ctx context.Context, issueID epistle.ID, first, last int64) (Check, error) {
	check, issue, err := s.checkIssue(ctx, issueID)
	if err != nil {
		return check, err
	}
	var blocked []int64
	err = s.readOften().all(ctx, &blocked, `SELECT d.seq FROM delivery d
		WHERE d.issue_id = ? AND d.seq BETWEEN ? AND ? AND d.state IN (0, 2)
		AND NOT EXISTS (SELECT 1 FROM `+audienceJoin+` WHERE p.id = d.subscriber_id AND `+audienceWhere+`)`,
		issueID, first, last, issue.NewsletterID, string(epistle.Confirmed), micros(s.clock()))
	if err != nil {
		return check, s.mapError(ctx, err)
	}
	if len(blocked) > 0 {
		check.Blocked = make(map[int64]bool, len(blocked))
	}
	for _, seq := range blocked {
		check.Blocked[seq] = true
	}
	return check, nil
}

// checkedIssue is what does not change of an issue that is on its way.
type checkedIssue struct {
	NewsletterID epistle.ID `db:"newsletter_id"`
	LaunchedAt   int64      `db:"launched_at"`
}

func (s *Store) checkIssue(ctx context.Context, issueID epistle.ID) (Check, checkedIssue, error) {
	var row struct {
		State     string
		Version   int64
		Withdrawn int64
		checkedIssue
	}
	err := s.readOften().get(ctx, &row, `SELECT state, version, newsletter_id, launched_at, CASE WHEN `+withdrawnItem+` THEN 1 ELSE 0 END AS withdrawn
		FROM issue WHERE id = ?`, issueID)
	return Check{State: epistle.IssueState(row.State), Version: row.Version, Withdrawn: row.Withdrawn != 0}, row.checkedIssue, s.mapError(ctx, err)
}

// idsForResults reserves two ids for each result, if any needs them: for the
// suppression and for its event.
func (s *Store) idsForResults(ctx context.Context, results []Result) (epistle.ID, error) {
	for _, r := range results {
		if r.Gone {
			return s.newIDs(ctx, int64(2*len(results)))
		}
	}
	return 0, nil
}

// recordResult writes a result into its delivery, if the delivery still stands
// as where says, and suppresses an address that is gone. It returns how many
// rows it changed.
func (s *Store) recordResult(ctx context.Context, q queries, issueID epistle.ID, r Result, ids epistle.ID, where string, args ...any) (int64, error) {
	tried, said := ``, []any{}
	if r.Attempted { // else what the relay said the last time stands
		tried, said = `attempts = attempts + 1, code = ?, status = ?, `, []any{r.Code, r.Status}
	}
	query := `UPDATE delivery SET ` + tried + `state = ?, next_at = ?, reserved = ?, begun = 0, updated_at = ?,
		aside = CASE WHEN kind = 0 THEN ? ELSE 1 END WHERE issue_id = ? AND seq = ? AND ` + where
	args = slices.Concat(said, []any{int16(r.State), micros(r.NextAt), flag(r.Reserved), micros(s.clock()),
		flag(r.State != epistle.Accepted), issueID, r.Seq}, args)
	n, err := q.exec(ctx, query, args...)
	if err != nil || n == 0 || !r.Gone {
		return n, err
	}
	return n, s.suppressGone(ctx, q, issueID, r, ids)
}

func (s *Store) suppressGone(ctx context.Context, q queries, issueID epistle.ID, r Result, ids epistle.ID) error {
	var index [][]byte
	if err := q.all(ctx, &index, `SELECT address_index FROM subscriber WHERE id = ?`, r.SubscriberID); err != nil || len(index) == 0 {
		return err
	}
	if err := s.insertSuppression(ctx, q, ids, index[0], epistle.AddressGone); err != nil {
		return err
	}
	if _, err := q.exec(ctx, `UPDATE subscription SET welcome_at = 0 WHERE subscriber_id = ? AND welcome_at > 0`, r.SubscriberID); err != nil {
		return err
	}
	var newsletter epistle.ID
	if err := q.get(ctx, &newsletter, `SELECT newsletter_id FROM issue WHERE id = ?`, issueID); err != nil {
		return err
	}
	return s.insertEvent(ctx, q, epistle.Event{ID: ids + 1, At: s.clock(), Kind: epistle.EventSuppressed, Way: epistle.ByReply,
		SubscriberID: r.SubscriberID, NewsletterID: newsletter, IssueID: issueID, Reason: r.Status})
}
