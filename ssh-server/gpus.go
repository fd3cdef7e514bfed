package main

import (
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxGpus        = 32
	maxDriverBytes = 64 * 1024
	// A GPU that has fallen off its bus can block the driver for a long time.
	driverWithin = 10 * time.Second
	// Whoever asks waits no longer than this for new figures.
	freshWithin = 1500 * time.Millisecond
	// The driver is asked no more often than this, and less often where its answer takes long.
	driverPause     = 2 * time.Second
	driverPauseOver = 10
	// One look that finds a GPU missing may be a moment of the driver.
	lostAfter = 20 * time.Second
)

// The name comes last because it alone may contain a comma.
var driverArgs = []string{
	"nvidia-smi",
	"--query-gpu=index,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,name",
	"--format=csv,noheader,nounits",
}

type gpuSeen struct {
	Index       int    `json:"index"`
	Name        string `json:"name,omitempty"`
	MemoryBytes *int64 `json:"memory_bytes,omitempty"`
}

// gpuUse is what one GPU does; nil is what its driver does not say.
type gpuUse struct {
	Index        int      `json:"index"`
	BusyPercent  *float64 `json:"busy_percent,omitempty"`
	MemoryBytes  *int64   `json:"memory_bytes,omitempty"`
	TemperatureC *float64 `json:"temperature_c,omitempty"`
	PowerW       *float64 `json:"power_w,omitempty"`
}

type gpusLost struct {
	Had    int     `json:"had"`
	Has    int     `json:"has"`
	SinceS float64 `json:"since_s"`
}

// gpuReading is what the driver said last.
type gpuReading struct {
	at   time.Time
	seen []gpuSeen
	use  []gpuUse
}

// gpuReader asks the driver by its own program, which is there if the job has GPUs. The customer may have put another
// in its place: then he reads his own figures, and no more than so many, and this server waits no longer than so. What
// he put there is a program of his, which must not run before the job does: until `begin`, none is started.
type gpuReader struct {
	children *children
	find     func() string
	within   time.Duration

	mu       sync.Mutex
	mayAsk   bool
	latest   gpuReading
	underWay chan struct{}
	// Not before this is it asked again.
	next time.Time
	// The most that were ever listed.
	had       int
	has       int
	lostSince time.Time
}

func newGpuReader(children *children) *gpuReader {
	return &gpuReader{children: children, find: findDriver, within: driverWithin}
}

func findDriver() string {
	path, err := lookUp(driverArgs[0], "/", environment(containerVariables()))
	if err != nil {
		return ""
	}
	return path
}

// begin has the driver asked from now on.
func (g *gpuReader) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mayAsk = true
}

// fresh answers what is known, after it has asked the driver if that may be asked again.
func (g *gpuReader) fresh() gpuReading {
	g.mu.Lock()
	if g.mayAsk && g.underWay == nil && !time.Now().Before(g.next) {
		if path := g.find(); path != "" {
			g.underWay = make(chan struct{})
			go g.ask(path, g.underWay)
		}
	}
	underWay := g.underWay
	g.mu.Unlock()
	if underWay != nil {
		select {
		case <-underWay:
		case <-time.After(freshWithin):
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.latest
}

// lost answers while fewer GPUs are listed than were.
func (g *gpuReader) lost() *gpusLost {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lostSince.IsZero() || g.latest.at.Sub(g.lostSince) < lostAfter {
		return nil
	}
	return &gpusLost{Had: g.had, Has: g.has, SinceS: ageOf(g.lostSince)}
}

func (g *gpuReader) ask(path string, done chan struct{}) {
	began := time.Now()
	text, exitCode, answered := g.run(path)
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.underWay = nil
	close(done)
	g.next = now.Add(max(driverPause, driverPauseOver*now.Sub(began)))
	if !answered {
		return
	}
	seen, use := gpusIn(text)
	// A driver that fails for another reason says nothing about GPUs.
	if exitCode != 0 && !lostWords.MatchString(text) {
		return
	}
	g.latest = gpuReading{at: now, seen: seen, use: use}
	g.has, g.had = len(seen), max(g.had, len(seen))
	switch {
	case g.has >= g.had:
		g.lostSince = time.Time{}
	case g.lostSince.IsZero():
		g.lostSince = now
	}
}

// run answers what the program wrote, unless it took too long. It returns once the program is gone: one that not even
// SIGKILL ends, because it waits in the driver, is not joined by another.
func (g *gpuReader) run(path string) (text string, exitCode int, answered bool) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return "", 0, false
	}
	defer reader.Close()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		writer.Close()
		return "", 0, false
	}
	child, err := g.children.start(path, driverArgs, &syscall.ProcAttr{
		Dir: "/", Env: environment(containerVariables(), []string{"LC_ALL=C"}), Files: []uintptr{nothing.Fd(), writer.Fd(), writer.Fd()},
	})
	writer.Close()
	nothing.Close()
	if err != nil {
		return "", 0, false
	}
	_ = reader.SetReadDeadline(time.Now().Add(g.within))
	bytes, readErr := io.ReadAll(io.LimitReader(reader, maxDriverBytes+1))
	late := time.NewTimer(time.Second)
	defer late.Stop()
	select {
	case <-child.exited:
		answered = readErr == nil && len(bytes) <= maxDriverBytes
	case <-late.C:
	}
	g.children.signal(child, syscall.SIGKILL)
	<-child.exited
	return string(bytes), child.status.ExitStatus(), answered
}

var lostWords = regexp.MustCompile(`(?i)is lost|fallen off the bus|requires reset|unknown error|no devices were found|unable to determine the device handle`)

var unusableWords = regexp.MustCompile(`(?i)is lost|requires reset|unknown error|ERR!`)

// gpusIn reads the lines that are GPUs, in their order, and passes over everything else.
func gpusIn(text string) (seen []gpuSeen, use []gpuUse) {
	known := map[int]bool{}
	for line := range strings.Lines(text) {
		words := strings.SplitN(line, ",", 7)
		if len(words) < 7 || unusableWords.MatchString(strings.Join(words[:6], ",")) {
			continue
		}
		for at := range words {
			words[at] = strings.TrimSpace(words[at])
		}
		index, ok := wholeNumber(words[0])
		if !ok || index > 1023 || known[int(index)] || len(seen) == maxGpus {
			continue
		}
		known[int(index)] = true
		seen = append(seen, gpuSeen{Index: int(index), Name: plainName(words[6]), MemoryBytes: mebibytes(words[3])})
		use = append(use, gpuUse{
			Index: int(index), BusyPercent: figure(words[1], 100), MemoryBytes: mebibytes(words[2]),
			TemperatureC: figure(words[4], 500), PowerW: figure(words[5], 50_000),
		})
	}
	slices.SortFunc(seen, func(a, b gpuSeen) int { return a.Index - b.Index })
	slices.SortFunc(use, func(a, b gpuUse) int { return a.Index - b.Index })
	return seen, use
}

// figure reads a number of the driver, which writes [N/A] for those that it does not have.
func figure(text string, most float64) *float64 {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(number) || number < 0 || number > most {
		return nil
	}
	return &number
}

func mebibytes(text string) *int64 {
	number := figure(text, 1<<30)
	if number == nil {
		return nil
	}
	bytes := int64(*number * (1 << 20))
	return &bytes
}

func plainName(text string) string {
	name := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return name[:min(len(name), 80)]
}
