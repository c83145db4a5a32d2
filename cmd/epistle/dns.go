package main

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"epistle/config"
	"epistle/internal/dkim"
	"epistle/internal/epistle"
	"epistle/internal/relay"
)

// dnsPatience is how long the questions about the sender's domain may take.
const dnsPatience = 10 * time.Second

// testDNS asks whether the sender's domain lets mailboxes believe our mail: SPF
// (RFC 7208) and DMARC (RFC 7489), and DKIM (RFC 6376) where we sign. What it finds is advice; nothing depends on
// it. A relay on this machine is for trying out and needs none.
func (p *program) testDNS(ctx context.Context, sender epistle.Address, c config.Config) {
	if options, err := relay.Parse(c.Relays[0].URL); err != nil || isLoopback(options.Host) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, dnsPatience)
	defer cancel()
	domain := sender.Domain()
	type record struct{ key, name, begins string }
	records := []record{{"spf", domain, "v=spf1"}, {"dmarc", "_dmarc." + domain, "v=DMARC1"}}
	for _, k := range c.DKIM.Keys {
		if k.IsSet() {
			name := dkim.Key{Selector: k.Selector}.RecordName(c.DKIM.Domain)
			records = append(records, record{"dkim", name, "v=DKIM1"})
		}
	}
	for _, record := range records {
		found, err := p.hasTXT(ctx, record.name, record.begins)
		switch {
		case err != nil:
			p.log.Debug("a DNS question had no answer", "record", record.key, "error", err)
			p.say("cli.init.dns.unknown", "Domain", domain)
			return
		case !found:
			p.say("cli.init.dns.no-"+record.key, "Domain", domain, "Name", record.name)
		default:
			p.say("cli.init.dns."+record.key, "Domain", domain, "Name", record.name)
		}
	}
}

// hasTXT reports whether a name has a TXT record that begins with a text. A
// name that does not exist has none.
func (p *program) hasTXT(ctx context.Context, name, begins string) (bool, error) {
	records, err := p.lookupTXT(ctx, name)
	var missing *net.DNSError
	if errors.As(err, &missing) && missing.IsNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, record := range records {
		if strings.HasPrefix(strings.ToLower(record), strings.ToLower(begins)) {
			return true, nil
		}
	}
	return false, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
