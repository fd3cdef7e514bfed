package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// withObserver starts a server that a second key may ask what the job uses.
func withObserver(t *testing.T) (*testServer, ssh.Signer) {
	t.Helper()
	observer, _ := newKey(t)
	return start(t, func(server *server) { server.observer = observer.PublicKey() }), observer
}

func askedUse(t *testing.T, client *ssh.Client) useSaid {
	t.Helper()
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	output, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestSubsystem(useSubsystem); err != nil {
		t.Fatal(err)
	}
	var said useSaid
	if err := json.NewDecoder(output).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestTheObserversKeyAsksWhatTheJobUsesAndDoesNothingElse(t *testing.T) {
	server, observer := withObserver(t)
	dial := func() *ssh.Client {
		client, err := server.dial(observerName, ssh.PublicKeys(observer))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		return client
	}
	said := askedUse(t, dial())
	if said.Version != 1 || len(said.Samples) == 0 || said.Program != nil {
		t.Errorf("%+v", said)
	}
	if _, err := dial().Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("it may have the machine listen")
	}
	if _, err := dial().Dial("tcp", "127.0.0.1:22"); err == nil {
		t.Error("it may forward")
	}
	for name, try := range map[string]func(*ssh.Session) error{
		"a command":  func(session *ssh.Session) error { return session.Start("true") },
		"a shell":    func(session *ssh.Session) error { return session.Shell() },
		"a terminal": func(session *ssh.Session) error { return session.RequestPty("xterm", 10, 10, nil) },
		"files":      func(session *ssh.Session) error { return session.RequestSubsystem("sftp") },
	} {
		session, err := dial().NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if try(session) == nil {
			t.Errorf("it may have %s", name)
		}
		session.Close()
	}
	eventually(t, "observers that are gone hold no places", func() bool { return isFree(server.bounds) })
	if strings.Contains(server.logged.String(), "login") {
		t.Errorf("the job's log tells of questions: %s", server.logged)
	}
}

func TestTheKeysOfObserversAndCustomersAreNotEachOthers(t *testing.T) {
	server, observer := withObserver(t)
	if _, err := server.dial(loginName, ssh.PublicKeys(observer)); err == nil {
		t.Error("the observer's key logs in")
	}
	if _, err := server.dial(observerName, ssh.PublicKeys(server.user)); err == nil {
		t.Error("the customer's key is the observer's")
	}
	plain := start(t, nil)
	if _, err := plain.dial(observerName, ssh.PublicKeys(observer)); err == nil {
		t.Error("a job without a key for observers is asked")
	}
}

func TestAnObserversKeyIsAKeyAndNothingElse(t *testing.T) {
	observer, _ := newKey(t)
	text := string(ssh.MarshalAuthorizedKey(observer.PublicKey()))
	if key, err := readObserver(text); err != nil || string(key.Marshal()) != string(observer.PublicKey().Marshal()) {
		t.Error(err)
	}
	if key, err := readObserver(""); key != nil || err != nil {
		t.Errorf("%v %v", key, err)
	}
	for _, wrong := range []string{"rubbish", "no-pty " + text, text + text} {
		if _, err := readObserver(wrong); err == nil {
			t.Errorf("%q is taken for a key", wrong)
		}
	}
}

func TestACustomerAsksWhatTheJobUsesByTheSameSubsystem(t *testing.T) {
	server, _ := withObserver(t)
	if said := askedUse(t, server.login(t)); said.StepS != useEvery.Seconds() || said.Gpus == nil {
		t.Errorf("%+v", said)
	}
}

func TestObserversAreNoMoreThanSoMany(t *testing.T) {
	server, observer := withObserver(t)
	var held []*ssh.Client
	for range maxObservers {
		client, err := server.dial(observerName, ssh.PublicKeys(observer))
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, client)
	}
	eventually(t, "each of them holds a place", func() bool { return server.bounds.observers.held.Load() == maxObservers })
	one, err := server.dial(observerName, ssh.PublicKeys(observer))
	if err == nil {
		if _, err = one.NewSession(); err == nil {
			t.Error("one more is served")
		}
		one.Close()
	}
	for _, client := range held {
		client.Close()
	}
	eventually(t, "their places are free again", func() bool { return isFree(server.bounds) })
}

func TestTheRingHoldsAnHourAndNoMore(t *testing.T) {
	kept := newUse(theChildren())
	kept.gpus.find = func() string { return "" }
	for range maxUseSamples + 50 {
		kept.keep()
	}
	var said useSaid
	if err := json.Unmarshal(kept.answer(), &said); err != nil {
		t.Fatal(err)
	}
	if len(said.Samples) != maxUseSamples+1 {
		t.Errorf("%d samples", len(said.Samples))
	}
	if last := said.Samples[len(said.Samples)-1]; last.AgeS > 5 {
		t.Errorf("the last sample is %v seconds old", last.AgeS)
	}
}

func TestTheStateOfTheProgramFollowsItsRuns(t *testing.T) {
	ran := program(t, programSpec{Argv: sh("exit 3"), Restart: "on_failure"})
	ran.times.firstPause, ran.times.longestPause = 20*time.Millisecond, time.Hour
	if said := ran.state.said(); said.State != programWaits {
		t.Errorf("%+v", said)
	}
	go ran.run(reached())
	eventually(t, "it was restarted twice and waits for the third time", func() bool {
		said := ran.state.said()
		return said.State == programRestarts && said.Restarts >= 2 && *said.ExitCode == 3 && said.StartsInS != nil
	})
	ran.end()

	lasting := program(t, programSpec{Argv: sh("sleep 600"), Restart: "never"})
	go lasting.run(reached())
	eventually(t, "it runs", func() bool { return lasting.state.said().State == programRuns })
	lasting.kill()
	eventually(t, "it has ended by a signal", func() bool {
		said := lasting.state.said()
		return said.State == programExited && *said.ExitCode == 137 && said.Restarts == 0
	})
}

func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestBothVersionsOfCgroupsAreRead(t *testing.T) {
	two := folderOf(t, map[string]string{
		"cgroup.controllers": "cpu memory\n",
		"cpu.stat":           "usage_usec 2500000\nuser_usec 1\n",
		"cpu.max":            "150000 100000\n",
		"memory.current":     "1000000\n",
		"memory.max":         "4000000\n",
		"memory.stat":        "anon 5\ninactive_file 400000\n",
		"self":               "0::/\n",
	})
	one := folderOf(t, map[string]string{
		"cpu,cpuacct/cpuacct.usage":        "2500000000\n",
		"cpu,cpuacct/cpu.cfs_quota_us":     "150000\n",
		"cpu,cpuacct/cpu.cfs_period_us":    "100000\n",
		"memory/own/memory.usage_in_bytes": "1000000\n",
		"memory/own/memory.limit_in_bytes": "4000000\n",
		"memory/own/memory.stat":           "inactive_file 9\ntotal_inactive_file 400000\n",
		"memory/memory.usage_in_bytes":     "77\n",
		"self":                             "4:memory:/own\n2:cpu,cpuacct:/not/seen/here\n0::/\n",
	})
	for name, root := range map[string]string{"version 2": two, "version 1": one} {
		group := cgroup{root: root, self: filepath.Join(root, "self")}
		use, limits := group.use(), group.limits()
		if use.cpu == nil || *use.cpu != 2500*time.Millisecond || use.memory == nil || *use.memory != 600_000 {
			t.Errorf("%s: %+v", name, use)
		}
		if limits.CPUCores == nil || *limits.CPUCores != 1.5 || limits.MemoryBytes == nil || *limits.MemoryBytes != 4_000_000 {
			t.Errorf("%s: %+v", name, limits)
		}
	}
}

func TestWhatCgroupsDoNotSayIsUnknown(t *testing.T) {
	unbounded := folderOf(t, map[string]string{
		"cgroup.controllers": "", "cpu.max": "max 100000\n", "memory.max": "max\n",
		"cpu.stat": "usage_usec -5\n", "memory.current": "rubbish\n",
	})
	for name, root := range map[string]string{"without bounds": unbounded, "not there": "/nowhere"} {
		group := cgroup{root: root, self: "/nowhere"}
		if use, limits := group.use(), group.limits(); use != (cgroupUse{}) || limits != (cgroupLimits{}) {
			t.Errorf("%s: %+v, %+v", name, use, limits)
		}
	}
}
