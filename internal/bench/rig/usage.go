package rig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// userHz is what Linux counts a process's time in, on every machine.
const userHz = 100

// CPU is the processor time that the daemon has used so far, its own and the
// kernel's for it.
func (d *Daemon) CPU() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.PID()))
	if err != nil {
		return 0, err
	}
	// The name in parentheses may hold anything; user and system time are the
	// 12th and 13th field after it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, errors.New("the kernel's account of a process is shorter than it should be")
	}
	var ticks int64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / userHz, nil
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
