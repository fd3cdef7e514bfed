package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cgroup is where the kernel counts what the container uses. Customers are root in it and may mount over it; then they
// read their own figures.
type cgroup struct {
	// Usually /sys/fs/cgroup and /proc/self/cgroup.
	root, self string
}

var usualCgroup = cgroup{root: "/sys/fs/cgroup", self: "/proc/self/cgroup"}

// cgroupUse is what could be read of it; nil is unknown.
type cgroupUse struct {
	// Of all processors together, since the container began.
	cpu    *time.Duration
	memory *int64
}

type cgroupLimits struct {
	CPUCores    *float64 `json:"cpu_cores,omitempty"`
	MemoryBytes *int64   `json:"memory_bytes,omitempty"`
}

// Version 2 has one tree of groups. Version 1 has one for each kind, and a mixed system shows an empty tree of version 2.
func (c cgroup) isTwo() bool {
	_, err := os.Stat(filepath.Join(c.root, "cgroup.controllers"))
	return err == nil
}

func (c cgroup) use() cgroupUse {
	var use cgroupUse
	if c.isTwo() {
		folder := c.folder("", "")
		if micros, ok := fieldOf(folder, "cpu.stat", "usage_usec"); ok && micros < 1<<50 {
			spent := time.Duration(micros) * time.Microsecond
			use.cpu = &spent
		}
		use.memory = memoryOf(folder, "memory.current", "inactive_file")
		return use
	}
	if nanos, ok := numberIn(c.folder("cpuacct", "cpu,cpuacct"), "cpuacct.usage"); ok {
		spent := time.Duration(nanos)
		use.cpu = &spent
	}
	use.memory = memoryOf(c.folder("memory", ""), "memory.usage_in_bytes", "total_inactive_file")
	return use
}

// Above this a limit of memory is none: version 1 writes a huge number.
const noMemoryLimit = 1 << 60

func (c cgroup) limits() cgroupLimits {
	var limits cgroupLimits
	var quota, period, memory int64
	var bounded, isKnown bool
	if c.isTwo() {
		folder := c.folder("", "")
		words := strings.Fields(textOf(folder, "cpu.max"))
		if len(words) == 2 {
			quota, bounded = wholeNumber(words[0])
			period, _ = wholeNumber(words[1])
		}
		memory, isKnown = numberIn(folder, "memory.max")
	} else {
		folder := c.folder("cpu", "cpu,cpuacct")
		quota, bounded = numberIn(folder, "cpu.cfs_quota_us")
		period, _ = numberIn(folder, "cpu.cfs_period_us")
		memory, isKnown = numberIn(c.folder("memory", ""), "memory.limit_in_bytes")
	}
	if bounded && quota > 0 && period > 0 {
		cores := float64(quota) / float64(period)
		limits.CPUCores = &cores
	}
	if isKnown && memory < noMemoryLimit {
		limits.MemoryBytes = &memory
	}
	return limits
}

// folder is where a controller's files are: the root itself where the container sees nothing but its own group, and
// otherwise what /proc says.
func (c cgroup) folder(controller, otherName string) string {
	base := filepath.Join(c.root, controller)
	if _, err := os.Stat(base); err != nil && otherName != "" {
		base = filepath.Join(c.root, otherName)
	}
	text, _ := os.ReadFile(c.self)
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 || !isNamed(parts[1], controller) {
			continue
		}
		folder := filepath.Join(base, filepath.Clean("/"+parts[2]))
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
	}
	return base
}

func isNamed(list, controller string) bool {
	for name := range strings.SplitSeq(list, ",") {
		if name == controller {
			return true
		}
	}
	return false
}

// memoryOf is what the kubelet counts against the limit of a container: without file contents that nobody uses, which
// make room when memory is needed.
func memoryOf(folder, current, inactive string) *int64 {
	bytes, ok := numberIn(folder, current)
	if !ok {
		return nil
	}
	if copies, ok := fieldOf(folder, "memory.stat", inactive); ok {
		bytes = max(0, bytes-copies)
	}
	return &bytes
}

const maxCgroupFile = 64 * 1024

func textOf(folder, name string) string {
	file, err := os.Open(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	defer file.Close()
	text := make([]byte, maxCgroupFile)
	count, _ := file.Read(text)
	return string(bytes.TrimSpace(text[:count]))
}

func numberIn(folder, name string) (int64, bool) {
	return wholeNumber(textOf(folder, name))
}

func fieldOf(folder, name, field string) (int64, bool) {
	for line := range strings.Lines(textOf(folder, name)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if key == field {
			return wholeNumber(value)
		}
	}
	return 0, false
}

// wholeNumber reads what the kernel writes; `max` and less than nothing are no numbers.
func wholeNumber(text string) (int64, bool) {
	number, err := strconv.ParseInt(text, 10, 64)
	return number, err == nil && number >= 0
}
