package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A server that waits for the broker's look, and what the broker calls itself.
func startBehindDoor(t *testing.T) (served *testServer, version string) {
	t.Helper()
	served = start(t, func(made *server) {
		door, err := newDoor(made.settings.hostKey, true)
		if err != nil {
			t.Fatal(err)
		}
		made.door = door
	})
	text, err := os.ReadFile(served.settings.hostKey)
	if err != nil {
		t.Fatal(err)
	}
	return served, lookPrefix + lookWord(text)
}

// look connects as the broker does, and does not log in.
func (s *testServer) look(version string) {
	client, err := ssh.Dial("tcp", s.address, &ssh.ClientConfig{
		User: "nobody", HostKeyCallback: ssh.FixedHostKey(s.hostKey), ClientVersion: version, Timeout: 5 * time.Second,
	})
	if err == nil {
		client.Close()
	}
}

func isOpen(d *door) bool {
	select {
	case <-d.open:
		return true
	default:
		return false
	}
}

func TestNobodyLogsInBeforeTheBrokerHasLooked(t *testing.T) {
	served, version := startBehindDoor(t)
	served.look("SSH-2.0-OpenSSH_9.9")
	served.look(lookPrefix + strings.Repeat("0", 32))
	served.look(lookPrefix)
	if isOpen(served.door) {
		t.Fatal("a stranger opened it")
	}
	loggedIn := make(chan error, 1)
	go func() {
		client, err := served.dial("root", ssh.PublicKeys(served.user))
		if err == nil {
			client.Close()
		}
		loggedIn <- err
	}()
	select {
	case err := <-loggedIn:
		t.Fatalf("a login did not wait: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	served.look(version)
	if err := <-loggedIn; err != nil {
		t.Fatal(err)
	}
}

func TestAWrongKeyIsRefusedAtOnceBeforeTheBrokerHasLooked(t *testing.T) {
	served, _ := startBehindDoor(t)
	stranger, _ := newKey(t)
	if _, err := served.dial("root", ssh.PublicKeys(stranger)); err == nil {
		t.Fatal("a stranger was let in")
	}
}

func TestADoorOpensByItselfWhenTheBrokerDoesNotCome(t *testing.T) {
	served, _ := startBehindDoor(t)
	served.door.opensAfter(time.Millisecond)
	served.login(t)
}

func TestAServerThatNobodyLooksAtIsOpen(t *testing.T) {
	served := start(t, nil)
	if !isOpen(served.door) {
		t.Fatal("closed")
	}
	served.look(lookPrefix)
}

func TestTheDriversProgramFollowsTheLook(t *testing.T) {
	bin, marker := t.TempDir(), filepath.Join(t.TempDir(), "ran")
	script := "#!/bin/sh\necho x > " + marker + "\n"
	if err := os.WriteFile(filepath.Join(bin, driverArgs[0]), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	observer, _ := newKey(t)
	var hostKey string
	served, ended := servingWith(t, quickTimes, func(given *settings) {
		given.awaitLook, given.observerKey = true, string(ssh.MarshalAuthorizedKey(observer.PublicKey()))
		hostKey = given.hostKey
	})
	eventually(t, "it listens", func() bool { return strings.Contains(served.logged.String(), "listening") })
	asks, err := served.dial(observerName, ssh.PublicKeys(observer))
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	// Whoever asks waits for the driver, if it runs.
	if said := askedUse(t, asks); said.Version != 1 {
		t.Errorf("%+v", said)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("what may be the customer's ran before the broker had looked")
	}
	text, err := os.ReadFile(hostKey)
	if err != nil {
		t.Fatal(err)
	}
	served.look(lookPrefix + lookWord(text))
	eventually(t, "it runs once the broker has looked", func() bool {
		_, err := os.Stat(marker)
		return err == nil
	})
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestTheDriversProgramWaitsForTheKubeletAndItsTime(t *testing.T) {
	stop := make(chan struct{})
	close(stop)
	times := quickTimes
	times.readyWithin = 0
	if times.settled(make(chan struct{}), nil, stop) {
		t.Error("nobody had reached it")
	}
	times.notBefore = time.Hour
	if times.settled(reached(), nil, stop) {
		t.Error("the kubelet had not had its time")
	}
}

func TestTheProgramFollowsTheLook(t *testing.T) {
	times := usualTimes.afterLook()
	if times.readyWithin != opensWithin || times.notBefore != 0 || times.afterReady == 0 {
		t.Errorf("%+v", times)
	}
	ran := program(t, programSpec{Argv: sh("echo now"), Restart: "never"})
	ran.times.afterReady = 100 * time.Millisecond
	began := time.Now()
	ran.run(reached())
	if time.Since(began) < ran.times.afterReady {
		t.Error("it did not wait")
	}
}
