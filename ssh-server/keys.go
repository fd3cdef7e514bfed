package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"golang.org/x/crypto/ssh"
)

// authorizedKeys are those that may log in. Keys are added to a job while it runs: the kubelet puts another file in the
// place of the one that was here, so each login looks whether it is still the same.
type authorizedKeys struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	allowed map[string]bool
	read    os.FileInfo
}

// newAuthorizedKeys fails if nobody could log in.
func newAuthorizedKeys(path string, log *slog.Logger) (*authorizedKeys, error) {
	read, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	allowed, err := readAuthorizedKeys(path)
	if err != nil {
		return nil, err
	}
	return &authorizedKeys{path: path, log: log, allowed: allowed, read: read}, nil
}

// has answers by the file as it is now. One that cannot be read lets nobody in who was not let in before, and keeps
// nobody out.
func (a *authorizedKeys) has(key ssh.PublicKey) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	// What is read after this look is at least as new: a change in between is seen by the next login.
	now, err := os.Stat(a.path)
	if err == nil && !isSame(now, a.read) {
		a.read = now
		var allowed map[string]bool
		if allowed, err = readAuthorizedKeys(a.path); err == nil {
			a.allowed = allowed
			a.log.Info("keys read again", "keys", len(allowed))
		} else {
			a.log.Warn("the keys cannot be read; those of before hold", "error", err.Error())
		}
	}
	return a.allowed[string(key.Marshal())]
}

func isSame(one, other os.FileInfo) bool {
	return os.SameFile(one, other) && one.Size() == other.Size() && one.ModTime().Equal(other.ModTime())
}

// readAuthorizedKeys reads a file of public keys and answers the wire forms of all of them. A line that is no plain
// key is an error: an option that went unheeded could have been a restriction.
func readAuthorizedKeys(path string) (map[string]bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	allowed := map[string]bool{}
	for number, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, rest, err := ssh.ParseAuthorizedKey(line)
		if err != nil || len(options) > 0 || len(rest) > 0 {
			return nil, fmt.Errorf("%s: line %d is not a public key without options", path, number+1)
		}
		allowed[string(key.Marshal())] = true
	}
	if len(allowed) == 0 {
		return nil, fmt.Errorf("%s: holds no key, so nobody could log in", path)
	}
	return allowed, nil
}
