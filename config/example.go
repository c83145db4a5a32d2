package config

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// Example is the commented settings file with every key at its default.
//
//go:embed epistle.example.toml
var Example string

// Fill is the example file with some keys set to other values. It panics on a
// key that the example does not have, and on a value that is no text, number
// or list of texts; both are defects.
func Fill(set map[string]any) string {
	var b strings.Builder
	section, done := "", 0
	for line := range strings.Lines(Example) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "["); found {
			section = strings.TrimSuffix(name, "]") + "."
		}
		name, _, found := strings.Cut(line, " = ")
		value, wanted := set[section+name]
		if !found || !wanted || strings.HasPrefix(line, "#") {
			b.WriteString(line)
			continue
		}
		fmt.Fprintf(&b, "%s = %s\n", name, tomlValue(value))
		done++
	}
	if done != len(set) {
		panic(fmt.Sprintf("config: %d of %d keys are not in the example", len(set)-done, len(set)))
	}
	return b.String()
}

func tomlValue(value any) string {
	switch v := value.(type) {
	case string:
		return tomlString(v)
	case int:
		return strconv.Itoa(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []string:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = tomlString(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	panic(fmt.Sprintf("config: a %T has no form in the settings file", value))
}

// tomlString is a TOML basic string.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
