package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"epistle/internal/seal"
	"epistle/internal/smtptest"
	"epistle/internal/storetest"
)

// composition is what the test looks at in compose.yaml.
type composition struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Secrets     []string
		Healthcheck struct{ Test []string }
	}
	Secrets map[string]struct{ File string }
}

// TestTheCompositionStarts sets an installation up and starts both daemons with
// just what compose.yaml gives them, beside the address to listen on.
func TestTheCompositionStarts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c composition
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	relay := smtptest.Start(t, smtptest.Options{})
	secrets := t.TempDir()
	for name, value := range map[string]string{
		"database_url": storetest.PostgresURL(t), "seal_key": seal.NewKey().String(), "relay_url": relay.URL(), "password": "a long quiet evening",
	} {
		if err := os.WriteFile(filepath.Join(secrets, name), []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environments := map[string][]string{}
	for name, service := range c.Services {
		for _, secret := range service.Secrets {
			if c.Secrets[secret].File != "./secrets/"+secret {
				t.Errorf("%s is given a secret %s, which is in no file", name, secret)
			}
		}
		if service.Image != "epistle" {
			continue
		}
		if !slices.Equal(service.Healthcheck.Test, []string{"CMD", "/epistle", "healthcheck"}) {
			t.Errorf("%s is asked for its health by %q", name, service.Healthcheck.Test)
		}
		for key, value := range service.Environment {
			const folder = "/run/secrets/"
			if secret, is := strings.CutPrefix(value, folder); is && !slices.Contains(service.Secrets, secret) {
				t.Errorf("%s wants the secret %s, which it is not given", name, secret)
			}
			environments[name] = append(environments[name], key+"="+strings.Replace(value, folder, secrets+"/", 1))
		}
	}
	if len(environments) != 2 {
		t.Fatalf("daemons: %v; want two", slices.Collect(maps.Keys(environments)))
	}
	for _, env := range environments {
		r := runHere(t, "", env, "--config", os.DevNull, "init", "--sender", "letters@example.org", "--staff-name", "Anna",
			"--staff-email", "anna@example.org", "--password-file", filepath.Join(secrets, "password"))
		if r.code != 0 {
			t.Fatalf("init: code %d\n%s%s", r.code, r.stdout, r.stderr)
		}
	}
	var daemons []*process
	for _, env := range environments {
		daemons = append(daemons, startProcess(t, append(env, "EPISTLE_SERVER_LISTEN=127.0.0.1:0")))
	}
	for _, d := range daemons {
		d.stop()
	}
}
