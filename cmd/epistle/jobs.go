package main

import (
	"epistle/internal/schedule"
)

// jobs is what the schedule runs.
func (a *app) jobs() []schedule.Job {
	return nil
}
