package main

import (
	"io"
	"testing"

	"golang.org/x/crypto/ssh"
)

// OpenSSH's client closes a session as soon as both ends have said that no more comes, and a status that arrives after
// that is lost: it would answer 255 for a program that ended well.
func TestTheExitStatusIsSaidBeforeTheEndOfTheOutput(t *testing.T) {
	server := start(t, nil)
	client := server.login(t)
	for _, wanted := range []struct{ kind, name string }{{"exec", "echo done; exit 7"}, {"exec", "kill -9 $$"}} {
		for range 20 {
			channel, requests, err := client.OpenChannel("session", nil)
			if err != nil {
				t.Fatal(err)
			}
			if granted, err := channel.SendRequest(wanted.kind, true, ssh.Marshal(struct{ Name string }{wanted.name})); err != nil || !granted {
				t.Fatal(granted, err)
			}
			if _, err := io.ReadAll(channel); err != nil {
				t.Fatal(err)
			}
			select {
			case request := <-requests:
				if request == nil || request.Type != "exit-status" && request.Type != "exit-signal" {
					t.Errorf("%s: %v", wanted.name, request)
				}
			default:
				t.Errorf("%s: the output ended without a status", wanted.name)
			}
			channel.Close()
		}
	}
}
