package main

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

var quickTimes = programTimes{
	readyWithin: time.Minute, firstPause: time.Millisecond, longestPause: 4 * time.Millisecond,
	forgetAfter: time.Hour, drainWithin: 5 * time.Second,
}

// A program that runs under a server, and its output.
type ranProgram struct {
	*mainProgram
	text *logText
	log  *logText
}

func program(t *testing.T, spec programSpec) *ranProgram {
	t.Helper()
	server := start(t, nil)
	text := &logText{}
	pump, err := newOutputPump(text)
	if err != nil {
		t.Fatal(err)
	}
	return &ranProgram{newMainProgram(spec, quickTimes, server.server, pump), text, server.logged}
}

func reached() <-chan struct{} {
	now := make(chan struct{})
	close(now)
	return now
}

func sh(line string) []string { return []string{"sh", "-c", line} }

func TestTheMainProgramRunsInItsFolderWithItsOutputInTheLog(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made", "for it")
	ran := program(t, programSpec{Argv: sh(`pwd; echo "to stderr" >&2; echo "$1" ; exit 3`), Workdir: folder, Restart: "never"})
	ran.spec.Argv = append(ran.spec.Argv, "name", "an argument")
	if code := ran.run(reached()); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if got, want := ran.text.String(), folder+"\nto stderr\nan argument\n"; got != want {
		t.Errorf("%q", got)
	}
	if text := ran.log.String(); strings.Contains(text, "an argument") || !strings.Contains(text, "program exited") {
		t.Errorf("the server's log: %s", text)
	}
}

func TestASignalIsAnExitCodeAsInAShell(t *testing.T) {
	if code := program(t, programSpec{Argv: sh("kill -9 $$"), Restart: "never"}).run(reached()); code != 137 {
		t.Errorf("exit code %d", code)
	}
}

func TestAProgramThatIsNotThereEndsAsInAShell(t *testing.T) {
	for argv, want := range map[string]int{"no-such-program": 127, "/no/such/program": 127, os.TempDir(): 126} {
		if code := program(t, programSpec{Argv: []string{argv}, Restart: "never"}).run(reached()); code != want {
			t.Errorf("%s: %d", argv, code)
		}
	}
}

func TestAProgramWaitsUntilTheMachineWasReached(t *testing.T) {
	ran := program(t, programSpec{Argv: sh("echo now"), Restart: "never"})
	ready := make(chan struct{})
	ended := make(chan int)
	go func() { ended <- ran.run(ready) }()
	select {
	case <-ended:
		t.Fatal("it ran before anybody had connected")
	case <-time.After(50 * time.Millisecond):
	}
	close(ready)
	<-ended
}

func TestAnEarlyConnectionDoesNotStartAProgramBeforeTheProbe(t *testing.T) {
	ran := program(t, programSpec{Argv: sh("echo now"), Restart: "never"})
	ran.times.notBefore = 200 * time.Millisecond
	listens := time.Now()
	ran.run(reached())
	if early := time.Since(listens) < ran.times.notBefore; early || ran.text.String() != "now\n" {
		t.Errorf("%v, %q", early, ran.text.String())
	}

	stopped := program(t, programSpec{Argv: sh("echo now"), Restart: "never"})
	stopped.times.notBefore = time.Hour
	ended := make(chan int)
	go func() { ended <- stopped.run(reached()) }()
	stopped.end()
	<-ended
	if text := stopped.text.String(); text != "" {
		t.Errorf("it ran although the end had come: %q", text)
	}
}

func TestAFailureIsRestartedUntilItIsNone(t *testing.T) {
	count := filepath.Join(t.TempDir(), "count")
	ran := program(t, programSpec{Argv: sh("echo x >> " + count + "; test $(wc -l < " + count + ") -ge 4"), Restart: "on_failure"})
	if code := ran.run(reached()); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if text, _ := os.ReadFile(count); string(text) != "x\nx\nx\nx\n" {
		t.Errorf("%q", text)
	}
}

func TestWhatAProgramLeftBehindIsGoneWhenItComesAgain(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	isAlive := "grep -q '(sleep) [RSD]' /proc/$(cat " + pid + ")/stat 2>/dev/null"
	line := "if test -e " + pid + "; then for n in $(seq 100); do " + isAlive + " || exit 9; sleep 0.05; done; exit 0; fi; " +
		"sleep 60 & echo $! > " + pid + "; exit 1"
	ran := program(t, programSpec{Argv: sh(line), Restart: "on_failure"})
	go func() {
		for !strings.Contains(ran.log.String(), "exit_code=9") {
			time.Sleep(time.Millisecond)
		}
		ran.end()
	}()
	if code := ran.run(reached()); code != 9 {
		t.Errorf("the child of the first run was alive in the second: %d", code)
	}
}

func TestNothingIsStartedAfterTheEnd(t *testing.T) {
	ran := program(t, programSpec{Argv: sh("echo again"), Restart: "always"})
	ended := make(chan int)
	go func() { ended <- ran.run(reached()) }()
	for strings.Count(ran.text.String(), "again") < 3 {
		time.Sleep(time.Millisecond)
	}
	ran.end()
	<-ended
	// A start that was under way when the end came.
	before := ran.text.String()
	if code := ran.runOnce(); code != 0 || ran.text.String() != before {
		t.Errorf("exit code %d, %q", code, ran.text.String())
	}
}

func TestALogThatNobodyTakesDoesNotStopTheProgram(t *testing.T) {
	reader, writer := io.Pipe()
	pump, err := newOutputPump(writer)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("x"), 64*1024)
	for range 3 * maxUnread / len(block) {
		if _, err := pump.writer.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	taken := make(chan string)
	go func() {
		var text strings.Builder
		buffer := make([]byte, 1024*1024)
		for !strings.Contains(text.String(), "were dropped") {
			count, _ := reader.Read(buffer)
			text.Write(buffer[:count])
		}
		taken <- text.String()
	}()
	if text := <-taken; len(text) > 3*maxUnread {
		t.Errorf("%d bytes", len(text))
	}
}

func serveWith(t *testing.T, spec programSpec) (code int, output string) {
	t.Helper()
	logged, ended := serving(t, spec, quickTimes)
	code = <-ended
	return code, logged.String()
}

func serving(t *testing.T, spec programSpec, times programTimes) (logged *logText, ended <-chan int) {
	t.Helper()
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	times.readyWithin = time.Millisecond
	served, ended := servingWith(t, times, func(given *settings) { given.program = write(t, "program.json", string(text)) })
	return served.logged, ended
}

// servingWith runs the whole server until the test's process is told to stop.
func servingWith(t *testing.T, times programTimes, change func(*settings)) (served *testServer, ended <-chan int) {
	t.Helper()
	user, mine := newKey(t)
	host, private := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().(*net.TCPAddr)
	free.Close()
	given := settings{
		address: "127.0.0.1", port: uint(address.Port),
		authorizedKeys: write(t, "authorized_keys", string(ssh.MarshalAuthorizedKey(user.PublicKey()))),
		hostKey:        write(t, "host_key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
	}
	change(&given)
	logged := &logText{}
	code := make(chan int, 1)
	go func() {
		exitCode, err := serveUntilStopped(given, times, logged)
		if err != nil {
			t.Error(err)
		}
		code <- exitCode
	}()
	return &testServer{nil, address.String(), host.PublicKey(), user, mine, logged}, code
}

func TestAStopFromOutsideDoesNotLookLikeTheEndOfTheProgram(t *testing.T) {
	const waits = `trap "exit 0" TERM; echo now; while :; do sleep 0.01; done`
	lasts := quickTimes
	lasts.lastsAtLeast = time.Minute
	again := quickTimes
	again.firstPause = time.Minute
	for name, given := range map[string]struct {
		spec  programSpec
		times programTimes
		when  string
		want  int
	}{
		"it runs":                 {programSpec{Argv: sh(waits), Restart: "never", EndWithCommand: true}, quickTimes, "now\n", 143},
		"it will start again":     {programSpec{Argv: sh("exit 3"), Restart: "on_failure", EndWithCommand: true}, again, "program restarts", 143},
		"it is done":              {programSpec{Argv: sh("exit 0"), Restart: "never", EndWithCommand: true}, lasts, "program exited", 0},
		"it has failed":           {programSpec{Argv: sh("exit 7"), Restart: "never", EndWithCommand: true}, lasts, "program exited", 7},
		"it could not be started": {programSpec{Argv: []string{"/no/such/program"}, Restart: "never", EndWithCommand: true}, lasts, "cannot be started", 127},
		"the job is not its":      {programSpec{Argv: sh(waits), Restart: "never"}, quickTimes, "now\n", 0},
	} {
		logged, ended := serving(t, given.spec, given.times)
		for !strings.Contains(logged.String(), given.when) {
			time.Sleep(time.Millisecond)
		}
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := <-ended; code != given.want {
			t.Errorf("%s: exit code %d", name, code)
		}
	}
}

func TestTheMachineEndsWithItsProgramAndItsExitCode(t *testing.T) {
	for _, want := range []int{0, 7} {
		code, output := serveWith(t, programSpec{
			Argv: sh("echo result; exit $0"), Restart: "never", EndWithCommand: true,
		}.with(string(rune('0'+want))))
		if code != want || !strings.Contains(output, "result\n") {
			t.Errorf("%d: %q", code, output)
		}
	}
}

func (s programSpec) with(argument string) programSpec {
	s.Argv = append(s.Argv, argument)
	return s
}

func TestAProgramThatCannotBeReadIsNotShown(t *testing.T) {
	for _, text := range []string{"", "{secret", `{"argv":[]}`, `{"argv":"secret"}`} {
		if _, err := readProgram(write(t, "program.json", text)); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
