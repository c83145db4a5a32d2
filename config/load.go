package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"

	"epistle/internal/epistle"
)

// DefaultFiles are looked for, in this order, when no file is named.
var DefaultFiles = []string{"epistle.toml", "/etc/epistle/epistle.toml"}

const (
	prefix     = "EPISTLE_"
	testPrefix = "EPISTLE_TEST_" // settings of the test suite, not ours
	fileSuffix = "_FILE"
)

// Load reads the settings file at path, or the first of DefaultFiles that
// exists if path is "", then the variables of env ("NAME=value"), which win.
// A key or variable that is unknown or malformed is an Invalid error with the
// key as its field; when several are, the error is an epistle.Problems.
func Load(path string, env []string) (Config, error) {
	path, content, err := readFile(path)
	if err != nil {
		return Config{}, err
	}
	return Parse(path, content, env)
}

// Parse is Load for the content of a settings file at path.
func Parse(path, content string, env []string) (Config, error) {
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider([]byte(content)), toml.Parser()); err != nil {
		return Config{}, epistle.Errorf(epistle.Invalid, "setting.syntax", err).With("Path", path)
	}
	var problems epistle.Problems
	checkKeys(k, &problems)
	given := map[string]bool{}
	for _, key := range k.Keys() {
		given[key] = true
	}
	fromEnv := readEnv(env, &problems)
	for key := range fromEnv {
		given[key] = true
	}
	if err := k.Load(confmap.Provider(fromEnv, "."), nil); err != nil {
		return Config{}, err
	}
	if err := problems.Err(); err != nil {
		return Config{}, err
	}
	c := build(values{k, &problems})
	c.File = path
	if !given["database.url"] {
		c.Database.URL = "sqlite:" + filepath.Join(c.DataDir, "epistle.db")
	}
	return c, problems.Err()
}

// Default is the configuration of a program that was told nothing.
func Default() Config {
	var problems epistle.Problems
	return build(values{koanf.New("."), &problems})
}

// Check says what is wrong with a value for one key.
func Check(key, value string) error {
	k := koanf.New(".")
	if err := k.Load(confmap.Provider(map[string]any{key: value}, "."), nil); err != nil {
		return err
	}
	var problems epistle.Problems
	build(values{k, &problems})
	return problems.Err()
}

func readFile(path string) (found, content string, err error) {
	candidates := DefaultFiles
	if path != "" {
		candidates = []string{path}
	}
	for _, name := range candidates {
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) && path == "" {
			continue
		}
		if err != nil {
			return "", "", epistle.Errorf(epistle.Invalid, "setting.file", err).With("Path", name)
		}
		return name, string(content), nil
	}
	return "", "", nil
}

// checkKeys refuses keys of the file that no setting has.
func checkKeys(k *koanf.Koanf, problems *epistle.Problems) {
	known := Keys()
	for _, key := range k.Keys() {
		if find(key) == nil {
			problems.Add(epistle.InvalidField(key, "setting.unknown").With("Key", key).With("Nearest", nearest(key, known)))
		}
	}
}

// readEnv gathers the settings among the variables of the environment. A
// variable that is set to nothing counts as not set.
func readEnv(env []string, problems *epistle.Problems) map[string]any {
	names := map[string]setting{}
	var known []string
	for _, s := range settings {
		names[Variable(s.key)] = s
		known = append(known, Variable(s.key))
		if s.secret {
			known = append(known, Variable(s.key)+fileSuffix)
		}
	}
	found := map[string]any{}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) || value == "" {
			continue
		}
		if s, ok := names[name]; ok {
			found[s.key] = value
			continue
		}
		s, ok := names[strings.TrimSuffix(name, fileSuffix)]
		if !ok || !s.secret {
			problems.Add(epistle.InvalidField(name, "setting.variable").With("Key", name).With("Nearest", nearest(name, known)))
			continue
		}
		secret, err := os.ReadFile(value)
		if err != nil {
			problems.Add(&epistle.Error{Kind: epistle.Invalid, Field: s.key, Message: "setting.secret-file",
				Data: map[string]any{"Key": name}, Err: err})
			continue
		}
		if _, both := found[s.key]; !both {
			found[s.key] = strings.TrimSpace(string(secret))
		}
	}
	return found
}

// Variable is the name of a key in the environment: "relay.url" is
// EPISTLE_RELAY_URL.
func Variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func find(key string) *setting {
	for i := range settings {
		if settings[i].key == key {
			return &settings[i]
		}
	}
	return nil
}

// values reads typed settings and collects what is wrong with them. The
// environment knows only texts, so a text counts as what it spells.
type values struct {
	k        *koanf.Koanf
	problems *epistle.Problems
}

func (v values) raw(key string) any {
	if v.k.Exists(key) {
		return v.k.Get(key)
	}
	return find(key).initial
}

func (v values) fail(key, message string) {
	v.problems.Add(problem(key, message))
}

func problem(key, message string) *epistle.Error {
	return epistle.InvalidField(key, message).With("Key", key).With("Variable", Variable(key))
}

func (v values) text(key string) string {
	s, ok := v.raw(key).(string)
	if !ok {
		v.fail(key, "setting.text")
	}
	return strings.TrimSpace(s)
}

func (v values) whole(key string) int {
	switch n := v.raw(key).(type) {
	case int64:
		return int(n)
	case string:
		if i, err := strconv.Atoi(n); err == nil {
			return i
		}
	}
	v.fail(key, "setting.number")
	return 1
}

func (v values) number(key string) float64 {
	switch n := v.raw(key).(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	case string:
		if f, err := strconv.ParseFloat(n, 64); err == nil {
			return f
		}
	}
	v.fail(key, "setting.number")
	return 0
}

// list reads a TOML array of texts, or a text whose items commas separate.
func (v values) list(key string) []string {
	var items []string
	switch raw := v.raw(key).(type) {
	case []string:
		return raw
	case string:
		items = strings.Split(raw, ",")
	case []any:
		for _, item := range raw {
			s, ok := item.(string)
			if !ok {
				v.fail(key, "setting.list")
				return nil
			}
			items = append(items, s)
		}
	default:
		v.fail(key, "setting.list")
	}
	kept := []string{}
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			kept = append(kept, item)
		}
	}
	return kept
}
