package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

	"epistle/config"
	"epistle/internal/epistle"
)

func TestInitLooksAtTheSendersDomain(t *testing.T) {
	catalog, err := loadCatalog()
	if err != nil {
		t.Fatal(err)
	}
	nothing := &net.DNSError{Err: "no such host", IsNotFound: true}
	for _, c := range []struct {
		name, relay string
		dkim        config.DKIM
		answers     map[string][]string
		err         error
		want        []string
	}{
		{"all there", "smtp://smtp.example.net:587", config.DKIM{}, map[string][]string{
			"example.org": {"site=1", "V=SPF1 include:example.net -all"}, "_dmarc.example.org": {"v=DMARC1; p=none"}}, nothing,
			[]string{"SPF", "DMARC"}},
		{"none there", "smtp://smtp.example.net:587", config.DKIM{}, nil, nothing, []string{"has no SPF", "has no DMARC"}},
		{"signing ourselves", "smtp://smtp.example.net:587", config.DKIM{Domain: "example.org",
			Keys: [2]config.DKIMKey{{Selector: "a", File: "x"}, {Selector: "b", Key: "y"}}}, map[string][]string{
			"b._domainkey.example.org": {"v=DKIM1; k=ed25519; p=x"}}, nothing,
			[]string{"has no SPF", "has no DMARC", "a._domainkey.example.org: there is no", "b._domainkey.example.org is there"}},
		{"no answer", "smtp://smtp.example.net:587", config.DKIM{}, nil, &net.DNSError{Err: "time-out", IsTimeout: true}, []string{"could not be asked"}},
		{"a relay on this machine", "smtp://127.0.0.1:2525", config.DKIM{}, nil, nothing, nil},
	} {
		var out bytes.Buffer
		p := &program{stdout: &out, words: catalog.In(epistle.English), log: slog.New(slog.DiscardHandler),
			lookupTXT: func(_ context.Context, name string) ([]string, error) {
				if records, ok := c.answers[name]; ok {
					return records, nil
				}
				return nil, c.err
			}}
		p.testDNS(t.Context(), "news@example.org", config.Config{Relays: []config.Relay{{URL: c.relay}}, DKIM: c.dkim})
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if out.Len() == 0 {
			lines = nil
		}
		if len(lines) != len(c.want) {
			t.Errorf("%s: said %q", c.name, lines)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(lines[i], want) || !strings.Contains(lines[i], "example.org") {
				t.Errorf("%s: said %q, want %q", c.name, lines[i], want)
			}
		}
	}
}
