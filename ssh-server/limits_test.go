package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

func isFree(bounds *bounds) bool {
	return bounds.connections.held.Load() == 0 && bounds.sessions.held.Load() == 0 &&
		bounds.forwarded.held.Load() == 0 && bounds.listeners.held.Load() == 0 &&
		bounds.observers.held.Load() == 0
}

func TestNothingIsLeftOfAClientThatVanishes(t *testing.T) {
	// It accepts and says nothing: without a client there is nobody to end these connections.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var accepted []net.Conn
	taken := make(chan net.Conn, 100)
	go func() {
		for {
			connection, err := silent.Accept()
			if err != nil {
				return
			}
			taken <- connection
		}
	}()
	server := start(t, func(server *server) { server.agentFolders = []string{t.TempDir()} })
	socket := filepath.Join(t.TempDir(), "socket")
	round := func() {
		client := server.login(t)
		for range 5 {
			if _, err := client.Dial("tcp", silent.Addr().String()); err != nil {
				t.Fatal(err)
			}
			accepted = append(accepted, <-taken)
		}
		if _, err := client.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
		if _, err := client.ListenUnix(socket); err != nil {
			t.Fatal(err)
		}
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := session.SendRequest("auth-agent-req@openssh.com", true, nil); !ok || err != nil {
			t.Fatalf("no agent: %v", err)
		}
		// A channel that the client never answers.
		if output, err := session.Output(`echo "$SSH_AUTH_SOCK"`); err != nil {
			t.Fatal(err)
		} else if connection, err := net.Dial("unix", strings.TrimSpace(string(output))); err != nil {
			t.Fatal(err)
		} else {
			accepted = append(accepted, connection)
		}
		client.Close()
		eventually(t, "all is given back", func() bool { return isFree(server.bounds) })
	}
	round()
	before := runtime.NumGoroutine()
	for range 5 {
		round()
	}
	eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if left, _ := filepath.Glob(filepath.Join(server.agentFolders[0], "*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	for _, connection := range accepted {
		connection.Close()
	}
}

func TestTooManyOfAnythingAreRefusedAndTheRestGoesOn(t *testing.T) {
	server := start(t, func(server *server) {
		server.bounds.sessions.most, server.bounds.forwarded.most, server.bounds.listeners.most = 2, 2, 2
		server.bounds.connections.most = 2
	})
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := server.login(t)
	for number, one := range map[string]func() (io.Closer, error){
		"sessions":    func() (io.Closer, error) { return client.NewSession() },
		"connections": func() (io.Closer, error) { return client.Dial("tcp", silent.Addr().String()) },
		"ports":       func() (io.Closer, error) { return client.Listen("tcp", "127.0.0.1:0") },
	} {
		var held []io.Closer
		for range 2 {
			closer, err := one()
			if err != nil {
				t.Fatalf("%s: %v", number, err)
			}
			held = append(held, closer)
		}
		if _, err := one(); err == nil {
			t.Errorf("%s: there is no bound", number)
		}
		for _, closer := range held {
			closer.Close()
		}
		eventually(t, number+" are free again", func() bool {
			closer, err := one()
			if err == nil {
				closer.Close()
			}
			return err == nil
		})
	}
	second := server.login(t)
	// A session: by then the connection has been counted, and not only let in.
	if _, err := second.NewSession(); err != nil {
		t.Fatal(err)
	}
	if third, err := server.dial("root", ssh.PublicKeys(server.user)); err == nil {
		if _, err := third.NewSession(); err == nil {
			t.Error("any number of connections")
		}
	}
	second.Close()
	eventually(t, "another connection", func() bool {
		again, err := server.dial("root", ssh.PublicKeys(server.user))
		if err != nil {
			return false
		}
		defer again.Close()
		session, err := again.NewSession()
		return err == nil && session.Run("true") == nil
	})
}

func TestOneClientMayListenAtSoManyPlacesAndNoMore(t *testing.T) {
	client := start(t, nil).login(t)
	for range maxListenersOfOne {
		if _, err := client.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Listen("tcp", "127.0.0.1:0"); err == nil {
		t.Error("one more was granted")
	}
}

func TestUnreadableRequestsAreRefused(t *testing.T) {
	client := start(t, nil).login(t)
	long := "/" + strings.Repeat("x", 200)
	for kind, payloads := range map[string][][]byte{
		"tcpip-forward":        {nil, {1, 2, 3}, ssh.Marshal(portForward{"localhost", 70_000})},
		"cancel-tcpip-forward": {nil, ssh.Marshal(portForward{"localhost", 1})},
		"streamlocal-forward@openssh.com": {
			nil, ssh.Marshal(socketForward{""}), ssh.Marshal(socketForward{"@abstract"}), ssh.Marshal(socketForward{"here"}),
			ssh.Marshal(socketForward{long}), ssh.Marshal(socketForward{"/tmp/a\x00b"}), ssh.Marshal(socketForward{"/no/such/folder/s"}),
		},
		"cancel-streamlocal-forward@openssh.com": {nil, ssh.Marshal(socketForward{"/tmp/none"})},
		"something@else":                         {nil},
	} {
		for _, payload := range payloads {
			if ok, _, err := client.SendRequest(kind, true, payload); ok || err != nil {
				t.Errorf("%s %q: %v, %v", kind, payload, ok, err)
			}
		}
	}
	for kind, payload := range map[string][]byte{
		"direct-streamlocal@openssh.com": ssh.Marshal(directSocket{Path: "@abstract"}),
		"direct-tcpip":                   ssh.Marshal(directTCP{Host: "localhost", Port: 70_000}),
		"x11":                            nil,
		"tun@openssh.com":                nil,
	} {
		if _, _, err := client.OpenChannel(kind, payload); err == nil {
			t.Errorf("%s was opened", kind)
		}
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"x11-req", "auth-agent-req", "unknown"} {
		if ok, _ := session.SendRequest(kind, true, nil); ok {
			t.Errorf("%s was granted", kind)
		}
	}
}

func TestASessionIsServedThatTheClientOpenedBeforeItSaidThatItWantsNoMore(t *testing.T) {
	server := start(t, nil)
	for range 50 {
		client := server.login(t)
		opened := make(chan error)
		go func() {
			session, err := client.NewSession()
			if err == nil {
				err = session.Run("true")
			}
			opened <- err
		}()
		client.SendRequest("no-more-sessions@openssh.com", false, nil)
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		client.Close()
	}
}
