package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// programSpec is what the order says about the job's main program. The broker has checked it.
type programSpec struct {
	Argv []string `json:"argv"`
	// Empty: where the image wants its programs to start.
	Workdir string `json:"workdir,omitempty"`
	// never, on_failure or always.
	Restart string `json:"restart"`
	// The job ends when the program does.
	EndWithCommand bool `json:"end_with_command"`
}

const maxSpecBytes = 64 * 1024

func readProgram(path string) (*programSpec, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var spec programSpec
	// The parser's own words may repeat what it could not read, and arguments may be secret.
	if json.NewDecoder(io.LimitReader(file, maxSpecBytes)).Decode(&spec) != nil || len(spec.Argv) == 0 {
		return nil, errors.New(path + ": not a program")
	}
	return &spec, nil
}

// programTimes are how long things take; tests have shorter ones.
type programTimes struct {
	// The machine is ready once the kubelet's probe has connected. The program waits for a first connection, so that
	// nothing of it runs before the job counts as running; no longer than this.
	readyWithin time.Duration
	// Anybody may be the first to connect, and a program that ran before the probe could keep it from ever succeeding:
	// so much time after the server listens belongs to the kubelet, which begins to probe after three seconds.
	notBefore time.Duration
	// From then on the program waits so long.
	afterReady time.Duration
	// A machine that ends at once might never have been seen, and nobody would know that it ran.
	lastsAtLeast time.Duration
	firstPause   time.Duration
	longestPause time.Duration
	// A program that ran this long has its pauses begin anew.
	forgetAfter time.Duration
	// What is left of its output may take this long.
	drainWithin time.Duration
}

var usualTimes = programTimes{
	readyWithin:  10 * time.Second,
	notBefore:    6 * time.Second,
	lastsAtLeast: 6 * time.Second,
	firstPause:   time.Second,
	longestPause: 5 * time.Minute,
	forgetAfter:  10 * time.Minute,
	drainWithin:  2 * time.Second,
}

// afterLook are the times of a machine whose broker looks at its port, which nobody else can do in its place. The second
// is what the broker needs to write down that the job runs.
func (t programTimes) afterLook() programTimes {
	t.readyWithin, t.notBefore, t.afterReady = opensWithin, 0, time.Second
	return t
}

// settled waits until the machine was reached, or no longer for that, and then until the kubelet or the broker has had its
// time: nothing of the customer's runs before. It answers false if `stop` came meanwhile.
func (t programTimes) settled(reached <-chan struct{}, noLonger <-chan time.Time, stop <-chan struct{}) bool {
	listens := time.Now()
	select {
	case <-reached:
	case <-noLonger:
	case <-stop:
		return false
	}
	return pause(t.notBefore-time.Since(listens), stop) && pause(t.afterReady, stop)
}

// pause answers false if `stop` came meanwhile.
func pause(length time.Duration, stop <-chan struct{}) bool {
	select {
	case <-time.After(length):
		return true
	case <-stop:
		return false
	}
}

// mainProgram runs the job's main program, again and again if the order says so.
type mainProgram struct {
	spec     programSpec
	times    programTimes
	children *children
	account  account
	log      *slog.Logger
	output   *outputPump
	state    *programState

	mu      sync.Mutex
	current *child
	stopped bool
	// The exit code of a program that ended for good before anybody stopped it.
	ended *int
	stop  chan struct{}
	// Closed when nothing more will be started.
	over chan struct{}
}

func newMainProgram(spec programSpec, times programTimes, server *server, output *outputPump) *mainProgram {
	state := newProgramState()
	server.use.program = state
	return &mainProgram{
		spec: spec, times: times, children: server.children, account: server.account, log: server.log,
		output: output, state: state, stop: make(chan struct{}), over: make(chan struct{}),
	}
}

// run is called when the server listens. It starts the program once the machine is ready, and answers with the exit
// code when it has ended for good.
func (p *mainProgram) run(ready <-chan struct{}) (exitCode int) {
	defer close(p.over)
	if !p.times.settled(ready, time.After(p.times.readyWithin), p.stop) {
		return 0
	}
	pause := p.times.firstPause
	began := time.Now()
	for {
		started := time.Now()
		p.state.begins()
		exitCode = p.runOnce()
		ran := time.Since(started)
		if p.isStopped() || !p.restartsAfter(exitCode) {
			p.state.exited(exitCode)
			break
		}
		if ran >= p.times.forgetAfter {
			pause = p.times.firstPause
		}
		p.state.restartsAfter(exitCode, pause)
		p.log.Info("program restarts", "exit_code", exitCode, "in_seconds", pause.Seconds())
		if !p.wait(pause) {
			break
		}
		pause = min(2*pause, p.times.longestPause)
	}
	if p.spec.EndWithCommand {
		p.wait(p.times.lastsAtLeast - time.Since(began))
	}
	return exitCode
}

func (p *mainProgram) restartsAfter(exitCode int) bool {
	return p.spec.Restart == "always" || (p.spec.Restart == "on_failure" && exitCode != 0)
}

// wait answers false if the job's end came meanwhile.
func (p *mainProgram) wait(length time.Duration) bool { return pause(length, p.stop) }

// hasEnded notes the end of a run of the program.
func (p *mainProgram) hasEnded(exitCode int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = nil
	if !p.stopped && !p.restartsAfter(exitCode) {
		p.ended = &exitCode
	}
}

// codeWhenStopped has the server end, once it is stopped from outside, as a program that heeds SIGTERM would: a program
// that was cut off must not look like one that is done. One that was done already keeps its exit code.
func (p *mainProgram) codeWhenStopped() int {
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended != nil {
		return *p.ended
	}
	return 128 + int(syscall.SIGTERM)
}

func (p *mainProgram) isStopped() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stopped
}

// runOnce runs the program to its end. A program that cannot be started ends as it would in a shell.
func (p *mainProgram) runOnce() (exitCode int) {
	child, code, err := p.start()
	if err != nil {
		p.hasEnded(code)
		p.log.Error("program cannot be started", "error", err.Error(), "exit_code", code)
		return code
	}
	if child == nil {
		return 0
	}
	p.log.Info("program started", "pid", child.pid)
	<-child.exited
	exitCode = child.status.ExitStatus()
	if child.status.Signaled() {
		exitCode = 128 + int(child.status.Signal())
	}
	p.hasEnded(exitCode)
	// What it started and left behind would hold its ports when it comes again.
	_ = syscall.Kill(-child.pid, syscall.SIGKILL)
	p.output.drain(p.times.drainWithin)
	p.log.Info("program exited", "exit_code", exitCode)
	return exitCode
}

func (p *mainProgram) start() (*child, int, error) {
	folder, err := p.folder()
	if err != nil {
		return nil, 126, err
	}
	own := []string{"HOME=" + p.account.home, "USER=" + loginName, "LOGNAME=" + loginName}
	env := environment(containerVariables(), own)
	path, err := lookUp(p.spec.Argv[0], folder, env)
	if err != nil {
		return nil, 127, err
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, 126, err
	}
	defer nothing.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return nil, 0, nil
	}
	output := p.output.writer.Fd()
	started, err := p.children.start(path, p.spec.Argv, &syscall.ProcAttr{
		Dir: folder, Env: env, Files: []uintptr{nothing.Fd(), output, output},
	})
	if err != nil {
		return nil, 126, fmt.Errorf("%s: %w", path, err)
	}
	p.children.markMain(started)
	p.state.runs()
	p.current = started
	return started, 0, nil
}

// folder is where the program starts. One that the image does not have is made, as container runtimes do.
func (p *mainProgram) folder() (string, error) {
	if p.spec.Workdir == "" {
		return os.Getwd()
	}
	if err := os.MkdirAll(p.spec.Workdir, 0o755); err != nil {
		return "", err
	}
	return p.spec.Workdir, nil
}

// lookUp finds a program as a shell would: by the PATH that it will have, not by that of the server.
func lookUp(name, folder string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		if _, err := os.Stat(name); err != nil {
			return "", err
		}
		return name, nil
	}
	for _, variable := range env {
		value, isPath := strings.CutPrefix(variable, "PATH=")
		if !isPath {
			continue
		}
		for _, dir := range filepath.SplitList(value) {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(folder, dir)
			}
			if path := filepath.Join(dir, name); isProgram(path) {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// end has nothing more started. The program itself is told with all others, and may save what it has until `kill`.
func (p *mainProgram) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.stopped {
		p.stopped = true
		close(p.stop)
	}
}

func (p *mainProgram) kill() {
	p.mu.Lock()
	current := p.current
	p.mu.Unlock()
	if current != nil {
		p.children.signal(current, syscall.SIGKILL)
	}
}
