package config

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"epistle/internal/epistle"
)

// The most connections, messages a second, sign-ups and messages a day that a
// setting may ask for; above it is a slip.
const (
	maxConnections = 200
	maxRate        = 100000
	maxSignups     = 100_000_000
	maxQuota       = 100_000_000
)

// build types and checks every setting on its own.
func build(v values) Config {
	return Config{
		DataDir:  v.required("data_dir"),
		Database: Database{URL: v.databaseURL("database.url")},
		Server: Server{
			Listen:         v.listen("server.listen"),
			PublicURL:      v.publicURL("server.public_url"),
			TrustedProxies: v.prefixes("server.trusted_proxies"),
		},
		Relays: v.relays("relay", "relay2", "relay3"),
		Limits: Limits{Rate: v.rate("limits.rate"), LaneRate: v.rate("limits.lane_rate"), Lanes: v.lanes("limits.lanes")},
		Seal:   Seal{Key: v.text("seal.key")},
		Ministry: Ministry{
			Name:     epistle.Text{EN: v.line("ministry.name"), KO: v.line("ministry.name_ko")},
			Address:  epistle.Text{EN: v.line("ministry.address"), KO: v.line("ministry.address_ko")},
			Timezone: v.zone("ministry.timezone"),
			Contact:  v.address("ministry.contact"),
		},
		Mail: Mail{
			Domain:       v.domain("mail.domain"),
			BounceDomain: v.domain("mail.bounce_domain"),
			MailtoLeave:  v.address("mail.mailto_leave"),
		},
		DKIM: DKIM{Domain: v.domain("dkim.domain"), Keys: [2]DKIMKey{
			{Selector: v.selector("dkim.selector"), Key: v.text("dkim.key"), File: v.text("dkim.key_file")},
			{Selector: v.selector("dkim.selector_ed25519"), Key: v.text("dkim.key_ed25519"), File: v.text("dkim.key_ed25519_file")},
		}},
		Comments: Comments{Sites: v.hosts("comments.sites")},
		Signups:  Signups{Burst: v.count("signups.burst"), PerHour: v.count("signups.per_hour")},
		Fetch:    Fetch{Allow: v.hostPorts("fetch.allow")},
		Alert:    Alert{Address: v.address("alert.address")},
		Metrics:  Metrics{Token: v.line("metrics.token")},
		Log:      Log{Level: v.level("log.level")},
	}
}

// Validate checks what a daemon needs beyond settings that are right one by
// one: who sends, from where, through which relay.
func (c Config) Validate() error {
	var problems epistle.Problems
	if c.Ministry.Name.IsZero() {
		problems.Add(problem("ministry.name", "setting.needed"))
	}
	if c.Ministry.Address.IsZero() {
		problems.Add(problem("ministry.address", "setting.needed"))
	}
	if c.Ministry.Contact == "" {
		problems.Add(problem("ministry.contact", "setting.needed"))
	}
	if len(c.Relays) == 0 {
		problems.Add(problem("relay.url", "setting.needed"))
	}
	if c.Server.PublicURL == "" && !isLoopback(hostOf(c.Server.Listen)) {
		problems.Add(problem("server.public_url", "setting.public-url-needed"))
	}
	c.DKIM.validate(&problems)
	return problems.Err()
}

// validate finds what is half set.
func (d DKIM) validate(problems *epistle.Problems) {
	keys := 0
	for _, k := range d.Keys {
		if k.IsSet() {
			keys++
		}
	}
	switch {
	case keys == 0 && d.Domain != "":
		problems.Add(problem("dkim.key_file", "setting.dkim-key"))
	case keys > 0 && d.Domain == "":
		problems.Add(problem("dkim.domain", "setting.dkim-domain"))
	case keys == len(d.Keys) && d.Keys[0].Selector == d.Keys[1].Selector:
		problems.Add(problem("dkim.selector_ed25519", "setting.dkim-selectors"))
	}
}

func (v values) required(key string) string {
	s := v.text(key)
	if s == "" {
		v.fail(key, "setting.needed")
	}
	return s
}

func (v values) line(key string) string {
	s, err := epistle.CleanLine(key, v.text(key), epistle.MaxTitle)
	if err != nil {
		v.fail(key, "setting.line")
	}
	return s
}

func (v values) databaseURL(key string) string {
	s := v.text(key)
	for _, scheme := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if len(s) > len(scheme) && strings.HasPrefix(s, scheme) {
			return s
		}
	}
	v.problems.Add(epistle.InvalidField(key, "database.url"))
	return ""
}

func (v values) listen(key string) string {
	s := v.text(key)
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		v.fail(key, "setting.listen")
	}
	return s
}

func (v values) publicURL(key string) string {
	s := strings.TrimSuffix(v.text(key), "/")
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && u.Scheme != "http" {
		v.fail(key, "setting.url")
		return ""
	}
	// Sign-in cookies only travel over https, except on the machine itself.
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		v.fail(key, "setting.https")
	}
	return s
}

func (v values) prefixes(key string) []netip.Prefix {
	all := []netip.Prefix{}
	for _, item := range v.list(key) {
		if p, err := netip.ParsePrefix(item); err == nil {
			all = append(all, p.Masked())
		} else if a, err := netip.ParseAddr(item); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		} else {
			v.fail(key, "setting.networks")
		}
	}
	return all
}

// relays reads the sections that have an address, and checks all.
func (v values) relays(sections ...string) []Relay {
	var all []Relay
	known := map[string]bool{}
	for _, section := range sections {
		r := Relay{
			URL:         v.relayURL(section + ".url"),
			Connections: v.connections(section + ".connections"),
			Rate:        v.rate(section + ".rate"),
			DailyQuota:  v.quota(section + ".daily_quota"),
			WarmupFrom:  v.date(section + ".warmup_from"),
			WarmupFirst: v.quota(section + ".warmup_first"),
		}
		if r.URL == "" {
			continue
		}
		// Quotas and rates are kept under the host and port.
		if u, err := url.Parse(r.URL); err != nil || known[strings.ToLower(u.Host)] {
			v.fail(section+".url", "setting.relay-twice")
		} else {
			known[strings.ToLower(u.Host)] = true
		}
		all = append(all, r)
	}
	return all
}

func (v values) quota(key string) int64 {
	n := v.whole(key)
	if n < 0 || n > maxQuota {
		v.problems.Add(problem(key, "setting.range").With("Min", 0).With("Max", maxQuota))
	}
	return int64(n)
}

func (v values) date(key string) time.Time {
	s := v.text(key)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		v.fail(key, "setting.date")
	}
	return t
}

// lanes reads "naver.com 2.5": a mail domain and its messages a second.
func (v values) lanes(key string) map[string]float64 {
	var all map[string]float64
	for _, item := range v.list(key) {
		domain, number, _ := strings.Cut(item, " ")
		a, err := epistle.ParseAddress("x@" + domain)
		rate, numberErr := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || numberErr != nil || !(rate >= 0 && rate <= maxRate) {
			v.fail(key, "setting.lanes")
			return nil
		}
		if all == nil {
			all = map[string]float64{}
		}
		all[a.Domain()] = rate
	}
	return all
}

func (v values) relayURL(key string) string {
	s := v.text(key)
	if s == "" {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" && u.Path != "/" ||
		u.RawQuery != "" || u.Fragment != "" || !isPort(u.Port()) {
		v.fail(key, "setting.relay")
		return ""
	}
	return s
}

// isPort accepts no port too: the scheme has one.
func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return s == "" || err == nil && n > 0
}

func (v values) connections(key string) int {
	n := v.whole(key)
	if n < 1 || n > maxConnections {
		v.problems.Add(problem(key, "setting.range").With("Min", 1).With("Max", maxConnections))
	}
	return n
}

func (v values) count(key string) int {
	n := v.whole(key)
	if n < 1 || n > maxSignups {
		v.problems.Add(problem(key, "setting.range").With("Min", 1).With("Max", maxSignups))
	}
	return n
}

func (v values) rate(key string) float64 {
	n := v.number(key)
	if !(n >= 0 && n <= maxRate) { // also refuses NaN
		v.problems.Add(problem(key, "setting.range").With("Min", 0).With("Max", maxRate))
	}
	return n
}

func (v values) zone(key string) string {
	s := v.text(key)
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		v.fail(key, "setting.zone")
	}
	return s
}

func (v values) address(key string) epistle.Address {
	s := v.text(key)
	if s == "" {
		return ""
	}
	a, err := epistle.ParseAddress(s)
	if err != nil {
		v.fail(key, "setting.address")
	}
	return a
}

// domain checks a mail domain by the rule for addresses.
func (v values) domain(key string) string {
	s := v.text(key)
	if s == "" {
		return ""
	}
	a, err := epistle.ParseAddress("x@" + s)
	if err != nil {
		v.fail(key, "setting.domain")
	}
	return a.Domain()
}

// selector checks a name below _domainkey, by the rule for domains.
func (v values) selector(key string) string {
	s := strings.ToLower(v.required(key))
	if a, err := epistle.ParseAddress("x@" + s + ".example"); err != nil || a.Domain() != s+".example" {
		v.fail(key, "setting.selector")
	}
	return s
}

// hosts checks the hosts of web pages, each with a port if it needs one.
func (v values) hosts(key string) []string {
	hosts := v.list(key)
	for i, host := range hosts {
		u, err := url.Parse("https://" + host)
		if err != nil || u.Host != host || u.Hostname() == "" || u.User != nil {
			v.fail(key, "setting.hosts")
		}
		hosts[i] = strings.ToLower(host)
	}
	return hosts
}

func (v values) hostPorts(key string) []string {
	pairs := v.list(key)
	for i, pair := range pairs {
		host, port, err := net.SplitHostPort(pair)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil || host == "" || strings.ContainsAny(host, "/*@ ") {
			v.fail(key, "setting.host-ports")
		}
		pairs[i] = strings.ToLower(pair)
	}
	return pairs
}

func (v values) level(key string) slog.Level {
	switch v.text(key) {
	case "debug":
		return slog.LevelDebug
	case "info":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	v.fail(key, "setting.level")
	return slog.LevelInfo
}

func hostOf(listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	return host
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}
