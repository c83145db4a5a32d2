package signup

import (
	"context"
	"encoding/json"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/store"
)

// OwnDataStore is what is known of one person.
type OwnDataStore interface {
	Person(ctx context.Context, subscriber epistle.ID) (epistle.Person, error)
	Consents(ctx context.Context, subscriber epistle.ID) ([]epistle.Consent, error)
	Events(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Event, error)
	Received(ctx context.Context, subscriber epistle.ID, limit int) ([]epistle.Received, error)
	Notes(ctx context.Context, subscriber epistle.ID) ([]epistle.Note, error)
	SignupsOf(ctx context.Context, a epistle.Address) ([]epistle.Signup, error)
	CommentsOf(ctx context.Context, a epistle.Address) ([]epistle.Comment, error)
	QueueLimited(ctx context.Context, to epistle.Address, limit epistle.MailLimit, n epistle.Notice) (mailed bool, err error)
	RecordOwnData(ctx context.Context, subscriber epistle.ID, at time.Time, entry epistle.AuditEntry) error
	Erase(ctx context.Context, subscriber epistle.ID, entry epistle.AuditEntry) error
}

// ownLinkLife is how long a mailed link to one's own data works: whoever finds
// an old mail must not get at them.
const ownLinkLife = time.Hour

// ownLimit is how many such links a person gets.
var ownLimit = epistle.MailLimit{Mails: 6, Within: 24 * time.Hour}

// AskOwnData mails the person behind a preferences link a fresh link to what is
// known of them; AskErase one to be erased. Limited means that they had several
// today.
func (s *Service) AskOwnData(ctx context.Context, token string) error {
	return s.mailOwnLink(ctx, token, epistle.NoticeOwnData, "/my-data/", seal.ToOwnData)
}

// AskErase: see AskOwnData.
func (s *Service) AskErase(ctx context.Context, token string) error {
	return s.mailOwnLink(ctx, token, epistle.NoticeErase, "/erase/", seal.ToErase)
}

func (s *Service) mailOwnLink(ctx context.Context, token string, kind epistle.NoticeKind, path string, p seal.Purpose) error {
	at, err := s.Preferences(ctx, token)
	if err != nil {
		return err
	}
	ends := s.Clock().Add(ownLinkLife)
	mailed, err := s.Store.QueueLimited(ctx, at.Subscriber.Address, ownLimit, epistle.Notice{Kind: kind, To: at.Subscriber.Address,
		Language: at.Subscriber.Language, Data: map[string]string{"link": path + s.Keys.Link(p, at.Subscriber.ID, ends.Unix())}})
	if err == nil && !mailed {
		s.Count(OverAddress)
		return epistle.Errorf(epistle.Limited, "signup.own.too-many", errOverAddress)
	}
	return err
}

// OwnLink finds the person behind such a link, and changes nothing. NotFound for
// a token that is forged or foreign, or whose person is gone; Conflict
// "signup.own.expired" when its time is over.
func (s *Service) OwnLink(ctx context.Context, p seal.Purpose, token string) (epistle.Person, error) {
	numbers, err := s.numbers(p, token, 2)
	if err != nil {
		return epistle.Person{}, err
	}
	if !s.Clock().Before(time.Unix(numbers[1], 0)) {
		return epistle.Person{}, epistle.Errorf(epistle.Conflict, "signup.own.expired", nil)
	}
	person, err := s.Store.Person(ctx, numbers[0])
	return person, noSuchLink(err)
}

// EraseOwn forgets the person behind a fresh link of theirs; see Erase.
func (s *Service) EraseOwn(ctx context.Context, token string) error {
	person, err := s.OwnLink(ctx, seal.ToErase, token)
	if err != nil {
		return err
	}
	return s.Store.Erase(ctx, person.Subscriber.ID, s.entry(epistle.ReaderActor(), "subscriber.erase"))
}

// Own is everything that is known of a person.
type Own struct {
	epistle.Person
	Newsletters map[epistle.ID]epistle.Newsletter
	Consents    []epistle.Consent
	Signups     []epistle.Signup
	Events      []epistle.Event
	Received    []epistle.Received
	Comments    []epistle.Comment
	Notes       []epistle.Note
}

// OwnData is everything that is known of the person behind a fresh link of
// theirs. That they took it is recorded.
func (s *Service) OwnData(ctx context.Context, token string) (Own, error) {
	person, err := s.OwnLink(ctx, seal.ToOwnData, token)
	if err != nil {
		return Own{}, err
	}
	own, err := s.everything(ctx, person)
	if err != nil {
		return Own{}, err
	}
	return own, s.Store.RecordOwnData(ctx, person.Subscriber.ID, s.Clock(), s.entry(epistle.ReaderActor(), "subscriber.own-data"))
}

// ownHistory is more than anybody's history holds.
const ownHistory = 10000

func (s *Service) everything(ctx context.Context, p epistle.Person) (own Own, err error) {
	own.Person = p
	id, address := p.Subscriber.ID, p.Subscriber.Address
	if own.Newsletters, err = s.byID(ctx); err != nil {
		return own, err
	}
	if own.Consents, err = s.Store.Consents(ctx, id); err != nil {
		return own, err
	}
	if own.Signups, err = s.Store.SignupsOf(ctx, address); err != nil {
		return own, err
	}
	if own.Events, err = s.Store.Events(ctx, id, ownHistory); err != nil {
		return own, err
	}
	if own.Received, err = s.Store.Received(ctx, id, ownHistory); err != nil {
		return own, err
	}
	if own.Comments, err = s.Store.CommentsOf(ctx, address); err != nil {
		return own, err
	}
	own.Notes, err = s.Store.Notes(ctx, id)
	return own, err
}

// The shape of one's own data. Times are in UTC.
type (
	ownData struct {
		Address       string            `json:"address"`
		Name          string            `json:"name"`
		Language      string            `json:"language"`
		KnownSince    time.Time         `json:"known_since"`
		NotMailed     string            `json:"not_mailed,omitempty"`
		Subscriptions []ownSubscription `json:"subscriptions"`
		Consents      []ownConsent      `json:"consents"`
		Signups       []ownSignup       `json:"sign_ups"`
		History       []ownEvent        `json:"history"`
		Issues        []ownIssue        `json:"issues"`
		Comments      []ownComment      `json:"comments"`
		Notes         []ownNote         `json:"notes"`
	}
	ownSubscription struct {
		Newsletter  string     `json:"newsletter"`
		State       string     `json:"state"`
		Form        string     `json:"form"`
		Pace        string     `json:"pace"`
		PausedUntil *time.Time `json:"paused_until,omitempty"`
		ConfirmedAt *time.Time `json:"confirmed_at,omitempty"`
		LeftAt      *time.Time `json:"left_at,omitempty"`
	}
	ownConsent struct {
		Newsletter     string    `json:"newsletter"`
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
	}
	ownSignup struct {
		Newsletter string    `json:"newsletter"`
		Source     string    `json:"source"`
		State      string    `json:"state"`
		AskedAt    time.Time `json:"asked_at"`
		Page       string    `json:"page,omitempty"`
	}
	ownEvent struct {
		At     time.Time `json:"at"`
		Kind   string    `json:"kind"`
		Way    string    `json:"way"`
		Reason string    `json:"reason,omitempty"`
	}
	ownIssue struct {
		Newsletter string     `json:"newsletter"`
		Number     int64      `json:"number"`
		State      string     `json:"state"`
		At         *time.Time `json:"at,omitempty"`
	}
	ownComment struct {
		At    time.Time `json:"at"`
		State string    `json:"state"`
		Text  string    `json:"text"`
	}
	ownNote struct {
		At   time.Time `json:"at"`
		Text string    `json:"text"`
	}
)

// File is all of it as indented JSON.
func (o Own) File() ([]byte, error) {
	l := o.Subscriber.Language
	title := func(id epistle.ID) string { return o.Newsletters[id].Title.In(l) }
	d := ownData{Address: string(o.Subscriber.Address), Name: o.Subscriber.Name, Language: string(l), KnownSince: o.Subscriber.CreatedAt, NotMailed: string(o.Suppressed)}
	for _, n := range o.Subscriptions {
		d.Subscriptions = append(d.Subscriptions, ownSubscription{title(n.NewsletterID), string(n.State), string(n.Form), string(n.Pace),
			known(n.PausedUntil), known(n.ConfirmedAt), known(n.LeftAt)})
	}
	for _, c := range o.Consents {
		d.Consents = append(d.Consents, ownConsent{title(c.NewsletterID), string(c.Source), c.AskedAt, c.GivenAt, c.PageURL, c.Wording, c.WordingVersion,
			c.BeliefWording, string(c.Language), c.IP, c.Evidence})
	}
	for _, u := range o.Signups {
		d.Signups = append(d.Signups, ownSignup{title(u.NewsletterID), string(u.Source), string(u.State), u.CreatedAt, u.PageURL})
	}
	for _, e := range o.Events {
		d.History = append(d.History, ownEvent{e.At, string(e.Kind), string(e.Way), e.Reason})
	}
	for _, r := range o.Received {
		d.Issues = append(d.Issues, ownIssue{title(r.NewsletterID), r.Number, r.State.String(), known(r.UpdatedAt)})
	}
	for _, c := range o.Comments {
		d.Comments = append(d.Comments, ownComment{c.CreatedAt, string(c.State), c.Body})
	}
	for _, n := range o.Notes {
		d.Notes = append(d.Notes, ownNote{n.CreatedAt, n.Text})
	}
	return json.MarshalIndent(d, "", "  ")
}

// known leaves out a time that never was.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var _ OwnDataStore = (*store.Store)(nil)
