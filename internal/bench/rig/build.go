package rig

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build makes the daemon's binary as it is shipped; more are flags for the
// compiler's command.
func Build(ctx context.Context, path string, more ...string) error {
	args := append(append([]string{"build", "-trimpath"}, more...), "-o", path, "epistle/cmd/epistle")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the daemon: %w\n%s", err, out)
	}
	return nil
}
