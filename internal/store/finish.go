package store

import (
	"context"
	"fmt"
	"strconv"

	"epistle/internal/epistle"
)

// FinishIssue closes an issue whose deliveries are all final: it becomes sent,
// and the editors get a notice with the counts. It reports false, and changes
// nothing, if something is still to be done. Welcomes do not keep an issue
// open.
func (s *Store) FinishIssue(ctx context.Context, id epistle.ID) (bool, error) {
	open, err := s.unfinished(ctx, id)
	if err != nil || open {
		return false, err
	}
	report, err := s.Report(ctx, id)
	if err != nil {
		return false, err
	}
	news, err := s.newsForEditors(ctx, id, epistle.NoticeSent, map[string]string{
		"accepted": strconv.FormatInt(report.Accepted-report.Welcomes, 10),
		"failed":   strconv.FormatInt(report.Failed+report.Uncertain, 10),
	})
	if err != nil {
		return false, err
	}
	finished := false
	err = s.write(ctx, func(q queries) error {
		n, err := q.exec(ctx, `UPDATE issue SET state = 'sent', finished_at = ? WHERE id = ? AND state = 'sending' AND NOT `+unfinishedIssue,
			micros(s.clock()), id)
		finished = n > 0
		if err != nil || !finished {
			return err
		}
		return news.queue(ctx, q, strconv.FormatInt(id, 10))
	})
	return finished, err
}

// unfinishedIssue is true for a launched issue that has something to do. What
// is queued is in a range or after the last one, what is deferred has a time.
const unfinishedIssue = `(EXISTS (SELECT 1 FROM launch l JOIN sender s ON s.issue_id = l.issue_id WHERE l.issue_id = issue.id
		AND (l.through_id < l.cutoff_id OR s.next_seq <= l.last_seq))
	OR EXISTS (SELECT 1 FROM share h WHERE h.issue_id = issue.id AND LENGTH(h.slots) > 0)
	OR EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = issue.id AND d.kind = 0 AND d.next_at > 0))`

func (s *Store) unfinished(ctx context.Context, id epistle.ID) (bool, error) {
	var open int64
	err := s.read().get(ctx, &open, `SELECT CASE WHEN state <> 'sending' OR `+unfinishedIssue+` THEN 1 ELSE 0 END FROM issue WHERE id = ?`, id)
	return open != 0, s.mapError(ctx, err)
}

// news is one notice to each editor, prepared before the transaction that it
// belongs to.
type news struct {
	store   *Store
	ids     epistle.ID
	notices []epistle.Notice
}

// newsForEditors prepares a notice about an issue to everybody who may approve.
func (s *Store) newsForEditors(ctx context.Context, issueID epistle.ID, kind epistle.NoticeKind, data map[string]string) (news, error) {
	var about struct {
		Number  int64
		TitleEN string `db:"title_en"`
		TitleKO string `db:"title_ko"`
	}
	err := s.read().get(ctx, &about, `SELECT i.number, n.title_en, n.title_ko FROM issue i JOIN newsletter n ON n.id = i.newsletter_id WHERE i.id = ?`, issueID)
	if err != nil {
		return news{}, s.mapError(ctx, err)
	}
	var rows []struct {
		ID            int64
		AddressSealed []byte `db:"address_sealed"`
		Language      string
	}
	query, args, err := s.read().in(`SELECT id, address_sealed, language FROM staff WHERE disabled_at = 0 AND role IN (?) ORDER BY id`,
		[]string{string(epistle.Editor), string(epistle.Admin)})
	if err != nil {
		return news{}, err
	}
	if err := s.read().all(ctx, &rows, query, args...); err != nil {
		return news{}, s.mapError(ctx, err)
	}
	all := news{store: s}
	if all.ids, err = s.newIDs(ctx, int64(len(rows)+1)); err != nil {
		return news{}, err
	}
	for _, r := range rows {
		x := s.sealer("staff", r.ID)
		n := epistle.Notice{Kind: kind, Key: strconv.FormatInt(r.ID, 10), To: epistle.Address(x.unseal("address", r.AddressSealed)),
			Language: epistle.Language(r.Language), Data: map[string]string{
				"newsletter": epistle.Text{EN: about.TitleEN, KO: about.TitleKO}.In(epistle.Language(r.Language)),
				"issue":      strconv.FormatInt(about.Number, 10),
				"link":       fmt.Sprintf("/desk/issues/%d", issueID),
			}}
		if x.err != nil {
			return news{}, x.err
		}
		for key, value := range data {
			n.Data[key] = value
		}
		all.notices = append(all.notices, n)
	}
	return all, nil
}

// queue puts the notices into the outbox; about tells this event from others of
// its kind.
func (n news) queue(ctx context.Context, q queries, about string) error {
	for i, notice := range n.notices {
		notice.Key = string(notice.Kind) + "/" + about + "/" + notice.Key
		if err := n.store.insertNotice(ctx, q, n.ids+int64(i), notice); err != nil {
			return err
		}
	}
	return nil
}
