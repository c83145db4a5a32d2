package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the linker for a release.
var version = ""

type versionCommand struct{}

func (versionCommand) run(_ context.Context, p *program) error {
	fmt.Fprintf(p.stdout, "epistle %s %s/%s %s\n", versionText(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	return nil
}

// versionText is the release, else the commit it was built from.
func versionText() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "development"
	}
	text := "development"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			text = "development-" + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += "+changes"
		}
	}
	return text
}
