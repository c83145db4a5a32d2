package config_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"epistle/config"
	"epistle/internal/epistle"
	"epistle/internal/locale"
	"epistle/templates"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "epistle.toml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func sentence(t *testing.T, err error) string {
	t.Helper()
	files, subErr := fs.Sub(templates.Locales, "locales")
	if subErr != nil {
		t.Fatal(subErr)
	}
	catalog, loadErr := locale.Load(files)
	if loadErr != nil {
		t.Fatal(loadErr)
	}
	korean := catalog.In(epistle.Korean).Error(err)
	text := catalog.In(epistle.English).Error(err)
	for _, s := range []string{korean, text} {
		if strings.HasPrefix(s, "[") || strings.Contains(s, "<no value>") {
			t.Errorf("the sentence for %v is missing or has a hole: %s", err, s)
		}
	}
	return text
}

func TestTheExampleIsTheDefaultsAndNamesEveryKey(t *testing.T) {
	path := write(t, config.Example)
	got, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.File = path
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example loads as\n%+v\nthe defaults are\n%+v", got, want)
	}
	section, found := "", map[string]bool{}
	for line := range strings.Lines(config.Example) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "["); ok {
			section = strings.TrimSuffix(name, "]") + "."
		}
		if name, _, ok := strings.Cut(line, " = "); ok && !strings.HasPrefix(line, "#") {
			found[section+name] = true
		}
	}
	for _, key := range config.Keys() {
		if !found[key] {
			t.Errorf("the example does not mention %s", key)
		}
	}
}

func TestEnvironmentWinsAndSecretsComeFromFiles(t *testing.T) {
	path := write(t, "data_dir = \"/srv/epistle\"\n[relay]\nurl = \"smtp://file.example.org\"\nconnections = 3\n")
	secret := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(secret, []byte("EPISTLE-SOMETHING\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, []string{"EPISTLE_RELAY_URL=smtps://env.example.org", "EPISTLE_RELAY_RATE=2.5",
		"EPISTLE_SEAL_KEY_FILE=" + secret, "EPISTLE_TEST_POSTGRES=postgres://x", "EPISTLE_LOG_LEVEL=", "PATH=/bin",
		"EPISTLE_COMMENTS_SITES=WWW.Example.org, blog.example.org:8080", "EPISTLE_SERVER_TRUSTED_PROXIES=10.1.2.3/8,::1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Relays) != 1 || c.Relays[0].URL != "smtps://env.example.org" || c.Relays[0].Connections != 3 || c.Relays[0].Rate != 2.5 {
		t.Errorf("relays: %+v", c.Relays)
	}
	if c.Seal.Key != "EPISTLE-SOMETHING" {
		t.Errorf("the key did not come from its file: %q", c.Seal.Key)
	}
	if c.Database.URL != "sqlite:/srv/epistle/epistle.db" {
		t.Errorf("the database does not follow the data directory: %s", c.Database.URL)
	}
	if got := strings.Join(c.Comments.Sites, " "); got != "www.example.org blog.example.org:8080" {
		t.Errorf("sites: %s", got)
	}
	if len(c.Server.TrustedProxies) != 2 || c.Server.TrustedProxies[0].String() != "10.0.0.0/8" || c.Server.TrustedProxies[1].String() != "::1/128" {
		t.Errorf("proxies: %v", c.Server.TrustedProxies)
	}
}

func TestRelaysAndLimits(t *testing.T) {
	path := write(t, `[relay]
url = "smtp://one.example.org"
daily_quota = 5000
warmup_from = "2026-11-22"
warmup_first = 100
[relay3]
rate = 0.5
[limits]
rate = 8
lane_rate = 3.5
lanes = ["Naver.com 2", "hanmail.net  0.25"]
`)
	secret := filepath.Join(t.TempDir(), "relay")
	if err := os.WriteFile(secret, []byte("smtps://user:pass@three.example.org\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, []string{"EPISTLE_RELAY3_URL_FILE=" + secret})
	if err != nil {
		t.Fatal(err)
	}
	want := []config.Relay{
		{URL: "smtp://one.example.org", Connections: 4, Rate: 5, DailyQuota: 5000, WarmupFrom: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), WarmupFirst: 100},
		{URL: "smtps://user:pass@three.example.org", Connections: 4, Rate: 0.5, WarmupFirst: 50},
	}
	if !reflect.DeepEqual(c.Relays, want) {
		t.Errorf("relays %+v, want %+v", c.Relays, want)
	}
	limits := config.Limits{Rate: 8, LaneRate: 3.5, Lanes: map[string]float64{"naver.com": 2, "hanmail.net": 0.25}}
	if !reflect.DeepEqual(c.Limits, limits) {
		t.Errorf("limits %+v, want %+v", c.Limits, limits)
	}
}

func TestWrongSettingsAreRefusedWithASentence(t *testing.T) {
	for name, c := range map[string]struct {
		file, env, want string
	}{
		"unknown key":         {file: "[relay]\nconections = 3\n", want: "relay.connections"},
		"unknown section":     {file: "[server]\nlisten = \"127.0.0.1:1\"\n[logs]\nlevel = \"info\"\n", want: "log.level"},
		"unknown variable":    {env: "EPISTLE_DATABSE_URL=sqlite:x", want: "EPISTLE_DATABASE_URL"},
		"no such secret file": {env: "EPISTLE_SEAL_KEY_FILE=/nowhere/at/all", want: "EPISTLE_SEAL_KEY_FILE"},
		"file of no secret":   {env: "EPISTLE_LOG_LEVEL_FILE=/etc/hosts", want: "EPISTLE_LOG_LEVEL"},
		"broken file":         {file: "data_dir = \n", want: "epistle.toml"},
		"a number for a text": {file: "data_dir = 3\n", want: "data_dir"},
		"section for a text":  {file: "[data_dir]\nx = 1\n", want: "data_dir"},
		"text for a number":   {env: "EPISTLE_RELAY_CONNECTIONS=many", want: "relay.connections"},
		"too many":            {env: "EPISTLE_RELAY_CONNECTIONS=9999", want: "200"},
		"no number":           {env: "EPISTLE_RELAY_RATE=NaN", want: "relay.rate"},
		"list of numbers":     {file: "[comments]\nsites = [1]\n", want: "comments.sites"},
		"database":            {env: "EPISTLE_DATABASE_URL=mysql://x", want: "database"},
		"listen":              {env: "EPISTLE_SERVER_LISTEN=8080", want: "server.listen"},
		"port":                {env: "EPISTLE_SERVER_LISTEN=:70000", want: "server.listen"},
		"public url":          {env: "EPISTLE_SERVER_PUBLIC_URL=mail.example.org", want: "server.public_url"},
		"public url, path":    {env: "EPISTLE_SERVER_PUBLIC_URL=https://example.org/mail", want: "server.public_url"},
		"public url, http":    {env: "EPISTLE_SERVER_PUBLIC_URL=http://mail.example.org", want: "https"},
		"proxies":             {env: "EPISTLE_SERVER_TRUSTED_PROXIES=nginx", want: "server.trusted_proxies"},
		"relay":               {env: "EPISTLE_RELAY_URL=http://example.org", want: "relay.url"},
		"relay, port":         {env: "EPISTLE_RELAY_URL=smtp://example.org:99999", want: "relay.url"},
		"relay, query":        {env: "EPISTLE_RELAY_URL=smtp://example.org/?tls=no", want: "relay.url"},
		"relay, twice":        {file: "[relay]\nurl = \"smtp://a@mail.example.org\"\n[relay3]\nurl = \"smtp://b@Mail.example.org\"\n", want: "relay3.url"},
		"quota":               {env: "EPISTLE_RELAY2_DAILY_QUOTA=-1", want: "relay2.daily_quota"},
		"warm-up":             {env: "EPISTLE_RELAY_WARMUP_FROM=22.11.2026", want: "relay.warmup_from"},
		"lanes, no rate":      {env: "EPISTLE_LIMITS_LANES=naver.com", want: "limits.lanes"},
		"lanes, no domain":    {env: "EPISTLE_LIMITS_LANES=localhost 2", want: "limits.lanes"},
		"lanes, negative":     {file: "[limits]\nlanes = [\"naver.com -1\"]\n", want: "limits.lanes"},
		"zone":                {env: "EPISTLE_MINISTRY_TIMEZONE=Seoul", want: "ministry.timezone"},
		"local zone":          {env: "EPISTLE_MINISTRY_TIMEZONE=Local", want: "ministry.timezone"},
		"contact":             {env: "EPISTLE_MINISTRY_CONTACT=office", want: "ministry.contact"},
		"line break":          {file: "[ministry]\nname = \"a\\u0000b\"\n", want: "ministry.name"},
		"domain":              {env: "EPISTLE_MAIL_DOMAIN=localhost", want: "mail.domain"},
		"dkim domain":         {env: "EPISTLE_DKIM_DOMAIN=localhost", want: "dkim.domain"},
		"dkim selector":       {env: "EPISTLE_DKIM_SELECTOR=a b", want: "dkim.selector"},
		"no dkim selector":    {file: "[dkim]\nselector = \"\"\n", want: "dkim.selector"},
		"site":                {env: "EPISTLE_COMMENTS_SITES=https://example.org/", want: "comments.sites"},
		"host without port":   {env: "EPISTLE_FETCH_ALLOW=blog.internal", want: "fetch.allow"},
		"any host":            {env: "EPISTLE_FETCH_ALLOW=*:80", want: "fetch.allow"},
		"level":               {env: "EPISTLE_LOG_LEVEL=loud", want: "log.level"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(write(t, c.file), []string{c.env})
			if epistle.KindOf(err) != epistle.Invalid {
				t.Fatalf("error %v, want an invalid one", err)
			}
			if got := sentence(t, err); !strings.Contains(got, c.want) {
				t.Errorf("the sentence does not say %q: %s", c.want, got)
			}
		})
	}
}

func TestADaemonNeedsToKnowWhoSends(t *testing.T) {
	err := config.Default().Validate()
	var problems epistle.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("a bare configuration: %v, want four problems", err)
	}
	for _, p := range problems {
		sentence(t, p)
	}
	c, err := config.Load(write(t, ""), []string{"EPISTLE_MINISTRY_NAME=Grace", "EPISTLE_MINISTRY_ADDRESS=1 Road",
		"EPISTLE_MINISTRY_CONTACT=office@example.org",
		"EPISTLE_RELAY_URL=smtp://127.0.0.1:2525", "EPISTLE_SERVER_LISTEN=0.0.0.0:8080"})
	if err != nil {
		t.Fatal(err)
	}
	if got := sentence(t, c.Validate()); !strings.Contains(got, "server.public_url") {
		t.Errorf("a public address without a public URL: %s", got)
	}
}

func TestSigningIsSetWholeOrNotAtAll(t *testing.T) {
	ministry := []string{"EPISTLE_MINISTRY_NAME=Grace", "EPISTLE_MINISTRY_ADDRESS=1 Road", "EPISTLE_MINISTRY_CONTACT=office@example.org", "EPISTLE_RELAY_URL=smtp://127.0.0.1:2525"}
	for name, c := range map[string]struct {
		env  []string
		want string // in the sentence; "" where nothing is wrong
	}{
		"off":            {},
		"a file":         {env: []string{"EPISTLE_DKIM_DOMAIN=Example.org", "EPISTLE_DKIM_KEY_FILE=/srv/key.pem"}},
		"a text":         {env: []string{"EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY_ED25519=text"}},
		"both":           {env: []string{"EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY=text", "EPISTLE_DKIM_KEY_ED25519_FILE=/srv/ed.pem"}},
		"no key":         {env: []string{"EPISTLE_DKIM_DOMAIN=example.org"}, want: "no key"},
		"no domain":      {env: []string{"EPISTLE_DKIM_KEY_FILE=/srv/key.pem"}, want: "dkim.domain"},
		"equal selector": {env: []string{"EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY=a", "EPISTLE_DKIM_KEY_ED25519=b", "EPISTLE_DKIM_SELECTOR=x", "EPISTLE_DKIM_SELECTOR_ED25519=X"}, want: "dkim.selector_ed25519"},
	} {
		got, err := config.Load(write(t, ""), append(c.env, ministry...))
		if err != nil {
			t.Fatal(err)
		}
		switch err := got.Validate(); {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(sentence(t, err), c.want)):
			t.Errorf("%s: %v", name, err)
		}
		if name == "a file" && (got.DKIM.Domain != "example.org" || got.DKIM.Keys[0] != config.DKIMKey{Selector: "epistle", File: "/srv/key.pem"}) {
			t.Errorf("read back %+v", got.DKIM)
		}
	}
}

func TestANamedFileMustExist(t *testing.T) {
	_, err := config.Load(filepath.Join(t.TempDir(), "no.toml"), nil)
	if epistle.KindOf(err) != epistle.Invalid {
		t.Fatalf("error %v, want an invalid one", err)
	}
	if got := sentence(t, err); !strings.Contains(got, "no.toml") {
		t.Errorf("the sentence does not name the file: %s", got)
	}
}

func TestFillKeepsTheCommentsAndReadsBack(t *testing.T) {
	text := config.Fill(map[string]any{"ministry.name": "Grace \"and\" \\ Truth", "ministry.name_ko": "은혜와 진리",
		"relay.url": "smtp://127.0.0.1:25", "relay.connections": 7, "relay.rate": 0.5, "comments.sites": []string{"a.example.org", "b.example.org"}})
	c, err := config.Load(write(t, text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Ministry.Name.EN != `Grace "and" \ Truth` || c.Ministry.Name.KO != "은혜와 진리" || c.Relays[0].Connections != 7 || c.Relays[0].Rate != 0.5 || len(c.Comments.Sites) != 2 {
		t.Errorf("read back %+v", c)
	}
	if strings.Count(text, "\n#") != strings.Count(config.Example, "\n#") {
		t.Error("comments were lost")
	}
}
