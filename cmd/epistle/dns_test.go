package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"

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
		answers     map[string][]string
		err         error
		want        []string
	}{
		{"all there", "smtp://smtp.example.net:587", map[string][]string{
			"example.org": {"site=1", "V=SPF1 include:example.net -all"}, "_dmarc.example.org": {"v=DMARC1; p=none"}}, nothing,
			[]string{"SPF", "DMARC"}},
		{"none there", "smtp://smtp.example.net:587", nil, nothing, []string{"has no SPF", "has no DMARC"}},
		{"no answer", "smtp://smtp.example.net:587", nil, &net.DNSError{Err: "time-out", IsTimeout: true}, []string{"could not be asked"}},
		{"a relay on this machine", "smtp://127.0.0.1:2525", nil, nothing, nil},
	} {
		var out bytes.Buffer
		p := &program{stdout: &out, words: catalog.In(epistle.English), log: slog.New(slog.DiscardHandler),
			lookupTXT: func(_ context.Context, name string) ([]string, error) {
				if records, ok := c.answers[name]; ok {
					return records, nil
				}
				return nil, c.err
			}}
		p.testDNS(t.Context(), "news@example.org", c.relay)
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
