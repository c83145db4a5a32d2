package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build makes the daemon's binary as it is shipped. More are flags for "go
// build".
func Build(ctx context.Context, path string, more ...string) error {
	return build(ctx, path, append([]string{"-trimpath"}, more...), "CGO_ENABLED=0")
}

// BuildQuickly makes it as tests do, so that what they have compiled is used.
func BuildQuickly(ctx context.Context, path string, more ...string) error {
	return build(ctx, path, more)
}

func build(ctx context.Context, path string, flags []string, env ...string) error {
	args := append(append([]string{"build"}, flags...), "-o", path, "epistle/cmd/epistle")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return nil
}
