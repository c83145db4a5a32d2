package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"epistle/internal/epistle"
	"epistle/internal/seal"
	"epistle/internal/storetest"
)

// builtProgram is the built program, for what only a process can show.
var builtProgram = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "epistle-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "epistle")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := builtProgram(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// ministry is the least environment that a daemon needs.
func ministry(more ...string) []string {
	return append([]string{"EPISTLE_MINISTRY_NAME=Grace Harbour", "EPISTLE_MINISTRY_ADDRESS=1 Harbour Road",
		"EPISTLE_MINISTRY_CONTACT=office@example.org", "EPISTLE_RELAY_URL=smtp://127.0.0.1:9", "EPISTLE_SERVER_LISTEN=127.0.0.1:0"}, more...)
}

// result is what one run of the program left behind.
type result struct {
	code           int
	stdout, stderr string
}

// runHere runs the program in this process, in the current directory.
func runHere(t *testing.T, stdin string, env []string, args ...string) result {
	t.Helper()
	return runUntil(t.Context(), t, stdin, env, args...)
}

// runUntil is runHere for a command that the end of ctx breaks off.
func runUntil(ctx context.Context, t *testing.T, stdin string, env []string, args ...string) result {
	t.Helper()
	catalog, err := loadCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	p := &program{env: env, stdin: bufio.NewReader(strings.NewReader(stdin)), stdout: &stdout, stderr: &stderr, answers: stdin != "",
		clock: func() time.Time { return time.Now().UTC() }, catalog: catalog, words: catalog.In(epistle.English)}
	err = p.run(ctx, args)
	return result{exitCode(err), stdout.String(), stderr.String()}
}

// initArgs set up an installation without questions.
func initArgs(t *testing.T, more ...string) []string {
	t.Helper()
	if err := os.WriteFile("password", []byte("a long quiet evening\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return append([]string{"init", "--ministry", "Grace Harbour", "--ministry-ko", "은혜항", "--postal-address", "1 Harbour Road, Busan",
		"--relay", "smtp://127.0.0.1:9", "--sender", "news@example.org", "--staff-name", "Anna", "--staff-email", "anna@example.org",
		"--password-file", "password"}, more...)
}

func TestACommandThatIsBrokenOffSaysSo(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if r := runUntil(ctx, t, "", nil, "staff", "list"); r.code != 1 || r.stderr != "Stopped before the end. Run the command again to go on.\n" {
		t.Errorf("%+v", r)
	}
}

func TestWrongStartsEndInOneSentence(t *testing.T) {
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, c := range map[string]struct {
		args  []string
		env   []string
		files map[string]string
		code  int
		want  string
	}{
		"unknown subcommand":           {args: []string{"dance"}, code: 2, want: "unexpected argument dance"},
		"unknown flag":                 {args: []string{"serve", "--port", "80"}, code: 2, want: "unknown flag --port"},
		"nothing after staff":          {args: []string{"staff"}, code: 2, want: "expected one of"},
		"serve without settings":       {args: []string{"serve"}, code: 2, want: "ministry.name"},
		"unknown setting":              {args: []string{"serve"}, env: ministry("EPISTLE_RELAY_RAET=1"), code: 2, want: "EPISTLE_RELAY_RATE"},
		"unknown key in the file":      {args: []string{"serve"}, env: ministry(), files: map[string]string{"epistle.toml": "[log]\nlevle = \"info\"\n"}, code: 2, want: "log.level"},
		"settings file not there":      {args: []string{"serve", "--config", "no.toml"}, env: ministry(), code: 2, want: "no.toml"},
		"port taken":                   {args: []string{"serve"}, env: ministry("EPISTLE_SERVER_LISTEN=" + taken.Addr().String()), code: 1, want: taken.Addr().String()},
		"database is a folder":         {args: []string{"serve"}, env: ministry("EPISTLE_DATABASE_URL=sqlite:."), code: 1, want: "database cannot be opened"},
		"database is no database":      {args: []string{"serve"}, env: ministry("EPISTLE_DATABASE_URL=sqlite:x"), files: map[string]string{"x": strings.Repeat("no database\n", 100)}, code: 1, want: "database cannot be opened"},
		"PostgreSQL does not answer":   {args: []string{"serve"}, env: ministry("EPISTLE_DATABASE_URL=postgres://u:tell-nobody@127.0.0.1:1/x"), code: 1, want: "server does not answer"},
		"a key that is none":           {args: []string{"serve"}, env: ministry("EPISTLE_SEAL_KEY=EPISTLE-ABC"), code: 2, want: "EPISTLE_SEAL_KEY"},
		"a DKIM key that is none":      {args: []string{"serve"}, env: ministry("EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY=tell-nobody"), code: 1, want: "dkim.key"},
		"a DKIM key for sealing":       {args: []string{"serve"}, env: ministry("EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY_FILE=x"), files: map[string]string{"x": "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"}, code: 1, want: "What stands in x"},
		"a DKIM key that is not there": {args: []string{"serve"}, env: ministry("EPISTLE_DKIM_DOMAIN=example.org", "EPISTLE_DKIM_KEY_FILE=no.pem"), code: 1, want: "no.pem"},
		"a DKIM key of no domain":      {args: []string{"serve"}, env: ministry("EPISTLE_DKIM_KEY_FILE=no.pem"), code: 2, want: "dkim.domain"},
		"keygen of no domain":          {args: []string{"dkim", "keygen"}, code: 2, want: "--domain"},
		"import of a folder":           {args: []string{"import", "subscribers", "."}, code: 2, want: "file"},
		"letters that are none":        {args: []string{"staff", "add", "a@example.org", "--name", "\xff\xfe"}, code: 2, want: "damaged characters"},
		"init without its password":    {args: []string{"init", "--ministry", "G", "--postal-address", "1", "--relay", "smtp://127.0.0.1:9", "--sender", "a@example.org", "--staff-name", "A", "--staff-email", "a@example.org", "--password-file", "none"}, code: 2, want: "password cannot be read"},
		"init with a short password":   {args: []string{"init", "--ministry", "G", "--postal-address", "1", "--relay", "smtp://127.0.0.1:9", "--sender", "a@example.org", "--staff-name", "A", "--staff-email", "a@example.org", "--password-file", "pw"}, files: map[string]string{"pw": "short\n"}, code: 2, want: "12 characters"},
		"init where nobody may write":  {args: []string{"init", "--config", "no/such/folder/x.toml", "--ministry", "G", "--postal-address", "1", "--relay", "smtp://127.0.0.1:9", "--sender", "a@example.org", "--staff-name", "A", "--staff-email", "a@example.org"}, code: 1, want: "no/such/folder/x.toml"},
		"a relay without a port":       {args: []string{"serve"}, env: ministry("EPISTLE_RELAY_URL=smtp://u:tell-nobody@h:99999"), code: 2, want: "relay.url"},
		"a relay that is none":         {args: []string{"serve"}, env: ministry("EPISTLE_RELAY_URL=http://x"), code: 2, want: "relay.url"},
		"staff before init":            {args: []string{"staff", "list"}, code: 1, want: "epistle init"},
		"sheet before init":            {args: []string{"recovery-sheet"}, code: 1, want: "epistle init"},
		"import of no file":            {args: []string{"import", "subscribers", "no.csv"}, code: 2, want: "no.csv"},
		"nobody is well":               {args: []string{"healthcheck"}, env: []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:1"}, code: 1, want: "does not answer"},
		"init without answers":         {args: []string{"init"}, code: 2, want: "--ministry is missing"},
		"init with a wrong answer":     {args: []string{"init", "--ministry", "G", "--postal-address", "1", "--relay", "mail.example.org"}, code: 2, want: "--relay: The setting relay.url"},
		"init with a wrong schedule":   {args: []string{"init", "--ministry", "G", "--postal-address", "1", "--relay", "smtp://127.0.0.1:9", "--sender", "a@example.org", "--staff-name", "A", "--staff-email", "a@example.org", "--schedule", "0 20 30 2 *"}, code: 2, want: "30 February"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, path, c.args...)
			var stdout, stderr bytes.Buffer
			cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, c.env, &stdout, &stderr
			_ = cmd.Run() // the exit code is looked at below
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			if !strings.Contains(stderr.String(), c.want) {
				t.Errorf("stderr does not say %q:\n%s", c.want, &stderr)
			}
			if strings.Contains(stderr.String(), "tell-nobody") {
				t.Errorf("stderr holds a password:\n%s", &stderr)
			}
			for line := range strings.Lines(stderr.String()) {
				if strings.HasPrefix(line, "{") || strings.HasPrefix(line, "[") || strings.Contains(line, "goroutine") || strings.Contains(line, "<no value>") {
					t.Errorf("stderr holds more than sentences:\n%s", &stderr)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("something was made though nothing was started")
			}
		})
	}
}

func TestHelpHasWordsForEverything(t *testing.T) {
	for _, args := range [][]string{{}, {"--help"}, {"init", "--help"}, {"serve", "--help"}, {"migrate", "--help"}, {"staff", "--help"},
		{"staff", "add", "--help"}, {"import", "subscribers", "--help"}, {"key", "new", "--help"}, {"dkim", "keygen", "--help"}, {"recovery-sheet", "--help"}} {
		r := runHere(t, "", nil, args...)
		if r.code != 0 || !strings.Contains(r.stdout, "Usage: epistle") || strings.Contains(r.stdout, "[cli") || strings.Contains(r.stdout, "${") {
			t.Errorf("%v: code %d\n%s%s", args, r.code, r.stdout, r.stderr)
		}
	}
}

func TestInitAsksUntilTheAnswersAreRight(t *testing.T) {
	t.Chdir(t.TempDir())
	answers := strings.Join([]string{"Grace Harbour", "은혜항", "", "1 Harbour Road", "", "Seoul", "", "not a url", "", "smtp//x", "smtp://127.0.0.1:9",
		"news", "news@example.org", "", "", "Anna", "anna@example.org", "xx", "ko", "short", "a long quiet evening", "a long loud evening",
		"a long quiet evening", "a long quiet evening"}, "\n") + "\n"
	r := runHere(t, answers, nil, "init")
	if r.code != 0 {
		t.Fatalf("code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for _, want := range []string{"ministry.timezone", "server.public_url", "relay.url", "@", "English or Korean", "12", "The two differ",
		"does not answer", "recovery-sheet"} {
		if !strings.Contains(r.stdout, want) {
			t.Errorf("it did not say %q:\n%s", want, r.stdout)
		}
	}
	list := runHere(t, "", nil, "staff", "list")
	if want := "anna@example.org  Anna  admin  ko\n"; list.stdout != want {
		t.Errorf("staff: %q, want %q", list.stdout, want)
	}
}

func TestInitKeepsSecretsToItselfAndOverwritesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
		t.Fatalf("code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	for name, mode := range map[string]os.FileMode{"epistle.toml": 0o600, "data": 0o700, "data/epistle.key": 0o600, "data/epistle.db": 0o600} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want %v", name, info, err, mode)
		}
	}
	key, err := os.ReadFile("data/epistle.key")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("epistle.toml", append(read(t, "epistle.toml"), "# a note of ours\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := runHere(t, "", nil, initArgs(t, "--ministry", "Another")...)
	if again.code != 0 || !strings.Contains(again.stdout, "stays as it is") {
		t.Errorf("a second init: %+v", again)
	}
	if settings := string(read(t, "epistle.toml")); !strings.Contains(settings, "a note of ours") || strings.Contains(settings, "Another") {
		t.Error("the settings file was written again")
	}
	if !bytes.Equal(key, read(t, "data/epistle.key")) {
		t.Error("the key was written again")
	}
	if list := runHere(t, "", nil, "staff", "list"); strings.Count(list.stdout, "\n") != 1 {
		t.Errorf("staff after two inits:\n%s", list.stdout)
	}
	sheet := runHere(t, "", nil, "recovery-sheet")
	text := strings.ReplaceAll(strings.Join(strings.Fields(sheet.stdout), ""), "\n", "")
	if strings.Count(text, strings.TrimSpace(string(key))) != 2 || !strings.Contains(sheet.stdout, "Grace Harbour") || !strings.Contains(sheet.stdout, "은혜항") {
		t.Errorf("the sheet does not show the key in both languages:\n%s", sheet.stdout)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// daemon is a serve in this process.
type daemon struct {
	url  string
	stop func() error
	out  *bytes.Buffer // what it said
	log  *bytes.Buffer
}

// listening finds the address in what serve says.
var listening = regexp.MustCompile(`ready on (\S+):`)

func serve(t *testing.T, env []string) daemon {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d := daemon{out: &bytes.Buffer{}, log: &bytes.Buffer{}}
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"serve"}, env, writer, d.log)
		_ = writer.Close()
		done <- err
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		t.Fatalf("serve ended at once: %v\n%s", <-done, d.log)
	}
	found := listening.FindStringSubmatch(lines.Text())
	if found == nil {
		t.Fatalf("serve said %q", lines.Text())
	}
	d.url = "http://" + found[1]
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
			d.out.WriteString(lines.Text() + "\n")
		}
	}()
	d.stop = sync.OnceValue(func() error {
		cancel()
		err := <-done
		<-drained
		return err
	})
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Errorf("serve ended with %v", err)
		}
	})
	return d
}

func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 20 * time.Second}
}

func get(t *testing.T, c *http.Client, address string) (int, string) {
	t.Helper()
	response, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestServeFromInitToSignIn(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	d := serve(t, []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:0"})
	client := browser(t)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/nothing/here": 404} {
		if code, _ := get(t, client, d.url+path); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	health := runHere(t, "", []string{"EPISTLE_SERVER_LISTEN=" + strings.TrimPrefix(d.url, "http://")}, "healthcheck")
	if health.code != 0 {
		t.Errorf("healthcheck: %+v", health)
	}
	response, err := client.PostForm(d.url+"/desk/sign-in", url.Values{"email": {"anna@example.org"}, "password": {"a long quiet evening"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if code, body := get(t, client, d.url+"/desk/staff"); code != 200 || !strings.Contains(body, "anna@example.org") {
		t.Errorf("the staff page after signing in: %d", code)
	}
	second := runHere(t, "", []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:0"}, "serve")
	if second.code != 1 || !strings.Contains(second.stderr, "already runs") {
		t.Errorf("a second daemon on the same file: %+v", second)
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.out.String(), "Without this key your list is lost") {
		t.Errorf("the start does not mention the recovery sheet:\n%s", d.out)
	}
	if log := d.log.String(); strings.Contains(log, "anna") || strings.Contains(log, "ERROR") {
		t.Errorf("the log:\n%s", log)
	}
}

func TestKeyRules(t *testing.T) {
	t.Run("a lost key is not replaced", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
			t.Fatalf("init: %+v", r)
		}
		if err := os.Remove("data/epistle.key"); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"serve"}, {"staff", "list"}, initArgs(t)} {
			r := runHere(t, "", []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:0"}, args...)
			if r.code != 1 || !strings.Contains(r.stderr, "recovery sheet") {
				t.Errorf("%s without the key: %+v", args[0], r)
			}
		}
		if _, err := os.Stat("data/epistle.key"); err == nil {
			t.Error("a new key was made for a database that is not empty")
		}
		r := runHere(t, "", []string{"EPISTLE_SERVER_LISTEN=127.0.0.1:0", "EPISTLE_SEAL_KEY=" + seal.NewKey().String()}, "serve")
		if r.code != 1 || !strings.Contains(r.stderr, "does not fit") {
			t.Errorf("with another key: %+v", r)
		}
	})
	t.Run("PostgreSQL asks for one", func(t *testing.T) {
		t.Chdir(t.TempDir())
		database := "EPISTLE_DATABASE_URL=" + storetest.PostgresURL(t)
		r := runHere(t, "", ministry(database), "serve")
		if r.code != 2 || !strings.Contains(r.stderr, "epistle key new") {
			t.Fatalf("without a key: %+v", r)
		}
		made := runHere(t, "", nil, "key", "new")
		if err := os.WriteFile("key", []byte(made.stdout), 0o600); err != nil {
			t.Fatal(err)
		}
		d := serve(t, ministry(database, "EPISTLE_SEAL_KEY_FILE=key"))
		if code, _ := get(t, browser(t), d.url+"/readyz"); code != 200 {
			t.Errorf("readyz: %d", code)
		}
	})
	t.Run("init makes one for PostgreSQL", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if r := runHere(t, "", nil, initArgs(t, "--database", storetest.PostgresURL(t))...); r.code != 0 {
			t.Fatalf("init: %+v", r)
		}
		if r := runHere(t, "", nil, "staff", "list"); r.code != 0 || !strings.Contains(r.stdout, "anna@example.org") {
			t.Errorf("staff list: %+v", r)
		}
	})
}

func TestStaffFromTheCommandLine(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	for _, c := range []struct {
		stdin string
		args  []string
		code  int
		want  string
	}{
		{"", []string{"staff", "add", "bora@example.org", "--name", "보라", "--role", "editor", "--language", "ko"}, 0, "mailed a link"},
		{"", []string{"staff", "add", "bora@example.org", "--name", "보라"}, 2, "already"},
		{"", []string{"staff", "add", "nobody", "--name", "N"}, 2, "@"},
		{"", []string{"staff", "add", "carl@example.org", "--name", "Carl", "--role", "bishop"}, 2, ""},
		{"", []string{"staff", "add", "carl@example.org", "--name", "Carl", "--password-file", "password"}, 0, "can sign in"},
		{"", []string{"staff", "passwd", "carl@example.org"}, 2, "--password-file"},
		{"short\nanother quiet evening\nanother quiet evening\n", []string{"staff", "passwd", "carl@example.org"}, 0, "is set"},
		{"", []string{"staff", "passwd", "dora@example.org", "--password-file", "password"}, 1, ""},
		{"", []string{"staff", "disable", "carl@example.org"}, 0, "shut out"},
		{"", []string{"staff", "enable", "carl@example.org"}, 0, "again"},
		{"", []string{"staff", "disable", "bora@example.org"}, 0, "shut out"},
		{"", []string{"staff", "list"}, 0, "보라    editor  ko  disabled"},
	} {
		r := runHere(t, c.stdin, nil, c.args...)
		if r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) || strings.Contains(r.stdout+r.stderr, "[") {
			t.Errorf("%v: code %d, want %d and %q\n%s%s", c.args, r.code, c.code, c.want, r.stdout, r.stderr)
		}
	}
}

func TestImportTellsRowsByTheirLine(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := runHere(t, "", nil, initArgs(t)...); r.code != 0 {
		t.Fatalf("init: %+v", r)
	}
	list := "email,name,language\nbob@example.net,Bob,en\nnobody at all,Nobody,en\nkim@example.net,김하늘,ko\n"
	if err := os.WriteFile("list.csv", []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--confirmed"}, 2, ""},
		{[]string{"--confirmed", "--source", "cards", "--newsletter", "other"}, 2, "other"},
		{[]string{"--confirmed", "--source", "cards", "--dry-run"}, 0, "3 rows: 2 subscribed"},
		{[]string{"--confirmed", "--source", "cards"}, 0, "3 rows: 2 subscribed, 0 were already"},
		{[]string{"--confirmed", "--source", "cards", "--newsletter", firstSlug}, 0, "3 rows: 0 subscribed, 2 were already"},
	} {
		r := runHere(t, "", nil, append([]string{"import", "subscribers", "list.csv"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.stdout+r.stderr, c.want) {
			t.Errorf("%v: code %d, want %d and %q\n%s%s", c.args, r.code, c.code, c.want, r.stdout, r.stderr)
		}
		if c.code == 0 && !strings.Contains(r.stderr, "Line 3") {
			t.Errorf("the wrong row is not told by its line: %s", r.stderr)
		}
		if strings.Contains(r.stderr, "obody") {
			t.Errorf("the message repeats the row: %s", r.stderr)
		}
	}
}

func TestMigrateAndVersion(t *testing.T) {
	t.Chdir(t.TempDir())
	for range 2 {
		if r := runHere(t, "", nil, "migrate"); r.code != 0 || !strings.Contains(r.stdout, "up to date") {
			t.Errorf("migrate: %+v", r)
		}
	}
	if r := runHere(t, "", nil, "version"); r.code != 0 || !strings.HasPrefix(r.stdout, "epistle ") {
		t.Errorf("version: %+v", r)
	}
}

func TestTheProcessStopsInOrderOnSIGTERM(t *testing.T) {
	path, err := builtProgram()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, "serve")
	cmd.Dir, cmd.Env = t.TempDir(), ministry()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the daemon said nothing: %s", &log)
	}
	begun := time.Now()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended with %v\n%s", err, &log)
	}
	if took := time.Since(begun); took > 10*time.Second {
		t.Errorf("stopping took %v", took)
	}
}

func TestStoppingWhileItStartsIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log bytes.Buffer
	if err := run(ctx, []string{"serve"}, ministry("EPISTLE_DATA_DIR="+t.TempDir()), io.Discard, &log); err != nil || log.Len() > 0 {
		t.Errorf("ended with %v and said %s", err, &log)
	}
}

func TestTheLogBlotsOutPeople(t *testing.T) {
	var out bytes.Buffer
	log := newLog(&out, slog.LevelInfo)
	log.With("who", "kim@example.org").Error("refused <kim@example.org>", "error", fmt.Errorf("550 5.1.1 <kim@example.org>: unknown"),
		"path", "/u/AbCdEf012345_-", "reply", "no such user kim+x@bücher.example")
	if s := out.String(); strings.Contains(s, "kim") || strings.Contains(s, "AbCdEf") || !strings.Contains(s, "550 5.1.1") {
		t.Errorf("the log says %s", s)
	}
}
