package main

import (
	"sync"
	"time"
)

// programState is what the main program is doing, for whoever asks.
type programState struct {
	mu    sync.Mutex
	name  string
	since time.Time
	// Of the last run that ended.
	exitCode *int
	restarts int
	startsAt time.Time
}

const (
	programWaits    = "waiting"
	programRuns     = "running"
	programRestarts = "restarting"
	programExited   = "exited"
)

func newProgramState() *programState {
	return &programState{name: programWaits, since: time.Now()}
}

func (s *programState) change(name string) {
	s.name, s.since = name, time.Now()
}

// begins says that a run begins, whether or not the program can be started.
func (s *programState) begins() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.name == programRestarts {
		s.restarts++
	}
}

func (s *programState) runs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change(programRuns)
}

func (s *programState) restartsAfter(exitCode int, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exitCode = &exitCode
	s.change(programRestarts)
	s.startsAt = s.since.Add(pause)
}

func (s *programState) exited(exitCode int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exitCode = &exitCode
	s.change(programExited)
}

// programSaid is the state in the words of an answer.
type programSaid struct {
	State    string  `json:"state"`
	ExitCode *int    `json:"exit_code,omitempty"`
	Restarts int     `json:"restarts"`
	SinceS   float64 `json:"since_s"`
	// Until it is started again.
	StartsInS *float64 `json:"starts_in_s,omitempty"`
}

func (s *programState) said() *programSaid {
	s.mu.Lock()
	defer s.mu.Unlock()
	said := &programSaid{State: s.name, ExitCode: s.exitCode, Restarts: s.restarts, SinceS: ageOf(s.since)}
	if s.name == programRestarts {
		startsIn := max(0, -ageOf(s.startsAt))
		said.StartsInS = &startsIn
	}
	return said
}

// ageOf is in seconds, to the hundredth. Ages are told and never times: the clock of the machine may be wrong, and steps.
func ageOf(then time.Time) float64 {
	return float64(time.Since(then)/(10*time.Millisecond)) / 100
}
