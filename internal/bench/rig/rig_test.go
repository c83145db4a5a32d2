package rig

import (
	"io/fs"
	"slices"
	"testing"
	"time"

	"epistle/internal/bench/sink"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/internal/render"
	"epistle/internal/seal"
	"epistle/templates"
)

func testKeys(t *testing.T) *seal.Keyring {
	t.Helper()
	keys, err := seal.NewKeyring(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestMailsAreAsLongAsTheFiguresSay(t *testing.T) {
	words, err := fs.Sub(templates.Locales, "locales")
	if err != nil {
		t.Fatal(err)
	}
	catalog, err := locale.Load(words)
	if err != nil {
		t.Fatal(err)
	}
	r, err := render.New(render.Options{Catalog: catalog, Keys: testKeys(t), Ministry: render.Ministry{
		Name: epistle.Text{EN: "Bench Mission"}, PostalAddress: epistle.Text{EN: "1 Bench Road"}, Contact: "office@bench.example.org",
		PublicURL: "https://" + mailDomain, MailDomain: mailDomain, BounceDomain: bounceDomain}})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 3 {
		person := reader(n)
		edition, err := r.Compile(sampleNewsletter(), epistle.Issue{ID: 1, Number: 1, Content: sampleContent()}, person.Language, epistle.Full)
		if err != nil {
			t.Fatal(err)
		}
		m, err := edition.Message(render.Recipient{SubscriptionID: 1, Seq: 1, Name: person.Name, Address: person.Address, Date: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		if size := len(m.Body); size < 26_000 || size > 28_000 {
			t.Errorf("a mail in %s has %d bytes", person.Language, size)
		}
	}
}

// mailsTo are what a daemon without fault would send.
func mailsTo(s *Site, issue epistle.ID) []sink.Mail {
	var all []sink.Mail
	for n := range s.Subscribers {
		seq := int64(n + 1)
		all = append(all, sink.Mail{To: string(readerAddress(n)), Addressed: true,
			From:      s.keys.BounceLocal(issue, seq) + "@" + bounceDomain,
			MessageID: s.keys.MessageIDLocal(issue, seq) + "@bench.example.org",
			Leave:     s.keys.Link(seal.ToLeave, s.subscriptions[n], issue)})
	}
	return all
}

func TestTheTallyFindsEveryFault(t *testing.T) {
	const issue = 7
	s := &Site{Options: Options{Subscribers: 4}, keys: testKeys(t), subscriptions: []epistle.ID{11, 12, 13, 14}}
	good := s.tally(issue, slices.Values(mailsTo(s, issue)))
	if good.Readers != 4 || good.Extra != 0 || good.Repeated != 0 || good.Wrong != 0 {
		t.Fatalf("without a fault: %+v", good)
	}
	differing := mailsTo(s, issue)
	differing = append(differing, differing[0], differing[1])
	differing[4].Digest = 1
	if got := s.tally(issue, slices.Values(differing)); got.Differing != 1 || got.Extra != 2 || !got.Got(3) {
		t.Errorf("with a copy that differs: %+v", got)
	}
	for name, c := range map[string]struct {
		spoil func(all []sink.Mail) []sink.Mail
		want  [4]int // readers, extra, repeated, wrong
	}{
		"lost":              {func(all []sink.Mail) []sink.Mail { return all[1:] }, [4]int{3, 0, 0, 0}},
		"doubled":           {func(all []sink.Mail) []sink.Mail { return append(all, all[2], all[2]) }, [4]int{4, 2, 2, 0}},
		"token of another":  {func(all []sink.Mail) []sink.Mail { all[0].Leave = all[1].Leave; return all }, [4]int{3, 0, 0, 1}},
		"token of no issue": {func(all []sink.Mail) []sink.Mail { all[0].Leave = s.keys.Link(seal.ToLeave, 11, 0); return all }, [4]int{3, 0, 0, 1}},
		"Message-ID twice": {func(all []sink.Mail) []sink.Mail {
			all[0].MessageID, all[0].From = all[1].MessageID, all[1].From
			return all
		}, [4]int{4, 0, 1, 0}},
		"Message-ID forged": {func(all []sink.Mail) []sink.Mail { all[0].MessageID = "x@bench.example.org"; return all }, [4]int{3, 0, 0, 1}},
		"return path":       {func(all []sink.Mail) []sink.Mail { all[0].From = all[1].From; return all }, [4]int{3, 0, 0, 1}},
		"To of another":     {func(all []sink.Mail) []sink.Mail { all[0].Addressed = false; return all }, [4]int{3, 0, 0, 1}},
		"signed unasked":    {func(all []sink.Mail) []sink.Mail { all[0].Signed = true; return all }, [4]int{3, 0, 0, 1}},
		"to a stranger":     {func(all []sink.Mail) []sink.Mail { all[0].To = "reader9@mail9.example.org"; return all }, [4]int{3, 0, 0, 1}},
		"of another issue":  {func([]sink.Mail) []sink.Mail { return mailsTo(s, issue+1) }, [4]int{0, 0, 0, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.tally(issue, slices.Values(c.spoil(mailsTo(s, issue))))
			if [4]int{got.Readers, got.Extra, got.Repeated, got.Wrong} != c.want {
				t.Errorf("%+v, want %v", got, c.want)
			}
		})
	}
}
