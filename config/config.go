// Package config reads the settings: one commented TOML file and EPISTLE_
// variables of the environment. Only cmd imports it and hands plain values on.
package config

import (
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"epistle/internal/epistle"
)

// Config is every setting, checked and typed. An empty text means that the
// setting is off or left to the program.
type Config struct {
	File     string // the settings file that was read; "" for none
	DataDir  string
	Database Database
	Server   Server
	Relays   []Relay // those that have an address, in order of preference
	Limits   Limits
	Seal     Seal
	Ministry Ministry
	Mail     Mail
	DKIM     DKIM
	Comments Comments
	Signups  Signups
	Fetch    Fetch
	Alert    Alert
	Metrics  Metrics
	Log      Log
}

// Database says where the data lives: sqlite:PATH or postgres://….
type Database struct{ URL string }

// Server is the web server.
type Server struct {
	Listen         string
	PublicURL      string // scheme and host, no slash at the end; "" derives it from Listen
	TrustedProxies []netip.Prefix
}

// Relay is an SMTP server that takes our mail. A number of 0 is no limit.
type Relay struct {
	URL         string
	Connections int
	Rate        float64   // messages a second
	DailyQuota  int64     // messages a day
	WarmupFrom  time.Time // its date counts; zero is no warm-up
	WarmupFirst int64     // messages on that day; twice as many each day after it
}

// Limits hold over all relays. A rate, in messages a second, of 0 is no limit.
type Limits struct {
	Rate     float64
	LaneRate float64            // to one mail domain
	Lanes    map[string]float64 // to some mail domains
}

// Seal holds the key in its text form; "" looks for epistle.key in DataDir.
type Seal struct{ Key string }

// Ministry is who sends.
type Ministry struct {
	Name     epistle.Text
	Address  epistle.Text // postal
	Timezone string       // IANA name
	Contact  epistle.Address
}

// Mail holds the domains of our mail.
type Mail struct {
	Domain       string // right side of Message-IDs; "" takes the host of PublicURL
	BounceDomain string // VERP; "" is off
	MailtoLeave  epistle.Address
}

// DKIM is how our mails are signed; without keys the relay may do it.
type DKIM struct {
	Domain string // the d= of signatures
	Keys   [2]DKIMKey
}

// DKIMKey is a private key, or the file that holds it, and where DNS has its
// public half. Without either the key is off.
type DKIMKey struct{ Selector, Key, File string }

// IsSet reports whether there is a key.
func (k DKIMKey) IsSet() bool { return k.Key != "" || k.File != "" }

// Comments lists the hosts whose pages may be commented.
type Comments struct{ Sites []string }

// Signups bounds the mails that strangers cause by signing up: so many at once,
// then so many an hour, in each daemon.
type Signups struct{ Burst, PerHour int }

// Fetch lists the exact host:port pairs inside the house that may be read.
type Fetch struct{ Allow []string }

// Alert is who hears of trouble; "" is nobody.
type Alert struct{ Address epistle.Address }

// Metrics may be read on loopback, and with the token from elsewhere; "" lets
// nobody else in.
type Metrics struct{ Token string }

// Log says how much is logged.
type Log struct{ Level slog.Level }

// setting is one key: its default, whose type is the type of the setting, and
// whether it holds a secret, which may also come from a file.
type setting struct {
	key     string
	initial any // string, int64, float64 or []string
	secret  bool
}

// settings is the whole list, in the order of the example file.
var settings = []setting{
	{key: "data_dir", initial: "data"},
	{key: "database.url", initial: "sqlite:data/epistle.db", secret: true},
	{key: "server.listen", initial: "127.0.0.1:8080"},
	{key: "server.public_url", initial: ""},
	{key: "server.trusted_proxies", initial: []string{}},
	{key: "relay.url", initial: "", secret: true},
	{key: "relay.connections", initial: int64(4)},
	{key: "relay.rate", initial: 5.0},
	{key: "relay.daily_quota", initial: int64(0)},
	{key: "relay.warmup_from", initial: ""},
	{key: "relay.warmup_first", initial: int64(50)},
	{key: "relay2.url", initial: "", secret: true},
	{key: "relay2.connections", initial: int64(4)},
	{key: "relay2.rate", initial: 5.0},
	{key: "relay2.daily_quota", initial: int64(0)},
	{key: "relay2.warmup_from", initial: ""},
	{key: "relay2.warmup_first", initial: int64(50)},
	{key: "relay3.url", initial: "", secret: true},
	{key: "relay3.connections", initial: int64(4)},
	{key: "relay3.rate", initial: 5.0},
	{key: "relay3.daily_quota", initial: int64(0)},
	{key: "relay3.warmup_from", initial: ""},
	{key: "relay3.warmup_first", initial: int64(50)},
	{key: "limits.rate", initial: 0.0},
	{key: "limits.lane_rate", initial: 0.0},
	{key: "limits.lanes", initial: []string{}},
	{key: "seal.key", initial: "", secret: true},
	{key: "ministry.name", initial: ""},
	{key: "ministry.name_ko", initial: ""},
	{key: "ministry.address", initial: ""},
	{key: "ministry.address_ko", initial: ""},
	{key: "ministry.timezone", initial: "Asia/Seoul"},
	{key: "ministry.contact", initial: ""},
	{key: "mail.domain", initial: ""},
	{key: "mail.bounce_domain", initial: ""},
	{key: "mail.mailto_leave", initial: ""},
	{key: "dkim.domain", initial: ""},
	{key: "dkim.selector", initial: "epistle"},
	{key: "dkim.key", initial: "", secret: true},
	{key: "dkim.key_file", initial: ""}, // and so EPISTLE_DKIM_KEY_FILE, as for every secret
	{key: "dkim.selector_ed25519", initial: "epistle-ed25519"},
	{key: "dkim.key_ed25519", initial: "", secret: true},
	{key: "dkim.key_ed25519_file", initial: ""},
	{key: "comments.sites", initial: []string{}},
	{key: "signups.burst", initial: int64(300)},
	{key: "signups.per_hour", initial: int64(1800)},
	{key: "fetch.allow", initial: []string{}},
	{key: "alert.address", initial: ""},
	{key: "metrics.token", initial: "", secret: true},
	{key: "log.level", initial: "info"},
}

// MailDomain is the right side of our Message-IDs: as set, else the host of the
// public address if mail could have it, else the domain of the contact address.
func (c Config) MailDomain() string {
	if c.Mail.Domain != "" {
		return c.Mail.Domain
	}
	if u, err := url.Parse(c.Server.PublicURL); err == nil {
		if a, err := epistle.ParseAddress("x@" + u.Hostname()); err == nil {
			return a.Domain()
		}
	}
	return c.Ministry.Contact.Domain()
}

// Keys lists every key of the settings file.
func Keys() []string {
	keys := make([]string, len(settings))
	for i, s := range settings {
		keys[i] = s.key
	}
	return keys
}
