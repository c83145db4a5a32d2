package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"epistle/internal/storetest"
)

// userHz is what Linux counts a process's time in, on every machine.
const userHz = 100

// CPU is the processor time that the daemon has used so far, its own and the
// kernel's for it.
func (d *Daemon) CPU() (time.Duration, error) {
	u, err := usageOf(strconv.Itoa(d.PID()))
	return u.own, err
}

// ServerCPU is the processor time that PostgreSQL has used so far, for all its
// connections.
func ServerCPU(c *storetest.Cluster) (time.Duration, error) {
	server := strconv.Itoa(c.PID())
	u, err := usageOf(server)
	if err != nil {
		return 0, err
	}
	all := u.own + u.ended
	processes, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, p := range processes {
		// One that ends meanwhile counts to its parent next time.
		if u, err := usageOf(p.Name()); err == nil && u.parent == server {
			all += u.own
		}
	}
	return all, nil
}

// usage is the kernel's account of a process.
type usage struct {
	parent     string
	own, ended time.Duration // its own, and that of its children that have ended
}

func usageOf(pid string) (usage, error) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return usage{}, err
	}
	// The name in parentheses may hold anything; after it the 2nd field is the
	// parent, and the 12th to 15th are user and system time, then the children's.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 15 {
		return usage{}, errors.New("the kernel's account of a process is shorter than it should be")
	}
	var ticks [4]int64
	for i := range ticks {
		if ticks[i], err = strconv.ParseInt(string(fields[11+i]), 10, 64); err != nil {
			return usage{}, err
		}
	}
	since := func(ticks int64) time.Duration { return time.Duration(ticks) * time.Second / userHz }
	return usage{parent: string(fields[1]), own: since(ticks[0] + ticks[1]), ended: since(ticks[2] + ticks[3])}, nil
}

// PeakMemory is the most resident memory the daemon ever had, in KiB.
func (d *Daemon) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.PID()))
	if err != nil {
		return 0, err
	}
	_, rest, found := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("the kernel does not tell the peak of memory")
	}
	return strconv.ParseInt(string(fields[0]), 10, 64)
}
