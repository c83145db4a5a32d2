package signup

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/store"
)

// ExportStore reads people page by page.
type ExportStore interface {
	ExportPeople(ctx context.Context, newsletter, after epistle.ID, limit int) ([]store.Exported, error)
	RecordExport(ctx context.Context, newsletter epistle.ID, entry epistle.AuditEntry) error
}

// exportPage is how many people are read at once.
const exportPage = 500

// exportHead are the columns. The first three are those that Import reads; the
// last holds every consent for the newsletter as a JSON array.
var exportHead = []string{"email", "name", "language", "newsletter", "status", "form", "pace", "paused_until", "subscribed_at", "left_at",
	"not_mailed", "consent_source", "consent_given_at", "consents"}

// Export writes people as CSV, one row a subscription, in bounded memory: all of
// them, or with a newsletter's id those who are or were subscribed to it. Times
// are RFC 3339 in UTC. A spreadsheet finds no formula in it. It needs
// ExportPeople and is recorded before the first row is written. It returns how
// many rows there are.
func (s *Service) Export(ctx context.Context, actor epistle.Actor, newsletter epistle.ID, out io.Writer) (rows int64, err error) {
	if err := actor.Require(epistle.ExportPeople); err != nil {
		return 0, err
	}
	newsletters, err := s.byID(ctx)
	if err != nil {
		return 0, err
	}
	if err := s.Store.RecordExport(ctx, newsletter, s.entry(actor, "subscriber.export")); err != nil {
		return 0, err
	}
	if _, err := io.WriteString(out, "\ufeff"); err != nil { // spreadsheets take it for UTF-8 then
		return 0, err
	}
	w := csv.NewWriter(out)
	if err := w.Write(exportHead); err != nil {
		return 0, err
	}
	for after := epistle.ID(0); ; {
		page, err := s.Store.ExportPeople(ctx, newsletter, after, exportPage)
		if err != nil {
			return rows, err
		}
		for _, p := range page {
			after = p.Subscriber.ID
			for _, n := range p.Subscriptions {
				if newsletter != 0 && n.NewsletterID != newsletter {
					continue
				}
				if err := w.Write(exportRow(p, n, newsletters[n.NewsletterID].Slug)); err != nil {
					return rows, err
				}
				rows++
			}
		}
		w.Flush()
		if err := w.Error(); err != nil || len(page) < exportPage {
			return rows, err
		}
	}
}

// exportedConsent is one consent in the last column.
type exportedConsent struct {
	Source         string    `json:"source"`
	AskedAt        time.Time `json:"asked_at"`
	GivenAt        time.Time `json:"given_at"`
	Page           string    `json:"page,omitempty"`
	Wording        string    `json:"wording,omitempty"`
	WordingVersion int64     `json:"wording_version,omitempty"`
	Separate       string    `json:"separate_consent,omitempty"`
	Language       string    `json:"language"`
	NetworkAddress string    `json:"network_address,omitempty"`
	Evidence       string    `json:"evidence,omitempty"`
	StaffID        int64     `json:"staff,omitempty"`
}

func exportRow(p store.Exported, n epistle.Subscription, slug string) []string {
	consents := []exportedConsent{}
	for _, c := range p.Consents {
		if c.NewsletterID == n.NewsletterID {
			consents = append(consents, exportedConsent{string(c.Source), c.AskedAt, c.GivenAt, c.PageURL, c.Wording, c.WordingVersion,
				c.BeliefWording, string(c.Language), c.IP, c.Evidence, c.StaffID})
		}
	}
	source, given := "", ""
	if len(consents) > 0 {
		source, given = consents[0].Source, stamp(consents[0].GivenAt)
	}
	list, err := json.Marshal(consents)
	if err != nil {
		list = []byte(strconv.Itoa(len(consents))) // texts and times always have a form in JSON
	}
	row := []string{string(p.Subscriber.Address), p.Subscriber.Name, string(p.Subscriber.Language), slug, string(n.State), string(n.Form), string(n.Pace),
		stamp(n.PausedUntil), stamp(n.ConfirmedAt), stamp(n.LeftAt), string(p.Suppressed), source, given, string(list)}
	for i, cell := range row {
		row[i] = harmless(cell)
	}
	return row
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// formulaSigns are what a spreadsheet takes for the beginning of a formula.
const formulaSigns = "=+-@\t\r"

// harmless keeps a spreadsheet from taking a cell for a formula; unharmed takes
// the mark off again.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune(formulaSigns, rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

func unharmed(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(formulaSigns, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
