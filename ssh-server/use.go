package main

import (
	"encoding/json"
	"sync"
	"time"
)

const (
	useEvery = 30 * time.Second
	// An hour of them.
	maxUseSamples = 120
	// Processor time is averaged over no less than this.
	shortestSpan = time.Second
	// A reading of the driver that is older belongs to another sample.
	freshGpus = 10 * time.Second
)

// use keeps what the job used in the last hour, in memory only.
type use struct {
	cgroup cgroup
	gpus   *gpuReader
	// Of the main program; nil if there is none.
	program *programState

	mu      sync.Mutex
	samples []useSample
	// Readings of the processor's counter, the oldest first: the last of the ring, and the last two of whoever asked.
	kept, asked, askedBefore counted
}

type counted struct {
	at    time.Time
	spent time.Duration
}

type useSample struct {
	at          time.Time
	cpuCores    *float64
	memoryBytes *int64
	gpus        []gpuUse
}

func newUse(children *children) *use {
	return &use{cgroup: usualCgroup, gpus: newGpuReader(children)}
}

// watchUse takes samples of what the job uses. The driver's program is asked for them, which may be the customer's own: it
// runs no earlier than his main program.
func (s *server) watchUse(times programTimes, reached, stop <-chan struct{}) {
	if times.settled(reached, nil, stop) {
		s.use.watch(stop)
	}
}

// watch takes samples until it is stopped. Before that, nothing asks the driver.
func (u *use) watch(stop <-chan struct{}) {
	u.gpus.begin()
	every := time.NewTicker(useEvery)
	defer every.Stop()
	u.keep()
	for {
		select {
		case <-stop:
			return
		case <-every.C:
			u.keep()
		}
	}
}

func (u *use) keep() {
	gpus := u.gpus.fresh()
	read := u.cgroup.use()
	u.mu.Lock()
	defer u.mu.Unlock()
	sample, now := sampleOf(read, gpus, u.kept)
	u.kept = now
	u.samples = append(u.samples, sample)
	if len(u.samples) > maxUseSamples {
		u.samples = append(u.samples[:0], u.samples[len(u.samples)-maxUseSamples:]...)
	}
}

// now is the sample of this moment, on average since the last one, whoever asked for it.
func (u *use) now(gpus gpuReading) useSample {
	read := u.cgroup.use()
	u.mu.Lock()
	defer u.mu.Unlock()
	before := u.kept
	for _, one := range []counted{u.askedBefore, u.asked} {
		if one.at.After(before.at) && time.Since(one.at) >= shortestSpan {
			before = one
		}
	}
	sample, now := sampleOf(read, gpus, before)
	if time.Since(u.asked.at) >= shortestSpan {
		u.askedBefore, u.asked = u.asked, now
	}
	return sample
}

func sampleOf(read cgroupUse, gpus gpuReading, before counted) (useSample, counted) {
	now := counted{at: time.Now()}
	sample := useSample{at: now.at, memoryBytes: read.memory}
	if read.cpu != nil {
		now.spent = *read.cpu
		span := now.at.Sub(before.at)
		// The first has nothing before it.
		if !before.at.IsZero() && span > 0 && now.spent >= before.spent {
			cores := float64((now.spent-before.spent)*1000/span) / 1000
			sample.cpuCores = &cores
		}
	}
	if now.at.Sub(gpus.at) < freshGpus {
		sample.gpus = gpus.use
	}
	return sample, now
}

// What is answered, in the form that the broker and `wl` read. Ages are in seconds.
type useSaid struct {
	Version int           `json:"version"`
	StepS   float64       `json:"step_s"`
	Limits  cgroupLimits  `json:"limits"`
	Program *programSaid  `json:"program,omitempty"`
	Gpus    []gpuSeen     `json:"gpus"`
	Lost    *gpusLost     `json:"gpus_lost,omitempty"`
	Samples []useSaidThen `json:"samples"`
}

type useSaidThen struct {
	AgeS        float64  `json:"age_s"`
	CPUCores    *float64 `json:"cpu_cores,omitempty"`
	MemoryBytes *int64   `json:"memory_bytes,omitempty"`
	Gpus        []gpuUse `json:"gpus,omitempty"`
}

func (u *use) answer() []byte {
	gpus := u.gpus.fresh()
	now := u.now(gpus)
	said := useSaid{
		Version: 1, StepS: useEvery.Seconds(), Limits: u.cgroup.limits(),
		Gpus: gpus.seen, Lost: u.gpus.lost(),
	}
	if said.Gpus == nil {
		said.Gpus = []gpuSeen{}
	}
	if u.program != nil {
		said.Program = u.program.said()
	}
	u.mu.Lock()
	samples := append([]useSample{}, u.samples...)
	u.mu.Unlock()
	for _, one := range append(samples, now) {
		said.Samples = append(said.Samples, useSaidThen{
			AgeS: ageOf(one.at), CPUCores: one.cpuCores, MemoryBytes: one.memoryBytes, Gpus: one.gpus,
		})
	}
	// Nothing in it can fail: all numbers are finite.
	text, _ := json.Marshal(said)
	return append(text, '\n')
}
